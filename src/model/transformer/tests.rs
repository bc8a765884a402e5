//! A table of networks that have every option of the description, and what they
//! compute by definition, written out plainly and without any of the pass.

use std::collections::BTreeMap;
use std::sync::Arc;

use ndarray::{Array1, Array2, Axis, s};

use super::*;
use crate::numeric::{Activation, Rng};

pub(crate) const D: usize = 5;
pub(crate) const LENGTH: usize = 4;
pub(crate) const FEATURES: usize = 3;
const OUTPUTS: usize = 3;
const HIDDEN: usize = 7;

fn random(rng: &mut Rng, rows: usize, columns: usize) -> Array2<f64> {
    Array2::from_shape_simple_fn((rows, columns), || 0.4 * rng.normal())
}

fn vector(rng: &mut Rng, width: usize) -> Array1<f64> {
    Array1::from_shape_simple_fn(width, || 0.3 * rng.normal())
}

fn layer_norm(rng: &mut Rng, width: usize) -> Norm<f64> {
    Norm::layer(vector(rng, width) + 1.0, vector(rng, width), 1e-5)
}

fn rms_norm(rng: &mut Rng, width: usize) -> Norm<f64> {
    Norm::rms(vector(rng, width) + 1.0, 1e-5)
}

/// What is set besides the plain network.
struct Form<'f> {
    heads: Heads,
    activation: Activation,
    block: &'f dyn Fn(usize, &mut Rng, &mut Block<f64>),
    whole: &'f dyn Fn(&mut Rng, &mut Transformer<f64>),
}

fn two_heads() -> Heads {
    let heads = Heads::new(2, 4);
    Heads {
        scale: 0.6,
        ..heads
    }
}

fn grouped(keys: usize) -> Heads {
    let heads = Heads::new(4, 4);
    Heads { keys, ..heads }
}

fn build(form: &Form<'_>) -> Transformer<f64> {
    let mut rng = Rng::new(3, 0);
    let blocks = (0..3).map(|layer| {
        let mut block = plain_block(&mut rng, form.heads.clone());
        (form.block)(layer, &mut rng, &mut block);
        Arc::new(block)
    });
    let blocks = blocks.collect();
    let mut model = Transformer {
        embedding: Embedding::Values {
            weight: random(&mut rng, FEATURES, D),
            bias: vector(&mut rng, D),
            in_perm: (0..FEATURES).collect(),
            patches: None,
        },
        embedding_scale: 1.0,
        positions: Some(random(&mut rng, 6, D)),
        embedding_norm: None,
        embedding_map: None,
        blocks,
        final_norm: None,
        head: None,
        unembedding: Some(random(&mut rng, D, OUTPUTS)),
        output_bias: vector(&mut rng, OUTPUTS),
        logits: Logits::default(),
        out_perm: (0..OUTPUTS).collect(),
        activation: form.activation,
        reads: None,
        headless: false,
        padding: None,
    };
    (form.whole)(&mut rng, &mut model);
    model
}

fn plain_block(rng: &mut Rng, heads: Heads) -> Block<f64> {
    Block {
        attention: Attention {
            norms: Norms::default(),
            qkv: random(rng, D, heads.columns()),
            qkv_bias: vector(rng, heads.columns()),
            query_norm: None,
            key_norm: None,
            out: random(rng, heads.total(), D),
            out_bias: vector(rng, D),
            heads,
        },
        mlp: Some(FeedForward {
            norms: Norms::default(),
            up: random(rng, D, HIDDEN),
            up_bias: vector(rng, HIDDEN),
            gate: None,
            down: random(rng, HIDDEN, D),
            down_bias: vector(rng, D),
            router: None,
        }),
        wiring: Wiring::Sequential,
    }
}

fn gate(rng: &mut Rng, block: &mut Block<f64>) {
    if let Some(mlp) = &mut block.mlp {
        mlp.gate = Some(Gate {
            weight: random(rng, D, HIDDEN),
            bias: vector(rng, HIDDEN),
        });
    }
}

/// A norm of this kind in these places of both sublayers.
fn norms(
    rng: &mut Rng,
    block: &mut Block<f64>,
    norm: fn(&mut Rng, usize) -> Norm<f64>,
    place: fn(&mut Norms<f64>) -> &mut Option<Norm<f64>>,
) {
    *place(&mut block.attention.norms) = Some(norm(rng, D));
    if let Some(mlp) = &mut block.mlp {
        *place(&mut mlp.norms) = Some(norm(rng, D));
    }
}

