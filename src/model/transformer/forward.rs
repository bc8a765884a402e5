//! The forward pass: recorded, and resumed with hooks.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

use super::attention::all;
use super::hooks::{AsItIs, Hooks, Message, Wrote};
use super::rows::{linear, normalise, slice_mut};
use super::trace::{HeadTrace, NormTrace, asked};
use super::{
    Answers, Attention, AttentionTrace, Embedding, End, FeedForward, Letter, Matrix, MlpTrace,
    Norm, Normed, Reader, SequenceInputs, SequenceTrace, Sequences, Transformer,
};
use crate::numeric::Scalar;

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
        let parts: Vec<Array2<T>> = batch.parts().par_iter().map(run).collect();
        let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
        match views.is_empty() {
            true => Array2::zeros((self.outputs(), 0)),
            false => ndarray::concatenate(Axis(0), &views)
                .unwrap_or_else(|_| unreachable!("all parts have the same outputs"))
                .reversed_axes(),
        }
    }

    /// What is made of a stream `[rows, d]` at the end: norm, unembedding and all, `[rows, outputs]`.
    #[must_use]
    pub fn outputs_of_stream(&self, stream: Array2<T>) -> Array2<T> {
        let rows = Answers::everywhere(stream.nrows(), 1);
        let mut hooks = AsItIs;
        let mut run = Run::new(self, (&rows, &rows), None, &mut hooks);
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
        let shape = (samples * length, self.width());
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
            let (stream, normed) = norm.forward(&embedded);
            self.embedding = Some(Arc::new(normed));
            return Stream::Changed(stream);
        }
        Stream::Changed(embedded)
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

    /// What a block's heads write.
    fn attention(
        &mut self,
        layer: usize,
        attention: &Attention<T>,
        stream: &Stream<T>,
    ) -> Message<T> {
        let (half, heads) = self.heads(layer, attention, stream);
        if self.keeps {
            self.attention.push(Arc::clone(&half));
        }
        self.message(2 * layer, Matrix::Out(layer), &half.held, &heads)
    }

    /// The heads of a block, and which of them were computed.
    fn heads(
        &mut self,
        layer: usize,
        attention: &Attention<T>,
        stream: &Stream<T>,
    ) -> (Arc<AttentionTrace<T>>, Vec<usize>) {
        let own = self.own_inputs(layer, attention, stream);
        let touched = self.hooks.touches(2 * layer);
        // A reader that has an input of its own does not read the stream.
        let is_own = |reader: (Letter, usize)| own.iter().any(|(l, h, _)| reader == (*l, *h));
        let reads = |(letter, head): (Letter, usize)| {
            let is_read = || {
                self.hooks.is_read(Reader::Head {
                    layer,
                    head,
                    letter,
                })
            };
            !is_own((letter, head)) && is_read()
        };
        let none_reads = touched && !attention.heads.readers().any(reads);
        let (mut half, mut heads) = match stream {
            Stream::Changed(values) if !none_reads => (
                self.projected(layer, attention, values),
                all(&attention.heads),
            ),
            _ => {
                let clean = &self.clean().attention[layer];
                let linears = self.changed_linears(layer, clean);
                let touched = self.hooks.touches_heads(2 * layer);
                if own.is_empty() && linears.is_empty() && !touched {
                    return (Arc::clone(clean), Vec::new());
                }
                let mut half = AttentionTrace::clone(clean);
                let heads = match linears.is_empty() && !touched {
                    true => Vec::new(),
                    false => all(&attention.heads),
                };
                for (letter, written) in linears {
                    half.columns_mut(letter).assign(&written);
                }
                (half, heads)
            }
        };
        for (letter, head, input) in own {
            let (x, normed) = normalise(attention.norms.before.as_ref(), &input);
            let projected = attention.read(letter, head, &x);
            let columns = attention.heads.head_columns(head);
            let mut place = half.columns_mut(letter);
            place.slice_mut(s![.., columns]).assign(&projected);
            half.own.push((letter, head, normed));
            heads.extend(attention.reached_by(letter, head));
        }
        heads.sort_unstable();
        heads.dedup();
        let touched = self.hooks.touches_heads(2 * layer);
        for letter in Letter::ALL.into_iter().filter(|_| touched) {
            self.hooks
                .projected(layer, letter, half.columns_mut(letter));
        }
        let queries = asked(self.everywhere, self.answers, layer, self.layers());
        let length = self.everywhere.per_sample();
        attention.attend(
            super::attention::Sight { length, queries },
            &mut half,
            &heads,
        );
        if touched {
            self.hooks.held(layer, &mut half.held);
        }
        (Arc::new(half), heads)
    }

    /// What heads read that is not the stream: letter, head, `[rows, d]`.
    fn own_inputs(
        &mut self,
        layer: usize,
        attention: &Attention<T>,
        stream: &Stream<T>,
    ) -> Vec<(Letter, usize, Array2<T>)> {
        if !self.hooks.touches(2 * layer) {
            return Vec::new();
        }
        let last = layer + 1 == self.layers();
        let fewer = stream
            .changed()
            .filter(|_| last)
            .map(|x| self.answers.rows_of(x));
        let mut own = Vec::new();
        for (letter, head) in attention.heads.readers() {
            let read = match letter {
                Letter::Q => fewer.as_ref().or(stream.changed()),
                Letter::K | Letter::V => stream.changed(),
            };
            let reader = Reader::Head {
                layer,
                head,
                letter,
            };
            let input = self.hooks.input(reader, read);
            own.extend(input.map(|input| (letter, head, input)));
        }
        own
    }

    /// What hooks have the projections of the clean stream write.
    fn changed_linears(
        &mut self,
        layer: usize,
        clean: &AttentionTrace<T>,
    ) -> Vec<(Letter, Array2<T>)> {
        if !self.hooks.touches_linears(2 * layer) {
            return Vec::new();
        }
        let norm = self.model.blocks[layer].attention.norms.before.as_ref();
        let (x, _) = normalise(norm, &clean.stream);
        let fewer = self.rows_asked(layer, &x);
        let mut changed = Vec::new();
        for letter in Letter::ALL {
            let matrix = Matrix::Projection { layer, letter };
            let x = if letter == Letter::Q { &fewer } else { &x };
            let written = self
                .hooks
                .linear(matrix, x.view(), Some(clean.columns(letter)));
            changed.extend(written.map(|written| (letter, written)));
        }
        changed
    }

    fn rows_asked(&self, layer: usize, x: &Array2<T>) -> Array2<T> {
        match layer + 1 >= self.layers() {
            true => self.answers.rows_of(x),
            false => x.clone(),
        }
    }

    /// Queries, keys and values of a stream; nothing is attended to yet.
    fn projected(
        &mut self,
        layer: usize,
        attention: &Attention<T>,
        stream: &Array2<T>,
    ) -> AttentionTrace<T> {
        let heads = &attention.heads;
        let (x, normed) = normalise(attention.norms.before.as_ref(), stream);
        let (q, kv) = attention.qkv.view().split_at(Axis(1), heads.total());
        let (q_bias, kv_bias) = attention.qkv_bias.view().split_at(Axis(0), heads.total());
        let queries = asked(self.everywhere, self.answers, layer, self.layers());
        let fewer = (layer + 1 >= self.layers()).then(|| self.answers.rows_of(&x));
        let asking = fewer.as_ref().unwrap_or(&x);
        let pattern = (queries.len() * heads.count, self.everywhere.per_sample());
        let mut half = AttentionTrace {
            stream: stream.clone(),
            normed,
            own: Vec::new(),
            queries: linear(asking, q, q_bias),
            keys_values: linear(&x, kv, kv_bias),
            prepared: None,
            pattern: Array2::zeros(pattern),
            held: Array2::zeros((queries.len(), heads.total())),
        };
        if self.hooks.touches_linears(2 * layer) {
            for letter in Letter::ALL {
                let x = if letter == Letter::Q { asking } else { &x };
                let matrix = Matrix::Projection { layer, letter };
                if let Some(written) = self.hooks.linear(matrix, x.view(), None) {
                    half.columns_mut(letter).assign(&written);
                }
            }
        }
        half
    }

    /// What a sublayer adds to the stream, given what goes into its last linear
    /// layer; `computed` are the heads, or the MLP as one, that are not as in the
    /// clean run.
    fn message(
        &mut self,
        sublayer: usize,
        matrix: Matrix,
        values: &Array2<T>,
        computed: &[usize],
    ) -> Message<T> {
        let touched = self.hooks.touches(sublayer) || self.hooks.touches_linears(sublayer);
        let norm = self.model.norm_after(sublayer);
        if computed.is_empty() && !touched {
            self.keep_after(sublayer, None);
            return Message::Clean;
        }
        let mut wrote = Wrote {
            sublayer,
            values,
            message: None,
            heads: computed,
        };
        match norm {
            None => {
                let known = touched.then(|| self.hooks.wrote(wrote)).flatten();
                self.keep_after(sublayer, None);
                known.unwrap_or_else(|| self.plain_message(sublayer, matrix, values, computed))
            }
            Some(norm) => match self.plain_message(sublayer, matrix, values, computed) {
                Message::Whole(plain) => {
                    let (message, normed) = norm.forward(&plain);
                    wrote.message = Some(&message);
                    let known = touched.then(|| self.hooks.wrote(wrote)).flatten();
                    let values = message.clone();
                    self.keep_after(sublayer, Some(NormTrace { values, normed }));
                    known.unwrap_or(Message::Whole(message))
                }
                _ => {
                    self.keep_after(sublayer, None);
                    let clean = self.clean();
                    let kept = clean.after[sublayer].as_ref();
                    wrote.message = kept.map(|kept| &kept.values);
                    self.hooks.wrote(wrote).unwrap_or(Message::Clean)
                }
            },
        }
    }

    /// The same before its norm, and without what hooks know better.
    fn plain_message(
        &mut self,
        sublayer: usize,
        matrix: Matrix,
        values: &Array2<T>,
        computed: &[usize],
    ) -> Message<T> {
        if self.hooks.touches_linears(sublayer)
            && let Some(written) = self.hooks.linear(matrix, values.view(), None)
        {
            return Message::Whole(written);
        }
        if computed.is_empty() {
            return Message::Clean;
        }
        Message::Whole(self.whole(matrix, values))
    }

    /// What a linear layer writes, `[rows, out]`.
    fn whole(&self, matrix: Matrix, x: &Array2<T>) -> Array2<T> {
        linear(x, self.model.weight(matrix), self.model.bias(matrix))
    }

    /// Keeps the norm of what a sublayer writes; `None` for that of the clean run.
    fn keep_after(&mut self, sublayer: usize, norm: Option<NormTrace<T>>) {
        if self.keeps {
            let clean = self.clean.and_then(|clean| clean.after[sublayer].clone());
            self.after.push(norm.map(Arc::new).or(clean));
        }
    }

    /// Keeps the norm of a sum; `None` for that of the clean run.
    fn keep_sum(&mut self, sublayer: usize, norm: Option<NormTrace<T>>) {
        if self.keeps {
            let clean = self.clean.and_then(|clean| clean.sums[sublayer].clone());
            self.sums.push(norm.map(Arc::new).or(clean));
        }
    }

    /// The MLP of a block on a stream, and what it writes.
    fn mlp(&mut self, layer: usize, mlp: &FeedForward<T>, stream: &Stream<T>) -> Message<T> {
        let half = self.hidden(layer, mlp, stream);
        if self.keeps {
            self.mlp.push(Some(Arc::clone(&half)));
        }
        let is_clean = |clean: &SequenceTrace<T>| {
            let kept = clean.mlp[layer].as_ref();
            kept.is_some_and(|clean| Arc::ptr_eq(clean, &half))
        };
        let computed: &[usize] = if self.clean.is_some_and(is_clean) {
            &[]
        } else {
            &[0]
        };
        self.message(2 * layer + 1, Matrix::Down(layer), &half.hidden, computed)
    }

    /// The hidden neurons of a block.
    fn hidden(
        &mut self,
        layer: usize,
        mlp: &FeedForward<T>,
        stream: &Stream<T>,
    ) -> Arc<MlpTrace<T>> {
        let touched = self.hooks.touches(2 * layer + 1);
        let reader = Reader::Mlp { layer };
        if touched
            && !self.hooks.is_read(reader)
            && let Some(clean) = self.clean.and_then(|clean| clean.mlp[layer].as_ref())
        {
            return Arc::clone(clean);
        }
        let own = match touched {
            true => self.hooks.input(reader, stream.changed()),
            false => None,
        };
        let mut half = match (own.as_ref().or(stream.changed()), self.clean) {
            (Some(stream), _) => self.activated(layer, mlp, stream, None),
            (None, Some(clean)) => {
                let clean = clean.mlp[layer].as_ref();
                let clean = clean.unwrap_or_else(|| unreachable!("both runs are of one network"));
                let changed = self.hooks.touches_linears(2 * layer + 1);
                if !changed && !touched {
                    return Arc::clone(clean);
                }
                let half = match changed {
                    true => self.activated(layer, mlp, &clean.stream, Some(clean)),
                    false => MlpTrace::clone(clean),
                };
                return self.edited_hidden(layer, half, Some(clean));
            }
            (None, None) => unreachable!("only a pass that resumes another meets its stream"),
        };
        if touched {
            self.hooks.hidden(layer, &mut half.hidden);
        }
        Arc::new(half)
    }

    /// Hidden neurons as hooks want them; those of the clean run where that is
    /// what they are.
    fn edited_hidden(
        &mut self,
        layer: usize,
        mut half: MlpTrace<T>,
        clean: Option<&Arc<MlpTrace<T>>>,
    ) -> Arc<MlpTrace<T>> {
        self.hooks.hidden(layer, &mut half.hidden);
        match clean.filter(|clean| clean.hidden == half.hidden) {
            Some(clean) => Arc::clone(clean),
            None => Arc::new(half),
        }
    }

    /// The MLP of a block on a stream `[rows, d]`; `known` is that of the clean
    /// run on the same.
    fn activated(
        &mut self,
        layer: usize,
        mlp: &FeedForward<T>,
        stream: &Array2<T>,
        known: Option<&MlpTrace<T>>,
    ) -> MlpTrace<T> {
        let (x, normed) = normalise(mlp.norms.before.as_ref(), stream);
        let up = known.map(|half| half.factor.as_ref().unwrap_or(&half.before));
        let up = self.mlp_hidden(Matrix::Up(layer), &x, up);
        let gate = mlp
            .gate
            .as_ref()
            .map(|_| self.mlp_hidden(Matrix::Gate(layer), &x, known.map(|half| &half.before)));
        let (before, factor) = match gate {
            Some(gate) => (gate, Some(up)),
            None => (up, None),
        };
        let mut hidden = before.clone();
        self.model.activation.apply(slice_mut(&mut hidden));
        if let Some(factor) = &factor {
            hidden *= factor;
        }
        MlpTrace {
            stream: stream.clone(),
            normed,
            before,
            factor,
            hidden,
        }
    }

    fn mlp_hidden(
        &mut self,
        matrix: Matrix,
        x: &Array2<T>,
        known: Option<&Array2<T>>,
    ) -> Array2<T> {
        let known = known.map(|known| known.view());
        let changed = match matrix
            .sublayer()
            .is_some_and(|s| self.hooks.touches_linears(s))
        {
            true => self.hooks.linear(matrix, x.view(), known),
            false => None,
        };
        changed.unwrap_or_else(|| match known {
            Some(known) => known.to_owned(),
            None => self.whole(matrix, x),
        })
    }

    /// The stream after what heads and MLP add to it, normalised where it is.
    fn join(&mut self, sublayer: usize, stream: Stream<T>, messages: [Message<T>; 2]) -> Stream<T> {
        let sum = self.sum(sublayer, stream, messages);
        let Some(norm) = self.model.norm_of_sum(sublayer) else {
            self.keep_sum(sublayer, None);
            return sum;
        };
        let reader = Reader::Norm { sublayer };
        let own = match self.hooks.touches(sublayer) {
            true => self.hooks.input(reader, sum.changed()),
            false => None,
        };
        match own.map_or(sum, Stream::Changed) {
            Stream::Clean if self.hooks.touches_sum(sublayer) => {
                self.keep_sum(sublayer, None);
                let mut x = self.clean().sum(self.model, sublayer);
                self.hooks.normed(sublayer, &mut x);
                Stream::Changed(x)
            }
            Stream::Clean => {
                self.keep_sum(sublayer, None);
                Stream::Clean
            }
            Stream::Changed(values) => {
                let (mut x, normed) = norm.forward(&values);
                self.keep_sum(sublayer, Some(NormTrace { values, normed }));
                self.hooks.normed(sublayer, &mut x);
                Stream::Changed(x)
            }
        }
    }

    /// The stream and what is added to it.
    fn sum(&self, sublayer: usize, stream: Stream<T>, messages: [Message<T>; 2]) -> Stream<T> {
        let [heads, mlp] = &messages;
        if let (Stream::Clean, Message::Clean, Message::Clean) = (&stream, heads, mlp) {
            return Stream::Clean;
        }
        let is_whole = |message: &Message<T>| matches!(message, Message::Whole(_));
        if messages.iter().any(is_whole) {
            return Stream::Changed(self.whole_sum(sublayer, stream, messages));
        }
        // Clean messages and shifts of them: what differs from the clean sum.
        let mut sum = self.clean_sum(sublayer);
        if let Stream::Changed(values) = stream {
            sum += &values;
            sum -= &*self.clean_read(sublayer);
        }
        for message in messages {
            if let Message::Shifted(shift) = message {
                sum += &shift;
            }
        }
        Stream::Changed(sum)
    }

    fn whole_sum(
        &self,
        sublayer: usize,
        stream: Stream<T>,
        messages: [Message<T>; 2],
    ) -> Array2<T> {
        let mut sum = match stream {
            Stream::Clean => self.clean_read(sublayer).into_owned(),
            Stream::Changed(values) => values,
        };
        let parallel = self.model.blocks[sublayer / 2].is_parallel();
        for (of, message) in messages.into_iter().enumerate() {
            // One of a sequential pair is not there.
            let is_there = parallel || of == sublayer % 2;
            match message {
                Message::Whole(message) => sum += &message,
                _ if !is_there => {}
                Message::Clean => sum += &self.clean_message(sublayer / 2 * 2 + of),
                Message::Shifted(shift) => {
                    sum += &self.clean_message(sublayer / 2 * 2 + of);
                    sum += &shift;
                }
            }
        }
        sum
    }

    /// What a sublayer writes in the clean run, `[rows, d]`.
    fn clean_message(&self, sublayer: usize) -> Array2<T> {
        self.model.message(self.clean(), sublayer)
    }

    /// What a sublayer adds to in the clean run, with the rows that it writes.
    fn clean_read(&self, sublayer: usize) -> std::borrow::Cow<'r, Array2<T>> {
        self.model.added_to(self.clean(), sublayer)
    }

    /// The stream after a sublayer in the clean run, before its norm.
    fn clean_sum(&self, sublayer: usize) -> Array2<T> {
        let (clean, layer) = (self.clean(), sublayer / 2);
        if let Some(sum) = &clean.sums[sublayer] {
            return sum.values.clone();
        }
        match (&clean.mlp[layer], sublayer % 2) {
            (Some(mlp), 0) => mlp.stream.clone(),
            _ => clean.stream_before(layer + 1).clone(),
        }
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

    /// Outputs of the last residual stream, `[readings, d]`.
    fn outputs(&mut self, stream: Array2<T>) -> End<T> {
        let model = self.model;
        let (x, normed) = normalise(model.final_norm.as_ref(), &stream);
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
