//! Weighted graphs from files: GraphML, and tables with an edge a line.
//!
//! Edges have no direction here, and weigh |w|; parallel ones add up. Nothing is guessed: a
//! table has the columns `from`, `to` and, if edges do not all weigh 1, `weight`; in GraphML
//! the weight is the attribute `weight` or, as this tool writes circuits, `effect`.

use std::collections::HashMap;
use std::path::Path;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::Adjacency;
use crate::{Error, ErrorKind, Result};

/// Names of columns for the ends and the weight of an edge.
const COLUMNS: [&[&str]; 3] = [
    &["from", "source"],
    &["to", "target"],
    &["weight", "effect"],
];

/// Attributes of GraphML that are an edge's weight.
const WEIGHTS: [&str; 2] = ["weight", "effect"];

/// The most nodes of a graph: they are numbered in 32 bits.
const MOST_NODES: usize = u32::MAX as usize;

/// A graph and the names of its nodes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NamedGraph {
    /// By node, in the order in which the file names them.
    pub names: Vec<String>,
    /// Edges without direction, of |w|.
    pub graph: Adjacency,
    /// Edges that the file lists.
    pub listed: usize,
    /// Attributes of the file that say nothing of weights, and are not used.
    pub unused: Vec<String>,
}

/// Whether a file is a graph by the end of its name: `.graphml`, `.csv`, `.tsv`.
#[must_use]
pub fn is_graph(path: &Path) -> bool {
    let end = path.extension().and_then(|end| end.to_str());
    matches!(end, Some("graphml" | "csv" | "tsv"))
}

/// The graph that a file holds.
///
/// # Errors
/// [`ErrorKind::NotUtf8`]; [`ErrorKind::Graph`] with the line or element that is not understood:
/// columns of other names, a weight that is no finite number, an edge to a node that there is not.
pub fn read(path: &Path, bytes: &[u8]) -> Result<NamedGraph> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let position = error.valid_up_to();
        ErrorKind::NotUtf8 { position }.at(path)
    })?;
    let text = text.trim_start_matches('\u{feff}');
    let read = match path.extension().and_then(|end| end.to_str()) {
        Some("graphml") => graphml(text),
        _ => table(text),
    };
    read.map_err(|detail| ErrorKind::Graph { detail }.at(path))
        .and_then(|found| found.checked(path))
}

/// Edges while they are read.
#[derive(Default)]
struct Edges {
    number: HashMap<String, usize>,
    names: Vec<String>,
    edges: Vec<(usize, usize, f64)>,
    unused: Vec<String>,
}

impl Edges {
    /// The number of a node, a new one for a new name.
    fn node(&mut self, name: &str) -> usize {
        if let Some(number) = self.number.get(name) {
            return *number;
        }
        let number = self.names.len();
        self.number.insert(name.to_owned(), number);
        self.names.push(name.to_owned());
        number
    }

    fn checked(self, path: &Path) -> Result<NamedGraph, Error> {
        let none = |detail: &str| {
            let detail = detail.to_owned();
            Err(ErrorKind::Graph { detail }.at(path))
        };
        if self.edges.is_empty() {
            return none("it has no edges");
        }
        if self.names.len() > MOST_NODES {
            return none("it has more than 2³² nodes");
        }
        Ok(NamedGraph {
            graph: Adjacency::from_edges(self.names.len(), &self.edges),
            listed: self.edges.len(),
            names: self.names,
            unused: self.unused,
        })
    }
}

/// |w| of what stands for a weight.
fn weight(text: &str) -> Result<f64, String> {
    let value: Result<f64, _> = text.trim().parse();
    match value {
        Ok(value) if value.is_finite() => Ok(value.abs()),
        _ => Err(format!("the weight `{text}` is no finite number")),
    }
}

fn table(text: &str) -> Result<Edges, String> {
    let header = text.lines().next().unwrap_or_default();
    let separator = ['\t', ';'].into_iter().find(|s| header.contains(*s));
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator.map_or(b',', |s| s as u8))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| error.to_string())?;
    let [from, to, weighs] = columns(header)?;
    let (Some(from), Some(to)) = (from, to) else {
        return Err("the header has no columns `from` and `to`".to_owned());
    };
    let mut edges = Edges::default();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let at = |detail: String| {
            let line = record.position().map_or(0, csv::Position::line);
            format!("line {line}: {detail}")
        };
        let field = |column: usize| record.get(column).unwrap_or_default();
        let weight = weighs.map_or(Ok(1.0), |column| weight(field(column)));
        let ends = [from, to].map(|column| edges.node(field(column)));
        edges.edges.push((ends[0], ends[1], weight.map_err(at)?));
    }
    Ok(edges)
}

