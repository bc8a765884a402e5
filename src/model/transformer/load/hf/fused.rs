//! Queries, keys and values that stand in one tensor.

use super::super::plan::{BiasAt, LinearAt};
use super::sizes::Sizes;
use crate::model::transformer::Order;

/// Queries, keys and values in one tensor.
pub(super) struct Fused {
    /// Width of the stream.
    pub d: usize,
    /// Widths of all queries, all keys, all values.
    pub widths: [usize; 3],
    /// All of them together.
    all: usize,
}

/// Where one letter is in such a tensor.
pub(super) struct Part {
    shape: [usize; 2],
    first: usize,
    order: Order,
    inputs: usize,
    outputs: usize,
    /// Its first bias, and how many there are for all letters.
    bias: (usize, usize),
}

impl Fused {
    /// Of a block of these sizes.
    pub fn of(sizes: Sizes) -> Self {
        let widths = [sizes.heads, sizes.key_heads, sizes.key_heads].map(|n| n * sizes.head);
        Self {
            d: sizes.width,
            widths,
            all: widths.iter().sum(),
        }
    }

    /// How many columns come before a letter, where all of one stand together.
    fn before(&self, letter: usize) -> usize {
        self.widths[..letter].iter().sum()
    }

    /// All queries, all keys, all values, `[out, in]`.
    pub fn rows(&self, letter: usize) -> Part {
        let before = self.before(letter);
        Part {
            shape: [self.all, self.d],
            first: before * self.d,
            order: Order::OutIn,
            inputs: self.d,
            outputs: self.widths[letter],
            bias: (before, self.all),
        }
    }

    /// The same, `[in, out]`.
    pub fn columns(&self, letter: usize) -> Part {
        Part {
            shape: [self.d, self.all],
            first: self.before(letter),
            order: Order::InOut { stride: self.all },
            ..self.rows(letter)
        }
    }

    /// Key-value head by key-value head: its queries, its key, its value, `[out, in]`.
    pub fn by_head(&self, letter: usize, sizes: Sizes) -> Part {
        let share = sizes.heads / sizes.key_heads;
        let before = [0, share, share + 1][letter] * sizes.head;
        Part {
            first: before * self.d,
            order: Order::Groups {
                width: sizes.head,
                share: if letter == 0 { share } else { 1 },
                group: share + 2,
            },
            bias: (before, self.all),
            ..self.rows(letter)
        }
    }
}

impl Fused {
    /// Four parts, each a quarter of the queries, of the values, of the keys, `[out, in]`.
    pub fn quarters(&self, letter: usize, sizes: Sizes) -> Part {
        let share = sizes.heads / 4;
        let before = [0, 2, 1][letter] * share * sizes.head;
        Part {
            first: before * self.d,
            order: Order::Groups {
                width: sizes.head,
                share,
                group: 3 * share,
            },
            bias: (before, self.all),
            ..self.rows(letter)
        }
    }
}

impl Part {
    /// With the name of its tensor, and a bias like it where there is one.
    pub fn named(self, name: &str, is_biased: bool) -> LinearAt {
        LinearAt {
            tensor: format!("{name}.weight"),
            inputs: self.inputs,
            shape: self.shape.to_vec(),
            first: self.first,
            order: self.order,
            outputs: self.outputs,
            bias: is_biased.then(|| BiasAt {
                tensor: format!("{name}.bias"),
                shape: vec![self.bias.1],
                first: self.bias.0,
            }),
        }
    }
}
