//! Proved circuits held against hand-worked answers and against all subsets of edges.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeMap;
use std::fs;

use modscope::checkpoint::{Checkpoint, Tensor};
use modscope::numeric::Rng;
use serde_json::{Value, json};

use crate::cli::{Desk, fixture};
use crate::common::shared;

/// Weights of two layers, `[readers][writers]`, without biases; tokens where there is a table.
struct Net {
    table: Option<Vec<f64>>,
    layers: [Vec<Vec<f64>>; 2],
    activation: &'static str,
}

impl Net {
    fn write(&self, desk: &Desk) {
        let mut tensors = BTreeMap::new();
        let inputs = self.layers[0][0].len();
        for (place, layer) in self.layers.iter().enumerate() {
            let name = |what: &str| format!("linears.{place}.linear.{what}");
            let values: Vec<f64> = layer.iter().flatten().copied().collect();
            let weight = Tensor::of_floats(&[layer.len(), layer[0].len()], &values);
            tensors.insert(name("weight"), weight);
            let bias = Tensor::of_floats(&[layer.len()], &vec![0.0; layer.len()]);
            tensors.insert(name("bias"), bias);
        }
        let mut order = |name: &str, n: usize| {
            let order: Vec<f64> = (0..n).map(|i| i as f64).collect();
            tensors.insert(name.to_owned(), Tensor::of_floats(&[n], &order));
        };
        order("in_perm", if self.table.is_some() { 1 } else { inputs });
        order("out_perm", self.layers[1].len());
        if let Some(table) = &self.table {
            let table = Tensor::of_floats(&[table.len(), 1], table);
            tensors.insert("embedding".to_owned(), table);
        }
        let checkpoint = Checkpoint {
            path: "model.safetensors".into(),
            sha256: Default::default(),
            tensors,
            metadata: BTreeMap::new(),
            config: Default::default(),
        };
        fs::write(
            desk.path("model.safetensors"),
            checkpoint.to_bytes().unwrap(),
        )
        .unwrap();
        let config = json!({"activation": self.activation}).to_string();
        fs::write(desk.path("config.json"), config).unwrap();
        let tokens = self.table.as_ref().map_or(2, Vec::len) as u64;
        let rows: Vec<[u64; 2]> = (0..tokens * tokens)
            .map(|n| [n / tokens, n % tokens])
            .collect();
        fs::write(desk.path("data.safetensors"), self.data(&rows)).unwrap();
    }

    /// Every pair of tokens, or every corner of the unit square.
    fn data(&self, rows: &[[u64; 2]]) -> Vec<u8> {
        let (name, dtype) = match self.table {
            Some(_) => ("tokens", "I64"),
            None => ("inputs", "F64"),
        };
        let bytes: Vec<u8> = rows
            .iter()
            .flatten()
            .flat_map(|x| match self.table {
                Some(_) => x.to_le_bytes(),
                None => (*x as f64).to_le_bytes(),
            })
            .collect();
        let header = json!({name: {
            "dtype": dtype, "shape": [rows.len(), 2], "data_offsets": [0, bytes.len()],
        }});
        let header = header.to_string();
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.as_bytes());
        file.extend(bytes);
        file
    }

    /// The circuit that is proved, without timings.
    fn proved(&self, arguments: &str) -> Value {
        let desk = Desk::new();
        self.write(&desk);
        let line = format!(
            "circuit model.safetensors --data data.safetensors --method proved --json {arguments}"
        );
        let seen = desk.run(&line);
        assert_eq!(seen.code, Some(0), "{line}: {}", seen.stderr);
        let result: Value = serde_json::from_str(&seen.stdout).unwrap();
        result["circuits"][0].clone()
    }

    /// The edges that are not 0, `(layer, reader, writer)`.
    fn edges(&self) -> Vec<(usize, usize, usize)> {
        let mut all = Vec::new();
        for (layer, rows) in self.layers.iter().enumerate() {
            for (reader, row) in rows.iter().enumerate() {
                let there = (0..row.len()).filter(|writer| row[*writer] != 0.0);
                all.extend(there.map(|writer| (layer, reader, writer)));
            }
        }
        all
    }

    fn activate(&self, x: f64) -> f64 {
        match self.activation {
            "relu" => x.max(0.0),
            _ => x,
        }
    }

    /// The outputs where `message` is what an edge carries, given what it would.
    fn outputs(
        &self,
        inputs: [f64; 2],
        message: impl Fn((usize, usize, usize), f64) -> f64,
    ) -> Vec<f64> {
        let mut values = inputs.to_vec();
        for (layer, rows) in self.layers.iter().enumerate() {
            let read = |(reader, row): (usize, &Vec<f64>)| -> f64 {
                let each = row.iter().zip(&values).enumerate();
                each.map(|(writer, (w, x))| w * message((layer, reader, writer), *x))
                    .sum()
            };
            let reads: Vec<f64> = rows.iter().enumerate().map(read).collect();
            values = match layer {
                0 => reads.into_iter().map(|x| self.activate(x)).collect(),
                _ => reads,
            };
        }
        values
    }

    fn cases(&self) -> Vec<[f64; 2]> {
        let table = self.table.as_ref().unwrap();
        table
            .iter()
            .flat_map(|a| table.iter().map(move |b| [*a, *b]))
            .collect()
    }
}