/// Which column is what; one of another name, or two of one meaning, are refused.
fn columns(header: &csv::StringRecord) -> Result<[Option<usize>; 3], String> {
    let mut found = [None; 3];
    for (column, name) in header.iter().enumerate() {
        let is_its = |names: &&[&str]| names.contains(&name);
        let Some(role) = COLUMNS.iter().position(is_its) else {
            return Err(format!(
                "the column `{name}` is not understood: an edge has `from`, `to` and `weight`"
            ));
        };
        if found[role].replace(column).is_some() {
            return Err(format!("two columns are the edge's `{}`", COLUMNS[role][0]));
        }
    }
    Ok(found)
}

/// Where in a GraphML file we are.
#[derive(Default)]
struct Cursor {
    /// Identifier of the attribute that is the weight.
    key: Option<String>,
    /// The edge that is open, with its weight if that was told.
    edge: Option<(usize, usize, Option<f64>)>,
    /// Whether the text of the open element is the weight.
    is_weight: bool,
}

fn graphml(text: &str) -> Result<Edges, String> {
    let mut reader = Reader::from_str(text);
    let (mut edges, mut cursor) = (Edges::default(), Cursor::default());
    loop {
        let event = reader.read_event();
        let at = |detail: String| format!("byte {}: {detail}", reader.buffer_position());
        match event.map_err(|error| at(error.to_string()))? {
            Event::Start(tag) => cursor.open(&tag, &mut edges).map_err(at)?,
            Event::Empty(tag) => {
                cursor.open(&tag, &mut edges).map_err(at)?;
                cursor.close(tag.local_name().as_ref(), &mut edges);
            }
            Event::Text(words) if cursor.is_weight => {
                let weight = weight(&words.xml10_content()).map_err(at)?;
                cursor.edge = cursor.edge.map(|(from, to, _)| (from, to, Some(weight)));
            }
            Event::End(tag) => cursor.close(tag.local_name().as_ref(), &mut edges),
            Event::Eof => break,
            _ => {}
        }
    }
    match cursor.edge {
        Some(_) => Err("the file ends within an edge".to_owned()),
        None => Ok(edges),
    }
}

