//! Answers worked out by hand, and edits against the engines that patch.

use std::path::Path;

use ndarray::{Array2, array};

use super::{At, Change, Edit, Editable, Editor, LayeredEdits, MlpEdits, TransformerEdits};
use crate::model::layered::LayeredSites;
use crate::model::layered::tests::everything;
use crate::model::mlp::tests::{random_inputs, random_mlp};
use crate::model::{Linear, Mlp};
use crate::numeric::{Activation, Rng, Scalar};
use crate::patch::component::tests::{batch, models, setup};
use crate::patch::{
    ComponentEngine, Engine, Fill, Fills, LayeredEngine, Nodes, Patchable, PatchableExt as _,
};
use crate::{Error, ErrorKind};

fn site(name: &str, change: Change) -> Edit {
    Edit {
        at: At::Site(name.to_owned()),
        change,
        positions: None,
    }
}

fn edge(from: &str, to: &str, change: Change) -> Edit {
    Edit {
        at: At::Edge(from.to_owned(), to.to_owned()),
        ..site("", change)
    }
}

fn path(sites: &[&str], change: Change) -> Edit {
    Edit {
        at: At::Path(sites.iter().map(|s| (*s).to_owned()).collect()),
        ..site("", change)
    }
}

fn outputs<E: Editable>(network: &E, edits: &[Edit]) -> Array2<E::Number> {
    let editor = Editor::new(network, Path::new("network"), 1);
    editor.prepare(edits).unwrap().outputs()
}

fn assert_near<T: Scalar>(found: &Array2<T>, expected: &Array2<T>, what: &str) {
    assert_eq!(found.dim(), expected.dim(), "{what}");
    let pairs = found.iter().zip(expected);
    let most = pairs.fold(0.0_f64, |m, (a, b)| m.max((a.widen() - b.widen()).abs()));
    assert!(most < 1e-9, "{what}: {most:e}");
}

/// h0 = relu(x0 + 3 x1), h1 = relu(2 x0 − x1 + 1), y = 2 h0 − h1 + 0.5.
fn by_hand() -> Mlp<f64> {
    Mlp {
        embedding: None,
        in_perm: vec![0, 1],
        folds: 1,
        layers: vec![
            Linear {
                weight: array![[1.0, 3.0], [2.0, -1.0]],
                bias: array![0.0, 1.0],
            },
            Linear {
                weight: array![[2.0, -1.0]],
                bias: array![0.5],
            },
        ],
        activation: Activation::Relu.into(),
        out_perm: vec![0],
    }
}

#[test]
fn an_mlp_by_hand() {
    let model = by_hand();
    // Samples (1, 1) and (0, 2): h = (4, 2) and (6, 0); y = 6.5 and 12.5.
    let inputs = array![[1.0, 0.0], [1.0, 2.0]];
    let network = MlpEdits::new(&model, &inputs, None);
    let gives = |edits: &[Edit], y: [f64; 2]| {
        let expected = Array2::from_shape_vec((1, 2), y.to_vec()).unwrap();
        assert_near(&outputs(&network, edits), &expected, &format!("{edits:?}"));
    };
    gives(&[], [6.5, 12.5]);
    gives(&[site("h1.0", Change::Set(vec![1.0]))], [0.5, 2.5]);
    gives(&[site("h1.0", Change::Scale(0.5))], [2.5, 6.5]);
    gives(&[site("h1.1", Change::Add(vec![1.0]))], [5.5, 11.5]);
    gives(&[site("y0", Change::Add(vec![1.0]))], [7.5, 13.5]);
    // x0 = 2: h = (5, 4) and (8, 3).
    gives(&[site("x0", Change::Set(vec![2.0]))], [6.5, 13.5]);
    // The mean of h1 is 1.
    gives(&[site("h1.1", Change::Fill(Fill::Mean))], [7.5, 11.5]);
    // h1 of the second sample is 0.
    gives(&[site("h1.1", Change::Sample(1))], [8.5, 12.5]);
    // The message of x1 to h1 alone is −1 and −2; at 0: h1 = 3 and 1.
    gives(&[edge("x1", "h1.1", Change::Set(vec![0.0]))], [5.5, 11.5]);
    gives(&[edge("x1", "h1.1", Change::Fill(Fill::Zero))], [5.5, 11.5]);
    // Of the first sample: −1 for both.
    gives(&[edge("x1", "h1.1", Change::Sample(0))], [6.5, 12.5]);
    // A message is scaled as it is: 3 and 6 become 6 and 12.
    gives(&[edge("x1", "h1.0", Change::Scale(2.0))], [12.5, 24.5]);
    // Two edits at once.
    let both = [
        site("h1.0", Change::Set(vec![1.0])),
        edge("h1.1", "y0", Change::Set(vec![5.0])),
    ];
    gives(&both, [7.5, 7.5]);
    // x1 = 0 along x1 → h0 → y: h0 = 1 and 0 there, h1 as it is.
    let along = path(&["x1", "h1.0", "y0"], Change::Set(vec![0.0]));
    gives(&[along], [0.5, 0.5]);
}

