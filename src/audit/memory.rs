//! The memory of this process: what it may take, and what it took.

use std::fs;
use std::path::Path;

use crate::checkpoint::Checkpoint;
use crate::data::Dataset;
use crate::{Error, Result};

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
    /// [`Error::TooMuchMemory`] with both figures.
    pub fn check(self, needed: u64, path: &Path) -> Result<()> {
        if needed <= self.limit {
            return Ok(());
        }
        Err(Error::TooMuchMemory {
            path: path.to_owned(),
            needed: needed.div_ceil(1_000_000),
            limit: self.limit / 1_000_000,
        })
    }
}

/// Refuses files that do not fit: their bytes are held, and their numbers beside them.
///
/// # Errors
/// [`Error::TooMuchMemory`] with the figure.
pub fn before_loading(budget: Budget, files: &[&Path]) -> Result<()> {
    let mut needed = resident_bytes();
    for path in files {
        needed = needed.saturating_add(size(path).saturating_mul(2));
        budget.check(needed, path)?;
    }
    Ok(())
}

/// Bytes of a file, or of the files in a folder.
fn size(path: &Path) -> u64 {
    let of_file = |path: &Path| fs::metadata(path).map_or(0, |m| m.len());
    match fs::read_dir(path) {
        Ok(entries) => entries.flatten().map(|e| of_file(&e.path())).sum(),
        Err(_) => of_file(path),
    }
}

/// Refuses an audit whose process would need more: beside what was loaded, a copy of the
/// weights for what is pruned and one for what is patched, and for every sample the value
/// of every site, twice.
///
/// # Errors
/// [`Error::TooMuchMemory`] with the figure.
pub fn before_audit(budget: Budget, checkpoint: &Checkpoint, data: &Dataset) -> Result<()> {
    let shapes = || checkpoint.tensors.values().map(|t| &t.shape);
    let numbers = shapes().map(|s| s.iter().map(|n| *n as u64).product::<u64>());
    let sites = shapes().filter(|s| s.len() == 2).map(|s| s[0] as u64);
    let values = (data.len() as u64).saturating_mul(sites.sum());
    let more = numbers.sum::<u64>().saturating_add(values);
    let needed = resident_bytes().saturating_add(more.saturating_mul(16));
    budget.check(needed, &data.path)
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
