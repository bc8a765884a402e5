//! `modscope stability` from the command line.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use assert_cmd::Command;
use serde_json::Value;

const NETWORK: &str = "fixtures/independence-bimt";

fn typed(line: &str) -> (Option<i32>, String, String) {
    let mut command = Command::cargo_bin("modscope").unwrap();
    let run = command.args(line.split_whitespace()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (run.status.code(), text(run.stdout), text(run.stderr))
}

fn result(line: &str) -> Value {
    let (code, said, err) = typed(line);
    assert_eq!(code, Some(0), "{line}: {err}");
    serde_json::from_str(&said).unwrap()
}

/// Three methods, three fills, one metric, two sizes and four sets of samples for each of
/// two outputs.
#[test]
fn every_analysis_of_the_grid_is_there() {
    let found = result(&format!(
        "stability {NETWORK} --top 5,12 --sample-sets 4 --json --claim h2.5->y0 --claim x1"
    ));
    assert_eq!(found["schema"], "modscope/2");
    let answers = found["answers"].as_array().unwrap();
    assert_eq!(answers.len(), 2);
    for answer in answers {
        assert_eq!(answer["specifications"], 3 * 3 * 2 * 4);
        assert_eq!(answer["scored"], 9);
        assert_eq!(answer["curve"].as_array().unwrap().len(), 72);
        let sizes = answer["sizes"].as_array().unwrap();
        for (size, edges) in sizes.iter().zip([5, 12]) {
            assert_eq!(
                (&size["size"], &size["analyses"]),
                (&edges.into(), &36.into())
            );
            // Every analysis has so many edges.
            let shares = size["edges"].as_array().unwrap().iter();
            let sum: f64 = shares.map(|e| e["share"].as_f64().unwrap()).sum();
            assert!(
                sum <= f64::from(edges) + 1e-9 && sum > 0.8 * f64::from(edges),
                "{sum}"
            );
            let modal = size["edges"].as_array().unwrap().iter();
            assert!(modal.filter(|e| e["modal"] == true).count() <= edges as usize);
        }
        let axes: Vec<&str> = answer["along"]
            .as_array()
            .unwrap()
            .iter()
            .map(|along| along["axis"].as_str().unwrap())
            .collect();
        assert_eq!(
            axes,
            ["method", "fill", "samples"],
            "one metric differs from no other"
        );
        for null in ["nonsense", "shuffled"] {
            assert!(answer[null]["jaccard"].is_number(), "{null}");
            assert_eq!(answer[null]["core"].as_array().unwrap().len(), 2);
        }
        // Weights in other places make other circuits.
        let with_own = answer["shuffled"]["with_own"].as_f64().unwrap();
        assert!(
            with_own < sizes[0]["jaccard"].as_f64().unwrap(),
            "{with_own}"
        );
        transferred(&answer["transfer"]);
        for size in sizes {
            certified(&size["certified"], answer["edges_total"].as_u64().unwrap());
        }
        assert_eq!(answer["claims"].as_array().unwrap().len(), 2);
    }
    // x1 feeds one of the two outputs alone.
    let first = answers[0]["claims"][1]["share"].as_f64().unwrap();
    let second = answers[1]["claims"][1]["share"].as_f64().unwrap();
    assert!((first > 0.9) != (second > 0.9), "{first} {second}");
}

/// Pairs of circuits of 12 edges, two thirds of the samples in discoveries.
fn transferred(transfer: &Value) {
    assert_eq!(transfer["size"], 12);
    let number = |key: &str| transfer[key].as_u64().unwrap();
    let (pairs, same) = (number("pairs"), number("same"));
    assert!(pairs > 0 && same <= pairs && number("unlike_same") <= number("unlike"));
    let samples = transfer["samples"].as_array().unwrap();
    let counts: Vec<u64> = samples.iter().map(|n| n.as_u64().unwrap()).collect();
    assert!(
        counts.iter().all(|n| n.abs_diff(counts[0]) <= 1),
        "{counts:?}"
    );
    assert_eq!(transfer["faithfulness"].as_array().unwrap().len(), 3);
    assert!(transfer["agreement"].is_null(), "numbers are no decisions");
}

/// Every edge is in, out, or abstained from; whoever is in has a radius.
fn certified(certified: &Value, edges: u64) {
    let number = |key: &str| certified[key].as_u64().unwrap();
    assert_eq!(
        number("inside") + number("outside") + number("abstained"),
        edges
    );
    let listed = certified["edges"].as_array().unwrap();
    assert_eq!(listed.len() as u64, number("inside") + number("abstained"));
    for edge in listed.iter().filter(|edge| edge["inside"] == true) {
        let (deleted, replaced) = (&edge["deleted"], &edge["replaced"]);
        assert!(deleted.as_u64() >= replaced.as_u64(), "{edge}");
        assert!(edge["interval"][0].as_f64().unwrap() > 0.5, "{edge}");
    }
}

/// Edges taken by size and by sign are two analyses, and the axis is told.
#[test]
fn how_edges_are_taken_is_an_axis() {
    let rest = "--method eap --fill mean --top 8 --sample-sets 3 --no-shuffled --no-transfer --no-nonsense --json";
    let found = result(&format!(
        "stability {NETWORK} --selection absolute,signed {rest}"
    ));
    assert_eq!(
        found["axes"]["selections"],
        serde_json::json!(["absolute", "signed"])
    );
    // Swaps moved the features: the first place is not the first of them.
    let own = ["x0", "y0"].map(|site| found["names"][site].as_str());
    assert_eq!(own, [Some("x2"), Some("x2² + sin(πx4)")]);
    for answer in found["answers"].as_array().unwrap() {
        assert_eq!(answer["specifications"], 2 * 3);
        let along = answer["along"].as_array().unwrap();
        assert!(
            along.iter().any(|along| along["axis"] == "selection"),
            "{along:?}"
        );
        let curve = answer["curve"].as_array().unwrap();
        let signed = curve.iter().filter(|one| one["selection"] == "signed");
        assert_eq!(signed.count(), 3);
    }
    let alone = result(&format!("stability {NETWORK} --selection absolute {rest}"));
    let usual = result(&format!("stability {NETWORK} {rest}"));
    assert_eq!(alone["answers"], usual["answers"]);
}

/// Nothing is held against the analyses, and one method is enough.
const ALONE: &str = "--method eap --sample-sets 3 --no-shuffled --no-transfer --no-nonsense --json";

fn axis<'v>(answer: &'v Value, name: &str) -> Option<&'v Value> {
    let along = answer["along"].as_array().unwrap();
    let found = along.iter().find(|along| along["axis"] == name)?;
    Some(&found["jaccard"])
}

