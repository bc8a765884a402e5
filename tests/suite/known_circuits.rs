//! Transformers compiled from programs, whose circuits are known exactly.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use crate::common;

use std::path::PathBuf;

use common::{TRACR, raw, shared};
use modscope::checkpoint::Checkpoint;
use modscope::circuit::{Acdc, Attributable, Attribution, Path, Sign, acdc, effects_on, strongest};
use modscope::data::Dataset;
use modscope::evaluate::stability::{CORE, RESAMPLES, stability};
use modscope::evaluate::{recovery, roc_area};
use modscope::metric::Metric;
use modscope::model::transformer::{Answers, SequenceInputs};
use modscope::model::{Architecture, Components, Loaded, Network, Options, Sequences, Transformer};
use modscope::patch::{ComponentEngine, EdgeSet, Fill, Patchable as _, PatchableExt as _, Setup};
use ndarray::Array2;
use serde_json::Value;

struct Program {
    folder: PathBuf,
    model: Transformer<f32>,
    truth: Value,
}

/// The settings of `truth.json`, and what they fill with.
const SETTINGS: [(&str, Fill); 4] = [
    ("main.zero", Fill::Zero),
    ("main.resample", Fill::Corrupted),
    ("acdc.zero", Fill::Zero),
    ("acdc.resample", Fill::Corrupted),
];

/// Below it a squared error counts as none: a change of one logit by the 0.001
/// that the truth counts as an effect is 1e-6 over the number of readings.
const NO_EFFECT: f64 = 1e-10;

impl Program {
    fn open(name: &str) -> Option<Self> {
        let folder = shared(&format!("truth/{name}"))?;
        let checkpoint = Checkpoint::open(&folder).unwrap();
        let loaded = Loaded::from_checkpoint(&checkpoint, Options::default()).unwrap();
        let Network::F32(Architecture::Transformer(model)) = loaded.network else {
            panic!("a transformer in f32");
        };
        let text = std::fs::read_to_string(folder.join("truth.json")).unwrap();
        Some(Self {
            folder,
            model: *model,
            truth: serde_json::from_str(&text).unwrap(),
        })
    }

    /// The samples of a setting, answers read everywhere but at the first position.
    fn batch(&self, setting: &str) -> Sequences<f32> {
        let path = self.folder.join("data.safetensors");
        let data = Dataset::open(&path, None).unwrap();
        let mut batch = Sequences::new(&self.model, &data, None).unwrap();
        if setting.starts_with("acdc") {
            let tensors = raw(&path);
            let tokens = |name: &str| {
                let (ids, shape) = &tensors[name];
                let ids = ids.iter().map(|id| *id as usize).collect();
                SequenceInputs::Tokens(Array2::from_shape_vec((shape[0], shape[1]), ids).unwrap())
            };
            let (positions, shape) = (&tensors["acdc.positions"].0, &tensors["acdc.tokens"].1);
            let positions =
                Array2::from_shape_fn((shape[0], positions.len()), |(_, p)| positions[p] as usize);
            batch.answers = Answers::new(positions, shape[1]);
            batch.inputs = tokens("acdc.tokens");
            batch.corrupted = Some(tokens("acdc.corrupted"));
        }
        batch
    }

    /// A list of edges `[writer, reader]` in the truth's names.
    fn known(&self, list: &str, setting: &str, sites: &Components) -> Option<EdgeSet> {
        let edges = self.truth[list].get(setting)?.as_array()?;
        Some(edges.iter().map(|pair| edge(sites, pair)).collect())
    }
}

fn edge(sites: &Components, pair: &Value) -> usize {
    let node = |name: &str| match name.split('.').collect::<Vec<_>>().as_slice() {
        ["output"] => "logits".to_owned(),
        [head, number, letter] => format!("{head}.h{number}<{letter}>"),
        [mlp, "in"] => (*mlp).to_owned(),
        [head, number] => format!("{head}.h{number}"),
        other => other.concat(),
    };
    let (from, to) = (pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
    sites
        .edge_named(&format!("{}->{}", node(from), node(to)))
        .unwrap()
}

fn engine<'m>(program: &'m Program, setting: &str, fill: Fill) -> ComponentEngine<'m, f32> {
    let setup = Setup {
        fill,
        seed: 0,
        split_input: true,
    };
    ComponentEngine::new(&program.model, &program.batch(setting), setup).unwrap()
}

/// Squared error against the program's own outputs.
fn change(engine: &ComponentEngine<'_, f32>) -> Metric {
    Metric::Mse {
        targets: engine.clean().mapv(f64::from),
        output: None,
    }
}

