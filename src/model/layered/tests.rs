//! Hand-worked values, and gradients against differences.

use ndarray::{Array1, Array2, array};

use super::*;
use crate::model::Rules;
use crate::numeric::Rng;

fn random(rows: usize, columns: usize, seed: u64) -> Array2<f64> {
    let mut rng = Rng::new(seed, 0);
    Array2::from_shape_fn((rows, columns), |_| rng.uniform() * 2.0 - 1.0)
}

fn parameter(rows: usize, columns: usize, taps: usize, groups: usize, seed: u64) -> Parameter<f64> {
    Parameter {
        weight: random(rows, columns, seed),
        taps,
        groups,
        tensor: format!("weight {seed}"),
        first_row: 0,
    }
}

fn affine(terms: Vec<Term>, bias: usize) -> Op<f64> {
    let bias = Array1::from_iter((0..bias).map(|i| 0.1 * i as f64 - 0.2));
    Op::Affine { terms, bias }
}

fn term(read: usize, parameter: usize, window: Option<Window>) -> Term {
    Term {
        read,
        parameter,
        window,
    }
}

fn square(kernel: usize, stride: usize, padding: usize, dilation: usize) -> Window {
    Window {
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [padding; 2],
        dilation: [dilation; 2],
        ceil: false,
        counts_padding: false,
    }
}

fn layer(op: Op<f64>, channels: usize, side: usize) -> Layer<f64> {
    let shape = Shape {
        channels,
        height: side,
        width: side,
    };
    let step = None;
    Layer { op, shape, step }
}

/// A network in which every operation stands: a grouped, strided convolution with
/// padding, both pools, a residual sum, a norm, a gate, a slice, a join.
pub fn everything() -> Layered<f64> {
    let conv = square(3, 1, 1, 1);
    Layered {
        input: Shape {
            channels: 2,
            height: 5,
            width: 5,
        },
        parameters: vec![
            parameter(4, 2 * 9, 9, 1, 1),
            parameter(4, 2 * 9, 9, 2, 2),
            parameter(6, 16, 1, 1, 3),
            parameter(6, 6, 1, 1, 4),
            parameter(3, 7, 1, 1, 5),
        ],
        layers: vec![
            layer(affine(vec![term(0, 0, Some(conv))], 4), 4, 5),
            layer(Op::Activate(1, Activation::Tanh), 4, 5),
            layer(affine(vec![term(2, 1, Some(conv))], 4), 4, 5),
            layer(Op::Sum(vec![2, 3]), 4, 5),
            layer(
                Op::Scale {
                    read: 4,
                    weight: array![1.5, -0.5, 2.0, 1.0],
                    bias: array![0.1, 0.2, 0.0, -0.3],
                },
                4,
                5,
            ),
            layer(Op::MaxPool(5, square(2, 1, 0, 2)), 4, 3),
            layer(Op::AveragePool(6, square(2, 1, 0, 1)), 4, 2),
            layer(Op::Flatten(7), 16, 1),
            layer(affine(vec![term(8, 2, None)], 6), 6, 1),
            layer(
                Op::Norm(
                    9,
                    FeatureNorm {
                        weight: array![1.0, 2.0, 0.5, 1.0, -1.0, 1.0],
                        bias: Array1::zeros(6),
                        epsilon: 1e-5,
                    },
                ),
                6,
                1,
            ),
            layer(affine(vec![term(10, 3, None), term(9, 3, None)], 6), 6, 1),
            layer(Op::Activate(11, Activation::Sigmoid), 6, 1),
            layer(Op::Gate(12, 9), 6, 1),
            layer(Op::Slice(13, 2), 4, 1),
            layer(Op::Slice(12, 0), 3, 1),
            layer(Op::Join(vec![14, 15]), 7, 1),
            layer(affine(vec![term(16, 4, None)], 3), 3, 1),
        ],
    }
}

