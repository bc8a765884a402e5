//! Networks and tasks in which there is nothing to find.

use crate::checkpoint::{Checkpoint, Tensor};
use crate::choice::ControlKind;
use crate::data::{Dataset, Labels};
use crate::model::{Loaded, Role};
use crate::numeric::Rng;

impl ControlKind {
    /// The network and the data of this control.
    pub fn of(
        self,
        checkpoint: &Checkpoint,
        loaded: &Loaded,
        data: &Dataset,
        rng: &mut Rng,
    ) -> (Checkpoint, Dataset) {
        (self.network(checkpoint, loaded, rng), self.data(data, rng))
    }

    /// The network of this control.
    pub fn network(self, checkpoint: &Checkpoint, loaded: &Loaded, rng: &mut Rng) -> Checkpoint {
        let mut checkpoint = loaded.editable(checkpoint);
        match self {
            Self::Shuffled => shuffle(&mut checkpoint, loaded, rng),
            Self::Untrained => untrain(&mut checkpoint, loaded, rng),
            Self::Nonsense => {}
        }
        checkpoint
    }

    /// Its data.
    pub fn data(self, data: &Dataset, rng: &mut Rng) -> Dataset {
        let mut data = data.clone();
        match self {
            Self::Shuffled | Self::Untrained => {}
            Self::Nonsense => permute(&mut data, rng),
        }
        data
    }
}

/// Moves the weights of every linear layer among its places.
fn shuffle(checkpoint: &mut Checkpoint, loaded: &Loaded, rng: &mut Rng) {
    for (name, role) in &loaded.roles {
        let Some(tensor) = checkpoint.tensors.get_mut(name) else {
            continue;
        };
        if matches!(role, Role::Weight(_)) {
            let size = tensor.dtype.size();
            let mut places: Vec<Vec<u8>> = tensor.bytes.chunks(size).map(<[u8]>::to_vec).collect();
            rng.shuffle(&mut places);
            tensor.bytes = places.concat().into();
        }
    }
}

/// Draws fresh weights as PyTorch's linear layers begin: uniform in ±1/√(inputs),
/// biases too; embeddings standard normal.
fn untrain(checkpoint: &mut Checkpoint, loaded: &Loaded, rng: &mut Rng) {
    let fan_in = |layer: usize| {
        let name = loaded.tensor_name(Role::Weight(layer))?;
        checkpoint.tensors.get(name)?.shape.get(1).copied()
    };
    let fresh: Vec<(String, Tensor)> = loaded
        .roles
        .iter()
        .filter_map(|(name, role)| {
            let old = checkpoint.tensors.get(name)?;
            let values: Vec<f64> = match role {
                Role::Weight(layer) | Role::Bias(layer) => {
                    let bound = 1.0 / (fan_in(*layer)? as f64).sqrt();
                    let mut draw = || bound * (2.0 * rng.uniform() - 1.0);
                    (0..old.len()).map(|_| draw()).collect()
                }
                Role::Embedding => (0..old.len()).map(|_| rng.normal()).collect(),
                _ => return None,
            };
            Some((name.clone(), of_type(old, &values)))
        })
        .collect();
    checkpoint.tensors.extend(fresh);
}

/// Numbers in the shape and about the precision of another tensor.
fn of_type(old: &Tensor, values: &[f64]) -> Tensor {
    if old.dtype.size() == 8 {
        Tensor::of_floats(&old.shape, values)
    } else {
        let single: Vec<f32> = values.iter().map(|x| *x as f32).collect();
        Tensor::of_floats(&old.shape, &single)
    }
}

/// Gives every sample the label of another one.
fn permute(data: &mut Dataset, rng: &mut Rng) {
    let order = rng.permutation(data.len());
    data.labels = data.labels.take().map(|labels| match labels {
        Labels::Classes(classes) => {
            Labels::Classes(order.iter().map(|row| classes[*row]).collect())
        }
        Labels::Targets(targets) => Labels::Targets(targets.select(ndarray::Axis(0), &order)),
    });
    // Answers and foils of the real task would undo it.
    (data.answers, data.foils) = (None, None);
}
