//! What the modules say about the task.

use crate::report::figures::Gallery;
use crate::report::format::{number, percent};
use crate::report::modules::cell::name;
use crate::report::page::blocks::{Block, Cell, Shown, Table, numbers, words};
use crate::report::sites::clean;
use crate::result::{Embedding, Formula, Modules, Polysemanticity, Represented, SignDimension};

pub(in crate::report) fn blocks(modules: &Modules, gallery: &Gallery) -> Vec<Block> {
    let Some(insight) = &modules.insight else {
        return Vec::new();
    };
    let mut blocks = Vec::new();
    blocks.extend((!insight.formulas.is_empty()).then(|| formulas(&insight.formulas)));
    blocks.extend(
        gallery
            .embedding
            .as_ref()
            .map(|figure| Block::Figure(Shown::new(figure, EMBEDDING))),
    );
    let surfaces = gallery.surfaces.as_ref();
    blocks.extend(surfaces.map(|figure| Block::Figure(Shown::new(figure, SURFACES))));
    let units = gallery.units.as_ref();
    blocks.extend(units.map(|figure| Block::Figure(Shown::new(figure, UNITS))));
    blocks.extend((!insight.embeddings.is_empty()).then(|| embeddings(&insight.embeddings)));
    blocks.extend((!insight.signs.is_empty()).then(|| signs(&insight.signs)));
    let represented = &insight.representations;
    blocks.extend((!represented.is_empty()).then(|| representations(represented)));
    let many = &insight.polysemanticity;
    blocks.extend((!many.is_empty()).then(|| polysemanticity(many)));
    blocks
}

const EMBEDDING: &str = "The tokens along the first two principal components of their embedding, in the dimensions \
     of each module; for modular arithmetic, joined in the order of the strongest frequency, which makes a circle of a circle.";

const SURFACES: &str = "What the pruned network gives, and what modules write to others, over the one or two inputs that it depends on: values from red (low) \
     to blue (high), decisions in the colours of their classes. Inside the frame lie the samples; what is outside, \
     nothing was trained on.";

const UNITS: &str = "What hidden neurons write (upwards) against the sum that they read, bias included, on some of the samples: \
     a straight line only passes on, a bend is where a neuron computes. Of each module those that write the most.";

fn formulas(all: &[Formula]) -> Block {
    let row = |f: &Formula| {
        vec![
            Cell::word(clean(&f.name)),
            Cell::word(clean(&f.text)),
            Cell::number(f.max_abs_difference),
        ]
    };
    Block::Table(Table::new(
        "Outputs of few weights as formulas, weights to five digits; the CSV has them for LaTeX too",
        "formulas",
        vec![
            words("Output"),
            words("Formula"),
            numbers("Largest difference on the samples"),
        ],
        all.iter().map(row).collect(),
    ))
}

/// The strongest frequency and its share.
pub fn strongest(embedding: &Embedding) -> Option<(usize, f64)> {
    let shares = embedding.frequencies.iter().copied().enumerate();
    shares
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(k, share)| (k + 1, share))
}

fn embeddings(all: &[Embedding]) -> Block {
    let row = |e: &Embedding| {
        let two: f64 = e.variance.iter().take(2).sum();
        let (frequency, share) = strongest(e).map_or_else(
            || ("–".to_owned(), "–".to_owned()),
            |(k, share)| (k.to_string(), percent(share)),
        );
        vec![
            e.module
                .map_or_else(|| Cell::word("all"), |m| name(m, true)),
            Cell::count(e.dimensions.len()),
            Cell::shown(percent(two), two),
            Cell::word(frequency),
            Cell::word(share),
        ]
    };
    Block::Table(Table::new(
        "Token embeddings: the variance of two principal components, and the strongest frequency",
        "embeddings",
        vec![
            words("Module"),
            numbers("Dimensions"),
            numbers("Variance of two components"),
            words("Frequency"),
            words("Its share of the variance"),
        ],
        all.iter().map(row).collect(),
    ))
}

fn signs(all: &[SignDimension]) -> Block {
    let row = |s: &SignDimension| {
        vec![
            Cell::count(s.dimension),
            Cell::number(s.correlation),
            Cell::shown(percent(s.variance), s.variance),
            s.module
                .map_or_else(|| Cell::word("several or none"), |m| name(m, true)),
            Cell::word(if s.alone { "yes" } else { "no" }),
        ]
    };
    Block::Table(Table::new(
        "Embedding dimensions beside the sign of the permutation that a token stands for",
        "signs",
        vec![
            numbers("Dimension"),
            numbers("Correlation with the sign"),
            numbers("Share of the variance"),
            words("Module"),
            words("Alone in it"),
        ],
        all.iter().map(row).collect(),
    ))
}

fn representations(all: &[Represented]) -> Block {
    let row = |r: &Represented| {
        vec![
            Cell::count(r.dimension),
            Cell::word(representation(&r.partition)),
            Cell::count(r.degree),
            Cell::shown(percent(r.share), r.share),
            Cell::number(r.p_holm),
            Cell::shown(percent(r.variance), r.variance),
            r.module
                .map_or_else(|| Cell::word("several or none"), |m| name(m, true)),
        ]
    };
    Block::Table(Table::new(
        "Embedding dimensions as functions of the permutations: the irreducible representation that stands \
         out in each, against normal noise",
        "representations",
        vec![
            numbers("Dimension"),
            words("Representation"),
            numbers("Of dimension"),
            numbers("Share of it"),
            numbers("p (Holm)"),
            numbers("Share of the variance"),
            words("Module"),
        ],
        all.iter().map(row).collect(),
    ))
}

/// A representation by its partition, with the name that it has: `standard [3, 1]`.
pub fn representation(partition: &[usize]) -> String {
    let parts: Vec<String> = partition.iter().map(ToString::to_string).collect();
    let listed = format!("[{}]", parts.join(", "));
    let name = match partition {
        [] | [_] => "trivial",
        all if all.iter().all(|part| *part == 1) => "sign",
        [first, 1] if *first > 1 => "standard",
        [2, rest @ ..] if rest.iter().all(|part| *part == 1) => "standard times sign",
        _ => return listed,
    };
    format!("{name} {listed}")
}

fn polysemanticity(all: &[Polysemanticity]) -> Block {
    let row = |p: &Polysemanticity| vec![Cell::word(clean(&p.site)), Cell::number(p.index)];
    let mean = all.iter().map(|p| p.index).sum::<f64>() / all.len().max(1) as f64;
    let caption = format!(
        "Polysemanticity: how many outputs or classes a hidden neuron serves, (Σ|effect|)² ÷ Σ effect²; mean {}",
        number(mean)
    );
    let columns = vec![words("Neuron"), numbers("Outputs served")];
    Block::Folded(
        "Neurons of many purposes".to_owned(),
        vec![Block::Table(Table::new(
            caption,
            "polysemanticity",
            columns,
            all.iter().map(row).collect(),
        ))],
    )
}
