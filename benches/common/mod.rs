//! Random GPT-2s and pairs of prompts for them.
#![allow(missing_docs, reason = "part of benches")]
#![allow(dead_code, reason = "each bench uses its own part")]

use std::sync::Arc;

use modscope::model::Sequences;
use modscope::model::transformer::{
    Answers, Attention, Block, Embedding, FeedForward, Heads, Logits, Norm, Norms, SequenceInputs,
    Transformer, Wiring,
};
use modscope::numeric::{Activation, Rng};
use ndarray::{Array1, Array2};

/// What a GPT-2 and its prompts are like.
pub struct Shape {
    pub blocks: usize,
    pub heads: usize,
    pub width: usize,
    pub tokens: usize,
    pub samples: usize,
    pub length: usize,
}

fn random(rng: &mut Rng, rows: usize, columns: usize) -> Array2<f32> {
    let scale = 1.0 / (rows as f64).sqrt();
    Array2::from_shape_simple_fn((rows, columns), || (scale * rng.normal()) as f32)
}

impl Shape {
    fn norm(&self) -> Option<Norm<f32>> {
        let (ones, zeros) = (Array1::ones(self.width), Array1::zeros(self.width));
        Some(Norm::layer(ones, zeros, 1e-5))
    }

    fn block(&self, rng: &mut Rng) -> Block<f32> {
        let d = self.width;
        Block {
            attention: Attention {
                heads: Heads::new(self.heads, d / self.heads),
                norms: Norms::before(self.norm()),
                qkv: random(rng, d, 3 * d),
                qkv_bias: Array1::zeros(3 * d),
                query_norm: None,
                key_norm: None,
                out: random(rng, d, d),
                out_bias: Array1::zeros(d),
            },
            mlp: Some(FeedForward {
                norms: Norms::before(self.norm()),
                up: random(rng, d, 4 * d),
                up_bias: Array1::zeros(4 * d),
                gate: None,
                down: random(rng, 4 * d, d),
                down_bias: Array1::zeros(d),
                router: None,
            }),
            wiring: Wiring::Sequential,
        }
    }

    /// A network with random weights.
    pub fn model(&self, rng: &mut Rng) -> Transformer<f32> {
        Transformer {
            embedding: Embedding::Tokens(random(rng, self.tokens, self.width)),
            embedding_map: None,
            embedding_scale: 1.0,
            positions: Some(random(rng, self.length, self.width)),
            embedding_norm: None,
            blocks: (0..self.blocks)
                .map(|_| Arc::new(self.block(rng)))
                .collect(),
            final_norm: self.norm(),
            head: None,
            unembedding: None,
            output_bias: Array1::zeros(self.tokens),
            logits: Logits::default(),
            out_perm: (0..self.tokens).collect(),
            activation: Activation::GeluTanh,
            reads: None,
            headless: false,
            padding: None,
        }
    }

    /// Random prompts, each with another random one; answers at the last position.
    pub fn batch(&self, rng: &mut Rng) -> Sequences<f32> {
        let shape = (self.samples, self.length);
        let mut tokens = || Array2::from_shape_simple_fn(shape, || rng.below(self.tokens));
        let (clean, corrupted) = (tokens(), tokens());
        Sequences {
            path: "random".into(),
            inputs: SequenceInputs::Tokens(clean),
            corrupted: Some(SequenceInputs::Tokens(corrupted)),
            answers: Answers::last(self.samples, self.length),
            correct: None,
            foils: None,
            targets: None,
            outputs: None,
            lengths: None,
        }
    }
}
