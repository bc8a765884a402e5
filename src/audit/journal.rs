//! Finished pieces of long searches: an interrupted run goes on to the same bytes.
//!
//! A piece has a name of its own within a run. What a run is of, and where its pieces are
//! kept, is decided by whoever opens the journal; this module touches no file.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Result;
use crate::result::json;

/// What a run has finished. Without a place to keep anything, every piece is made anew.
///
/// ```
/// use std::collections::BTreeMap;
/// use modscope::audit::Journal;
///
/// let found = BTreeMap::from([("exact/0".to_owned(), "[0.1,-2.0]".to_owned())]);
/// let journal = Journal::new(found, |_, _| ());
/// let kept: Vec<f64> = journal.piece("exact/0", || Ok(vec![7.0]))?;
/// let made: Vec<f64> = journal.piece("exact/1", || Ok(vec![7.0]))?;
/// assert_eq!((kept, made), (vec![0.1, -2.0], vec![7.0]));
/// # Ok::<(), modscope::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Journal {
    kept: Option<Arc<Kept>>,
    /// Stands before the names of pieces.
    within: String,
}

struct Kept {
    /// What an interrupted run has left, as JSON by name.
    found: BTreeMap<String, String>,
    /// Keeps a piece that was made: its name and its JSON.
    keep: Box<Keep>,
}

/// Is told a name and a JSON.
type Keep = dyn Fn(&str, &str) + Send + Sync;

impl Journal {
    /// A journal in which `found` stands already; `keep` is told every further piece.
    #[must_use]
    pub fn new(
        found: BTreeMap<String, String>,
        keep: impl Fn(&str, &str) + Send + Sync + 'static,
    ) -> Self {
        let keep = Box::new(keep);
        Self {
            kept: Some(Arc::new(Kept { found, keep })),
            within: String::new(),
        }
    }

    /// The same journal, for names that are only its own within `part`.
    #[must_use]
    pub fn within(&self, part: &str) -> Self {
        Self {
            kept: self.kept.clone(),
            within: format!("{}{part}/", self.within),
        }
    }

    /// What stands under this name, else what `make` makes, which is kept.
    ///
    /// What JSON cannot hold (NaN where a number is wanted) is made anew every time.
    ///
    /// # Errors
    /// Those of `make`, of which nothing is kept.
    pub fn piece<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let Some(kept) = &self.kept else {
            return make();
        };
        let name = format!("{}{name}", self.within);
        let found = kept.found.get(&name);
        if let Some(piece) = found.and_then(|text| serde_json::from_slice(text.as_bytes()).ok()) {
            return Ok(piece);
        }
        let piece = make()?;
        let line = json::line(&piece).ok();
        if let Some(text) = line.and_then(|line| String::from_utf8(line).ok()) {
            (kept.keep)(&name, &text);
        }
        Ok(piece)
    }
}

/// A journal is no setting: what a run is told is the same with and without one.
impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Journal")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::ErrorKind;

    #[test]
    fn what_was_kept_is_found_bit_for_bit() {
        let lines = Arc::new(Mutex::new(BTreeMap::new()));
        let kept = Arc::clone(&lines);
        let keep = move |name: &str, text: &str| {
            kept.lock()
                .unwrap()
                .insert(name.to_owned(), text.to_owned());
        };
        let numbers = [0.1 + 0.2, -0.0, 5e-324, f64::MAX, 1.0 / 3.0];
        let first = Journal::new(BTreeMap::new(), keep).within("a");
        first.piece("n", || Ok(numbers.to_vec())).unwrap();
        first.piece("nan", || Ok(vec![f64::NAN])).unwrap();
        let failed: Result<Vec<f64>> = first.piece("fails", || Err(ErrorKind::EmptyFile.at("x")));
        assert!(failed.is_err());

        let found = lines.lock().unwrap().clone();
        assert_eq!(found.keys().collect::<Vec<_>>(), ["a/n", "a/nan"]);
        let again = Journal::new(found, |_, _| ());
        let made =
            |name: &str| -> Vec<f64> { again.within("a").piece(name, || Ok(vec![9.0])).unwrap() };
        let bits = |n: &[f64]| n.iter().map(|n| n.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&made("n")), bits(&numbers));
        assert_eq!(made("nan"), [9.0]);
        assert_eq!(made("other"), [9.0]);
    }
}
