//! Networks drawn small, at one scale.

use crate::report::english::counted;
use crate::report::figures::canvas::{Figure, dots, path, round, text, titled};
use crate::report::format::count;
use crate::report::sites::plain;
use crate::result::{Arrangement, ComparedNetwork, Comparison, Picture, PlacedLayer};

/// Small pictures of this width have room for a whole caption.
const WIDE: f64 = 150.0;

/// Widths of drawn edges, in pixels, by strength over the strongest of all.
const STROKES: [(f64, f64); 3] = [(0.5, 2.4), (0.15, 1.3), (0.0, 0.6)];

/// The largest |weight| of all networks that are drawn.
pub(super) fn strongest(comparison: &Comparison) -> f64 {
    let edges = comparison.networks.iter().flat_map(|n| &n.picture.edges);
    let weights = edges.map(|e| e.3.abs()).filter(|w| w.is_finite());
    weights.fold(0.0, f64::max)
}

/// The rectangle of one small picture.
pub(super) struct Cell {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Cell {
    /// A network with its caption.
    pub fn draw(
        &self,
        figure: &mut Figure,
        network: &ComparedNetwork,
        places: &[PlacedLayer],
        strongest: f64,
    ) {
        self.network(figure, network, places, strongest);
        self.caption(figure, network);
    }

    /// The edges of a network, and its inputs and outputs.
    pub fn network(
        &self,
        figure: &mut Figure,
        network: &ComparedNetwork,
        places: &[PlacedLayer],
        strongest: f64,
    ) {
        figure.open("edges");
        for sign in ["neg", "pos"] {
            for (rank, (_, width)) in STROKES.iter().enumerate().rev() {
                let data = self.lines(&network.picture, places, strongest, sign, rank);
                if !data.is_empty() {
                    figure.add(path(data, sign).set("stroke-width", *width));
                }
            }
        }
        figure.close();
        self.ends(figure, places);
    }

    /// Its seed, and how many of its edges are drawn.
    fn caption(&self, figure: &mut Figure, network: &ComparedNetwork) {
        let seed = network.seed.map(|seed| format!("seed {seed}"));
        let (drawn, all) = (network.picture.edges.len(), network.picture.surviving);
        let edges = match (drawn < all, self.width >= WIDE) {
            (true, true) => format!("{} of {} edges drawn", count(drawn), count(all)),
            (true, false) => format!("{} of {}", count(drawn), count(all)),
            (false, _) => counted(all, "edge", "edges"),
        };
        let mid = self.left + self.width / 2.0;
        let name = format!(
            "{}: {}",
            plain(&network.name),
            counted(network.picture.surviving, "edge survives", "edges survive")
        );
        let mut line = self.top + self.height + 14.0;
        for words in seed.into_iter().chain([edges]) {
            figure.add(titled(text(mid, line, "tick mid", &words), &name));
            line += 13.0;
        }
    }

    /// The edges of one sign and strength as one path.
    fn lines(
        &self,
        picture: &Picture,
        places: &[PlacedLayer],
        strongest: f64,
        sign: &str,
        rank: usize,
    ) -> String {
        let class = |weight: f64| {
            let share = weight.abs() / strongest;
            STROKES.iter().position(|(from, _)| share >= *from)
        };
        let mut data = String::new();
        for (layer, from, to, weight) in &picture.edges {
            let negative = *weight < 0.0;
            if negative != (sign == "neg") || class(*weight) != Some(rank) {
                continue;
            }
            let ends = (
                self.place(places, *layer, *from),
                self.place(places, layer + 1, *to),
            );
            if let (Some((x, y)), Some((u, v))) = ends {
                data.push_str(&format!(
                    "M{} {}L{} {}",
                    round(x),
                    round(y),
                    round(u),
                    round(v)
                ));
            }
        }
        data
    }

    /// Where a site is drawn: layers from below to above, depth to the upper right.
    fn place(&self, places: &[PlacedLayer], layer: usize, site: usize) -> Option<(f64, f64)> {
        let placed = places.get(layer)?;
        let (x, y) = *placed.sites.get(site)?;
        #[allow(clippy::cast_precision_loss, reason = "a handful of layers")]
        let gap = self.height / places.len() as f64;
        #[allow(clippy::cast_precision_loss, reason = "a handful of layers")]
        let base = self.top + self.height - (layer as f64 + 0.5) * gap;
        Some(match placed.arrangement {
            // Folds stand below each other.
            Arrangement::Line => (self.left + self.width * x, base + y * 0.2 * gap),
            _ => (
                self.left + self.width * (0.74 * x + 0.26 * y),
                base - (y - 0.5) * 0.62 * gap,
            ),
        })
    }

    /// Inputs and outputs as dots, where they are few enough to be told apart.
    fn ends(&self, figure: &mut Figure, places: &[PlacedLayer]) {
        let last = places.len().saturating_sub(1);
        let mut ends = Vec::new();
        for layer in [0, last] {
            let sites = places.get(layer).map_or(0, |l| l.sites.len());
            ends.extend((0..sites.min(100)).filter_map(|site| self.place(places, layer, site)));
        }
        figure.add(dots(&ends, 1.2, "dots"));
    }
}
