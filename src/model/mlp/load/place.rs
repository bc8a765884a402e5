//! Where norms and slopes stand between the layers of a chain, from the numbers of
//! their modules. A place that the numbers leave open is refused, never guessed.

use std::collections::BTreeMap;

use super::modules::{Kind, fault};
use super::steps::{Between, Step};
use crate::Result;
use crate::checkpoint::Account;
use crate::numeric::Activation;

/// What stands in the gaps beside activations; the gap after the last layer too.
#[derive(Debug, Default)]
pub(super) struct Placed {
    /// A norm of the inputs.
    pub inputs: Option<String>,
    before: BTreeMap<usize, String>,
    after: BTreeMap<usize, String>,
    slopes: BTreeMap<usize, String>,
}

impl Placed {
    /// The norm before the activation of a gap, the activation, the norm after it.
    pub fn gap(
        &self,
        index: usize,
        between: &[Between],
    ) -> (Option<String>, Option<Step>, Option<String>) {
        let step = between.get(index).and_then(|between| match between {
            Between::Activation(activation) => Some(Step::Activation(*activation)),
            Between::Prelu => self.slopes.get(&index).cloned().map(Step::Slopes),
        });
        (
            self.before.get(&index).cloned(),
            step,
            self.after.get(&index).cloned(),
        )
    }
}

/// A module in a numbered container: what stands before its number, and that.
fn numbered(name: &str) -> Option<(&str, u64)> {
    let (container, number) = name.rsplit_once('.').unwrap_or(("", name));
    Some((container, number.parse().ok()?))
}

/// Places every norm and every slope of `kinds` among the layers of `chain`; norms without
/// statistics where they are known to be LayerNorms.
pub(super) fn placed(
    account: &Account<'_>,
    kinds: &BTreeMap<String, Kind>,
    chain: &[String],
    between: &[Between],
    layer_norm: bool,
) -> Result<Placed> {
    let mut placed = Placed::default();
    let prelu = between.contains(&Between::Prelu);
    for (name, kind) in kinds {
        match kind {
            Kind::BatchNorm => norm(account, kinds, chain, between, name, &mut placed)?,
            Kind::Norm if layer_norm => norm(account, kinds, chain, between, name, &mut placed)?,
            Kind::Vector if prelu => {}
            Kind::Vector if layer_norm => norm(account, kinds, chain, between, name, &mut placed)?,
            Kind::Vector => {
                return Err(fault(
                    account,
                    name,
                    "one vector is a PReLU or a norm, and nothing \
                     says which; `\"activation\": \"prelu\"` in config.json would",
                ));
            }
            Kind::Norm => {
                return Err(fault(
                    account,
                    name,
                    "a norm without running statistics: a BatchNorm whose outputs depend on \
                     the batch, which is not computed, or a LayerNorm, which \"norm\": \
                     \"layer_norm\" in config.json, `--meaning layer_norm` or data with the \
                     framework's `outputs` would say",
                ));
            }
            Kind::Linear(_) => {}
        }
    }
    consistent(account, kinds, chain, between)?;
    if prelu {
        slopes(account, kinds, chain, between, &mut placed)?;
    }
    Ok(placed)
}

/// The numbers of a container's modules that hold tensors.
fn taken(kinds: &BTreeMap<String, Kind>, container: &str) -> Vec<u64> {
    let here = kinds.keys().filter_map(|name| numbered(name));
    here.filter(|(other, _)| *other == container)
        .map(|(_, number)| number)
        .collect()
}

/// A layer of the same container: its place in the chain and its number.
type Neighbour = Option<(usize, u64)>;

/// The layers of a container around a number: their places in the chain.
fn around(chain: &[String], container: &str, number: u64) -> (Neighbour, Neighbour) {
    let here = chain.iter().enumerate().filter_map(|(place, name)| {
        let (other, n) = numbered(name)?;
        (other == container).then_some((place, n))
    });
    let here: Vec<(usize, u64)> = here.collect();
    let before = here
        .iter()
        .copied()
        .filter(|(_, n)| *n < number)
        .max_by_key(|(_, n)| *n);
    let after = here
        .iter()
        .copied()
        .filter(|(_, n)| *n > number)
        .min_by_key(|(_, n)| *n);
    (before, after)
}

