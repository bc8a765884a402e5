//! Circuits as files for other tools: EAP-IG's graph JSON, GraphML, Graphviz, attribution
//! graphs.
//!
//! JSON holds every scored edge, kept or not; GraphML and DOT hold the circuit
//! alone.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use crate::ErrorKind;
use crate::error::Result;
use crate::escape::{markup, visible};
use crate::report::attribution_graph::attribution_graph;
use crate::report::{save, write_error};
use crate::result::{Audit, Circuit, GraphJson};

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Export {
    /// EAP-IG's graph JSON, which MIB reads too: `graph.json`.
    Json,
    /// GraphML: `graph.graphml`.
    Graphml,
    /// Graphviz: `graph.dot`.
    Dot,
    /// The attribution graphs of circuit-tracer and Neuronpedia: `attribution-graph.json`.
    Neuronpedia,
    /// MIB's circuit localisation track: a folder per method, in it a folder
    /// `TASK_MODEL` with the scores, `importances.json`.
    Mib,
}

named! {
    Export: "format" {
        Json = "json",
        Graphml = "graphml",
        Dot = "dot",
        Neuronpedia = "neuronpedia",
        Mib = "mib",
    }
}

impl Export {
    /// The name of the file of a single circuit.
    fn file(self) -> (&'static str, &'static str) {
        match self {
            Self::Json => ("graph", "json"),
            Self::Graphml => ("graph", "graphml"),
            Self::Dot => ("graph", "dot"),
            Self::Neuronpedia => ("attribution-graph", "json"),
            Self::Mib => ("importances", "json"),
        }
    }
}

/// Writes every circuit of a result in every format into `dir`. A single
/// circuit is `graph.json`; of several, each has its output and method in its
/// name.
///
/// # Errors
/// [`crate::ErrorKind::Write`] with the file that could not be written, and
/// [`crate::ErrorKind::Grouped`] where MIB would take shared keys for those of one head.
pub fn write(audit: &Audit, graphs: &[GraphJson], exports: &[Export], dir: &Path) -> Result<()> {
    for export in exports {
        for (index, graph) in graphs.iter().enumerate().take(audit.circuits.len()) {
            let circuit = &audit.circuits[index];
            let is_grouped = graph.cfg.is_some_and(|cfg| cfg.n_key_value_heads.is_some());
            if *export == Export::Mib && is_grouped {
                return Err(ErrorKind::Grouped.at(Path::new(&audit.checkpoint.path)));
            }
            let path = match export {
                Export::Mib => mib_path(audit, index, dir)?,
                _ => dir.join(file_name(&audit.circuits, index, *export)),
            };
            match export {
                Export::Json | Export::Mib => json(graph, &path)?,
                Export::Neuronpedia => json(&attribution_graph(audit, circuit), &path)?,
                Export::Graphml => save(&path, graphml(circuit))?,
                Export::Dot => save(&path, dot(circuit))?,
            }
        }
    }
    Ok(())
}

/// `graph.json` of a single circuit, `graph-y0-exact.json` of one of several.
fn file_name(circuits: &[Circuit], index: usize, export: Export) -> String {
    let (stem, extension) = export.file();
    if circuits.len() == 1 {
        return format!("{stem}.{extension}");
    }
    format!("{stem}-{}.{extension}", own_name(circuits, index))
}

/// Output and method of a circuit, with a number where those are not enough.
fn own_name(circuits: &[Circuit], index: usize) -> String {
    let name = |circuit: &Circuit| format!("{}-{}", circuit.output, circuit.method);
    let own = name(&circuits[index]);
    match circuits[..index].iter().filter(|c| name(c) == own).count() {
        0 => own,
        earlier => format!("{own}-{}", earlier + 1),
    }
}

/// `mib/OUTPUT-METHOD_FILL_LEVEL/TASK_MODEL/importances.json`
fn mib_path(audit: &Audit, index: usize, dir: &Path) -> Result<PathBuf> {
    let circuit = &audit.circuits[index];
    let method = own_name(&audit.circuits, index);
    let model = Path::new(&audit.checkpoint.path);
    let of_path = |path: Option<&Path>| {
        let name = path.and_then(Path::file_name);
        name.map(|name| name.to_string_lossy().into_owned())
    };
    let model = of_path(model.parent()).or_else(|| of_path(Some(model)));
    let task = audit.checkpoint.task.as_deref().unwrap_or("task");
    let plain = |text: &str| -> String {
        let keep = |c: char| {
            if c.is_alphanumeric() || "-.".contains(c) {
                c
            } else {
                '-'
            }
        };
        text.chars().map(keep).collect()
    };
    let method = format!(
        "{}_{}_{}",
        plain(&method),
        circuit.fill.name(),
        circuit.level.name()
    );
    let cell = format!("{}_{}", plain(task), plain(&model.unwrap_or_default()));
    let folder = crate::report::folder(dir, "mib")?;
    let folder = crate::report::folder(&crate::report::folder(&folder, &method)?, &cell)?;
    Ok(folder.join("importances.json"))
}

fn json(graph: &impl serde::Serialize, path: &Path) -> Result<()> {
    let write = || {
        let mut to = BufWriter::new(File::create(path)?);
        serde_json::to_writer_pretty(&mut to, graph)?;
        to.write_all(b"\n")?;
        to.flush()
    };
    write().map_err(|source| write_error(path, source))
}

