//! Values that several operators read: activations that exporters write as several
//! operators, and branches that meet again in a sum.

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
        let last = self
            .silu(value, readers)
            .or_else(|| self.gelu(value, readers))
            .or_else(|| self.mish(value, readers));
        match last {
            Some(last) => Ok(self.output(last)),
            None => self.residual(value, readers),
        }
    }

    fn output(&self, node: usize) -> Option<String> {
        self.graph.nodes[node].outputs.first().cloned()
    }

    fn find(&self, operator: &str, input: &str) -> Option<usize> {
        let reads = |n: &&usize| {
            let node = &self.graph.nodes[**n];
            node.operator == operator && node.inputs.iter().any(|i| i == input)
        };
        self.within.iter().find(reads).copied()
    }

    /// Whether a node reads these two values and nothing else.
    fn is_of(&self, node: usize, values: [&str; 2]) -> bool {
        let inputs = self.graph.nodes[node].inputs.iter().map(String::as_str);
        inputs.collect::<BTreeSet<_>>() == BTreeSet::from(values)
    }

    /// `x · σ(x)`
    fn silu(&mut self, value: &str, readers: &[usize]) -> Option<usize> {
        let (gate, times) = (self.find("Sigmoid", value)?, self.find("Mul", value)?);
        let fits = readers.len() == 2 && self.is_of(times, [value, &self.output(gate)?]);
        fits.then(|| {
            self.used.extend([gate, times]);
            self.steps.push(json!({"op": "silu"}));
            times
        })
    }

    /// `x · tanh(softplus(x))`
    fn mish(&mut self, value: &str, readers: &[usize]) -> Option<usize> {
        let soft = self.find("Softplus", value)?;
        let gate = self.find("Tanh", &self.output(soft)?)?;
        let times = self.find("Mul", value)?;
        let fits = readers.len() == 2 && self.is_of(times, [value, &self.output(gate)?]);
        fits.then(|| {
            self.used.extend([soft, gate, times]);
            self.steps.push(json!({"op": "mish"}));
            times
        })
    }

    /// `x · (erf(x / √2) + 1) · ½`
    fn gelu(&mut self, value: &str, readers: &[usize]) -> Option<usize> {
        let divided = self.find("Div", value)?;
        let error = self.find("Erf", &self.output(divided)?)?;
        let plus = self.find("Add", &self.output(error)?)?;
        let times = self.find("Mul", &self.output(plus)?)?;
        let half = self.find("Mul", &self.output(times)?)?;
        let is = |node: usize, expected: f64| {
            let mut inputs = self.graph.nodes[node].inputs.iter();
            let constant = inputs.find_map(|i| self.graph.constants.get(i));
            let value = constant.map(|tensor| tensor.to_f64());
            matches!(value.as_deref(), Some([x]) if (x - expected).abs() < 1e-6)
        };
        let divides = self.graph.nodes[divided].inputs.first()? == value;
        let fits = divides
            && readers.len() == 2
            && self.is_of(times, [value, &self.output(plus)?])
            && is(divided, std::f64::consts::SQRT_2)
            && is(plus, 1.0)
            && is(half, 0.5);
        fits.then(|| {
            self.used.extend([divided, error, plus, times, half]);
            self.steps.push(json!({"op": "gelu"}));
            half
        })
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
