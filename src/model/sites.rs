//! Sites and edges of a layered network, as numbers and as names.
//!
//! Sites are numbered layer by layer, inputs first; edges layer by layer, row
//! by row of the weight matrices. Both numbers are positions in flat arrays.

/// The sites and edges of an MLP, given by the widths of its layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sites {
    widths: Vec<usize>,
    site_offsets: Vec<usize>,
    edge_offsets: Vec<usize>,
}

/// One weight: from site `from` of layer `layer` to site `to` of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    /// Layer of the writer, 0 for the inputs.
    pub layer: usize,
    /// Position of the reader in layer `layer + 1`.
    pub to: usize,
    /// Position of the writer in layer `layer`.
    pub from: usize,
}

impl Sites {
    /// Sites of a network with layers of these widths, inputs first.
    #[must_use]
    pub fn new(widths: Vec<usize>) -> Self {
        let mut site_offsets = vec![0];
        let mut edge_offsets = vec![0];
        for (layer, width) in widths.iter().enumerate() {
            site_offsets.push(site_offsets[layer] + width);
            let next = widths.get(layer + 1).copied().unwrap_or(0);
            edge_offsets.push(edge_offsets[layer] + width * next);
        }
        Self {
            widths,
            site_offsets,
            edge_offsets,
        }
    }

    /// Width of every layer, inputs first.
    #[must_use]
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// Number of linear layers.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.widths.len().saturating_sub(1)
    }

    /// Number of sites.
    #[must_use]
    pub fn site_count(&self) -> usize {
        self.site_offsets[self.widths.len()]
    }

    /// Number of edges.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.edge_offsets[self.widths.len()]
    }

    /// The number of a site.
    #[must_use]
    pub fn site(&self, layer: usize, position: usize) -> usize {
        self.site_offsets[layer] + position
    }

    /// Layer and position of a site.
    #[must_use]
    pub fn place(&self, site: usize) -> (usize, usize) {
        let layer = self.site_offsets.partition_point(|offset| *offset <= site) - 1;
        (layer, site - self.site_offsets[layer])
    }

    /// The number of an edge.
    #[must_use]
    pub fn edge(&self, edge: Edge) -> usize {
        self.edge_offsets[edge.layer] + edge.to * self.widths[edge.layer] + edge.from
    }

    /// The edge with this number.
    #[must_use]
    pub fn edge_at(&self, number: usize) -> Edge {
        let layer = self
            .edge_offsets
            .partition_point(|offset| *offset <= number)
            - 1;
        let inside = number - self.edge_offsets[layer];
        Edge {
            layer,
            to: inside / self.widths[layer],
            from: inside % self.widths[layer],
        }
    }

    /// The numbers of the edges out of layer `layer`.
    #[must_use]
    pub fn edges_of_layer(&self, layer: usize) -> std::ops::Range<usize> {
        self.edge_offsets[layer]..self.edge_offsets[layer + 1]
    }

    /// The numbers of the edges into one site of layer `layer + 1`.
    #[must_use]
    pub fn edges_into(&self, layer: usize, to: usize) -> std::ops::Range<usize> {
        let start = self.edge(Edge { layer, to, from: 0 });
        start..start + self.widths[layer]
    }

    /// The numbers of the edges out of one site.
    pub fn edges_out_of(&self, layer: usize, from: usize) -> impl Iterator<Item = usize> + '_ {
        let readers = self.widths.get(layer + 1).copied().unwrap_or(0);
        (0..readers).map(move |to| self.edge(Edge { layer, to, from }))
    }

    /// `x{i}` for inputs, `h{l}.{j}` for hidden layer l from 1, `y{k}` for outputs.
    #[must_use]
    pub fn name(&self, layer: usize, position: usize) -> String {
        if layer == 0 {
            format!("x{position}")
        } else if layer + 1 == self.widths.len() {
            format!("y{position}")
        } else {
            format!("h{layer}.{position}")
        }
    }

    /// The names of all sites, by number.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        (0..self.site_count())
            .map(|site| {
                let (layer, position) = self.place(site);
                self.name(layer, position)
            })
            .collect()
    }

    /// Names of an edge's writer and reader.
    #[must_use]
    pub fn edge_names(&self, number: usize) -> (String, String) {
        let edge = self.edge_at(number);
        (
            self.name(edge.layer, edge.from),
            self.name(edge.layer + 1, edge.to),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_places_round_trip() {
        let sites = Sites::new(vec![4, 3, 2]);
        assert_eq!((sites.site_count(), sites.edge_count()), (9, 18));
        for number in 0..sites.edge_count() {
            assert_eq!(sites.edge(sites.edge_at(number)), number);
        }
        for site in 0..sites.site_count() {
            let (layer, position) = sites.place(site);
            assert_eq!(sites.site(layer, position), site);
        }
        assert_eq!(sites.edges_into(1, 1), 15..18);
        assert_eq!(sites.edges_out_of(1, 2).collect::<Vec<_>>(), [14, 17]);
        assert_eq!(sites.edges_out_of(2, 0).count(), 0);
    }

    #[test]
    fn names_follow_the_design() {
        let sites = Sites::new(vec![1, 2, 1]);
        assert_eq!(sites.names(), ["x0", "h1.0", "h1.1", "y0"]);
        assert_eq!(sites.edge_names(1), ("x0".into(), "h1.1".into()));
    }
}