#[test]
fn what_is_not_there_is_named() {
    let model = by_hand();
    let inputs = array![[1.0], [1.0]];
    let network = MlpEdits::new(&model, &inputs, None);
    let editor = Editor::new(&network, Path::new("network"), 1);
    let refused = |edit: Edit| editor.prepare(&[edit]).map(|_| ()).unwrap_err();
    match refused(site("h1.2", Change::Scale(0.0))) {
        Error {
            kind: ErrorKind::UnknownSite { name, nearest, .. },
            ..
        } => {
            assert_eq!((name.as_str(), nearest[0].as_str()), ("h1.2", "h1.0"));
        }
        other => panic!("{other}"),
    }
    let said = |edit: Edit| refused(edit).to_string();
    assert!(said(edge("x0", "y0", Change::Scale(0.0))).contains("no edge leads from x0 to y0"));
    assert!(said(site("x0", Change::Set(vec![1.0, 2.0]))).contains("2 values for what has 1"));
    assert!(said(site("x0", Change::Sample(1))).contains("there are 1, from 0"));
    let at = Edit {
        positions: Some(vec![0]),
        ..site("x0", Change::Scale(0.0))
    };
    assert!(said(at).contains("no positions"));
}

/// Every fill of every edge and of every node is what the patching engine makes of it.
fn same_as_patching<E, P>(network: &E, engine: &P, fill: Fill, seed: u64)
where
    E: Editable<Number = f64>,
    P: Patchable<Number = f64>,
{
    let mut rng = Rng::new(seed, 7);
    for _ in 0..3 {
        let drawn: Vec<usize> = (0..3).map(|_| rng.below(engine.edge_count())).collect();
        let one = |e: &usize| {
            let (from, to) = engine.edge_names(*e);
            edge(&from, &to, Change::Fill(fill))
        };
        let edits: Vec<Edit> = drawn.iter().map(one).collect();
        // A name may be that of several edges.
        let named = |e: &usize| {
            drawn
                .iter()
                .any(|d| engine.edge_names(*d) == engine.edge_names(*e))
        };
        let set = engine.edges((0..engine.edge_count()).filter(named));
        let expected = engine.outputs(&set);
        assert_near(&outputs(network, &edits), &expected, &format!("{edits:?}"));
    }
}

#[test]
fn mlps_as_the_engine_patches_them() {
    let model = random_mlp(&[4, 5, 5, 3], 2, Activation::Silu, 3);
    let inputs = random_inputs(&model, 8, 4);
    let network = MlpEdits::new(&model, &inputs, None);
    let clean = model.forward(inputs.clone());
    for (fill, fills) in [
        (Fill::Zero, Fills::zero()),
        (Fill::Mean, Fills::mean(&clean)),
        (Fill::Resample, Fills::resample(&clean, 1)),
    ] {
        let engine = Engine::new(&model, inputs.clone(), fills);
        same_as_patching(&network, &engine, fill, 11);
        let nodes = Nodes::new(&engine);
        for node in 0..nodes.edge_count() {
            let edit = site(&nodes.node_name(node), Change::Fill(fill));
            let expected = nodes.outputs(&nodes.edges([node]));
            assert_near(&outputs(&network, &[edit]), &expected, "a node");
        }
    }
}

