//! Which of a file's dictionaries is the state dict.
//!
//! Trainings save it alone, or beside an epoch and an optimiser as `state_dict`,
//! `model` or otherwise: the one dictionary of names to tensors, at any depth.
//! Beside it a training may keep objects of its own, which are not looked into;
//! without a key that says that it is the state dict, they may be the network.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::Fault;
use super::value::{Id, Value, Values};
use super::view::View;

/// How deep dictionaries are looked into.
const DEEPEST: usize = 8;
/// How many dictionaries an error names.
const NAMED: usize = 8;
/// Keys under which trainings keep the state dict.
const USUAL: [&str; 5] = [
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
];
/// The key under which nanoGPT keeps what others have in `config.json`.
const CONFIG: &str = "model_args";

/// The tensors of the one dictionary of tensors, by name.
pub(super) fn dictionary(values: &Values) -> Result<BTreeMap<&str, &View>, Fault> {
    let mut search = Search {
        values,
        seen: BTreeSet::new(),
        path: Vec::new(),
        found: Vec::new(),
    };
    search.look_into(values.root);
    let foreign = |name: &str| Fault::Foreign(name.to_owned());
    match (search.found.as_slice(), values.first_foreign()) {
        (found, Some(name)) if !matches!(found, [(path, _)] if is_usual(path)) => {
            Err(foreign(name))
        }
        ([(_, one)], _) => {
            let mut members = pairs(values, *one).map(|(_, value)| values.get(value));
            match members.find_map(|value| match value {
                Value::Foreign(name) => Some(name),
                _ => None,
            }) {
                Some(name) => Err(foreign(name)),
                None => Ok(tensors(values, *one).collect()),
            }
        }
        (several, _) => {
            let name = |(path, _): &(Vec<&str>, Id)| match path.as_slice() {
                [] => "(the whole)".to_owned(),
                path => path.join("."),
            };
            Err(Fault::States(several.iter().map(name).collect()))
        }
    }
}

fn is_usual(path: &[&str]) -> bool {
    matches!(path, [key] if USUAL.contains(key))
}

/// What a training keeps of the network's configuration beside its state dict.
pub(super) fn config(values: &Values) -> Map<String, Json> {
    let found = pairs(values, values.root).find(|(key, _)| *key == CONFIG);
    let Some((_, dictionary)) = found else {
        return Map::new();
    };
    let plain = |id: Id| {
        Some(match values.get(id) {
            Value::None => Json::Null,
            Value::Integer(number) => Json::from(*number),
            Value::Float(number) => Json::from(*number),
            Value::Truth(truth) => Json::from(*truth),
            Value::Text(text) => Json::from(text.as_str()),
            _ => return None,
        })
    };
    pairs(values, dictionary)
        .filter_map(|(key, value)| Some((key.to_owned(), plain(value)?)))
        .collect()
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