/// Draws of a fill that is drawn are runs of their own; of another they are one run, and the
/// axis makes no difference.
#[test]
fn draws_of_fills_are_an_axis() {
    let found = result(&format!(
        "stability {NETWORK} --fill zero --top 8 --seeds 3 {ALONE}"
    ));
    let answer = &found["answers"][0];
    assert_eq!(
        (&answer["scored"], &answer["specifications"]),
        (&1.into(), &9.into())
    );
    assert_eq!(axis(answer, "seed"), Some(&1.0.into()));
    let found = result(&format!(
        "stability {NETWORK} --fill resample --top 8 --seeds 3 {ALONE}"
    ));
    let answer = &found["answers"][0];
    assert_eq!(
        (&answer["scored"], &answer["specifications"]),
        (&3.into(), &9.into())
    );
    assert!(axis(answer, "seed").unwrap().as_f64().unwrap() < 1.0);
    assert_eq!(found["axes"]["seeds"], 3);
}

/// The strongest edges first, and a circuit that grows from the outputs: of few edges the one
/// has some that lead nowhere, the other has none.
#[test]
fn the_order_in_which_edges_are_taken_is_an_axis() {
    let line = format!("stability {NETWORK} --fill mean --top 4,200 --order top,greedy {ALONE}");
    let found = result(&line);
    assert_eq!(
        found["axes"]["orders"],
        serde_json::json!(["top", "greedy"])
    );
    for answer in found["answers"].as_array().unwrap() {
        assert_eq!(answer["specifications"], 2 * 2 * 3);
        assert!(axis(answer, "order").unwrap().as_f64().unwrap() < 1.0);
    }
    let greedy = result(&line.replace("top,greedy", "greedy"));
    for answer in greedy["answers"].as_array().unwrap() {
        let edges = answer["sizes"][0]["edges"].as_array().unwrap();
        let modal: Vec<&Value> = edges.iter().filter(|e| e["modal"] == true).collect();
        assert_eq!(modal.len(), 4);
        // Whoever writes one of the edges is read by another, or it ends at the output.
        for edge in &modal {
            let is_read = |site: &Value| modal.iter().any(|other| other["from"] == *site);
            assert!(
                edge["to"] == answer["output"] || is_read(&edge["to"]),
                "{edge}"
            );
        }
    }
}

