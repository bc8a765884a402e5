//! The part of the Python package that is in the interpreter's process: a network that is
//! held in memory and run with edits. Whole commands run in a process of their own, where
//! Ctrl-C ends them; a run here takes as long as a forward pass.

use std::path::{Path, PathBuf};

use modscope::audit::{Config, Plan, Session, WeightEdit};
use modscope::checkpoint::{Bytes, Checkpoint, Dtype, IntegerKind, Sum, Tensor};
use modscope::data::Dataset;
use modscope::patch::edit::{At, Change, Edit};
use ndarray::Array2;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// An array as it is handed over: its name, its type in a file, its shape, the array, and where
/// its bytes begin.
type Array<'py> = (String, String, Vec<usize>, Bound<'py, PyAny>, usize);

/// An edit as it is handed over: what is edited, the names of its sites, what becomes of it,
/// numbers, and the positions at which.
type Edited = (String, Vec<String>, String, Vec<f64>, Option<Vec<usize>>);

/// Numbers as they are handed back: `f64` of this machine, rows and columns.
type Numbers<'py> = (Bound<'py, PyBytes>, usize, usize);

/// What a run shows: outputs, and what each site that was asked for writes.
type Shown<'py> = (Numbers<'py>, Vec<Numbers<'py>>);

/// A network with its samples, opened once.
#[pyclass(frozen)]
struct Network {
    session: Session,
}

#[pymethods]
impl Network {
    /// Opens a file.
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf, data: PathBuf, seed: u64) -> PyResult<Self> {
        let opened = py.detach(|| Self::of(Checkpoint::open(&path)?, &data, seed));
        opened.map_err(|error| raised(py, &error))
    }

    /// Of arrays in memory, none of which is copied as bytes; `config` is the text of the
    /// `config.json` that would lie beside them.
    #[staticmethod]
    fn from_arrays(
        py: Python<'_>,
        arrays: Vec<Array<'_>>,
        config: Option<&str>,
        data: PathBuf,
        seed: u64,
    ) -> PyResult<Self> {
        let tensor = |(name, dtype, shape, owner, start): Array<'_>| {
            let dtype = self::dtype(&dtype)?;
            let bytes = Bytes::from_owner(Held {
                _owner: owner.unbind(),
                start: start as *const u8,
                length: shape.iter().product::<usize>() * dtype.size(),
            });
            let tensor = Tensor {
                dtype,
                shape,
                bytes,
            };
            Ok((name, tensor))
        };
        let tensors = arrays.into_iter().map(tensor).collect::<PyResult<_>>()?;
        let config = match config.map(serde_json::from_str) {
            None => serde_json::Map::new(),
            Some(Ok(serde_json::Value::Object(said))) => said,
            Some(_) => return Err(PyValueError::new_err("the configuration is no JSON object")),
        };
        let checkpoint = Checkpoint {
            path: PathBuf::from("memory"),
            sha256: Sum::default(),
            tensors,
            metadata: Default::default(),
            config,
        };
        let opened = py.detach(|| Self::of(checkpoint, &data, seed));
        opened.map_err(|error| raised(py, &error))
    }

    /// The names of all sites.
    fn sites(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let sites = py.detach(|| self.session.sites());
        sites.map_err(|error| raised(py, &error))
    }

    /// Runs all samples with edits: outputs `[readings, outputs]`, and what the sites in
    /// `read` write, each `[rows, values]`.
    fn run<'py>(
        &self,
        py: Python<'py>,
        edits: Vec<Edited>,
        read: Vec<String>,
    ) -> PyResult<Shown<'py>> {
        let mut plan = Plan::default();
        for edit in edits {
            add(&mut plan, edit)?;
        }
        let seen = py.detach(|| self.session.run(&plan, &read));
        let seen = seen.map_err(|error| raised(py, &error))?;
        let values = seen.values.iter().map(|of| numbers(py, of));
        Ok((numbers(py, &seen.outputs), values.collect()))
    }
}

