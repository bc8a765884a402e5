//! The tables of a multiverse.

use std::io;
use std::path::Path;

use crate::result::Multiverse;

/// Writes `edges.csv` (support of every edge, by answer and size) and `analyses.csv` (one
/// row per analysis).
///
/// # Errors
/// If a file cannot be written.
pub fn write(result: &Multiverse, folder: &Path) -> io::Result<()> {
    let mut edges = csv::Writer::from_path(folder.join("edges.csv"))?;
    edges.write_record(["output", "size", "from", "to", "share", "modal"])?;
    for answer in &result.answers {
        for of in &answer.sizes {
            for edge in &of.edges {
                let (size, share) = (of.size.to_string(), edge.share.to_string());
                let modal = edge.modal.to_string();
                let row = [&answer.output, &size, &edge.from, &edge.to, &share, &modal];
                edges.write_record(row)?;
            }
        }
    }
    edges.flush()?;
    let mut analyses = csv::Writer::from_path(folder.join("analyses.csv"))?;
    analyses.write_record([
        "output", "method", "fill", "metric", "size", "samples", "overlap",
    ])?;
    for answer in &result.answers {
        for one in &answer.curve {
            analyses.write_record([
                &answer.output,
                one.method.name(),
                one.fill.name(),
                one.metric.name(),
                &one.size.to_string(),
                &one.samples.to_string(),
                &one.overlap.to_string(),
            ])?;
        }
    }
    analyses.flush()
}