#[test]
fn a_convolution_by_hand() {
    // One channel of 3 × 3 under a kernel of 2 × 2, one sample.
    let network = Layered {
        input: Shape {
            channels: 1,
            height: 3,
            width: 3,
        },
        parameters: vec![Parameter {
            weight: array![[1.0, 2.0, 3.0, 4.0]],
            taps: 4,
            groups: 1,
            tensor: String::new(),
            first_row: 0,
        }],
        layers: vec![layer(
            Op::Affine {
                terms: vec![term(0, 0, Some(square(2, 1, 0, 1)))],
                bias: array![0.5],
            },
            1,
            2,
        )],
    };
    let inputs = Array2::from_shape_fn((9, 1), |(i, _)| i as f64);
    // At the top left: 0·1 + 1·2 + 3·3 + 4·4 + ½.
    assert_eq!(
        network.outputs(inputs),
        array![[27.5], [37.5], [57.5], [67.5]]
    );
}

#[test]
fn gradients_are_the_finite_differences() {
    let network = everything();
    let inputs = random(50, 3, 9);
    let coefficients = random(3, 3, 10);
    let scalar = |network: &Layered<f64>| (network.outputs(inputs.clone()) * &coefficients).sum();
    let run = network.forward(inputs.clone());
    let mut gradients = vec![None; network.parameters.len()];
    network.backward(
        Rules::Derivatives,
        &run,
        &Replaced::new(),
        coefficients.clone(),
        &mut |number, at| {
            let Op::Affine { terms, .. } = &network.layers[number].op else {
                panic!("not affine")
            };
            for term in terms {
                let read = run.values[term.read].view();
                let part = network.weight_gradient(number, term, read, at);
                let total: &mut Option<Array2<f64>> = &mut gradients[term.parameter];
                match total {
                    Some(total) => *total += &part,
                    none => *none = Some(part),
                }
            }
        },
    );
    let step = 1e-6;
    for (index, gradient) in gradients.iter().enumerate() {
        let gradient = gradient.as_ref().unwrap();
        for ((row, column), analytic) in gradient.indexed_iter() {
            let shifted = |by: f64| {
                let mut other = network.clone();
                other.parameters[index].weight[[row, column]] += by;
                scalar(&other)
            };
            let numeric = (shifted(step) - shifted(-step)) / (2.0 * step);
            assert!(
                (numeric - analytic).abs() < 1e-6,
                "{index} {row} {column}: {numeric} {analytic}"
            );
        }
    }
}

#[test]
fn edges_lead_from_lower_to_higher_sites_and_have_names_of_their_own() {
    let network = everything();
    let sites = LayeredSites::new(&network);
    let mut seen = std::collections::BTreeSet::new();
    for edge in 0..sites.edge_count() {
        let (writer, reader) = sites.ends(&network, edge);
        assert!(writer < reader);
        let at = sites.edge_at(edge);
        assert_eq!(
            sites.affine()[at.affine].edge(at.to, at.term, at.from),
            edge
        );
        assert!(seen.insert((writer, reader)), "{writer} {reader}");
    }
    assert!(sites.links().iter().all(|(before, after)| before < after));
    assert_eq!(sites.name(0), "x0");
    assert_eq!(sites.name(sites.outputs()[2]), "y2");
    // 4 · 2, 4 · 2 in groups, 6 · 16, 6 · 6 twice, 3 · 7.
    assert_eq!(sites.edge_count(), 8 + 8 + 96 + 72 + 21);
}

#[test]
fn resuming_is_running() {
    let network = everything();
    let run = network.forward(random(50, 4, 3));
    for first in 0..network.layers.len() {
        let again = network.resume(&run, first, &Replaced::new());
        assert_eq!(again.outputs(), run.outputs());
    }
}

