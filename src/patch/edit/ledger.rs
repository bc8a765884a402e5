//! The edits of a run, as a pass asks for them, and what it has written.

use std::collections::BTreeMap;
use std::ops::Range;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};

use super::Carrier;
use crate::numeric::Scalar;

/// What becomes of columns, in numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Act<T> {
    /// One number, or one for each column.
    Set(Vec<T>),
    /// One number, or one for each column.
    Add(Vec<T>),
    /// A factor.
    Scale(T),
    /// `[rows of all samples, columns]`
    Values(Array2<T>),
}

/// An edit of columns of a group.
#[derive(Debug, Clone)]
pub struct SiteEdit<T> {
    /// The columns.
    pub columns: Range<usize>,
    /// What becomes of them.
    pub act: Act<T>,
    /// At these positions alone.
    pub positions: Option<Vec<usize>>,
}

/// The edits of what a carrier brings, one after the other.
#[derive(Debug, Clone)]
pub struct CarrierEdit<T, G, R> {
    /// The carrier.
    pub carrier: Carrier<G, R>,
    /// What becomes of its message, and at which positions of the reader alone; `Values` are
    /// what is written, not the message.
    pub acts: Vec<(Act<T>, Option<Vec<usize>>)>,
}

/// Which rows a matrix has: those of these samples, as many for each.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    /// Of all samples.
    pub samples: &'a Range<usize>,
    /// The position of a row of the matrix.
    pub position: &'a dyn Fn(usize) -> usize,
}

impl<'a> Rows<'a> {
    /// One row for each sample.
    #[must_use]
    pub fn alone(samples: &'a Range<usize>) -> Self {
        Self {
            samples,
            position: &|_| 0,
        }
    }
}

/// All edits of a run, and what is recorded of it.
pub struct Ledger<'a, T, G, R> {
    sites: &'a BTreeMap<G, Vec<SiteEdit<T>>>,
    carriers: &'a BTreeMap<R, Vec<CarrierEdit<T, G, R>>>,
    /// What is recorded, by group, `[rows, columns]`.
    recorded: BTreeMap<G, Option<Array2<T>>>,
}

impl<'a, T: Scalar, G: Copy + Ord, R: Copy + Ord> Ledger<'a, T, G, R> {
    /// Of these edits; what edited carriers bring is recorded, and `wanted` besides.
    pub fn new(
        sites: &'a BTreeMap<G, Vec<SiteEdit<T>>>,
        carriers: &'a BTreeMap<R, Vec<CarrierEdit<T, G, R>>>,
        wanted: impl IntoIterator<Item = G>,
    ) -> Self {
        let brought = carriers.values().flatten().map(|e| e.carrier.from.group);
        let recorded = brought.chain(wanted).map(|group| (group, None)).collect();
        Self {
            sites,
            carriers,
            recorded,
        }
    }

    /// Whether a group is to be shown as it is written.
    #[must_use]
    pub fn wants(&self, group: G) -> bool {
        self.sites.contains_key(&group) || self.recorded.contains_key(&group)
    }

    /// Whether a group is changed.
    #[must_use]
    pub fn edits(&self, group: G) -> bool {
        self.sites.contains_key(&group)
    }

    /// The groups that are to be shown.
    pub fn groups(&self) -> impl Iterator<Item = G> + '_ {
        self.sites.keys().chain(self.recorded.keys()).copied()
    }

    /// The readers for which a message is changed.
    pub fn readers(&self) -> impl Iterator<Item = R> + '_ {
        self.carriers.keys().copied()
    }

    /// Changes what a group has written, `[rows, columns]`, and keeps it where it is wanted.
    pub fn written(&mut self, group: G, mut values: ArrayViewMut2<'_, T>, rows: Rows<'_>) {
        for edit in self.sites.get(&group).into_iter().flatten() {
            let columns = values.slice_mut(s![.., edit.columns.clone()]);
            apply(&edit.act, columns, edit.positions.as_deref(), rows);
        }
        if let Some(kept) = self.recorded.get_mut(&group) {
            *kept = Some(values.to_owned());
        }
    }

    /// The edits of messages to a reader.
    #[must_use]
    pub fn edits_to(&self, reader: R) -> &'a [CarrierEdit<T, G, R>] {
        self.carriers.get(&reader).map_or(&[], Vec::as_slice)
    }

    /// What edits make of a message less what the message is, `[rows, width]`; `brought`
    /// makes a message of columns with the rows of the writer.
    ///
    /// # Panics
    /// If the pass has not shown what the writer wrote.
    pub fn difference(
        &self,
        edit: &CarrierEdit<T, G, R>,
        (writer, reader): (Rows<'_>, Rows<'_>),
        brought: impl Fn(ArrayView2<'_, T>) -> Array2<T>,
    ) -> Array2<T> {
        let from = &edit.carrier.from;
        let kept = self.recorded.get(&from.group).and_then(Option::as_ref);
        let kept = kept.unwrap_or_else(|| unreachable!("a reader comes after what it reads"));
        let values = kept.slice(s![.., from.columns.clone()]);
        let now = brought(values);
        let mut then = now.clone();
        for (act, positions) in &edit.acts {
            let changed = match act {
                Act::Values(_) => {
                    let mut other = values.to_owned();
                    apply(act, other.view_mut(), None, writer);
                    brought(other.view())
                }
                act => {
                    let mut message = then.clone();
                    apply(act, message.view_mut(), None, reader);
                    message
                }
            };
            for (row, mut message) in then.rows_mut().into_iter().enumerate() {
                let here = |at: &Vec<usize>| at.contains(&(reader.position)(row));
                if positions.as_ref().is_none_or(here) {
                    message.assign(&changed.row(row));
                }
            }
        }
        then - now
    }

    /// What was recorded, by group.
    #[must_use]
    pub fn recorded(self) -> BTreeMap<G, Array2<T>> {
        let shown = |(group, kept): (G, Option<Array2<T>>)| Some((group, kept?));
        self.recorded.into_iter().filter_map(shown).collect()
    }
}

/// Changes columns, `[rows, columns]`, at these positions.
fn apply<T: Scalar>(
    act: &Act<T>,
    mut values: ArrayViewMut2<'_, T>,
    positions: Option<&[usize]>,
    rows: Rows<'_>,
) {
    let per_sample = values.nrows() / rows.samples.len().max(1);
    let first = rows.samples.start * per_sample;
    for (row, mut now) in values.rows_mut().into_iter().enumerate() {
        if positions.is_some_and(|at| !at.contains(&(rows.position)(row))) {
            continue;
        }
        match act {
            Act::Set(one) if one.len() == 1 => now.fill(one[0]),
            Act::Set(each) => now.iter_mut().zip(each).for_each(|(x, v)| *x = *v),
            Act::Add(one) if one.len() == 1 => now += one[0],
            Act::Add(each) => now.iter_mut().zip(each).for_each(|(x, v)| *x += *v),
            Act::Scale(factor) => now *= *factor,
            Act::Values(all) => now.assign(&all.row(first + row)),
        }
    }
}
