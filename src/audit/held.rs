//! Which samples circuits are discovered on, and which they are judged on.
//!
//! What was chosen because it does well on some samples does well on them; a
//! judgement needs others. Nothing here runs a network.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Config, JudgeOn};
use crate::data::{Dataset, Labels};
use crate::numeric::Rng;
use crate::{ErrorKind, Result};

/// The fewest samples, of a class where there are classes, that are halved.
pub const FEWEST: usize = 20;

/// The stream of random numbers that halves come from.
const STREAM: u64 = 17;

/// Two sets of samples.
pub struct Held<'d> {
    /// The set that circuits are discovered on, and its name.
    pub discover: (Cow<'d, Dataset>, String),
    /// The set that they are judged on, and its name.
    pub judge: (Cow<'d, Dataset>, String),
    /// Classes of too few samples: all of theirs are in both sets.
    pub in_both: Vec<usize>,
}

/// What is made of each of the two sets, where there are two: `(discovery, judgement)`.
pub fn of_both<'h, S>(
    held: Option<&'h Held<'_>>,
    made: impl Fn(&'h Dataset) -> Result<S>,
) -> Result<Option<(S, S)>> {
    let both = held.map(|held| Ok((made(&held.discover.0)?, made(&held.judge.0)?)));
    both.transpose()
}

/// The two sets of an audit; `None` where circuits are judged on the samples they
/// were discovered on, because that was asked for or there are too few.
/// `by_class` says that each class has a circuit of its own.
///
/// # Errors
/// [`ErrorKind::NoSuchSplit`] where a split was asked for that there is not.
pub fn held<'d>(data: &'d Dataset, config: &'d Config, by_class: bool) -> Result<Option<Held<'d>>> {
    match (config.circuits.judge_on, &config.discover) {
        (Some(JudgeOn::Same), _) => Ok(None),
        (None | Some(JudgeOn::Test), Some(other)) => Ok(Some(Held {
            discover: (Cow::Borrowed(other), other.split.clone()),
            judge: (Cow::Borrowed(data), data.split.clone()),
            in_both: Vec::new(),
        })),
        (Some(JudgeOn::Test), None) => Err(ErrorKind::NoSuchSplit {
            asked: "train".to_owned(),
            found: vec![data.split.clone()],
        }
        .at(&data.path)),
        (None | Some(JudgeOn::Half), _) => Ok(halves(data, by_class, config.seed)),
    }
}

/// Halves drawn at random, class by class.
fn halves(data: &Dataset, by_class: bool, seed: u64) -> Option<Held<'_>> {
    let mut strata: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for row in 0..data.len() {
        let class = match (&data.labels, by_class) {
            (Some(Labels::Classes(classes)), true) => classes[row],
            _ => 0,
        };
        strata.entry(class).or_default().push(row);
    }
    if strata.values().all(|rows| rows.len() < FEWEST) {
        return None;
    }
    let mut rng = Rng::new(seed, STREAM);
    let (mut first, mut second, mut in_both) = (Vec::new(), Vec::new(), Vec::new());
    for (class, mut rows) in strata {
        if rows.len() < FEWEST {
            first.extend(&rows);
            second.extend(&rows);
            in_both.push(class);
            continue;
        }
        rng.shuffle(&mut rows);
        let (one, other) = rows.split_at(rows.len() / 2);
        first.extend(one);
        second.extend(other);
    }
    first.sort_unstable();
    second.sort_unstable();
    let named = |rows: &[usize], which: &str| {
        let name = format!("{which} half of {}", data.split);
        (Cow::Owned(data.select(rows)), name)
    };
    Some(Held {
        discover: named(&first, "first"),
        judge: named(&second, "second"),
        in_both,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Inputs;

    fn data(per_class: &[usize]) -> Dataset {
        let classes: Vec<usize> = per_class
            .iter()
            .enumerate()
            .flat_map(|(class, n)| vec![class; *n])
            .collect();
        let mut data = Dataset::from_bytes("d", &safetensors(), None, None).expect("it is one");
        data.inputs = Inputs::Values(ndarray::Array2::from_shape_fn(
            (classes.len(), 1),
            |(r, _)| r as f64,
        ));
        data.labels = Some(Labels::Classes(classes));
        data
    }

    /// A file with one sample of one feature.
    fn safetensors() -> Vec<u8> {
        let header = r#"{"inputs":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}"#;
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(0.0_f32.to_le_bytes());
        bytes
    }

    fn rows(data: &Dataset) -> Vec<f64> {
        match &data.inputs {
            Inputs::Values(values) => values.iter().copied().collect(),
            Inputs::Tokens(_) => Vec::new(),
        }
    }

    #[test]
    fn halves_share_no_sample_but_those_of_small_classes() {
        let data = data(&[30, 5]);
        let held = halves(&data, true, 1).expect("30 are enough");
        let (one, other) = (rows(&held.discover.0), rows(&held.judge.0));
        assert_eq!((one.len(), other.len()), (20, 20));
        let shared: Vec<f64> = one.iter().copied().filter(|r| other.contains(r)).collect();
        assert_eq!(shared, [30.0, 31.0, 32.0, 33.0, 34.0]);
        assert_eq!(held.in_both, [1]);
    }

    #[test]
    fn too_few_are_not_halved() {
        assert!(halves(&data(&[19, 19]), true, 1).is_none());
        assert!(halves(&data(&[19, 19]), false, 1).is_some());
    }
}
