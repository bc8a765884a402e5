//! AdamW and the gradient of the connection cost, in one walk over the numbers.
//!
//! Source: Loshchilov & Hutter (2019), Decoupled Weight Decay Regularization,
//! in PyTorch's form.

use pulp::Arch;

use super::Scalar;

/// AdamW (Loshchilov & Hutter 2019), in PyTorch's form; without decay it is Adam.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamW {
    /// Step size.
    pub learning_rate: f64,
    /// Decay of the mean gradient.
    pub beta1: f64,
    /// Decay of the mean squared gradient.
    pub beta2: f64,
    /// Added to the root of the mean squared gradient.
    pub epsilon: f64,
    /// Share of a weight that decays per step and unit of step size.
    pub weight_decay: f64,
}

impl AdamW {
    /// The usual settings at a step size, without decay.
    #[must_use]
    pub fn usual(learning_rate: f64) -> Self {
        Self {
            learning_rate,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
        }
    }
}

/// The optimiser's memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments<T> {
    /// Running mean of the gradient.
    pub mean: Vec<T>,
    /// Running mean of its square.
    pub square: Vec<T>,
}

impl<T: Scalar> Moments<T> {
    /// None yet, for `len` numbers.
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self {
            mean: vec![T::zero(); len],
            square: vec![T::zero(); len],
        }
    }
}

/// The numbers of one update that are the same for all parameters.
struct Rates<T> {
    decay: T,
    new_mean: T,
    old_square: T,
    new_square: T,
    lambda: T,
    step_size: T,
    correction: T,
    epsilon: T,
}

/// One update; `step` counts from 1.
///
/// The gradient of each number is `gradients` + `lambda` · `costs` · sign(value),
/// with sign(0) = 0; all slices are of one length.
pub fn update<T: Scalar>(
    values: &mut [T],
    moments: &mut Moments<T>,
    gradients: &[T],
    (lambda, costs): (f64, &[T]),
    adamw: AdamW,
    step: usize,
) {
    let rates = Rates::at(adamw, lambda, step);
    let numbers = values
        .iter_mut()
        .zip(&mut moments.mean)
        .zip(&mut moments.square);
    let slopes = gradients.iter().zip(costs);
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (((value, mean), square), (gradient, cost)) in numbers.zip(slopes) {
                rates.apply(value, mean, square, *gradient, *cost);
            }
        },
    );
}

impl<T: Scalar> Rates<T> {
    fn at(adamw: AdamW, lambda: f64, step: usize) -> Self {
        let remaining = |beta: f64| 1.0 - beta.powi(i32::try_from(step).unwrap_or(i32::MAX));
        Self {
            decay: T::from_f64(1.0 - adamw.learning_rate * adamw.weight_decay),
            new_mean: T::from_f64(1.0 - adamw.beta1),
            old_square: T::from_f64(adamw.beta2),
            new_square: T::from_f64(1.0 - adamw.beta2),
            lambda: T::from_f64(lambda),
            step_size: T::from_f64(adamw.learning_rate / remaining(adamw.beta1)),
            correction: T::from_f64(remaining(adamw.beta2).sqrt()),
            epsilon: T::from_f64(adamw.epsilon),
        }
    }

    #[inline(always)]
    fn apply(&self, value: &mut T, mean: &mut T, square: &mut T, gradient: T, cost: T) {
        let zero = T::zero();
        let penalty = self.lambda * cost;
        let pull = if *value > zero {
            penalty
        } else if *value < zero {
            -penalty
        } else {
            zero
        };
        let slope = gradient + pull;
        *mean = *mean + (slope - *mean) * self.new_mean;
        *square = *square * self.old_square + slope * slope * self.new_square;
        let scale = square.sqrt() / self.correction + self.epsilon;
        *value = *value * self.decay - self.step_size * (*mean / scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADAMW: AdamW = AdamW {
        learning_rate: 0.1,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 0.0,
        weight_decay: 0.0,
    };

    /// The first update moves every number by the step size against its gradient.
    #[test]
    fn the_first_step_has_the_step_size() {
        let mut values = [1.0_f64, -1.0, 0.5];
        let mut moments = Moments::new(3);
        update(
            &mut values,
            &mut moments,
            &[2.0, 0.1, -7.0],
            (0.0, &[0.0; 3]),
            ADAMW,
            1,
        );
        for (value, expected) in values.iter().zip([0.9, -1.1, 0.6]) {
            assert!((value - expected).abs() < 1e-12, "{value}");
        }
    }

    #[test]
    fn the_penalty_pulls_towards_zero_and_leaves_zero() {
        let mut values = [1.0_f64, -1.0, 0.0];
        let mut moments = Moments::new(3);
        let adamw = AdamW {
            epsilon: 1e-8,
            ..ADAMW
        };
        update(
            &mut values,
            &mut moments,
            &[0.0; 3],
            (1.0, &[0.3; 3]),
            adamw,
            1,
        );
        assert!((values[0] - 0.9).abs() < 1e-6 && (values[1] + 0.9).abs() < 1e-6);
        assert_eq!(values[2], 0.0);
    }

    #[test]
    fn decay_shrinks_weights_apart_from_their_gradient() {
        let mut values = [2.0_f64];
        let adamw = AdamW {
            weight_decay: 0.5,
            epsilon: 1e-8,
            ..ADAMW
        };
        update(
            &mut values,
            &mut Moments::new(1),
            &[0.0],
            (0.0, &[0.0]),
            adamw,
            1,
        );
        assert!((values[0] - 1.9).abs() < 1e-12);
    }
}
