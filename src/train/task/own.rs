//! Problems from a person's own data.

use std::path::Path;

use ndarray::{Array2, Axis};

use super::{Problem, Samples};
use crate::data::{Dataset, Inputs, Labels};
use crate::numeric::Rng;
use crate::train::recipe::{Loss, Recipe, Regime};
use crate::{ErrorKind, Result};

/// Of data without splits, one in so many samples is held out to test.
const HELD_OUT: usize = 5;

/// A problem of data that come in two parts.
///
/// # Errors
/// If a part has no labels, or the parts disagree in kind or width.
pub fn from_parts(name: &str, train: Dataset, test: Dataset) -> Result<Problem> {
    let about = train.task.clone();
    let path = train.path.clone();
    let (train, test) = (samples(train)?, samples(test)?);
    let width = train.width();
    if test.width() != width {
        return Err(ErrorKind::InputWidth {
            found: test.width(),
            expected: width,
        }
        .at(path));
    }
    let outputs = outputs(&train.labels).max(outputs(&test.labels));
    let tokens = tokens(&train.inputs).max(tokens(&test.inputs));
    bounded(&path, "classes", outputs)?;
    bounded(&path, "tokens", tokens.unwrap_or(0))?;
    Ok(Problem {
        name: name.to_owned(),
        inputs: named(about.inputs, "x", width),
        outputs: named(about.outputs, "y", outputs),
        domain: about.domain,
        tokens,
        train,
        test,
    })
}

/// A problem of data without splits: a fifth, drawn by the seed, is held out to test.
///
/// # Errors
/// If the data have no labels.
pub fn holding_out(name: &str, data: Dataset, seed: u64) -> Result<Problem> {
    let mut order = Rng::new(seed, crate::train::streams::STREAM_DATA).permutation(data.len());
    let test = order.split_off(data.len() - data.len() / HELD_OUT);
    from_parts(name, part(&data, &order), part(&data, &test))
}

/// The samples of `given` for the task of `usual`: its name, and its names of inputs and
/// outputs.
///
/// # Errors
/// If the samples are of another kind or width than the task's.
pub fn for_task(usual: Problem, given: Problem, path: &Path) -> Result<Problem> {
    if !fits(&given, &usual) {
        return Err(ErrorKind::OtherKind {
            found: kind(&given),
            expected: kind(&usual),
        }
        .at(path));
    }
    let (found, expected) = (given.train.width(), usual.train.width());
    if found != expected {
        return Err(ErrorKind::InputWidth { found, expected }.at(path));
    }
    Ok(Problem {
        train: given.train,
        test: given.test,
        domain: given.domain,
        ..usual
    })
}

/// Whether samples are of a task's kind, with no more tokens or classes than it has.
fn fits(given: &Problem, usual: &Problem) -> bool {
    let labels = match (&given.train.labels, &usual.train.labels) {
        (Labels::Classes(_), Labels::Classes(_)) => given.outputs.len() <= usual.outputs.len(),
        (Labels::Targets(a), Labels::Targets(b)) => a.ncols() == b.ncols(),
        _ => false,
    };
    labels && given.tokens.is_some() == usual.tokens.is_some() && given.tokens <= usual.tokens
}

/// The kind of a problem's samples, in words.
fn kind(problem: &Problem) -> String {
    let inputs = match problem.tokens {
        Some(tokens) => format!("tokens below {tokens}"),
        None => "numbers".to_owned(),
    };
    let labels = match &problem.train.labels {
        Labels::Classes(_) => format!("{} classes", problem.outputs.len()),
        Labels::Targets(targets) => format!("{} targets", targets.ncols()),
    };
    format!("{inputs} with {labels}")
}

/// A recipe by the kind of the data: formulas, moons or modular addition.
#[must_use]
pub fn recipe(problem: &Problem, regime: Regime) -> Recipe {
    let mut recipe = match (&problem.train.inputs, &problem.train.labels) {
        (Inputs::Tokens(_), _) => Recipe::modular_addition(regime),
        (_, Labels::Classes(_)) => Recipe::two_moon(regime),
        (_, Labels::Targets(_)) => Recipe::formula(regime),
    };
    if matches!(problem.train.labels, Labels::Targets(_)) {
        recipe.loss = Loss::Mse;
    }
    recipe
}

/// Scales pixels into [0, 1] by the largest one to train on, where that is above 1.
pub fn scale_pixels(problem: &mut Problem) {
    let largest = match &problem.train.inputs {
        Inputs::Values(values) => values.iter().fold(1.0_f64, |m, x| m.max(*x)),
        Inputs::Tokens(_) => 1.0,
    };
    for samples in [&mut problem.train, &mut problem.test] {
        if let Inputs::Values(values) = &mut samples.inputs {
            values.mapv_inplace(|x| x / largest);
        }
    }
}

/// The most classes and tokens that a network is trained for: more than any vocabulary
/// has, and few enough to be named one by one.
const MOST: usize = 1_000_000;

