//! The forward pass: recorded, and resumed with hooks.

mod heads;
mod hidden;
mod sums;

use std::sync::Arc;

use ndarray::{Array2, ArrayView2, Axis, s};

use super::hooks::{AsItIs, Hooks, Message};
use super::rows::{linear, normalise, slice_mut};
use super::trace::{HeadTrace, NormTrace};
use super::{
    Answers, AttentionTrace, Embedding, End, Letter, Matrix, MlpTrace, Norm, Normed, Reader,
    SequenceInputs, SequenceTrace, Sequences, Transformer,
};
use crate::numeric::{Scalar, parallel};

impl<T: Scalar> Transformer<T> {
    /// The whole forward pass; outputs at `answers` alone.
    #[must_use]
    pub fn forward(
        &self,
        inputs: &SequenceInputs<T>,
        answers: &Answers,
        length: usize,
    ) -> SequenceTrace<T> {
        let everywhere = Answers::everywhere(answers.samples(), length);
        let mut hooks = AsItIs;
        let mut run = Run::new(self, (&everywhere, answers), None, &mut hooks);
        let stream = run.first_stream(self.embed(inputs));
        run.recorded(0, stream)
    }

    /// Resumes a pass before a block, the number of blocks for the end: with
    /// this residual stream, `[rows, d]`, or with that of the pass. What comes
    /// before is taken from it.
    #[must_use]
    pub fn resume(
        &self,
        clean: &SequenceTrace<T>,
        block: usize,
        stream: Option<Array2<T>>,
        hooks: &mut dyn Hooks<T>,
    ) -> SequenceTrace<T> {
        let run = Run::new(
            self,
            (&clean.everywhere, &clean.answers),
            Some(clean),
            hooks,
        );
        run.recorded(block, Stream::of(stream))
    }

    /// Runs a pass anew on what inputs write, `[rows, d]`, positions aside; with
    /// the samples, positions and readings of another.
    #[must_use]
    pub fn resume_embedded(
        &self,
        clean: &SequenceTrace<T>,
        embedded: Array2<T>,
        hooks: &mut dyn Hooks<T>,
    ) -> SequenceTrace<T> {
        let answers = (&clean.everywhere, &clean.answers);
        let mut run = Run::new(self, answers, Some(clean), hooks);
        let stream = run.first_stream(embedded);
        run.recorded(0, stream)
    }

    /// The outputs of a resumed pass, `[readings, outputs]`; nothing else is kept.
    #[must_use]
    pub fn resumed_outputs(
        &self,
        clean: &SequenceTrace<T>,
        block: usize,
        hooks: &mut dyn Hooks<T>,
    ) -> Array2<T> {
        let answers = (&clean.everywhere, &clean.answers);
        let mut run = Run::new(self, answers, Some(clean), hooks);
        run.keeps = false;
        run.go(block, Stream::Clean).outputs
    }

    /// What heads would see if their queries or keys read something else: `visit` gets
    /// the number of each of `inputs`, `[rows, d]` as the reader reads it, and the
    /// patterns, `[samples · heads · queries per sample, length]`.
    pub fn seen_instead(
        &self,
        trace: &SequenceTrace<T>,
        (layer, letter, head): (usize, Letter, usize),
        inputs: impl Iterator<Item = Array2<T>>,
        mut visit: impl FnMut(usize, &Array2<T>),
    ) {
        let attention = &self.blocks[layer].attention;
        let sight = trace.sight(layer, self.blocks.len());
        let reached: Vec<usize> = attention.reached_by(letter, head).collect();
        let mut half = AttentionTrace::clone(&trace.attention[layer]);
        for (number, input) in inputs.enumerate() {
            let (x, _) = normalise(attention.norms.before.as_ref(), &input);
            let projected = attention.read(letter, head, &x);
            let mut place = half.columns_mut(letter);
            place
                .slice_mut(s![.., attention.heads.head_columns(head)])
                .assign(&projected);
            attention.attend(sight, &mut half, &reached);
            visit(number, &half.pattern);
        }
    }

    /// The outputs at all readings of a batch, `[outputs, readings]`; parts of
    /// it run in parallel.
    #[must_use]
    pub fn outputs_of(&self, batch: &Sequences<T>) -> Array2<T> {
        let run = |part: &Sequences<T>| {
            let trace = self.forward(&part.inputs, &part.answers, part.length());
            trace.end.outputs
        };
        let parts: Vec<Array2<T>> = parallel::map(&batch.parts(), run);
        let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
        match views.is_empty() {
            true => Array2::zeros((self.outputs(), 0)),
            false => ndarray::concatenate(Axis(0), &views)
                .unwrap_or_else(|_| unreachable!("all parts have the same outputs"))
                .reversed_axes(),
        }
    }

