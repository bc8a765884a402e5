//! Convolutions and pools of images, with the same padding on both sides.

use serde_json::json;

use super::chain::Chain;
use super::graph::Node;
use crate::checkpoint::Tensor;

impl Chain<'_> {
    pub(super) fn convolution(&mut self, node: &Node) -> Result<(), String> {
        let weight = self.constant(node, 1).filter(|t| t.shape.len() == 4);
        let weight =
            weight.ok_or("operator Conv is computed of images and a constant kernel alone")?;
        let bias = self.constant(node, 2);
        if node.inputs.len() > 2 && bias.is_none() {
            return Err("operator Conv has a bias that is no constant".to_owned());
        }
        let slide = Slide::of(node)?;
        let kernel = node.integers("kernel_shape");
        let sizes = [weight.shape[2] as i64, weight.shape[3] as i64];
        if kernel.is_some_and(|kernel| kernel != sizes) {
            return Err("operator Conv has a kernel of another shape than it says".to_owned());
        }
        let name = self.name("convs.");
        self.tensors
            .insert(format!("{name}.weight"), weight.clone());
        if let Some(bias) = bias {
            self.tensors.insert(format!("{name}.bias"), bias.clone());
        }
        let around = std::mem::take(&mut self.padding);
        let padding = match slide.same {
            true if around != [0; 2] => {
                return Err("operator Conv leaves its padding to `auto_pad`".to_owned());
            }
            true => json!("same"),
            false => json!([slide.padding[0] + around[0], slide.padding[1] + around[1]]),
        };
        self.steps.push(json!({
            "op": "conv2d", "name": name, "bias": bias.is_some(),
            "stride": slide.strides, "padding": padding, "dilation": slide.dilations,
            "groups": node.number("group", 1.0) as u64,
        }));
        Ok(())
    }

    pub(super) fn pool(&mut self, node: &Node) -> Result<(), String> {
        let operator = &node.operator;
        if node.number("storage_order", 0.0) != 0.0 {
            return Err(format!("operator {operator} is computed row by row alone"));
        }
        let kernel = node.integers("kernel_shape").filter(|k| k.len() == 2);
        let kernel = kernel.ok_or(format!("operator {operator} is computed of images alone"))?;
        if node.outputs.len() > 1 && !node.outputs[1].is_empty() {
            return Err(format!("operator {operator} gives places too"));
        }
        let (ceil, mut counts) = (
            node.number("ceil_mode", 0.0) != 0.0,
            node.number("count_include_pad", 0.0) != 0.0,
        );
        let mut slide = Slide::of(node)?;
        // Zeros that an operator before put there count as the maps do.
        let around = std::mem::take(&mut self.padding);
        if around != [0; 2] {
            if slide.padding != [0; 2] && !counts {
                return Err("operator AveragePool pads what Pad has padded".to_owned());
            }
            counts = true;
            slide.padding = [slide.padding[0] + around[0], slide.padding[1] + around[1]];
        }
        if ceil && counts && slide.padding != [0; 2] {
            // Versions of the operator differ in what counts beyond the maps.
            return Err(format!(
                "operator {operator} is not computed with `ceil_mode` and `count_include_pad`"
            ));
        }
        self.steps.push(match operator.as_str() {
            "MaxPool" => json!({
                "op": "max_pool2d", "kernel": kernel, "stride": slide.strides,
                "padding": slide.padding, "dilation": slide.dilations, "ceil_mode": ceil,
            }),
            _ => json!({
                "op": "avg_pool2d", "kernel": kernel, "stride": slide.strides,
                "padding": slide.padding, "ceil_mode": ceil, "count_include_pad": counts,
            }),
        });
        Ok(())
    }

    /// A mean or a maximum over rows and columns, as exporters write a global pool.
    pub(super) fn over_maps(&mut self, node: &Node) -> Result<(), String> {
        let mut axes = self.integers(node, 1, "axes").unwrap_or_default();
        for axis in &mut axes {
            *axis += if *axis < 0 { 4 } else { 0 };
        }
        axes.sort_unstable();
        if axes != [2, 3] {
            let operator = &node.operator;
            return Err(format!(
                "operator {operator} is computed over rows and columns alone"
            ));
        }
        match node.operator.as_str() {
            "ReduceMax" => self.largest()?,
            _ => self.plain("global_avg_pool")?,
        }
        match node.number("keepdims", 1.0) == 0.0 {
            true => self.plain("flatten"),
            false => Ok(()),
        }
    }

    /// The largest value of each map.
    pub(super) fn largest(&mut self) -> Result<(), String> {
        self.steps
            .push(json!({"op": "adaptive_max_pool2d", "size": 1}));
        Ok(())
    }

    /// Zeros around maps, which the next window takes for its own padding.
    pub(super) fn pad(&mut self, node: &Node) -> Result<(), String> {
        let is_zero = match node.inputs.get(2).filter(|name| !name.is_empty()) {
            Some(_) => self.constant(node, 2).is_some_and(|t| t.to_f64() == [0.0]),
            None => node.number("value", 0.0) == 0.0,
        };
        let has_axes = node.inputs.get(3).is_some_and(|name| !name.is_empty());
        let is_constant = node.text("mode").is_none_or(|mode| mode == "constant");
        let told = self.integers(node, 1, "pads").unwrap_or_default();
        match told.as_slice() {
            pads if pads.iter().all(|pad| *pad == 0) && !pads.is_empty() => Ok(()),
            [0, 0, top, left, 0, 0, bottom, right]
                if is_zero && is_constant && !has_axes && top == bottom && left == right =>
            {
                self.padding = [*top, *left];
                Ok(())
            }
            _ => Err("operator Pad is computed of as many zeros before maps as behind".to_owned()),
        }
    }

    /// Whole numbers that a node is given at a place, or as an attribute.
    fn integers(&self, node: &Node, place: usize, attribute: &str) -> Option<Vec<i64>> {
        let told = self.constant(node, place).and_then(Tensor::to_i64);
        told.or_else(|| node.integers(attribute).map(<[i64]>::to_vec))
    }
}

/// How a window moves.
struct Slide {
    strides: [i64; 2],
    padding: [i64; 2],
    dilations: [i64; 2],
    /// Whether padding is such that maps keep their sizes.
    same: bool,
}

impl Slide {
    fn of(node: &Node) -> Result<Self, String> {
        let operator = &node.operator;
        // Where both sides have the same padding, it matters not which has more.
        let auto = node.text("auto_pad").unwrap_or("NOTSET");
        let same = auto.starts_with("SAME_") && operator == "Conv";
        if !same && !["NOTSET", "VALID"].contains(&auto) {
            return Err(format!(
                "operator {operator} leaves its padding to `auto_pad`"
            ));
        }
        let pair = |name: &str| match node.integers(name) {
            None => Ok([1, 1]),
            Some(&[rows, columns]) => Ok([rows, columns]),
            Some(_) => Err(format!("operator {operator} is computed of images alone")),
        };
        let padding = match node.integers("pads") {
            None => [0, 0],
            Some(&[top, left, bottom, right]) if top == bottom && left == right => [top, left],
            Some(_) => {
                let why = "has another padding before than behind";
                return Err(format!("operator {operator} {why}"));
            }
        };
        Ok(Self {
            strides: pair("strides")?,
            padding,
            dilations: pair("dilations")?,
            same,
        })
    }
}
