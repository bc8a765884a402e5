//! The same search where there is nothing to find: circuits of control networks and tasks.

use super::methods::{CircuitsConfig, Method};
use super::{Config, Journal, Stages, audit};
use crate::Result;
use crate::checkpoint::Checkpoint;
use crate::choice::{Against, ControlKind, Origin};
use crate::data::Dataset;
use crate::model::Loaded;
use crate::numeric::Rng;
use crate::result::{Audit, Circuit, Control, SweepPoint};

/// How often each kind of control is searched unless another number is asked for.
pub const CONTROL_DRAWS: usize = 2;

/// Audits of one control, one per draw.
pub struct Controlled {
    /// Which control.
    pub kind: ControlKind,
    /// Its audits: circuits by exact effects alone.
    pub audits: Vec<Audit>,
}

/// Every control, searched `draws` times as the network itself was; none where nobody knows
/// which of its tensors are weights.
pub fn searched(
    checkpoint: &Checkpoint,
    data: &Dataset,
    loaded: &Loaded,
    config: &Config,
    draws: usize,
) -> Result<Vec<Controlled>> {
    if loaded.roles.is_empty() {
        return Ok(Vec::new());
    }
    let of_kind = |(stream, kind): (usize, ControlKind)| {
        let one = |draw: usize| {
            let seed = config.seed + draw as u64;
            let mut rng = Rng::new(seed, 100 + stream as u64);
            let (checkpoint, data) = kind.of(checkpoint, loaded, data, &mut rng);
            let discover = config.discover.as_ref();
            let discover = discover.map(|other| kind.data(other, &mut rng));
            let config = for_controls(config, seed, discover);
            Ok(audit(&checkpoint, &data, &config, &|_| ())?.result)
        };
        let audits: Result<Vec<Audit>> = (0..draws).map(one).collect();
        Ok(Controlled {
            kind,
            audits: audits?,
        })
    };
    ControlKind::each().enumerate().map(of_kind).collect()
}

/// The same audit for circuits by exact effects alone.
fn for_controls(config: &Config, seed: u64, discover: Option<Dataset>) -> Config {
    Config {
        seed,
        certify: None,
        relocate: None,
        stages: Stages {
            modules: false,
            circuits: true,
        },
        circuits: CircuitsConfig {
            methods: vec![Method::Exact],
            nodes: false,
            controls: false,
            control_draws: 0,
            every_fill: false,
            known: None,
            given: None,
            ..config.circuits.clone()
        },
        discover,
        // Pieces are told apart by their name alone: these would be the network's own.
        journal: Journal::default(),
        ..config.clone()
    }
}

/// The circuits of an audit by exact effects.
pub fn exact(audit: &Audit) -> Vec<&Circuit> {
    let by_exact = |c: &&Circuit| c.method == Origin::Found(Method::Exact);
    audit.circuits.iter().filter(by_exact).collect()
}

/// The circuits of the same output and size in a control; `within` is how far from 1 a
/// faithful one's faithfulness may be.
pub fn beside(circuit: &Circuit, control: &Controlled, within: f64) -> Control {
    let same = |audit: &Audit| {
        let found = exact(audit)
            .into_iter()
            .find(|c| c.output == circuit.output);
        let error = found.and_then(|c| error_at_size(c, circuit.edges_kept));
        let needed = found
            .and_then(|c| edges_for(c, within))
            .map(|point| point.edges_kept);
        (error, needed)
    };
    let (errors, edges_needed): (Vec<_>, Vec<_>) = control.audits.iter().map(same).unzip();
    let own = circuit.faithfulness.map(|f| (1.0 - f).abs());
    let beaten = own.map(|own| {
        // Where nothing is left to keep, nothing is kept: that is beaten.
        let worse = |error: &Option<f64>| error.is_none_or(|e| own < e);
        !errors.is_empty() && errors.iter().all(worse)
    });
    Control {
        name: Against::Control(control.kind),
        errors,
        edges_needed,
        p: None,
        beaten,
    }
}

/// The largest circuit of the sweep with at most so many edges.
pub fn at_size(circuit: &Circuit, edges: usize) -> Option<&SweepPoint> {
    let fits = |point: &&SweepPoint| point.edges_kept <= edges;
    circuit.sweep.iter().rev().find(fits)
}

/// |1 − faithfulness| of the largest circuit with at most so many edges.
pub fn error_at_size(circuit: &Circuit, edges: usize) -> Option<f64> {
    Some((1.0 - at_size(circuit, edges)?.faithfulness?).abs())
}

/// The fewest edges of the sweep with |1 − faithfulness| ≤ `within`.
pub fn edges_for(circuit: &Circuit, within: f64) -> Option<&SweepPoint> {
    let near = |point: &&SweepPoint| {
        point
            .faithfulness
            .is_some_and(|f| (1.0 - f).abs() <= within)
    };
    circuit.sweep.iter().find(near)
}
