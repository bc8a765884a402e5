//! Recurrent networks of PyTorch's names, laid out step by step:
//! `{"architecture": "rnn", "rnn": "rnn", "linear": "linear", "sequence": 10, …}`.
//!
//! Sources: PyTorch's documentation of `nn.RNN`, `nn.LSTM` and `nn.GRU` (order of
//! gates: i, f, g, o; r, z, n).

use ndarray::Array1;
use serde_json::{Map, Value};

use super::builder::Builder;
use crate::Result;
use crate::checkpoint::Account;
use crate::model::Layered;
use crate::model::layered::{Op, Shape, Term};
use crate::numeric::{Activation, Scalar};

/// The cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell {
    Elman,
    Gru,
    Lstm,
}

/// The cell that a configuration names.
pub(super) fn kind(config: &Map<String, Value>) -> Option<Cell> {
    match config.get("architecture").and_then(Value::as_str)? {
        "rnn" => Some(Cell::Elman),
        "gru" => Some(Cell::Gru),
        "lstm" => Some(Cell::Lstm),
        _ => None,
    }
}

impl Cell {
    /// Blocks of rows in its weights.
    fn gates(self) -> usize {
        match self {
            Self::Elman => 1,
            Self::Gru => 3,
            Self::Lstm => 4,
        }
    }
}

pub(super) fn load<T: Scalar>(account: &Account<'_>, cell: Cell) -> Result<Layered<T>> {
    let settings = account.settings();
    settings.word("architecture")?;
    let sequence = settings.count("sequence")?;
    let steps =
        sequence.ok_or_else(|| settings.wrong("sequence", "nothing", "the number of steps"))?;
    let name = settings.word("rnn")?.unwrap_or("rnn").to_owned();
    let linear = settings.word("linear")?.unwrap_or("linear").to_owned();
    let readout = settings.word("readout")?.unwrap_or("nothing");
    if readout != "last step" {
        return Err(settings.wrong("readout", readout, "\"last step\""));
    }
    let activation = match (cell, settings.word("nonlinearity")?) {
        (Cell::Elman, Some("relu")) => Activation::Relu,
        (Cell::Elman, None) => return Err(settings.missing("nonlinearity")),
        (Cell::Elman, Some("tanh")) | (_, None) => Activation::Tanh,
        (_, Some(other)) => {
            let expected = "\"tanh\" or \"relu\", and only of the architecture \"rnn\"";
            return Err(settings.wrong("nonlinearity", other, expected));
        }
    };
    let first = format!("{name}.weight_ih_l0");
    let mut builder = Builder::new(account, Shape::vector(1));
    let features = builder.shape_of(&first)?.get(1).copied().unwrap_or(0);
    builder.network.input = Shape::vector(steps * features);
    let mut inputs = builder.repeated(0..steps, |builder, step| {
        builder.push(Op::Slice(0, step * features), Shape::vector(features))
    });
    let layers = settings.count("num_layers")?.unwrap_or(1);
    let is_both = settings.flag("bidirectional")? == Some(true);
    for layer in 0..layers {
        let on = Run {
            name: &name,
            layer,
            cell,
            activation,
        };
        let ahead = on.steps(&mut builder, &inputs, "", 0..steps)?;
        inputs = match is_both {
            false => ahead,
            true => {
                let mut back = on.steps(&mut builder, &inputs, "_reverse", (0..steps).rev())?;
                back.reverse();
                builder.repeated(0..steps, |builder, step| {
                    let (a, b) = (ahead[step], back[step]);
                    let width = builder.shape(a).features() + builder.shape(b).features();
                    builder.push(Op::Join(vec![a, b]), Shape::vector(width))
                })
            }
        };
    }
    let last = inputs.last().copied().unwrap_or(0);
    builder.linear(&linear, last)?;
    check_hidden(account, &builder, &first, cell)?;
    Ok(builder.network)
}

