//! What a pickle is made into: values that refer to each other by number.
//!
//! Pickles share values and may tie them in knots, so that no value owns another.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::view::{Storage, View};

/// The number of a value.
pub(super) type Id = usize;

/// Everything that rebuilds tensors and what stands beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Callable {
    OrderedDict,
    /// The version: 1, 2 or 3.
    RebuildTensor(u8),
    RebuildParameter,
    Size,
    Device,
    /// A class of storages, like `FloatStorage`.
    StorageClass(String),
    /// A number type, like `float32`.
    Dtype(String),
}

/// Any value that a file of tensors holds.
#[derive(Debug)]
pub(super) enum Value {
    None,
    Integer(i64),
    Text(String),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    /// Pairs of keys and values as they were set; later ones count.
    Dict(Vec<(Id, Id)>),
    Callable(Callable),
    Storage(Storage),
    Tensor(Box<View>),
    Float(f64),
    Truth(bool),
    /// A class or function that rebuilds no tensor, or what would come of it: its name.
    Foreign(Rc<str>),
    /// Very long integers, devices, sets: nothing we look into.
    Opaque,
}

/// All values of a pickle.
#[derive(Debug)]
pub(super) struct Values {
    all: Vec<Value>,
    /// The value that was pickled.
    pub root: Id,
    /// The first class or function by name that rebuilds no tensor.
    first_foreign: Option<Rc<str>>,
}

impl Values {
    /// None, false, true and the empty tuple, which are made once.
    pub const NONE: Id = 0;
    pub const FALSE: Id = 1;
    pub const TRUE: Id = 2;
    pub const EMPTY_TUPLE: Id = 3;

    pub fn new() -> Self {
        Self {
            all: vec![
                Value::None,
                Value::Truth(false),
                Value::Truth(true),
                Value::Tuple(Vec::new()),
            ],
            root: Self::NONE,
            first_foreign: None,
        }
    }

    pub fn add(&mut self, value: Value) -> Id {
        self.all.push(value);
        self.all.len() - 1
    }

    /// A class or function of this name.
    pub fn foreign(&mut self, module: &str, name: &str) -> Value {
        let name: Rc<str> = Rc::from(format!("{module}.{name}"));
        self.first_foreign.get_or_insert_with(|| Rc::clone(&name));
        Value::Foreign(name)
    }

    /// The first that was asked for and rebuilds no tensor.
    pub fn first_foreign(&self) -> Option<&str> {
        self.first_foreign.as_deref()
    }

    pub fn get(&self, id: Id) -> &Value {
        self.all.get(id).unwrap_or(&Value::None)
    }

    pub fn get_mut(&mut self, id: Id) -> Option<&mut Value> {
        self.all.get_mut(id)
    }

    pub fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn index(&self, id: Id) -> Option<usize> {
        match self.get(id) {
            Value::Integer(value) => usize::try_from(*value).ok(),
            _ => None,
        }
    }

    /// The members of a tuple or list.
    pub fn members(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Tuple(members) | Value::List(members) => Some(members),
            _ => None,
        }
    }

    /// The bytes that each storage is said to have.
    pub fn storage_sizes(&self) -> BTreeMap<&str, usize> {
        let storages = self.all.iter().filter_map(|value| match value {
            Value::Storage(storage) => Some(storage),
            _ => None,
        });
        storages
            .filter_map(|storage| Some((storage.key.as_str(), storage.bytes()?)))
            .collect()
    }

    /// A tuple or list of at most so many sizes.
    pub fn sizes(&self, id: Id, most: usize) -> Option<Vec<usize>> {
        let members = self.members(id).filter(|m| m.len() <= most)?;
        members.iter().map(|id| self.index(*id)).collect()
    }
}
