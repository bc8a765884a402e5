//! Proofs of an MLP's circuits by the bounds of certificates.
//!
//! A circuit is the network with the weights of all other edges at 0; what these edges carry
//! instead goes into the biases of their readers: its middle, and its width as what the reader
//! is free to read besides. Networks are compared as functions of real numbers.

use std::sync::Mutex;

use ndarray::{Array2, Axis};

use super::lower::{self, Bound};
use super::{Prover, fixed, refused};
use crate::audit::Config;
use crate::audit::certify::{DomainChoice, Sampled, domain};
use crate::audit::subject::Subject;
use crate::choice::{Arithmetic, CertificateMethod, Equivalence, Fill, Known, LowerBound, Rest};
use crate::circuit::Minimal;
use crate::model::{Mlp, Sites};
use crate::numeric::Scalar;
use crate::patch::{EdgeSet, Fills};
use crate::prune::certify::{
    Budget, Input, Question, Refusal, Regions, equivalent, no_points, physical_point, ranges,
};
use crate::result::{DomainFile, ProvedCircuit};
use crate::{ErrorKind, Result};

/// Samples that are tried before a proof, at most; of tokens, all.
const TRIED: usize = 256;
/// What the sums of replaced messages may be rounded by, relative to their magnitude.
const OUTWARD: f64 = 1e-12;

/// Proves by bounds.
pub struct Bounds {
    model: Mlp<f64>,
    sites: Sites,
    /// What every site writes on patched edges, from `lo` to `hi`.
    fills: Vec<Vec<[f64; 2]>>,
    regions: Regions,
    left_out: u64,
    domain: String,
    domain_file: Option<DomainFile>,
    radius: Option<f64>,
    rest: Rest,
    equivalence: Equivalence,
    confidence: f64,
    tolerance: Vec<f64>,
    budget: Budget,
    /// Physical inputs of the domain, `[inputs, n]`.
    samples: Array2<f64>,
    /// Inputs at which circuits failed.
    failed: Mutex<Vec<Vec<f64>>>,
}

impl Bounds {
    /// Of the circuits of a network.
    ///
    /// # Errors
    /// Where nothing can be proved of it.
    pub fn new<T: Scalar>(
        subject: &Subject<'_, T>,
        network: &Mlp<T>,
        fill: Fill,
        config: &Config,
    ) -> Result<Self> {
        let (path, asked) = (&subject.files.data.path, &config.circuits.proof);
        fixed(fill, asked.rest, path)?;
        let not = |refusal: Refusal| refused(path, refusal.to_string());
        let model = network.widened();
        let of_the_data = DomainChoice::OfTheData;
        let choice = asked.domain.as_ref().unwrap_or(&of_the_data);
        let sampled = Sampled::new(subject.files.data, &subject.batch);
        let domain = match (domain(&sampled, &model, choice), asked.radius) {
            // Balls need no domain, but heed one that is named.
            (Err(Refusal::NoDomain), Some(_)) => None,
            (found, _) => Some(found.map_err(not)?),
        };
        let samples = sampled.inputs;
        let regions = match (asked.radius, &domain) {
            (Some(radius), _) => Regions::around(&model, samples.view(), radius, domain.as_ref()),
            (None, Some(domain)) => Regions::of_domain(&model, domain),
            (None, None) => Err(Refusal::NoDomain),
        };
        let regions = regions.map_err(not)?;
        let decides = regions == Regions::Tokens || asked.radius.is_some();
        let usual = match subject.classifies() && decides {
            true => Equivalence::Top1,
            false => Equivalence::Epsilon,
        };
        let fills = match asked.rest {
            Rest::Any => ranges(&model, &regions.sides(&model)).map_err(not)?,
            Rest::Fill => fixed_values(subject, network, fill),
        };
        let all = Self {
            sites: model.sites(),
            fills,
            left_out: 0,
            domain: domain
                .as_ref()
                .map_or_else(|| "every input".to_owned(), |d| choice.in_words(d)),
            domain_file: choice.file(),
            radius: asked.radius,
            rest: asked.rest,
            equivalence: asked.equivalence.unwrap_or(usual),
            confidence: asked.confidence,
            tolerance: subject.reference(asked.tolerance).tolerances().to_vec(),
            budget: asked.budget,
            samples: inside(&regions, samples),
            failed: Mutex::default(),
            regions,
            model,
        };
        all.of_what_is_proved_of_itself(path)
    }

