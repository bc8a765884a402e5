//! The network that a plan describes, with the file's numbers in it, and what is written back
//! where it was changed on the way.

use std::sync::Arc;

use ndarray::{Array1, Array2, Axis, concatenate, s};

use super::plan::{
    BlockPlan, ExpertsAt, HeadAt, LinearAt, MlpPlan, NormAt, NormsAt, PatchesAt, Plan, Positions,
};
use crate::checkpoint::{Account, Tensor};
use crate::model::mlp::load::Rewritten;
use crate::model::transformer::{
    Attention, Block, Embedding, EmbeddingMap, FeedForward, Gate, Heads, Letter, Matrix, Norm,
    NormKind, Norms, Order, OutputHead, Place, Router, SharedExpert, Transformer,
};
use crate::numeric::Scalar;
use crate::{ErrorKind, Result};

impl Plan {
    /// The network.
    pub fn build<T: Scalar>(&self, account: &Account<'_>) -> Result<Transformer<T>> {
        let door = Door { account };
        let (mut embedding, positions) = self.input(door)?;
        let unembedding = self.unembedding_of(door, &embedding)?;
        if let (Some(at), Embedding::Tokens(tokens)) = (&self.projections, &mut embedding) {
            let into: Array2<T> =
                door.weight(&LinearAt::rows(&at.into, tokens.ncols(), self.width))?;
            *tokens = tokens.dot(&into);
        }
        let map = self.embedding_map.as_ref();
        Ok(Transformer {
            embedding,
            embedding_scale: T::from_f64(self.embedding_scale),
            positions,
            embedding_norm: door.norm(self.embedding_norm.as_ref())?,
            embedding_map: map.map(|at| door.map(at)).transpose()?,
            blocks: self.blocks_of(door)?,
            final_norm: door.norm(self.final_norm.as_ref())?,
            head: self.head.as_ref().map(|head| door.head(head)).transpose()?,
            unembedding,
            output_bias: self.output_bias_of(door)?,
            logits: self.logits,
            out_perm: (0..self.outputs).collect(),
            activation: self.activation,
            reads: self.reads,
            headless: self.headless,
            padding: self.padding,
        })
    }

    /// The blocks; one for those of the same tensors.
    fn blocks_of<T: Scalar>(&self, door: Door<'_>) -> Result<Vec<Arc<Block<T>>>> {
        let mut blocks: Vec<Arc<Block<T>>> = Vec::with_capacity(self.blocks.len());
        for at in &self.blocks {
            let mut earlier = self.blocks.iter().zip(&blocks);
            let same = earlier.find(|(plan, _)| plan.out.tensor == at.out.tensor);
            blocks.push(match same {
                Some((_, block)) => Arc::clone(block),
                None => Arc::new(door.block(at, self.residual)?),
            });
        }
        Ok(blocks)
    }

    /// What inputs become, as the file has it, and learned positions.
    fn input<T: Scalar>(&self, door: Door<'_>) -> Result<(Embedding<T>, Option<Array2<T>>)> {
        if let Some(at) = &self.patches {
            let positions = door.places_of_patches(at, self.width)?;
            return Ok((door.patches(at)?, Some(positions)));
        }
        let mut tokens = door.embedding(self)?;
        if let Some(norm) = door.norm(self.token_norm.as_ref())? {
            tokens = norm.forward(&tokens).0;
        }
        let learned = self.positions.as_ref();
        let learned = learned.map(|at| door.positions(at, self.embedded()));
        let sines = self.sines.map(|sines| sines.table(self.width));
        Ok((Embedding::Tokens(tokens), learned.transpose()?.or(sines)))
    }

    /// Width of what is embedded.
    fn embedded(&self) -> usize {
        self.embedding_map
            .as_ref()
            .map_or(self.width, |at| at.inputs)
    }

