//! Networks whose configuration lists every layer in order:
//! `{"input_shape": [1, 8, 8], "layers": [{"op": "conv2d", "name": …}, …]}`.

use serde_json::Value;

use super::builder::Builder;
use crate::checkpoint::Account;
use crate::model::Layered;
use crate::model::layered::{FeatureNorm, Op, Shape, Window};
use crate::model::readout::Readout;
use crate::numeric::{Activation, Parameter, Scalar};
use crate::{Error, Result};

/// The operations by name, besides activations.
const KNOWN: &str = "conv2d, linear, batch_norm, layer_norm, affine, prelu, max_pool2d, \
                     avg_pool2d, adaptive_avg_pool2d, adaptive_max_pool2d, global_avg_pool, flatten, dropout, residual, identity, or an \
                     activation";

/// The layers that the configuration lists, or those that are given.
pub(super) fn load<T: Scalar>(
    account: &Account<'_>,
    given: Option<Vec<Value>>,
) -> Result<(Layered<T>, Option<Readout>)> {
    let plan = Plan { account };
    let listed = account.settings().value("layers").and_then(Value::as_array);
    let mut layers = given.or_else(|| listed.cloned()).unwrap_or_default();
    // A function of the outputs at the end is set apart: decisions are of logits.
    let last = layers
        .last()
        .and_then(|layer| layer.get("op")?.as_str()?.parse().ok());
    if last.is_some() {
        plan.only(&layers.pop().unwrap_or_default(), &[])?;
    }
    let layers = Value::Array(layers);
    let mut builder = Builder::new(account, plan.input(&layers)?);
    plan.run(&mut builder, &layers, 0)?;
    Ok((builder.network, last))
}

/// The keys that an operation has beside its name.
fn keys_of(op: &str) -> &'static [&'static str] {
    match op {
        "conv2d" => &[
            "name",
            "bias",
            "stride",
            "padding",
            "dilation",
            "groups",
            "padding_mode",
        ],
        "linear" => &["name", "bias"],
        "prelu" | "affine" => &["name"],
        "leaky_relu" => &["negative_slope"],
        "elu" => &["alpha"],
        "batch_norm" | "layer_norm" => &["name", "eps"],
        "max_pool2d" => &["kernel", "stride", "padding", "dilation", "ceil_mode"],
        "avg_pool2d" => &[
            "kernel",
            "stride",
            "padding",
            "ceil_mode",
            "count_include_pad",
        ],
        "adaptive_avg_pool2d" | "adaptive_max_pool2d" => &["size"],
        "residual" => &["layers", "shortcut"],
        "dropout" => &["p"],
        _ => &[],
    }
}

struct Plan<'p, 'c> {
    account: &'p Account<'c>,
}

impl Plan<'_, '_> {
    /// The shape of one input; where the first layer reads features, it says how many.
    fn input(&self, layers: &Value) -> Result<Shape> {
        let settings = self.account.settings();
        if !settings.has("input_shape")
            && let Some(features) = self.features(layers)
        {
            return Ok(Shape::vector(features));
        }
        let value = settings.value("input_shape").cloned().unwrap_or_default();
        let sizes = value.as_array().cloned().unwrap_or_default();
        let size = |value: &Value| value.as_u64().map(|n| n as usize).filter(|n| *n > 0);
        let sizes: Option<Vec<usize>> = sizes.iter().map(size).collect();
        match sizes.as_deref() {
            Some(&[features]) => Ok(Shape::vector(features)),
            Some(&[channels, height, width]) => Ok(Shape {
                channels,
                height,
                width,
            }),
            _ => Err(settings.wrong(
                "input_shape",
                &value.to_string(),
                "[features] or [channels, rows, columns]",
            )),
        }
    }