    /// The same for the regions in which the claim is proved of the network itself.
    fn of_what_is_proved_of_itself(mut self, path: &std::path::Path) -> Result<Self> {
        let Regions::Boxes(boxes) = &self.regions else {
            return self.some_region(path);
        };
        let proved = |sides: &Vec<[f64; 2]>| {
            let one = Regions::Boxes(vec![sides.clone()]);
            let none = no_points(&self.model);
            let asked = self.asked((&self.model, &[]), &one, &none, self.budget);
            asked == Known::Proved
        };
        let kept: Vec<Vec<[f64; 2]>> = boxes
            .iter()
            .filter(|sides| proved(sides))
            .cloned()
            .collect();
        self.left_out = (boxes.len() - kept.len()) as u64;
        self.regions = Regions::Boxes(kept);
        let samples = std::mem::take(&mut self.samples);
        self.samples = inside(&self.regions, samples);
        self.some_region(path)
    }

    fn some_region(self, path: &std::path::Path) -> Result<Self> {
        let empty = matches!(&self.regions, Regions::Boxes(boxes) if boxes.is_empty());
        match empty || self.ask(&EdgeSet::new()) != Known::Proved {
            false => Ok(self),
            true => Err(ErrorKind::NotProvable { detail: format!(
                    "`{}` is not even proved of the network and itself: its own decisions change \
                     within the domain, or boxes are too few",
                    self.equivalence
                ), remedy: "`--equivalence epsilon` or `delta-top1`, balls (`--radius`), or more `--boxes`" }.at(path)),
        }
    }

    /// What is known of another network in place of the circuit.
    fn asked(
        &self,
        (changed, free): (&Mlp<f64>, &[Vec<f64>]),
        regions: &Regions,
        points: &Array2<f64>,
        budget: Budget,
    ) -> Known {
        let question = Question {
            original: &self.model,
            changed,
            free,
            regions,
            equivalence: self.equivalence,
            tolerance: &self.tolerance,
            confidence: self.confidence,
            arithmetic: Arithmetic::Real,
            points: points.view(),
            one_is_enough: true,
        };
        let Ok(answer) = equivalent(&question, &budget) else {
            return Known::Undecided;
        };
        if let Some(example) = &answer.example {
            self.remember(example);
        }
        answer.known()
    }

    fn remember(&self, example: &Input) {
        let point = physical_point(&self.model, example);
        let mut failed = self
            .failed
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        failed.push(point);
    }

    /// The network with what stands in for edges, as the fills say.
    fn circuit(
        &self,
        patched: &EdgeSet,
        fill: &dyn Fn(usize, usize) -> [f64; 2],
    ) -> (Mlp<f64>, Vec<Vec<f64>>) {
        let mut circuit = self.model.clone();
        let widths = self.sites.widths();
        // Per reader: the middles of the messages, their radii, and their magnitudes.
        let mut sums: Vec<Vec<[f64; 3]>> = widths[1..].iter().map(|n| vec![[0.0; 3]; *n]).collect();
        for number in patched.ones() {
            let edge = self.sites.edge_at(number);
            let weight = &mut circuit.layers[edge.layer].weight[[edge.to, edge.from]];
            let [lo, hi] = fill(edge.layer, edge.from);
            let (middle, radius) = (0.5 * lo + 0.5 * hi, 0.5 * hi - 0.5 * lo);
            let sum = &mut sums[edge.layer][edge.to];
            sum[0] += *weight * middle;
            sum[1] += weight.abs() * radius;
            sum[2] += weight.abs() * lo.abs().max(hi.abs());
            *weight = 0.0;
        }
        let mut free = Vec::with_capacity(sums.len());
        for (layer, sums) in circuit.layers.iter_mut().zip(&sums) {
            let of = |(bias, [middle, radius, most]): (&mut f64, &[f64; 3])| {
                let moved = *most > 0.0;
                let slack = (most + bias.abs()) * OUTWARD * f64::from(u8::from(moved));
                *bias += middle;
                radius + slack
            };
            free.push(layer.bias.iter_mut().zip(sums).map(of).collect());
        }
        (circuit, free)
    }

