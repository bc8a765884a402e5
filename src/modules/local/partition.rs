//! The communities of one level while nodes move.

use super::Level;

/// Which community each node is in, and what each community weighs.
pub(in crate::modules) struct Partition {
    pub(in crate::modules) of: Vec<u32>,
    /// Sum of the masses in each community.
    mass: Vec<f64>,
    /// Number of nodes in each community.
    size: Vec<u32>,
    /// Communities without nodes; some may have been filled again since.
    empty: Vec<u32>,
    count: usize,
}

impl Partition {
    /// Labels are below the number of nodes.
    pub(in crate::modules) fn new(level: &Level, of: Vec<u32>) -> Self {
        let (mut mass, mut size) = (vec![0.0; level.len()], vec![0; level.len()]);
        for (label, node_mass) in of.iter().zip(&level.mass) {
            mass[*label as usize] += node_mass;
            size[*label as usize] += 1;
        }
        // The smallest is taken first, so that labels stay below the number of communities.
        let labels = (0..level.len() as u32).rev();
        let empty: Vec<u32> = labels.filter(|label| size[*label as usize] == 0).collect();
        let count = level.len() - empty.len();
        Self {
            of,
            mass,
            size,
            empty,
            count,
        }
    }

    /// Labels in use are below this.
    pub(in crate::modules) fn labels(&self) -> usize {
        let used = |label: &usize| self.size[*label] > 0;
        (0..self.size.len()).rev().find(used).map_or(0, |l| l + 1)
    }

    /// Whether a community has no nodes.
    #[inline]
    pub(in crate::modules) fn is_empty(&self, label: u32) -> bool {
        self.size[label as usize] == 0
    }

    /// Number of communities with nodes.
    pub(in crate::modules) fn count(&self) -> usize {
        self.count
    }

    /// Sum of the masses in a community.
    #[inline]
    pub(in crate::modules) fn mass(&self, label: u32) -> f64 {
        self.mass[label as usize]
    }

    /// Whether a node is alone in its community.
    pub(in crate::modules) fn is_alone(&self, node: u32) -> bool {
        self.size[self.of[node as usize] as usize] == 1
    }

    /// A community without nodes; there is one unless every node is alone.
    pub(in crate::modules) fn empty(&self) -> Option<u32> {
        self.empty.last().copied()
    }

    /// Moves a node of `mass` to the community `to`.
    pub(in crate::modules) fn move_node(&mut self, node: u32, mass: f64, to: u32) {
        let from = std::mem::replace(&mut self.of[node as usize], to);
        self.mass[from as usize] -= mass;
        self.size[from as usize] -= 1;
        if self.size[to as usize] == 0 {
            self.empty.pop();
            self.count += 1;
        }
        self.mass[to as usize] += mass;
        self.size[to as usize] += 1;
        if self.size[from as usize] == 0 {
            self.mass[from as usize] = 0.0;
            self.empty.push(from);
            self.count -= 1;
        }
    }
}
