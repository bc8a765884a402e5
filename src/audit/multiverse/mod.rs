//! Would another honest analyst have found the same circuit? Every analysis of a grid of
//! choices that a reviewer would accept, from the few runs that they share.
//!
//! The question is that of multiverse analyses (Steegen et al. 2016). Two analyses that
//! differ in samples or size share all runs; effects sample by sample are the only thing
//! that is computed.

mod across;
mod analyses;
mod grid;
mod runs;
mod summary;
mod transfer;

use std::collections::BTreeMap;
use std::time::Instant;

use self::analyses::{ByCut, analyses};
use self::grid::Cut;
use self::runs::{AllScored, Runs};
use self::summary::{answer, median_size, null};
use self::transfer::Discovered;
use super::Config;
use crate::checkpoint::Checkpoint;
use crate::choice::{ControlKind, Granularity};
use crate::data::Dataset;
use crate::model::{Loaded, Role};
use crate::numeric::Rng;
use crate::result::{Along, Analysed, Multiverse, Nonsense, SCHEMA, Tool, Transfer};
use crate::{Error, ErrorKind, Result};

pub use self::grid::Grid;
pub(super) use self::runs::running;

/// The stream that labels are permuted from.
const STREAM: u64 = 65;

/// The stream that weights are shuffled from.
const SHUFFLES: u64 = 69;

