//! A small transformer as it is drawn: channels in layers, weights between them.

use ndarray::{Array1, Array2};

use super::Subject;
use crate::audit::network::LARGEST_DRAWN;
use crate::graph::places::layer_places;
use crate::model::Transformer;
use crate::model::transformer::{
    Embedding, Letter, Matrix, MlpTrace, SequenceInputs, SequenceTrace,
};
use crate::numeric::{Scalar, statistics};
use crate::prune::Prunable;
use crate::result::{Arrangement, Extremes, Layer, Link, LinkKind, Network, Site};

impl<T: Scalar> Subject<'_, T> {
    /// The weights as they were before pruning, with activation statistics of
    /// the pruned network and the samples at their ends; without layers where
    /// it is too large.
    pub fn network(&self, pruned: &Transformer<T>) -> (Network, Vec<Extremes>) {
        let network = Network {
            layers: Vec::new(),
            weights: Vec::new(),
            skips: Vec::new(),
            links: Vec::new(),
        };
        let weights: usize = self.model.weights().iter().map(|w| w.len()).sum();
        if weights > LARGEST_DRAWN {
            return (network, Vec::new());
        }
        let batch = &self.batch;
        let trace = pruned.forward(&batch.inputs, &batch.answers, batch.length());
        let mut picture = Picture {
            subject: self,
            trace: &trace,
            network,
            extremes: Vec::new(),
        };
        picture.inputs();
        for layer in 0..self.model.blocks.len() {
            picture.block(layer);
        }
        picture.outputs();
        (picture.network, picture.extremes)
    }

    /// The data's name of an input.
    fn input_name(&self, feature: usize) -> String {
        let name = self.files.data.task.inputs.get(feature).cloned();
        name.unwrap_or_else(|| format!("feature {feature}"))
    }
}

/// A network that is put together layer by layer.
struct Picture<'s, T> {
    subject: &'s Subject<'s, T>,
    trace: &'s SequenceTrace<T>,
    network: Network,
    extremes: Vec<Extremes>,
}

impl<'s, T: Scalar> Picture<'s, T> {
    /// The inputs, where they are numbers, and the first stream.
    fn inputs(&mut self) {
        let subject = self.subject;
        if let SequenceInputs::Values(values) = &subject.batch.inputs {
            self.layer("inputs", "x", values, None);
            let order = subject.model.in_perm();
            self.name_last(|q| subject.input_name(order.get(q).copied().unwrap_or(q)));
            self.weights(&[Matrix::Input]);
        }
        let bias = match &subject.model.embedding {
            Embedding::Values { bias, .. } => Some(bias.to_vec()),
            Embedding::Tokens(_) => None,
        };
        self.layer(
            "stream 0",
            "r0.",
            self.trace.stream_before(0),
            bias.as_ref(),
        );
    }

    /// A block, from the stream before it, which is there, to the stream after it.
    fn block(&mut self, layer: usize) {
        let mut before = self.network.layers.len() - 1;
        self.heads(layer);
        let block = &self.subject.model.blocks[layer];
        let mut bias = &block.attention.out_bias;
        if let (Some(mlp), Some(half)) = (&block.mlp, &self.trace.mlp[layer]) {
            if block.is_parallel() {
                // What the heads write is drawn up to them: the stream comes later.
                self.network.weights.pop();
                self.network.weights.push(Vec::new());
            } else {
                self.stream(2 * layer + 1, &half.stream, bias);
                self.link(before, before + 3, LinkKind::Identity);
                before += 3;
            }
            self.hidden(layer, half);
            self.weights(&[Matrix::Down(layer)]);
            bias = &mlp.down_bias;
        }
        let stream = self.trace.stream_before(layer + 1);
        self.stream(2 * layer + 2, stream, bias);
        let last = self.network.layers.len() - 1;
        self.link(before, last, LinkKind::Identity);
    }

    /// Queries, keys and values, what heads hold, and the weights they write through.
    fn heads(&mut self, layer: usize) {
        let (model, trace) = (self.subject.model, self.trace);
        let half = &trace.attention[layer];
        let projections = Letter::ALL.map(|letter| Matrix::Projection { layer, letter });
        self.weights(&projections);
        let mut all = Vec::new();
        for (letter, name) in Letter::ALL.into_iter().zip(["q", "k", "v"]) {
            let values = half.columns(letter).to_owned();
            all.extend(self.sites(&values, |i| format!("b{layer}.{name}{i}")));
        }
        let bias = model.blocks[layer].attention.qkv_bias.to_vec();
        self.push(&format!("q, k, v of block {layer}"), all, Some(&bias));
        self.network.weights.push(Vec::new());
        self.layer(
            &format!("heads of block {layer}"),
            &format!("b{layer}.o"),
            &half.held,
            None,
        );
        let last = self.network.layers.len() - 1;
        self.link(last - 1, last, LinkKind::Attention);
        self.weights(&[Matrix::Out(layer)]);
    }

