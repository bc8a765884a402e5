//! Attribution on the weights of a transformer.

use ndarray::{Array2, ArrayView2, s};

use super::{Attributable, Attribution, Blocks, Runs, Share, Taking, over_parts};
use crate::metric::Metric;
use crate::model::transformer::{
    AsItIs, Channel, Gradients, Hooks, Matrix, SequenceTrace, linear, product,
};
use crate::model::{Rules, Transformer};
use crate::numeric::Scalar;
use crate::patch::component::products;
use crate::patch::weight::{WeightEngine, WeightPart};

impl<T: Scalar> Attributable for WeightEngine<'_, T> {
    fn groups(&self) -> usize {
        groups(self).len()
    }

    /// Parts run in parallel. Along activations an edge heeds only the runs of
    /// its own writer's layer, whatever is asked for.
    fn attribute_by(&self, metric: &Metric, method: Attribution, blocks: Blocks) -> Array2<f64> {
        let method = match method {
            Attribution::IgActivations { steps, .. } => Attribution::IgActivations {
                steps,
                own_source: true,
            },
            other => other,
        };
        let samples = |part: &WeightPart<T>| part.batch.samples();
        over_parts(self, metric, (method, blocks), samples, |part, metric| {
            PartRuns {
                engine: self,
                part,
                metric,
                groups: groups(self),
            }
        })
    }
}

/// The runs of one part; a group is a layer of channels.
struct PartRuns<'e, 'm, T> {
    engine: &'e WeightEngine<'m, T>,
    part: &'e WeightPart<T>,
    metric: Metric,
    groups: Vec<Channel>,
}

/// The layers of channels that write, in the order of computation.
fn groups<T: Scalar>(engine: &WeightEngine<'_, T>) -> Vec<Channel> {
    let read = engine.sites().spans().iter();
    let mut groups: Vec<Channel> = Vec::new();
    for channel in read.map(|span| engine.model().between(span.matrix).0) {
        if !groups.contains(&channel) {
            groups.push(channel);
        }
    }
    groups
}

/// A run in which a group lies between fill and clean.
struct Between<'b, T> {
    part: &'b WeightPart<T>,
    group: Channel,
    at: T,
}

impl<T: Scalar> Between<'_, T> {
    /// The linear layer that alone reads the group, where that is not the stream.
    fn matrix(&self) -> Option<Matrix> {
        match self.group {
            Channel::Held(layer) => Some(Matrix::Out(layer)),
            Channel::Hidden(layer) => Some(Matrix::Down(layer)),
            _ => None,
        }
    }

    /// What the shift of the group adds to what its linear layer writes.
    fn shift(&self, model: &Transformer<T>, matrix: Matrix) -> Array2<T> {
        let difference = &self.part.fill.at(matrix) - &self.part.values.at(matrix);
        product(difference.view(), model.weight(matrix)) * (T::one() - self.at)
    }

    /// The stream after so many sublayers, `[rows, d]`.
    fn stream(&self, sublayers: usize) -> Array2<T> {
        let (fill, clean) = (
            self.part.fill.stream(sublayers),
            self.part.values.stream(sublayers),
        );
        (&fill - &clean) * (T::one() - self.at) + clean
    }
}

/// The same as edits of a run.
struct Shifted<'b, T> {
    between: Between<'b, T>,
    model: &'b Transformer<T>,
}

impl<T: Scalar> Hooks<T> for Shifted<'_, T> {
    fn touches_linears(&self, sublayer: usize) -> bool {
        let matrix = self.between.matrix();
        matrix.and_then(Matrix::sublayer) == Some(sublayer)
    }

    fn linear(
        &mut self,
        matrix: Matrix,
        x: ArrayView2<'_, T>,
        _: Option<ArrayView2<'_, T>>,
    ) -> Option<Array2<T>> {
        let changed = self.between.matrix().filter(|m| *m == matrix)?;
        let shift = self.between.shift(self.model, changed);
        let (weight, bias) = (self.model.weight(matrix), self.model.bias(matrix));
        Some(linear(&x.to_owned(), weight, bias) + shift)
    }

    fn touches_stream(&self, sublayer: usize) -> bool {
        self.between.group == Channel::Stream(sublayer)
    }

    fn stream(&mut self, sublayer: usize, stream: &mut Array2<T>) {
        *stream = self.between.stream(sublayer);
    }
}

impl<T: Scalar> Runs for PartRuns<'_, '_, T> {
    type Run = SequenceTrace<T>;

    fn groups(&self) -> usize {
        self.groups.len()
    }

    fn clean(&self) -> &SequenceTrace<T> {
        &self.part.clean
    }

    fn between(&self, group: usize, at: f64) -> SequenceTrace<T> {
        let (model, clean) = (self.engine.model(), &self.part.clean);
        let group = self.groups[group];
        let between = Between {
            part: self.part,
            group,
            at: T::from_f64(at),
        };
        let block = match group {
            Channel::Stream(sublayers) => sublayers / 2,
            Channel::Held(layer) | Channel::Hidden(layer) => layer,
            _ => {
                let shift = model.scaled(between.shift(model, Matrix::Input));
                let embedded = model.embed(&self.part.batch.inputs) + shift;
                return model.resume_embedded(clean, embedded, &mut AsItIs);
            }
        };
        model.resume(clean, block, None, &mut Shifted { between, model })
    }

    fn add(&self, run: &SequenceTrace<T>, taking: Taking, by: &mut Share<'_>) {
        let at_outputs = self.metric.gradient(run.outputs());
        let mut hooks = AtLinears {
            runs: self,
            taking,
            by,
        };
        let model = self.engine.model();
        model.backward(run, at_outputs.t(), &mut hooks);
    }
}

/// First-order effects at the gradients of linear layers.
struct AtLinears<'r, 'e, 'm, 's, 'b, T> {
    runs: &'r PartRuns<'e, 'm, T>,
    taking: Taking,
    by: &'s mut Share<'b>,
}

impl<T: Scalar> Gradients<T> for AtLinears<'_, '_, '_, '_, '_, T> {
    fn rules(&self) -> Rules {
        self.taking.rules
    }

    fn linear(&mut self, matrix: Matrix, gradient: ArrayView2<'_, T>) {
        let runs = self.runs;
        let model = runs.engine.model();
        let heeds = |group: usize| runs.groups[group] == model.between(matrix).0;
        if self.taking.heeding.is_none_or(heeds) {
            runs.take(matrix, gradient, self.by);
        }
    }
}

impl<T: Scalar> PartRuns<'_, '_, T> {
    /// *fill − clean* of what a linear layer reads, `[rows, in]`.
    fn difference(&self, matrix: Matrix) -> Array2<T> {
        &self.part.fill.at(matrix) - &self.part.values.at(matrix)
    }

    fn take(&self, matrix: Matrix, gradient: ArrayView2<'_, T>, by: &mut Share<'_>) {
        let spans = self.engine.sites().spans();
        let Some(span) = spans.iter().find(|span| span.matrix == matrix) else {
            return;
        };
        let weight = self.engine.model().weight(matrix);
        let difference = self.difference(matrix);
        for (block, samples) in by.blocks(difference.nrows()) {
            let of_block = s![samples, ..];
            let (read, slopes) = (difference.slice(of_block), gradient.slice(of_block));
            for ((from, to), slope) in products(read.t(), slopes.t()).indexed_iter() {
                let edge = span.first + to * span.inputs + from;
                by.moved(block, edge, slope * weight[[from, to]].widen());
            }
        }
    }
}
