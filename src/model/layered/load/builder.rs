//! A layered network that is put together layer by layer, its shapes checked.

use ndarray::{Array1, Array2};

use crate::checkpoint::{Account, Tensor};
use crate::model::layered::{Layer, Layered, Op, Parameter, Shape, Step, Term, Window};
use crate::numeric::Scalar;
use crate::{Error, ErrorKind, Result};

pub(super) struct Builder<'b, 'c, T> {
    pub account: &'b Account<'c>,
    pub network: Layered<T>,
}

impl<'b, 'c, T: Scalar> Builder<'b, 'c, T> {
    pub fn new(account: &'b Account<'c>, input: Shape) -> Self {
        let network = Layered {
            input,
            layers: Vec::new(),
            parameters: Vec::new(),
        };
        Self { account, network }
    }

    /// Adds a layer; the number of the value that it writes.
    pub fn push(&mut self, op: Op<T>, shape: Shape) -> usize {
        self.network.layers.push(Layer {
            op,
            shape,
            step: None,
        });
        self.network.layers.len()
    }

    /// Calls `one` for every step of a recurrence, and says of the layers that it adds which
    /// compute the same; each step must add as many.
    pub fn repeated<R>(
        &mut self,
        steps: impl Iterator<Item = usize>,
        mut one: impl FnMut(&mut Self, usize) -> R,
    ) -> Vec<R> {
        let cells = self.network.layers.len();
        let mut each = None;
        let of_step = |at| {
            let first = self.network.layers.len();
            let made = one(self, at);
            let added = &mut self.network.layers[first..];
            assert_eq!(
                *each.get_or_insert(added.len()),
                added.len(),
                "every step computes the same"
            );
            for (place, layer) in added.iter_mut().enumerate() {
                let cell = cells + place;
                layer.step = Some(Step { cell, at });
            }
            made
        };
        steps.map(of_step).collect()
    }

    pub fn shape(&self, value: usize) -> Shape {
        self.network.shape(value)
    }

    /// Weights `[readers, …]` of rows from `first_row` on, kept as `[readers, columns]`.
    pub fn parameter(
        &mut self,
        name: &str,
        rows: std::ops::Range<usize>,
        taps: usize,
        groups: usize,
    ) -> Result<usize> {
        let tensor = self.account.take_floats(name, "weights of a layer")?;
        let all: Vec<T> = numbers(tensor);
        let columns = all.len() / tensor.shape.first().copied().unwrap_or(1).max(1);
        let numbers = all[rows.start * columns..rows.end * columns].to_vec();
        let weight = Array2::from_shape_vec((rows.len(), columns), numbers)
            .map_err(|_| self.wrong_shape(name, "its rows are not of one length"))?;
        self.network.parameters.push(Parameter {
            weight,
            taps,
            groups,
            tensor: self.account.stored(name),
            first_row: rows.start,
        });
        Ok(self.network.parameters.len() - 1)
    }

    /// A vector of `length` numbers.
    pub fn vector(&self, name: &str, length: usize, what: &str) -> Result<Array1<T>> {
        let tensor = self.account.take_floats(name, what)?;
        if tensor.shape != [length] {
            return Err(self.wrong_shape(name, &format!("[{length}] is expected")));
        }
        Ok(numbers(tensor).into())
    }

    /// The biases of a layer; none, which is told, where there is no such tensor.
    pub fn bias(&self, name: &str, length: usize) -> Result<Array1<T>> {
        if self.account.has(name) {
            return self.vector(name, length, "biases of a layer");
        }
        self.account
            .tell(format!("there is no `{name}`: nothing is added there"));
        Ok(Array1::zeros(length))
    }

    /// That of two tensors that belong together both are there, or none.
    pub fn both_or_none(&self, names: [&str; 2]) -> Result<bool> {
        match names.map(|name| self.account.has(name)) {
            [true, true] => Ok(true),
            [false, false] => Ok(false),
            [first, _] => Err(ErrorKind::MissingTensor {
                tensor: self.account.stored(names[usize::from(first)]),
            }
            .at(self.account.checkpoint().path.clone())),
        }
    }

    /// A linear layer `{name}.weight: [out, in]` on a vector.
    pub fn linear(&mut self, name: &str, read: usize) -> Result<usize> {
        let (weight, shape) = (format!("{name}.weight"), self.shape(read));
        let &[out, inputs] = self.shape_of(&weight)?.as_slice() else {
            return Err(self.wrong_shape(&weight, "[out, in] is expected"));
        };
        if shape.positions() != 1 || shape.channels != inputs || out == 0 {
            let expected = format!("what it reads has {} features", shape.features());
            return Err(self.wrong_shape(&weight, &expected));
        }
        let parameter = self.parameter(&weight, 0..out, 1, 1)?;
        let bias = self.bias(&format!("{name}.bias"), out)?;
        let terms = vec![Term {
            read,
            parameter,
            window: None,
        }];
        Ok(self.push(Op::Affine { terms, bias }, Shape::vector(out)))
    }

