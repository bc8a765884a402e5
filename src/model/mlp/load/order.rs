//! The order of the linear layers of a chain, from their names and widths.
//!
//! Names that differ in their numbers alone are a run in the order of these numbers.
//! Runs are put one after another as words like `input`, `hidden` and `output` say,
//! and as widths allow. Where more than one order is left, none is taken.

/// A linear layer: its name, the width it reads and the width it writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub name: String,
    pub reads: usize,
    pub writes: usize,
}

/// Why there is no certain order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Doubt {
    /// These orders of the layers all fit.
    Several(Vec<Vec<String>>),
    /// No order fits; without these layers one would.
    Beside(Vec<String>),
    /// Of two that follow each other by name, widths disagree.
    Gap { before: Named, after: Named },
    /// No order fits.
    None,
    /// What the name says is not computed in a chain.
    Foreign { name: String, why: &'static str },
}

/// Layers whose names differ in numbers alone, in order.
type Run = Vec<Named>;

/// More runs than this are not put in order by trying.
const MOST_RUNS: usize = 7;
/// Orders that a message lists.
const LISTED: usize = 4;

const FIRST: [&str; 9] = [
    "input",
    "in",
    "inp",
    "in_layer",
    "input_layer",
    "in_proj",
    "encoder",
    "first",
    "stem",
];
const LAST: [&str; 18] = [
    "output",
    "out",
    "out_layer",
    "output_layer",
    "out_proj",
    "head",
    "classifier",
    "score",
    "readout",
    "fc_out",
    "final",
    "last",
    "decoder",
    "logits",
    "predictor",
    "regressor",
    "lm_head",
    "fc_final",
];
/// Words of branches that stand beside a chain.
const BESIDE: [&str; 8] = [
    "aux",
    "auxiliary",
    "value",
    "critic",
    "actor",
    "teacher",
    "ema",
    "target",
];

/// The order of the layers.
pub(super) fn order(layers: &[Named]) -> Result<Vec<Named>, Doubt> {
    for layer in layers {
        foreign(layer)?;
    }
    blocks(layers)?;
    let runs = runs(layers);
    let orders = orders(&runs);
    match orders.as_slice() {
        [one] => Ok(one.iter().flat_map(|run| runs[*run].clone()).collect()),
        [] => Err(nothing_fits(&runs)),
        several => Err(Doubt::Several(
            several
                .iter()
                .take(LISTED)
                .map(|order| names(&runs, order))
                .collect(),
        )),
    }
}

fn foreign(layer: &Named) -> Result<(), Doubt> {
    let why = |words: &[&str], why| {
        let found = words_of(&layer.name).any(|word| words.contains(&word.as_str()));
        match found {
            true => Err(Doubt::Foreign {
                name: layer.name.clone(),
                why,
            }),
            false => Ok(()),
        }
    };
    why(
        &["emb", "embed", "embedding", "embeddings", "wte", "wpe"],
        "embeddings are computed in BIMT's layouts and in transformers alone",
    )?;
    why(
        &BESIDE,
        "a branch of this name stands beside a chain, not in it",
    )
}

/// Several blocks of several layers are mostly residual: no chain is guessed of them.
fn blocks(layers: &[Named]) -> Result<(), Doubt> {
    let mut members: std::collections::BTreeMap<(String, u64), Vec<&Named>> = Default::default();
    for layer in layers {
        let (text, numbers) = skeleton(&layer.name);
        if let [block, _, ..] = *numbers {
            members.entry((text, block)).or_default().push(layer);
        }
    }
    let mut several = members.values().filter(|layers| layers.len() > 1);
    match (
        several.next().and_then(|layers| layers.first()),
        several.next(),
    ) {
        (Some(layer), Some(_)) => Err(Doubt::Foreign {
            name: layer.name.clone(),
            why: "whether blocks of several layers are residual, no name tells; \
                  `--layers a,b,c` says that they are a chain",
        }),
        _ => Ok(()),
    }
}

/// The parts of a name between dots, without numbers at their ends.
fn words_of(name: &str) -> impl Iterator<Item = String> {
    name.split('.')
        .map(|part| part.trim_end_matches(|c: char| c.is_ascii_digit()))
        .map(|part| part.trim_end_matches('_').to_ascii_lowercase())
        .filter(|part| !part.is_empty())
}

/// A name with `#` for its numbers, and these.
fn skeleton(name: &str) -> (String, Vec<u64>) {
    let (mut text, mut numbers, mut digits) = (String::new(), Vec::new(), String::new());
    for c in name.chars().chain(['\0']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        if !digits.is_empty() {
            // More digits than a number has: the name stays as it is.
            match digits.parse() {
                Ok(number) => {
                    text.push('#');
                    numbers.push(number);
                }
                Err(_) => text += &digits,
            }
            digits.clear();
        }
        text.push(c);
    }
    text.pop();
    (text, numbers)
}

fn runs(layers: &[Named]) -> Vec<Run> {
    let mut runs: std::collections::BTreeMap<String, Vec<(Vec<u64>, Named)>> = Default::default();
    for layer in layers {
        let (text, numbers) = skeleton(&layer.name);
        runs.entry(text).or_default().push((numbers, layer.clone()));
    }
    let sorted = |mut run: Vec<(Vec<u64>, Named)>| {
        run.sort_by(|a, b| a.0.cmp(&b.0));
        run.into_iter().map(|(_, layer)| layer).collect()
    };
    runs.into_values().map(sorted).collect()
}

