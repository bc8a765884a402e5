//! A small transformer as it is drawn: channels in layers, weights between them.

use ndarray::Array2;

use super::Subject;
use crate::graph::places::layer_places;
use crate::model::Transformer;
use crate::model::transformer::{Letter, Matrix, SequenceInputs, SequenceTrace};
use crate::numeric::{Scalar, statistics};
use crate::prune::Prunable;
use crate::result::{Arrangement, Extremes, Layer, Link, LinkKind, Network, Site};

/// Transformers of more weights than this are not drawn weight by weight.
const LARGEST_DRAWN: usize = 100_000;

impl<T: Scalar> Subject<'_, T> {
    /// The weights as they were before pruning, with activation statistics of
    /// the pruned network and the samples at their ends; without layers where
    /// it is too large.
    pub fn network(&self, pruned: &Transformer<T>) -> (Network, Vec<Extremes>) {
        let network = Network {
            layers: Vec::new(),
            weights: Vec::new(),
            links: Vec::new(),
        };
        let weights: usize = self.model.weights().iter().map(|w| w.len()).sum();
        if weights > LARGEST_DRAWN {
            return (network, Vec::new());
        }
        let batch = &self.batch;
        let trace = pruned.forward_sequences(&batch.inputs, &batch.answers, batch.length());
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
        let name = self.data.task.inputs.get(feature).cloned();
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
        let bias = subject.model.bias(Matrix::Input).to_vec();
        let stream = self.stream_before(0);
        self.layer(
            "stream 0",
            "r0.",
            stream,
            Some(&bias).filter(|b| !b.is_empty()),
        );
    }

    /// A block, from the stream before it, which is there, to the stream after it.
    fn block(&mut self, layer: usize) {
        let (model, trace) = (self.subject.model, self.trace);
        let (block, half) = (&model.blocks[layer], &trace.attention[layer]);
        let before = self.network.layers.len() - 1;
        let projections = Letter::ALL.map(|letter| Matrix::Projection { layer, letter });
        self.weights(&projections);
        let total = model.heads.total();
        let (keys, values) = half.keys_values.view().split_at(ndarray::Axis(1), total);
        let mut all = self.sites(&half.queries, |i| format!("b{layer}.q{i}"));
        all.extend(self.sites(&keys.to_owned(), |i| format!("b{layer}.k{i}")));
        all.extend(self.sites(&values.to_owned(), |i| format!("b{layer}.v{i}")));
        self.push(
            &format!("q, k, v of block {layer}"),
            all,
            Some(&block.qkv_bias.to_vec()),
        );
        self.network.weights.push(Vec::new());
        self.layer(
            &format!("heads of block {layer}"),
            &format!("b{layer}.o"),
            &half.held,
            None,
        );
        self.link(before + 1, before + 2, LinkKind::Attention);
        self.weights(&[Matrix::Out(layer)]);
        let stream = &trace.mlp[layer].stream;
        let (middle, after) = (2 * layer + 1, 2 * layer + 2);
        let bias = block.out_bias.to_vec();
        self.layer(
            &format!("stream {middle}"),
            &format!("r{middle}."),
            stream,
            Some(&bias),
        );
        self.link(before, before + 3, LinkKind::Identity);
        self.weights(&[Matrix::Up(layer)]);
        let bias = block.up_bias.to_vec();
        let hidden = &trace.mlp[layer].hidden;
        self.layer(
            &format!("MLP of block {layer}"),
            &format!("b{layer}.h"),
            hidden,
            Some(&bias),
        );
        self.weights(&[Matrix::Down(layer)]);
        let bias = block.down_bias.to_vec();
        let stream = self.stream_before(layer + 1);
        self.layer(
            &format!("stream {after}"),
            &format!("r{after}."),
            stream,
            Some(&bias),
        );
        self.link(before + 3, before + 5, LinkKind::Identity);
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

    /// The stream before a block, or at the end.
    fn stream_before(&self, block: usize) -> &'s Array2<T> {
        let half = self.trace.attention.get(block);
        half.map_or(&self.trace.end.stream, |half| &half.stream)
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
