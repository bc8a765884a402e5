//! What weights say by themselves. The weights of norms before and after are multiplied in;
//! centring and scales, which depend on samples, are left out, and so are positions.

use ndarray::{Array1, Array2, ArrayView1, Axis};

use super::Looked;
use super::attribution::projection;
use crate::model::transformer::{Embedding, FeedForward, Letter, Norm};
use crate::numeric::eigen::{eigenvalues, largest_singular};
use crate::numeric::statistics::{mean, population_sd};
use crate::numeric::{Scalar, parallel};
use crate::order;
use crate::result::{HeadWeights, LayerCosines, Scored};

/// From which |cosine| on a neuron writes, or takes away, what it reads.
const ALIKE: f64 = 0.5;

impl<T: Scalar> Looked<'_, T> {
    /// The outputs that a direction `[d]` of the last stream raises and lowers most.
    pub fn told(&self, direction: &Array1<f64>) -> (Vec<Scored>, Vec<Scored>) {
        let logits = self.logits(direction);
        let mut order: Vec<usize> = (0..logits.len()).collect();
        order::descending(&mut order, |index| logits[*index]);
        let scored = |output: &usize| Scored {
            output: self.name(*output),
            logit: logits[*output],
        };
        let top = self.settings.top.min(order.len());
        (
            order[..top].iter().map(scored).collect(),
            order.iter().rev().take(top).map(scored).collect(),
        )
    }

    /// The logits of a direction `[d]`, the final norm's weight multiplied in, and that of a
    /// layer before the unembedding where it leads to another width.
    fn logits(&self, direction: &Array1<f64>) -> Vec<f64> {
        let read = weighed(direction, self.model.final_norm.as_ref());
        let mut read = read.mapv(T::from_f64);
        let unembedding = self.model.unembedding();
        if let Some(head) = &self.model.head
            && unembedding.nrows() != read.len()
        {
            read = head.weight.t().dot(&read);
        }
        let logits = unembedding.t().dot(&read);
        logits
            .iter()
            .map(|x| x.widen() * self.model.logits.scale)
            .collect()
    }

    /// The weights of every head.
    pub fn heads(&self) -> Vec<HeadWeights> {
        let between = self.tokens_to_tokens();
        let blocks = self.model.blocks.iter().enumerate();
        let all = blocks.flat_map(|(layer, block)| {
            (0..block.attention.heads.count).map(move |head| (layer, head))
        });
        parallel::map(all, |(layer, head)| {
            self.head(layer, head, between.as_ref())
        })
    }

    fn head(&self, layer: usize, head: usize, between: Option<&Array2<f64>>) -> HeadWeights {
        let attention = &self.model.blocks[layer].attention;
        let norm = attention.norms.before.as_ref();
        let key = attention.heads.key_of(head);
        let read = |letter, head| rows_weighed(projection(attention, letter, head), norm);
        let (q, k) = (read(Letter::Q, head), read(Letter::K, key));
        let v = read(Letter::V, key);
        let o = attention.head_out(head).mapv(Scalar::widen);
        let o = columns_weighed(o, attention.norms.after.as_ref());
        // ‖A·Bᵀ‖² = tr(AᵀA · BᵀB), of matrices as wide as a head.
        let norm_of = |a: &Array2<f64>, b: &Array2<f64>| {
            let product = a.t().dot(a).dot(&b.t().dot(b));
            product.diag().sum().max(0.0).sqrt()
        };
        let ov = norm_of(&v, &o.t().to_owned());
        let (size, direction) = first_direction(&v, &o);
        let (largest, smallest) = self.told(&direction);
        HeadWeights {
            head: format!("a{layer}.h{head}"),
            qk: norm_of(&q, &k),
            ov,
            copying: between.and_then(|between| copying(&v, &o, between)),
            first: if ov > 0.0 { (size / ov).powi(2) } else { 0.0 },
            largest,
            smallest,
        }
    }

    /// W_U·W_E, `[d, d]`, where outputs are the tokens that go in.
    fn tokens_to_tokens(&self) -> Option<Array2<f64>> {
        let Embedding::Tokens(table) = &self.model.embedding else {
            return None;
        };
        let is_direct = self.model.head.is_none() && self.model.embedding_map.is_none();
        if table.nrows() != self.model.outputs() || !is_direct {
            return None;
        }
        // Outputs and tokens are counted alike where nothing permutes them.
        let alike = |(place, target): (usize, &usize)| place == *target;
        if !self.model.out_perm.iter().enumerate().all(alike) {
            return None;
        }
        let unembedding = self.model.unembedding();
        let both = unembedding.dot(table).mapv(Scalar::widen);
        Some(rows_weighed(both, self.model.final_norm.as_ref()))
    }

    /// What neurons read beside what they write, by block.
    pub fn cosines(&self) -> Vec<LayerCosines> {
        let mut all = Vec::new();
        for (layer, block) in self.model.blocks.iter().enumerate() {
            let Some(mlp) = &block.mlp else { continue };
            all.push(self.cosines_of(layer, mlp, "up", &mlp.up));
            if let Some(gate) = &mlp.gate {
                all.push(self.cosines_of(layer, mlp, "gate", &gate.weight));
            }
        }
        all
    }

    fn cosines_of(
        &self,
        layer: usize,
        mlp: &FeedForward<T>,
        name: &str,
        reads: &Array2<T>,
    ) -> LayerCosines {
        let neurons = reads.ncols();
        let one = |neuron: usize| self.cosine(layer, reads.column(neuron), mlp.down.row(neuron));
        let values: Vec<f64> = (0..neurons).map(one).collect();
        LayerCosines {
            layer,
            reads: name.to_owned(),
            neurons,
            mean: mean(&values),
            deviation: population_sd(&values),
            enriched: values.iter().filter(|x| **x >= ALIKE).count(),
            depleted: values.iter().filter(|x| **x <= -ALIKE).count(),
        }
    }

    /// Cosine of what a neuron reads, the norm's weight multiplied in, and what it writes.
    pub fn cosine(&self, layer: usize, read: ArrayView1<'_, T>, wrote: ArrayView1<'_, T>) -> f64 {
        let mlp = self.model.blocks[layer].mlp.as_ref();
        let norm = mlp.and_then(|mlp| mlp.norms.before.as_ref());
        let after = mlp.and_then(|mlp| mlp.norms.after.as_ref());
        let read = weighed(&read.mapv(Scalar::widen), norm);
        let wrote = weighed(&wrote.mapv(Scalar::widen), after);
        let sizes = read.dot(&read).sqrt() * wrote.dot(&wrote).sqrt();
        match sizes > 0.0 {
            true => read.dot(&wrote) / sizes,
            false => 0.0,
        }
    }
}