impl Cursor {
    fn open(&mut self, tag: &BytesStart<'_>, edges: &mut Edges) -> Result<(), String> {
        match tag.local_name().as_ref() {
            "key" => self.key(tag, edges),
            "node" => edges_node(tag, edges),
            "edge" => {
                let end = |name| {
                    let id = attribute(tag, name)?;
                    id.ok_or_else(|| format!("an edge has no `{name}`"))
                };
                let [from, to] = [end("source")?, end("target")?];
                self.edge = Some((edges.node(&from), edges.node(&to), None));
                Ok(())
            }
            "data" => {
                let key = attribute(tag, "key")?;
                self.is_weight = self.edge.is_some() && key.is_some() && key == self.key;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// An attribute is declared: it is the weight, or not used.
    fn key(&mut self, tag: &BytesStart<'_>, edges: &mut Edges) -> Result<(), String> {
        let name = attribute(tag, "attr.name")?.unwrap_or_default();
        let is_of_edges = attribute(tag, "for")?.is_none_or(|of| of == "edge" || of == "all");
        if !is_of_edges || !WEIGHTS.contains(&name.as_str()) {
            edges.unused.push(name);
            return Ok(());
        }
        match self.key.replace(attribute(tag, "id")?.unwrap_or_default()) {
            Some(_) => Err("two attributes of edges are weights".to_owned()),
            None => Ok(()),
        }
    }

    fn close(&mut self, tag: &str, edges: &mut Edges) {
        match (tag, self.edge) {
            ("edge", Some((from, to, weight))) => {
                edges.edges.push((from, to, weight.unwrap_or(1.0)));
                self.edge = None;
            }
            ("data", _) => self.is_weight = false,
            _ => {}
        }
    }
}

fn edges_node(tag: &BytesStart<'_>, edges: &mut Edges) -> Result<(), String> {
    let id = attribute(tag, "id")?;
    edges.node(&id.ok_or("a node has no `id`")?);
    Ok(())
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.key.as_ref() == name {
            let value = attribute.normalized_value(XmlVersion::Explicit1_0);
            return Ok(Some(value.map_err(|error| error.to_string())?.into_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(name: &str, text: &str) -> Result<NamedGraph, String> {
        read(Path::new(name), text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn edges_of_a_table() {
        for (name, text) in [
            ("a.csv", "from,to,weight\na,b,-2\nb,c,0.5\na,b,1\n"),
            (
                "a.tsv",
                "target\tweight\tsource\nb\t2\ta\nc\t0.5\tb\na\t1\tb\n",
            ),
            ("a.csv", "\u{feff}from;to;effect\na;b;3\nb; c ;.5\n"),
        ] {
            let found = of(name, text).unwrap();
            assert_eq!(found.graph.node_count(), 3, "{text}");
            let [a, b, c] = ["a", "b", "c"].map(|n| found.names.iter().position(|x| x == n));
            let edges: Vec<_> = found.graph.neighbours(b.unwrap()).collect();
            assert!(edges.contains(&(a.unwrap(), 3.0)), "{text}: {edges:?}");
            assert!(edges.contains(&(c.unwrap(), 0.5)), "{text}");
        }
        assert_eq!(of("a.csv", "from,to\na,b\n").unwrap().graph.total(), 1.0);
    }

    #[test]
    fn edges_of_graphml() {
        let text = r#"<?xml version="1.0"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns">
            <key id="k" for="edge" attr.name="weight" attr.type="double"/>
            <key id="n" for="node" attr.name="label" attr.type="string"/>
            <graph edgedefault="undirected"><node id="a &amp; b"/><node id="c"><data key="n">7</data></node>
            <node id="alone"/>
            <edge source="a &amp; b" target="c"><data key="k">-2.5</data><data key="n">9</data></edge>
            <edge source="c" target="d"/></graph></graphml>"#;
        let found = of("g.graphml", text).unwrap();
        assert_eq!(found.names, ["a & b", "c", "alone", "d"]);
        assert_eq!(found.unused, ["label"]);
        assert_eq!(
            found.graph.neighbours(1).collect::<Vec<_>>(),
            [(0, 2.5), (3, 1.0)]
        );
        assert!(found.graph.is_isolated(2));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (name, text, says) in [
            (
                "a.csv",
                "from,to,weight\na,b,x\n",
                "line 2: the weight `x` is no finite number",
            ),
            ("a.csv", "from,to,weight\na,b,NaN\n", "no finite number"),
            (
                "a.csv",
                "from,to,colour\na,b,1\n",
                "the column `colour` is not understood",
            ),
            (
                "a.csv",
                "from,source,to\na,b,c\n",
                "two columns are the edge's `from`",
            ),
            ("a.csv", "from,weight\na,1\n", "no columns `from` and `to`"),
            ("a.csv", "from,to\n", "it has no edges"),
            ("a.csv", "", "no columns"),
            ("a.csv", "from,to\na,b,c\n", "found record with 3 fields"),
            (
                "a.graphml",
                "<graphml><graph><edge source='a'/></graph></graphml>",
                "no `target`",
            ),
            (
                "a.graphml",
                "<graphml><graph><edge source='a' target='b'>",
                "within an edge",
            ),
            ("a.graphml", "<graphml><graph></nodes>", "byte"),
        ] {
            let refused = of(name, text).expect_err(text);
            assert!(refused.contains(says), "{text}: {refused}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_can_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for name in ["a.csv", "a.graphml"] {
                let _ = read(Path::new(name), &bytes);
            }
        }

        #[test]
        fn nor_can_any_tags(
            words in proptest::collection::vec("<(graphml|/graphml|key|edge|/edge|data|/data|node)( (id|source|target|key|for|attr.name)='[a-k&;]{0,3}')*/?>|[0-9.e-]{1,4}", 0..30),
        ) {
            let _ = read(Path::new("a.graphml"), words.concat().as_bytes());
        }
    }
}
