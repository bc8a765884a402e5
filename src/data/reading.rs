//! What a command says of how data are to be read.

use std::path::PathBuf;

use super::Task;

/// How data are to be read, beyond what the files themselves say.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// The split; without it `test` if there is one.
    pub split: Option<String>,
    /// The network's `tokenizer.json`, for prompts as text.
    pub tokenizer: Option<PathBuf>,
    /// Whether prompts begin with the token that stands for their beginning.
    pub bos: Bos,
    /// Columns that hold targets.
    pub targets: Vec<String>,
    /// The column that holds classes.
    pub label: Option<String>,
    /// Columns or arrays that are left out on purpose.
    pub drop: Vec<String>,
    /// The column or array whose values part the samples into subgroups.
    pub by: Option<String>,
    /// What the network's own files say: names of its inputs and outputs.
    pub network: Task,
}

/// Whether prompts begin with the token that stands for their beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Bos {
    /// As the files beside the tokenizer say.
    #[default]
    Auto,
    /// They do.
    Yes,
    /// They do not.
    No,
}

impl std::str::FromStr for Bos {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "yes" => Ok(Self::Yes),
            "no" => Ok(Self::No),
            _ => Err("known: auto, yes, no".to_owned()),
        }
    }
}