/// A direction with a norm's weight multiplied in.
fn weighed<T: Scalar>(direction: &Array1<f64>, norm: Option<&Norm<T>>) -> Array1<f64> {
    match norm {
        Some(norm) => direction * &norm.weight.mapv(Scalar::widen),
        None => direction.clone(),
    }
}

/// `[d, n]` with a norm's weight multiplied into its rows.
fn rows_weighed<T: Scalar>(matrix: Array2<f64>, norm: Option<&Norm<T>>) -> Array2<f64> {
    match norm {
        Some(norm) => matrix * &norm.weight.mapv(Scalar::widen).insert_axis(Axis(1)),
        None => matrix,
    }
}

/// `[n, d]` with a norm's weight multiplied into its columns.
fn columns_weighed<T: Scalar>(matrix: Array2<f64>, norm: Option<&Norm<T>>) -> Array2<f64> {
    match norm {
        Some(norm) => matrix * &norm.weight.mapv(Scalar::widen),
        None => matrix,
    }
}

/// The largest singular value of V·O and its right direction, `[d]`, without the product
/// itself: VᵀV = RᵀR makes R·O as wide as a head with the same right vectors.
fn first_direction(v: &Array2<f64>, o: &Array2<f64>) -> (f64, Array1<f64>) {
    match root(&v.t().dot(v)) {
        Some(root) => largest_singular(&root.dot(o)),
        None => largest_singular(&v.dot(o)),
    }
}

/// R with RᵀR = A (Cholesky); `None` where A is not positive definite.
fn root(a: &Array2<f64>) -> Option<Array2<f64>> {
    let n = a.nrows();
    let mut r = Array2::<f64>::zeros((n, n));
    for i in 0..n {
        for j in i..n {
            let before: f64 = (0..i).map(|k| r[[k, i]] * r[[k, j]]).sum();
            let left = a[[i, j]] - before;
            if i == j {
                if left <= f64::EPSILON * a[[i, i]].abs() {
                    return None;
                }
                r[[i, i]] = left.sqrt();
            } else {
                r[[i, j]] = left / r[[i, i]];
            }
        }
    }
    Some(r)
}

/// Σλ / Σ|λ| of W_E·V·O·W_U, whose eigenvalues other than 0 are those of O·(W_U·W_E)·V.
/// Source: Elhage et al. 2021.
fn copying(v: &Array2<f64>, o: &Array2<f64>, between: &Array2<f64>) -> Option<f64> {
    let values = eigenvalues(&o.dot(between).dot(v))?;
    let sum: f64 = values.iter().map(|(re, _)| re).sum();
    let size: f64 = values.iter().map(|(re, im)| re.hypot(*im)).sum();
    (size > 0.0).then(|| sum / size)
}