#[test]
fn layered_networks_as_the_engine_patches_them() {
    let model = everything();
    let mut rng = Rng::new(5, 0);
    let inputs = Array2::from_shape_simple_fn((50, 6), || rng.normal());
    let pairs = Array2::from_shape_simple_fn((50, 6), || rng.normal());
    let network = LayeredEdits::new(&model, &inputs, Some(&pairs));
    for fill in Fill::each() {
        let nowhere = Path::new("data");
        let engine = LayeredEngine::new(
            &model,
            LayeredSites::new(&model),
            (&inputs, Some(&pairs)),
            fill,
            1,
            nowhere,
        )
        .unwrap();
        for seed in 0..4 {
            same_as_patching(&network, &engine, fill, seed);
        }
    }
    // A channel of the input that only a convolution reads: all edges out of it.
    let engine = LayeredEngine::new(
        &model,
        LayeredSites::new(&model),
        (&inputs, None),
        Fill::Zero,
        1,
        Path::new("data"),
    );
    let engine = engine.unwrap();
    let out = engine.edges_by_writer()[0].clone();
    let edit = site("x0", Change::Fill(Fill::Zero));
    assert_near(&outputs(&network, &[edit]), &engine.outputs(&out), "x0");
}

#[test]
fn transformers_as_the_engine_patches_them() {
    for (name, model) in models() {
        let batch = batch(&[1, 3], 1.0);
        let network = TransformerEdits::new(&model, &batch);
        assert_near(&outputs(&network, &[]), &model.outputs_of(&batch), name);
        for fill in Fill::each() {
            let engine = ComponentEngine::new(&model, &batch, setup(fill, true)).unwrap();
            same_as_patching(&network, &engine, fill, 3);
            let nodes = Nodes::new(&engine);
            for node in 0..nodes.edge_count() {
                let edit = site(&nodes.node_name(node), Change::Fill(fill));
                let expected = nodes.outputs(&nodes.edges([node]));
                let what = format!("{name}: {edit:?}");
                assert_near(&outputs(&network, &[edit]), &expected, &what);
            }
        }
    }
}

/// Where nothing else reads what the path goes through, a path is its edges.
#[test]
fn a_path_of_one_edge_is_the_edge() {
    for (name, model) in models() {
        let batch = batch(&[3], 1.0);
        let network = TransformerEdits::new(&model, &batch);
        let engine = ComponentEngine::new(&model, &batch, setup(Fill::Mean, false)).unwrap();
        let mut rng = Rng::new(3, 9);
        for _ in 0..3 {
            let (from, to) = engine.edge_names(rng.below(engine.edge_count()));
            let fill = || Change::Fill(Fill::Mean);
            let one = outputs(&network, &[path(&[&from, &to], fill())]);
            assert_near(&one, &outputs(&network, &[edge(&from, &to, fill())]), name);
        }
    }
}

/// Scaling by one, adding zero, and a sample's own value change nothing, at any site.
#[test]
fn edits_that_change_nothing() {
    for (name, model) in models() {
        let batch = batch(&[1, 3], 1.0);
        let network = TransformerEdits::new(&model, &batch);
        let clean = model.outputs_of(&batch);
        let mut all = Vec::new();
        for (site_name, _) in network.sites() {
            all.push(site(&site_name, Change::Scale(1.0)));
            all.push(site(&site_name, Change::Add(vec![0.0])));
        }
        assert_near(&outputs(&network, &all), &clean, name);
    }
}
