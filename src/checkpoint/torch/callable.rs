//! What a pickle may ask to be called, and what comes of it.

use super::Fault;
use super::value::{Callable, Id, Value, Values};
use super::view::{Storage, View};

/// Names of storages and their classes are short. Both are copied for every
/// tensor, so that long ones could fill the memory; so could many dimensions.
const LONGEST_NAME: usize = 64;
const MOST_DIMENSIONS: usize = 16;

impl Callable {
    /// The callable of this name, if it is one of these.
    pub fn named(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("torch._utils", "_rebuild_tensor") => Self::RebuildTensor(1),
            ("torch._utils", "_rebuild_tensor_v2") => Self::RebuildTensor(2),
            ("torch._utils", "_rebuild_tensor_v3") => Self::RebuildTensor(3),
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
                Self::RebuildParameter
            }
            ("torch", "Size") => Self::Size,
            ("torch", "device") => Self::Device,
            ("torch" | "torch.storage", _) if is_storage(name) => {
                Self::StorageClass(name.to_owned())
            }
            ("torch", _) if is_dtype(name) => Self::Dtype(name.to_owned()),
            _ => return None,
        })
    }

    /// What a call with these arguments gives.
    pub fn call(&self, values: &mut Values, arguments: &[Id]) -> Result<Id, Fault> {
        let wrong = || Fault::Broken(format!("{self:?} is called with what it does not take"));
        match (self, arguments) {
            (Self::OrderedDict, []) => Ok(values.add(Value::Dict(Vec::new()))),
            (Self::RebuildTensor(version), _) => {
                let view = view(*version, values, arguments).ok_or_else(wrong)?;
                Ok(values.add(Value::Tensor(Box::new(view))))
            }
            (Self::RebuildParameter, [tensor, ..]) => match values.get(*tensor) {
                Value::Tensor(_) => Ok(*tensor),
                _ => Err(wrong()),
            },
            (Self::Size, [sizes]) if values.members(*sizes).is_some() => Ok(*sizes),
            (Self::Device, [_] | [_, _]) => Ok(values.add(Value::Opaque)),
            _ => Err(wrong()),
        }
    }
}

fn is_storage(name: &str) -> bool {
    name.strip_suffix("Storage")
        .is_some_and(|kind| !kind.is_empty() && kind.chars().all(char::is_alphanumeric))
        && name.len() <= LONGEST_NAME
}

fn is_dtype(name: &str) -> bool {
    let digits = name.trim_start_matches(char::is_alphabetic);
    let kind = name.strip_suffix(digits).unwrap_or(name);
    // Rarer ones, like `float8_e4m3fn`, are known as types so that the error
    // can name the tensor that is of one.
    match kind {
        "bool" => digits.is_empty(),
        "float" | "bfloat" | "int" | "uint" | "complex" => {
            digits.starts_with(char::is_numeric) && name.len() <= LONGEST_NAME
        }
        _ => false,
    }
}

/// `(storage, offset, size, stride, …)`, and in version 3 a type in seventh place.
fn view(version: u8, values: &Values, arguments: &[Id]) -> Option<View> {
    let [storage, offset, shape, strides, ..] = *arguments else {
        return None;
    };
    let Value::Storage(storage) = values.get(storage) else {
        return None;
    };
    let dtype = if version == 3 {
        match values.get(*arguments.get(6)?) {
            Value::Callable(Callable::Dtype(name)) => name.clone(),
            _ => return None,
        }
    } else {
        storage.class.clone()
    };
    let view = View {
        storage: storage.clone(),
        dtype,
        offset: values.index(offset)?,
        shape: values.sizes(shape, MOST_DIMENSIONS)?,
        strides: values.sizes(strides, MOST_DIMENSIONS)?,
    };
    (view.shape.len() == view.strides.len()).then_some(view)
}

/// The storage that `('storage', class, key, location, elements, …)` stands for.
pub(super) fn storage(values: &Values, id: Id) -> Option<Storage> {
    let [kind, class, key, _location, elements, rest @ ..] = values.members(id)? else {
        return None;
    };
    let Value::Callable(Callable::StorageClass(class)) = values.get(*class) else {
        return None;
    };
    let key = values.text(*key).filter(|key| key.len() <= LONGEST_NAME)?;
    // The legacy format may tell a part of a storage here.
    let whole = rest.iter().all(|id| matches!(values.get(*id), Value::None));
    (values.text(*kind) == Some("storage") && whole).then_some(Storage {
        class: class.clone(),
        key: key.to_owned(),
        elements: values.index(*elements)?,
    })
}