/// Where the words of a run's name place it: first, anywhere, last.
fn rank(run: &Run) -> Rank {
    let of_word = |word: &String| {
        if FIRST.contains(&word.as_str()) {
            Some(Rank::First)
        } else if LAST.contains(&word.as_str()) {
            Some(Rank::Last)
        } else {
            None
        }
    };
    let words: Vec<String> = run
        .first()
        .into_iter()
        .flat_map(|l| words_of(&l.name))
        .collect();
    words
        .iter()
        .rev()
        .find_map(of_word)
        .unwrap_or(Rank::Between)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    First,
    Between,
    Last,
}

/// A layer after another.
fn follows(before: &Named, after: &Named) -> bool {
    before.writes == after.reads
}

/// Every order of the runs, by their numbers, that ranks and widths allow.
fn orders(runs: &[Run]) -> Vec<Vec<usize>> {
    let chained = |run: &Run| run.windows(2).all(|pair| follows(&pair[0], &pair[1]));
    if runs.len() > MOST_RUNS || !runs.iter().all(chained) {
        return Vec::new();
    }
    let ranks: Vec<Rank> = runs.iter().map(rank).collect();
    let mut found = Vec::new();
    extend(runs, &ranks, &mut Vec::new(), &mut found);
    found
}

fn extend(runs: &[Run], ranks: &[Rank], order: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
    if order.len() == runs.len() {
        return found.push(order.clone());
    }
    for next in 0..runs.len() {
        let fits = match order.last() {
            None => true,
            Some(last) => {
                let ends = (runs[*last].last(), runs[next].first());
                ranks[*last] <= ranks[next]
                    && matches!(ends, (Some(before), Some(after)) if follows(before, after))
            }
        };
        if fits && !order.contains(&next) {
            order.push(next);
            extend(runs, ranks, order, found);
            order.pop();
        }
    }
}

fn names(runs: &[Run], order: &[usize]) -> Vec<String> {
    let layers = order.iter().flat_map(|run| &runs[*run]);
    layers.map(|layer| layer.name.clone()).collect()
}

/// What to say where no order fits.
fn nothing_fits(runs: &[Run]) -> Doubt {
    for run in runs {
        for pair in run.windows(2) {
            if !follows(&pair[0], &pair[1]) {
                let (before, after) = (pair[0].clone(), pair[1].clone());
                return Doubt::Gap { before, after };
            }
        }
    }
    // Of what could be left out beside a longer chain, the least.
    let fits = |left_out: &usize| {
        let mut rest = runs.to_vec();
        rest.remove(*left_out);
        let layers: usize = rest.iter().map(Vec::len).sum();
        layers > runs[*left_out].len() && orders(&rest).len() == 1
    };
    let beside = (0..runs.len())
        .filter(fits)
        .min_by_key(|run| runs[*run].len());
    if let Some(run) = beside {
        return Doubt::Beside(names(runs, &[run]));
    }
    Doubt::None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Layers written as `name:reads:writes`.
    fn layers(text: &str) -> Vec<Named> {
        let layer = |text: &str| {
            let parts: Vec<&str> = text.split(':').collect();
            Named {
                name: parts[0].to_owned(),
                reads: parts[1].parse().unwrap(),
                writes: parts[2].parse().unwrap(),
            }
        };
        text.split(' ').map(layer).collect()
    }

    fn ordered(text: &str) -> Result<Vec<String>, Doubt> {
        Ok(order(&layers(text))?.into_iter().map(|l| l.name).collect())
    }

    #[test]
    fn numbers_and_words_give_the_order() {
        for (given, expected) in [
            ("fc1:4:9 fc10:9:9 fc2:9:9", "fc1 fc2 fc10"),
            ("fc1:4:9 fc2:9:9 out:9:9", "fc1 fc2 out"),
            ("output:9:9 hidden:9:9 input:9:9", "input hidden output"),
            (
                "backbone.0:4:9 backbone.2:9:9 fc:9:3",
                "backbone.0 backbone.2 fc",
            ),
            (
                "decoder.0:2:9 decoder.2:9:4 encoder.0:4:9 encoder.2:9:2",
                "encoder.0 encoder.2 decoder.0 decoder.2",
            ),
            ("beta:4:9 alpha:9:3", "beta alpha"),
        ] {
            assert_eq!(ordered(given).unwrap().join(" "), expected);
        }
    }

    #[test]
    fn what_is_not_certain_is_not_taken() {
        let Err(Doubt::Several(orders)) = ordered("alpha:9:9 beta:9:9 readout:9:3") else {
            panic!()
        };
        assert_eq!(orders.len(), 2);
        assert_eq!(
            ordered("0:4:9 2:9:9 aux2:4:2").unwrap_err(),
            Doubt::Foreign {
                name: "aux2".into(),
                why: "a branch of this name stands beside a chain, not in it"
            }
        );
        assert_eq!(
            ordered("0:4:9 2:9:9 side:4:2"),
            Err(Doubt::Beside(vec!["side".into()]))
        );
        assert!(matches!(ordered("0:4:10 4:12:3"), Err(Doubt::Gap { .. })));
        assert_eq!(ordered("alpha:4:9 beta:5:3"), Err(Doubt::None));
        assert!(matches!(
            ordered("embedding:9:9 fc:9:3"),
            Err(Doubt::Foreign { .. })
        ));
    }
}
