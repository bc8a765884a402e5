//! Tensors that lie in files beside the model, as exporters write large ones.
//!
//! Only plain names are followed: nothing that leads out of the model's folder.

use std::collections::BTreeMap;
use std::path::Path;

use super::wire::{Value, fields};
use crate::checkpoint::Bytes;
use crate::checkpoint::disk::is_plain_name;

/// The files beside a model, each read once.
#[derive(Debug)]
pub(super) struct Outside<'p> {
    /// The model's own; none where it is of bytes alone.
    model: Option<&'p Path>,
    files: BTreeMap<String, Bytes>,
}

/// Where a tensor's numbers lie.
#[derive(Debug, Default)]
pub(super) struct Lies {
    file: String,
    first: usize,
    /// All from there on where it is not told.
    length: Option<usize>,
}

impl Lies {
    /// Takes one of the entries that say it, a key and a value; `None` where it is damaged.
    pub fn take(&mut self, entry: Value<'_>) -> Option<()> {
        let (mut key, mut value) = (String::new(), String::new());
        for (number, field) in fields(entry.bytes()?)? {
            match number {
                1 => key = field.text()?,
                2 => value = field.text()?,
                _ => {}
            }
        }
        match key.as_str() {
            "location" => self.file = value,
            "offset" => self.first = value.parse().ok()?,
            "length" => self.length = Some(value.parse().ok()?),
            _ => {}
        }
        Some(())
    }
}

impl<'p> Outside<'p> {
    /// Beside this model.
    pub fn of(model: Option<&'p Path>) -> Self {
        let files = BTreeMap::new();
        Self { model, files }
    }

    /// The bytes that lie there; `Err` says why there are none.
    pub fn bytes(&mut self, lies: &Lies) -> Result<Bytes, String> {
        let name = &lies.file;
        let Some(model) = self.model else {
            return Err(format!("lies in `{name}`, and the model is of bytes alone"));
        };
        if !is_plain_name(name) {
            return Err(format!(
                "lies in `{name}`, which is no file beside the model"
            ));
        }
        if !self.files.contains_key(name) {
            let path = model.with_file_name(name);
            if !path.is_file() {
                return Err(format!("lies in `{name}`, which is not beside the model"));
            }
            let read = Bytes::of_file(&path);
            let bytes = read.map_err(|e| format!("lies in `{name}`, which is not read: {e}"))?;
            self.files.insert(name.clone(), bytes);
        }
        let file = &self.files[name];
        let end = match lies.length {
            Some(length) => lies.first.checked_add(length),
            None => Some(file.len()),
        };
        let part = end.and_then(|end| file.part(lies.first..end));
        part.ok_or_else(|| format!("lies beyond the end of `{name}`"))
    }

    /// All that were read.
    pub fn files(self) -> impl Iterator<Item = (String, Bytes)> {
        self.files.into_iter()
    }
}
