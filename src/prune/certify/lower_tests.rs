//! Lowered networks compute what the networks do, and no evaluation breaks their bounds.

use ndarray::{Array1, Array2, Axis};

use super::*;
use crate::model::Layered;
use crate::model::layered::tests::everything;
use crate::model::layered::{Layer, Op, Parameter, Shape, Term};
use crate::model::mlp::tests::{random_inputs, random_mlp};
use crate::numeric::{Parameter as Slope, Rng};
use crate::prune::apply;

/// Convolutions with groups and padding, both pools, a scale and a residual sum, then a leaky
/// activation, a layer that reads two values, slices and a join.
fn sums(activation: Activation) -> Layered<f64> {
    let mut network = everything();
    network.layers.truncate(9);
    network.layers[1].op = Op::Activate(1, activation);
    let term = |read, parameter| Term {
        read,
        parameter,
        window: None,
    };
    let affine = |terms, readers: usize| Op::Affine {
        terms,
        bias: Array1::from_shape_fn(readers, |i| 0.1 * i as f64 - 0.2),
    };
    let leaky = Activation::LeakyRelu(Slope::new(0.1));
    for (op, width) in [
        (Op::Activate(9, leaky), 6),
        (affine(vec![term(10, 3), term(9, 3)], 6), 6),
        (Op::Slice(11, 2), 4),
        (Op::Slice(10, 0), 3),
        (Op::Join(vec![12, 13]), 7),
        (affine(vec![term(14, 4)], 3), 3),
    ] {
        network.layers.push(Layer {
            op,
            shape: Shape::vector(width),
            step: None,
        });
    }
    network
}

const ALL: [Activation; 16] = [
    Activation::Relu,
    Activation::Tanh,
    Activation::Silu,
    Activation::Relu6,
    Activation::Hardtanh,
    Activation::Hardsigmoid,
    Activation::QuickGelu,
    Activation::LeakyRelu(Slope::new(0.01)),
    Activation::Elu(Slope::new(0.7)),
    Activation::Selu,
    Activation::Softplus,
    Activation::Softsign,
    Activation::Mish,
    Activation::SquaredRelu,
    Activation::Hardswish,
    Activation::Identity,
];

fn points(count: usize, seed: u64) -> Array2<f64> {
    let mut rng = Rng::new(seed, 3);
    Array2::from_shape_simple_fn((50, count), || 2.0 * rng.normal())
}

#[test]
fn a_lowered_network_is_the_same_function() {
    let mut largest = 0.0_f64;
    for activation in ALL {
        let network = sums(activation);
        let mlp = lowered(&network).unwrap();
        let inputs = points(40, 1);
        let apart = network.outputs(inputs.clone()) - mlp.outputs(inputs.view());
        largest = apart.iter().fold(largest, |m, x| m.max(x.abs()));
    }
    println!("largest difference {largest:e}");
    assert!(largest < 1e-12);
}

#[test]
fn so_is_an_mlp_with_parts() {
    for activation in ALL {
        let network = random_mlp(&[4, 7, 5, 2], 1, activation, 3);
        let inputs = 3.0 * random_inputs(&network, 50, 4);
        let mlp = lowered_mlp(network.clone()).unwrap();
        let apart = network.outputs(inputs.view()) - mlp.outputs(inputs.view());
        assert!(apart.iter().all(|x| x.abs() < 1e-12), "{activation}");
        // One whose activations have bounds is left as it is.
        let is_same = mlp == network;
        assert_eq!(
            is_same,
            Pair::new(&network, &network).is_ok(),
            "{activation}"
        );
    }
}

#[test]
fn what_is_no_sum_is_refused_by_its_name() {
    let whole = everything();
    let refusal = lowered(&whole).unwrap_err().to_string();
    assert!(
        refusal.contains("normalisation of each sample"),
        "{refusal}"
    );
    assert!(refusal.contains("layer 9"), "{refusal}");
    // Two of its weights are summed: 1 and 1e-20 have no sum in f64.
    let mut twice = sums(Activation::Relu);
    twice.parameters.push(Parameter {
        weight: ndarray::array![[1e-20]],
        ..twice.parameters[4].clone()
    });
    let one = Parameter {
        weight: ndarray::array![[1.0]],
        ..twice.parameters[5].clone()
    };
    twice.parameters.push(one);
    let terms = [5, 6].map(|parameter| Term {
        read: 0,
        parameter,
        window: None,
    });
    let double = Layered {
        input: Shape::vector(1),
        layers: vec![Layer {
            op: Op::Affine {
                terms: terms.to_vec(),
                bias: Array1::zeros(1),
            },
            shape: Shape::vector(1),
            step: None,
        }],
        parameters: twice.parameters,
    };
    let refusal = lowered(&double).unwrap_err().to_string();
    assert!(refusal.contains("sum is not exact"), "{refusal}");
    let mut large = sums(Activation::Relu);
    large.input = Shape {
        channels: 2,
        height: 500,
        width: 500,
    };
    large.layers.truncate(1);
    large.layers[0].shape = Shape {
        channels: 4,
        height: 500,
        width: 500,
    };
    assert!(matches!(
        lowered(&large).unwrap_err(),
        Refusal::TooLarge { .. }
    ));
}

