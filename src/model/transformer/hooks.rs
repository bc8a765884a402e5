//! Where a pass can be read and changed.
//!
//! There is one forward pass and one backward pass; both call hooks at every
//! reader, writer and linear layer. Patching is edits at hooks of the forward
//! pass; gradients are read at hooks of the backward pass.
//!
//! *Sublayers* are numbered 2l (the heads of block l) and 2l + 1 (its MLP, where
//! it has one); the end, 2 · blocks, comes after them.

use ndarray::{Array2, ArrayView2, ArrayViewMut2};

use super::{Letter, Matrix, Reader};
use crate::model::Rules;

/// The hooks of a forward pass; by default nothing is changed.
///
/// A pass may resume from a clean one. What reads the clean stream and is not
/// touched is then taken over, not computed again.
pub trait Hooks<T> {
    /// Whether anything may change at a sublayer, what it reads and writes included.
    fn touches(&self, sublayer: usize) -> bool {
        let _ = sublayer;
        false
    }

    /// Whether linear layers of a sublayer may be changed.
    fn touches_linears(&self, sublayer: usize) -> bool {
        let _ = sublayer;
        false
    }

    /// Whether the stream before a sublayer or the end is changed.
    fn touches_stream(&self, sublayer: usize) -> bool {
        let _ = sublayer;
        false
    }

    /// Changes the stream before a sublayer or the end, `[rows, d]`, for whatever
    /// reads it from there on. The MLP of a parallel block reads what its heads do.
    fn stream(&mut self, sublayer: usize, stream: &mut Array2<T>) {
        let _ = (sublayer, stream);
    }

    /// What one reader reads, `[rows, d]`, if that is not the stream; `stream`
    /// has the rows that it reads, and is `None` where it is the clean run's.
    fn input(&mut self, reader: Reader, stream: Option<&Array2<T>>) -> Option<Array2<T>> {
        let _ = (reader, stream);
        None
    }

    /// Whether queries, keys, values or what heads hold may be changed at a sublayer
    /// of heads.
    fn touches_heads(&self, sublayer: usize) -> bool {
        let _ = sublayer;
        false
    }

    /// Changes queries, keys or values as they are projected, `[rows, width of all]`.
    fn projected(&mut self, layer: usize, letter: Letter, values: ArrayViewMut2<'_, T>) {
        let _ = (layer, letter, values);
    }

    /// Changes what the heads of a block hold, `[queries, heads · width]`.
    fn held(&mut self, layer: usize, held: &mut Array2<T>) {
        let _ = (layer, held);
    }

    /// What a linear layer writes, `[rows, out]`, biases included, if that is not
    /// its matrix times `x: [rows, in]`; `known` is what it writes unchanged,
    /// where that is at hand.
    fn linear(
        &mut self,
        matrix: Matrix,
        x: ArrayView2<'_, T>,
        known: Option<ArrayView2<'_, T>>,
    ) -> Option<Array2<T>> {
        let _ = (matrix, x, known);
        None
    }

    /// Changes the hidden neurons of a touched MLP, `[rows, hidden]`.
    fn hidden(&mut self, layer: usize, hidden: &mut Array2<T>) {
        let _ = (layer, hidden);
    }

    /// Whether anything reads what a reader's node writes: what nothing reads is not
    /// computed, and stands as in the clean run.
    fn is_read(&self, reader: Reader) -> bool {
        let _ = reader;
        true
    }

    /// What a touched sublayer adds to the stream, if that is better known here.
    fn wrote(&mut self, wrote: Wrote<'_, T>) -> Option<Message<T>> {
        let _ = wrote;
        None
    }

    /// Whether what the norm of the stream after a sublayer writes is changed.
    fn touches_sum(&self, sublayer: usize) -> bool {
        let _ = sublayer;
        false
    }

    /// Takes, or changes, what the norm of the stream after a sublayer writes,
    /// `[rows, d]`.
    fn normed(&mut self, sublayer: usize, values: &mut Array2<T>) {
        let _ = (sublayer, values);
    }
}

/// What a sublayer adds to the stream.
#[derive(Debug, Clone)]
pub enum Message<T> {
    /// What it adds in the clean run.
    Clean,
    /// That, and this besides, `[rows, d]`.
    Shifted(Array2<T>),
    /// This, `[rows, d]`.
    Whole(Array2<T>),
}

/// What a sublayer has computed.
#[derive(Debug)]
pub struct Wrote<'w, T> {
    /// Its number.
    pub sublayer: usize,
    /// What the heads hold or the hidden neurons, `[rows, width]`.
    pub values: &'w Array2<T>,
    /// What it writes, where that is normalised, `[rows, d]`.
    pub message: Option<&'w Array2<T>>,
    /// The heads that were computed; the others are as in the clean run.
    pub heads: &'w [usize],
}

/// No hooks: the pass as it is.
#[derive(Debug, Clone, Copy)]
pub struct AsItIs;

impl<T> Hooks<T> for AsItIs {}

/// The hooks of a backward pass.
pub trait Gradients<T> {
    /// By what the pass goes at whatever is not linear.
    fn rules(&self) -> Rules {
        Rules::Derivatives
    }

    /// The first sublayer at which gradients are wanted.
    fn first(&self) -> usize {
        0
    }

    /// Whether [`reader`](Self::reader) is wanted.
    fn by_reader(&self) -> bool {
        false
    }

    /// The gradient at what a linear layer writes, `[rows, out]`.
    fn linear(&mut self, matrix: Matrix, gradient: ArrayView2<'_, T>) {
        let _ = (matrix, gradient);
    }

    /// Whether [`patterns`](Self::patterns) is wanted.
    fn by_pattern(&self) -> bool {
        false
    }

    /// The gradient at what the heads of a block see,
    /// `[samples · heads · queries per sample, length]`.
    fn patterns(&mut self, layer: usize, gradient: &Array2<T>) {
        let _ = (layer, gradient);
    }

    /// The gradients at the inputs of readers.
    fn reader(&mut self, gradient: ReaderGradient<T>) {
        let _ = gradient;
    }

    /// The gradient at the stream before a block (2l) or at the end,
    /// `[rows, d]`; it flows on as it is left.
    fn stream(&mut self, sublayer: usize, gradient: &mut Array2<T>) {
        let _ = (sublayer, gradient);
    }

    /// The gradient at an MLP's hidden neurons, `[rows, hidden]`; it flows on as
    /// it is left.
    fn hidden(&mut self, layer: usize, gradient: &mut Array2<T>) {
        let _ = (layer, gradient);
    }

    /// What gradient flows into what a sublayer writes.
    fn written(&mut self, sublayer: usize) -> Flow<T> {
        let _ = sublayer;
        Flow::Stream
    }

    /// What gradient flows into what the norm of the stream after a sublayer writes.
    fn at_sum(&mut self, sublayer: usize) -> Flow<T> {
        let _ = sublayer;
        Flow::Stream
    }
}

/// The gradient at what a writer writes.
#[derive(Debug, Clone)]
pub enum Flow<T> {
    /// That of the stream.
    Stream,
    /// None: it is held fixed.
    Nothing,
    /// Of each head by itself, or of the one writer, `[rows, d]`.
    Each(Vec<Array2<T>>),
}

/// The gradients at the inputs of readers that read the same rows.
#[derive(Debug, Clone)]
pub struct ReaderGradient<T> {
    /// The first reader; the others are the next heads' of its letter.
    pub first: Reader,
    /// `[readers, rows · d]`: rows are all positions, or readings where the
    /// readers read no more (the last block's queries and MLP, and the logits).
    pub gradients: Array2<T>,
}