/// The names of edges, as sets.
fn named(circuit: &Value) -> Vec<(String, String)> {
    let text = |edge: &Value, end: &str| edge[end].as_str().unwrap().to_owned();
    let edges = circuit["edges"].as_array().unwrap().iter();
    let mut edges: Vec<_> = edges.map(|e| (text(e, "from"), text(e, "to"))).collect();
    edges.sort();
    edges
}

/// y = relu(x0) + 0.001 relu(x1) on the unit square, to within 0.01.
#[test]
fn a_circuit_worked_out_by_hand() {
    let net = Net {
        table: None,
        layers: [vec![vec![1.0, 0.0], vec![0.0, 0.001]], vec![vec![1.0, 1.0]]],
        activation: "relu",
    };
    for rest in ["fill", "any"] {
        let arguments = format!("--domain box:0,1 --fill zero --tolerance 0.01 --rest {rest}");
        let circuit = net.proved(&arguments);
        let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        assert_eq!(
            named(&circuit),
            [pair("h1.0", "y0"), pair("x0", "h1.0")],
            "{rest}"
        );
        let proved = &circuit["proved"];
        assert_eq!(proved["minimal"], true);
        assert_eq!(
            (&proved["refuted"], &proved["undecided"]),
            (&json!(2), &json!(0))
        );
        assert_eq!(proved["lower_bound"], 2, "{proved}");
        assert_eq!(proved["equivalence"], "epsilon");
        assert_eq!(proved["arithmetic"], "real");
    }
    // The square of a value that rests on both inputs keeps both of them.
    let both = net.proved("--domain box:0,1 --fill zero --tolerance 0.0001");
    assert_eq!(both["edges_kept"], 4);
    assert_eq!(both["proved"]["lower_bound"], 3);
}

/// The sets of edges, as bits, of which the claim is true.
fn valid(net: &Net, fills: &dyn Fn(usize, usize) -> [f64; 2], tolerance: f64) -> Vec<bool> {
    let edges = net.edges();
    let place = |edge| edges.iter().position(|e| *e == edge);
    let holds = |kept: usize| {
        let gone: Vec<usize> = (0..edges.len()).filter(|e| kept >> e & 1 == 0).collect();
        net.cases().into_iter().all(|case| {
            let before = net.outputs(case, |_, x| x);
            // Every corner of what stands in for the rest.
            (0..1_usize << gone.len()).all(|ends| {
                let message = |edge: (usize, usize, usize), x: f64| {
                    let rank = place(edge).and_then(|e| gone.iter().position(|g| *g == e));
                    rank.map_or(x, |rank| fills(edge.0, edge.2)[ends >> rank & 1])
                };
                let after = net.outputs(case, message);
                before
                    .iter()
                    .zip(after)
                    .all(|(a, b)| (a - b).abs() <= tolerance)
            })
        })
    };
    (0..1 << edges.len()).map(holds).collect()
}

fn random(seed: u64, activation: &'static str) -> Net {
    let mut rng = Rng::new(seed, 11);
    let mut layer = || -> Vec<Vec<f64>> {
        (0..2)
            .map(|_| (0..2).map(|_| 0.1 + rng.normal()).collect())
            .collect()
    };
    Net {
        layers: [layer(), layer()],
        table: Some(vec![-1.0, 0.3, 0.8]),
        activation,
    }
}

