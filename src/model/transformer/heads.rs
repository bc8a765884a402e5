//! How a block's heads attend: all options but the weights.

use std::ops::Range;
use std::sync::Arc;

use half::bf16;
use ndarray::{Array1, Array2, Axis, concatenate};

use super::{Letter, Rotary};
use crate::numeric::Scalar;

/// The heads of a block and how they attend:
/// `softmax(mask(cap · tanh(scale · q·k / cap) + alibi(key's place) − alibi(query's)))`.
#[derive(Debug, Clone, PartialEq)]
pub struct Heads {
    /// How many ask.
    pub count: usize,
    /// How many have keys and values; as many heads in a row share each.
    pub keys: usize,
    /// Width of a head's queries, keys and values.
    pub width: usize,
    /// What scores are multiplied by, usually 1/√width.
    pub scale: f64,
    /// The soft cap of the scores, where there is one.
    pub cap: Option<f64>,
    /// How far queries, keys and values may lie from 0, where that is bounded: they are
    /// clipped after their norms and before they are turned.
    pub clip: Option<f64>,
    /// Which positions see which.
    pub mask: Mask,
    /// How scores know of positions.
    pub places: Places,
}

/// Which positions a position sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mask {
    /// Itself and those before it.
    Causal,
    /// Itself and those before it, so many in all.
    Window(usize),
    /// All.
    Full,
    /// Itself and so many on either side.
    Near(usize),
}

/// How attention scores know of positions.
#[derive(Debug, Clone, PartialEq)]
pub enum Places {
    /// Not: positions are in the stream, or nowhere.
    Stream,
    /// Queries and keys are turned.
    Rotary(Arc<Rotary>),
    /// Far keys count less.
    Alibi(Alibi),
}

/// Scores that fall with distance: that of a key has [`Alibi::at`] of its place added, less
/// that of the query's.
///
/// Source: Press, Smith & Lewis 2021, arXiv 2108.12409.
#[derive(Debug, Clone, PartialEq)]
pub struct Alibi {
    /// Per head, what a place further on adds.
    pub slopes: Vec<f64>,
    /// What they are multiplied by, usually 1.
    pub factor: f64,
    /// Whether slopes and what they make of a place are rounded to bf16 first.
    pub rounded: bool,
}

impl Alibi {
    /// So many heads with their authors' slopes.
    #[must_use]
    pub fn new(heads: usize) -> Self {
        Self {
            slopes: Heads::alibi_slopes(heads),
            factor: 1.0,
            rounded: false,
        }
    }

    /// So many heads with the slopes 2^(−8 (h + 1) / heads), also where they are no power of
    /// two, as TransformerLens has them.
    ///
    /// ```
    /// use modscope::model::transformer::Alibi;
    /// assert_eq!(Alibi::geometric(3).slopes[2], 2f64.powi(-8));
    /// // With four heads they are those of the authors; with three these are others.
    /// assert_eq!(Alibi::geometric(4), Alibi::new(4));
    /// assert_eq!(Alibi::new(3).slopes[2], 2f64.powi(-2));
    /// ```
    #[must_use]
    pub fn geometric(heads: usize) -> Self {
        let slope = |h: usize| 2f64.powf(-8.0 * (h + 1) as f64 / heads as f64);
        Self {
            slopes: (0..heads).map(slope).collect(),
            ..Self::new(heads)
        }
    }

    /// What a place adds to a head's score.
    ///
    /// ```
    /// use modscope::model::transformer::Alibi;
    /// // Two heads have the slopes 2^-4 and 2^-8.
    /// assert_eq!(Alibi::new(2).at(0, 3), 3.0 / 16.0);
    /// ```
    #[must_use]
    pub fn at(&self, head: usize, place: usize) -> f64 {
        let round = |x: f64| match self.rounded {
            true => bf16::from_f64(x).to_f64(),
            false => x,
        };
        self.factor * round(round(self.slopes[head]) * place as f64)
    }
}

impl Heads {
    /// So many causal heads with keys and values of their own, scaled by 1/√width.
    #[must_use]
    pub fn new(count: usize, width: usize) -> Self {
        Self {
            count,
            keys: count,
            width,
            scale: 1.0 / (width as f64).sqrt(),
            cap: None,
            clip: None,
            mask: Mask::Causal,
            places: Places::Stream,
        }
    }

    /// Width of all heads' queries together.
    #[must_use]
    pub fn total(&self) -> usize {
        self.count * self.width
    }

    /// Width of all keys together, and of all values.
    #[must_use]
    pub fn keys_total(&self) -> usize {
        self.keys * self.width
    }