/// Runs every analysis of the grid; `progress` is told what is scored.
///
/// # Errors
/// If no method scores any edge, if a method's effects sample by sample are too many, if a
/// claim names a site that there is not, and as [`audit`](super::audit).
pub fn multiverse(
    checkpoint: &Checkpoint,
    data: &Dataset,
    config: &Config,
    grid: &Grid,
    progress: &dyn Fn(&str),
) -> Result<Multiverse> {
    let started = Instant::now();
    let grid = grid.settled(data);
    let network = Apart {
        checkpoint,
        data,
        grid: &grid,
        progress,
    };
    let granularities: Vec<Option<Granularity>> = match grid.granularities.is_empty() {
        true => vec![config.circuits.granularity],
        false => grid.granularities.iter().copied().map(Some).collect(),
    };
    let at = |granularity: &Option<Granularity>| network.at(config, *granularity);
    let mut all: Vec<Part> = granularities.iter().map(at).collect::<Result<_>>()?;
    if let Some(claim) = unmeant(&grid, &all) {
        let claim = claim.to_owned();
        return Err(ErrorKind::UnknownClaim { claim }.at(&checkpoint.path));
    }
    if all.len() > 1 {
        beside_each_other(&mut all);
    }
    let sizes = all.iter().flat_map(|part| &part.cuts);
    let mut sizes: Vec<usize> = sizes.filter_map(|cut| cut.size()).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let names = all
        .iter()
        .flat_map(|part| part.scored.names.clone())
        .collect();
    let answers = all
        .iter_mut()
        .flat_map(|part| std::mem::take(&mut part.answers));
    let answers = answers.collect();
    let first = all.swap_remove(0).scored;
    Ok(Multiverse {
        schema: SCHEMA.to_owned(),
        tool: Tool::this(),
        command: config.command.clone(),
        seed: config.seed,
        summary: Vec::new(),
        checkpoint: first.checkpoint,
        data: first.data,
        axes: grid.axes(sizes),
        answers,
        names,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// A network, to be taken apart.
struct Apart<'a> {
    checkpoint: &'a Checkpoint,
    data: &'a Dataset,
    grid: &'a Grid,
    progress: &'a dyn Fn(&str),
}

/// Its analyses at one granularity.
struct Part {
    granularity: Option<Granularity>,
    cuts: Vec<Cut>,
    scored: AllScored,
    by_output: BTreeMap<String, ByCut>,
    answers: Vec<Analysed>,
}

impl Part {
    /// The analyses of an output; `None` where there are none.
    fn of(&self, output: &str) -> Option<across::At<'_>> {
        let matrices = self.scored.answers.get(output)?;
        Some(across::At {
            granularity: self.granularity,
            edges: &matrices.first()?.matrix.edges,
            by_cut: self.by_output.get(output)?,
        })
    }
}

/// What a null arm gives, by output.
type Null = Option<BTreeMap<String, ByCut>>;

impl Apart<'_> {
    /// All analyses at a granularity, with what is held against them.
    fn at(&self, config: &Config, granularity: Option<Granularity>) -> Result<Part> {
        let within = |name: &str| Config {
            journal: config.journal.within(name),
            ..config.clone()
        };
        let mut config = match granularity {
            Some(granularity) => within(granularity.name()),
            None => config.clone(),
        };
        config.circuits.granularity = granularity;
        let runs = self.runs(&config, "own", self.checkpoint, self.data);
        let scored = runs.scores()?;
        let first = scored.answers.values().flatten().next();
        let edges = first.map_or(0, |scored| scored.matrix.edges.len());
        if edges == 0 {
            return Err(ErrorKind::NoScores.at(&self.data.path));
        }
        let cuts = self.grid.cuts(edges);
        let by_output = analyses(&runs, &scored.answers, &cuts)?;
        let nulls = [
            self.nonsense(&config, &cuts)?,
            self.shuffled(&config, &cuts)?,
        ];
        let transfers = match self.grid.transfer {
            true => self.transfers(&runs, &scored, &by_output)?,
            false => BTreeMap::new(),
        };
        (self.progress)("putting the analyses beside each other");
        let answers = self.answers(&config, (&scored, &cuts), &by_output, &nulls, transfers);
        Ok(Part {
            granularity,
            cuts,
            scored,
            by_output,
            answers,
        })
    }

    fn runs<'r>(
        &'r self,
        config: &Config,
        arm: &str,
        checkpoint: &'r Checkpoint,
        data: &'r Dataset,
    ) -> Runs<'r> {
        Runs {
            checkpoint,
            data,
            config: Config {
                journal: config.journal.within(arm),
                ..config.clone()
            },
            grid: self.grid,
            progress: self.progress,
        }
    }

    /// Every answer's analyses, with what the null arms and the transfers say of it.
    fn answers(
        &self,
        config: &Config,
        (scored, cuts): (&AllScored, &[Cut]),
        by_output: &BTreeMap<String, ByCut>,
        nulls: &[Null; 2],
        mut transfers: BTreeMap<String, Transfer>,
    ) -> Vec<Analysed> {
        let seed = config.seed;
        let of_answer = |(output, by_cut): (&String, &ByCut)| {
            let matrices = &scored.answers[output];
            let edges = matrices[0].matrix.edges.len();
            let of = |arm: &Null| -> Option<Nonsense> {
                Some(null(arm.as_ref()?.get(output)?, by_cut, edges, seed))
            };
            let [nonsense, shuffled] = nulls.each_ref().map(of);
            Analysed {
                granularity: config.circuits.granularity,
                nonsense,
                shuffled,
                transfer: transfers.remove(output),
                ..answer(matrices, by_cut, (self.grid, cuts), seed)
            }
        };
        by_output.iter().map(of_answer).collect()
    }

    /// The same with the labels of other samples, where it was asked for and there are labels.
    fn nonsense(&self, config: &Config, cuts: &[Cut]) -> Result<Null> {
        let other = nonsense(self.data, config.seed).filter(|_| self.grid.nonsense);
        let Some(other) = other else {
            return Ok(None);
        };
        (self.progress)("the same with the labels of other samples");
        let runs = self.runs(config, "nonsense", self.checkpoint, &other);
        analyses(&runs, &runs.scores()?.answers, cuts).map(Some)
    }

    /// The same with the weights in other places, where it was asked for and there are any.
    fn shuffled(&self, config: &Config, cuts: &[Cut]) -> Result<Null> {
        if !self.grid.shuffled {
            return Ok(None);
        }
        let Some(other) = shuffled(self.checkpoint, config)? else {
            return Ok(None);
        };
        (self.progress)("the same with the weights in other places");
        let runs = self.runs(config, "shuffled", &other, self.data);
        let all = runs.scores();
        // Nothing may be left to score: then there is nothing to hold against.
        let all = all.and_then(|all| analyses(&runs, &all.answers, cuts));
        all.map_or_else(without_scores, |all| Ok(Some(all)))
    }

    /// What circuits of two discoveries do on each other's samples, by answer: under the
    /// fill and the metric that the data decide, of the size in the middle.
    fn transfers(
        &self,
        runs: &Runs<'_>,
        scored: &AllScored,
        by_output: &BTreeMap<String, ByCut>,
    ) -> Result<BTreeMap<String, Transfer>> {
        (self.progress)("running circuits on each other's samples");
        let size = |output: &String| {
            let by_cut = &by_output[output];
            by_cut
                .get(by_cut.len() / 2)
                .map_or(0, |all| median_size(all))
        };
        let of = |output: &String, matrices: &[_]| {
            Discovered::new(matrices, size(output), runs.config.seed)
        };
        let all = scored.answers.iter();
        let mut discovered: BTreeMap<String, Discovered> = all
            .filter_map(|(site, matrices)| Some((site.clone(), of(site, matrices)?)))
            .collect();
        let fill = runs.config.circuits.fill(self.data.corrupted.is_some());
        let circuits = discovered
            .iter()
            .map(|(site, d)| (site.clone(), d.circuits()));
        let measured = runs.measured_by(fill, circuits.collect())?;
        let mut found = BTreeMap::new();
        for (site, measured) in measured {
            let Some(of) = discovered.remove(&site) else {
                continue;
            };
            let samples = of.samples();
            if let Some(t) = of.transferred(&measured) {
                let transfer = Transfer {
                    size: size(&site),
                    fill,
                    metric: self.grid.metrics[0],
                    samples,
                    pairs: t.pairs,
                    jaccard: t.jaccard,
                    faithfulness: t.faithfulness,
                    agreement: t.agreement,
                    gap: t.gap,
                    same: t.same,
                    unlike: t.unlike,
                    unlike_same: t.unlike_same,
                };
                found.insert(site, transfer);
            }
        }
        Ok(found)
    }
}

