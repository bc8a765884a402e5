//! A graph that is one chain of layers → tensors and the steps between them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::graph::{Graph, Node};
use crate::checkpoint::Tensor;

/// The network as a state dict with a `config.json` that lists its steps.
#[derive(Debug, Default)]
pub(super) struct Chain {
    pub tensors: BTreeMap<String, Tensor>,
    steps: Vec<Value>,
    used: BTreeSet<usize>,
}

/// The tensors of a chain, and the configuration that says what stands between them.
pub(super) type Read = (BTreeMap<String, Tensor>, Map<String, Value>);

/// Follows the values from input to output; `Err` says where that ends.
pub(super) fn chain(graph: &Graph) -> Result<Read, String> {
    let ([input], [output]) = (graph.inputs.as_slice(), graph.outputs.as_slice()) else {
        return Err(format!(
            "it has inputs {} and outputs {}; one of each is read",
            graph.inputs.join(", "),
            graph.outputs.join(", ")
        ));
    };
    let mut chain = Chain::default();
    let mut value = input.clone();
    while value != *output {
        value = chain.follow(graph, &value)?;
    }
    if let Some((_, node)) = graph
        .nodes
        .iter()
        .enumerate()
        .find(|(n, _)| !chain.used.contains(n))
    {
        return Err(format!(
            "operator {} is not on the way from input to output",
            node.operator
        ));
    }
    let mut config = Map::new();
    config.insert("layers".to_owned(), Value::Array(chain.steps));
    Ok((chain.tensors, config))
}

impl Chain {
    /// Adds the step that reads `value`, and says what it writes.
    fn follow(&mut self, graph: &Graph, value: &str) -> Result<String, String> {
        let readers: Vec<usize> = (0..graph.nodes.len())
            .filter(|n| graph.nodes[*n].inputs.iter().any(|input| input == value))
            .collect();
        let fresh: Vec<usize> = readers
            .iter()
            .copied()
            .filter(|n| !self.used.contains(n))
            .collect();
        if fresh.len() != readers.len() || fresh.is_empty() {
            return Err(format!("value `{value}` leads nowhere, or in a circle"));
        }
        let written = match fresh.as_slice() {
            [one] => {
                self.used.insert(*one);
                let node = &graph.nodes[*one];
                self.step(graph, node, value)?;
                node.outputs.first().cloned()
            }
            several => self.composed(graph, value, several)?,
        };
        written
            .filter(|name| !name.is_empty())
            .ok_or_else(|| "an operator writes nothing".to_owned())
    }

    /// SiLU and GELU, which exporters write as several operators on one value.
    fn composed(
        &mut self,
        graph: &Graph,
        value: &str,
        readers: &[usize],
    ) -> Result<Option<String>, String> {
        let operators = || {
            let names: Vec<&str> = readers
                .iter()
                .map(|n| graph.nodes[*n].operator.as_str())
                .collect();
            format!(
                "value `{value}` goes to {}: sums of branches are not computed yet",
                names.join(" and ")
            )
        };
        let find = |operator: &str, input: &str| {
            graph.nodes.iter().position(|node| {
                node.operator == operator && node.inputs.iter().any(|i| i == input)
            })
        };
        let output = |node: usize| {
            graph.nodes[node]
                .outputs
                .first()
                .cloned()
                .unwrap_or_default()
        };
        let product = |node: usize, other: &str| {
            let inputs: BTreeSet<&str> = graph.nodes[node]
                .inputs
                .iter()
                .map(String::as_str)
                .collect();
            inputs == BTreeSet::from([value, other])
        };
        if let (Some(gate), Some(times)) = (find("Sigmoid", value), find("Mul", value))
            && readers.len() == 2
            && product(times, &output(gate))
        {
            self.used.extend([gate, times]);
            self.steps.push(json!({"op": "silu"}));
            return Ok(Some(output(times)));
        }
        let erf = || {
            let divided = find("Div", value)?;
            let error = find("Erf", &output(divided))?;
            let plus = find("Add", &output(error))?;
            let times = find("Mul", &output(plus))?;
            let half = find("Mul", &output(times))?;
            let is = |node: usize, expected: f64| {
                let constant = graph.nodes[node]
                    .inputs
                    .iter()
                    .find_map(|i| graph.constants.get(i));
                constant.is_some_and(
                    |t| matches!(t.to_f64().as_slice(), [x] if (x - expected).abs() < 1e-6),
                )
            };
            let divides = graph.nodes[divided]
                .inputs
                .first()
                .is_some_and(|i| i == value);
            let fits = divides
                && readers.len() == 2
                && product(times, &output(plus))
                && is(divided, std::f64::consts::SQRT_2)
                && is(plus, 1.0)
                && is(half, 0.5);
            fits.then_some([divided, error, plus, times, half])
        };
        let nodes = erf().ok_or_else(operators)?;
        self.used.extend(nodes);
        self.steps.push(json!({"op": "gelu"}));
        Ok(Some(output(nodes[4])))
    }

