//! Layer normalisation of values held `[features, samples]`.

use ndarray::{Array1, Array2, Axis};

use crate::model::Rules;
use crate::numeric::Scalar;

/// Centres and scales every sample over its features, then weighs them.
///
/// Source: Ba, Kiros & Hinton 2016, arXiv 1607.06450.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureNorm<T> {
    /// `[features]`
    pub weight: Array1<T>,
    /// `[features]`
    pub bias: Array1<T>,
    /// Added to the variance.
    pub epsilon: f64,
}

impl<T: Scalar> FeatureNorm<T> {
    /// The normalised value of `x: [features, samples]`.
    #[must_use]
    pub fn forward(&self, x: &Array2<T>) -> Array2<T> {
        let (mut unit, _) = self.unit(x);
        unit *= &self.weight.view().insert_axis(Axis(1));
        unit += &self.bias.view().insert_axis(Axis(1));
        unit
    }

    /// The gradient at `x`, given that at the result.
    ///
    /// dx = (g′ − mean(g′) − x̂ · mean(g′ · x̂)) / σ with g′ = weight · g; without the
    /// second mean where σ is held fixed, as relevance has it.
    #[must_use]
    pub fn backward(&self, rules: Rules, x: &Array2<T>, at: &Array2<T>) -> Array2<T> {
        let (unit, inverse) = self.unit(x);
        let mut gradient = at * &self.weight.view().insert_axis(Axis(1));
        let mean = mean(&gradient);
        let along = self::mean(&(&gradient * &unit));
        gradient -= &mean.insert_axis(Axis(0));
        if rules == Rules::Derivatives {
            gradient -= &(unit * along.insert_axis(Axis(0)));
        }
        gradient * inverse.insert_axis(Axis(0))
    }

    /// Every sample with mean 0 and variance 1, and 1/√(variance + ε) of each.
    fn unit(&self, x: &Array2<T>) -> (Array2<T>, Array1<T>) {
        let centred = x - &mean(x).insert_axis(Axis(0));
        let variance = mean(&(&centred * &centred));
        let epsilon = T::from_f64(self.epsilon);
        let inverse = variance.mapv(|v| T::one() / (v + epsilon).sqrt());
        let unit = centred * inverse.view().insert_axis(Axis(0));
        (unit, inverse)
    }
}

/// Over features, `[samples]`.
fn mean<T: Scalar>(x: &Array2<T>) -> Array1<T> {
    let features = T::from_f64(x.nrows() as f64);
    x.sum_axis(Axis(0)).mapv(|sum| sum / features)
}
