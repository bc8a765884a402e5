//! Values that several operators read: activations that exporters write as several
//! operators (see `pointwise`), and branches that meet again in a sum.

use std::collections::BTreeSet;

use serde_json::json;

use super::chain::Chain;

/// Branches within branches; a network has few, and a damaged file any number.
const DEEPEST: usize = 32;

impl Chain<'_> {
    /// Adds what the `readers` of a value do together; the value that they write.
    pub(super) fn branches(
        &mut self,
        value: &str,
        readers: &[usize],
    ) -> Result<Option<String>, String> {
        match self.pointwise(value, readers) {
            Some(found) => {
                self.used.extend(found.nodes);
                self.steps.push(json!({"op": found.activation}));
                Ok(self.output(found.last))
            }
            None => self.residual(value, readers),
        }
    }

    fn output(&self, node: usize) -> Option<String> {
        self.graph.nodes[node].outputs.first().cloned()
    }

    /// Whether a node adds a value to itself.
    pub(super) fn is_sum_of_itself(&self, node: usize) -> bool {
        let node = &self.graph.nodes[node];
        node.operator == "Add" && node.inputs.len() == 2 && node.inputs[0] == node.inputs[1]
    }

    /// Two branches of a value that meet in a sum.
    fn residual(&mut self, value: &str, readers: &[usize]) -> Result<Option<String>, String> {
        let Some((sum, branches)) = self.meeting(value, readers) else {
            let names = readers
                .iter()
                .map(|n| self.graph.nodes[*n].operator.as_str());
            let names: Vec<&str> = names.collect();
            return Err(format!(
                "value `{value}` goes to {}: branches are computed where two meet in a sum",
                names.join(" and ")
            ));
        };
        if self.depth == DEEPEST {
            return Err(format!("it has branches within branches, over {DEEPEST}"));
        }
        self.used.insert(sum);
        let ends = self.graph.nodes[sum].inputs.clone();
        let mut ways = Vec::with_capacity(2);
        for (nodes, end) in branches.into_iter().zip(&ends) {
            let outer = std::mem::replace(&mut self.within, nodes);
            let before = std::mem::take(&mut self.steps);
            self.depth += 1;
            let walked = self.walk(value, end);
            self.depth -= 1;
            ways.push(std::mem::replace(&mut self.steps, before));
            self.within = outer;
            walked?;
        }
        ways.sort_by_key(Vec::len);
        let layers = ways.pop().unwrap_or_default();
        self.steps
            .push(match ways.pop().filter(|way| !way.is_empty()) {
                None => json!({"op": "residual", "layers": layers}),
                Some(shortcut) => json!({"op": "residual", "layers": layers, "shortcut": shortcut}),
            });
        Ok(self.output(sum))
    }

    /// The first sum in which two branches of a value meet, and the nodes of each; all
    /// readers of the value belong to one of them.
    fn meeting(&self, value: &str, readers: &[usize]) -> Option<(usize, [BTreeSet<usize>; 2])> {
        let after = self.after(value);
        let of_sum = |sum: usize| {
            let node = &self.graph.nodes[sum];
            let [one, other] = node.inputs.as_slice() else {
                return None;
            };
            let branch = |end: &str| {
                let nodes = self.before(end, &after);
                (end == value || !nodes.is_empty()).then_some(nodes)
            };
            let (one, other) = (branch(one)?, branch(other)?);
            let whole = |n: &usize| *n == sum || one.contains(n) || other.contains(n);
            (one.is_disjoint(&other) && readers.iter().all(whole)).then_some((sum, [one, other]))
        };
        let sums = after.iter().copied();
        sums.filter(|n| self.graph.nodes[*n].operator == "Add" && !self.used.contains(n))
            .find_map(of_sum)
    }

    /// The nodes that read a value, or what comes of it.
    fn after(&self, value: &str) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut values = vec![value.to_owned()];
        while let Some(value) = values.pop() {
            for node in self.readers(&value) {
                if found.insert(node) {
                    values.extend(self.graph.nodes[node].outputs.iter().cloned());
                }
            }
        }
        found
    }

    /// Of some nodes, those that a value is made by.
    fn before(&self, value: &str, of: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut values = vec![value.to_owned()];
        while let Some(value) = values.pop() {
            let writes = |n: &&usize| self.graph.nodes[**n].outputs.contains(&value);
            if let Some(node) = of.iter().find(writes)
                && found.insert(*node)
            {
                values.extend(self.graph.nodes[*node].inputs.iter().cloned());
            }
        }
        found
    }
}
