//! One operator → a step of the configuration and its tensors.

use serde_json::{Value, json};

use super::chain::Chain;
use super::graph::Node;
use crate::checkpoint::{Dtype, Tensor};

/// The attributes of every operator that is computed: with others, it computes
/// something else.
const ATTRIBUTES: &[(&str, &[&str])] = &[
    ("Add", &[]),
    (
        "AveragePool",
        &[
            "auto_pad",
            "ceil_mode",
            "count_include_pad",
            "kernel_shape",
            "pads",
            "strides",
        ],
    ),
    (
        "BatchNormalization",
        &["epsilon", "momentum", "training_mode"],
    ),
    ("Cast", &["saturate", "to"]),
    ("Celu", &["alpha"]),
    ("Clip", &["max", "min"]),
    (
        "Conv",
        &[
            "auto_pad",
            "dilations",
            "group",
            "kernel_shape",
            "pads",
            "strides",
        ],
    ),
    ("Dropout", &["ratio", "seed"]),
    ("Elu", &["alpha"]),
    ("Flatten", &["axis"]),
    ("Gelu", &["approximate"]),
    ("Gemm", &["alpha", "beta", "transA", "transB"]),
    ("GlobalAveragePool", &[]),
    ("GlobalMaxPool", &[]),
    ("HardSigmoid", &["alpha", "beta"]),
    ("HardSwish", &[]),
    ("Identity", &[]),
    ("LayerNormalization", &["axis", "epsilon", "stash_type"]),
    ("LeakyRelu", &["alpha"]),
    ("LogSoftmax", &["axis"]),
    ("MatMul", &[]),
    (
        "MaxPool",
        &[
            "auto_pad",
            "ceil_mode",
            "dilations",
            "kernel_shape",
            "pads",
            "storage_order",
            "strides",
        ],
    ),
    ("Mish", &[]),
    ("Mul", &[]),
    ("PRelu", &[]),
    ("Pad", &["mode", "pads", "value"]),
    ("ReduceMax", &["axes", "keepdims", "noop_with_empty_axes"]),
    ("ReduceMean", &["axes", "keepdims", "noop_with_empty_axes"]),
    ("Relu", &[]),
    ("Reshape", &["allowzero"]),
    ("Selu", &["alpha", "gamma"]),
    ("Sigmoid", &[]),
    ("Softmax", &["axis"]),
    ("Softplus", &[]),
    ("Softsign", &[]),
    ("Sub", &[]),
    ("Tanh", &[]),
];

/// That an operator is computed, with the attributes that it has.
fn check(node: &Node) -> Result<(), String> {
    let operator = node.operator.as_str();
    let Some((_, known)) = ATTRIBUTES.iter().find(|(name, _)| *name == operator) else {
        return Err(format!("operator {operator} is not computed"));
    };
    match node.attributes().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) => Err(format!(
            "operator {operator} is not computed with attribute `{name}`"
        )),
    }
}