    /// What is made at the end of a stream `[rows, d]` at the positions of `answers`: norm,
    /// unembedding and all, `[readings, outputs]`.
    #[must_use]
    pub fn outputs_of_stream(&self, stream: Array2<T>, answers: &Answers) -> Array2<T> {
        let mut hooks = AsItIs;
        let mut run = Run::new(self, (answers, answers), None, &mut hooks);
        run.outputs(stream).outputs
    }

    /// What the inputs write into the stream, positions aside, `[samples · length, d]`.
    ///
    /// # Panics
    /// If tokens are given to a network of numbers, or numbers to one of tokens;
    /// [`Sequences::new`] lets no such pair through.
    #[must_use]
    pub fn embed(&self, inputs: &SequenceInputs<T>) -> Array2<T> {
        match (inputs, &self.embedding) {
            (SequenceInputs::Values(x), Embedding::Values { weight, bias, .. }) => {
                self.scaled(linear(x, weight.view(), bias.view()))
            }
            (SequenceInputs::Tokens(ids), Embedding::Tokens(table)) => {
                let ids: Vec<usize> = ids.iter().copied().collect();
                self.scaled(table.select(Axis(0), &ids))
            }
            _ => unreachable!("sequences are checked against the network"),
        }
    }

    /// What inputs write, multiplied by the embedding's scale.
    #[must_use]
    pub fn scaled(&self, mut embedded: Array2<T>) -> Array2<T> {
        if self.embedding_scale != T::one() {
            embedded *= self.embedding_scale;
        }
        embedded
    }

    /// The position embedding of every row, `[samples · length, d]`.
    #[must_use]
    pub fn position_rows(&self, samples: usize, length: usize) -> Option<Array2<T>> {
        let positions = self.positions.as_ref()?;
        let shape = (samples * length, positions.ncols());
        Some(Array2::from_shape_fn(shape, |(row, d)| {
            positions[[row % length, d]]
        }))
    }

    /// The norm on what a sublayer writes.
    pub(super) fn norm_after(&self, sublayer: usize) -> Option<&Norm<T>> {
        let block = &self.blocks[sublayer / 2];
        match (sublayer % 2, &block.mlp) {
            (0, _) => block.attention.norms.after.as_ref(),
            (_, mlp) => mlp.as_ref().and_then(|mlp| mlp.norms.after.as_ref()),
        }
    }

    /// The norm on the stream after a sublayer.
    pub(super) fn norm_of_sum(&self, sublayer: usize) -> Option<&Norm<T>> {
        let block = &self.blocks[sublayer / 2];
        match (sublayer % 2, &block.mlp) {
            (0, _) if block.is_parallel() => None,
            (0, _) => block.attention.norms.sum.as_ref(),
            (_, mlp) => mlp.as_ref().and_then(|mlp| mlp.norms.sum.as_ref()),
        }
    }

    /// What the unembedding reads becomes outputs, `[readings, outputs]`: with
    /// biases, scaled and capped.
    fn logits(&self, mut logits: Array2<T>) -> Array2<T> {
        if self.logits.scale != 1.0 {
            logits *= T::from_f64(self.logits.scale);
        }
        if let Some(cap) = self.logits.cap.map(T::from_f64) {
            logits.mapv_inplace(|z| cap * (z / cap).tanh());
        }
        logits
    }
}

/// The stream between two sublayers.
enum Stream<T> {
    /// That of the clean run.
    Clean,
    /// `[rows, d]`
    Changed(Array2<T>),
}

impl<T> Stream<T> {
    fn of(values: Option<Array2<T>>) -> Self {
        values.map_or(Self::Clean, Self::Changed)
    }

    fn changed(&self) -> Option<&Array2<T>> {
        match self {
            Self::Clean => None,
            Self::Changed(values) => Some(values),
        }
    }
}

/// A pass under way.
struct Run<'r, T> {
    model: &'r Transformer<T>,
    everywhere: &'r Answers,
    answers: &'r Answers,
    clean: Option<&'r SequenceTrace<T>>,
    hooks: &'r mut dyn Hooks<T>,
    /// Whether what is computed is kept.
    keeps: bool,
    embedding: Option<Arc<Normed<T>>>,
    attention: Vec<Arc<AttentionTrace<T>>>,
    mlp: Vec<Option<Arc<MlpTrace<T>>>>,
    after: Vec<Option<Arc<NormTrace<T>>>>,
    sums: Vec<Option<Arc<NormTrace<T>>>>,
}