fn norm(
    account: &Account<'_>,
    kinds: &BTreeMap<String, Kind>,
    chain: &[String],
    between: &[Between],
    name: &str,
    placed: &mut Placed,
) -> Result<()> {
    let open = || {
        fault(
            account,
            name,
            "whether this norm stands before or after an activation, its name \
             does not tell; `layers` of config.json would",
        )
    };
    let (container, number) = numbered(name).ok_or_else(open)?;
    let taken = taken(kinds, container);
    let free = |from: u64, to: u64| (from + 1..to).any(|n| !taken.contains(&n));
    let twice = |old: Option<String>| match old {
        None => Ok(()),
        Some(_) => Err(open()),
    };
    match around(chain, container, number) {
        (Some((gap, before)), after) if number == before + 1 => {
            let identity = between
                .get(gap)
                .is_none_or(|b| *b == Between::Activation(Activation::Identity));
            let room = after.is_none_or(|(_, after)| free(number, after));
            if !room && !identity {
                return Err(open());
            }
            twice(placed.before.insert(gap, name.to_owned()))
        }
        (Some((gap, before)), Some((_, after))) if number + 1 == after && free(before, number) => {
            twice(placed.after.insert(gap, name.to_owned()))
        }
        (None, Some((0, after))) if number + 1 == after => {
            twice(placed.inputs.replace(name.to_owned()))
        }
        _ => Err(open()),
    }
}

/// That one activation for all gaps does not meet a container in which some layers
/// have room between them and others have none.
fn consistent(
    account: &Account<'_>,
    kinds: &BTreeMap<String, Kind>,
    chain: &[String],
    between: &[Between],
) -> Result<()> {
    let same = between.windows(2).all(|pair| pair[0] == pair[1]);
    let identity = between.first() == Some(&Between::Activation(Activation::Identity));
    if !same || identity {
        return Ok(());
    }
    let mut gaps = chain.windows(2).filter_map(|pair| {
        let ((one, from), (other, to)) = (numbered(&pair[0])?, numbered(&pair[1])?);
        let taken = taken(kinds, one);
        (one == other).then(|| {
            (
                &pair[0],
                &pair[1],
                (from + 1..to).any(|n| !taken.contains(&n)),
            )
        })
    });
    let slopes = kinds.values().any(|kind| *kind == Kind::Vector);
    let all: Vec<_> = gaps.by_ref().collect();
    let none = all.iter().find(|(_, _, room)| !room);
    match none {
        Some((one, other, _)) if !slopes && all.iter().any(|(_, _, room)| *room) => Err(fault(
            account,
            one,
            &format!(
                "`{other}` stands next to it, other layers have an activation between them; \
                 `--activation a,b,c` or `activations` in config.json names one for every gap"
            ),
        )),
        _ => Ok(()),
    }
}

/// One PReLU for every gap that has one: by number, by order, or one for all.
fn slopes(
    account: &Account<'_>,
    kinds: &BTreeMap<String, Kind>,
    chain: &[String],
    between: &[Between],
    placed: &mut Placed,
) -> Result<()> {
    let gaps: Vec<usize> = (0..between.len())
        .filter(|g| between[*g] == Between::Prelu)
        .collect();
    let vectors: Vec<&String> = kinds
        .iter()
        .filter(|(_, kind)| **kind == Kind::Vector)
        .map(|(name, _)| name)
        .collect();
    if let [one] = vectors.as_slice() {
        let inside =
            numbered(one).is_some_and(|(container, n)| around(chain, container, n).0.is_some());
        if !inside || gaps.len() == 1 {
            if gaps.len() > 1 {
                account.tell(format!("`{one}` is the slope of all {} PReLUs", gaps.len()));
            }
            placed
                .slopes
                .extend(gaps.iter().map(|gap| (*gap, (*one).clone())));
            return Ok(());
        }
    }
    for name in vectors {
        let gap = numbered(name)
            .and_then(|(container, n)| around(chain, container, n).0)
            .map(|(gap, _)| gap)
            .filter(|gap| gaps.contains(gap));
        let taken = gap.map(|gap| placed.slopes.insert(gap, name.clone()));
        if taken != Some(None) {
            return Err(fault(
                account,
                name,
                "between which layers this PReLU stands, its name does not tell",
            ));
        }
    }
    match gaps.iter().find(|gap| !placed.slopes.contains_key(gap)) {
        None => Ok(()),
        Some(gap) => Err(fault(
            account,
            &chain[*gap],
            "no tensor has the slopes of the PReLU behind it",
        )),
    }
}
