//! By what a backward pass goes: derivatives, or the rules of relevance.

use crate::numeric::{Activation, Scalar};

/// What a backward pass multiplies by at whatever is not linear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rules {
    /// Derivatives: gradients come out.
    #[default]
    Derivatives,
    /// Those of layer-wise relevance propagation: norms divide by a scale that is held
    /// fixed (LN-rule), an activation f with f(0) = 0 multiplies by f(x)/x
    /// (identity rule), each factor of a gate gets half (half rule), linear layers
    /// keep their derivative (0-rule). So does attention: with its pattern held fixed
    /// (AH-rule) no edge into queries or keys would count for anything.
    ///
    /// Source: Rezaei Jafari, Eberle, Khakzar & Nanda 2025, arXiv 2508.21258 (RelP);
    /// these three rules are what its code does unasked.
    Relevance,
}

impl Rules {
    /// Multiplies gradients at an activation's results into those at `xs`, in place;
    /// both of the same length.
    pub fn through<T: Scalar>(self, activation: Activation, gradients: &mut [T], xs: &[T]) {
        if self == Self::Derivatives || activation.at(T::zero()) != T::zero() {
            return activation.multiply_by_derivative(gradients, xs);
        }
        let mut values = xs.to_vec();
        activation.apply(&mut values);
        for ((gradient, x), value) in gradients.iter_mut().zip(xs).zip(values) {
            *gradient *= match *x == T::zero() {
                true => activation.derivative(*x),
                false => value / *x,
            };
        }
    }

    /// What each factor of a product gets of the gradient.
    #[must_use]
    pub fn share_of_factor<T: Scalar>(self) -> T {
        match self {
            Self::Derivatives => T::one(),
            Self::Relevance => T::from_f64(0.5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SiLU multiplies by the sigmoid, ReLU passes what is above 0, and a sigmoid, which
    /// is not 0 at 0, keeps its derivative.
    #[test]
    fn an_activation_multiplies_by_what_it_makes_of_its_input() {
        let through = |rules: Rules, activation: Activation, x: f64| {
            let mut gradient = [2.0];
            rules.through(activation, &mut gradient, &[x]);
            gradient[0]
        };
        let sigmoid = 1.0 / (1.0 + (-1.5_f64).exp());
        let silu = through(Rules::Relevance, Activation::Silu, 1.5);
        assert!((silu - 2.0 * sigmoid).abs() < 1e-12);
        assert_eq!(through(Rules::Relevance, Activation::Silu, 0.0), 1.0);
        assert_eq!(through(Rules::Relevance, Activation::Relu, 3.0), 2.0);
        assert_eq!(through(Rules::Relevance, Activation::Relu, -3.0), 0.0);
        for (rules, activation) in [
            (Rules::Relevance, Activation::Sigmoid),
            (Rules::Derivatives, Activation::Silu),
        ] {
            let derivative: f64 = activation.derivative(1.5);
            let found = through(rules, activation, 1.5);
            assert!((found - 2.0 * derivative).abs() < 1e-12);
        }
    }
}