impl<'r, T: Scalar> Run<'r, T> {
    fn new(
        model: &'r Transformer<T>,
        (everywhere, answers): (&'r Answers, &'r Answers),
        clean: Option<&'r SequenceTrace<T>>,
        hooks: &'r mut dyn Hooks<T>,
    ) -> Self {
        Self {
            model,
            everywhere,
            answers,
            clean,
            hooks,
            keeps: true,
            embedding: clean.and_then(|clean| clean.embedding.clone()),
            attention: Vec::new(),
            mlp: Vec::new(),
            after: Vec::new(),
            sums: Vec::new(),
        }
    }

    fn recorded(mut self, block: usize, stream: Stream<T>) -> SequenceTrace<T> {
        if let Some(clean) = self.clean {
            self.attention = clean.attention[..block].to_vec();
            self.mlp = clean.mlp[..block].to_vec();
            self.after = clean.after[..2 * block].to_vec();
            self.sums = clean.sums[..2 * block].to_vec();
        }
        let end = self.go(block, stream);
        SequenceTrace {
            everywhere: self.everywhere.clone(),
            answers: self.answers.clone(),
            embedding: self.embedding,
            attention: self.attention,
            mlp: self.mlp,
            after: self.after,
            sums: self.sums,
            end,
        }
    }

    /// The stream before the first block, of what inputs write, `[rows, d]`.
    fn first_stream(&mut self, mut embedded: Array2<T>) -> Stream<T> {
        let (samples, length) = (self.everywhere.samples(), self.everywhere.per_sample());
        if let Some(positions) = self.model.position_rows(samples, length) {
            embedded += &positions;
        }
        if let Some(norm) = &self.model.embedding_norm {
            let (normed, record) = norm.forward(&embedded);
            self.embedding = Some(Arc::new(record));
            embedded = normed;
        }
        Stream::Changed(match &self.model.embedding_map {
            Some(map) => linear(&embedded, map.weight.view(), map.bias.view()),
            None => embedded,
        })
    }

    fn go(&mut self, block: usize, mut stream: Stream<T>) -> End<T> {
        for layer in block..self.layers() {
            stream = self.block(layer, stream);
        }
        if self.layers() == 0 {
            stream = self.asked(0, stream);
        }
        self.end(stream)
    }

    fn layers(&self) -> usize {
        self.model.blocks.len()
    }

    /// A pass without hooks begins with a stream of its own, so that nothing in
    /// it is clean; with hooks it resumes one.
    fn clean(&self) -> &'r SequenceTrace<T> {
        self.clean
            .unwrap_or_else(|| unreachable!("only a pass that resumes another meets its stream"))
    }

    /// The rows at which a block's queries, and all that comes after, are computed.
    fn asked(&self, layer: usize, stream: Stream<T>) -> Stream<T> {
        match stream {
            Stream::Changed(values) if layer + 1 >= self.layers() => {
                Stream::Changed(self.answers.rows_of(&values))
            }
            same => same,
        }
    }

    fn block(&mut self, layer: usize, stream: Stream<T>) -> Stream<T> {
        let stream = self.edited(2 * layer, stream);
        let block = &self.model.blocks[layer];
        let heads = self.attention(layer, &block.attention, &stream);
        let stream = self.asked(layer, stream);
        let (attention, mlp) = (2 * layer, 2 * layer + 1);
        match &block.mlp {
            Some(feed) if block.is_parallel() => {
                self.keep_sum(attention, None);
                let message = self.mlp(layer, feed, &stream);
                self.join(mlp, stream, [heads, message])
            }
            Some(feed) => {
                let stream = self.join(attention, stream, [heads, Message::Clean]);
                let stream = self.edited(mlp, stream);
                let message = self.mlp(layer, feed, &stream);
                self.join(mlp, stream, [Message::Clean, message])
            }
            None => {
                let stream = self.join(attention, stream, [heads, Message::Clean]);
                self.no_mlp();
                stream
            }
        }
    }

    /// A block without an MLP has nothing to record of it.
    fn no_mlp(&mut self) {
        if self.keeps {
            self.mlp.push(None);
            self.after.push(None);
            self.sums.push(None);
        }
    }

    /// The stream before a sublayer or the end, as hooks want it.
    fn edited(&mut self, sublayer: usize, stream: Stream<T>) -> Stream<T> {
        if !self.hooks.touches_stream(sublayer) {
            return stream;
        }
        let mut values = match stream {
            Stream::Clean => match self.clean().mlp.get(sublayer / 2) {
                Some(Some(mlp)) if sublayer % 2 == 1 => mlp.stream.clone(),
                _ => self.clean().stream_before(sublayer / 2).clone(),
            },
            Stream::Changed(values) => values,
        };
        self.hooks.stream(sublayer, &mut values);
        Stream::Changed(values)
    }

    fn end(&mut self, stream: Stream<T>) -> End<T> {
        let sublayer = 2 * self.layers();
        let stream = self.edited(sublayer, stream);
        let own = match self.hooks.touches(sublayer) {
            true => self.hooks.input(Reader::Logits, stream.changed()),
            false => None,
        };
        let patched = self.hooks.touches_linears(sublayer);
        match own.map_or(stream, Stream::Changed) {
            Stream::Clean if !patched => self.clean().end.clone(),
            Stream::Clean => self.outputs(self.clean().end.stream.clone()),
            Stream::Changed(values) => self.outputs(values),
        }
    }

    /// Outputs of the last residual stream, `[rows, d]`.
    fn outputs(&mut self, stream: Array2<T>) -> End<T> {
        let model = self.model;
        let (x, normed) = normalise(model.final_norm.as_ref(), &stream);
        let x = self.answers.read(x);
        let head = model.head.as_ref().map(|head| {
            let before = linear(&x, head.weight.view(), head.bias.view());
            let mut after = before.clone();
            head.activation.apply(slice_mut(&mut after));
            let (read, normed) = normalise(head.norm.as_ref(), &after);
            HeadTrace {
                before,
                normed,
                read,
            }
        });
        let x = head.as_ref().map_or(&x, |head| &head.read);
        let changed = match self.hooks.touches_linears(2 * self.layers()) {
            true => self.hooks.linear(Matrix::Unembedding, x.view(), None),
            false => None,
        };
        let logits = changed.unwrap_or_else(|| self.whole(Matrix::Unembedding, x));
        End {
            outputs: model.logits(logits),
            stream,
            normed,
            head,
        }
    }
}