fn names(sites: &Components, set: &EdgeSet) -> Vec<String> {
    set.ones().map(|e| sites.edge_name(e)).collect()
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn exact_and_acdc_recover_the_known_circuits() {
    for name in TRACR {
        let Some(program) = Program::open(name) else {
            return;
        };
        for (setting, fill) in SETTINGS {
            if program.truth["minimal_circuits"].get(setting).is_none() {
                continue;
            }
            let engine = engine(&program, setting, fill);
            let sites = engine.sites();
            let metric = change(&engine);
            let all: Vec<usize> = (0..sites.edge_count()).collect();
            let effects = effects_on(&engine, &metric);
            let effective: EdgeSet = all
                .iter()
                .copied()
                .filter(|e| effects[*e].abs() > NO_EFFECT)
                .collect();
            let known = program.known("effective_single", setting, sites).unwrap();
            assert_eq!(
                names(sites, &effective),
                names(sites, &known),
                "{name} {setting}: exact"
            );

            let config = Acdc {
                threshold: NO_EFFECT,
                sign: Sign::Absolute,
            };
            let found = acdc(&engine, &metric, &engine.all(), config);
            let kept = engine.edges(found.kept().map(|(edge, _)| edge));
            let known = program.known("minimal_circuits", setting, sites).unwrap();
            let agreement = recovery(&kept, &known);
            println!(
                "{name} {setting}: {} of {} edges, precision {}, recall {}, {} trials",
                kept.count_ones(..),
                sites.edge_count(),
                agreement.precision,
                agreement.recall,
                found.trials.len(),
            );
            assert_eq!(
                names(sites, &kept),
                names(sites, &known),
                "{name} {setting}: ACDC"
            );
        }
    }
}

/// Over resamples of the readings, the strongest edges are always the known ones: the core
/// of as many edges as are known is the circuit.
#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn the_core_of_a_program_is_its_circuit() {
    for name in TRACR {
        let Some(program) = Program::open(name) else {
            return;
        };
        for (setting, fill) in &SETTINGS[..2] {
            let engine = engine(&program, setting, *fill);
            let sites = engine.sites();
            let known = program.known("minimal_circuits", setting, sites).unwrap();
            let all: Vec<usize> = (0..sites.edge_count()).collect();
            let (metric, none) = (change(&engine), engine.edges([]));
            let values = engine.each_edge(&none, &all, |outputs| metric.values(outputs));
            let each = Array2::from_shape_fn((engine.samples(), all.len()), |(row, edge)| {
                -values[edge][row]
            });
            let size = known.count_ones(..);
            let choose = |scores: &[f64]| strongest(scores, size);
            let found = stability(each.view(), RESAMPLES, 0, choose).unwrap();
            let is_core = |edge: &usize| found.inclusion[*edge] >= CORE;
            let core: EdgeSet = all.iter().copied().filter(is_core).collect();
            assert_eq!(
                names(sites, &core),
                names(sites, &known),
                "{name} {setting}"
            );
        }
    }
}

/// Areas under the curve for every method; the attributions' are only printed,
/// since saturated attention leaves them without gradients.
#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn exact_effects_rank_the_known_circuits_first() {
    let steps = 5;
    let methods = [
        ("eap", Attribution::Eap),
        ("clean-corrupted", Attribution::CleanCorrupted),
        (
            "eap-ig-inputs",
            Attribution::IgInputs {
                steps,
                path: Path::Midpoints,
            },
        ),
        (
            "eap-ig-activations",
            Attribution::IgActivations {
                steps,
                own_source: true,
            },
        ),
    ];
    for name in TRACR {
        let Some(program) = Program::open(name) else {
            return;
        };
        for (setting, fill) in &SETTINGS[..2] {
            let engine = engine(&program, setting, *fill);
            let sites = engine.sites();
            let known = program.known("minimal_circuits", setting, sites).unwrap();
            let all: EdgeSet = (0..sites.edge_count()).collect();
            let exact = effects_on(&engine, &change(&engine));
            let area = roc_area(&exact, &known, &all);
            print!(
                "{name} {setting}: exact {}",
                area.map_or("-".into(), |a| format!("{a:.3}"))
            );
            // The squared error has no gradient at the clean run; a logit difference has.
            let outputs = engine.clean();
            let metric = if program.model.outputs() == 1 {
                Metric::Output { output: 0 }
            } else {
                let answers = outputs
                    .columns()
                    .into_iter()
                    .map(modscope::metric::decision)
                    .collect();
                Metric::logit_diff(answers, outputs.view())
            };
            for (method, attribution) in methods {
                let scores = engine.attribute(&metric, attribution);
                let area = roc_area(&scores, &known, &all);
                print!(
                    ", {method} {}",
                    area.map_or("-".into(), |a| format!("{a:.3}"))
                );
            }
            println!();
            assert!(area.is_none_or(|a| a > 0.999), "{name} {setting}");
        }
    }
}
