//! Results → figures: the network, its circuits, and charts.
//!
//! A figure is drawn once as SVG and used twice, inside the page and as a file.
//! Drawing computes nothing that a result does not already say.

pub mod axes;
pub mod canvas;
pub mod legend;
pub mod matrix;
pub mod palette;
#[cfg_attr(not(feature = "pdf"), path = "no_press.rs")]
pub(super) mod press;
pub mod print;

pub use canvas::Figure;
pub use print::Print;

use super::attention::figure as attention;
use super::circuits::{faithfulness, figure as circuits, roc};
use super::insight::{embedding, surface, units};
use super::modules::{course, lesions, margins, matrix as module_matrix, null, scan};
use super::network::{component_graph, figure as network};
use super::pruning::{curve, needed, weights};
use super::training::figure as training;

use crate::report::sites::Sites;
use crate::result::Audit;

/// Most splits that are drawn.
const MOST_SPLITS: usize = 4;

/// Every figure of a result.
#[derive(Debug, Clone)]
pub struct Gallery {
    /// The surviving network by module.
    pub network: Figure,
    /// The network cut at each of the first splits, in their order.
    pub splits: Vec<Figure>,
    /// What every threshold does.
    pub curve: Option<Figure>,
    /// Magnitudes of the weights.
    pub weights: Option<Figure>,
    /// Which weights cannot be pruned.
    pub needed: Option<Figure>,
    /// The surviving network after relocation.
    pub relocated: Option<Figure>,
    /// Modularity against shuffled networks.
    pub null: Option<Figure>,
    /// Token embeddings by module.
    pub embedding: Option<Figure>,
    /// Outputs over one or two inputs.
    pub surfaces: Option<Figure>,
    /// What hidden neurons write against what comes in.
    pub units: Option<Figure>,
    /// Modules along the resolution.
    pub scan: Option<Figure>,
    /// Margins with every subset of the modules.
    pub margins: Option<Figure>,
    /// Modules from stage to stage.
    pub courses: Vec<Figure>,
    /// Ablation of modules.
    pub lesions: Option<Figure>,
    /// Weights between and within modules.
    pub module_matrix: Option<Figure>,
    /// What heads attend to.
    pub attention: Vec<Figure>,
    /// Faithfulness against edges kept.
    pub faithfulness: Option<Figure>,
    /// Scores against a known circuit.
    pub roc: Option<Figure>,
    /// The course of the training.
    pub training: Option<Figure>,
    /// One per circuit, in their order.
    pub circuits: Vec<Figure>,
    /// Whether the pictures of circuits show the edges outside them.
    pub circuits_show_rest: bool,
}

impl Gallery {
    /// Draws everything that the result has values for.
    #[must_use]
    pub fn new(audit: &Audit) -> Self {
        let modules = audit.modules.as_ref();
        let splits = modules.iter().flat_map(|m| &m.independence.splits);
        let stage = circuits::Stage::new(audit);
        Self {
            network: overview(audit),
            splits: splits
                .take(MOST_SPLITS)
                .enumerate()
                .map(|(k, split)| network::split(audit, split, &format!("split-{}", k + 1)))
                .collect(),
            curve: curve::draw(audit),
            weights: weights::draw(audit),
            needed: needed::draw(audit),
            relocated: network::relocated(audit),
            null: modules.and_then(null::draw),
            embedding: modules.and_then(embedding::draw),
            surfaces: modules.and_then(|m| surface::draw(m, &Sites::new(&audit.network))),
            units: modules.and_then(|m| units::draw(m, &Sites::new(&audit.network))),
            scan: modules.and_then(scan::draw),
            margins: modules.and_then(|m| margins::draw(m, &Sites::new(&audit.network))),
            courses: modules.map_or_else(Vec::new, course::all),
            lesions: modules.and_then(|m| lesions::draw(m, &Sites::new(&audit.network))),
            module_matrix: module_matrix::draw(audit),
            attention: attention::draw(audit),
            faithfulness: faithfulness::draw(&audit.circuits),
            roc: roc::draw(&audit.circuits),
            training: training::draw(audit),
            circuits: audit
                .circuits
                .iter()
                .map(|circuit| {
                    let name = file_name(&["circuit", circuit.method.name(), &circuit.output]);
                    let components = component_graph::circuit(audit, circuit, &name);
                    components.unwrap_or_else(|| stage.draw(circuit, &name))
                })
                .collect(),
            circuits_show_rest: stage.shows_rest(),
        }
    }