fn before(norms: &mut Norms<f64>) -> &mut Option<Norm<f64>> {
    &mut norms.before
}

fn after(norms: &mut Norms<f64>) -> &mut Option<Norm<f64>> {
    &mut norms.after
}

fn of_sum(norms: &mut Norms<f64>) -> &mut Option<Norm<f64>> {
    &mut norms.sum
}

/// A network with or without norms, causal or not.
pub(crate) fn model(normed: bool, causal: bool, activation: Activation) -> Transformer<f64> {
    let mask = if causal { Mask::Causal } else { Mask::Full };
    build(&Form {
        heads: Heads {
            mask,
            ..two_heads()
        },
        activation,
        block: &|_, rng, block| {
            if normed {
                norms(rng, block, layer_norm, before);
            }
        },
        whole: &|rng, model| model.final_norm = Some(layer_norm(rng, D)).filter(|_| normed),
    })
}

/// Networks that have every option, by what they are like.
pub(crate) fn models() -> Vec<(&'static str, Transformer<f64>)> {
    let rotary = |width, pairs| Places::Rotary(Arc::new(Rotary::new(width, 100.0, pairs)));
    let llama = build(&Form {
        heads: Heads {
            places: rotary(4, Pairs::Halves),
            ..grouped(2)
        },
        activation: Activation::Silu,
        block: &|_, rng, block| {
            norms(rng, block, rms_norm, before);
            gate(rng, block);
        },
        whole: &|rng, model| {
            model.final_norm = Some(rms_norm(rng, D));
            model.positions = None;
        },
    });
    let mixtral = build(&Form {
        heads: Heads {
            clip: Some(0.7),
            places: rotary(4, Pairs::Halves),
            ..grouped(2)
        },
        activation: Activation::Silu,
        block: &|layer, rng, block| {
            norms(rng, block, rms_norm, before);
            gate(rng, block);
            if let Some(mlp) = &mut block.mlp {
                let shared = (layer == 1).then(|| SharedExpert {
                    neurons: 2,
                    gate: vector(rng, D),
                });
                let own = shared.as_ref().map_or(0, |shared| shared.neurons);
                mlp.router = Some(Router {
                    weight: random(rng, D, HIDDEN - own),
                    chosen: 3,
                    normalised: layer % 2 == 0,
                    shared,
                });
            }
        },
        whole: &|rng, model| {
            model.final_norm = Some(rms_norm(rng, D));
            for block in &mut model.blocks {
                Arc::make_mut(block).attention.key_norm = Some(rms_norm(rng, 4).per_head(2));
            }
        },
    });
    let gptj = build(&Form {
        heads: Heads {
            places: rotary(2, Pairs::Neighbours),
            mask: Mask::Window(2),
            ..grouped(1)
        },
        activation: Activation::GeluTanh,
        block: &|layer, rng, block| {
            block.wiring = Wiring::Parallel;
            norms(rng, block, layer_norm, before);
            if let Some(mlp) = block.mlp.as_mut().filter(|_| layer > 0) {
                mlp.norms.before = block.attention.norms.before.clone();
            }
        },
        whole: &|_, _| (),
    });
    let bloom = build(&Form {
        heads: Heads {
            places: Places::Alibi(Alibi {
                factor: 0.5,
                rounded: true,
                ..Alibi::new(2)
            }),
            cap: Some(0.5),
            ..two_heads()
        },
        activation: Activation::Tanh,
        block: &|layer, rng, block| {
            norms(rng, block, layer_norm, before);
            block.attention.heads.scale = 1.0 / (1.0 + layer as f64);
        },
        whole: &|rng, model| {
            model.embedding_norm = Some(layer_norm(rng, D));
            model.logits = Logits {
                scale: 1.5,
                cap: Some(2.0),
            };
        },
    });
    let dynamic = Rotary::new(4, 100.0, Pairs::Halves).dynamic(Dynamic {
        base: 100.0,
        factor: 2.0,
        trained: 3,
    });
    let gemma = build(&Form {
        heads: Heads {
            places: Places::Rotary(Arc::new(dynamic)),
            ..grouped(2)
        },
        activation: Activation::GeluTanh,
        block: &|layer, rng, block| {
            norms(rng, block, rms_norm, before);
            norms(rng, block, rms_norm, after);
            gate(rng, block);
            let heads = &mut block.attention.heads;
            heads.mask = if layer % 2 == 0 {
                Mask::Window(3)
            } else {
                Mask::Causal
            };
            heads.cap = Some(2.0);
            block.attention.query_norm = Some(rms_norm(rng, 4).per_head(4));
            block.attention.key_norm = Some(layer_norm(rng, 8).in_stretches(2));
        },
        whole: &|rng, model| {
            model.final_norm = Some(rms_norm(rng, D));
            model.embedding_scale = 2.0;
        },
    });
    let olmo = build(&Form {
        heads: Heads {
            places: rotary(4, Pairs::Halves),
            ..grouped(2)
        },
        activation: Activation::Silu,
        block: &|_, rng, block| {
            norms(rng, block, rms_norm, after);
            block.attention.query_norm = Some(rms_norm(rng, 16));
            block.attention.key_norm = Some(rms_norm(rng, 8));
        },
        whole: &|_, _| (),
    });
    let bert = build(&Form {
        heads: Heads {
            mask: Mask::Full,
            ..two_heads()
        },
        activation: Activation::Gelu,
        block: &|_, rng, block| norms(rng, block, layer_norm, of_sum),
        whole: &|rng, model| {
            model.embedding_norm = Some(layer_norm(rng, D));
            model.head = Some(OutputHead {
                weight: random(rng, D, D),
                bias: vector(rng, D),
                activation: Activation::Gelu,
                norm: Some(layer_norm(rng, D)),
            });
        },
    });
    let attention_only = build(&Form {
        heads: two_heads(),
        activation: Activation::Identity,
        block: &|_, _, block| block.mlp = None,
        whole: &|_, _| (),
    });
    let mixed = build(&Form {
        heads: grouped(2),
        activation: Activation::Silu,
        block: &|layer, rng, block| match layer {
            0 => norms(rng, block, layer_norm, of_sum),
            1 => {
                block.mlp = None;
                norms(rng, block, rms_norm, after);
                norms(rng, block, rms_norm, of_sum);
            }
            _ => {
                block.wiring = Wiring::Parallel;
                norms(rng, block, rms_norm, after);
                norms(rng, block, layer_norm, of_sum);
            }
        },
        whole: &|_, _| (),
    });
    vec![
        ("norms", model(true, true, Activation::GeluTanh)),
        ("none", model(false, false, Activation::Silu)),
        ("both ways", model(true, false, Activation::Gelu)),
        ("llama", llama),
        ("experts", mixtral),
        ("gptj", gptj),
        ("bloom", bloom),
        ("gemma", gemma),
        ("olmo", olmo),
        ("bert", bert),
        ("attention only", attention_only),
        ("mixed", mixed),
    ]
}