    /// Width of queries, keys and values together.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.total() + 2 * self.keys_total()
    }

    /// Whether no position sees those after it.
    #[must_use]
    pub fn is_causal(&self) -> bool {
        match self.mask {
            Mask::Causal | Mask::Window(_) => true,
            Mask::Full | Mask::Near(_) => false,
        }
    }

    /// How many heads have a letter of their own: all their queries, the
    /// key-value heads their keys and values.
    #[must_use]
    pub fn of_letter(&self, letter: Letter) -> usize {
        match letter {
            Letter::Q => self.count,
            Letter::K | Letter::V => self.keys,
        }
    }

    /// All readers of these heads: every letter of every head that has one of its own.
    pub fn readers(&self) -> impl Iterator<Item = (Letter, usize)> + use<> {
        let numbers = Letter::ALL.map(|letter| (letter, self.of_letter(letter)));
        let of = |(letter, heads)| (0..heads).map(move |head| (letter, head));
        numbers.into_iter().flat_map(of)
    }

    /// The key-value head that a head reads.
    #[must_use]
    pub fn key_of(&self, head: usize) -> usize {
        head / (self.count / self.keys)
    }

    /// The heads that read a letter of a head or key-value head.
    #[must_use]
    pub fn readers_of(&self, letter: Letter, head: usize) -> Range<usize> {
        let share = self.count / self.of_letter(letter);
        head * share..(head + 1) * share
    }

    /// A head's columns among those of all heads of its letter.
    #[must_use]
    pub fn head_columns(&self, head: usize) -> Range<usize> {
        head * self.width..(head + 1) * self.width
    }

    /// The columns of a letter in `qkv`.
    #[must_use]
    pub fn letter_columns(&self, letter: Letter) -> Range<usize> {
        let (total, keys) = (self.total(), self.keys_total());
        match letter {
            Letter::Q => 0..total,
            Letter::K => total..total + keys,
            Letter::V => total + keys..total + 2 * keys,
        }
    }

    /// The columns of one head's letter in `qkv`.
    #[must_use]
    pub fn fused_columns(&self, letter: Letter, head: usize) -> Range<usize> {
        let first = self.letter_columns(letter).start + head * self.width;
        first..first + self.width
    }

    /// The same heads, each with keys and values of its own.
    #[must_use]
    pub fn ungrouped(&self) -> Self {
        Self {
            keys: self.count,
            ..self.clone()
        }
    }

    /// For each column of a letter of the ungrouped heads, the one of these that it is.
    #[must_use]
    pub fn ungrouped_columns(&self, letter: Letter) -> Vec<usize> {
        let of = |head: usize| match letter {
            Letter::Q => self.head_columns(head),
            Letter::K | Letter::V => self.head_columns(self.key_of(head)),
        };
        (0..self.count).flat_map(of).collect()
    }

    /// The positions that one at `position` of `length` sees.
    #[must_use]
    pub fn visible(&self, position: usize, length: usize) -> Range<usize> {
        match self.mask {
            Mask::Causal => 0..position + 1,
            Mask::Window(width) => (position + 1).saturating_sub(width)..position + 1,
            Mask::Full => 0..length,
            Mask::Near(side) => position.saturating_sub(side)..length.min(position + side + 1),
        }
    }

    /// Weights of queries, keys and values, `[d, width]` each, side by side.
    ///
    /// # Panics
    /// If they have different numbers of rows.
    #[must_use]
    pub fn fused<T: Scalar>(parts: [Array2<T>; 3]) -> Array2<T> {
        let views = [parts[0].view(), parts[1].view(), parts[2].view()];
        let fused = concatenate(Axis(1), &views)
            .unwrap_or_else(|_| unreachable!("queries, keys and values read the same stream"));
        fused.as_standard_layout().into_owned()
    }

    /// Biases of queries, keys and values, one behind the other.
    #[must_use]
    pub fn fused_bias<T: Scalar>(parts: [Array1<T>; 3]) -> Array1<T> {
        parts.into_iter().flatten().collect()
    }

    /// ALiBi's slopes for so many heads, as its authors have them: a power of two
    /// of heads has 2^(−8 (h + 1) / heads); further heads every other slope of
    /// twice as many.
    #[must_use]
    pub fn alibi_slopes(count: usize) -> Vec<f64> {
        let power = if count == 0 { 1 } else { 1 << count.ilog2() };
        let slope = |h: usize, of: usize| 2f64.powf(-8.0 * (h + 1) as f64 / of as f64);
        let further = (0..count - power.min(count)).map(|h| slope(2 * h, 2 * power));
        (0..power.min(count))
            .map(|h| slope(h, power))
            .chain(further)
            .collect()
    }
}
