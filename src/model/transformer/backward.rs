//! The backward pass.

use ndarray::{Array2, ArrayView2, Axis, s};

use super::hooks::{Flow, Gradients, ReaderGradient};
use super::rows::{product, slice_mut, through_activation, through_norm};
use super::{
    Attention, AttentionTrace, FeedForward, Letter, Matrix, MlpTrace, Normed, Reader,
    SequenceTrace, Transformer,
};
use crate::model::Rules;
use crate::numeric::{Scalar, matmul_into};

impl<T: Scalar> Transformer<T> {
    /// The backward pass of a number whose gradient at the outputs is
    /// `at_outputs: [readings, outputs]`. Hooks get gradients from the end on.
    pub fn backward(
        &self,
        trace: &SequenceTrace<T>,
        at_outputs: ArrayView2<'_, T>,
        hooks: &mut dyn Gradients<T>,
    ) {
        let layers = self.blocks.len();
        let mut stream = self.end_backward(trace, at_outputs, hooks);
        hooks.reader(one(Reader::Logits, &stream));
        hooks.stream(2 * layers, &mut stream);
        let mut back = Back {
            model: self,
            trace,
            hooks,
        };
        for layer in (0..layers).rev() {
            if back.hooks.first() > 2 * layer + 1 {
                return;
            }
            stream = back.block(layer, stream);
        }
        if layers == 0 {
            stream = back.everywhere(stream);
        }
        self.embedding_backward(trace, stream, back.hooks);
    }

    /// The gradient at the last residual stream, `[rows, d]`.
    fn end_backward(
        &self,
        trace: &SequenceTrace<T>,
        at_outputs: ArrayView2<'_, T>,
        hooks: &mut dyn Gradients<T>,
    ) -> Array2<T> {
        let end = &trace.end;
        let mut at_logits = at_outputs.as_standard_layout().into_owned();
        if let Some(cap) = self.logits.cap.map(T::from_f64) {
            at_logits.zip_mut_with(&end.outputs, |g, z| *g *= T::one() - *z / cap * (*z / cap));
        }
        if self.logits.scale != 1.0 {
            at_logits *= T::from_f64(self.logits.scale);
        }
        let rules = hooks.rules();
        hooks.linear(Matrix::Unembedding, at_logits.view());
        let mut at = product(at_logits.view(), self.unembedding().t());
        if let (Some(head), Some(record)) = (&self.head, &end.head) {
            through_norm(rules, head.norm.as_ref(), record.normed.as_ref(), &mut at);
            through_activation(rules, head.activation, &record.before, &mut at);
            at = product(at.view(), head.weight.t());
        }
        at = trace.answers.read_backward(at);
        through_norm(
            rules,
            self.final_norm.as_ref(),
            end.normed.as_ref(),
            &mut at,
        );
        at
    }

    /// The gradient at what the inputs write.
    fn embedding_backward(
        &self,
        trace: &SequenceTrace<T>,
        mut stream: Array2<T>,
        hooks: &mut dyn Gradients<T>,
    ) {
        if let Some(map) = &self.embedding_map {
            stream = product(stream.view(), map.weight.t());
        }
        let (norm, record) = (self.embedding_norm.as_ref(), trace.embedding.as_deref());
        through_norm(hooks.rules(), norm, record, &mut stream);
        stream *= self.embedding_scale;
        hooks.linear(Matrix::Input, stream.view());
    }
}

/// A backward pass under way.
struct Back<'b, T> {
    model: &'b Transformer<T>,
    trace: &'b SequenceTrace<T>,
    hooks: &'b mut dyn Gradients<T>,
}

