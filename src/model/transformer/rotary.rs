//! Rotary positions: queries and keys are turned by angles that grow with their
//! positions.
//!
//! Sources: Su et al. 2021, arXiv 2104.09864; Peng et al. 2023, arXiv 2309.00071
//! (yarn); the scalings' names and formulas are those of Hugging Face's
//! `rope_type`.

use std::f64::consts::PI;

use ndarray::{ArrayViewMut2, s};

use crate::numeric::Scalar;

/// How queries and keys are turned.
#[derive(Debug, Clone, PartialEq)]
pub struct Rotary {
    /// Radians per position of each pair; what a head has beyond the pairs is not turned.
    pub frequencies: Vec<f64>,
    /// Both sine and cosine are multiplied by it, usually 1.
    pub factor: f64,
    /// Which columns are a pair.
    pub pairs: Pairs,
    /// Where frequencies change with the length of the sequence.
    pub longer: Option<Longer>,
}

/// The frequencies of sequences that are longer than those of training.
#[derive(Debug, Clone, PartialEq)]
pub enum Longer {
    /// They fall with the length.
    Dynamic(Dynamic),
    /// They are these: the scaling `longrope`.
    Listed {
        /// The trained length.
        trained: usize,
        /// Radians per position of each pair.
        frequencies: Vec<f64>,
    },
}

/// The scaling `longrope`.
///
/// Source: Ding et al. 2024, arXiv 2402.13753.
#[derive(Debug, Clone, PartialEq)]
pub struct LongRope {
    /// What frequencies are divided by within the trained length, pair by pair.
    pub short: Vec<f64>,
    /// What they are divided by beyond it.
    pub long: Vec<f64>,
    /// By how much sequences may be longer.
    pub factor: f64,
    /// `original_max_position_embeddings`
    pub trained: usize,
}

/// Which of a head's first 2 n columns are turned together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairs {
    /// i and i + n, as in Llama and GPT-NeoX.
    Halves,
    /// 2 i and 2 i + 1, as in GPT-J.
    Neighbours,
}

/// Frequencies that fall when a sequence is longer than those of training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dynamic {
    /// The base of the frequencies within the trained length.
    pub base: f64,
    /// The factor by which longer sequences are stretched.
    pub factor: f64,
    /// The trained length.
    pub trained: usize,
}

/// The scaling `llama3`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Llama3 {
    /// What low frequencies are divided by.
    pub factor: f64,
    /// `low_freq_factor`
    pub low: f64,
    /// `high_freq_factor`
    pub high: f64,
    /// `original_max_position_embeddings`
    pub trained: f64,
}

/// The scaling `yarn`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Yarn {
    /// What low frequencies are divided by.
    pub factor: f64,
    /// `beta_fast`, usually 32.
    pub fast: f64,
    /// `beta_slow`, usually 1.
    pub slow: f64,
    /// `original_max_position_embeddings`
    pub trained: f64,
    /// Whether the ends of the ramp are rounded outwards, usually so.
    pub truncate: bool,
    /// `mscale` and `mscale_all_dim`, where both are there.
    pub scales: Option<[f64; 2]>,
}

impl Rotary {
    /// The first `width` columns of every head turned, with angles
    /// base^(−2 i / width) per position.
    #[must_use]
    pub fn new(width: usize, base: f64, pairs: Pairs) -> Self {
        Self {
            frequencies: frequencies(width, base),
            factor: 1.0,
            pairs,
            longer: None,
        }
    }

    /// All frequencies divided by `factor`: the scaling `linear`.
    #[must_use]
    pub fn linear(mut self, factor: f64) -> Self {
        self.frequencies.iter_mut().for_each(|f| *f /= factor);
        self
    }

    /// The scaling `dynamic`: within the trained length as it is.
    #[must_use]
    pub fn dynamic(mut self, dynamic: Dynamic) -> Self {
        self.longer = Some(Longer::Dynamic(dynamic));
        self
    }

    /// The scaling `longrope`: other divisors beyond the trained length. The factor of
    /// sine and cosine is √(1 + ln factor / ln trained).
    #[must_use]
    pub fn longrope(mut self, by: &LongRope) -> Self {
        let divided = |by: &[f64]| {
            self.frequencies
                .iter()
                .zip(by)
                .map(|(f, d)| f / d)
                .collect()
        };
        let (short, frequencies) = (divided(&by.short), divided(&by.long));
        self.frequencies = short;
        self.longer = Some(Longer::Listed {
            trained: by.trained,
            frequencies,
        });
        if by.factor > 1.0 {
            self.factor = (1.0 + by.factor.ln() / (by.trained as f64).ln()).sqrt();
        }
        self
    }