    /// How many features the first layer that has weights reads, if it reads features.
    fn features(&self, layers: &Value) -> Option<usize> {
        for layer in layers.as_array()? {
            let tensor = |axis: usize| {
                let name = format!("{}.weight", layer.get("name")?.as_str()?);
                self.account.look(&name)?.shape.get(axis).copied()
            };
            match layer.get("op")?.as_str()? {
                "linear" => return tensor(1),
                "layer_norm" => return tensor(0),
                "residual" => return self.features(layer.get("layers")?),
                "dropout" => {}
                op if op.parse::<Activation>().is_ok() => {}
                _ => return None,
            }
        }
        None
    }

    /// Layers one after the other; the value that the last writes.
    fn run<T: Scalar>(
        &self,
        builder: &mut Builder<'_, '_, T>,
        layers: &Value,
        mut read: usize,
    ) -> Result<usize> {
        let list = layers.as_array();
        let list = list.ok_or_else(|| self.fault(layers, "a list of layers"))?;
        for layer in list {
            read = self.layer(builder, layer, read)?;
        }
        Ok(read)
    }

    fn layer<T: Scalar>(
        &self,
        builder: &mut Builder<'_, '_, T>,
        layer: &Value,
        read: usize,
    ) -> Result<usize> {
        let shape = builder.shape(read);
        let op = self.word(layer, "op")?;
        self.only(layer, keys_of(op))?;
        match op {
            "conv2d" => self.convolution(builder, layer, read),
            "linear" => {
                self.biased(layer)?;
                builder.linear(self.word(layer, "name")?, read)
            }
            "affine" => builder.affine(self.word(layer, "name")?, read),
            "prelu" => {
                let slopes = format!("{}.weight", self.word(layer, "name")?);
                let slope = builder.vector(&slopes, 1, "the slope of a PReLU")?;
                let slope = Activation::LeakyRelu(Parameter::new(slope[0].widen()));
                Ok(builder.push(Op::Activate(read, slope), shape))
            }
            "batch_norm" => {
                let epsilon = self.epsilon(layer)?;
                builder.batch_norm(self.word(layer, "name")?, read, epsilon)
            }
            "layer_norm" => self.layer_norm(builder, layer, read),
            "max_pool2d" | "avg_pool2d" => self.pool(builder, layer, read),
            "adaptive_avg_pool2d" | "adaptive_max_pool2d" => self.adaptive(builder, layer, read),
            "global_avg_pool" => {
                let window = Window::apart([shape.height, shape.width]);
                let one = Shape {
                    height: 1,
                    width: 1,
                    ..shape
                };
                Ok(builder.push(Op::AveragePool(read, window), one))
            }
            "flatten" => Ok(builder.push(Op::Flatten(read), Shape::vector(shape.features()))),
            "dropout" | "identity" => Ok(read),
            "residual" => self.residual(builder, layer, read),
            other => {
                let activation = other.parse::<Activation>();
                let activation = activation.map_err(|_| self.fault(layer, KNOWN))?;
                let activation = self.with_parameter(layer, activation)?;
                Ok(builder.push(Op::Activate(read, activation), shape))
            }
        }
    }

    fn convolution<T: Scalar>(
        &self,
        builder: &mut Builder<'_, '_, T>,
        layer: &Value,
        read: usize,
    ) -> Result<usize> {
        let stride = self.pair(layer, "stride", 1, 1)?;
        let dilation = self.pair(layer, "dilation", 1, 1)?;
        let padding = self.convolutions_padding(layer, builder, (stride, dilation))?;
        let groups = self.pair(layer, "groups", 1, 1)?[0];
        self.biased(layer)?;
        let slide = |kernel| Window {
            kernel,
            stride,
            padding,
            dilation,
            ceil: false,
            counts_padding: false,
        };
        builder.convolution(self.word(layer, "name")?, read, slide, groups)
    }

    /// The epsilon of a norm.
    fn epsilon(&self, layer: &Value) -> Result<f64> {
        let epsilon = layer.get("eps").map_or(Some(1e-5), Value::as_f64);
        epsilon.ok_or_else(|| self.fault(layer, "`eps` as a number"))
    }