    /// Inputs at which circuits failed, the last first, and then samples, `[inputs, n]`.
    fn points(&self) -> Array2<f64> {
        let failed = self
            .failed
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let last: Vec<&Vec<f64>> = failed.iter().rev().take(TRIED).collect();
        let failed = Array2::from_shape_fn((self.samples.nrows(), last.len()), |(i, c)| last[c][i]);
        let step = match self.regions {
            Regions::Tokens => 1,
            Regions::Boxes(_) => self.samples.ncols().div_ceil(TRIED).max(1),
        };
        let some: Vec<usize> = (0..self.samples.ncols()).step_by(step).collect();
        ndarray::concatenate![Axis(1), failed, self.samples.select(Axis(1), &some)]
    }

    /// Edges of these that are in every circuit: without one of them alone, and with a value
    /// in its place that its writer has at an input of the domain, the claim is refuted.
    fn indispensable(&self, edges: impl Iterator<Item = usize>) -> Vec<usize> {
        let points = self.points();
        let trace = self.model.forward(self.samples.clone());
        let budget = Budget {
            boxes: 0,
            ..self.budget
        };
        let needed = |number: &usize| {
            let edge = self.sites.edge_at(*number);
            let values = trace.values[edge.layer].row(edge.from);
            let ends = [f64::min, f64::max].map(|end| values.iter().copied().reduce(end));
            let mut one = EdgeSet::with_capacity(self.sites.edge_count());
            one.insert(*number);
            ends.into_iter().flatten().any(|value| {
                let off = OUTWARD * value.abs();
                let (circuit, free) = self.circuit(&one, &|_, _| [value - off, value + off]);
                let asked = self.asked((&circuit, &free), &self.regions, &points, budget);
                asked == Known::Refuted
            })
        };
        edges.filter(needed).collect()
    }

    /// A bound from what the outputs depend on, for fixed fills.
    fn by_dependence(&self) -> Bound {
        let apart = |a: &[f64], b: &[f64]| self.apart(a, b);
        let sides = self.sides();
        let moved = self.decisions().saturating_sub(1);
        lower::by_dependence(&self.model, &self.samples, sides, moved, &apart)
    }

    /// How many decisions the claim is about that occur at samples: so many outputs but one
    /// must differ between inputs.
    fn decisions(&self) -> usize {
        if self.equivalence == Equivalence::Epsilon {
            return 0;
        }
        let outputs = self.model.outputs(self.samples.view());
        let counts = |column: &Vec<f64>| {
            self.equivalence == Equivalence::Top1
                || lower::confidence(column) > self.confidence + OUTWARD
        };
        let columns = outputs.columns().into_iter().map(|column| column.to_vec());
        let decided = columns
            .filter(counts)
            .filter_map(|c| lower::clearly_decided(&c));
        decided.collect::<std::collections::BTreeSet<usize>>().len()
    }

    /// From where to where inputs may be moved one at a time: of tokens and balls nowhere, for
    /// then other inputs of the domain are not known to be in it.
    fn sides(&self) -> Option<&[[f64; 2]]> {
        match &self.regions {
            Regions::Boxes(boxes) => match &boxes[..] {
                [only] => Some(only),
                _ => None,
            },
            Regions::Tokens => None,
        }
    }

