//! First-order estimates against exact effects.

use super::{Attribution, attribute, component_effects, component_node_effects};
use crate::metric::Metric;
use crate::patch::component::tests::{batch, models, setup};
use crate::patch::{ComponentEngine, Fill};

#[test]
fn small_patches_have_their_first_order_effect_at_every_edge() {
    for model in models() {
        for positions in [vec![3], vec![0, 1, 2, 3]] {
            let batch = batch(&positions, 1e-6);
            let engine =
                ComponentEngine::new(&model, &batch, setup(Fill::Corrupted, false)).unwrap();
            let edges: Vec<usize> = (0..engine.sites().edge_count()).collect();
            let classes = (0..engine.readings()).map(|r| r % 3).collect();
            let metric = Metric::CrossEntropy { classes };
            let exact = component_effects(&engine, &metric, &edges);
            let first_order = attribute(&engine, &metric, Attribution::Eap);
            let scale = exact.iter().fold(0.0_f64, |m, e| m.max(e.abs()));
            for edge in edges {
                let error = (exact[edge] - first_order[edge]).abs() / scale;
                let name = engine.sites().edge_name(edge);
                assert!(error < 1e-4, "{name}: {error:e} of {scale:e}");
            }
        }
    }
}

#[test]
fn the_last_mlp_as_a_node_is_its_only_edge() {
    let model = &models()[0];
    let batch = batch(&[1, 3], 1.0);
    let engine = ComponentEngine::new(model, &batch, setup(Fill::Corrupted, true)).unwrap();
    let sites = engine.sites();
    let metric = Metric::Output { output: 1 };
    let nodes = component_node_effects(&engine, &metric);
    assert_eq!(nodes.len(), sites.writer_count());
    let edge = sites.edge_named("m2->logits").unwrap();
    let effect = component_effects(&engine, &metric, &[edge])[0];
    assert!(effect.abs() > 1e-3);
    assert_eq!(nodes[sites.writer_count() - 1], effect);
}