fn bounded(path: &Path, what: &'static str, found: usize) -> Result<()> {
    if found <= MOST {
        return Ok(());
    }
    Err(ErrorKind::TooMany {
        what,
        found,
        limit: MOST,
    }
    .at(path))
}

fn samples(data: Dataset) -> Result<Samples> {
    match data.labels {
        Some(labels) => Ok(Samples {
            inputs: data.inputs,
            labels,
        }),
        None => Err(ErrorKind::NoLabels.at(data.path)),
    }
}

fn part(data: &Dataset, rows: &[usize]) -> Dataset {
    let values = |values: &Array2<f64>| values.select(Axis(0), rows);
    Dataset {
        inputs: match &data.inputs {
            Inputs::Values(of) => Inputs::Values(values(of)),
            Inputs::Tokens(of) => Inputs::Tokens(of.select(Axis(0), rows)),
        },
        labels: data.labels.as_ref().map(|labels| match labels {
            Labels::Classes(of) => Labels::Classes(rows.iter().map(|row| of[*row]).collect()),
            Labels::Targets(of) => Labels::Targets(values(of)),
        }),
        ..data.clone()
    }
}

fn outputs(labels: &Labels) -> usize {
    match labels {
        Labels::Classes(classes) => classes
            .iter()
            .max()
            .map_or(0, |largest| largest.saturating_add(1)),
        Labels::Targets(targets) => targets.ncols(),
    }
}

fn tokens(inputs: &Inputs) -> Option<usize> {
    match inputs {
        Inputs::Values(_) => None,
        Inputs::Tokens(tokens) => Some(
            tokens
                .iter()
                .max()
                .map_or(0, |largest| largest.saturating_add(1)),
        ),
    }
}

/// The names given, or numbered ones where there are not as many as needed.
fn named(given: Vec<String>, prefix: &str, count: usize) -> Vec<String> {
    if given.len() == count {
        given
    } else {
        (0..count).map(|i| format!("{prefix}{i}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn data(labels: Option<Labels>) -> Dataset {
        Dataset {
            path: "own.csv".into(),
            sha256: String::new(),
            split: "all".into(),
            inputs: Inputs::Values(array![[1.0], [2.0], [3.0], [4.0], [5.0]]),
            input_shape: vec![1],
            labels,
            corrupted: None,
            answers: None,
            foils: None,
            outputs: None,
            groups: None,
            positions: None,
            task: crate::data::Task::default(),
            prompts: Vec::new(),
            told: crate::data::Told::default(),
        }
    }

    #[test]
    fn a_fifth_is_held_out() {
        let labels = Labels::Classes(vec![1, 2, 3, 4, 5]);
        let problem = holding_out("own", data(Some(labels)), 3).unwrap();
        assert_eq!((problem.train.len(), problem.test.len()), (4, 1));
        assert_eq!((problem.inputs.len(), problem.outputs.len()), (1, 6));
        let (Inputs::Values(x), Labels::Classes(y)) =
            (&problem.train.inputs, &problem.train.labels)
        else {
            panic!("values and classes")
        };
        assert!(
            x.iter().zip(y).all(|(x, y)| *x == *y as f64),
            "rows keep their labels"
        );
        assert_eq!(recipe(&problem, Regime::L1).loss, Loss::CrossEntropy);
    }

    #[test]
    fn data_without_labels_are_refused() {
        let refused = holding_out("own", data(None), 0);
        let kind = refused.unwrap_err().kind;
        assert!(matches!(kind, ErrorKind::NoLabels));
    }

    #[test]
    fn samples_of_another_kind_than_the_tasks_are_refused() {
        let usual = || crate::train::Task::Independence.problem(0);
        let own = |labels| holding_out("own", data(Some(labels)), 3).unwrap();
        let classes = own(Labels::Classes(vec![0, 1, 0, 1, 0]));
        let refused = for_task(usual(), classes, Path::new("own.csv")).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the data are numbers with 2 classes; the task has numbers with 2 targets"
        );
        let targets = own(Labels::Targets(Array2::zeros((5, 2))));
        let kind = for_task(usual(), targets, Path::new("own.csv"))
            .unwrap_err()
            .kind;
        let (found, expected) = (1, 4);
        assert!(
            matches!(kind, ErrorKind::InputWidth { found: f, expected: e } if (f, e) == (found, expected))
        );
        for task in [
            crate::train::Task::Independence,
            crate::train::Task::InContext,
        ] {
            let usual = || task.problem(0);
            let again = for_task(usual(), usual(), Path::new("own.csv")).unwrap();
            assert_eq!(again, usual());
        }
    }

    #[test]
    fn pixels_end_in_the_unit_interval() {
        let labels = Labels::Classes(vec![0; 5]);
        let mut problem = holding_out("own", data(Some(labels)), 3).unwrap();
        scale_pixels(&mut problem);
        let Inputs::Values(x) = &problem.train.inputs else {
            panic!("values")
        };
        assert_eq!(x.iter().fold(0.0_f64, |m, x| m.max(*x)), 1.0);
    }
}