/// A claim about an edge or a site that there is at no granularity.
fn unmeant<'g>(grid: &'g Grid, all: &[Part]) -> Option<&'g str> {
    let answers = || all.iter().flat_map(|part| &part.answers);
    let is_meant = |claim: &&String| answers().any(|a| a.claims.iter().any(|c| c.claim == **claim));
    grid.claims
        .iter()
        .find(|claim| !is_meant(claim))
        .map(String::as_str)
}

/// Tells each answer what its analyses at several granularities share.
fn beside_each_other(all: &mut [Part]) {
    let outputs: Vec<String> = all[0].by_output.keys().cloned().collect();
    for output in outputs {
        let parts: Vec<across::At<'_>> = all.iter().filter_map(|part| part.of(&output)).collect();
        let Some(jaccard) = across::shared(&parts) else {
            continue;
        };
        let answers = all.iter_mut().flat_map(|part| &mut part.answers);
        for answer in answers.filter(|answer| answer.output == output) {
            answer.along.push(Along {
                axis: "granularity".to_owned(),
                jaccard,
            });
        }
    }
}

/// That nothing was scored in a network that is no network is no error.
fn without_scores(error: Error) -> Result<Null> {
    match error.kind {
        ErrorKind::NoScores => Ok(None),
        kind if kind.is_of_scores() => Ok(None),
        kind => Err(kind.at(error.path)),
    }
}

/// The network with the weights of every layer in other places; `None` where no tensor is
/// known to be a layer's weights.
fn shuffled(checkpoint: &Checkpoint, config: &Config) -> Result<Option<Checkpoint>> {
    let loaded = Loaded::from_checkpoint(checkpoint, config.model.clone())?;
    let is_weight = |role: &Role| matches!(role, Role::Weight(_));
    if !loaded.roles.values().any(is_weight) {
        return Ok(None);
    }
    let mut rng = Rng::new(config.seed, SHUFFLES);
    Ok(Some(
        ControlKind::Shuffled.network(checkpoint, &loaded, &mut rng),
    ))
}

/// The same inputs with the labels of other samples; `None` without labels.
fn nonsense(data: &Dataset, seed: u64) -> Option<Dataset> {
    let order = Rng::new(seed, STREAM).permutation(data.len());
    let other = data.select(&order);
    data.labels.as_ref()?;
    Some(Dataset {
        labels: other.labels,
        answers: other.answers,
        foils: other.foils,
        ..data.clone()
    })
}