    /// An activation with the slope or α that its layer gives.
    fn with_parameter(&self, layer: &Value, activation: Activation) -> Result<Activation> {
        let told = layer.get("negative_slope").or_else(|| layer.get("alpha"));
        let Some(told) = told else {
            return Ok(activation);
        };
        let with = told
            .as_f64()
            .and_then(|value| activation.with_parameter(value));
        with.ok_or_else(|| self.fault(layer, "a finite number as its parameter"))
    }

    /// That a layer has biases where it is said to have some, and none where it has none.
    fn biased(&self, layer: &Value) -> Result<()> {
        let bias = format!("{}.bias", self.word(layer, "name")?);
        let is_told = match layer.get("bias") {
            None => return Ok(()),
            Some(told) => told.as_bool(),
        };
        match is_told == Some(self.account.has(&bias)) {
            true => Ok(()),
            false => Err(self.fault(layer, "`bias` as the file has it: true or false")),
        }
    }

    fn layer_norm<T: Scalar>(
        &self,
        builder: &mut Builder<'_, '_, T>,
        layer: &Value,
        read: usize,
    ) -> Result<usize> {
        let (name, shape) = (self.word(layer, "name")?, builder.shape(read));
        let norm = FeatureNorm {
            weight: builder.vector(
                &format!("{name}.weight"),
                shape.features(),
                "weights of a norm",
            )?,
            bias: builder.bias(&format!("{name}.bias"), shape.features())?,
            epsilon: self.epsilon(layer)?,
        };
        Ok(builder.push(Op::Norm(read, norm), shape))
    }

    fn pool<T: Scalar>(
        &self,
        builder: &mut Builder<'_, '_, T>,
        layer: &Value,
        read: usize,
    ) -> Result<usize> {
        let (shape, kernel) = (builder.shape(read), self.pair(layer, "kernel", 0, 1)?);
        let stride = match layer.get("stride") {
            None | Some(Value::Null) => kernel,
            Some(_) => self.pair(layer, "stride", 1, 1)?,
        };
        let is_mean = self.word(layer, "op")? == "avg_pool2d";
        let window = Window {
            kernel,
            stride,
            padding: self.pair(layer, "padding", 0, 0)?,
            dilation: self.pair(layer, "dilation", 1, 1)?,
            ceil: self.flag(layer, "ceil_mode", false)?,
            counts_padding: self.flag(layer, "count_include_pad", true)?,
        };
        // PyTorch's own bound: beyond it a window may see padding alone.
        let bounded = (0..2).all(|d| 2 * window.padding[d] <= kernel[d]);
        let Some([height, width]) = window.places(shape).filter(|_| bounded) else {
            return Err(self.fault(layer, "a window that fits what it reads"));
        };
        let op = match is_mean {
            true => Op::AveragePool(read, window),
            false => Op::MaxPool(read, window),
        };
        Ok(builder.push(
            op,
            Shape {
                height,
                width,
                ..shape
            },
        ))
    }

    /// A pool to maps of a size that divides theirs.
    fn adaptive<T: Scalar>(
        &self,
        builder: &mut Builder<'_, '_, T>,
        layer: &Value,
        read: usize,
    ) -> Result<usize> {
        let (shape, [height, width]) = (builder.shape(read), self.pair(layer, "size", 0, 1)?);
        if !shape.height.is_multiple_of(height) || !shape.width.is_multiple_of(width) {
            let sizes = format!(
                "a `size` that divides {} rows and {} columns",
                shape.height, shape.width
            );
            return Err(self.fault(layer, &sizes));
        }
        let window = Window::apart([shape.height / height, shape.width / width]);
        let op = match self.word(layer, "op")? {
            "adaptive_avg_pool2d" => Op::AveragePool(read, window),
            _ => Op::MaxPool(read, window),
        };
        Ok(builder.push(
            op,
            Shape {
                height,
                width,
                ..shape
            },
        ))
    }

