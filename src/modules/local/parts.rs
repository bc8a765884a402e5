//! Parts of a graph: what becomes the nodes of the next smaller one.

use std::collections::HashMap;

use super::Partition;

/// The parts that become the nodes of the next level.
pub(in crate::modules) struct Parts {
    /// The part of each node.
    pub(in crate::modules) of: Vec<u32>,
    pub(in crate::modules) count: usize,
}

impl Parts {
    /// Parts numbered in the order of their first nodes.
    pub(in crate::modules) fn from_labels(labels: &[u32]) -> Self {
        let mut number = vec![u32::MAX; labels.len()];
        let mut count = 0;
        let mut of = Vec::with_capacity(labels.len());
        for label in labels {
            let number = &mut number[*label as usize];
            if *number == u32::MAX {
                *number = count;
                count += 1;
            }
            of.push(*number);
        }
        Self {
            of,
            count: count as usize,
        }
    }

    /// What lies together in both of two partitions.
    pub(in crate::modules) fn overlay(one: &[u32], other: &[u32]) -> Self {
        let mut number = HashMap::new();
        let labels = one.iter().zip(other).map(|pair| {
            let next = number.len() as u32;
            *number.entry(pair).or_insert(next)
        });
        let of: Vec<u32> = labels.collect();
        Self {
            of,
            count: number.len(),
        }
    }

    /// All nodes by part, and where in that list each part begins and the last one ends.
    pub(in crate::modules) fn members(&self) -> (Vec<u32>, Vec<usize>) {
        let mut starts = vec![0; self.count + 1];
        for part in &self.of {
            starts[*part as usize + 1] += 1;
        }
        for part in 0..self.count {
            starts[part + 1] += starts[part];
        }
        let mut next = starts.clone();
        let mut nodes = vec![0; self.of.len()];
        for (node, part) in self.of.iter().enumerate() {
            let slot = &mut next[*part as usize];
            nodes[*slot] = node as u32;
            *slot += 1;
        }
        (nodes, starts)
    }

    /// The community of each part, numbered from 0.
    pub(in crate::modules) fn lift(&self, partition: &Partition) -> Vec<u32> {
        let mut community = vec![0; self.count];
        for (part, label) in self.of.iter().zip(&partition.of) {
            community[*part as usize] = *label;
        }
        let mut number = vec![u32::MAX; partition.of.len()];
        let mut next = 0;
        for label in &mut community {
            let number = &mut number[*label as usize];
            if *number == u32::MAX {
                *number = next;
                next += 1;
            }
            *label = *number;
        }
        community
    }
}