    /// The outputs that a circuit must move between two inputs at which the network gives these.
    fn apart(&self, a: &[f64], b: &[f64]) -> Vec<usize> {
        match self.equivalence {
            Equivalence::Epsilon => {
                let over = |k: &usize| (a[*k] - b[*k]).abs() > 2.0 * self.tolerance[*k] * 1.000_001;
                (0..a.len()).filter(over).collect()
            }
            Equivalence::Top1 | Equivalence::DeltaTop1 => {
                let confident = |x: &[f64]| lower::confidence(x) > self.confidence + OUTWARD;
                let counts = self.equivalence == Equivalence::Top1 || confident(a) && confident(b);
                let decided = [a, b].map(lower::clearly_decided);
                match (counts, decided) {
                    (true, [Some(a), Some(b)]) if a != b => vec![0],
                    _ => Vec::new(),
                }
            }
        }
    }
}

impl Prover for Bounds {
    fn ask(&self, patched: &EdgeSet) -> Known {
        let (circuit, free) = self.circuit(patched, &|layer, site| self.fills[layer][site]);
        self.asked(
            (&circuit, &free),
            &self.regions,
            &self.points(),
            self.budget,
        )
    }

    fn scales(&self) -> &[f64] {
        &self.tolerance
    }

    fn told(&self, found: &Minimal) -> ProvedCircuit {
        let mut kept = found.kept.clone();
        let bound = match self.rest {
            Rest::Fill => self.by_dependence(),
            Rest::Any => {
                let needed = self.indispensable(found.kept.iter().map(|(edge, _)| *edge));
                for (edge, known) in &mut kept {
                    if known.is_some() && needed.contains(edge) {
                        *known = Some(Known::Refuted);
                    }
                }
                Bound {
                    edges: needed.len(),
                    by: LowerBound::Indispensable,
                }
            }
        };
        let count = |of: Known| kept.iter().filter(|(_, k)| *k == Some(of)).count();
        let regions = match &self.regions {
            Regions::Tokens => lower::tuples(&self.model),
            Regions::Boxes(boxes) => boxes.len() as u64,
        };
        ProvedCircuit {
            equivalence: self.equivalence,
            confidence: (self.equivalence == Equivalence::DeltaTop1).then_some(self.confidence),
            tolerance: (self.equivalence == Equivalence::Epsilon)
                .then(|| self.tolerance.iter().copied().fold(f64::INFINITY, f64::min)),
            rest: self.rest,
            domain: self.domain.clone(),
            domain_file: self.domain_file.clone(),
            radius: self.radius,
            method: match self.regions {
                Regions::Tokens => CertificateMethod::Enumeration,
                Regions::Boxes(_) => CertificateMethod::BranchAndBound,
            },
            arithmetic: Arithmetic::Real,
            regions,
            left_out: self.left_out,
            minimal: found.is_minimal(),
            refuted: count(Known::Refuted),
            undecided: count(Known::Undecided),
            lower_bound: bound.edges,
            lower_bound_by: bound.by,
        }
    }
}

/// What a fixed fill writes, site by site.
fn fixed_values<T: Scalar>(
    subject: &Subject<'_, T>,
    network: &Mlp<T>,
    fill: Fill,
) -> Vec<Vec<[f64; 2]>> {
    let fills = match fill {
        Fill::Mean => Fills::mean(&network.forward(subject.batch.inputs.clone())),
        Fill::Zero | Fill::Corrupted | Fill::Resample => Fills::zero(),
    };
    let widths = network.widths().into_iter().enumerate();
    let of_layer = |(layer, width): (usize, usize)| {
        let value = |site| fills.constant(layer, site).map_or(f64::NAN, T::widen);
        (0..width).map(value).map(|x| [x, x]).collect()
    };
    widths.map(of_layer).collect()
}

/// The samples `[inputs, n]` that lie in some region; of tokens every one.
fn inside(regions: &Regions, samples: Array2<f64>) -> Array2<f64> {
    let Regions::Boxes(boxes) = regions else {
        return samples;
    };
    let holds = |sides: &Vec<[f64; 2]>, column: usize| {
        let mut pairs = sides.iter().zip(samples.column(column));
        pairs.all(|([lo, hi], x)| lo <= x && x <= hi)
    };
    let all = 0..samples.ncols();
    let some: Vec<usize> = all.filter(|c| boxes.iter().any(|b| holds(b, *c))).collect();
    samples.select(Axis(1), &some)
}
