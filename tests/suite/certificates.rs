//! Certificates of the reference checkpoints at their `auto` thresholds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use crate::common;

use common::reference;
use modscope::checkpoint::Checkpoint;
use modscope::data::{Dataset, Domain};
use modscope::model::{Architecture, Batch, Loaded, Mlp, Network, Options as LoadOptions};
use modscope::prune::certify::decisions::{Ball, around, throughout};
use modscope::prune::certify::{
    Arithmetic, Budget, Goal, Options, Request, Stop, Verdict, bounding_box, certificate, certify,
    largest_certified,
};
use modscope::prune::compact::compact;
use modscope::prune::{Reference, Tolerance, apply, largest_threshold, magnitudes};

/// A reference network, its data and its pruned form.
struct Subject {
    model: Mlp<f64>,
    pruned: Mlp<f64>,
    threshold: f64,
    batch: Batch<f64>,
    tolerances: Vec<f64>,
    domain: Domain,
}

fn subject(name: &str) -> Option<Subject> {
    let folder = reference(name)?;
    let checkpoint = Checkpoint::open(&folder).unwrap();
    let data = Dataset::open(&folder.join("data.safetensors"), None).unwrap();
    let loaded = Loaded::from_checkpoint(&checkpoint, LoadOptions::default()).unwrap();
    let model = match loaded.network {
        Network::F32(Architecture::Mlp(model)) => model.widened(),
        Network::F64(Architecture::Mlp(model)) => model,
        _ => panic!("certificates are for MLPs"),
    };
    let batch = Batch::new(&model, &data).unwrap();
    let tolerance = Tolerance::Relative(0.01);
    let reference = Reference::new(
        &model,
        batch.inputs.clone(),
        tolerance,
        batch.classes.is_some(),
    );
    let threshold = largest_threshold(&model, &reference, false);
    let domain = data.task.domain;
    Some(Subject {
        pruned: apply(&model, threshold, false),
        threshold,
        tolerances: reference.tolerances().to_vec(),
        domain: domain.unwrap_or_else(|| bounding_box(&model, batch.inputs.view())),
        model,
        batch,
    })
}

/// Boxes alone end the search: the same result everywhere.
fn options(ratio: f64) -> Options {
    Options {
        budget: Budget {
            seconds: 600.0,
            boxes: 400_000,
        },
        goal: Goal::Narrow(ratio),
        ..Options::default()
    }
}

