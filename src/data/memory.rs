//! Samples that are in memory: what their file would be.

use std::collections::BTreeMap;

use ndarray::Array2;

use super::{Dataset, Labels};
use crate::Result;
use crate::checkpoint::{Dtype, IntegerKind, Tensor, file_of};

impl Dataset {
    /// Samples in memory that go by `name`: `inputs: [samples, features]`, and what they
    /// should give.
    ///
    /// ```
    /// use modscope::data::{Dataset, Labels};
    /// use ndarray::array;
    ///
    /// let inputs = array![[0.0, 0.0], [0.0, 1.0]];
    /// let data = Dataset::from_arrays("or", inputs, Some(Labels::Classes(vec![0, 1])))?;
    /// assert_eq!((data.len(), data.split.as_str()), (2, "all"));
    /// # Ok::<(), modscope::Error>(())
    /// ```
    ///
    /// # Errors
    /// If numbers are not finite, or there is not one label per sample.
    pub fn from_arrays(name: &str, inputs: Array2<f64>, labels: Option<Labels>) -> Result<Self> {
        let mut tensors = BTreeMap::from([("inputs".to_owned(), floats(&inputs))]);
        tensors.extend(labels.map(|labels| ("labels".to_owned(), of_labels(&labels))));
        Self::from_bytes(name, &file_of(name, tensors)?, None, None)
    }
}

fn of_labels(labels: &Labels) -> Tensor {
    match labels {
        Labels::Targets(targets) => floats(targets),
        Labels::Classes(classes) => Tensor {
            dtype: Dtype::Integer(IntegerKind::I64),
            shape: vec![classes.len()],
            bytes: classes
                .iter()
                .flat_map(|class| (*class as i64).to_le_bytes())
                .collect(),
        },
    }
}

fn floats(array: &Array2<f64>) -> Tensor {
    let values: Vec<f64> = array.iter().copied().collect();
    Tensor::of_floats(array.shape(), &values)
}