    fn step(&mut self, graph: &Graph, node: &Node, value: &str) -> Result<(), String> {
        let operator = node.operator.as_str();
        let refuse = |why: &str| Err(format!("operator {operator} {why}"));
        let plain = |op: &str| json!({"op": op});
        let first = node.inputs.first().is_some_and(|i| i == value);
        let constant = |place: usize| {
            node.inputs
                .get(place)
                .and_then(|name| graph.constants.get(name))
        };
        match operator {
            "Gemm" if first => return self.gemm(node, constant(1), constant(2)),
            "MatMul" if first => {
                let Some(weight) = constant(1) else {
                    return refuse("is not computed of two values");
                };
                return self.linear(transposed(weight)?, None);
            }
            "Add" | "Mul" | "Sub" => {
                let other = usize::from(first);
                return match constant(other) {
                    Some(numbers) if operator != "Sub" || first => self.affine(operator, numbers),
                    _ => {
                        refuse("is not computed of two values (residual sums are not computed yet)")
                    }
                };
            }
            "BatchNormalization" => {
                let name = format!("norm{}", self.steps.len());
                for (place, ending) in ["weight", "bias", "running_mean", "running_var"]
                    .iter()
                    .enumerate()
                {
                    let Some(tensor) = constant(place + 1) else {
                        return refuse("has no constants");
                    };
                    self.tensors
                        .insert(format!("{name}.{ending}"), tensor.clone());
                }
                let epsilon = node.number("epsilon", 1e-5);
                if node.number("training_mode", 0.0) != 0.0 {
                    return refuse("is in training mode: outputs depend on the batch");
                }
                self.steps
                    .push(json!({"op": "batch_norm", "name": name, "eps": epsilon}));
            }
            "PRelu" => {
                let Some(slopes) = constant(1) else {
                    return refuse("has no constant slopes");
                };
                let name = format!("prelu{}", self.steps.len());
                let flat = Tensor {
                    shape: vec![slopes.len()],
                    ..slopes.clone()
                };
                self.tensors.insert(format!("{name}.weight"), flat);
                self.steps.push(json!({"op": "prelu", "name": name}));
            }
            "LeakyRelu" => self
                .steps
                .push(json!({"op": "leaky_relu", "negative_slope": node.number("alpha", 0.01)})),
            "Elu" => self
                .steps
                .push(json!({"op": "elu", "alpha": node.number("alpha", 1.0)})),
            "Gelu" => {
                let tanh = node.text("approximate") == Some("tanh");
                self.steps
                    .push(plain(if tanh { "gelu_tanh" } else { "gelu" }));
            }
            "HardSigmoid" if (node.number("alpha", 0.2) - 1.0 / 6.0).abs() < 1e-6 => {
                self.steps.push(plain("hardsigmoid"));
            }
            "Relu" => self.steps.push(plain("relu")),
            "Tanh" => self.steps.push(plain("tanh")),
            "Sigmoid" => self.steps.push(plain("sigmoid")),
            "Softplus" => self.steps.push(plain("softplus")),
            "Softsign" => self.steps.push(plain("softsign")),
            "Mish" => self.steps.push(plain("mish")),
            "HardSwish" => self.steps.push(plain("hardswish")),
            "Softmax" | "LogSoftmax" => {
                if ![1.0, -1.0].contains(&node.number("axis", -1.0)) {
                    return refuse("is of another axis than the outputs'");
                }
                self.steps.push(plain(if operator == "Softmax" {
                    "softmax"
                } else {
                    "log_softmax"
                }));
            }
            "Identity" | "Dropout" => {}
            // The samples stay apart: of vectors, nothing changes.
            "Flatten" if node.number("axis", 1.0) == 1.0 => {}
            // To the type in which inputs are.
            "Cast" if node.number("to", 0.0) == 1.0 && self.is_single() => {}
            "Reshape" if self.keeps_width(constant(1)) => {}
            _ => return refuse("is not computed"),
        }
        Ok(())
    }