/// What a network computes by definition, at all positions; readers, linear
/// layers and values can be given something else.
#[allow(clippy::type_complexity, reason = "each is told by its own line")]
pub(crate) struct Naive<'n> {
    pub model: &'n Transformer<f64>,
    /// What a reader reads, given the stream and what writers have written.
    pub read: &'n dyn Fn(Reader, &Array2<f64>, &BTreeMap<Writer, Array2<f64>>) -> Array2<f64>,
    /// What a linear layer writes.
    pub linear: &'n dyn Fn(Matrix, &Array2<f64>) -> Array2<f64>,
    /// Changes the channels before a block or the end, or hidden neurons.
    pub edit: &'n dyn Fn(usize, &mut Array2<f64>),
}

/// A run by definition.
pub(crate) struct Ran {
    pub writers: BTreeMap<Writer, Array2<f64>>,
    /// What every linear layer has read.
    pub read: BTreeMap<Matrix, Array2<f64>>,
    /// Layers of channels and hidden neurons; none of an MLP that is not there.
    pub values: BTreeMap<usize, Array2<f64>>,
    pub outputs: Array2<f64>,
}

/// As the model has it.
pub(crate) fn naive(model: &Transformer<f64>, inputs: &Array2<f64>) -> Ran {
    let linear = |matrix: Matrix, x: &Array2<f64>| whole(model, matrix, x);
    let plain = Naive {
        model,
        read: &|_, stream, _| stream.clone(),
        linear: &linear,
        edit: &|_, _| (),
    };
    plain.run(inputs)
}

pub(crate) fn whole(model: &Transformer<f64>, matrix: Matrix, x: &Array2<f64>) -> Array2<f64> {
    x.dot(&model.weight(matrix)) + model.bias(matrix)
}

