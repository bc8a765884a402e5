//! Direct logit attribution.
//!
//! With the final norm's scale s held as it is in the run, the logit difference is linear in
//! the last stream: `Σ over writers of message · v + biases`, v = s · centred(γ ∘ u), u the
//! difference of two columns of the unembedding.

use ndarray::{Array1, Array2, ArrayView2, Axis, s};

use super::Looked;
use crate::model::transformer::{Letter, NormKind, Reader, SequenceTrace, Writer, linear, product};
use crate::model::{Components, Sequences};
use crate::numeric::statistics::mean;
use crate::numeric::{Scalar, parallel};
use crate::order;
use crate::result::{Attributed, Attribution, NeuronWeights};

/// Rounding units of the network's numbers that a sum of parts may be off by, per unit of
/// its terms: a sum of d products, the parts and norms.
const UNITS: f64 = 256.0;

/// What one part of the samples gives.
struct Found {
    /// By writer, by reading.
    parts: Vec<Vec<f64>>,
    /// By reading, the logit difference before any cap.
    differences: Vec<f64>,
    /// Sums over readings of every hidden neuron's part, by block.
    neurons: Vec<Array1<f64>>,
}

impl<T: Scalar> Looked<'_, T> {
    /// The attribution, and the neurons of the largest.
    pub fn attribution(&self) -> (Attribution, Vec<NeuronWeights>) {
        if self.model.head.is_some() {
            let why = "a layer with an activation stands before the unembedding: what it makes \
                       of the stream is no sum of what writers wrote";
            return (refused(why), Vec::new());
        }
        let mut first = 0;
        let mut parts = Vec::new();
        for part in self.subject.batch().parts() {
            let readings = part.answers.len();
            parts.push((part, first));
            first += readings;
        }
        let found: Vec<Found> = parallel::map(parts, |(part, first)| self.of_part(&part, first));
        let names = self.part_names();
        let together = |place: usize| -> Vec<f64> {
            found.iter().flat_map(|f| f.parts[place].clone()).collect()
        };
        let all: Vec<Vec<f64>> = (0..names.len()).map(together).collect();
        let differences: Vec<f64> = found.iter().flat_map(|f| f.differences.clone()).collect();
        let sum = |reading: usize| all.iter().map(|part| part[reading]).sum::<f64>();
        let size = |reading: usize| all.iter().map(|part| part[reading].abs()).sum::<f64>();
        let readings = 0..differences.len();
        let off = readings.clone().map(|r| (sum(r) - differences[r]).abs());
        let largest = readings.map(size).fold(1.0, f64::max);
        let attributed = names
            .into_iter()
            .zip(&all)
            .map(|(writer, values)| Attributed {
                writer,
                mean: mean(values),
                interval: self.interval(values),
            });
        let attribution = Attribution {
            refused: None,
            total: mean(&differences),
            residual: off.fold(0.0, f64::max),
            allowed: UNITS * T::epsilon().widen() * largest,
            parts: attributed.collect(),
        };
        (attribution, self.neurons(&found, differences.len()))
    }

    /// Its sites; positions are a writer of their own where they are learned.
    fn graph(&self) -> Components {
        self.model.components(self.model.positions.is_some())
    }

    /// The writers in the last stream.
    fn writers(&self) -> Vec<Writer> {
        let graph = self.graph();
        let reader = graph.reader(Reader::Logits);
        let writers = graph.writers_of(reader);
        writers.map(|writer| graph.writer_at(writer)).collect()
    }

    /// Blocks whose heads' bias is a part of its own.
    fn with_bias(&self) -> Vec<usize> {
        let heads = self
            .writers()
            .into_iter()
            .filter_map(|writer| match writer {
                Writer::Head { layer, head: 0 } => Some(layer),
                _ => None,
            });
        heads.collect()
    }

    fn part_names(&self) -> Vec<String> {
        let graph = self.graph();
        let writers = self.writers().into_iter();
        let biases = self.with_bias().into_iter().map(|l| format!("a{l}.bias"));
        writers
            .map(|writer| graph.writer_name(graph.writer(writer)))
            .chain(biases)
            .chain(["bias".to_owned()])
            .collect()
    }

    fn of_part(&self, part: &Sequences<T>, first: usize) -> Found {
        let model = self.model;
        let trace = model.forward(&part.inputs, &part.answers, part.length());
        let u = self.directions(part.answers.len(), first);
        let v = self.through_norm(&u, &trace);
        let along = |message: &Array2<T>| row_products(message, &v);
        let mut parts: Vec<Vec<f64>> = self
            .writers()
            .into_iter()
            .map(|writer| along(&self.message(writer, part, &trace)))
            .collect();
        for layer in self.with_bias() {
            let bias = model.blocks[layer].attention.out_bias.view();
            let rows = bias.insert_axis(Axis(0));
            let rows = rows.broadcast(v.raw_dim()).map(|rows| rows.to_owned());
            parts.push(rows.map_or_else(Vec::new, |rows| along(&rows)));
        }
        parts.push(self.constants(&u, first));
        let read = trace.read_by(
            model,
            &part.inputs,
            crate::model::transformer::Matrix::Unembedding,
        );
        let logits = linear(&read, model.unembedding(), model.output_bias.view());
        let scale = model.logits.scale;
        let difference = |place: usize| {
            self.difference(first + place, |output| {
                logits[[place, output]].widen() * scale
            })
        };
        Found {
            parts,
            differences: (0..part.answers.len()).map(difference).collect(),
            neurons: self.of_neurons(&trace, &v),
        }
    }

    /// u of every reading, `[readings, d]`.
    fn directions(&self, readings: usize, first: usize) -> Array2<T> {
        let unembedding = self.model.unembedding();
        let scale = self.model.logits.scale;
        let mut u = Array2::zeros((readings, self.model.width()));
        for (place, mut row) in u.rows_mut().into_iter().enumerate() {
            for (d, x) in row.iter_mut().enumerate() {
                let logit = |output: usize| unembedding[[d, output]].widen() * scale;
                *x = T::from_f64(self.difference(first + place, logit));
            }
        }
        u
    }

    /// v of every reading: u through the final norm, its scale as in the run.
    fn through_norm(&self, u: &Array2<T>, trace: &SequenceTrace<T>) -> Array2<T> {
        let (Some(norm), Some(normed)) = (&self.model.final_norm, &trace.end.normed) else {
            return u.clone();
        };
        let mut v = u * &norm.weight;
        for (mut row, inverse) in v.rows_mut().into_iter().zip(&normed.inverse) {
            if norm.kind == NormKind::Layer {
                let mean = row.iter().map(|x| x.widen()).sum::<f64>() / row.len() as f64;
                row -= T::from_f64(mean);
            }
            row *= *inverse;
        }
        v
    }

    /// The biases of the final norm and of the outputs.
    fn constants(&self, u: &Array2<T>, first: usize) -> Vec<f64> {
        let bias = self.model.final_norm.as_ref().map(|norm| &norm.bias);
        let output = &self.model.output_bias;
        let scale = self.model.logits.scale;
        let of = |(place, row): (usize, ndarray::ArrayView1<'_, T>)| {
            let of_norm = bias.map_or(0.0, |bias| {
                let pairs = row.iter().zip(bias);
                pairs.map(|(u, b)| u.widen() * b.widen()).sum()
            });
            of_norm + self.difference(first + place, |o| output[o].widen() * scale)
        };
        u.rows().into_iter().enumerate().map(of).collect()
    }

    /// What a writer writes at the readings, `[readings, d]`; of heads without their bias.
    fn message(&self, writer: Writer, part: &Sequences<T>, trace: &SequenceTrace<T>) -> Array2<T> {
        let model = self.model;
        let positions = || model.position_rows(part.samples(), part.length());
        let values = match writer {
            Writer::Input if model.embeds_apart() => {
                let mut input = model.embed(&part.inputs);
                positions().into_iter().for_each(|rows| input += &rows);
                input
            }
            Writer::Input => trace.stream_before(0).clone(),
            Writer::TokenEmbedding => model.embed(&part.inputs),
            Writer::PositionEmbedding => {
                let rows = positions();
                rows.unwrap_or_else(|| unreachable!("a writer of positions has some"))
            }
            Writer::Head { layer, head } => {
                let attention = &model.blocks[layer].attention;
                let columns = attention.heads.head_columns(head);
                let held = trace.attention[layer].held.slice(s![.., columns]);
                product(held, attention.head_out(head))
            }
            Writer::Heads { layer } => model.message(trace, 2 * layer),
            Writer::Mlp { layer } => model.message(trace, 2 * layer + 1),
            Writer::Norm { sublayer } => trace.sum(model, sublayer),
        };
        self.at_readings(values, trace)
    }

    fn at_readings(&self, values: Array2<T>, trace: &SequenceTrace<T>) -> Array2<T> {
        match values.nrows() == trace.everywhere.len() {
            true => trace.answers.rows_of(&values),
            false => values,
        }
    }

    /// Sums over readings of hidden · (down · v), by block; none where a norm stands between.
    fn of_neurons(&self, trace: &SequenceTrace<T>, v: &Array2<T>) -> Vec<Array1<f64>> {
        let writers = self.writers();
        let of_block = |layer: usize| {
            let direct = writers.contains(&Writer::Mlp { layer });
            let block = &self.model.blocks[layer];
            match (&block.mlp, &trace.mlp[layer]) {
                (Some(mlp), Some(half)) if direct && mlp.norms.after.is_none() => {
                    let hidden = self.at_readings(half.hidden.clone(), trace);
                    let along = product(v.view(), mlp.down.t());
                    let parts = (hidden * along).mapv(Scalar::widen);
                    parts.sum_axis(Axis(0))
                }
                _ => Array1::zeros(0),
            }
        };
        (0..self.model.blocks.len()).map(of_block).collect()
    }

    fn neurons(&self, found: &[Found], readings: usize) -> Vec<NeuronWeights> {
        let mut all = Vec::new();
        for layer in 0..self.model.blocks.len() {
            let of_part = |f: &Found| f.neurons[layer].clone();
            let sum = found.iter().map(of_part).reduce(|a, b| a + b);
            for (neuron, total) in sum.into_iter().flatten().enumerate() {
                all.push((layer, neuron, total / readings.max(1) as f64));
            }
        }
        order::descending(&mut all, |one| one.2.abs());
        let first = all.into_iter().take(self.settings.neurons);
        first
            .filter_map(|(layer, neuron, mean)| {
                let mlp = self.model.blocks[layer].mlp.as_ref()?;
                let written = mlp.down.row(neuron).mapv(Scalar::widen);
                let (largest, smallest) = self.told(&written);
                let reads = mlp.gate.as_ref().map_or(&mlp.up, |gate| &gate.weight);
                Some(NeuronWeights {
                    neuron: format!("b{layer}.h{neuron}"),
                    mean,
                    cosine: self.cosine(layer, reads.column(neuron), mlp.down.row(neuron)),
                    largest,
                    smallest,
                })
            })
            .collect()
    }
}

fn refused(why: &str) -> Attribution {
    Attribution {
        refused: Some(why.to_owned()),
        total: f64::NAN,
        residual: f64::NAN,
        allowed: f64::NAN,
        parts: Vec::new(),
    }
}

/// The product of every row with that of `v`, in f64.
fn row_products<T: Scalar>(x: &Array2<T>, v: &Array2<T>) -> Vec<f64> {
    let rows = x.rows().into_iter().zip(v.rows());
    rows.map(|(x, v)| {
        let pairs = x.iter().zip(v);
        pairs.map(|(a, b)| a.widen() * b.widen()).sum()
    })
    .collect()
}

/// Which of the three letters a projection is; kept beside what uses weights by letter.
pub(super) fn projection<T: Scalar>(
    attention: &crate::model::transformer::Attention<T>,
    letter: Letter,
    head: usize,
) -> Array2<f64> {
    let view: ArrayView2<'_, T> = attention.projection(letter, head);
    view.mapv(Scalar::widen)
}