    /// The unembedding, where it is not what is embedded, transposed.
    fn unembedding_of<T: Scalar>(
        &self,
        door: Door<'_>,
        embedding: &Embedding<T>,
    ) -> Result<Option<Array2<T>>> {
        if self.headless {
            return Ok(Some(Array2::eye(self.width)));
        }
        let own = self.unembedding.as_ref();
        let own: Option<Array2<T>> = own.map(|at| door.weight(at)).transpose()?;
        match (&self.projections, embedding) {
            (Some(at), Embedding::Tokens(tokens)) => {
                let back = LinearAt::rows(&at.back, self.width, tokens.ncols());
                let back: Array2<T> = door.weight(&back)?;
                Ok(Some(
                    back.dot(&own.unwrap_or_else(|| tokens.t().to_owned())),
                ))
            }
            _ => Ok(own),
        }
    }

    fn output_bias_of<T: Scalar>(&self, door: Door<'_>) -> Result<Array1<T>> {
        match (&self.output_bias, &self.unembedding) {
            (Some(name), _) => {
                let numbers = door.numbers(name, &[self.outputs], "biases of the outputs")?;
                Ok(Array1::from(numbers))
            }
            (None, Some(at)) => door.bias(at),
            (None, None) => Ok(Array1::zeros(self.outputs)),
        }
    }

    /// Where its linear layers are, in the order of [`Transformer::matrices`].
    pub fn places(&self, account: &Account<'_>) -> Vec<Place> {
        let mut all = Vec::new();
        let patches = self.patches.iter();
        all.extend(patches.map(|at| at.linear.place(account, Matrix::Input)));
        for (layer, block) in self.blocks.iter().enumerate() {
            for (letter, at) in Letter::ALL.into_iter().zip(&block.letters) {
                all.push(at.place(account, Matrix::Projection { layer, letter }));
            }
            all.push(block.out.place(account, Matrix::Out(layer)));
            if let Some(mlp) = &block.mlp {
                all.extend(mlp.place(account, 1, Matrix::Up(layer)));
                all.extend(mlp.place(account, 0, Matrix::Gate(layer)));
                all.extend(mlp.place(account, 2, Matrix::Down(layer)));
            }
        }
        let own = match &self.projections {
            None => self.unembedding.clone(),
            Some(at) => Some(LinearAt::rows(&at.head, self.width, self.vocabulary)),
        };
        all.extend(own.map(|at| at.place(account, Matrix::Unembedding)));
        all
    }

    /// The file with what was folded or multiplied out on the way in as it is computed,
    /// where anything was.
    pub fn rewritten<T: Scalar>(
        &self,
        account: &Account<'_>,
        model: &Transformer<T>,
    ) -> Option<Rewritten> {
        let checkpoint = account.checkpoint();
        let mut written = Rewritten {
            tensors: checkpoint.tensors.clone(),
            config: checkpoint.config.clone(),
        };
        let gates = self.gates(account, model, &mut written);
        let projections = self.multiplied(account, model, &mut written);
        let residuals = self.residuals(account, model, &mut written);
        let experts = self.experts(account, model, &mut written);
        (gates || projections || residuals || experts).then_some(written)
    }