    /// A convolution `{name}.weight: [out, in / groups, rows, columns]`.
    pub fn convolution(
        &mut self,
        name: &str,
        read: usize,
        slide: impl Fn([usize; 2]) -> Window,
        groups: usize,
    ) -> Result<usize> {
        let (weight, shape) = (format!("{name}.weight"), self.shape(read));
        let &[out, inputs, rows, columns] = self.shape_of(&weight)?.as_slice() else {
            return Err(self.wrong_shape(&weight, "[out, in, rows, columns] is expected"));
        };
        let fits = inputs * groups == shape.channels && out > 0 && out % groups == 0;
        let window = slide([rows, columns]);
        let Some([height, width]) = window.places(shape).filter(|_| fits && rows * columns > 0)
        else {
            let expected = format!(
                "it reads {} channels of {} × {} in {groups} groups",
                shape.channels, shape.height, shape.width
            );
            return Err(self.wrong_shape(&weight, &expected));
        };
        let parameter = self.parameter(&weight, 0..out, rows * columns, groups)?;
        let bias = self.bias(&format!("{name}.bias"), out)?;
        let terms = vec![Term {
            read,
            parameter,
            window: Some(window),
        }];
        let shape = Shape {
            channels: out,
            height,
            width,
        };
        Ok(self.push(Op::Affine { terms, bias }, shape))
    }

    /// A normalisation by stored statistics, as one factor and one summand a channel.
    pub fn batch_norm(&mut self, name: &str, read: usize, epsilon: f64) -> Result<usize> {
        let shape = self.shape(read);
        let part =
            |part: &str, what: &str| self.vector(&format!("{name}.{part}"), shape.channels, what);
        let mean = part("running_mean", "mean of a normalisation")?;
        let variance = part("running_var", "variance of a normalisation")?;
        let [weights, biases] = ["weight", "bias"].map(|part| format!("{name}.{part}"));
        let is_weighed = self.both_or_none([&weights, &biases])?;
        let weight = match is_weighed {
            true => part("weight", "weights of a normalisation")?,
            false => Array1::ones(shape.channels),
        };
        let bias = self.bias(&format!("{name}.bias"), shape.channels)?;
        self.account.tell_epsilon(epsilon);
        // In f64, and rounded once.
        let factor = |(v, w): (&T, &T)| w.widen() / (v.widen() + epsilon).sqrt();
        let factors: Vec<f64> = variance.iter().zip(&weight).map(factor).collect();
        let summand = |((f, m), b): ((&f64, &T), &T)| b.widen() - f * m.widen();
        let summands = factors.iter().zip(&mean).zip(&bias).map(summand);
        let op = Op::Scale {
            read,
            bias: summands.map(T::from_f64).collect(),
            weight: factors.iter().map(|f| T::from_f64(*f)).collect(),
        };
        Ok(self.push(op, shape))
    }

    /// `{name}.scale · x + {name}.shift`, each one number or one a channel.
    pub fn affine(&mut self, name: &str, read: usize) -> Result<usize> {
        let shape = self.shape(read);
        let part = |part: &str| -> Result<Array1<T>> {
            let full = format!("{name}.{part}");
            match self.account.look(&full).map(Tensor::len) {
                Some(1) => {
                    let one = self.vector(&full, 1, "an affine step")?[0];
                    Ok(Array1::from_elem(shape.channels, one))
                }
                _ => self.vector(&full, shape.channels, "an affine step"),
            }
        };
        let (weight, bias) = (part("scale")?, part("shift")?);
        Ok(self.push(Op::Scale { read, weight, bias }, shape))
    }

    pub fn shape_of(&self, name: &str) -> Result<Vec<usize>> {
        let tensor = self.account.look(name);
        let tensor = tensor.ok_or_else(|| {
            ErrorKind::MissingTensor {
                tensor: self.account.stored(name),
            }
            .at(self.account.checkpoint().path.clone())
        })?;
        Ok(tensor.shape.clone())
    }

    pub fn wrong_shape(&self, name: &str, expected: &str) -> Error {
        ErrorKind::TensorShape {
            tensor: self.account.stored(name),
            shape: self
                .account
                .look(name)
                .map_or_else(Vec::new, |t| t.shape.clone()),
            expected: expected.to_owned(),
        }
        .at(self.account.checkpoint().path.clone())
    }
}

fn numbers<T: Scalar>(tensor: &Tensor) -> Vec<T> {
    tensor.numbers()
}
