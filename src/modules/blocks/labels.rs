//! Which group each node is in, and which groups are open to it.

/// The groups of nodes; nodes of different kinds have different groups.
#[derive(Clone)]
pub(super) struct Labels {
    pub(super) of: Vec<u32>,
    kind: std::sync::Arc<[u32]>,
    /// Nodes per group.
    sizes: Vec<u32>,
    /// Groups with nodes, by kind.
    used: Vec<Vec<u32>>,
    /// Groups without, by kind.
    empty: Vec<Vec<u32>>,
    /// Where a group stands in its list.
    place: Vec<u32>,
    count: usize,
}

impl Labels {
    /// Groups as numbered by `start`, which are made fewer where a kind has more than `most`.
    ///
    /// A kind has as many groups as it has nodes, up to `most` of all kinds together, and
    /// at least two.
    pub(super) fn new(kind: &[u32], start: &[u32], most: usize) -> Self {
        let kinds = kind.iter().max().map_or(0, |last| *last as usize + 1);
        let mut nodes = vec![0usize; kinds];
        kind.iter().for_each(|kind| nodes[*kind as usize] += 1);
        let mut first = vec![0usize];
        for n in &nodes {
            let share = (n * most).div_ceil(kind.len().max(1));
            first.push(first[first.len() - 1] + share.min(*n).max(2));
        }
        let slots = first[kinds];
        let of = numbered(kind, start, &first);
        let mut labels = Self {
            sizes: vec![0; slots],
            used: vec![Vec::new(); kinds],
            empty: vec![Vec::new(); kinds],
            place: vec![0; slots],
            count: 0,
            kind: kind.into(),
            of,
        };
        labels
            .of
            .iter()
            .for_each(|label| labels.sizes[*label as usize] += 1);
        for kind in 0..kinds {
            for label in first[kind]..first[kind + 1] {
                let list = match labels.sizes[label] {
                    0 => &mut labels.empty[kind],
                    _ => &mut labels.used[kind],
                };
                labels.place[label] = list.len() as u32;
                list.push(label as u32);
            }
            labels.count += labels.used[kind].len();
        }
        labels
    }

    /// Number of groups that there could be.
    pub(super) fn slots(&self) -> usize {
        self.sizes.len()
    }

    /// Number of groups with nodes.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn kinds(&self) -> usize {
        self.used.len()
    }

    pub(super) fn kind(&self, node: u32) -> usize {
        self.kind[node as usize] as usize
    }

    #[inline]
    pub(super) fn size(&self, label: u32) -> usize {
        self.sizes[label as usize] as usize
    }

    /// Groups with nodes of a kind.
    pub(super) fn used(&self, kind: usize) -> &[u32] {
        &self.used[kind]
    }

    /// A group of a kind without nodes.
    pub(super) fn spare(&self, kind: usize) -> Option<u32> {
        self.empty[kind].last().copied()
    }

    pub(super) fn put(&mut self, node: u32, to: u32) {
        let kind = self.kind(node);
        let from = std::mem::replace(&mut self.of[node as usize], to);
        if self.sizes[to as usize] == 0 {
            shift(
                &mut self.place,
                to,
                &mut self.empty[kind],
                &mut self.used[kind],
            );
            self.count += 1;
        }
        self.sizes[to as usize] += 1;
        self.sizes[from as usize] -= 1;
        if self.sizes[from as usize] == 0 {
            shift(
                &mut self.place,
                from,
                &mut self.used[kind],
                &mut self.empty[kind],
            );
            self.count -= 1;
        }
    }
}

/// Takes a group from one list to the other.
fn shift(place: &mut [u32], label: u32, from: &mut Vec<u32>, to: &mut Vec<u32>) {
    let at = place[label as usize];
    from.swap_remove(at as usize);
    if let Some(moved) = from.get(at as usize) {
        place[*moved as usize] = at;
    }
    place[label as usize] = to.len() as u32;
    to.push(label);
}

/// The groups of every kind numbered from its first slot, in the order of their first nodes.
fn numbered(kind: &[u32], start: &[u32], first: &[usize]) -> Vec<u32> {
    let mut numbers = std::collections::BTreeMap::new();
    let mut next = vec![0usize; first.len()];
    let each = kind.iter().zip(start).map(|(kind, start)| {
        let kind = *kind as usize;
        let number = *numbers.entry((kind, *start)).or_insert_with(|| {
            next[kind] += 1;
            next[kind] - 1
        });
        (first[kind] + number % (first[kind + 1] - first[kind])) as u32
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_fill_and_empty() {
        let mut labels = Labels::new(&[0, 0, 0, 1], &[7, 8, 7, 7], 100);
        assert_eq!(
            (labels.of.as_slice(), labels.count()),
            ([0, 1, 0, 3].as_slice(), 3)
        );
        assert_eq!((labels.spare(0), labels.spare(1)), (Some(2), Some(4)));
        labels.put(1, 0);
        assert_eq!(
            (labels.used(0), labels.count(), labels.size(0)),
            ([0].as_slice(), 2, 3)
        );
        labels.put(0, 2);
        assert_eq!(labels.used(0), [0, 2]);
        assert_eq!(Labels::new(&[0; 4], &[0, 1, 2, 3], 2).of, [0, 1, 0, 1]);
    }
}
