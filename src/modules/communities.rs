//! Which node belongs to which module, numbered in one way.

/// A partition of the nodes that have edges; isolated nodes belong to no module.
///
/// Modules are numbered from 0 by size, largest first; of two equally large
/// ones the one with the smaller node comes first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Communities {
    /// The module of each node; `None` for nodes that are set aside.
    pub of: Vec<Option<usize>>,
    /// Number of modules.
    pub count: usize,
}

impl Communities {
    /// The partition with any labels, renumbered; nodes without a label are set aside.
    ///
    /// O(nodes · log nodes).
    ///
    /// ```
    /// use modscope::modules::Communities;
    /// let modules = Communities::from_labels(&[Some(7), None, Some(3), Some(3)]);
    /// assert_eq!((modules.of, modules.count), (vec![Some(1), None, Some(0), Some(0)], 2));
    /// ```
    #[must_use]
    pub fn from_labels(labels: &[Option<usize>]) -> Self {
        let mut labelled: Vec<(usize, usize)> = labels
            .iter()
            .enumerate()
            .filter_map(|(node, label)| label.map(|label| (label, node)))
            .collect();
        labelled.sort_unstable();
        let mut groups: Vec<&[(usize, usize)]> = labelled.chunk_by(|a, b| a.0 == b.0).collect();
        groups.sort_by_key(|group| (std::cmp::Reverse(group.len()), group.first().map(|p| p.1)));
        let mut of = vec![None; labels.len()];
        for (module, group) in groups.iter().enumerate() {
            for &(_, node) in *group {
                of[node] = Some(module);
            }
        }
        Self {
            of,
            count: groups.len(),
        }
    }

    /// The nodes of each module, by number.
    #[must_use]
    pub fn members(&self) -> Vec<Vec<usize>> {
        let mut members = vec![Vec::new(); self.count];
        for (node, module) in self.of.iter().enumerate() {
            if let Some(module) = module {
                members[*module].push(node);
            }
        }
        members
    }

    /// Number of nodes in a module.
    #[must_use]
    pub fn assigned(&self) -> usize {
        self.of.iter().flatten().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_smallest_node() {
        let modules = Communities::from_labels(&[Some(5), Some(1), Some(1), Some(5), None]);
        assert_eq!(modules.of, [Some(0), Some(1), Some(1), Some(0), None]);
        assert_eq!(modules.members(), [vec![0, 3], vec![1, 2]]);
        assert_eq!((modules.count, modules.assigned()), (2, 4));
    }
}
