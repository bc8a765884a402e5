//! What every reader must do with any bytes: an error or a value, never a panic.
//!
//! The fuzzer's programs and the test program call the same functions.

use std::fs;
use std::path::{Path, PathBuf};

use modscope::checkpoint::Checkpoint;
use modscope::circuit::Known;
use modscope::data::Dataset;
use modscope::model::{Loaded, Options};
use modscope::patch::Fill;
use modscope::result::Saved;
use modscope::train::{Problem, Recipe, Regime, Task, snapshot};

/// A reader: its name, what it does with bytes, and how many of the first bytes say how
/// the rest is to be read.
pub struct Target {
    /// The name, also of its folder of seeds.
    pub name: &'static str,
    /// Reads the bytes, and says whether they were accepted.
    pub run: fn(&[u8]) -> bool,
}

/// Every reader.
pub const ALL: [Target; 10] = [
    Target {
        name: "checkpoint",
        run: checkpoint,
    },
    Target {
        name: "torch",
        run: torch,
    },
    Target {
        name: "onnx",
        run: onnx,
    },
    Target {
        name: "data",
        run: data,
    },
    Target {
        name: "prompts",
        run: prompts,
    },
    Target {
        name: "circuit",
        run: circuit,
    },
    Target {
        name: "result",
        run: result,
    },
    Target {
        name: "snapshot",
        run: snapshot,
    },
    Target {
        name: "task",
        run: task,
    },
    Target {
        name: "manifest",
        run: manifest,
    },
];

/// The names that checkpoints go by; the first byte chooses.
const CHECKPOINTS: [&str; 6] = [
    "a.safetensors",
    "a.pt",
    "a.pth",
    "a.bin",
    "a.ckpt",
    "a.onnx",
];

/// `[kind][length of the configuration, 2 bytes][configuration][file]`
pub fn checkpoint(bytes: &[u8]) -> bool {
    let Some((kind, config, file)) = parts(bytes) else {
        return false;
    };
    let name = CHECKPOINTS[usize::from(kind) % CHECKPOINTS.len()];
    let config = (!config.is_empty()).then(|| String::from_utf8_lossy(config).into_owned());
    read_checkpoint(name, file, config.as_deref())
}

/// A PyTorch file.
pub fn torch(bytes: &[u8]) -> bool {
    read_checkpoint("a.pt", bytes, None)
}

/// An ONNX model.
pub fn onnx(bytes: &[u8]) -> bool {
    read_checkpoint("a.onnx", bytes, None)
}

fn read_checkpoint(name: &str, bytes: &[u8], config: Option<&str>) -> bool {
    let Ok(checkpoint) = Checkpoint::from_bytes(name, bytes, config) else {
        return false;
    };
    let written = checkpoint.to_bytes().expect("what was read can be written");
    let again = Checkpoint::from_bytes("again", &written, None).expect("and read again");
    assert!(
        checkpoint.tensors == again.tensors,
        "read as it was written"
    );
    let _ = Loaded::from_checkpoint(&checkpoint, Options::default());
    true
}

const FORMATS: [&str; 5] = ["safetensors", "npz", "npy", "csv", "jsonl"];

/// `[format][file]`
pub fn data(bytes: &[u8]) -> bool {
    let Some((first, bytes)) = bytes.split_first() else {
        return false;
    };
    let format = FORMATS[usize::from(*first) % FORMATS.len()];
    let path = file(&format!("data.{format}"), bytes);
    let read = Dataset::open(&path, None);
    if let Ok(data) = &read {
        assert!(!data.is_empty(), "data that were read have samples");
    }
    read.is_ok()
}

/// `[anything][length of the tokenizer, 2 bytes][tokenizer.json][prompts]`
pub fn prompts(bytes: &[u8]) -> bool {
    let Some((_, tokenizer, lines)) = parts(bytes) else {
        return false;
    };
    let tokenizer = file("tokenizer.json", tokenizer);
    let lines = file("prompts.jsonl", lines);
    Dataset::open_with(&lines, None, Some(&tokenizer)).is_ok()
}

/// A circuit or a list of edges.
pub fn circuit(bytes: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice(bytes) else {
        return false;
    };
    [Fill::Zero, Fill::Corrupted]
        .into_iter()
        .all(|fill| Known::from_json(&value, fill).is_ok())
}

/// A result of any command: what is accepted is drawn.
pub fn result(bytes: &[u8]) -> bool {
    let folder = folder().join("drawn");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a temporary folder can be made");
    let Ok(mut saved) = Saved::from_json(Path::new("result.json"), bytes) else {
        return false;
    };
    modscope::report::retell(&mut saved);
    modscope::report::write_saved(&saved, "audit", &folder, &Default::default())
        .expect("it is drawn");
    true
}

/// A snapshot of a short training.
pub fn snapshot(bytes: &[u8]) -> bool {
    let Ok(checkpoint) = Checkpoint::from_bytes("a.safetensors", bytes, None) else {
        return false;
    };
    let (problem, recipe) = training();
    snapshot::resume::<f32>(&problem, &recipe, 0, &checkpoint).is_ok()
}

/// The training that snapshots are of.
pub fn training() -> (Problem, Recipe) {
    let task = Task::TwoMoon;
    let mut recipe = task.recipe(Regime::Bimt).in_steps(4);
    recipe.hidden = vec![3];
    (task.problem(0), recipe)
}

/// A `task.json` beside data.
pub fn task(bytes: &[u8]) -> bool {
    const DATA: &[u8] = include_bytes!("../fixtures/broken/good/data.safetensors");
    let text = String::from_utf8_lossy(bytes);
    Dataset::from_bytes("a.safetensors", DATA, None, Some(&text)).is_ok()
}

/// A manifest of networks to compare.
pub fn manifest(bytes: &[u8]) -> bool {
    modscope::cli::manifest(&file("manifest.csv", bytes)).is_ok()
}

/// `[kind][length, 2 bytes][text][rest]`
fn parts(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (head, rest) = bytes.split_at_checked(3)?;
    let length = usize::from(u16::from_le_bytes([head[1], head[2]]));
    let (text, rest) = rest.split_at_checked(length)?;
    Some((head[0], text, rest))
}

/// A file with these bytes, in a folder of this process alone.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    fs::write(&path, bytes).expect("a temporary file can be written");
    path
}

fn folder() -> PathBuf {
    let thread = format!("{:?}", std::thread::current().id());
    let thread: String = thread.chars().filter(char::is_ascii_digit).collect();
    let folder = of_process().join(thread);
    fs::create_dir_all(&folder).expect("a temporary folder can be made");
    folder
}

/// Memory where there is some to write into: nothing here needs to outlast the process.
fn of_process() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let place = match memory.is_dir() {
        true => memory.to_owned(),
        false => std::env::temp_dir(),
    };
    place.join(format!("modscope-fuzz-{}", std::process::id()))
}

/// Removes what this process has written.
pub fn clean_up() {
    let _ = fs::remove_dir_all(of_process());
}
