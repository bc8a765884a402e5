//! The formula that a small network computes for an output, with its weights in it.
//!
//! Numbers are rounded to what is printed before anything else is done with them,
//! so that [`Formula::evaluate`] computes what the text says, and nothing else.

use ndarray::ArrayView2;

use crate::model::Mlp;
use crate::numeric::{Activation, Scalar};

/// Significant digits of the weights.
const DIGITS: i32 = 5;

/// What an output is made of.
#[derive(Debug, Clone, PartialEq)]
pub enum Formula {
    /// The input at this position.
    Input(usize),
    /// `constant + Σ factor · term`
    Sum(f64, Vec<(f64, Formula)>),
    /// The activation of a term.
    Activated(Activation, Box<Formula>),
}

impl Formula {
    /// The formula of the output at `position`, or `None` where it has more than
    /// `most` weights, counted as often as they are written.
    ///
    /// Weights of zero are left out and constant neurons become numbers.
    ///
    /// ```
    /// use modscope::model::{Linear, Mlp};
    /// use modscope::modules::formula::Formula;
    /// use modscope::numeric::Activation;
    /// use ndarray::array;
    ///
    /// let model = Mlp {
    ///     embedding: None,
    ///     in_perm: vec![0, 1],
    ///     folds: 1,
    ///     layers: vec![
    ///         Linear { weight: array![[2.0, 0.0], [0.0, 0.0]], bias: array![-1.0, 3.0] },
    ///         Linear { weight: array![[0.5, 1.0]], bias: array![0.25] },
    ///     ],
    ///     activation: Activation::Relu.into(),
    ///     out_perm: vec![0],
    /// };
    /// let formula = Formula::of_output(&model, 0, 10).unwrap();
    /// let names = ["a".to_owned(), "b".to_owned()];
    /// assert_eq!(formula.text(&names), "3.25 + 0.5·relu(-1 + 2·a)");
    /// assert_eq!(
    ///     formula.latex(&names),
    ///     r"3.25 + 0.5\,\mathrm{relu}\left(-1 + 2\,\mathrm{a}\right)"
    /// );
    /// ```
    #[must_use]
    pub fn of_output<T: Scalar>(model: &Mlp<T>, position: usize, most: usize) -> Option<Self> {
        let mut left = most;
        let formula = read(model, model.layers.len(), position, &mut left)?;
        Some(formula.folded())
    }

    /// The value at every sample of `inputs: [width, samples]`.
    #[must_use]
    pub fn evaluate(&self, inputs: ArrayView2<'_, f64>) -> Vec<f64> {
        match self {
            Self::Input(position) => inputs.row(*position).to_vec(),
            Self::Sum(constant, terms) => {
                let mut sum = vec![*constant; inputs.ncols()];
                for (factor, term) in terms {
                    for (sum, value) in sum.iter_mut().zip(term.evaluate(inputs)) {
                        *sum += factor * value;
                    }
                }
                sum
            }
            Self::Activated(activation, term) => {
                let mut values = term.evaluate(inputs);
                activation.apply(&mut values);
                values
            }
        }
    }

    /// As plain text; `names` are the inputs'.
    #[must_use]
    pub fn text(&self, names: &[String]) -> String {
        let style = Style {
            names: names.to_vec(),
            times: "·",
            activation: |activation| activation.to_string(),
            brackets: ("(", ")"),
        };
        self.written(&style)
    }

    /// For LaTeX's mathematics mode.
    #[must_use]
    pub fn latex(&self, names: &[String]) -> String {
        let upright = |name: &String| format!(r"\mathrm{{{}}}", escaped(name));
        let style = Style {
            names: names.iter().map(upright).collect(),
            times: r"\,",
            activation: |activation| format!(r"\mathrm{{{}}}", escaped(&activation.to_string())),
            brackets: (r"\left(", r"\right)"),
        };
        self.written(&style)
    }

    fn written(&self, style: &Style) -> String {
        match self {
            Self::Input(position) => style
                .names
                .get(*position)
                .cloned()
                .unwrap_or_else(|| format!("x{position}")),
            Self::Activated(activation, term) => {
                let (open, close) = style.brackets;
                let name = (style.activation)(*activation);
                format!("{name}{open}{}{close}", term.written(style))
            }
            Self::Sum(constant, terms) => {
                let mut text = String::new();
                if *constant != 0.0 || terms.is_empty() {
                    text = constant.to_string();
                }
                for (factor, term) in terms {
                    let sign = match (text.is_empty(), *factor < 0.0) {
                        (true, false) => "",
                        (true, true) => "-",
                        (false, false) => " + ",
                        (false, true) => " - ",
                    };
                    text += &format!(
                        "{sign}{}{}{}",
                        factor.abs(),
                        style.times,
                        term.written(style)
                    );
                }
                text
            }
        }
    }