impl Naive<'_> {
    pub fn run(&self, inputs: &Array2<f64>) -> Ran {
        let mut ran = Ran {
            writers: BTreeMap::new(),
            read: BTreeMap::new(),
            values: BTreeMap::new(),
            outputs: Array2::zeros((0, 0)),
        };
        let model = self.model;
        let tokens = self.pass(Matrix::Input, inputs, &mut ran) * model.embedding_scale;
        let position = |(row, d): (usize, usize)| {
            model
                .positions
                .as_ref()
                .map_or(0.0, |p| p[[row % LENGTH, d]])
        };
        let positions = Array2::from_shape_fn(tokens.raw_dim(), position);
        let mut stream = norm(model.embedding_norm.as_ref(), &(&tokens + &positions));
        ran.writers.insert(Writer::Input, stream.clone());
        ran.writers.insert(Writer::TokenEmbedding, tokens);
        ran.writers.insert(Writer::PositionEmbedding, positions);
        for layer in 0..model.blocks.len() {
            stream = self.block(layer, stream, &mut ran);
        }
        (self.edit)(2 * model.blocks.len(), &mut stream);
        ran.values.insert(2 * model.blocks.len(), stream.clone());
        let mut x = (self.read)(Reader::Logits, &stream, &ran.writers);
        x = norm(model.final_norm.as_ref(), &x);
        if let Some(head) = &model.head {
            x = (x.dot(&head.weight) + &head.bias).mapv(|x| head.activation.at(x));
            x = norm(head.norm.as_ref(), &x);
        }
        let logits = self.pass(Matrix::Unembedding, &x, &mut ran) * model.logits.scale;
        ran.outputs = logits.mapv(|z| model.logits.cap.map_or(z, |cap| cap * (z / cap).tanh()));
        ran
    }

    fn pass(&self, matrix: Matrix, x: &Array2<f64>, ran: &mut Ran) -> Array2<f64> {
        ran.read.insert(matrix, x.clone());
        (self.linear)(matrix, x)
    }

    fn block(&self, layer: usize, mut stream: Array2<f64>, ran: &mut Ran) -> Array2<f64> {
        let block = &self.model.blocks[layer];
        (self.edit)(2 * layer, &mut stream);
        ran.values.insert(2 * layer, stream.clone());
        let first = stream.clone();
        stream += &self.heads(layer, &first, ran);
        if !block.is_parallel() {
            stream = self.summed(2 * layer, block.attention.norms.sum.as_ref(), stream, ran);
        }
        let Some(mlp) = &block.mlp else {
            return stream;
        };
        let read = if block.is_parallel() { &first } else { &stream };
        let x = (self.read)(Reader::Mlp { layer }, read, &ran.writers);
        let x = norm(mlp.norms.before.as_ref(), &x);
        let up = self.pass(Matrix::Up(layer), &x, ran);
        let active = |x: Array2<f64>| x.mapv(|x| self.model.activation.at(x));
        let mut hidden = match &mlp.gate {
            Some(_) => active(self.pass(Matrix::Gate(layer), &x, ran)) * up,
            None => active(up),
        };
        if let Some(router) = &mlp.router {
            hidden *= &shares(router, &x);
        }
        (self.edit)(2 * layer + 1, &mut hidden);
        ran.values.insert(2 * layer + 1, hidden.clone());
        let written = self.pass(Matrix::Down(layer), &hidden, ran);
        let written = norm(mlp.norms.after.as_ref(), &written);
        stream += &written;
        ran.writers.insert(Writer::Mlp { layer }, written);
        self.summed(2 * layer + 1, mlp.norms.sum.as_ref(), stream, ran)
    }

    /// The stream after its norm, where there is one.
    fn summed(
        &self,
        sublayer: usize,
        of: Option<&Norm<f64>>,
        stream: Array2<f64>,
        ran: &mut Ran,
    ) -> Array2<f64> {
        if of.is_none() {
            return stream;
        }
        let x = (self.read)(Reader::Norm { sublayer }, &stream, &ran.writers);
        let stream = norm(of, &x);
        ran.writers
            .insert(Writer::Norm { sublayer }, stream.clone());
        stream
    }

    /// What heads write together.
    fn heads(&self, layer: usize, stream: &Array2<f64>, ran: &mut Ran) -> Array2<f64> {
        let attention = &self.model.blocks[layer].attention;
        let heads = &attention.heads;
        let [q, k, v] = Letter::ALL.map(|letter| {
            let matrix = Matrix::Projection { layer, letter };
            let parts = (0..heads.of_letter(letter)).map(|head| {
                let reader = Reader::Head {
                    layer,
                    head,
                    letter,
                };
                let x = (self.read)(reader, stream, &ran.writers);
                let x = norm(attention.norms.before.as_ref(), &x);
                let all = self.pass(matrix, &x, ran);
                all.slice(s![.., head * heads.width..(head + 1) * heads.width])
                    .to_owned()
            });
            let parts: Vec<_> = parts.collect();
            let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
            ndarray::concatenate(Axis(1), &views).unwrap()
        });
        let clipped = |x: Array2<f64>| match heads.clip {
            Some(clip) => x.mapv(|x| x.clamp(-clip, clip)),
            None => x,
        };
        let q = turned(heads, clipped(norm(attention.query_norm.as_ref(), &q)));
        let k = turned(heads, clipped(norm(attention.key_norm.as_ref(), &k)));
        let held = attend(heads, &q, &k, &clipped(v));
        let written = self.pass(Matrix::Out(layer), &held, ran);
        for head in 0..heads.count {
            let columns = head * heads.width..(head + 1) * heads.width;
            let out = attention.out.slice(s![columns.clone(), ..]);
            let written = held.slice(s![.., columns]).dot(&out);
            ran.writers.insert(Writer::Head { layer, head }, written);
        }
        let written = norm(attention.norms.after.as_ref(), &written);
        ran.writers.insert(Writer::Heads { layer }, written.clone());
        written
    }
}

