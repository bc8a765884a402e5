//! Layer normalisation, forward and backward.

use ndarray::{Array1, Array2, ArrayViewMut2, Axis};

use super::rows::{row_mut, slice_mut};
use crate::model::Rules;
use crate::numeric::Scalar;

/// Scales every row, or every stretch of it, then weighs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Norm<T> {
    /// By what it scales.
    pub kind: NormKind,
    /// Equal stretches of a row that are normalised each by itself: the heads of
    /// queries or keys; 1 in the stream.
    pub stretches: usize,
    /// `[d]`
    pub weight: Array1<T>,
    /// `[d]`
    pub bias: Array1<T>,
    /// Added to the variance.
    pub epsilon: T,
    /// Whether weight and bias are trained numbers: not where they are folded
    /// into what follows.
    pub trained: bool,
}

/// By what a norm scales.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormKind {
    /// Centred, and by the standard deviation. Source: Ba, Kiros & Hinton 2016,
    /// arXiv 1607.06450.
    Layer,
    /// By the root of the mean square. Source: Zhang & Sennrich 2019, arXiv 1910.07467.
    Rms,
}

/// What the backward pass needs of a normalisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Normed<T> {
    /// Rows scaled, before they are weighed, `[rows, d]`.
    pub unit: Array2<T>,
    /// 1/√(variance + ε) of every stretch of every row, `[rows · stretches]`.
    pub inverse: Vec<T>,
}

impl<T: Scalar> Norm<T> {
    /// LayerNorm.
    #[must_use]
    pub fn layer(weight: Array1<T>, bias: Array1<T>, epsilon: f64) -> Self {
        Self {
            kind: NormKind::Layer,
            stretches: 1,
            weight,
            bias,
            epsilon: T::from_f64(epsilon),
            trained: true,
        }
    }

    /// RMSNorm; where a framework means 1 + w, that is the weight.
    #[must_use]
    pub fn rms(weight: Array1<T>, epsilon: f64) -> Self {
        Self {
            kind: NormKind::Rms,
            ..Self::layer(weight.clone(), Array1::zeros(weight.len()), epsilon)
        }
    }

    /// One whose weight and bias are folded into what follows.
    #[must_use]
    pub fn folded(kind: NormKind, width: usize, epsilon: f64) -> Self {
        Self {
            kind,
            trained: false,
            ..Self::layer(Array1::ones(width), Array1::zeros(width), epsilon)
        }
    }

    /// The same on each of so many heads, which share this weight.
    #[must_use]
    pub fn per_head(&self, heads: usize) -> Self {
        let repeat = |x: &Array1<T>| (0..heads).flat_map(|_| x.to_vec()).collect();
        Self {
            weight: repeat(&self.weight),
            bias: repeat(&self.bias),
            ..self.clone().in_stretches(heads)
        }
    }

    /// The same on so many equal stretches, each with its part of the weight.
    #[must_use]
    pub fn in_stretches(mut self, stretches: usize) -> Self {
        self.stretches = stretches;
        self
    }

    /// The same on these of its columns, each as often as it is named, in a row that is `times`
    /// as wide: stretches of at most `head` columns are as many times as many, wider ones are
    /// wider.
    #[must_use]
    pub fn repeated(&self, columns: &[usize], times: usize, head: usize) -> Self {
        let of = |x: &Array1<T>| x.select(Axis(0), columns);
        let narrow = self.weight.len() <= head * self.stretches;
        Self {
            weight: of(&self.weight),
            bias: of(&self.bias),
            stretches: self.stretches * if narrow { times } else { 1 },
            ..self.clone()
        }
    }

