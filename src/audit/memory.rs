//! The memory of this process: what it may take, and what it took.

use std::fs;
use std::path::Path;

use super::Config;
use crate::checkpoint::{Checkpoint, Dtype};
use crate::data::Dataset;
use crate::{ErrorKind, Result};

/// The most memory that the process may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    limit: u64,
}

impl Budget {
    /// A limit in bytes, or what the machine has where there is none.
    #[must_use]
    pub fn new(limit: Option<u64>) -> Self {
        Self {
            limit: limit.unwrap_or_else(machine_bytes),
        }
    }

    /// Bytes.
    #[must_use]
    pub fn limit(self) -> u64 {
        self.limit
    }

    /// Refuses work on a file for which the process would need more.
    ///
    /// # Errors
    /// [`ErrorKind::TooMuchMemory`] with both figures.
    pub fn check(self, needed: u64, path: &Path) -> Result<()> {
        if needed <= self.limit {
            return Ok(());
        }
        Err(ErrorKind::TooMuchMemory {
            needed: needed.div_ceil(1_000_000),
            limit: self.limit / 1_000_000,
        }
        .at(path))
    }
}

/// Refuses files that do not fit. A safetensors file is mapped, and held once as its
/// numbers; of another, bytes are held and numbers beside them.
///
/// # Errors
/// [`ErrorKind::TooMuchMemory`] with the figure.
pub fn before_loading(budget: Budget, files: &[&Path]) -> Result<()> {
    let mut needed = resident_bytes();
    for path in files {
        needed = needed.saturating_add(held(path));
        budget.check(needed, path)?;
    }
    Ok(())
}

/// Bytes in memory of a file, or of the files in a folder.
fn held(path: &Path) -> u64 {
    let of_file = |path: &Path| {
        let size = fs::metadata(path).map_or(0, |m| m.len());
        match path.extension().is_some_and(|e| e == "safetensors") {
            true => size,
            false => size.saturating_mul(2),
        }
    };
    match fs::read_dir(path) {
        Ok(entries) => entries.flatten().map(|e| of_file(&e.path())).sum(),
        Err(_) => of_file(path),
    }
}

/// Refuses an audit whose weights alone do not fit as the numbers they are computed with,
/// before any of them is read.
///
/// # Errors
/// [`ErrorKind::TooMuchMemory`] with the figure.
pub fn before_audit(budget: Budget, checkpoint: &Checkpoint, data: &Dataset) -> Result<()> {
    let tensors = || checkpoint.tensors.values();
    let number = match tensors().any(|tensor| tensor.dtype == Dtype::F64) {
        true => size_of::<f64>() as u64,
        false => size_of::<f32>() as u64,
    };
    let weights = tensors().map(|tensor| tensor.len() as u64 * number).sum();
    let needed = held_now().saturating_add(weights);
    budget.check(needed, &data.path)
}

/// What the program takes when every stage has run, without a network: its code, of which
/// the system keeps most, and libraries, tables and stacks.
fn program() -> u64 {
    const PAGE: u64 = 4096;
    // In hundredths: between a pruning, which runs the least of it, and an audit.
    const KEPT: u64 = 90;
    const BESIDE: u64 = 5_000_000;
    // Of an optimised build, where the system does not tell.
    const USUAL: u64 = 20_000_000;
    let pages = fs::read_to_string("/proc/self/statm").ok();
    let code = pages.and_then(|text| text.split_whitespace().nth(3)?.parse::<u64>().ok());
    code.map_or(USUAL, |pages| pages * PAGE * KEPT / 100) + BESIDE
}

/// What the process holds now, with the program as it is when every stage has run.
pub(super) fn held_now() -> u64 {
    resident_bytes().max(program())
}

/// The sizes of a layered network that its memory depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub samples: usize,
    /// Values that a run keeps of a sample.
    pub sites: usize,
    pub edges: usize,
    /// Edges whose weights are large enough that circuits may keep them.
    pub heavy: usize,
    pub outputs: usize,
    /// Bytes of a number.
    pub number: usize,
}

/// What the process takes at its peak to answer what is asked of such a network, in bytes.
///
/// The figures of an edge and of a value were measured, stage by stage, on networks of
/// 10,000 to 17,000 edges (`docs/measured.md`): most of an edge's are its names in the
/// results, once for every answer whose circuit keeps it.
pub(super) fn of_layers(sizes: Sizes, config: &Config) -> u64 {
    let (circuits, modules) = (config.stages.circuits, config.stages.modules);
    let of_edge = 290 + if modules { 120 } else { 0 };
    // Circuits alone are resampled, for which what each sample says is kept.
    let of_answer = match (circuits, modules) {
        (true, true) => 95 * sizes.edges as u64 + 150 * sizes.heavy as u64,
        (true, false) => 115 * sizes.edges as u64 + 150 * sizes.heavy as u64,
        (false, _) => 0,
    };
    let of_value = 5 + if modules || circuits { 6 } else { 0 };
    let values = sizes.samples as u64 * sizes.sites as u64;
    let (edges, number) = (sizes.edges as u64, sizes.number as u64);
    program() + edges * of_edge + sizes.outputs as u64 * of_answer + values * of_value * number
}

/// The bytes that this process has now; 0 where the system does not tell.
#[must_use]
pub fn resident_bytes() -> u64 {
    kibibytes("/proc/self/status", "VmRSS:").unwrap_or(0)
}

/// The most it has had, in bytes; 0 where the system does not tell (it is read from
/// Linux's `/proc/self/status`, line `VmHWM`).
#[must_use]
pub fn peak_bytes() -> u64 {
    kibibytes("/proc/self/status", "VmHWM:").unwrap_or(0)
}

/// What the machine can still give, beside what the process has: the least of what is
/// free and what its control group leaves; all there is where the system does not tell.
#[must_use]
pub fn machine_bytes() -> u64 {
    let free = kibibytes("/proc/meminfo", "MemAvailable:").unwrap_or(u64::MAX);
    let group = |name: &str| {
        let text = fs::read_to_string(Path::new("/sys/fs/cgroup").join(name)).ok()?;
        text.trim().parse::<u64>().ok()
    };
    let left = match (group("memory.max"), group("memory.current")) {
        (Some(most), Some(now)) => most.saturating_sub(now),
        _ => u64::MAX,
    };
    free.min(left).saturating_add(resident_bytes())
}

/// A line `NAME 123 kB` of a file, in bytes.
fn kibibytes(file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number = line.split_whitespace().next()?.parse::<u64>().ok()?;
    Some(number * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exceeds_the_limit_is_refused_with_both_figures() {
        let budget = Budget::new(Some(5_000_000));
        assert!(budget.check(5_000_000, Path::new("a")).is_ok());
        let said = budget.check(5_000_001, Path::new("a")).unwrap_err();
        assert!(
            said.to_string().contains("about 6 MB of memory; 5 MB are"),
            "{said}"
        );
    }

    #[test]
    fn the_process_has_memory_and_the_machine_more() {
        if cfg!(target_os = "linux") {
            let (now, peak) = (resident_bytes(), peak_bytes());
            assert!(now > 0 && peak >= now / 2);
            assert!(machine_bytes() > now);
        }
    }
}