/// Experts of one neuron each: e^logit of the few largest by their sum, or that of all.
fn shares(router: &Router<f64>, x: &Array2<f64>) -> Array2<f64> {
    let mut shares = x.dot(&router.weight).mapv(f64::exp);
    for mut row in shares.rows_mut() {
        let mut falling = row.to_vec();
        falling.sort_by(|a, b| b.total_cmp(a));
        let kept = &falling[..router.chosen];
        let all = if router.normalised { kept } else { &falling };
        let sum: f64 = all.iter().sum();
        row.mapv_inplace(|x| if kept.contains(&x) { x / sum } else { 0.0 });
    }
    if let Some(shared) = &router.shared {
        let share = x.dot(&shared.gate).mapv(|z| 1.0 / (1.0 + (-z).exp()));
        for _ in 0..shared.neurons {
            shares.push_column(share.view()).unwrap();
        }
    }
    shares
}

fn norm(norm: Option<&Norm<f64>>, x: &Array2<f64>) -> Array2<f64> {
    let Some(norm) = norm else {
        return x.clone();
    };
    let width = x.ncols() / norm.stretches;
    Array2::from_shape_fn(x.raw_dim(), |(row, column)| {
        let first = column / width * width;
        let stretch = x.slice(s![row, first..first + width]);
        let mean = match norm.kind {
            NormKind::Layer => stretch.mean().unwrap(),
            NormKind::Rms => 0.0,
        };
        let variance = stretch.mapv(|x| (x - mean) * (x - mean)).mean().unwrap();
        let unit = (x[[row, column]] - mean) / (variance + norm.epsilon).sqrt();
        unit * norm.weight[column] + norm.bias[column]
    })
}

/// Each pair as a complex number times e^(i · position · frequency).
fn turned(heads: &Heads, x: Array2<f64>) -> Array2<f64> {
    let Places::Rotary(rotary) = &heads.places else {
        return x;
    };
    let n = rotary.frequencies.len();
    let base = match &rotary.longer {
        Some(Longer::Dynamic(by)) if LENGTH > by.trained => {
            let grown = by.factor * LENGTH as f64 / by.trained as f64 - (by.factor - 1.0);
            by.base * grown.powf(2.0 * n as f64 / (2.0 * n as f64 - 2.0))
        }
        _ => 100.0,
    };
    let mut result = x.clone();
    for ((row, column), value) in result.indexed_iter_mut() {
        let (head, place) = (column / heads.width * heads.width, column % heads.width);
        let (pair, is_first) = match rotary.pairs {
            Pairs::Halves => (place % n, place < n),
            Pairs::Neighbours => (place / 2, place % 2 == 0),
        };
        if place >= 2 * n {
            continue;
        }
        let (a, b) = match rotary.pairs {
            Pairs::Halves => (x[[row, head + pair]], x[[row, head + pair + n]]),
            Pairs::Neighbours => (x[[row, head + 2 * pair]], x[[row, head + 2 * pair + 1]]),
        };
        let angle = (row % LENGTH) as f64 / base.powf(pair as f64 / n as f64);
        *value = match is_first {
            true => a * angle.cos() - b * angle.sin(),
            false => a * angle.sin() + b * angle.cos(),
        };
    }
    result
}