/// The same network in f32.
fn single(network: &Layered<f64>) -> Layered<f32> {
    let op = |op: &Op<f64>| match op {
        Op::Affine { terms, bias } => Op::Affine {
            terms: terms.clone(),
            bias: bias.mapv(|x| x as f32),
        },
        Op::Scale { read, weight, bias } => Op::Scale {
            read: *read,
            weight: weight.mapv(|x| x as f32),
            bias: bias.mapv(|x| x as f32),
        },
        Op::Sum(reads) => Op::Sum(reads.clone()),
        Op::Activate(read, activation) => Op::Activate(*read, *activation),
        Op::MaxPool(read, window) => Op::MaxPool(*read, *window),
        Op::AveragePool(read, window) => Op::AveragePool(*read, *window),
        Op::Flatten(read) => Op::Flatten(*read),
        Op::Slice(read, from) => Op::Slice(*read, *from),
        Op::Join(reads) => Op::Join(reads.clone()),
        Op::Norm(..) | Op::Gate(..) => unreachable!("no sums"),
    };
    let layers = network.layers.iter();
    let parameters = network.parameters.iter();
    Layered {
        input: network.input,
        layers: layers
            .map(|l| Layer {
                op: op(&l.op),
                shape: l.shape,
                step: None,
            })
            .collect(),
        parameters: parameters
            .map(|p| Parameter {
                weight: p.weight.mapv(|x| x as f32),
                taps: p.taps,
                groups: p.groups,
                tensor: p.tensor.clone(),
                first_row: p.first_row,
            })
            .collect(),
    }
}

/// Random prunings and balls, attacked in f32 at the corners that bounds point to, at random
/// ones and at random points; the bounds are those of one box, and so as loose as ever.
#[test]
fn no_evaluation_exceeds_the_bound_of_a_layered_network() {
    let (mut tried, mut nearest) = (0, 0.0_f64);
    for (seed, activation) in (0..60).zip(ALL.iter().cycle()) {
        let original = single(&sums(*activation));
        let mut rng = Rng::new(seed, 5);
        let pruned = apply(&original, 0.6 * rng.uniform(), false);
        let centre = points(1, seed).mapv(|x| x as f32);
        let half = 10_f64.powf(-3.0 * rng.uniform()) as f32;
        let sides: Vec<[f64; 2]> = centre
            .iter()
            .map(|x| [x - half, x + half].map(f64::from))
            .collect();
        let networks = [lowered(&original).unwrap(), lowered(&pruned).unwrap()];
        let domain = Domain::Box(sides.clone());
        let (a, b) = (&networks[0], &networks[1]);
        let rounding = rounding_of_both(a, b, &domain, Arithmetic::F32).unwrap();
        let pair = Pair::new(a, b).unwrap();
        let bounder = Bounder::new(&pair, sides.clone());
        // One bound for each output as the one that matters, for the corner of each.
        let bounded = [0, 1, 2].map(|k| {
            let scale: Vec<f64> = (0..3)
                .map(|other| f64::from(u8::from(k == other)))
                .collect();
            bounder
                .bound_all(std::slice::from_ref(&sides), &scale)
                .swap_remove(0)
        });
        let inputs = Array2::from_shape_fn((50, 200), |(i, column)| {
            let [lo, hi] = sides[i];
            let x = match (bounded.get(column), column % 2) {
                (Some(bounded), _) => bounded.corner[i],
                (None, 0) => lo + (hi - lo) * rng.uniform(),
                (None, _) => sides[i][rng.below(2)],
            };
            (x as f32).clamp(lo as f32, hi as f32)
        });
        let change = pruned.outputs(inputs.clone()).mapv(f64::from)
            - original.outputs(inputs).mapv(f64::from);
        for (output, row) in change.axis_iter(Axis(0)).enumerate() {
            let most = row.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
            let bound = bounded[0].upper(output) + rounding[output];
            assert!(
                most <= bound,
                "{activation} seed {seed} output {output}: {most} > {bound}"
            );
            nearest = nearest.max(most / bound.max(1e-300));
            tried += row.len();
        }
    }
    println!("{tried} changes, the nearest to its bound at {nearest}");
    // The attack comes near: a bound that is too small by a little would be caught.
    assert!(nearest > 0.5);
}