/// The smallest circuit of a faithfulness is at least so faithful, judged by itself on the
/// same samples, and one a sixteenth smaller is not.
#[test]
fn a_faithfulness_decides_the_size_of_each_analysis() {
    let found = result(&format!(
        "stability {NETWORK} --fill mean --faithfulness 0.6,0.9 {ALONE}"
    ));
    assert_eq!(found["axes"]["sizes"], serde_json::json!([]));
    assert_eq!(found["axes"]["faithfulness"], serde_json::json!([0.6, 0.9]));
    let answer = &found["answers"][0];
    assert_eq!(answer["specifications"], 2 * 3);
    for (place, level) in [0.6, 0.9].into_iter().enumerate() {
        let of = &answer["sizes"][place];
        assert_eq!(
            (&of["faithfulness"], &of["certified"]),
            (&level.into(), &Value::Null)
        );
        let curve = answer["curve"].as_array().unwrap();
        let own = curve
            .iter()
            .find(|one| one["faithfulness"] == level && one["samples"] == 0);
        let size = own.unwrap()["size"].as_u64().unwrap();
        let faithfulness = |size: u64| {
            let circuit = result(&format!(
                "circuit {NETWORK} --method eap --fill mean --top {size} --keep-unconnected \
                 --judge-on same --json"
            ));
            let circuits = circuit["circuits"].as_array().unwrap();
            let own = circuits.iter().find(|c| c["output"] == answer["output"]);
            own.unwrap()["faithfulness"].as_f64().unwrap()
        };
        assert!(faithfulness(size) >= level - 1e-6, "{level}: {size} edges");
        let smaller = size - (size / 16).max(1);
        assert!(faithfulness(smaller) < level, "{level}: {smaller} edges");
    }
}