/// The sites of a circuit: heads' three inputs are one node.
fn nodes(circuit: &Circuit) -> Vec<&str> {
    let ends = circuit.edges.iter().flat_map(|e| [&e.from, &e.to]);
    let mut nodes: Vec<&str> = ends.map(|end| node(end)).collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

/// `a0.h1` of `a0.h1<q>`
fn node(end: &str) -> &str {
    end.split('<').next().unwrap_or(end)
}

/// `q` of `a0.h1<q>`, nothing of others.
fn letter(end: &str) -> &str {
    let inside = end.split_once('<').map(|(_, rest)| rest);
    inside.map_or("", |rest| rest.trim_end_matches('>'))
}

/// GraphML 1.0: nodes with names, edges with their effect and letter.
#[must_use]
pub fn graphml(circuit: &Circuit) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n\
         <key id=\"effect\" for=\"edge\" attr.name=\"effect\" attr.type=\"double\"/>\n\
         <key id=\"input\" for=\"edge\" attr.name=\"input\" attr.type=\"string\"/>\n\
         <graph edgedefault=\"directed\">\n",
    );
    for node in nodes(circuit) {
        let _ = writeln!(text, "<node id=\"{}\"/>", markup(node));
    }
    for edge in &circuit.edges {
        let _ = writeln!(
            text,
            "<edge source=\"{}\" target=\"{}\"><data key=\"effect\">{}</data><data key=\"input\">{}</data></edge>",
            markup(node(&edge.from)),
            markup(node(&edge.to)),
            edge.effect,
            markup(letter(&edge.to)),
        );
    }
    text + "</graph>\n</graphml>\n"
}

/// Graphviz: edges as wide as their share of the largest effect.
#[must_use]
pub fn dot(circuit: &Circuit) -> String {
    let largest = circuit
        .edges
        .iter()
        .fold(0.0_f64, |m, e| m.max(e.effect.abs()));
    let mut text = String::from("digraph circuit {\n  rankdir=BT;\n  node [shape=box];\n");
    for node in nodes(circuit) {
        let _ = writeln!(text, "  {};", quoted(node));
    }
    for edge in &circuit.edges {
        let share = if largest > 0.0 {
            edge.effect.abs() / largest
        } else {
            0.0
        };
        let _ = writeln!(
            text,
            "  {} -> {} [label={}, penwidth={:.2}, tooltip=\"{}\"];",
            quoted(node(&edge.from)),
            quoted(node(&edge.to)),
            quoted(letter(&edge.to)),
            0.5 + 4.5 * share,
            edge.effect,
        );
    }
    text + "}\n"
}

fn quoted(text: &str) -> String {
    let text = visible(text).replace('\\', "\\\\");
    format!("\"{}\"", text.replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use crate::result::CircuitEdge;

    fn circuit() -> Circuit {
        let edge = |from: &str, to: &str, effect| CircuitEdge {
            from: from.to_owned(),
            to: to.to_owned(),
            effect,
        };
        let mut circuit = sample::audit().circuits[0].clone();
        circuit.edges = vec![
            edge("input", "a0.h1<q>", 2.0),
            edge("a0.h1", "logits", -1.0),
        ]
        .into();
        circuit
    }

    #[test]
    fn a_head_is_one_node_and_its_letters_are_on_the_edges() {
        assert_eq!(nodes(&circuit()), ["a0.h1", "input", "logits"]);
        let text = dot(&circuit());
        assert!(
            text.contains("\"input\" -> \"a0.h1\" [label=\"q\", penwidth=5.00"),
            "{text}"
        );
        assert!(
            text.contains("\"a0.h1\" -> \"logits\" [label=\"\", penwidth=2.75"),
            "{text}"
        );
        let text = graphml(&circuit());
        assert!(
            text.contains("<edge source=\"input\" target=\"a0.h1\"><data key=\"effect\">2</data>")
        );
        assert_eq!(text.matches("<node ").count(), 3);
    }

    #[test]
    fn several_circuits_have_names_of_their_own() {
        let dir = tempfile::tempdir().unwrap();
        let graph = GraphJson {
            cfg: None,
            nodes: indexmap::IndexMap::new(),
            edges: indexmap::IndexMap::new(),
        };
        let mut audit = sample::audit();
        audit.checkpoint.path = "runs/a model/model.safetensors".to_owned();
        audit.checkpoint.task = Some("ioi".to_owned());
        audit.circuits = vec![circuit(), circuit()];
        let graphs = vec![graph.clone(), graph];
        let all = [Export::Json, Export::Dot, Export::Mib];
        write(&audit, &graphs, &all, dir.path()).unwrap();
        let (output, method) = (audit.circuits[0].output.clone(), audit.circuits[0].method);
        let cell = format!(
            "mib/{output}-{method}-2_{}_edge/ioi_a-model",
            audit.circuits[0].fill
        );
        assert!(dir.path().join(cell).join("importances.json").is_file());
        audit.circuits.truncate(1);
        write(&audit, &graphs, &[Export::Graphml], dir.path()).unwrap();
        let mut names: Vec<String> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        let first = format!("graph-{output}-{method}.json");
        assert!(
            names.contains(&first) && names.contains(&"graph.graphml".to_owned()),
            "{names:?}"
        );
        assert_eq!(names.len(), 6, "{names:?}");
    }
}