/// Rows of 5 entries under windows of 3 in steps of 2, with one entry of padding: they see
/// two entries of the maps, three, two; a fourth place would begin behind the maps.
#[test]
fn a_mean_is_of_what_counts() {
    let shape = Shape {
        channels: 1,
        height: 1,
        width: 5,
    };
    let window = |ceil, counts_padding| Window {
        kernel: [1, 3],
        stride: [1, 2],
        padding: [0, 1],
        dilation: [1; 2],
        ceil,
        counts_padding,
    };
    assert_eq!(window(false, false).counts(shape), [2, 3, 2]);
    assert_eq!(window(false, true).counts(shape), [3, 3, 3]);
    // Six entries have room for half a step more: the last place reaches beyond the padding.
    let longer = Shape { width: 6, ..shape };
    assert_eq!(window(false, true).counts(longer), [3, 3, 3]);
    assert_eq!(window(true, true).counts(longer), [3, 3, 3, 2]);
    assert_eq!(window(true, false).counts(longer), [2, 3, 3, 1]);
}

/// An Elman network of one input and two neurons over three steps, its weights by hand:
/// `h0` reads the input, `h1` reads `h0` of the step before, the output reads `h1`; the other
/// weights are small.
pub fn elman() -> Layered<f64> {
    let weights = [
        array![[1.0], [0.01]],
        array![[0.02, 0.03], [1.5, 0.04]],
        array![[0.05, 2.0]],
    ];
    let parameters = weights.into_iter().zip(["ih", "hh", "linear"]);
    let parameters = parameters.map(|(weight, tensor)| Parameter {
        weight,
        taps: 1,
        groups: 1,
        tensor: tensor.to_owned(),
        first_row: 0,
    });
    let mut layers: Vec<Layer<f64>> = Vec::new();
    let mut add = |op, features: usize, step: Option<(usize, usize)>| {
        layers.push(Layer {
            op,
            shape: Shape::vector(features),
            step: step.map(|(cell, at)| Step { cell, at }),
        });
        layers.len()
    };
    let inputs: Vec<usize> = (0..3)
        .map(|at| add(Op::Slice(0, at), 1, Some((0, at))))
        .collect();
    let mut state = None;
    for (at, input) in inputs.into_iter().enumerate() {
        let terms = std::iter::once(term(input, 0, None)).chain(state.map(|h| term(h, 1, None)));
        let sum = add(affine(terms.collect(), 2), 2, Some((3, at)));
        let of_sum = Op::Activate(sum, Activation::Tanh);
        state = Some(add(of_sum, 2, Some((4, at))));
    }
    add(affine(vec![term(state.unwrap(), 2, None)], 1), 1, None);
    Layered {
        input: Shape::vector(3),
        layers,
        parameters: parameters.collect(),
    }
}

#[test]
fn a_neuron_is_one_site_at_all_steps_and_a_weight_one_edge() {
    let network = elman();
    let names = |sites: &LayeredSites| -> Vec<(String, String)> {
        let ends = (0..sites.edge_count()).map(|edge| sites.ends(&network, edge));
        ends.map(|(from, to)| (sites.name(from).to_owned(), sites.name(to).to_owned()))
            .collect()
    };
    let pair = |(from, to): (&str, &str)| (from.to_owned(), to.to_owned());
    let one = LayeredSites::new(&network);
    let expected = [
        ("x0", "h1.0"),
        ("h1.0", "h1.0"),
        ("h1.1", "h1.0"),
        ("x0", "h1.1"),
        ("h1.0", "h1.1"),
        ("h1.1", "h1.1"),
        ("h1.0", "y0"),
        ("h1.1", "y0"),
    ];
    assert_eq!(names(&one), expected.map(pair));
    let recurring = (0..8).filter(|edge| one.recurs(&network, *edge));
    assert_eq!(recurring.collect::<Vec<_>>(), [1, 2, 4, 5]);
    assert_eq!(one.weight_of(&network, 4), [1.5]);
    let apart = LayeredSites::of_steps(&network);
    // Two edges at the first step, six at each of the others, two to the output.
    let apart_names = names(&apart);
    assert_eq!(apart_names.len(), 2 + 6 + 6 + 2);
    assert_eq!(apart_names[2], pair(("x0@1", "h1.0@1")));
    assert_eq!(apart_names[3], pair(("h1.0@0", "h1.0@1")));
    assert_eq!(apart_names[15], pair(("h1.1@2", "y0")));
    assert!((0..16).all(|edge| !apart.recurs(&network, edge)));
}
