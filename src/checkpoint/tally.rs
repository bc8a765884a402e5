//! What became of all that a checkpoint says.

use std::collections::BTreeMap;

/// What became of every tensor and every key of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tensors by their name in the file, each with what it is used for.
    pub used: BTreeMap<String, String>,
    /// Tensors that change no output, each with the reason.
    pub harmless: BTreeMap<String, String>,
    /// Tensors that `--ignore` leaves out.
    pub ignored: Vec<String>,
    /// Keys of the configuration that the network was made by.
    pub keys_used: Vec<String>,
    /// Keys that change no output, each with the reason.
    pub keys_harmless: BTreeMap<String, String>,
    /// Keys that `--ignore` passes over.
    pub keys_ignored: Vec<String>,
    /// Keys that this tool does not know.
    pub keys_unknown: Vec<String>,
    /// What a reader should be told of how the file was read.
    pub told: Vec<String>,
}

impl Tally {
    /// What becomes of a tensor, as `inspect` prints it.
    #[must_use]
    pub fn of(&self, name: &str) -> String {
        let harmless = || {
            self.harmless
                .get(name)
                .map(|why| format!("harmless: {why}"))
        };
        let used = self.used.get(name).cloned();
        used.or_else(harmless)
            .unwrap_or_else(|| "ignored".to_owned())
    }
}
