//! Some of the samples of a data set.

use ndarray::{Array2, Axis};

use super::{Dataset, Inputs, Labels};

impl Dataset {
    /// These samples, in this order.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let values = |x: &Array2<f64>| x.select(Axis(0), rows);
        let ids = |x: &Array2<usize>| x.select(Axis(0), rows);
        let some = |list: &Vec<usize>| rows.iter().map(|row| list[*row]).collect::<Vec<_>>();
        let inputs = |inputs: &Inputs| match inputs {
            Inputs::Values(x) => Inputs::Values(values(x)),
            Inputs::Tokens(x) => Inputs::Tokens(ids(x)),
        };
        Self {
            inputs: inputs(&self.inputs),
            labels: self.labels.as_ref().map(|labels| match labels {
                Labels::Classes(classes) => Labels::Classes(some(classes)),
                Labels::Targets(targets) => Labels::Targets(values(targets)),
            }),
            corrupted: self.corrupted.as_ref().map(inputs),
            answers: self.answers.as_ref().map(some),
            foils: self.foils.as_ref().map(some),
            // A single row of positions is for all samples.
            positions: self
                .positions
                .as_ref()
                .map(|positions| match positions.nrows() {
                    1 => positions.clone(),
                    _ => ids(positions),
                }),
            outputs: self.outputs.as_ref().map(values),
            groups: self.groups.as_ref().map(|groups| groups.select(rows)),
            prompts: match self.prompts.is_empty() {
                true => Vec::new(),
                false => rows.iter().map(|row| self.prompts[*row].clone()).collect(),
            },
            ..self.clone()
        }
    }
}