    /// The scaling `llama3`: long waves are stretched, short ones not, those
    /// between in part.
    #[must_use]
    pub fn llama3(mut self, by: Llama3) -> Self {
        for frequency in &mut self.frequencies {
            let turns = by.trained * *frequency / (2.0 * PI);
            let kept = ((turns - by.low) / (by.high - by.low)).clamp(0.0, 1.0);
            *frequency *= kept + (1.0 - kept) / by.factor;
        }
        self
    }

    /// The scaling `yarn`; `base` is that of the frequencies. The factor of sine
    /// and cosine is 0.1 ln factor + 1, or the ratio of two such factors with scales before
    /// the logarithm.
    #[must_use]
    pub fn yarn(mut self, base: f64, by: Yarn) -> Self {
        let width = 2.0 * self.frequencies.len() as f64;
        let pair_of =
            |turns: f64| width * (by.trained / (turns * 2.0 * PI)).ln() / (2.0 * base.ln());
        let (mut low, mut high) = (pair_of(by.fast), pair_of(by.slow));
        if by.truncate {
            (low, high) = (low.floor(), high.ceil());
        }
        let (low, mut high) = (low.max(0.0), high.min(width - 1.0));
        if low == high {
            high += 0.001;
        }
        for (pair, frequency) in self.frequencies.iter_mut().enumerate() {
            let stretched = ((pair as f64 - low) / (high - low)).clamp(0.0, 1.0);
            *frequency *= 1.0 - stretched + stretched / by.factor;
        }
        let of = |scale: f64| 0.1 * scale * by.factor.max(1.0).ln() + 1.0;
        self.factor = by.scales.map_or(of(1.0), |[one, all]| of(one) / of(all));
        self
    }

    /// Those for sequences of this length.
    pub(super) fn frequencies_at(&self, length: usize) -> Vec<f64> {
        match &self.longer {
            Some(Longer::Dynamic(by)) if length > by.trained => {
                let width = 2.0 * self.frequencies.len() as f64;
                let stretch = by.factor * length as f64 / by.trained as f64 - (by.factor - 1.0);
                let base = by.base * stretch.powf(width / (width - 2.0));
                frequencies(2 * self.frequencies.len(), base)
            }
            Some(Longer::Listed {
                trained,
                frequencies,
            }) if length > *trained => frequencies.clone(),
            _ => self.frequencies.clone(),
        }
    }

    /// The columns of a pair.
    fn pair(&self, pair: usize) -> (usize, usize) {
        match self.pairs {
            Pairs::Halves => (pair, pair + self.frequencies.len()),
            Pairs::Neighbours => (2 * pair, 2 * pair + 1),
        }
    }
}

/// base^(−2 i / width)
fn frequencies(width: usize, base: f64) -> Vec<f64> {
    let frequency = |pair: usize| base.powf(-(2.0 * pair as f64) / width as f64);
    (0..width / 2).map(frequency).collect()
}

/// Sines and cosines at all positions of sequences of one length.
pub(super) struct Turns<'r, T> {
    rotary: &'r Rotary,
    /// `[length · pairs]`: cosine, sine.
    table: Vec<(T, T)>,
}

impl<'r, T: Scalar> Turns<'r, T> {
    pub fn new(rotary: &'r Rotary, length: usize) -> Self {
        let frequencies = rotary.frequencies_at(length);
        let turn = |position: usize, frequency: &f64| {
            let (sine, cosine) = (position as f64 * frequency).sin_cos();
            (
                T::from_f64(cosine * rotary.factor),
                T::from_f64(sine * rotary.factor),
            )
        };
        let at = |position: usize| frequencies.iter().map(move |f| turn(position, f));
        Self {
            rotary,
            table: (0..length).flat_map(at).collect(),
        }
    }

    /// Turns the heads in the rows of `x: [rows, heads · width]`, in place;
    /// `back` turns gradients at what was turned into those before.
    pub fn turn(
        &self,
        mut x: ArrayViewMut2<'_, T>,
        width: usize,
        position: impl Fn(usize) -> usize,
        back: bool,
    ) {
        let pairs = self.rotary.frequencies.len();
        for (row, mut values) in x.rows_mut().into_iter().enumerate() {
            let turns = &self.table[position(row) * pairs..][..pairs];
            for first in (0..values.len()).step_by(width) {
                let mut head = values.slice_mut(s![first..first + width]);
                for (pair, (cosine, sine)) in turns.iter().enumerate() {
                    let (i, j) = self.rotary.pair(pair);
                    let sine = if back { -*sine } else { *sine };
                    let (a, b) = (head[i], head[j]);
                    head[i] = a * *cosine - b * sine;
                    head[j] = b * *cosine + a * sine;
                }
            }
        }
    }
}