/// `hidden_size` agrees with the tensors.
fn check_hidden<T: Scalar>(
    account: &Account<'_>,
    builder: &Builder<'_, '_, T>,
    first: &str,
    cell: Cell,
) -> Result<()> {
    let rows = builder.shape_of(first)?.first().copied().unwrap_or(0);
    match account.settings().count("hidden_size")? {
        Some(said) if said * cell.gates() != rows => Err(account.settings().disagrees(
            "hidden_size",
            &said.to_string(),
            &format!("`{first}` has {rows} rows, {} gates", cell.gates()),
        )),
        _ => Ok(()),
    }
}

/// One layer in one direction.
struct Run<'r> {
    name: &'r str,
    layer: usize,
    cell: Cell,
    activation: Activation,
}

/// The weights of one gate: from the input and from the state before, and biases.
struct Gate<T> {
    input: usize,
    state: usize,
    input_bias: Array1<T>,
    state_bias: Array1<T>,
}

impl Run<'_> {
    /// The state after every step, in the order of the steps, given what is read at each.
    fn steps<T: Scalar>(
        &self,
        builder: &mut Builder<'_, '_, T>,
        inputs: &[usize],
        direction: &str,
        steps: impl Iterator<Item = usize>,
    ) -> Result<Vec<usize>> {
        let gates = self.gates(builder, direction)?;
        let (mut before, mut memory) = (None, None);
        Ok(builder.repeated(steps, |builder, step| {
            let input = inputs[step];
            let state = match self.cell {
                Cell::Elman => {
                    let sum = gates[0].both(builder, input, before);
                    activate(builder, sum, self.activation)
                }
                Cell::Gru => gru(builder, &gates, input, before),
                Cell::Lstm => lstm(builder, &gates, input, before, &mut memory),
            };
            before = Some(state);
            state
        }))
    }

    fn gates<T: Scalar>(
        &self,
        builder: &mut Builder<'_, '_, T>,
        direction: &str,
    ) -> Result<Vec<Gate<T>>> {
        let at = |part: &str| format!("{}.{part}_l{}{direction}", self.name, self.layer);
        let (input, state) = (at("weight_ih"), at("weight_hh"));
        let rows = builder.shape_of(&input)?.first().copied().unwrap_or(0);
        let hidden = rows / self.cell.gates();
        if builder.shape_of(&state)? != [rows, hidden]
            || hidden * self.cell.gates() != rows
            || rows == 0
        {
            let expected = format!("`{input}` has {rows} rows, {} blocks", self.cell.gates());
            return Err(builder.wrong_shape(&state, &expected));
        }
        let (input_bias, state_bias) = (at("bias_ih"), at("bias_hh"));
        builder.both_or_none([&input_bias, &state_bias])?;
        let input_bias = builder.bias(&input_bias, rows)?;
        let state_bias = builder.bias(&state_bias, rows)?;
        let rows_of = |gate: usize| gate * hidden..(gate + 1) * hidden;
        // The parts of one tensor follow each other.
        let mut parts = |tensor: &str| -> Result<Vec<usize>> {
            let part = |gate| builder.parameter(tensor, rows_of(gate), 1, 1);
            (0..self.cell.gates()).map(part).collect()
        };
        let (inputs, states) = (parts(&input)?, parts(&state)?);
        let gate = |(gate, (input, state)): (usize, (usize, usize))| Gate {
            input,
            state,
            input_bias: input_bias.slice(ndarray::s![rows_of(gate)]).to_owned(),
            state_bias: state_bias.slice(ndarray::s![rows_of(gate)]).to_owned(),
        };
        Ok(inputs
            .into_iter()
            .zip(states)
            .enumerate()
            .map(gate)
            .collect())
    }
}

impl<T: Scalar> Gate<T> {
    /// What comes of the input and the state before.
    fn both(&self, builder: &mut Builder<'_, '_, T>, input: usize, before: Option<usize>) -> usize {
        let term = |read, parameter| Term {
            read,
            parameter,
            window: None,
        };
        let from_state = before.map(|before| term(before, self.state));
        let terms = std::iter::once(term(input, self.input)).chain(from_state);
        let bias = &self.input_bias + &self.state_bias;
        let shape = Shape::vector(bias.len());
        builder.push(
            Op::Affine {
                terms: terms.collect(),
                bias,
            },
            shape,
        )
    }