    /// The hidden neurons of a block.
    fn hidden(&mut self, layer: usize, half: &MlpTrace<T>) {
        if !self.subject.model.blocks[layer].is_parallel() {
            self.weights(&[Matrix::Up(layer)]);
        }
        let bias = self.subject.model.bias(Matrix::Up(layer)).to_vec();
        self.layer(
            &format!("MLP of block {layer}"),
            &format!("b{layer}.h"),
            &half.hidden,
            Some(&bias),
        );
    }

    /// The stream after so many sublayers.
    fn stream(&mut self, sublayers: usize, values: &Array2<T>, bias: &Array1<T>) {
        self.layer(
            &format!("stream {sublayers}"),
            &format!("r{sublayers}."),
            values,
            Some(&bias.to_vec()),
        );
    }

    fn outputs(&mut self) {
        self.weights(&[Matrix::Unembedding]);
        let bias = self.subject.model.output_bias.to_vec();
        self.layer("outputs", "y", &self.trace.end.outputs, Some(&bias));
        let names = self.subject.outputs();
        self.name_last(|q| {
            names
                .get(q)
                .map_or_else(String::new, |(_, name)| name.clone())
        });
    }

    /// The weights from the last layer to the next, `[readers, writers]`, of
    /// linear layers whose readers stand side by side.
    fn weights(&mut self, matrices: &[Matrix]) {
        let finite = |w: &T| Some(w.widen()).filter(|w| w.is_finite());
        let of = |matrix: &Matrix| -> Vec<Option<f64>> {
            let weight = self.subject.model.weight(*matrix);
            weight.t().iter().map(finite).collect()
        };
        let all = matrices.iter().flat_map(of).collect();
        self.network.weights.push(all);
    }

    fn link(&mut self, from_layer: usize, to_layer: usize, kind: LinkKind) {
        self.network.links.push(Link {
            from_layer,
            to_layer,
            kind,
        });
    }

    /// A layer of sites with these values `[rows, width]`.
    fn layer(&mut self, name: &str, prefix: &str, values: &Array2<T>, bias: Option<&Vec<T>>) {
        let sites = self.sites(values, |i| format!("{prefix}{i}"));
        self.push(name, sites, bias);
    }

    fn push(&mut self, name: &str, mut sites: Vec<Site>, bias: Option<&Vec<T>>) {
        let places = layer_places(Arrangement::Line, sites.len(), 1);
        for (index, site) in sites.iter_mut().enumerate() {
            (site.x, site.y) = (places[index].x, places[index].y);
            site.bias = bias.and_then(|bias| bias.get(index)).map(|b| b.widen());
        }
        self.network.layers.push(Layer {
            name: name.to_owned(),
            arrangement: Arrangement::Line,
            sites,
        });
    }

    /// Gives the sites of the last layer names of their own.
    fn name_last(&mut self, name: impl Fn(usize) -> String) {
        if let Some(layer) = self.network.layers.last_mut() {
            let sites = layer.sites.iter_mut().enumerate();
            sites.for_each(|(index, site)| site.name = name(index));
        }
    }

    /// One site per column of `values: [rows, width]`, each with its ends.
    fn sites(&mut self, values: &Array2<T>, name: impl Fn(usize) -> String) -> Vec<Site> {
        // What only readings have is computed for them alone.
        let rows = match values.nrows() == self.trace.everywhere.len() {
            true => &self.trace.everywhere,
            false => &self.trace.answers,
        };
        let columns = values.columns().into_iter().enumerate();
        let ends = columns
            .clone()
            .map(|(index, column)| self.subject.extremes(name(index), rows, column.into_iter()));
        self.extremes.extend(ends);
        let site = |(index, column): (usize, ndarray::ArrayView1<'_, T>)| {
            let values: Vec<f64> = column.iter().map(|x| x.widen()).collect();
            Site {
                site: name(index),
                name: name(index),
                x: 0.0,
                y: 0.0,
                bias: None,
                mean: Some(statistics::mean(&values)),
                sd: Some(statistics::population_sd(&values)),
            }
        };
        columns.map(site).collect()
    }
}