impl<T: Scalar> Back<'_, T> {
    /// The gradient at the stream before a block, `[rows, d]`, given that after
    /// it, with the rows of its queries.
    fn block(&mut self, layer: usize, mut stream: Array2<T>) -> Array2<T> {
        let block = &self.model.blocks[layer];
        let (heads, mlp) = (2 * layer, 2 * layer + 1);
        let mut at_mlp = None;
        if let Some(feed) = &block.mlp {
            self.sum(mlp, &mut stream);
            at_mlp = self.mlp(layer, feed, &stream);
        }
        if let Some(at_mlp) = at_mlp.as_ref().filter(|_| !block.is_parallel()) {
            stream += at_mlp;
        }
        if self.hooks.first() > heads {
            return stream;
        }
        self.sum(heads, &mut stream);
        let at_heads = self.attention(layer, &block.attention, &stream);
        if let Some(at_mlp) = at_mlp.filter(|_| block.is_parallel()) {
            stream += &at_mlp;
        }
        if layer + 1 == self.model.blocks.len() {
            stream = self.everywhere(stream);
        }
        if let Some(at_heads) = at_heads {
            stream += &at_heads;
        }
        self.hooks.stream(heads, &mut stream);
        stream
    }

    /// Gradients at readings as those at all positions: the last block's queries,
    /// and all that comes after them, are read nowhere else.
    fn everywhere(&self, at_readings: Array2<T>) -> Array2<T> {
        let shape = (self.trace.everywhere.len(), at_readings.ncols());
        let mut everywhere = Array2::zeros(shape);
        self.trace
            .answers
            .add_rows(at_readings.view(), &mut everywhere);
        everywhere
    }

    /// Through the norm of the stream after a sublayer, in place.
    fn sum(&mut self, sublayer: usize, stream: &mut Array2<T>) {
        let norm = self.model.norm_of_sum(sublayer);
        if norm.is_none() {
            return;
        }
        match self.hooks.at_sum(sublayer) {
            Flow::Stream => {}
            Flow::Nothing => stream.fill(T::zero()),
            Flow::Each(mut each) => *stream = each.swap_remove(0),
        }
        let record = self.trace.sums[sublayer].as_ref();
        let record = record.map(|record| &record.normed);
        through_norm(self.hooks.rules(), norm, record, stream);
        self.hooks.reader(one(Reader::Norm { sublayer }, stream));
    }

    /// The gradient at what a sublayer writes before its norm; `None` where none
    /// flows, or each head has its own.
    fn written(&mut self, sublayer: usize, flow: Flow<T>, stream: &Array2<T>) -> Option<Array2<T>> {
        let norm = self.model.norm_after(sublayer);
        let mut at = match flow {
            Flow::Stream => stream.clone(),
            Flow::Nothing => return None,
            Flow::Each(mut each) => each.swap_remove(0),
        };
        let record = self.trace.after[sublayer].as_ref();
        let record = record.map(|record| &record.normed);
        through_norm(self.hooks.rules(), norm, record, &mut at);
        Some(at)
    }

    /// The gradient at an MLP's input.
    fn mlp(&mut self, layer: usize, mlp: &FeedForward<T>, stream: &Array2<T>) -> Option<Array2<T>> {
        let half = match &self.trace.mlp[layer] {
            Some(half) => half,
            None => unreachable!("a pass records every MLP that there is"),
        };
        let flow = self.hooks.written(2 * layer + 1);
        let at = self.written(2 * layer + 1, flow, stream)?;
        self.hooks.linear(Matrix::Down(layer), at.view());
        let mut hidden = product(at.view(), mlp.down.t());
        self.hooks.hidden(layer, &mut hidden);
        let mut at = self.through_hidden(layer, mlp, half, hidden);
        let norm = mlp.norms.before.as_ref();
        through_norm(self.hooks.rules(), norm, half.normed.as_ref(), &mut at);
        self.hooks.reader(one(Reader::Mlp { layer }, &at));
        Some(at)
    }

    /// The gradient at what an MLP reads after its norm, given that at its hidden
    /// neurons. Rules of relevance hold the shares of experts fixed.
    fn through_hidden(
        &mut self,
        layer: usize,
        mlp: &FeedForward<T>,
        half: &MlpTrace<T>,
        mut at: Array2<T>,
    ) -> Array2<T> {
        let (Some(router), Some(routed)) = (&mlp.router, &half.routed) else {
            return self.through_neurons(layer, mlp, half, at);
        };
        let is_fixed = self.hooks.rules() == Rules::Relevance;
        let at_shares = (!is_fixed).then(|| {
            let mut hidden = half.before.clone();
            self.model.activation.apply(slice_mut(&mut hidden));
            if let Some(factor) = &half.factor {
                hidden *= factor;
            }
            routed.at_shares(&at, &hidden)
        });
        routed.weigh(&mut at);
        let mut read = self.through_neurons(layer, mlp, half, at);
        if let Some(at_shares) = at_shares {
            read += &router.backward(routed, &at_shares);
        }
        read
    }

    /// The same through activations and gates alone.
    fn through_neurons(
        &mut self,
        layer: usize,
        mlp: &FeedForward<T>,
        half: &MlpTrace<T>,
        mut at: Array2<T>,
    ) -> Array2<T> {
        let (activation, rules) = (self.model.activation, self.hooks.rules());
        let (Some(gate), Some(factor)) = (&mlp.gate, &half.factor) else {
            through_activation(rules, activation, &half.before, &mut at);
            self.hooks.linear(Matrix::Up(layer), at.view());
            return product(at.view(), mlp.up.t());
        };
        let mut active = half.before.clone();
        activation.apply(slice_mut(&mut active));
        at *= rules.share_of_factor::<T>();
        active *= &at;
        at *= factor;
        through_activation(rules, activation, &half.before, &mut at);
        self.hooks.linear(Matrix::Gate(layer), at.view());
        self.hooks.linear(Matrix::Up(layer), active.view());
        let mut read = product(active.view(), mlp.up.t());
        matmul_into(read.view_mut(), at.view(), gate.weight.t(), true);
        read
    }

    /// The gradient at what a block's heads read, at all positions.
    fn attention(
        &mut self,
        layer: usize,
        attention: &Attention<T>,
        stream: &Array2<T>,
    ) -> Option<Array2<T>> {
        let half = &self.trace.attention[layer];
        let flow = self.hooks.written(2 * layer);
        let at_held = match flow {
            Flow::Each(each) if attention.norms.after.is_none() => {
                let mut at_held = Array2::zeros(half.held.raw_dim());
                for (head, at) in each.iter().enumerate() {
                    let columns = attention.heads.head_columns(head);
                    let target = at_held.slice_mut(s![.., columns]);
                    matmul_into(target, at.view(), attention.head_out(head).t(), false);
                }
                at_held
            }
            flow => {
                let at = self.written(2 * layer, flow, stream)?;
                self.hooks.linear(Matrix::Out(layer), at.view());
                product(at.view(), attention.out.t())
            }
        };
        let (queries, keys_values) = self.attended(layer, attention, &at_held);
        let (keys, values) = keys_values
            .view()
            .split_at(Axis(1), attention.heads.keys_total());
        for (letter, at) in Letter::ALL.into_iter().zip([queries.view(), keys, values]) {
            self.hooks.linear(Matrix::Projection { layer, letter }, at);
        }
        Some(match self.hooks.by_reader() {
            true => self.by_reader(layer, attention, [queries.view(), keys, values]),
            false => self.all_readers(layer, attention, half, &queries, &keys_values),
        })
    }

    /// The gradients at queries and at keys and values, given that at what heads hold.
    fn attended(
        &mut self,
        layer: usize,
        attention: &Attention<T>,
        at_held: &Array2<T>,
    ) -> (Array2<T>, Array2<T>) {
        let (half, rules) = (&self.trace.attention[layer], self.hooks.rules());
        let sight = self.trace.sight(layer, self.model.blocks.len());
        let wanted = self.hooks.by_pattern();
        let mut at_patterns = wanted.then(|| Array2::zeros(half.pattern.raw_dim()));
        let at = attention.attend_backward(rules, sight, half, at_held, at_patterns.as_mut());
        if let Some(at_patterns) = &at_patterns {
            self.hooks.patterns(layer, at_patterns);
        }
        at
    }

    /// The gradient at what heads read, all readers together.
    fn all_readers(
        &self,
        layer: usize,
        attention: &Attention<T>,
        half: &AttentionTrace<T>,
        queries: &Array2<T>,
        keys_values: &Array2<T>,
    ) -> Array2<T> {
        let (q, kv) = attention
            .qkv
            .view()
            .split_at(Axis(1), attention.heads.total());
        let mut read = product(keys_values.view(), kv.t());
        if layer + 1 == self.model.blocks.len() {
            let asked = product(queries.view(), q.t());
            self.trace.answers.add_rows(asked.view(), &mut read);
        } else {
            matmul_into(read.view_mut(), queries.view(), q.t(), true);
        }
        let norm = attention.norms.before.as_ref();
        through_norm(self.hooks.rules(), norm, half.normed.as_ref(), &mut read);
        read
    }

    /// The same reader by reader, each through the norm of what it has read.
    fn by_reader(
        &mut self,
        layer: usize,
        attention: &Attention<T>,
        at: [ArrayView2<'_, T>; 3],
    ) -> Array2<T> {
        let half = &self.trace.attention[layer];
        let last = layer + 1 == self.model.blocks.len();
        let rows = self.trace.answers.rows();
        let fewer = half.normed.as_ref().filter(|_| last).map(|n| n.rows(&rows));
        let mut sum = Array2::zeros(half.stream.raw_dim());
        for (letter, at) in Letter::ALL.into_iter().zip(at) {
            let is_asked = last && letter == Letter::Q;
            let shared = if is_asked {
                fewer.as_ref()
            } else {
                half.normed.as_ref()
            };
            let heads = attention.heads.of_letter(letter);
            let mut gradients = Vec::with_capacity(heads * at.nrows() * self.model.width());
            for head in 0..heads {
                let given = at.slice(s![.., attention.heads.head_columns(head)]);
                let mut gradient = product(given, attention.projection(letter, head).t());
                let normed = half.own_norm(letter, head).unwrap_or(shared);
                let norm = attention.norms.before.as_ref();
                through_norm(self.hooks.rules(), norm, normed, &mut gradient);
                match is_asked {
                    true => self.trace.answers.add_rows(gradient.view(), &mut sum),
                    false => sum += &gradient,
                }
                gradients.extend(gradient.iter());
            }
            let first = Reader::Head {
                layer,
                head: 0,
                letter,
            };
            let gradients = flat(gradients, heads);
            self.hooks.reader(ReaderGradient { first, gradients });
        }
        sum
    }
}

impl<T> AttentionTrace<T> {
    /// The norm of what one reader has read instead of the stream.
    fn own_norm(&self, letter: Letter, head: usize) -> Option<Option<&Normed<T>>> {
        let own = self.own.iter().find(|(l, h, _)| (*l, *h) == (letter, head));
        own.map(|(_, _, normed)| normed.as_ref())
    }
}

/// The gradient of one reader, `[rows, d]`.
fn one<T: Scalar>(first: Reader, gradient: &Array2<T>) -> ReaderGradient<T> {
    ReaderGradient {
        first,
        gradients: flat(gradient.iter().copied().collect(), 1),
    }
}

/// So many readers' gradients, one behind the other, as `[readers, rows · d]`.
fn flat<T: Scalar>(gradients: Vec<T>, readers: usize) -> Array2<T> {
    let shape = (readers, gradients.len() / readers.max(1));
    Array2::from_shape_vec(shape, gradients)
        .unwrap_or_else(|_| unreachable!("readers read the same rows"))
}