/// Weights and neurons are two networks of edges, held together by the sites they lead out of;
/// a claim may be of one of them.
#[test]
fn granularities_are_an_axis() {
    let found = result(&format!(
        "stability {NETWORK} --fill mean --top 12 --granularity weight,neuron --claim h2.5->y0 \
         --claim h1.7 {ALONE}"
    ));
    let answers = found["answers"].as_array().unwrap();
    let told: Vec<&str> = answers
        .iter()
        .map(|a| a["granularity"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["weight", "weight", "neuron", "neuron"]);
    assert_eq!(answers[0]["output"], answers[2]["output"]);
    for answer in answers {
        let shared = axis(answer, "granularity").unwrap().as_f64().unwrap();
        assert!(0.0 < shared && shared < 1.0, "{shared}");
    }
    let claims = |answer: &Value| answer["claims"].as_array().unwrap().len();
    assert_eq!((claims(&answers[0]), claims(&answers[2])), (2, 1));
    let (code, _, err) = typed(&format!(
        "stability {NETWORK} --granularity weight,neuron --claim z9 {ALONE}"
    ));
    assert_eq!(code, Some(2));
    assert!(err.contains("no edge is `z9`"), "{err}");
}

/// A card for an appendix, as a figure and for LaTeX.
#[test]
fn the_card_says_what_was_varied_and_what_came_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let line = format!(
        "stability {NETWORK} --method eap --fill zero --top 8 --sample-sets 4 --no-shuffled \
         --claim x1 --quiet --out {}",
        out.display()
    );
    let (code, _, err) = typed(&line);
    assert_eq!(code, Some(0), "{err}");
    let tex = std::fs::read_to_string(out.join("tables/card.tex")).unwrap();
    let svg = std::fs::read_to_string(out.join("figures/card.svg")).unwrap();
    for part in [
        "edges of a circuit & 8",
        "analyses & 4, of 520 edges",
        "claim & x1: ",
    ] {
        assert!(tex.contains(part), "{part}: {tex}");
    }
    assert!(!tex.contains('≥') && tex.contains("in $\\geq$ 95"), "{tex}");
    assert!(
        svg.contains("two analyses share") && svg.contains("modal circuit"),
        "{svg}"
    );
}

#[test]
fn what_cannot_be_resampled_is_refused() {
    let (code, _, err) = typed(&format!("stability {NETWORK} --method acdc --json"));
    assert_eq!(code, Some(2));
    assert!(err.contains("no means over samples"), "{err}");
    let (code, _, err) = typed(&format!("stability {NETWORK} --claim z9->y0 --json"));
    assert_eq!(code, Some(2));
    assert!(
        err.contains("no edge is `z9->y0`") && err.contains("--claim"),
        "{err}"
    );
}

/// A file of axes says what flags say, and a flag counts in its place.
#[test]
fn axes_may_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("axes.toml");
    let text = "method = ['relp', 'eap']\nfill = [\"zero\"]\ntop = [5, 9]\nsample-sets = 3\n";
    std::fs::write(&file, text).unwrap();
    let line = |rest: &str| {
        format!(
            "stability {NETWORK} --axes {} --json {rest}",
            file.display()
        )
    };
    let found = result(&line("--no-shuffled --no-transfer --top 7"));
    let axes = &found["axes"];
    assert_eq!(axes["methods"], serde_json::json!(["relp", "eap"]));
    assert_eq!(axes["fills"], serde_json::json!(["zero"]));
    assert_eq!(
        (&axes["sizes"], &axes["sample_sets"]),
        (&serde_json::json!([7]), &3.into())
    );
    assert!(found["answers"][0]["shuffled"].is_null() && found["answers"][0]["transfer"].is_null());
    std::fs::write(&file, "method = ['acdc']").unwrap();
    let (code, _, err) = typed(&line(""));
    assert_eq!(code, Some(2));
    assert!(err.contains("no means over samples"), "{err}");
}

#[test]
fn the_same_seed_gives_the_same_analyses_on_any_number_of_threads() {
    let line = |threads: usize| {
        let mut found = result(&format!(
            "stability {NETWORK} --top 8 --sample-sets 5 --json --seed 3 --threads {threads}"
        ));
        found["seconds"] = Value::Null;
        found["command"] = Value::Null;
        found["summary"] = Value::Null;
        found
    };
    assert_eq!(line(1), line(2));
}