    /// The MLPs of blocks that have one, with where they are read.
    fn mlps<'m, T>(
        &self,
        model: &'m Transformer<T>,
    ) -> impl Iterator<Item = (&MlpPlan, &'m FeedForward<T>)> {
        let blocks = self.blocks.iter().zip(&model.blocks);
        blocks.filter_map(|(plan, block)| plan.mlp.as_ref().zip(block.mlp.as_ref()))
    }

    /// Experts that are apart as the framework's state dict has them: one tensor for all.
    fn experts<T: Scalar>(
        &self,
        account: &Account<'_>,
        model: &Transformer<T>,
        written: &mut Rewritten,
    ) -> bool {
        let mut any = false;
        for (plan, mlp) in self.mlps(model) {
            let (Some(experts), Some(gate)) = (&plan.experts, &mlp.gate) else {
                continue;
            };
            for at in experts.apart.iter().flatten() {
                written.tensors.remove(&account.stored(&at.tensor));
                any = true;
            }
            if !experts.apart.is_empty() {
                let both = [
                    (&plan.up, &mlp.up),
                    (plan.gate.as_ref().unwrap_or(&plan.up), &gate.weight),
                ];
                written.fill(account, &both);
                written.fill(account, &[(&plan.down, &mlp.down)]);
            }
        }
        if any {
            let told =
                "experts are written back in one tensor for all, as the framework holds them";
            account.tell(told.to_owned());
        }
        any
    }

    /// Last layers of sublayers with the multiplier of what they write in them.
    fn residuals<T: Scalar>(
        &self,
        account: &Account<'_>,
        model: &Transformer<T>,
        written: &mut Rewritten,
    ) -> bool {
        if self.residual == 1.0 {
            return false;
        }
        for (plan, block) in self.blocks.iter().zip(&model.blocks) {
            let attention = &block.attention;
            let mut last = vec![(&plan.out, &attention.out, &attention.out_bias)];
            if let (Some(plan), Some(mlp)) = (&plan.mlp, &block.mlp) {
                last.push((&plan.down, &mlp.down, &mlp.down_bias));
            }
            for (at, weight, bias) in last {
                assert_eq!(at.order, Order::OutIn, "the layer fills its tensor");
                let numbers: Vec<T> = weight.t().iter().copied().collect();
                let tensor = Tensor::of_floats(&[at.outputs, at.inputs], &numbers);
                written.tensors.insert(account.stored(&at.tensor), tensor);
                if let Some(at) = &at.bias {
                    let tensor = Tensor::of_floats(&[bias.len()], &bias.to_vec());
                    written.tensors.insert(account.stored(&at.tensor), tensor);
                }
            }
        }
        let config = &mut written.config;
        config.insert("residual_multiplier".to_owned(), 1.0.into());
        account.tell(
            "the multiplier of what blocks write was folded into their last layers, and is so \
             written back"
                .to_owned(),
        );
        true
    }

    /// Biases behind gates as zeros, and what they add among those of the next layer.
    fn gates<T: Scalar>(
        &self,
        account: &Account<'_>,
        model: &Transformer<T>,
        written: &mut Rewritten,
    ) -> bool {
        let mut any = false;
        for (plan, mlp) in self.mlps(model) {
            let (Some(behind), Some(bias)) = (&plan.behind_gate, &plan.down.bias) else {
                continue;
            };
            let zeros = vec![T::zero(); plan.down.inputs];
            for (name, numbers) in [(behind, zeros), (&bias.tensor, mlp.down_bias.to_vec())] {
                let tensor = Tensor::of_floats(&[numbers.len()], &numbers);
                written.tensors.insert(account.stored(name), tensor);
            }
            any = true;
        }
        if any {
            account.tell(
                "biases behind gates were folded into those of the next layer, and are so \
                 written back"
                    .to_owned(),
            );
        }
        any
    }

    /// An embedding and an unembedding of the stream's width in place of projections.
    fn multiplied<T: Scalar>(
        &self,
        account: &Account<'_>,
        model: &Transformer<T>,
        written: &mut Rewritten,
    ) -> bool {
        let (Some(at), Embedding::Tokens(tokens)) = (&self.projections, &model.embedding) else {
            return false;
        };
        for name in [&at.into, &at.back] {
            written
                .tensors
                .remove(&account.stored(&format!("{name}.weight")));
        }
        let unembedding = model.unembedding();
        for (name, matrix) in [
            (&self.tokens, tokens.view()),
            (&format!("{}.weight", at.head), unembedding.t()),
        ] {
            let numbers: Vec<T> = matrix.iter().copied().collect();
            let tensor = Tensor::of_floats(&[matrix.nrows(), matrix.ncols()], &numbers);
            written.tensors.insert(account.stored(name), tensor);
        }
        let config = &mut written.config;
        config.insert("word_embed_proj_dim".to_owned(), self.width.into());
        config.insert("tie_word_embeddings".to_owned(), false.into());
        account.tell(
            "the embedding's projections were multiplied out, and are so written back".to_owned(),
        );
        true
    }
}