    /// What comes of the one or the other alone.
    fn one(
        &self,
        builder: &mut Builder<'_, '_, T>,
        read: Option<usize>,
        parameter: usize,
        bias: &Array1<T>,
    ) -> usize {
        let term = read.map(|read| Term {
            read,
            parameter,
            window: None,
        });
        let shape = Shape::vector(bias.len());
        builder.push(
            Op::Affine {
                terms: term.into_iter().collect(),
                bias: bias.clone(),
            },
            shape,
        )
    }
}

fn activate<T: Scalar>(
    builder: &mut Builder<'_, '_, T>,
    read: usize,
    activation: Activation,
) -> usize {
    let shape = builder.shape(read);
    builder.push(Op::Activate(read, activation), shape)
}

fn gated<T: Scalar>(builder: &mut Builder<'_, '_, T>, a: usize, b: usize) -> usize {
    let shape = builder.shape(a);
    builder.push(Op::Gate(a, b), shape)
}

/// What a gate lets through of the state before: nothing at the first step.
fn kept<T: Scalar>(builder: &mut Builder<'_, '_, T>, gate: usize, before: Option<usize>) -> usize {
    let shape = builder.shape(gate);
    match before {
        Some(before) => gated(builder, gate, before),
        None => builder.push(
            Op::Affine {
                terms: Vec::new(),
                bias: Array1::zeros(shape.channels),
            },
            shape,
        ),
    }
}

/// r = σ(…), z = σ(…), n = tanh(W x + r ⊙ (U h)), h′ = (1 − z) ⊙ n + z ⊙ h.
fn gru<T: Scalar>(
    builder: &mut Builder<'_, '_, T>,
    gates: &[Gate<T>],
    input: usize,
    before: Option<usize>,
) -> usize {
    let reset = gates[0].both(builder, input, before);
    let reset = activate(builder, reset, Activation::Sigmoid);
    let keep = gates[1].both(builder, input, before);
    let keep = activate(builder, keep, Activation::Sigmoid);
    let gate = &gates[2];
    let fresh = gate.one(builder, Some(input), gate.input, &gate.input_bias);
    let old = gate.one(builder, before, gate.state, &gate.state_bias);
    let old = gated(builder, reset, old);
    let shape = builder.shape(fresh);
    let new = builder.push(Op::Sum(vec![fresh, old]), shape);
    let new = activate(builder, new, Activation::Tanh);
    let ones = Array1::ones(shape.channels);
    let op = Op::Scale {
        read: keep,
        weight: ones.mapv(|x: T| -x),
        bias: ones,
    };
    let take = builder.push(op, shape);
    let taken = gated(builder, take, new);
    let kept = kept(builder, keep, before);
    builder.push(Op::Sum(vec![taken, kept]), shape)
}

/// c′ = f ⊙ c + i ⊙ g, h′ = o ⊙ tanh(c′).
fn lstm<T: Scalar>(
    builder: &mut Builder<'_, '_, T>,
    gates: &[Gate<T>],
    input: usize,
    before: Option<usize>,
    memory: &mut Option<usize>,
) -> usize {
    let functions = [
        Activation::Sigmoid,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Sigmoid,
    ];
    let mut open = [0; 4];
    for (place, (gate, function)) in open.iter_mut().zip(gates.iter().zip(functions)) {
        let sum = gate.both(builder, input, before);
        *place = activate(builder, sum, function);
    }
    let [input, forget, fresh, output] = open;
    let added = gated(builder, input, fresh);
    let kept = kept(builder, forget, *memory);
    let now = builder.push(Op::Sum(vec![kept, added]), builder.shape(kept));
    *memory = Some(now);
    let seen = activate(builder, now, Activation::Tanh);
    gated(builder, output, seen)
}
