//! Where the pass of a feed-forward network can be changed; that of a transformer has
//! [hooks of its own](super::transformer::Hooks), as it resumes a clean run.

use ndarray::Array2;

/// The hooks of a feed-forward pass; by default nothing is changed.
///
/// Values are numbered as they are written, the inputs 0; linear layers as they stand in the
/// network.
pub trait PassHooks<T> {
    /// Whether [`written`](Self::written) is wanted of a value.
    fn touches(&self, value: usize) -> bool {
        let _ = value;
        false
    }

    /// Changes a value, `[width, samples]`, for whatever reads it from other sites.
    fn written(&mut self, value: usize, values: &mut Array2<T>) {
        let _ = (value, values);
    }

    /// Changes what a linear layer reads, biases included, `[width, samples]`.
    fn read(&mut self, layer: usize, read: &mut Array2<T>) {
        let _ = (layer, read);
    }
}

impl<T> PassHooks<T> for super::transformer::AsItIs {}