fn certified(subject: &Subject, options: &Options) -> Verdict {
    let Subject {
        model,
        pruned,
        domain,
        tolerances,
        ..
    } = subject;
    certify(model, pruned, domain, tolerances, options).unwrap()
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn bounds_on_boxes_are_within_two_percent_of_what_is_found() {
    for name in [
        "independence-bimt-s0",
        "independence-l1-s0",
        "independence-vanilla-s0",
        "feature_sharing-bimt-s4",
        "feature_sharing-l1-s4",
        "feature_sharing-vanilla-s4",
        "compositionality-bimt-s3",
        "compositionality-l1-s3",
        "compositionality-vanilla-s3",
        "two_moon-bimt-s1",
        "two_moon-vanilla-s1",
    ] {
        let Some(subject) = subject(name) else { return };
        let verdict = certified(&subject, &options(1.02));
        println!("{name}: {verdict:?}");
        assert_eq!(verdict.stop, Stop::Done, "{name}");
        for (bound, found) in verdict.bounds.iter().zip(&verdict.found) {
            assert!(
                found <= bound && *bound <= 1.02 * found * (1.0 + 1e-9),
                "{name}: {found} {bound}"
            );
        }
        assert!(verdict.best_found() >= 0.99 * change_on_samples(&subject));
    }
}

fn change_on_samples(subject: &Subject) -> f64 {
    let inputs = subject.batch.inputs.view();
    let changes = subject.pruned.outputs(inputs) - subject.model.outputs(inputs);
    changes.iter().fold(0.0, |m: f64, c| m.max(c.abs()))
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn the_number_of_threads_changes_nothing() {
    let Some(subject) = subject("independence-vanilla-s0") else {
        return;
    };
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let mut verdict = pool.install(|| certified(&subject, &options(1.005)));
        verdict.seconds = 0.0;
        verdict
    };
    assert_eq!(run(1), run(3));
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn all_pairs_of_modular_addition() {
    let Some(subject) = subject("modular_addition-bimt-s4") else {
        return;
    };
    let verdict = certified(&subject, &Options::default());
    assert_eq!(verdict.boxes, 3481);
    assert!(
        verdict.bound() - verdict.best_found() < 1e-9 * verdict.bound(),
        "{verdict:?}"
    );
    assert!(verdict.bound() >= change_on_samples(&subject) * (1.0 - 1e-9));
    let counted = verdict.decisions.unwrap();
    assert_eq!(counted.same + counted.changed + counted.ties, 3481);
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn decisions_of_digits_in_balls() {
    let Some(subject) = subject("digits-bimt-s1") else {
        return;
    };
    let Subject {
        model,
        pruned,
        batch,
        ..
    } = &subject;
    let within = vec![[0.0, 1.0]; 64];
    let budget = Budget {
        seconds: 600.0,
        boxes: 2_000,
    };
    let mut before = usize::MAX;
    for radius in [0.0, 0.01, 0.05, 0.2] {
        let balls = around(
            model,
            pruned,
            batch.inputs.view(),
            radius,
            Some(std::slice::from_ref(&within)),
            Arithmetic::Real,
            &budget,
        )
        .unwrap();
        let same = balls
            .iter()
            .filter(|ball| matches!(ball, Ball::Same(_)))
            .count();
        println!("radius {radius}: {same} of {}", balls.len());
        assert!(same <= before, "a larger ball is no easier");
        before = same;
        assert!(radius > 0.01 || same > 340);
    }
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn decisions_of_two_moons_throughout() {
    let Some(subject) = subject("two_moon-vanilla-s1") else {
        return;
    };
    let Domain::Box(sides) = &subject.domain else {
        panic!("a box")
    };
    let budget = Budget {
        seconds: 600.0,
        boxes: 100_000,
    };
    let decisions = throughout(
        &subject.model,
        &subject.pruned,
        std::slice::from_ref(sides),
        &budget,
        Arithmetic::Real,
    )
    .unwrap();
    println!("{decisions:?}");
    assert!(decisions.same > 0.95 && decisions.same < 1.0);
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn the_largest_threshold_that_is_proved() {
    let Some(subject) = subject("independence-bimt-s0") else {
        return;
    };
    let Subject {
        model,
        domain,
        tolerances,
        threshold,
        ..
    } = &subject;
    let candidates = magnitudes(model, false);
    let prune = |threshold: f64| apply(model, threshold, false);
    let options = Options::default();
    let tried = |threshold| Ok(prune(threshold));
    let found = largest_certified(model, &candidates, tried, domain, tolerances, &options)
        .unwrap()
        .unwrap();
    println!(
        "auto on samples {threshold:.3e}, by certificate {:.3e}",
        found.threshold
    );
    assert!(found.verdict.holds());
    let above = candidates
        .iter()
        .rev()
        .find(|c| **c > found.threshold)
        .unwrap();
    let next = certify(model, &prune(*above), domain, tolerances, &options).unwrap();
    assert!(!next.holds());
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn the_certificate_as_it_is_saved() {
    let Some(subject) = subject("two_moon-vanilla-s1") else {
        return;
    };
    let request = Request {
        original: &subject.model,
        pruned: &subject.pruned,
        domain: &subject.domain,
        tolerance: &subject.tolerances,
        classifies: true,
        samples: subject.batch.inputs.view(),
        radius: Some(0.02),
    };
    let saved = certificate(&request, &options(1.02)).unwrap();
    assert!(saved.sound && !saved.holds && saved.outcome == "counterexample");
    let broken = saved.counterexample.as_ref().unwrap();
    assert!(broken.change > broken.tolerance);
    assert_eq!(saved.decisions.as_ref().unwrap().cases, 200);
    assert_eq!(saved.attribution.len(), 20);
    let text = serde_json::to_string(&saved).unwrap();
    assert_eq!(
        serde_json::from_str::<modscope::result::Certificate>(&text).unwrap(),
        saved
    );
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn compaction_of_the_reference_networks() {
    for name in common::REFERENCE_MLPS {
        let Some(subject) = subject(name) else { return };
        let compacted = compact(&subject.pruned);
        let inputs = subject.batch.inputs.view();
        let difference = compacted.model.outputs(inputs) - subject.pruned.outputs(inputs);
        let largest = difference.iter().fold(0.0, |m: f64, d| m.max(d.abs()));
        println!(
            "{name}: {:?} to {:?}, {largest:.1e}",
            subject.pruned.widths(),
            compacted.model.widths()
        );
        assert!(largest < 1e-11);
    }
}
