//! How long communities take on planted, layered and random graphs.
//!
//! The same graphs as in `tests/suite/leiden.rs`, where their modularity is held against leidenalg's.

#[path = "../tests/suite/graphs/mod.rs"]
mod graphs;

use criterion::{Criterion, criterion_group, criterion_main};
use modscope::modules::independence::split_thresholds;
use modscope::modules::{LeidenConfig, leiden};
use std::hint::black_box;

fn communities(criterion: &mut Criterion) {
    let converged = LeidenConfig::default();
    let two_passes = LeidenConfig {
        max_passes: Some(2),
        ..converged
    };
    let graphs = [
        ("planted 0.3", graphs::planted(0.3)),
        ("planted 0.55", graphs::planted(0.55)),
        ("layered", graphs::layered().adjacency()),
        ("random", graphs::random()),
    ];
    let mut group = criterion.benchmark_group("leiden");
    group.sample_size(10);
    for (name, graph) in &graphs {
        group.bench_function(format!("{name}, 2 passes"), |bench| {
            bench.iter(|| leiden(black_box(graph), &two_passes));
        });
        group.bench_function(format!("{name}, converged"), |bench| {
            bench.iter(|| leiden(black_box(graph), &converged));
        });
    }
    group.finish();
    let layered = graphs::layered();
    criterion.bench_function("independence scan, layered", |bench| {
        bench.iter(|| split_thresholds(black_box(&layered)));
    });
}

criterion_group!(benches, communities);
criterion_main!(benches);