    /// Zeros around the maps that a convolution reads; `same` keeps their sizes.
    fn convolutions_padding<T: Scalar>(
        &self,
        layer: &Value,
        builder: &Builder<'_, '_, T>,
        (stride, dilation): ([usize; 2], [usize; 2]),
    ) -> Result<[usize; 2]> {
        if layer
            .get("padding_mode")
            .is_some_and(|mode| mode != "zeros")
        {
            return Err(self.fault(layer, "a `padding_mode` of zeros"));
        }
        match layer.get("padding").and_then(Value::as_str) {
            None => self.pair(layer, "padding", 0, 0),
            Some("valid") => Ok([0; 2]),
            Some("same") => {
                let weight = format!("{}.weight", self.word(layer, "name")?);
                let &[_, _, rows, columns] = builder.shape_of(&weight)?.as_slice() else {
                    return Err(
                        builder.wrong_shape(&weight, "[out, in, rows, columns] is expected")
                    );
                };
                let around = [
                    dilation[0] * rows.saturating_sub(1),
                    dilation[1] * columns.saturating_sub(1),
                ];
                match stride == [1; 2] && around.iter().all(|n| n % 2 == 0) {
                    true => Ok(around.map(|n| n / 2)),
                    false => Err(self.fault(layer, "the same `padding` on both sides")),
                }
            }
            Some(_) => Err(self.fault(layer, "`padding`, `same`, `valid` or whole numbers")),
        }
    }

    fn flag(&self, layer: &Value, key: &str, usual: bool) -> Result<bool> {
        let told = layer.get(key).map_or(Some(usual), Value::as_bool);
        told.ok_or_else(|| self.fault(layer, &format!("`{key}`, true or false")))
    }

    /// `shortcut(x) + layers(x)`; `x` itself without a shortcut.
    fn residual<T: Scalar>(
        &self,
        builder: &mut Builder<'_, '_, T>,
        layer: &Value,
        read: usize,
    ) -> Result<usize> {
        let missing = || self.fault(layer, "`layers`, a list");
        let inner = self.run(builder, layer.get("layers").ok_or_else(missing)?, read)?;
        let past = match layer.get("shortcut") {
            None | Some(Value::Null) => read,
            Some(shortcut) => self.run(builder, shortcut, read)?,
        };
        let shape = builder.shape(inner);
        if builder.shape(past) != shape {
            return Err(self.fault(layer, "two ways of one shape"));
        }
        Ok(builder.push(Op::Sum(vec![past, inner]), shape))
    }

    fn word<'v>(&self, layer: &'v Value, key: &str) -> Result<&'v str> {
        let word = layer.get(key).and_then(Value::as_str);
        word.ok_or_else(|| self.fault(layer, &format!("`{key}`, a word")))
    }

    /// One number for rows and columns, or one for each; at least `least`.
    fn pair(&self, layer: &Value, key: &str, usual: usize, least: u64) -> Result<[usize; 2]> {
        let size = |value: &Value| {
            let size = value.as_u64().filter(|n| *n >= least)?;
            usize::try_from(size).ok()
        };
        let pair = match layer.get(key) {
            None if usual as u64 >= least => return Ok([usual; 2]),
            Some(Value::Array(both)) if both.len() == 2 => size(&both[0]).zip(size(&both[1])),
            value => value.and_then(size).map(|n| (n, n)),
        };
        let (rows, columns) = pair.ok_or_else(|| {
            self.fault(
                layer,
                &format!("`{key}`, a whole number from {least} or two"),
            )
        })?;
        Ok([rows, columns])
    }

    /// Nothing in a layer is left aside.
    fn only(&self, layer: &Value, known: &[&str]) -> Result<()> {
        let keys = layer
            .as_object()
            .map(|object| object.keys())
            .into_iter()
            .flatten();
        match keys
            .into_iter()
            .find(|key| *key != "op" && !known.contains(&key.as_str()))
        {
            Some(key) => Err(self.fault(
                layer,
                &format!("a layer without `{key}`, which is not computed"),
            )),
            None => Ok(()),
        }
    }

    fn fault(&self, layer: &Value, expected: &str) -> Error {
        self.account
            .settings()
            .wrong("layers", &layer.to_string(), expected)
    }
}
