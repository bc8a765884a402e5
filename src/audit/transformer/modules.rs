//! The modules of a transformer: of its components, or of its channels and neurons.

use super::Subject;
use crate::audit::function::{Function, function};
use crate::audit::weighing::{Draws, by_attribution, by_effect, by_site, by_spread, graph, wide};
use crate::audit::{Config, Granularity};
use crate::choice::Unmatched;
use crate::circuit::{Attributable, Goal};
use crate::metric::{Metric, MetricKind};
use crate::model::Transformer;
use crate::modules::lesions::Measured;
use crate::modules::{EdgeWeight, Graph, ModulesConfig};
use crate::numeric::Scalar;
use crate::patch::{
    ComponentEngine, EdgeSet, Fill, Parted, Patchable, PatchableExt as _, Setup, WeightEngine,
};
use crate::result::{Modules, Prune};
use crate::{ErrorKind, Result};

/// Edges between components are patched one by one, unasked, up to so many.
const MOST_PATCHED: usize = 2_000;

/// Modules of networks of more weights than this are not ablated: random sets take
/// hundreds of runs.
const LARGEST_ABLATED: usize = 200_000;

impl<T: Scalar> Subject<'_, T> {
    /// The modules of the pruned network and what they do.
    ///
    /// # Errors
    /// If an edge weight or a fill was asked for that this network does not have, or
    /// runs take more memory than allowed.
    pub(super) fn modules_of(
        &self,
        pruned: &Transformer<T>,
        prune: Option<&Prune>,
        config: &Config,
    ) -> Result<Modules> {
        let fill = self.fill(config);
        let setup = Setup {
            fill,
            seed: config.seed,
            split_input: self.split_input(config, fill)?,
        };
        self.bounded(pruned, config, setup)?;
        let settings = config.modules_at(prune.map_or(0.0, |prune| prune.threshold));
        let with = |fill: Fill| Setup { fill, ..setup };
        match config.circuits.granularity {
            None | Some(Granularity::Component) => {
                let engine = |fill| ComponentEngine::new(pruned, &self.batch, with(fill));
                self.of_component_graph(self.engines(fill, engine)?, settings, config)
            }
            Some(Granularity::Weight | Granularity::Neuron) => {
                let engine = |fill| WeightEngine::new(pruned, &self.batch, with(fill));
                self.of_weight_graph(self.engines(fill, engine)?, settings, config)
            }
        }
    }

    /// The engine of the run's fill, and those of the other fills that the data allow,
    /// where the network is small.
    fn engines<P>(&self, fill: Fill, engine: impl Fn(Fill) -> Result<P>) -> Result<Vec<(Fill, P)>> {
        let mut engines = vec![(fill, engine(fill)?)];
        if self.weights() <= LARGEST_ABLATED {
            let others = Fill::ALL.iter().map(|(other, _)| *other);
            let others = others.filter(|other| *other != fill);
            engines.extend(others.filter_map(|other| Some((other, engine(other).ok()?))));
        }
        Ok(engines)
    }

    fn of_component_graph(
        &self,
        engines: Vec<(Fill, ComponentEngine<'_, T>)>,
        mut settings: ModulesConfig,
        config: &Config,
    ) -> Result<Modules> {
        let (fill, engine) = &engines[0];
        let usual = match engine.edge_count() <= MOST_PATCHED {
            true => EdgeWeight::Effect,
            false => EdgeWeight::Attribution,
        };
        let weight = *settings.edge_weight.get_or_insert(usual);
        if matches!(weight, EdgeWeight::AbsWeight | EdgeWeight::Spread) {
            return Err(ErrorKind::EdgeWeight {
                edge_weight: weight.to_string(),
            }
            .at(&self.files.checkpoint.path));
        }
        let goals = self.answers(config)?;
        let weights = self.effects(engine, &engine.all(), weight, &goals, &settings);
        let (found, graph) = graph(engine, &weights, &settings);
        let found = Modules {
            granularity: Some(Granularity::Component),
            measured_on: measured_on(&goals, *fill),
            ..found
        };
        Ok(self.finished(found, &graph, any(engines), goals, config))
    }

    fn of_weight_graph(
        &self,
        engines: Vec<(Fill, WeightEngine<'_, T>)>,
        settings: ModulesConfig,
        config: &Config,
    ) -> Result<Modules> {
        let (fill, engine) = &engines[0];
        let weight = settings.edge_weight.unwrap_or_default();
        let goals = self.answers(config)?;
        let weights = match weight {
            EdgeWeight::AbsWeight => vec![entries(engine, self.model)],
            EdgeWeight::Spread => {
                let draws = Draws::new(self.batch.samples(), weight, &settings);
                let spreads = spreads(engine, &draws);
                let sites = engine.sites();
                by_spread(&entries(engine, engine.model()), |edge| {
                    let (span, from, _) = sites.edge_at(edge);
                    &spreads[span][from]
                })
            }
            EdgeWeight::Effect | EdgeWeight::Attribution => {
                self.effects(engine, &engine.surviving(), weight, &goals, &settings)
            }
        };
        let (found, graph) = graph(engine, &weights, &settings);
        let is_effect = matches!(weight, EdgeWeight::Effect | EdgeWeight::Attribution);
        let found = Modules {
            granularity: Some(Granularity::Neuron),
            measured_on: measured_on(&goals, *fill).filter(|_| is_effect),
            ..found
        };
        Ok(self.finished(found, &graph, any(engines), goals, config))
    }

    /// What is sought, without names.
    fn answers(&self, config: &Config) -> Result<Vec<Goal>> {
        let goals = self.goals(config)?.into_iter();
        Ok(goals.map(|(goal, _)| goal).collect())
    }

    fn effects(
        &self,
        network: &dyn Attributable<Number = T>,
        edges: &EdgeSet,
        weight: EdgeWeight,
        goals: &[Goal],
        settings: &ModulesConfig,
    ) -> Vec<Vec<f64>> {
        let edges: Vec<usize> = edges.ones().collect();
        if weight == EdgeWeight::Attribution {
            return vec![by_attribution(network, &edges, goals)];
        }
        let draws = Draws::new(self.batch.samples(), weight, settings);
        by_effect(network, &edges, goals, &draws)
    }

    /// With what the modules do, and every site by its own name.
    ///
    /// The parts that share nothing are left out: attention joins what no weight joins.
    fn finished(
        &self,
        mut found: Modules,
        graph: &Graph,
        engines: Vec<(Fill, Box<dyn Patchable<Number = T> + '_>)>,
        goals: Vec<Goal>,
        config: &Config,
    ) -> Modules {
        found.independence.components.clear();
        found.unmatched = Some(Unmatched::Attention);
        let of = Function {
            graph,
            engines,
            metrics: self.metrics(goals),
        };
        if self.weights() <= LARGEST_ABLATED {
            function(&mut found, &of, config);
        }
        if let Some((_, engine)) = of.engines.first() {
            by_site(&mut found, graph, engine.as_ref());
        }
        found
    }

    /// The metrics that lesions are measured in: the answers', accuracy and the loss.
    fn metrics(&self, goals: Vec<Goal>) -> Vec<Measured> {
        let mut metrics: Vec<Metric> = goals.into_iter().map(|goal| goal.metric).collect();
        let accuracy = self.batch.correct.clone();
        metrics.extend(accuracy.map(|classes| Metric::Accuracy { classes }));
        let is_new = |loss: &Metric| !metrics.iter().any(|m| m.kind() == loss.kind());
        let loss = self.loss.clone().filter(is_new);
        metrics.extend(loss);
        let measured = |metric: Metric| {
            let output = match metric {
                Metric::Mse {
                    output: Some(q), ..
                }
                | Metric::Output { output: q } => Some(format!("y{q}")),
                _ => None,
            };
            Measured {
                name: match &output {
                    Some(site) => format!("{} of {site}", metric.kind()),
                    None => metric.kind().to_string(),
                },
                metric,
                rows: None,
                output,
            }
        };
        metrics.into_iter().map(measured).collect()
    }
}

/// The metric and the fill of effects, in words.
fn measured_on(goals: &[Goal], fill: Fill) -> Option<String> {
    let kind: MetricKind = goals.first()?.metric.kind();
    Some(format!("{kind}, {fill} fill"))
}

/// The weight of every edge.
fn entries<T: Scalar>(engine: &WeightEngine<'_, T>, model: &Transformer<T>) -> Vec<f64> {
    let sites = engine.sites();
    let entry = |edge: usize| {
        let (span, from, to) = sites.edge_at(edge);
        model.weight(sites.spans()[span].matrix)[[from, to]].widen()
    };
    (0..sites.edge_count()).map(entry).collect()
}

/// How much each linear layer's inputs vary over samples and positions, by layer, input
/// and draw.
fn spreads<T: Scalar>(engine: &WeightEngine<'_, T>, draws: &Draws) -> Vec<Vec<Vec<f64>>> {
    let of_layer = |span: &crate::model::transformer::Span| {
        let read = engine
            .parts()
            .iter()
            .map(|part| part.values.at(span.matrix));
        let read: Vec<_> = read.collect();
        let of_input = |input: usize| {
            let values = read.iter().flat_map(|rows| wide(rows.column(input)));
            draws.spreads(&values.collect::<Vec<f64>>())
        };
        (0..span.inputs).map(of_input).collect()
    };
    engine.sites().spans().iter().map(of_layer).collect()
}

/// An engine of whatever kind, on numbers of a type.
type AnyEngine<'e, T> = Box<dyn Patchable<Number = T> + 'e>;

/// Engines by fill, of whatever kind they are.
fn any<'e, P: Patchable + 'e>(engines: Vec<(Fill, P)>) -> Vec<(Fill, AnyEngine<'e, P::Number>)> {
    let boxed = |(fill, engine)| (fill, Box::new(engine) as AnyEngine<'e, P::Number>);
    engines.into_iter().map(boxed).collect()
}