impl Network {
    fn of(checkpoint: Checkpoint, data: &Path, seed: u64) -> modscope::Result<Self> {
        let mut config = Config::new(Vec::new());
        config.seed = seed;
        let data = Dataset::open(data, None)?;
        let session = Session::new(checkpoint, data, config)?;
        Ok(Self { session })
    }
}

fn numbers<'py>(py: Python<'py>, of: &Array2<f64>) -> Numbers<'py> {
    let bytes: Vec<u8> = of.iter().flat_map(|x| x.to_ne_bytes()).collect();
    (PyBytes::new(py, &bytes), of.nrows(), of.ncols())
}

/// Adds an edit to a plan.
fn add(plan: &mut Plan, (of, names, change, values, positions): Edited) -> PyResult<()> {
    let wrong = |what: &str| PyValueError::new_err(format!("{what}: {}", names.join("->")));
    let number = || {
        values
            .first()
            .copied()
            .ok_or_else(|| wrong("a number is missing"))
    };
    let change = match change.as_str() {
        "set" => Change::Set(values.clone()),
        "add" => Change::Add(values.clone()),
        "scale" => Change::Scale(number()?),
        // Samples are counted by whole numbers, which f64 holds.
        "patch" => Change::Sample(number()? as usize),
        fill => Change::Fill(fill.parse().map_err(|_| wrong("no such fill"))?),
    };
    let at = match (of.as_str(), &names[..]) {
        ("site", [site]) => At::Site(site.clone()),
        ("edge", [from, to]) => At::Edge(from.clone(), to.clone()),
        ("path", _) => At::Path(names.clone()),
        ("weight", [from, to]) => {
            plan.weights.push(WeightEdit {
                from: from.clone(),
                to: to.clone(),
                value: number()?,
            });
            return Ok(());
        }
        _ => return Err(wrong("this is no edit")),
    };
    plan.edits.push(Edit {
        at,
        change,
        positions,
    });
    Ok(())
}

/// The bytes of an array that lives in the interpreter.
struct Held {
    /// Keeps the bytes where they are.
    _owner: Py<PyAny>,
    start: *const u8,
    length: usize,
}

// SAFETY: the bytes are only read, from whatever thread; the reference that keeps them is
// counted down by whoever holds the interpreter's lock, which `Py` sees to.
#[allow(unsafe_code, reason = "see above")]
unsafe impl Send for Held {}
#[allow(unsafe_code, reason = "see above")]
// SAFETY: as above.
unsafe impl Sync for Held {}

impl AsRef<[u8]> for Held {
    #[allow(
        unsafe_code,
        reason = "an array's bytes stay where they are while it lives"
    )]
    fn as_ref(&self) -> &[u8] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: `_network.py` says where the bytes of a contiguous array begin, and hands over
        // the array, which keeps them there while it lives. That nobody writes into weights
        // while a network reads them is asked of the caller, as it is by every library that
        // shares an array's memory.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }
}

/// The type of numbers by its name in safetensors.
fn dtype(name: &str) -> PyResult<Dtype> {
    Ok(match name {
        "F64" => Dtype::F64,
        "F32" => Dtype::F32,
        "F16" => Dtype::F16,
        "BF16" => Dtype::Bf16,
        "I64" => Dtype::Integer(IntegerKind::I64),
        "I32" => Dtype::Integer(IntegerKind::I32),
        "I16" => Dtype::Integer(IntegerKind::I16),
        "I8" => Dtype::Integer(IntegerKind::I8),
        "U8" => Dtype::Integer(IntegerKind::U8),
        "BOOL" => Dtype::Integer(IntegerKind::Bool),
        _ => {
            return Err(PyValueError::new_err(format!(
                "no such type of numbers: {name}"
            )));
        }
    })
}

/// An error as `modscope.Error`.
fn raised(py: Python<'_>, error: &modscope::Error) -> PyErr {
    let made = || {
        let kind = py.import("modscope._error")?.getattr("Error")?;
        let path = error.path.display().to_string();
        kind.call1((error.to_string(), path, error.remedy()))
    };
    match made() {
        Ok(value) => PyErr::from_value(value),
        Err(other) => other,
    }
}

/// Networks held in memory.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Network>()
}