    /// Whether all tensors so far are of f32.
    fn is_single(&self) -> bool {
        self.tensors
            .values()
            .all(|tensor| tensor.dtype == crate::checkpoint::Dtype::F32)
    }

    /// Whether a shape is `[samples, width]` of what the last layer writes.
    fn keeps_width(&self, shape: Option<&Tensor>) -> bool {
        let width = self
            .last_weight()
            .and_then(|tensor| tensor.shape.first().copied());
        let shape = shape.and_then(Tensor::to_i64);
        match (shape.as_deref(), width) {
            (Some([-1, columns]), Some(width)) => usize::try_from(*columns) == Ok(width),
            _ => false,
        }
    }

    fn last_name(&self) -> Option<String> {
        let last = self
            .steps
            .iter()
            .rev()
            .find(|step| step["op"] == "linear")?;
        last["name"].as_str().map(str::to_owned)
    }

    fn last_weight(&self) -> Option<&Tensor> {
        self.tensors.get(&format!("{}.weight", self.last_name()?))
    }

    fn gemm(
        &mut self,
        node: &Node,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
    ) -> Result<(), String> {
        let usual = |name, value| node.number(name, value) == value;
        let Some(weight) =
            weight.filter(|_| usual("alpha", 1.0) && usual("beta", 1.0) && usual("transA", 0.0))
        else {
            return Err(
                "operator Gemm is computed of a value and a constant, without factors, alone"
                    .to_owned(),
            );
        };
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
        let number = self
            .steps
            .iter()
            .filter(|step| step["op"] == "linear")
            .count();
        let name = format!("layers.{number}");
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
        let just_linear = self
            .steps
            .last()
            .is_some_and(|step| step["op"] == "linear" && step["bias"] == false);
        let width = self
            .last_weight()
            .and_then(|weight| weight.shape.first().copied());
        if operator == "Add"
            && just_linear
            && width == Some(numbers.len())
            && let (Some(name), Some(step)) = (self.last_name(), self.steps.last_mut())
        {
            step["bias"] = Value::Bool(true);
            self.tensors.insert(format!("{name}.bias"), flat(numbers));
            return Ok(());
        }
        let name = format!("affine{}", self.steps.len());
        let (scale, shift): (Vec<f64>, Vec<f64>) = match operator {
            "Mul" => numbers.to_f64().into_iter().map(|x| (x, 0.0)).unzip(),
            "Sub" => numbers.to_f64().into_iter().map(|x| (1.0, -x)).unzip(),
            _ => numbers.to_f64().into_iter().map(|x| (1.0, x)).unzip(),
        };
        for (ending, values) in [("scale", scale), ("shift", shift)] {
            let tensor = Tensor::of_floats(&[values.len()], &values);
            self.tensors.insert(format!("{name}.{ending}"), tensor);
        }
        self.steps.push(json!({"op": "affine", "name": name}));
        Ok(())
    }
}

/// A constant without dimensions of one.
fn flat(tensor: &Tensor) -> Tensor {
    Tensor {
        shape: vec![tensor.len()],
        ..tensor.clone()
    }
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