fn attend(heads: &Heads, q: &Array2<f64>, k: &Array2<f64>, v: &Array2<f64>) -> Array2<f64> {
    Array2::from_shape_fn(q.raw_dim(), |(row, column)| {
        let (first, position) = (row / LENGTH * LENGTH, row % LENGTH);
        let (head, place) = (column / heads.width, column % heads.width);
        let shared = head * heads.keys / heads.count * heads.width;
        let sees = |p: usize| match heads.mask {
            Mask::Full => true,
            Mask::Near(side) => p.abs_diff(position) <= side,
            Mask::Causal => p <= position,
            Mask::Window(width) => p <= position && position - p < width,
        };
        let score = |p: usize| {
            let product = |i: usize| q[[row, head * heads.width + i]] * k[[first + p, shared + i]];
            let score = heads.scale * (0..heads.width).map(product).sum::<f64>();
            let score = heads.cap.map_or(score, |cap| cap * (score / cap).tanh());
            match &heads.places {
                Places::Alibi(alibi) => {
                    score - 0.5 * alibi.slopes[head] * (position as f64 - p as f64)
                }
                _ => score,
            }
        };
        let seen: Vec<usize> = (0..LENGTH).filter(|p| sees(*p)).collect();
        let total: f64 = seen.iter().map(|p| score(*p).exp()).sum();
        let share = |p: &usize| score(*p).exp() / total * v[[first + p, shared + place]];
        seen.iter().map(share).sum()
    })
}

pub(crate) fn values(rows: usize, seed: u64) -> Array2<f64> {
    random(&mut Rng::new(seed, 0), rows, FEATURES)
}

#[track_caller]
pub(crate) fn assert_close(name: &str, a: &Array2<f64>, b: &Array2<f64>) {
    assert_eq!(a.dim(), b.dim(), "{name}");
    let largest = (a - b).iter().fold(0.0_f64, |m, d| m.max(d.abs()));
    assert!(largest < 1e-10, "{name}: largest difference {largest:e}");
}

#[test]
fn every_option_is_computed_as_defined() {
    for (name, model) in models() {
        for positions in [vec![3], vec![0, 2], vec![0, 1, 2, 3]] {
            let inputs = values(3 * LENGTH, 5);
            let positions = Array2::from_shape_fn((3, positions.len()), |(_, p)| positions[p]);
            let answers = Answers::new(positions, LENGTH);
            let trace = model.forward(&SequenceInputs::Values(inputs.clone()), &answers, LENGTH);
            let expected = naive(&model, &inputs)
                .outputs
                .select(Axis(0), &answers.rows());
            assert_close(name, &trace.end.outputs, &expected);
        }
    }
}

/// Entries of every linear layer, against finite differences: what flows
/// through every norm, turn, cap, gate and mask is in some of them.
/// With keys and values of its own for every head a network computes what it did.
#[test]
fn an_ungrouped_network_is_the_same_function() {
    let mut shared = 0;
    for (name, model) in models() {
        let inputs = values(2 * LENGTH, 5);
        let other = model.ungrouped();
        let keys = |of: &Transformer<f64>| {
            let heads = of.blocks.iter().map(|block| &block.attention.heads);
            heads.map(|heads| heads.count - heads.keys).sum::<usize>()
        };
        shared += keys(&model);
        assert_eq!(keys(&other), 0, "{name}");
        assert_close(
            name,
            &naive(&model, &inputs).outputs,
            &naive(&other, &inputs).outputs,
        );
    }
    assert!(shared > 0, "some of them share keys");
}

