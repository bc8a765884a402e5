//! Which of a file's dictionaries is the state dict.
//!
//! Trainings save it alone, or beside an epoch and an optimiser as `state_dict`,
//! `model` or otherwise: the one dictionary of names to tensors, at any depth.

use std::collections::{BTreeMap, BTreeSet};

use super::Fault;
use super::value::{Id, Value, Values};
use super::view::View;

/// How deep dictionaries are looked into.
const DEEPEST: usize = 8;
/// How many dictionaries an error names.
const NAMED: usize = 8;

/// The tensors of the one dictionary of tensors, by name.
pub(super) fn dictionary(values: &Values) -> Result<BTreeMap<&str, &View>, Fault> {
    let mut search = Search {
        values,
        seen: BTreeSet::new(),
        path: Vec::new(),
        found: Vec::new(),
    };
    search.look_into(values.root);
    match search.found.as_slice() {
        [(_, one)] => Ok(tensors(values, *one).collect()),
        several => {
            let name = |(path, _): &(Vec<&str>, Id)| match path.as_slice() {
                [] => "(the whole)".to_owned(),
                path => path.join("."),
            };
            Err(Fault::States(several.iter().map(name).collect()))
        }
    }
}

struct Search<'v> {
    values: &'v Values,
    seen: BTreeSet<Id>,
    /// The keys that lead to where we are.
    path: Vec<&'v str>,
    found: Vec<(Vec<&'v str>, Id)>,
}

impl<'v> Search<'v> {
    /// A dictionary counts where it holds tensors and none inside it does. Numbers
    /// alone, like a best score, make no dictionary of weights; what is kept under
    /// numbers, as optimisers keep theirs, is not looked into.
    fn look_into(&mut self, id: Id) {
        if self.path.len() > DEEPEST || self.found.len() >= NAMED || !self.seen.insert(id) {
            return;
        }
        let before = self.found.len();
        for (key, value) in pairs(self.values, id) {
            self.path.push(key);
            self.look_into(value);
            self.path.pop();
        }
        let none_inside = self.found.len() == before;
        if none_inside && tensors(self.values, id).any(|(_, view)| !view.shape.is_empty()) {
            self.found.push((self.path.clone(), id));
        }
    }
}

/// The entries of a dictionary whose keys are texts.
fn pairs(values: &Values, id: Id) -> impl Iterator<Item = (&str, Id)> {
    let all = match values.get(id) {
        Value::Dict(all) => all.as_slice(),
        _ => &[],
    };
    all.iter()
        .filter_map(|(key, value)| Some((values.text(*key)?, *value)))
}

/// Those that are tensors.
fn tensors(values: &Values, id: Id) -> impl Iterator<Item = (&str, &View)> {
    pairs(values, id).filter_map(|(key, value)| match values.get(value) {
        Value::Tensor(view) => Some((key, view.as_ref())),
        _ => None,
    })
}