/// No edge can go, and no set is smaller than the bound, by trying all of them.
fn held_against_all_subsets(net: &Net, rest: &str, fills: &dyn Fn(usize, usize) -> [f64; 2]) {
    let tolerance = 0.6;
    let circuit = net.proved(&format!(
        "--equivalence epsilon --fill zero --tolerance {tolerance} --rest {rest}"
    ));
    let name = |layer: usize, site: usize| match layer {
        0 => format!("x{site}"),
        1 => format!("h1.{site}"),
        _ => format!("y{site}"),
    };
    let edges = net.edges();
    let names = named(&circuit);
    let is_kept = |(layer, reader, writer): &(usize, usize, usize)| {
        names.contains(&(name(*layer, *writer), name(layer + 1, *reader)))
    };
    let kept: Vec<usize> = (0..edges.len()).filter(|e| is_kept(&edges[*e])).collect();
    assert_eq!(kept.len() as u64, circuit["edges_kept"].as_u64().unwrap());
    let bits = kept.iter().fold(0, |bits, edge| bits | 1 << edge);
    let valid = valid(net, fills, tolerance);
    assert!(valid[bits], "{circuit}");
    for edge in &kept {
        assert!(!valid[bits & !(1 << edge)], "{:?} can go", edges[*edge]);
    }
    let sizes = (0..valid.len())
        .filter(|set| valid[*set])
        .map(usize::count_ones);
    let bound = circuit["proved"]["lower_bound"].as_u64().unwrap();
    assert!(bound <= u64::from(sizes.min().unwrap()), "{circuit}");
    assert_eq!(circuit["proved"]["minimal"], true);
    assert_eq!(circuit["proved"]["regions"], 9);
}

#[test]
fn fixed_fills_held_against_all_subsets() {
    for seed in 0..6 {
        held_against_all_subsets(&random(seed, "relu"), "fill", &|_, _| [0.0; 2]);
    }
}

/// Of a linear network the worst stand-ins are at the ends of the ranges.
#[test]
fn any_fill_held_against_all_subsets_and_all_corners() {
    for seed in 0..6 {
        let net = random(seed, "identity");
        let inputs = [-1.0, 0.8];
        let hidden: Vec<[f64; 2]> = net.layers[0]
            .iter()
            .map(|row| {
                let end = |high: usize| -> f64 {
                    let best = |w: &f64| w * inputs[usize::from(*w > 0.0) ^ high ^ 1];
                    row.iter().map(best).sum()
                };
                [end(0), end(1)]
            })
            .collect();
        held_against_all_subsets(&net, "any", &|layer, site| match layer {
            0 => inputs,
            _ => hidden[site],
        });
    }
}

/// All 243 inputs are run; every smaller set of edges too, so that this is the smallest.
#[test]
fn the_circuit_of_a_compiled_program_is_the_known_one() {
    let Some(folder) = shared("truth/hist") else {
        return;
    };
    let desk = Desk::new();
    let line = format!(
        "circuit {} --method proved --fill zero --json",
        folder.display()
    );
    let seen = desk.run(&line);
    assert_eq!(seen.code, Some(0), "{}", seen.stderr);
    let result: Value = serde_json::from_str(&seen.stdout).unwrap();
    let circuit = &result["circuits"][0];
    let known = [
        ("a0.h0", "m0"),
        ("input", "a0.h0<k>"),
        ("input", "a0.h0<q>"),
        ("input", "a0.h0<v>"),
        ("input", "m0"),
        ("m0", "logits"),
    ];
    let known = known.map(|(from, to)| (from.to_owned(), to.to_owned()));
    assert_eq!(named(circuit), known);
    let proved = &circuit["proved"];
    assert_eq!(
        (&proved["regions"], &proved["lower_bound"]),
        (&json!(243), &json!(6))
    );
    assert_eq!(proved["lower_bound_by"], "smaller sets");
    assert_eq!(
        (&proved["method"], &proved["arithmetic"]),
        (&json!("enumeration"), &json!("f32"))
    );
}

#[test]
fn what_cannot_be_proved_is_refused_with_help() {
    let desk = Desk::new();
    let example = fixture("two_moon-bimt");
    let cases = [
        (
            format!("{example} --method exact,proved"),
            "`--method proved` alone",
        ),
        (
            format!("{example} --method proved --fill resample --domain box:data"),
            "`--fill zero`",
        ),
        (
            format!("{example} --method proved --domain box:data --equivalence top1 --boxes 50"),
            "delta-top1",
        ),
        (
            format!("{example} --method proved --domain box:data --level node"),
            "`--method exact`",
        ),
        (
            format!("{} --method proved --read last --boxes 10", fixture("gpt2")),
            "more `--boxes`",
        ),
        (
            format!("{} --method proved --read last --rest any", fixture("gpt2")),
            "`--rest fill`",
        ),
        (
            format!("{} --method proved", fixture("zoo/onnx-cnn-residual")),
            "`--method exact`",
        ),
    ];
    for (line, remedy) in cases {
        let seen = desk.run(&format!("circuit {line}"));
        assert_eq!(seen.code, Some(2), "{line}: {}{}", seen.stdout, seen.stderr);
        assert!(
            seen.stderr.contains("nothing can be proved"),
            "{line}: {}",
            seen.stderr
        );
        let (_, told) = seen.stderr.split_once("try: ").expect(&line);
        assert!(told.contains(remedy), "{line}: {}", seen.stderr);
    }
}