#[test]
fn gradients_of_every_option_are_the_finite_differences() {
    for (name, model) in models() {
        let inputs = SequenceInputs::Values(values(2 * LENGTH, 6));
        let answers = Answers::new(ndarray::array![[1, 3], [1, 3]], LENGTH);
        let weigh =
            Array2::from_shape_fn((4, OUTPUTS), |(r, o)| ((r * 7 + o * 3) % 5) as f64 - 2.0);
        let scalar = |model: &Transformer<f64>| {
            (model.forward(&inputs, &answers, LENGTH).end.outputs * &weigh).sum()
        };
        let trace = model.forward(&inputs, &answers, LENGTH);
        let gradients = model.backward_weights(&inputs, &trace, weigh.view());
        assert_eq!(gradients.len(), model.matrices().len());
        for (matrix, gradient) in gradients {
            let some = gradient.weight.indexed_iter().step_by(4);
            for ((from, to), found) in some {
                let shifted = |by: f64| {
                    let (mut other, mut weight) = (model.clone(), model.weight(matrix).to_owned());
                    weight[[from, to]] += by;
                    other.set_weight(matrix, &weight);
                    scalar(&other)
                };
                let step = 1e-5;
                let slope = (shifted(step) - shifted(-step)) / (2.0 * step);
                let error = (slope - found).abs();
                assert!(
                    error < 1e-7,
                    "{name} {matrix:?} [{from}, {to}]: {found} and {slope}"
                );
            }
        }
    }
}

/// Slopes of ALiBi's authors for 2, 4 and 6 heads.
#[test]
fn slopes_are_those_of_the_authors() {
    assert_eq!(Heads::alibi_slopes(2), [1.0 / 16.0, 1.0 / 256.0]);
    assert_eq!(
        Heads::alibi_slopes(4),
        [0.25, 0.0625, 0.015_625, 0.003_906_25]
    );
    let six = Heads::alibi_slopes(6);
    assert_eq!(six[4..], [0.5, 0.125]);
}

/// Worked out by hand: base 10000, 8 columns, frequencies 1, 0.1, 0.01, 0.001.
#[test]
fn scalings_of_rotary_positions() {
    let plain = Rotary::new(8, 10_000.0, Pairs::Halves);
    let close = |found: &[f64], expected: [f64; 4]| {
        let all = found.iter().zip(expected);
        all.for_each(|(f, e)| assert!((f / e - 1.0).abs() < 1e-12, "{found:?}, {expected:?}"));
    };
    close(&plain.frequencies, [1.0, 0.1, 0.01, 0.001]);
    close(
        &plain.clone().linear(4.0).frequencies,
        [0.25, 0.025, 0.0025, 0.00025],
    );
    // With 2π · 300 trained positions, the pairs make 300, 30, 3 and 0.3 turns:
    // those of more than 4 are kept, of less than 1 divided, and 3 lies two
    // thirds between.
    let by = Llama3 {
        factor: 8.0,
        low: 1.0,
        high: 4.0,
        trained: 600.0 * std::f64::consts::PI,
    };
    let between = 0.01 * (2.0 / 3.0 + 1.0 / 24.0);
    close(
        &plain.clone().llama3(by).frequencies,
        [1.0, 0.1, between, 0.001 / 8.0],
    );
    // 30 turns are made by pair 1, 3 by pair 2: the ramp goes from 1 to 2.
    let by = Yarn {
        factor: 8.0,
        fast: 30.0,
        slow: 3.0,
        trained: 600.0 * std::f64::consts::PI,
        truncate: false,
        scales: None,
    };
    let yarn = plain.clone().yarn(10_000.0, by);
    close(&yarn.frequencies, [1.0, 0.1, 0.01 / 8.0, 0.001 / 8.0]);
    assert!((yarn.factor - (0.1 * 8f64.ln() + 1.0)).abs() < 1e-12);
    // Two equal scales leave sine and cosine as they are.
    let scales = Some([0.7, 0.7]);
    let even = plain.clone().yarn(10_000.0, Yarn { scales, ..by });
    assert!((even.factor - 1.0).abs() < 1e-12);
    // Sixteen positions were trained: 4 = ln 16 / ln 2, so that twice as many give √(1 + 1/4).
    let long = plain.longrope(&LongRope {
        short: vec![1.0; 4],
        long: vec![1.0, 2.0, 5.0, 10.0],
        factor: 2.0,
        trained: 16,
    });
    close(&long.frequencies_at(16), [1.0, 0.1, 0.01, 0.001]);
    close(&long.frequencies_at(17), [1.0, 0.05, 0.002, 0.0001]);
    assert!((long.factor - 1.25f64.sqrt()).abs() < 1e-12);
}