/// Every circuit of an audit says how stable its discovery is.
#[test]
fn circuits_are_discovered_again_by_default() {
    let found = result(&format!("circuit {NETWORK} --method exact,eap,acdc --json"));
    for circuit in found["circuits"].as_array().unwrap() {
        let stability = &circuit["stability"];
        if circuit["method"] == "acdc" {
            assert!(stability.is_null(), "thresholds are no means over samples");
            continue;
        }
        assert_eq!(stability["resamples"], 1000);
        let edges = stability["edges"].as_array().unwrap();
        let core = edges
            .iter()
            .filter(|e| e["share"].as_f64().unwrap() >= 0.95)
            .count();
        assert_eq!(stability["core"], core);
        assert_eq!(stability["possible"], edges.len());
        let jaccard = stability["jaccard"].as_f64().unwrap();
        assert!(jaccard > 0.0 && jaccard <= 1.0);
    }
    let scores = result(&format!(
        "circuit {NETWORK} --method eap --top 5 --no-judge --json"
    ));
    assert!(scores["circuits"][0]["stability"].is_null());
}

/// ACDC goes to smaller thresholds only until a circuit is faithful: the circuit is that of
/// the whole sweep, and what was tried is the beginning of it.
#[test]
fn acdc_stops_at_a_faithful_circuit_and_finds_what_the_whole_sweep_finds() {
    let line = format!("circuit {NETWORK} --method acdc --json");
    let (stopped, whole) = (result(&line), result(&format!("{line} --curve")));
    let of = |found: &Value| found["circuits"].as_array().unwrap().clone();
    let (stopped, whole) = (of(&stopped), of(&whole));
    assert_eq!(stopped.len(), 2);
    for (circuit, other) in stopped.iter().zip(&whole) {
        for field in ["output", "parameter", "edges", "faithfulness", "selection"] {
            assert_eq!(circuit[field], other[field], "{field}");
        }
        let points = |circuit: &Value| circuit["sweep"].as_array().unwrap().clone();
        let (few, all) = (points(circuit), points(other));
        assert!(few.len() < all.len() && few.len() % 2 == 0, "{}", few.len());
        assert_eq!(all.len(), 9);
        assert!(few.iter().all(|point| all.contains(point)));
        let smallest = |points: &[Value]| {
            let taus = points.iter().map(|p| p["parameter"].as_f64().unwrap());
            taus.fold(f64::INFINITY, f64::min)
        };
        assert!(smallest(&few) > smallest(&all));
        let faithful = |p: &Value| (1.0 - p["faithfulness"].as_f64().unwrap()).abs() <= 0.05;
        assert!(few[few.len() - 2..].iter().any(faithful));
    }
}

/// A size is chosen by samples that took no part in the ranking; whose scores cannot be had
/// without some samples is told, and the ways out.
#[test]
fn the_size_of_a_circuit_is_calibrated_by_folds() {
    let line = |rest: &str| format!("circuit {NETWORK} --fill mean --json {rest}");
    for method in ["eap", "exact", "ensemble"] {
        let found = result(&line(&format!("--method {method} --calibrate")));
        for circuit in found["circuits"].as_array().unwrap() {
            let how = circuit["selection"].as_str().unwrap();
            assert!(
                how.contains("took no part in the ranking (5 folds)"),
                "{how}"
            );
            // The circuit is of the whole ranking, and of the size that was chosen.
            let size = circuit["parameter"].as_f64().unwrap();
            let usual = result(&line(&format!("--method {method} --top {size}")));
            let same = usual["circuits"].as_array().unwrap().iter();
            let same = same.filter(|c| c["output"] == circuit["output"]);
            assert_eq!(
                same.map(|c| &c["edges"]).collect::<Vec<_>>(),
                [&circuit["edges"]]
            );
        }
    }
    let (code, _, err) = typed(&line("--method mask --calibrate"));
    assert_eq!(code, Some(2));
    assert!(
        err.contains("cannot be calibrated") && err.contains("--calibrate"),
        "{err}"
    );
    for other in ["--top 5", "--threshold 0.1", "--no-judge"] {
        let (code, _, err) = typed(&line(&format!("--method eap --calibrate {other}")));
        assert_eq!(code, Some(2), "{other}: {err}");
    }
}