impl Chain<'_> {
    /// Adds the step of a node that reads `value`.
    pub fn step(&mut self, node: &Node, value: &str) -> Result<(), String> {
        check(node)?;
        let operator = node.operator.as_str();
        if self.padding != [0; 2] && !["Conv", "AveragePool"].contains(&operator) {
            return Err("operator Pad is computed before Conv and AveragePool alone".to_owned());
        }
        if let Some(step) = elementwise(node) {
            self.steps.push(step);
            return Ok(());
        }
        let first = node.inputs.first().is_some_and(|i| i == value);
        match operator {
            "Gemm" if first => self.gemm(node),
            "MatMul" if first => match self.constant(node, 1) {
                Some(weight) => self.linear(transposed(weight)?, None),
                None => Err("operator MatMul is not computed of two values".to_owned()),
            },
            "Add" | "Mul" | "Sub" => match self.constant(node, usize::from(first)) {
                Some(numbers) if operator != "Sub" || first => self.affine(operator, numbers),
                _ => Err(format!("operator {operator} is not computed of two values")),
            },
            "BatchNormalization" => self.batch_norm(node),
            "LayerNormalization" => self.layer_norm(node),
            "PRelu" => self.prelu(node),
            "Clip" if first => self.clip(node),
            "Conv" if first => self.convolution(node),
            "MaxPool" | "AveragePool" => self.pool(node),
            "Pad" if first => self.pad(node),
            "GlobalAveragePool" => self.plain("global_avg_pool"),
            "GlobalMaxPool" => self.largest(),
            "ReduceMean" | "ReduceMax" => self.over_maps(node),
            "Identity" | "Dropout" => Ok(()),
            "Flatten" if node.number("axis", 1.0) == 1.0 => self.plain("flatten"),
            // To the type in which inputs are.
            "Cast" if node.number("to", 0.0) == 1.0 && self.is_single() => Ok(()),
            "Reshape" if self.keeps_samples(node) => self.plain("flatten"),
            _ => Err(format!("operator {operator} is not computed as it is used")),
        }
    }

    pub fn plain(&mut self, op: &str) -> Result<(), String> {
        self.steps.push(json!({"op": op}));
        Ok(())
    }

    /// Whether all tensors so far are of f32.
    fn is_single(&self) -> bool {
        self.tensors
            .values()
            .all(|tensor| tensor.dtype == Dtype::F32)
    }

    /// Whether a Reshape makes one vector of every sample. Where it does not say so, the
    /// layer that reads the vector must be as wide: see `linear`.
    fn keeps_samples(&mut self, node: &Node) -> bool {
        let shape = self.constant(node, 1).and_then(Tensor::to_i64);
        match shape.as_deref() {
            Some([-1, width]) if *width > 0 => {
                if self.last_width() != usize::try_from(*width).ok() {
                    self.width = usize::try_from(*width).ok();
                }
                true
            }
            // Of a graph of so many samples.
            Some([samples, width])
                if *width > 0 && self.samples() == usize::try_from(*samples).ok() =>
            {
                self.width = usize::try_from(*width).ok();
                true
            }
            Some([0, width]) => node.number("allowzero", 0.0) == 0.0 && *width != 0,
            _ => false,
        }
    }

    /// How many samples the graph is of, where it is of no other number.
    fn samples(&self) -> Option<usize> {
        let sizes = self.graph.shapes.get(self.graph.inputs.first()?)?;
        sizes.first().copied().flatten()
    }

    /// Width of the linear layer that wrote the last vector, if it was one.
    fn last_width(&self) -> Option<usize> {
        let layer = |step: &&Value| step["op"] == "linear" || step["op"] == "conv2d";
        let last = self.steps.iter().rev().find(layer)?;
        let name = last["name"].as_str().filter(|_| last["op"] == "linear")?;
        let weight = self.tensors.get(&format!("{name}.weight"))?;
        weight.shape.first().copied()
    }

    fn batch_norm(&mut self, node: &Node) -> Result<(), String> {
        let name = self.name("norm");
        for (place, ending) in ["weight", "bias", "running_mean", "running_var"]
            .iter()
            .enumerate()
        {
            let tensor = self.constant(node, place + 1);
            let tensor = tensor.ok_or("operator BatchNormalization has no constants")?;
            self.tensors
                .insert(format!("{name}.{ending}"), tensor.clone());
        }
        if node.number("training_mode", 0.0) != 0.0 {
            return Err(
                "operator BatchNormalization is in training mode: outputs depend on the batch"
                    .to_owned(),
            );
        }
        let epsilon = node.number("epsilon", 1e-5);
        self.steps
            .push(json!({"op": "batch_norm", "name": name, "eps": epsilon}));
        Ok(())
    }

    fn layer_norm(&mut self, node: &Node) -> Result<(), String> {
        let weight = self.constant(node, 1).filter(|t| t.shape.len() == 1);
        let weight = weight.ok_or("operator LayerNormalization is computed of vectors alone")?;
        if ![-1.0, 1.0].contains(&node.number("axis", -1.0)) {
            return Err("operator LayerNormalization is of another axis than the last".to_owned());
        }
        let name = self.name("norm");
        self.tensors
            .insert(format!("{name}.weight"), weight.clone());
        match (node.inputs.get(2), self.constant(node, 2)) {
            (_, Some(bias)) => {
                self.tensors.insert(format!("{name}.bias"), bias.clone());
            }
            (Some(bias), None) if !bias.is_empty() => {
                return Err("operator LayerNormalization has a bias that is no constant".to_owned());
            }
            _ => {}
        }
        let epsilon = node.number("epsilon", 1e-5);
        self.steps
            .push(json!({"op": "layer_norm", "name": name, "eps": epsilon}));
        Ok(())
    }

    fn prelu(&mut self, node: &Node) -> Result<(), String> {
        let slopes = self.constant(node, 1);
        let slopes = slopes.ok_or("operator PRelu has no constant slopes")?;
        let name = self.name("prelu");
        self.tensors.insert(format!("{name}.weight"), flat(slopes));
        self.steps.push(json!({"op": "prelu", "name": name}));
        Ok(())
    }

    /// A clip to the bounds of an activation that has a name.
    fn clip(&mut self, node: &Node) -> Result<(), String> {
        let bound = |place: usize, name: &str, open: f64| {
            let given = node.inputs.get(place).filter(|input| !input.is_empty());
            let value = match given {
                Some(_) => self.constant(node, place)?.to_f64().first().copied(),
                None => Some(node.number(name, open)),
            };
            value.map(|x| {
                if x.abs() >= f64::from(f32::MAX) {
                    open
                } else {
                    x
                }
            })
        };
        let bounds = bound(1, "min", f64::NEG_INFINITY).zip(bound(2, "max", f64::INFINITY));
        match bounds {
            Some((0.0, 6.0)) => self.plain("relu6"),
            Some((-1.0, 1.0)) => self.plain("hardtanh"),
            Some((0.0, f64::INFINITY)) => self.plain("relu"),
            _ => {
                Err("operator Clip is computed from 0 to 6, from -1 to 1 and from 0 on".to_owned())
            }
        }
    }

    fn gemm(&mut self, node: &Node) -> Result<(), String> {
        let usual = |name, value| node.number(name, value) == value;
        let factors = usual("alpha", 1.0) && usual("beta", 1.0) && usual("transA", 0.0);
        let weight = self.constant(node, 1).filter(|_| factors);
        let weight = weight
            .ok_or("operator Gemm is computed of a value and a constant, without factors, alone")?;
        let bias = self.constant(node, 2);
        if node.inputs.len() > 2 && bias.is_none() {
            return Err("operator Gemm has a bias that is no constant".to_owned());
        }
        let weight = match node.number("transB", 0.0) == 0.0 {
            true => transposed(weight)?,
            false => weight.clone(),
        };
        self.linear(weight, bias)
    }

    fn linear(&mut self, weight: Tensor, bias: Option<&Tensor>) -> Result<(), String> {
        if let Some(width) = self.width.take()
            && weight.shape.get(1) != Some(&width)
        {
            return Err(format!(
                "operator Reshape makes vectors of {width}, and a layer reads others"
            ));
        }
        let name = self.name("layers.");
        if let Some(bias) = bias {
            self.tensors.insert(format!("{name}.bias"), flat(bias));
        }
        self.tensors.insert(format!("{name}.weight"), weight);
        self.steps
            .push(json!({"op": "linear", "name": name, "bias": bias.is_some()}));
        Ok(())
    }

    /// A constant that is added or multiplied: the bias of a layer that has none, or a
    /// step of its own.
    fn affine(&mut self, operator: &str, numbers: &Tensor) -> Result<(), String> {
        if operator == "Add" && self.is_bias(numbers) {
            return Ok(());
        }
        let on_samples = match numbers.shape.as_slice() {
            [] | [_] => false,
            [first, ..] => *first != 1,
        };
        if on_samples {
            return Err(format!(
                "operator {operator} has a constant of shape {:?}, which differs from sample to sample",
                numbers.shape
            ));
        }
        let name = self.name("affine");
        let values = numbers.to_f64();
        let (scale, shift): (Vec<f64>, Vec<f64>) = match operator {
            "Mul" => values.into_iter().map(|x| (x, 0.0)).unzip(),
            "Sub" => values.into_iter().map(|x| (1.0, -x)).unzip(),
            _ => values.into_iter().map(|x| (1.0, x)).unzip(),
        };
        for (ending, values) in [("scale", scale), ("shift", shift)] {
            let tensor = of_type(numbers.dtype, &values);
            self.tensors.insert(format!("{name}.{ending}"), tensor);
        }
        self.steps.push(json!({"op": "affine", "name": name}));
        Ok(())
    }

    /// Takes numbers as the bias of the layer just added, if it has none and they fit.
    fn is_bias(&mut self, numbers: &Tensor) -> bool {
        let Some(step) = self.steps.last_mut() else {
            return false;
        };
        let is_map = step["op"] == "conv2d";
        if step["bias"] != false || !(is_map || step["op"] == "linear") {
            return false;
        }
        let Some(name) = step["name"].as_str().map(str::to_owned) else {
            return false;
        };
        let weight = self.tensors.get(&format!("{name}.weight"));
        let readers = weight.and_then(|weight| weight.shape.first().copied());
        let long = numbers.shape.iter().filter(|d| **d != 1).count();
        // Of maps, numbers go with channels where rows and columns are named as 1.
        let fits = match (is_map, numbers.shape.as_slice()) {
            (false, _) => long <= 1,
            (true, [channels, 1, 1] | [1, channels, 1, 1]) => *channels == numbers.len(),
            (true, _) => false,
        };
        if !fits || readers != Some(numbers.len()) {
            return false;
        }
        step["bias"] = Value::Bool(true);
        self.tensors.insert(format!("{name}.bias"), flat(numbers));
        true
    }
}