impl Rewritten {
    /// A tensor of the layers that it holds.
    fn fill<T: Scalar>(&mut self, account: &Account<'_>, layers: &[(&LinearAt, &Array2<T>)]) {
        let Some((first, _)) = layers.first() else {
            return;
        };
        let mut numbers = vec![T::zero(); first.shape.iter().product()];
        for (at, weight) in layers {
            let place = at.place(account, Matrix::Input);
            // What a shared expert has beyond stays in its own tensors.
            let own = weight.slice(s![..at.inputs, ..at.outputs]);
            for ((from, to), value) in own.indexed_iter() {
                numbers[place.entry(at.inputs, from, to)] = *value;
            }
        }
        let tensor = Tensor::of_floats(&first.shape, &numbers);
        self.tensors.insert(account.stored(&first.tensor), tensor);
    }
}

/// Takes what a plan names.
#[derive(Clone, Copy)]
struct Door<'a> {
    account: &'a Account<'a>,
}

impl<'a> Door<'a> {
    fn tensor(self, name: &str, shape: &[usize], what: &str) -> Result<&'a Tensor> {
        let tensor = self.account.take_floats(name, what)?;
        let wrong = |expected: String| {
            ErrorKind::TensorShape {
                tensor: self.account.stored(name),
                shape: tensor.shape.clone(),
                expected,
            }
            .at(self.account.checkpoint().path.clone())
        };
        if tensor.shape != shape {
            return Err(wrong(format!("{shape:?} is expected")));
        }
        Ok(tensor)
    }

    fn numbers<T: Scalar>(self, name: &str, shape: &[usize], what: &str) -> Result<Vec<T>> {
        let tensor = self.tensor(name, shape, what)?;
        Ok(tensor.numbers())
    }

    fn matrix<T: Scalar>(self, name: &str, shape: [usize; 2], what: &str) -> Result<Array2<T>> {
        let values = self.numbers(name, &shape, what)?;
        Ok(Array2::from_shape_vec(shape, values).unwrap_or_else(|_| Array2::zeros(shape)))
    }

    fn embedding<T: Scalar>(self, plan: &Plan) -> Result<Array2<T>> {
        let own = self
            .account
            .look(&plan.tokens)
            .and_then(|t| t.shape.get(1).copied());
        let width = own
            .filter(|_| plan.projections.is_some())
            .unwrap_or(plan.embedded());
        self.matrix(&plan.tokens, [plan.vocabulary, width], "token embedding")
    }

    fn positions<T: Scalar>(self, at: &Positions, width: usize) -> Result<Array2<T>> {
        let rows = self
            .account
            .look(&at.tensor)
            .map_or(0, |t| t.shape.first().copied().unwrap_or(0));
        let all: Array2<T> = self.matrix(&at.tensor, [rows, width], "position embedding")?;
        let mut positions = all.slice(s![at.skipped.min(rows).., ..]).to_owned();
        if let Some(types) = &at.token_types {
            let kinds = self
                .account
                .look(types)
                .map_or(0, |t| t.shape.first().copied().unwrap_or(0));
            let types: Array2<T> = self.matrix(
                types,
                [kinds, width],
                "token types, of which the first is added",
            )?;
            if kinds > 0 {
                positions += &types.index_axis(Axis(0), 0);
            }
        }
        Ok(positions)
    }

    /// The layer that patches of images go through. Its biases are in the positions.
    fn patches<T: Scalar>(self, at: &PatchesAt) -> Result<Embedding<T>> {
        Ok(Embedding::Values {
            weight: self.weight(&at.linear)?,
            bias: self.bias(&at.linear)?,
            in_perm: (0..at.patches.features()).collect(),
            patches: Some(at.patches),
        })
    }

    /// What every row begins with, `[length, d]`: its position's numbers, and those of a row
    /// before the patches or the biases of the layer that patches go through.
    fn places_of_patches<T: Scalar>(self, at: &PatchesAt, width: usize) -> Result<Array2<T>> {
        let length = at.patches.length();
        let shape = [1, length, width];
        let positions: Vec<T> = self.numbers(&at.positions, &shape, "position embedding")?;
        let bias: Vec<T> = self.numbers(&at.bias, &[width], "biases of the patches")?;
        let what = "what a row before the patches begins with";
        let summaries = at.summaries.iter();
        let summaries = summaries.map(|name| self.numbers(name, &[1, 1, width], what));
        let summaries: Vec<Vec<T>> = summaries.collect::<Result<_>>()?;
        let own = |row: usize| summaries.get(row).unwrap_or(&bias);
        Ok(Array2::from_shape_fn((length, width), |(row, d)| {
            positions[row * width + d] + own(row)[d]
        }))
    }

    /// What is embedded, into the stream.
    fn map<T: Scalar>(self, at: &LinearAt) -> Result<EmbeddingMap<T>> {
        Ok(EmbeddingMap {
            weight: self.weight(at)?,
            bias: self.bias(at)?,
        })
    }

    /// The weights of a linear layer, `[in, out]`.
    fn weight<T: Scalar>(self, at: &LinearAt) -> Result<Array2<T>> {
        let values: Vec<T> = self.numbers(&at.tensor, &at.shape, "weights of a linear layer")?;
        let place = at.place(self.account, Matrix::Input);
        let entry = |(from, to)| values[place.entry(at.inputs, from, to)];
        Ok(Array2::from_shape_fn((at.inputs, at.outputs), entry))
    }

    fn bias<T: Scalar>(self, at: &LinearAt) -> Result<Array1<T>> {
        let Some(bias) = &at.bias else {
            return Ok(Array1::zeros(at.outputs));
        };
        let values: Vec<T> = self.numbers(&bias.tensor, &bias.shape, "biases of a linear layer")?;
        let place = at.place(self.account, Matrix::Input);
        Ok(Array1::from_shape_fn(at.outputs, |to| {
            values[place.bias_entry(to)]
        }))
    }

    fn norm<T: Scalar>(self, at: Option<&NormAt>) -> Result<Option<Norm<T>>> {
        let Some(at) = at else { return Ok(None) };
        if at.weights.is_empty() {
            return Ok(Some(Norm::folded(at.kind, at.width, at.epsilon)));
        }
        let mut weight = Vec::new();
        let rows = [at.heads, at.width];
        let shape = if at.in_rows { &rows[..] } else { &rows[1..] };
        for name in &at.weights {
            weight.extend(self.numbers::<T>(name, shape, "norm")?);
        }
        let weight: Array1<T> = weight
            .into_iter()
            .map(|w| w + T::from_f64(at.plus))
            .collect();
        let bias = match &at.bias {
            Some(name) => Array1::from(self.numbers(name, &[at.width], "norm")?),
            None => Array1::zeros(weight.len()),
        };
        let norm = match at.kind {
            NormKind::Layer => Norm::layer(weight, bias, at.epsilon),
            NormKind::Rms => Norm::rms(weight, at.epsilon),
        };
        Ok(Some(match (at.heads, at.weights.len()) {
            (0, _) => norm,
            (heads, 1) if !at.in_rows => norm.per_head(heads),
            (heads, _) => norm.in_stretches(heads),
        }))
    }

    fn norms<T: Scalar>(self, at: &NormsAt) -> Result<Norms<T>> {
        Ok(Norms {
            before: self.norm(at.before.as_ref())?,
            after: self.norm(at.after.as_ref())?,
            sum: self.norm(at.sum.as_ref())?,
        })
    }

    fn head<T: Scalar>(self, at: &HeadAt) -> Result<OutputHead<T>> {
        Ok(OutputHead {
            weight: self.weight(&at.dense)?,
            bias: self.bias(&at.dense)?,
            activation: at.activation,
            norm: self.norm(at.norm.as_ref())?,
        })
    }

    /// The last layer of a sublayer, what it writes multiplied.
    fn last<T: Scalar>(self, at: &LinearAt, times: f64) -> Result<(Array2<T>, Array1<T>)> {
        let (mut weight, mut bias) = (self.weight(at)?, self.bias(at)?);
        if times != 1.0 {
            let times = T::from_f64(times);
            weight.mapv_inplace(|x: T| x * times);
            bias.mapv_inplace(|x: T| x * times);
        }
        Ok((weight, bias))
    }

    fn block<T: Scalar>(self, at: &BlockPlan, residual: f64) -> Result<Block<T>> {
        let [q, k, v] = &at.letters;
        let (out, out_bias) = self.last(&at.out, residual)?;
        let attention = Attention {
            heads: at.heads.clone(),
            norms: self.norms(&at.attention_norms)?,
            qkv: Heads::fused([self.weight(q)?, self.weight(k)?, self.weight(v)?]),
            qkv_bias: Heads::fused_bias([self.bias(q)?, self.bias(k)?, self.bias(v)?]),
            query_norm: self.norm(at.query_norm.as_ref())?,
            key_norm: self.norm(at.key_norm.as_ref())?,
            out,
            out_bias,
        };
        let mlp = at.mlp.as_ref();
        let mlp = mlp.map(|mlp| self.mlp(mlp, residual)).transpose()?;
        Ok(Block {
            attention,
            mlp,
            wiring: at.wiring,
        })
    }

    fn mlp<T: Scalar>(self, at: &MlpPlan, residual: f64) -> Result<FeedForward<T>> {
        if let Some(experts) = &at.experts {
            return self.experts(at, experts);
        }
        let gate = |at| {
            Ok(Gate {
                weight: self.weight(at)?,
                bias: self.bias(at)?,
            })
        };
        let (down, mut down_bias) = self.last::<T>(&at.down, residual)?;
        if let Some(name) = &at.behind_gate {
            let what = "biases behind the gate, which join those of the next layer";
            let behind: Vec<T> = self.numbers(name, &[at.down.inputs], what)?;
            down_bias += &Array1::from(behind).dot(&down);
        }
        Ok(FeedForward {
            norms: self.norms(&at.norms)?,
            up: self.weight(&at.up)?,
            up_bias: self.bias(&at.up)?,
            gate: at.gate.as_ref().map(gate).transpose()?,
            down,
            down_bias,
            router: None,
        })
    }

    fn router<T: Scalar>(self, at: &ExpertsAt) -> Result<Router<T>> {
        let shared = at.shared.as_ref().map(|at| {
            let gate: Array2<T> = self.weight(&at.share)?;
            Ok(SharedExpert {
                neurons: at.layers[0].outputs,
                gate: gate.column(0).to_owned(),
            })
        });
        Ok(Router {
            weight: self.weight(&at.router)?,
            chosen: at.chosen,
            normalised: at.normalised,
            shared: shared.transpose()?,
        })
    }

    /// Experts side by side: those of the router, then the one they share.
    fn experts<T: Scalar>(self, at: &MlpPlan, experts: &ExpertsAt) -> Result<FeedForward<T>> {
        let together = [at.gate.as_ref().unwrap_or(&at.up), &at.up, &at.down];
        let beside = |letter: usize, axis: usize| {
            let apart: Vec<&LinearAt> = match experts.apart.is_empty() {
                true => vec![together[letter]],
                false => experts.apart.iter().map(|of| &of[letter]).collect(),
            };
            let shared = experts.shared.iter().map(|at| &at.layers[letter]);
            let all = apart.into_iter().chain(shared).map(|at| self.weight(at));
            let all: Vec<Array2<T>> = all.collect::<Result<_>>()?;
            let views: Vec<_> = all.iter().map(|one| one.view()).collect();
            let joined = concatenate(Axis(axis), &views);
            Ok(joined.unwrap_or_else(|_| unreachable!("experts are checked to be alike")))
        };
        let up: Array2<T> = beside(1, 1)?;
        Ok(FeedForward {
            norms: self.norms(&at.norms)?,
            up_bias: Array1::zeros(up.ncols()),
            gate: Some(Gate {
                weight: beside(0, 1)?,
                bias: Array1::zeros(up.ncols()),
            }),
            down: beside(2, 0)?,
            down_bias: Array1::zeros(at.down.outputs),
            up,
            router: Some(self.router(experts)?),
        })
    }
}
