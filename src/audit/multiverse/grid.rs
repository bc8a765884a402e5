//! The choices along every axis, and what the data decide of them.

use crate::choice::{Fill, Granularity, Method, MetricKind, Selection, Sign};
use crate::data::{Dataset, Labels};
use crate::result::Axes;

/// The choices along every axis. Empty where the data decide.
#[derive(Debug, Clone, Default)]
pub struct Grid {
    /// How edges are scored: methods whose scores are means over samples.
    pub methods: Vec<Method>,
    /// What stands in for a patched message; empty: zero, mean and resample, and
    /// corrupted where the data have pairs.
    pub fills: Vec<Fill>,
    /// What a circuit must keep; empty: logit difference and cross-entropy of classes,
    /// the squared error of targets.
    pub metrics: Vec<MetricKind>,
    /// Whether edges count by the size of their effect or only where the metric is worse
    /// without them; empty: by size.
    pub signs: Vec<Sign>,
    /// In which order edges are taken: the strongest first, or grown from the outputs
    /// backwards; empty: the strongest first.
    pub orders: Vec<Selection>,
    /// Edges of a circuit; empty: 1, 2, 5, 10 and 20 % of those there are, but for levels.
    pub sizes: Vec<usize>,
    /// Levels of faithfulness: the smallest circuit that reaches one on the analysis's own
    /// samples, instead of so many edges.
    pub levels: Vec<f64>,
    /// Draws of what stands in for a message, where that is drawn, at least 1.
    pub seeds: usize,
    /// How fine the network is taken apart; empty: as the audit does.
    pub granularities: Vec<Granularity>,
    /// Sets of samples, at least 1.
    pub sample_sets: usize,
    /// Claims whose support is counted: `A->B`, or a site `A`.
    pub claims: Vec<String>,
    /// Whether the same is done with the labels of other samples.
    pub nonsense: bool,
    /// Whether the same is done with the weights of every layer in other places.
    pub shuffled: bool,
    /// Whether circuits of two discoveries are run on each other's samples.
    pub transfer: bool,
}

/// Shares of the edges that are circuits' sizes unasked.
const SIZES: [f64; 5] = [0.01, 0.02, 0.05, 0.1, 0.2];

/// What ends a ranking.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cut {
    /// So many edges.
    Size(usize),
    /// The level of this number.
    Level(usize),
}

impl Cut {
    /// So many edges, where those end it.
    pub fn size(&self) -> Option<usize> {
        match self {
            Self::Size(size) => Some(*size),
            Self::Level(_) => None,
        }
    }

    /// The faithfulness that is to be reached, where that ends it.
    pub fn faithfulness(&self, grid: &Grid) -> Option<f64> {
        match self {
            Self::Size(_) => None,
            Self::Level(level) => Some(grid.levels[*level]),
        }
    }
}

impl Grid {
    /// With what the data decide.
    pub fn settled(&self, data: &Dataset) -> Self {
        let mut grid = self.clone();
        if grid.fills.is_empty() {
            let there = |fill: &Fill| *fill != Fill::Corrupted || data.corrupted.is_some();
            grid.fills = Fill::each().filter(there).collect();
        }
        if grid.metrics.is_empty() {
            grid.metrics = match (&data.labels, &data.answers) {
                (Some(Labels::Targets(_)), _) => vec![MetricKind::Mse],
                (Some(Labels::Classes(_)), _) | (None, Some(_)) => {
                    vec![MetricKind::LogitDiff, MetricKind::CrossEntropy]
                }
                (None, None) => vec![MetricKind::LogitDiff],
            };
        }
        if grid.signs.is_empty() {
            grid.signs = vec![Sign::Absolute];
        }
        if grid.orders.is_empty() {
            grid.orders = vec![Selection::Top];
        }
        grid.seeds = grid.seeds.max(1);
        grid.sample_sets = grid.sample_sets.max(1);
        grid
    }

    /// What ends rankings of so many edges: the sizes asked for, or shares of them, and the
    /// levels.
    pub fn cuts(&self, edges: usize) -> Vec<Cut> {
        let mut sizes = self.sizes.clone();
        if sizes.is_empty() && self.levels.is_empty() {
            let of = |share: &f64| ((share * edges as f64).round() as usize).max(1);
            sizes = SIZES.iter().map(of).collect();
        }
        sizes.iter_mut().for_each(|size| *size = (*size).min(edges));
        sizes.sort_unstable();
        sizes.dedup();
        let levels = (0..self.levels.len()).map(Cut::Level);
        sizes.into_iter().map(Cut::Size).chain(levels).collect()
    }

    /// As a result tells them, of circuits of these sizes.
    pub fn axes(&self, sizes: Vec<usize>) -> Axes {
        Axes {
            methods: self.methods.clone(),
            fills: self.fills.clone(),
            metrics: self.metrics.clone(),
            selections: self.signs.clone(),
            orders: self.orders.clone(),
            seeds: self.seeds,
            granularities: self.granularities.clone(),
            sizes,
            faithfulness: self.levels.clone(),
            sample_sets: self.sample_sets,
        }
    }
}