/// The step of an operator that is one function of every value.
fn elementwise(node: &Node) -> Option<Value> {
    let axis = || [1.0, -1.0].contains(&node.number("axis", -1.0));
    let op = match node.operator.as_str() {
        "Relu" => "relu",
        "Tanh" => "tanh",
        "Sigmoid" => "sigmoid",
        "Softplus" => "softplus",
        "Softsign" => "softsign",
        "Mish" => "mish",
        "HardSwish" => "hardswish",
        "Softmax" if axis() => "softmax",
        "LogSoftmax" if axis() => "log_softmax",
        "Gelu" if node.text("approximate") == Some("tanh") => "gelu_tanh",
        "Gelu" => "gelu",
        "HardSigmoid" if is_usual_hard_sigmoid(node) => "hardsigmoid",
        "Selu" if is_usual_selu(node) => "selu",
        "LeakyRelu" => {
            let slope = node.number("alpha", 0.01);
            return Some(json!({"op": "leaky_relu", "negative_slope": slope}));
        }
        "Celu" if node.number("alpha", 1.0) == 1.0 => "elu",
        "Elu" => return Some(json!({"op": "elu", "alpha": node.number("alpha", 1.0)})),
        _ => return None,
    };
    Some(json!({"op": op}))
}

fn is_usual_selu(node: &Node) -> bool {
    const ALPHA: f64 = 1.673_263_242_354_377_2;
    const GAMMA: f64 = 1.050_700_987_355_480_5;
    let near = |name, expected: f64| (node.number(name, expected) - expected).abs() < 1e-6;
    near("alpha", ALPHA) && near("gamma", GAMMA)
}