    /// All figures.
    pub fn all(&self) -> impl Iterator<Item = &Figure> {
        let single = [
            &self.curve,
            &self.weights,
            &self.needed,
            &self.relocated,
            &self.null,
            &self.scan,
            &self.embedding,
            &self.surfaces,
            &self.units,
            &self.lesions,
            &self.margins,
            &self.module_matrix,
            &self.faithfulness,
            &self.roc,
            &self.training,
        ];
        std::iter::once(&self.network)
            .chain(&self.splits)
            .chain(single.into_iter().flatten())
            .chain(&self.courses)
            .chain(&self.attention)
            .chain(&self.circuits)
    }
}

/// The network weight by weight, or its components where it is too large for that.
fn overview(audit: &Audit) -> Figure {
    let components = match audit.network.layers.is_empty() {
        true => component_graph::overview(audit),
        false => None,
    };
    components.unwrap_or_else(|| network::overview(audit))
}

/// A file name from words that may come from a file: letters, digits and dashes only.
pub(super) fn file_name(words: &[&str]) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    words.join("-").chars().map(safe).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{self, well_formed};
    use crate::result::Arrangement;

    #[test]
    fn all_figures_are_well_formed_and_have_names_of_their_own() {
        let gallery = Gallery::new(&sample::thorough());
        assert!(gallery.scan.is_some() && gallery.embedding.is_some());
        assert!(gallery.relocated.is_some());
        let mut names: Vec<&str> = gallery.all().map(|f| f.name.as_str()).collect();
        for figure in gallery.all() {
            assert_eq!(
                well_formed(&figure.file(&Print::default())),
                Ok(()),
                "{}",
                figure.name
            );
            assert_eq!(well_formed(&figure.inline()), Ok(()), "{}", figure.name);
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), gallery.all().count());
        assert_eq!(names.len(), 13);
    }

    #[test]
    fn bridges_are_dotted_in_the_overview_alone() {
        let gallery = Gallery::new(&sample::audit());
        assert_eq!(
            gallery
                .network
                .inline()
                .matches("class=\"bridge pos\" x1")
                .count(),
            1
        );
        assert_eq!(gallery.splits[0].inline().matches("bridge").count(), 0);
    }

    #[test]
    fn a_split_shows_its_parts_by_letters_and_modules_by_colour() {
        let drawn = Gallery::new(&sample::audit()).splits[0].inline();
        let sites = |letter: &str| drawn.matches(&format!(">{letter}</text>")).count();
        assert_eq!((sites("A"), sites("B"), sites("C")), (4, 5, 0), "{drawn}");
        assert!(drawn.contains("part B") && drawn.contains("node m1"));
        assert_eq!(drawn.matches("<line class=\"m").count(), 0);
    }

    #[test]
    fn hostile_names_neither_leave_their_element_nor_the_folder() {
        let mut audit = sample::audit();
        for name in [
            "</style><script>alert(1)</script>",
            "\"onload=\"x",
            "\u{1}&\u{fffe}",
        ] {
            audit.network.layers[0].sites[0].name = name.to_owned();
            audit.circuits[0].output_name = name.to_owned();
            audit.circuits[0].output = "../../etc".to_owned();
            for figure in Gallery::new(&audit).all() {
                assert_eq!(
                    well_formed(&figure.file(&Print::default())),
                    Ok(()),
                    "{}",
                    figure.name
                );
                assert!(!figure.file(&Print::default()).contains("<script"));
                assert!(!figure.name.contains(['.', '/']));
            }
        }
    }

    #[test]
    fn broken_results_are_drawn_as_far_as_they_go() {
        let mut audit = sample::audit();
        audit.network.layers[0].arrangement = Arrangement::Grid;
        audit.network.layers[1].sites[0].x = f64::NAN;
        audit.network.weights[0][0] = None;
        audit.network.weights[1].truncate(1);
        audit.circuits[0].edges[0].from = "nowhere".to_owned();
        audit.circuits[0].sweep[0].faithfulness = Some(f64::INFINITY);
        if let Some(prune) = &mut audit.prune {
            prune.threshold = f64::NAN;
            prune.curve[0].max_abs_change = f64::NAN;
        }
        audit.modules.as_mut().expect("there").partition[0].module = usize::MAX;
        assert!(
            Gallery::new(&audit)
                .all()
                .all(|f| !f.inline().contains("NaN"))
        );
        audit.network.layers.clear();
        assert!(Gallery::new(&audit).all().count() > 3);
    }
}