    /// Constant terms become numbers.
    fn folded(self) -> Self {
        match self {
            Self::Input(_) => self,
            Self::Activated(activation, term) => match term.folded() {
                Self::Sum(constant, terms) if terms.is_empty() => {
                    Self::Sum(rounded(activation.at(constant)), terms)
                }
                term => Self::Activated(activation, Box::new(term)),
            },
            Self::Sum(mut constant, terms) => {
                let mut kept = Vec::new();
                for (factor, term) in terms {
                    match term.folded() {
                        Self::Sum(value, terms) if terms.is_empty() => constant += factor * value,
                        term => kept.push((factor, term)),
                    }
                }
                Self::Sum(rounded(constant), kept)
            }
        }
    }
}

/// How a formula is written.
struct Style {
    names: Vec<String>,
    times: &'static str,
    activation: fn(Activation) -> String,
    brackets: (&'static str, &'static str),
}

/// Names as they stand in LaTeX.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    for c in crate::escape::visible(name).chars() {
        match c {
            '_' | '&' | '%' | '$' | '#' | '{' | '}' => {
                text.push('\\');
                text.push(c);
            }
            '\\' | '^' | '~' => text.push(' '),
            c => text.push(c),
        }
    }
    text
}

/// What the site at `position` of layer `layer` reads.
fn read<T: Scalar>(
    model: &Mlp<T>,
    layer: usize,
    position: usize,
    left: &mut usize,
) -> Option<Formula> {
    let linear = &model.layers[layer - 1];
    let mut terms = Vec::new();
    for (writer, weight) in linear.weight.row(position).iter().enumerate() {
        if weight.is_zero() {
            continue;
        }
        *left = left.checked_sub(1)?;
        let term = if layer == 1 {
            Formula::Input(writer)
        } else {
            let activation = model.activation.of(layer - 2, writer);
            Formula::Activated(activation, Box::new(read(model, layer - 1, writer, left)?))
        };
        terms.push((rounded(weight.widen()), term));
    }
    Some(Formula::Sum(rounded(linear.bias[position].widen()), terms))
}

/// To the digits that are printed.
fn rounded(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let scale = 10.0_f64.powi(DIGITS - 1 - x.abs().log10().floor() as i32);
    let near = (x * scale).round() / scale;
    if near.is_finite() { near } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mlp::tests::{random_inputs, random_mlp};

    #[test]
    fn a_formula_computes_what_the_network_does() {
        for activation in [Activation::Silu, Activation::Relu, Activation::Tanh] {
            let model = random_mlp(&[3, 4, 2], 1, activation, 7);
            let inputs = random_inputs(&model, 30, 8);
            let outputs = model.outputs(inputs.view());
            for position in 0..2 {
                let formula = Formula::of_output(&model, position, 100).unwrap();
                let values = formula.evaluate(inputs.view());
                for (ours, theirs) in values.iter().zip(outputs.row(position)) {
                    assert!((ours - theirs).abs() < 1e-3, "{ours} {theirs}");
                }
                // What is printed is what is computed: the text has the rounded numbers.
                let names: Vec<String> = (0..3).map(|k| format!("x{k}")).collect();
                let text = formula.text(&names);
                let Formula::Sum(constant, _) = &formula else {
                    panic!()
                };
                assert!(text.starts_with(&constant.to_string()), "{text}");
            }
        }
    }

    #[test]
    fn too_many_weights_are_no_formula() {
        let model = random_mlp(&[3, 4, 2], 1, Activation::Silu, 7);
        // Four neurons with three weights each, and a weight to each.
        assert!(Formula::of_output(&model, 0, 15).is_none());
        assert!(Formula::of_output(&model, 0, 16).is_some());
    }

    #[test]
    fn rounding_keeps_five_digits() {
        assert_eq!(rounded(123_456.7), 123_460.0);
        assert_eq!(rounded(-0.000_123_456_7), -0.000_123_46);
        assert_eq!(rounded(0.0), 0.0);
    }
}