fn is_usual_hard_sigmoid(node: &Node) -> bool {
    let near = |name, usual, expected: f64| (node.number(name, usual) - expected).abs() < 1e-6;
    near("alpha", 0.2, 1.0 / 6.0) && near("beta", 0.5, 0.5)
}

/// A constant without dimensions of one.
pub(super) fn flat(tensor: &Tensor) -> Tensor {
    Tensor {
        shape: vec![tensor.len()],
        ..tensor.clone()
    }
}

fn of_type(dtype: Dtype, values: &[f64]) -> Tensor {
    if dtype == Dtype::F64 {
        return Tensor::of_floats(&[values.len()], values);
    }
    let single: Vec<f32> = values.iter().map(|x| *x as f32).collect();
    Tensor::of_floats(&[values.len()], &single)
}

fn transposed(tensor: &Tensor) -> Result<Tensor, String> {
    let &[rows, columns] = tensor.shape.as_slice() else {
        return Err(format!(
            "a layer's constant has shape {:?}; two dimensions are expected",
            tensor.shape
        ));
    };
    let size = tensor.dtype.size();
    let element = |at: usize| {
        tensor
            .bytes
            .get(at * size..(at + 1) * size)
            .unwrap_or_default()
    };
    let places = (0..columns).flat_map(|column| (0..rows).map(move |row| row * columns + column));
    Ok(Tensor {
        dtype: tensor.dtype,
        shape: vec![columns, rows],
        bytes: places.flat_map(|at| element(at).iter().copied()).collect(),
    })
}
