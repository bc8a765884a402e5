//! Outputs and decisions that depend on one or two inputs, over a grid of these.

use ndarray::{Array2, Axis};

use super::subject::Subject;
use crate::metric::decision;
use crate::model::Mlp;
use crate::numeric::Scalar;
use crate::result::Surface;

/// Points of the grid along each input, of two and of one.
const POINTS: [usize; 2] = [41, 161];

/// How far the grid goes beyond the samples, as a share of their range.
const BEYOND: f64 = 0.25;

/// Most surfaces of outputs.
const MOST: usize = 7;

/// The decision, where it depends on few inputs, then the outputs that do. Networks of
/// tokens have none.
pub fn surfaces<T: Scalar>(subject: &Subject<'_, T>, pruned: &Mlp<T>) -> Vec<Surface> {
    if pruned.embedding.is_some() {
        return Vec::new();
    }
    let outputs: Vec<usize> = (0..subject.outputs.len()).collect();
    let reached = |of: &[usize]| {
        let inputs = inputs_of(pruned, of);
        (1..=2).contains(&inputs.len()).then_some(inputs)
    };
    let decision = subject.classifies().then(|| reached(&outputs)).flatten();
    let decision = decision.map(|inputs| surface(subject, pruned, None, &inputs));
    let each = outputs.iter().filter_map(|output| {
        let inputs = reached(&[*output])?;
        Some(surface(subject, pruned, Some(*output), &inputs))
    });
    decision.into_iter().chain(each.take(MOST)).collect()
}

/// The physical inputs from which a path leads to any of these outputs, ascending.
fn inputs_of<T: Scalar>(model: &Mlp<T>, outputs: &[usize]) -> Vec<usize> {
    let mut readers = outputs.to_vec();
    for linear in model.layers.iter().rev() {
        let writes = |writer: &usize| {
            readers
                .iter()
                .any(|r| !linear.weight[[*r, *writer]].is_zero())
        };
        readers = (0..linear.weight.ncols()).filter(writes).collect();
    }
    readers
}

/// One output, or the decision, over these inputs; the others, on which it does not
/// depend, stay at 0.
fn surface<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    output: Option<usize>,
    inputs: &[usize],
) -> Surface {
    let points = POINTS[2 - inputs.len()];
    let domain: Vec<[f64; 2]> = inputs.iter().map(|input| ends(subject, *input)).collect();
    let range: Vec<[f64; 2]> = domain.iter().map(|ends| widened(*ends)).collect();
    let mut grid = Array2::zeros((pruned.widths()[0], points.pow(inputs.len() as u32)));
    for (k, (input, [low, high])) in inputs.iter().zip(&range).enumerate() {
        for (sample, value) in grid.row_mut(*input).iter_mut().enumerate() {
            let step = sample / points.pow(k as u32) % points;
            *value = T::from_f64(low + (high - low) * step as f64 / (points - 1) as f64);
        }
    }
    let outputs = pruned.outputs(grid.view());
    let values = match output {
        Some(output) => outputs.row(output).iter().map(|x| x.widen()).collect(),
        None => outputs
            .axis_iter(Axis(1))
            .map(|outputs| decision(outputs) as f64)
            .collect(),
    };
    Surface {
        output: output.map(|output| subject.outputs[output].0.clone()),
        inputs: inputs
            .iter()
            .map(|input| subject.sites.name(0, *input))
            .collect(),
        domain,
        range,
        points,
        values,
    }
}

/// The smallest and the largest value of an input over the samples.
fn ends<T: Scalar>(subject: &Subject<'_, T>, input: usize) -> [f64; 2] {
    let values = subject.batch.inputs.row(input);
    let values = values.iter().map(|x| x.widen());
    values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], x| {
        [low.min(x), high.max(x)]
    })
}

/// A range with a band on both sides; a single value has one all the same.
fn widened([low, high]: [f64; 2]) -> [f64; 2] {
    let band = match high > low {
        true => BEYOND * (high - low),
        false => BEYOND,
    };
    [low - band, high + band]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mlp::tests::random_mlp;
    use crate::numeric::Activation;

    #[test]
    fn inputs_are_those_that_a_path_comes_from() {
        let mut model = random_mlp(&[3, 2, 2], 1, Activation::Relu, 0);
        // h0 reads x0 and x2, h1 reads x1; y0 reads h0, y1 reads h1.
        for (reader, writer) in [(0, 1), (1, 0), (1, 2)] {
            model.layers[0].weight[[reader, writer]] = 0.0;
        }
        for (reader, writer) in [(0, 1), (1, 0)] {
            model.layers[1].weight[[reader, writer]] = 0.0;
        }
        assert_eq!(inputs_of(&model, &[0]), [0, 2]);
        assert_eq!(inputs_of(&model, &[1]), [1]);
        assert_eq!(inputs_of(&model, &[0, 1]), [0, 1, 2]);
    }

    #[test]
    fn ranges_have_a_band_on_both_sides() {
        assert_eq!(widened([0.0, 2.0]), [-0.5, 2.5]);
        assert_eq!(widened([1.0, 1.0]), [0.75, 1.25]);
    }
}