impl<T: Scalar> Transformer<T> {
    /// What a sublayer writes in a run, `[rows, d]`, its norm included.
    #[must_use]
    pub fn message(&self, trace: &SequenceTrace<T>, sublayer: usize) -> Array2<T> {
        if let Some(after) = &trace.after[sublayer] {
            return after.values.clone();
        }
        let layer = sublayer / 2;
        let (matrix, values) = match (sublayer % 2, &trace.mlp[layer]) {
            (0, _) => (Matrix::Out(layer), &trace.attention[layer].held),
            (_, Some(mlp)) => (Matrix::Down(layer), &mlp.hidden),
            (_, None) => unreachable!("a block without an MLP has one sublayer"),
        };
        linear(values, self.weight(matrix), self.bias(matrix))
    }

    /// The stream that a sublayer adds to, with the rows that it writes.
    fn added_to<'t>(
        &self,
        trace: &'t SequenceTrace<T>,
        sublayer: usize,
    ) -> std::borrow::Cow<'t, Array2<T>> {
        let layer = sublayer / 2;
        match &trace.mlp[layer] {
            // Of a sequential block the stream between its sublayers; of a
            // parallel one the stream before it. An MLP that reads something of
            // its own is part of no clean run.
            Some(mlp) if sublayer % 2 == 1 => std::borrow::Cow::Borrowed(&mlp.stream),
            _ if layer + 1 == self.blocks.len() => {
                let stream = &trace.attention[layer].stream;
                std::borrow::Cow::Owned(trace.answers.rows_of(stream))
            }
            _ => std::borrow::Cow::Borrowed(&trace.attention[layer].stream),
        }
    }
}

impl<T: Scalar> AttentionTrace<T> {
    /// Queries, keys or values as they are projected, `[rows, width of all]`.
    #[must_use]
    pub fn columns(&self, letter: Letter) -> ArrayView2<'_, T> {
        let keys = self.keys_values.ncols() / 2;
        match letter {
            Letter::Q => self.queries.view(),
            Letter::K => self.keys_values.slice(s![.., ..keys]),
            Letter::V => self.keys_values.slice(s![.., keys..]),
        }
    }

    /// The same, to be changed.
    fn columns_mut(&mut self, letter: Letter) -> ndarray::ArrayViewMut2<'_, T> {
        let keys = self.keys_values.ncols() / 2;
        match letter {
            Letter::Q => self.queries.view_mut(),
            Letter::K => self.keys_values.slice_mut(s![.., ..keys]),
            Letter::V => self.keys_values.slice_mut(s![.., keys..]),
        }
    }
}