    /// Trained numbers.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        match (self.trained, self.kind) {
            (false, _) => 0,
            (true, NormKind::Layer) => 2 * self.weight.len(),
            (true, NormKind::Rms) => self.weight.len(),
        }
    }

    fn stretch(&self) -> usize {
        self.weight.len() / self.stretches
    }

    /// The normalised rows of `x: [rows, d]`, and what the backward pass needs.
    #[must_use]
    pub fn forward(&self, x: &Array2<T>) -> (Array2<T>, Normed<T>) {
        let mut unit = x.clone();
        let stretches = slice_mut(&mut unit).chunks_exact_mut(self.stretch());
        let inverse = stretches
            .map(|x| scale(x, self.kind, self.epsilon))
            .collect();
        let normed = Normed { unit, inverse };
        (self.weighed(&normed), normed)
    }

    /// The normalised rows again, `[rows, d]`.
    #[must_use]
    pub fn weighed(&self, normed: &Normed<T>) -> Array2<T> {
        &normed.unit * &self.weight + &self.bias
    }

    /// Turns gradients at the result, `[rows, d]`, into gradients at `x`, in place.
    ///
    /// dx = (g′ − mean(g′) − x̂ · mean(g′ · x̂)) / σ with g′ = weight · g; without
    /// the first mean where nothing is centred, and without the second where σ is
    /// held fixed, as relevance has it.
    pub fn backward(&self, rules: Rules, normed: &Normed<T>, mut gradient: ArrayViewMut2<'_, T>) {
        gradient *= &self.weight;
        let inverses = normed.inverse.chunks_exact(self.stretches);
        let rows = gradient.rows_mut().into_iter().zip(normed.unit.rows());
        for ((row, unit), inverses) in rows.zip(inverses) {
            let unit = unit
                .to_slice()
                .unwrap_or_else(|| unreachable!("the unit rows are in standard layout"));
            let stretches = row_mut(row).chunks_exact_mut(self.stretch());
            let units = unit.chunks_exact(self.stretch());
            for ((row, unit), inverse) in stretches.zip(units).zip(inverses) {
                backward_stretch(row, unit, (rules, self.kind), *inverse);
            }
        }
    }
}

impl<T: Scalar> Normed<T> {
    /// What the backward pass needs of some of the rows of a norm without stretches.
    #[must_use]
    pub fn rows(&self, rows: &[usize]) -> Self {
        Self {
            unit: self.unit.select(Axis(0), rows),
            inverse: rows.iter().map(|row| self.inverse[*row]).collect(),
        }
    }
}

fn scale<T: Scalar>(row: &mut [T], kind: NormKind, epsilon: T) -> T {
    let width = T::from_f64(row.len() as f64);
    if kind == NormKind::Layer {
        let mean = sum(row.iter().copied()) / width;
        row.iter_mut().for_each(|x| *x -= mean);
    }
    let variance = dot(row, row) / width;
    let inverse = T::one() / (variance + epsilon).sqrt();
    row.iter_mut().for_each(|x| *x *= inverse);
    inverse
}

fn backward_stretch<T: Scalar>(
    row: &mut [T],
    unit: &[T],
    (rules, kind): (Rules, NormKind),
    inverse: T,
) {
    let width = T::from_f64(row.len() as f64);
    let mean = match kind {
        NormKind::Layer => sum(row.iter().copied()) / width,
        NormKind::Rms => T::zero(),
    };
    let along = match rules {
        Rules::Derivatives => dot(row, unit) / width,
        Rules::Relevance => T::zero(),
    };
    for (g, x) in row.iter_mut().zip(unit) {
        *g = (*g - mean - *x * along) * inverse;
    }
}

/// Independent running sums, so that the loop vectorises.
const LANES: usize = 16;

/// Σ a·b, in a fixed order.
pub(super) fn dot<T: Scalar>(a: &[T], b: &[T]) -> T {
    let (a_chunks, b_chunks) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut lanes = [T::zero(); LANES];
    for (x, y) in a_chunks.0.iter().zip(b_chunks.0) {
        for lane in 0..LANES {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    let rest = a_chunks.1.iter().zip(b_chunks.1).map(|(x, y)| *x * *y);
    sum(lanes.into_iter()) + sum(rest)
}

fn sum<T: Scalar>(xs: impl Iterator<Item = T>) -> T {
    xs.fold(T::zero(), |total, x| total + x)
}
