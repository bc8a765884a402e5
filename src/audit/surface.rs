//! Outputs, decisions and what modules write, where they depend on one or two inputs, over a
//! grid of these.

use std::collections::BTreeMap;

use ndarray::{Array2, Axis};

use super::subject::Subject;
use crate::metric::decision;
use crate::model::Mlp;
use crate::numeric::Scalar;
use crate::order;
use crate::result::{Modules, Surface};

/// Points of the grid along each input, of two and of one.
const POINTS: [usize; 2] = [41, 161];

/// How far the grid goes beyond the samples, as a share of their range.
const BEYOND: f64 = 0.25;

/// Most surfaces of outputs, and of modules' sites.
const MOST: usize = 7;

/// Most sites of one module.
const OF_MODULE: usize = 2;

/// The decision, where it depends on few inputs, then the outputs that do, then of each module
/// the hidden sites that do and that it writes to others by. Networks of tokens have none.
pub fn surfaces<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    modules: &Modules,
) -> Vec<Surface> {
    if pruned.embedding.is_some() {
        return Vec::new();
    }
    let outputs: Vec<usize> = (0..subject.outputs.len()).collect();
    let last = pruned.layers.len();
    let reached = |layer: usize, of: &[usize]| {
        let inputs = inputs_of(pruned, layer, of);
        (1..=2).contains(&inputs.len()).then_some(inputs)
    };
    let decision = subject
        .classifies()
        .then(|| reached(last, &outputs))
        .flatten();
    let decision = decision.map(|inputs| surface(subject, pruned, Of::Decision, &inputs));
    let each = outputs.iter().filter_map(|output| {
        let inputs = reached(last, &[*output])?;
        Some(surface(subject, pruned, Of::Output(*output), &inputs))
    });
    let written =
        writers(subject, pruned, modules)
            .into_iter()
            .filter_map(|(layer, site, module)| {
                let inputs = reached(layer, &[site])?;
                Some(surface(
                    subject,
                    pruned,
                    Of::Site {
                        layer,
                        site,
                        module,
                    },
                    &inputs,
                ))
            });
    decision
        .into_iter()
        .chain(each.take(MOST))
        .chain(written.take(MOST))
        .collect()
}

/// What a surface is of.
#[derive(Debug, Clone, Copy)]
enum Of {
    Decision,
    Output(usize),
    Site {
        layer: usize,
        site: usize,
        module: usize,
    },
}

/// By module the hidden sites that write the most, by |weight|, to sites of other modules:
/// layer, position and module.
fn writers<T: Scalar>(
    subject: &Subject<'_, T>,
    model: &Mlp<T>,
    modules: &Modules,
) -> Vec<(usize, usize, usize)> {
    let of: BTreeMap<&str, usize> = modules
        .partition
        .iter()
        .map(|a| (a.site.as_str(), a.module))
        .collect();
    let module =
        |layer: usize, site: usize| of.get(subject.sites.name(layer, site).as_str()).copied();
    let mut all: BTreeMap<usize, Vec<(usize, usize, f64)>> = BTreeMap::new();
    for (layer, linear) in model.layers.iter().enumerate().skip(1) {
        let readers: Vec<Option<usize>> = (0..linear.weight.nrows())
            .map(|r| module(layer + 1, r))
            .collect();
        for (site, column) in linear.weight.columns().into_iter().enumerate() {
            let Some(own) = module(layer, site) else {
                continue;
            };
            let others = column
                .iter()
                .zip(&readers)
                .filter(|(_, of)| of.is_some_and(|of| of != own));
            let written: f64 = others.map(|(w, _)| w.widen().abs()).sum();
            if written > 0.0 {
                all.entry(own).or_default().push((layer, site, written));
            }
        }
    }
    let of_module = |(module, mut sites): (usize, Vec<(usize, usize, f64)>)| {
        order::descending(&mut sites, |site| site.2);
        sites
            .into_iter()
            .take(OF_MODULE)
            .map(move |(layer, site, _)| (layer, site, module))
    };
    all.into_iter().flat_map(of_module).collect()
}

/// The physical inputs from which a path leads to any of these sites of a layer, ascending.
fn inputs_of<T: Scalar>(model: &Mlp<T>, layer: usize, sites: &[usize]) -> Vec<usize> {
    let mut readers = sites.to_vec();
    for linear in model.layers[..layer].iter().rev() {
        let writes = |writer: &usize| {
            readers
                .iter()
                .any(|r| !linear.weight[[*r, *writer]].is_zero())
        };
        readers = (0..linear.weight.ncols()).filter(writes).collect();
    }
    readers
}

/// One thing over these inputs; the others, on which it does not depend, stay at 0.
fn surface<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    of: Of,
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
    let trace = pruned.forward(grid);
    let last = pruned.layers.len();
    let row = |layer: usize, site: usize| {
        trace.values[layer]
            .row(site)
            .iter()
            .map(|x| x.widen())
            .collect()
    };
    let values = match of {
        Of::Output(output) => row(last, output),
        Of::Site { layer, site, .. } => row(layer, site),
        Of::Decision => trace.values[last]
            .axis_iter(Axis(1))
            .map(|outputs| decision(outputs) as f64)
            .collect(),
    };
    let (output, site, module) = match of {
        Of::Decision => (None, None, None),
        Of::Output(output) => (Some(subject.outputs[output].0.clone()), None, None),
        Of::Site {
            layer,
            site,
            module,
        } => (None, Some(subject.sites.name(layer, site)), Some(module)),
    };
    Surface {
        output,
        site,
        module,
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
        assert_eq!(inputs_of(&model, 2, &[0]), [0, 2]);
        assert_eq!(inputs_of(&model, 2, &[1]), [1]);
        assert_eq!(inputs_of(&model, 2, &[0, 1]), [0, 1, 2]);
        assert_eq!(inputs_of(&model, 1, &[1]), [1]);
    }

    #[test]
    fn ranges_have_a_band_on_both_sides() {
        assert_eq!(widened([0.0, 2.0]), [-0.5, 2.5]);
        assert_eq!(widened([1.0, 1.0]), [0.75, 1.25]);
    }
}
