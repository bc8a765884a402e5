//! Data as a transformer sees them: sequences, and where answers are read.

use std::ops::Range;
use std::path::PathBuf;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis, s};

use super::{Embedding, Patches, Reads, Transformer};
use crate::data::{Dataset, Inputs, Labels, ReadAt};
use crate::numeric::Scalar;
use crate::{ErrorKind, Result};

/// Rows (positions of samples) of a part: enough for full products, few enough for the cache.
pub const PART_ROWS: usize = 256;

/// What the sequences hold at each position.
#[derive(Debug, Clone, PartialEq)]
pub enum SequenceInputs<T> {
    /// Token ids, `[samples, length]`.
    Tokens(Array2<usize>),
    /// Numbers in physical order, `[samples · length, features]`.
    Values(Array2<T>),
}

/// The positions of every sample at which something is wanted, as many for each.
///
/// One *reading* is one position of one sample, or the mean over all that are wanted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// `[samples, wanted]`
    positions: Array2<usize>,
    length: usize,
    /// Whether the mean over positions is read.
    is_mean: bool,
}

/// Sequences of equal length, checked against a model.
#[derive(Debug, Clone)]
pub struct Sequences<T> {
    /// Where the data come from.
    pub path: PathBuf,
    /// The samples.
    pub inputs: SequenceInputs<T>,
    /// The corrupted pair of each sample.
    pub corrupted: Option<SequenceInputs<T>>,
    /// Where answers are read.
    pub answers: Answers,
    /// Per reading, the class whose logit counts positive.
    pub correct: Option<Vec<usize>>,
    /// Per reading, the class whose logit counts negative.
    pub foils: Option<Vec<usize>>,
    /// `[outputs, readings]`, outputs in physical order.
    pub targets: Option<Array2<f64>>,
    /// The source framework's own outputs `[outputs, readings]`, outputs in physical order.
    pub outputs: Option<Array2<f64>>,
    /// The shortest and the longest prompt, where shorter ones end in padding.
    pub lengths: Option<(usize, usize)>,
}

impl Answers {
    /// The given positions `[samples, wanted]` of sequences `length` long.
    #[must_use]
    pub fn new(positions: Array2<usize>, length: usize) -> Self {
        Self {
            positions,
            length,
            is_mean: false,
        }
    }

    /// The mean over every position.
    ///
    /// ```
    /// use modscope::model::transformer::Answers;
    /// let answers = Answers::mean(2, 3);
    /// assert_eq!((answers.len(), answers.readings()), (6, 2));
    /// let rows = ndarray::array![[1.0], [2.0], [6.0], [0.0], [0.0], [3.0]];
    /// assert_eq!(answers.read(rows), ndarray::array![[3.0], [1.0]]);
    /// ```
    #[must_use]
    pub fn mean(samples: usize, length: usize) -> Self {
        Self {
            is_mean: true,
            ..Self::everywhere(samples, length)
        }
    }

    /// Whether the mean over positions is read.
    #[must_use]
    pub fn is_mean(&self) -> bool {
        self.is_mean
    }

    /// Readings of each sample.
    #[must_use]
    pub fn readings_per_sample(&self) -> usize {
        match self.is_mean {
            true => 1,
            false => self.per_sample(),
        }
    }

    /// Readings of all samples.
    #[must_use]
    pub fn readings(&self) -> usize {
        self.samples() * self.readings_per_sample()
    }

    /// What is read of the rows at these positions: `[wanted of all samples, width]` as
    /// `[readings, width]`. Sums in f64.
    #[must_use]
    pub fn read<T: Scalar>(&self, rows: Array2<T>) -> Array2<T> {
        if !self.is_mean {
            return rows;
        }
        let share = self.per_sample();
        Array2::from_shape_fn((self.readings(), rows.ncols()), |(sample, column)| {
            let own = rows.slice(s![sample * share..(sample + 1) * share, column]);
            T::from_f64(own.iter().map(|x| x.widen()).sum::<f64>() / share as f64)
        })
    }

    /// The gradient at those rows, given that at what is read of them.
    pub(crate) fn read_backward<T: Scalar>(&self, at: Array2<T>) -> Array2<T> {
        if !self.is_mean {
            return at;
        }
        let share = self.per_sample();
        Array2::from_shape_fn((self.len(), at.ncols()), |(row, column)| {
            at[[row / share, column]] / T::from_f64(share as f64)
        })
    }

    /// Every position.
    #[must_use]
    pub fn everywhere(samples: usize, length: usize) -> Self {
        Self::new(Array2::from_shape_fn((samples, length), |(_, p)| p), length)
    }

    /// The last position.
    #[must_use]
    pub fn last(samples: usize, length: usize) -> Self {
        Self::new(Array2::from_elem((samples, 1), length - 1), length)
    }

    /// Number of samples.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.positions.nrows()
    }

    /// Wanted positions per sample.
    #[must_use]
    pub fn per_sample(&self) -> usize {
        self.positions.ncols()
    }

    /// Wanted positions of all samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Whether none are wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// The position of one reading.
    #[must_use]
    pub fn position(&self, sample: usize, wanted: usize) -> usize {
        self.positions[[sample, wanted]]
    }

    /// The positions of each sample, where they are those of every sample.
    #[must_use]
    pub fn shared(&self) -> Option<Vec<usize>> {
        let mut samples = self.positions.rows().into_iter();
        let first = samples.next()?;
        let same = samples.all(|sample| sample == first);
        same.then(|| first.to_vec())
    }

    /// The rows of `x: [samples · length, width]` at these positions.
    #[must_use]
    pub fn rows_of<T: Copy>(&self, x: &Array2<T>) -> Array2<T> {
        x.select(Axis(0), &self.rows())
    }

    /// The row of each reading.
    #[must_use]
    pub fn rows(&self) -> Vec<usize> {
        let row =
            |((sample, _), position): ((usize, usize), &usize)| sample * self.length + position;
        self.positions.indexed_iter().map(row).collect()
    }

    /// Adds the rows of `x: [readings, width]` to those rows of `sum: [samples · length, width]`.
    pub(crate) fn add_rows<T: Scalar>(&self, x: ArrayView2<'_, T>, sum: &mut Array2<T>) {
        for (row, values) in self.rows().into_iter().zip(x.rows()) {
            let mut target = sum.row_mut(row);
            target += &values;
        }
    }

    /// Those of some of the samples.
    #[must_use]
    pub fn part(&self, samples: Range<usize>) -> Self {
        Self {
            positions: self.positions.slice(s![samples, ..]).to_owned(),
            ..*self
        }
    }
}

impl<T: Scalar> SequenceInputs<T> {
    /// Those of some of the samples, of sequences `length` long.
    #[must_use]
    pub fn part(&self, samples: Range<usize>, length: usize) -> Self {
        match self {
            Self::Tokens(ids) => Self::Tokens(ids.slice(s![samples, ..]).to_owned()),
            Self::Values(rows) => {
                let rows = rows.slice(s![samples.start * length..samples.end * length, ..]);
                Self::Values(rows.to_owned())
            }
        }
    }
}

impl<T: Scalar> SequenceInputs<T> {
    /// Those of these samples, of sequences `length` long.
    #[must_use]
    pub fn select(&self, samples: &[usize], length: usize) -> Self {
        match self {
            Self::Tokens(ids) => Self::Tokens(ids.select(Axis(0), samples)),
            Self::Values(rows) => {
                let of_sample = |sample: &usize| sample * length..(sample + 1) * length;
                let wanted: Vec<usize> = samples.iter().flat_map(of_sample).collect();
                Self::Values(rows.select(Axis(0), &wanted))
            }
        }
    }
}

impl<T: Scalar> Sequences<T> {
    /// Number of samples.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.answers.samples()
    }

    /// Positions per sample.
    #[must_use]
    pub fn length(&self) -> usize {
        self.answers.length
    }

    /// These samples, without targets and outputs.
    #[must_use]
    pub fn select(&self, samples: &[usize]) -> Self {
        let length = self.length();
        let pick = |inputs: &SequenceInputs<T>| inputs.select(samples, length);
        Self {
            inputs: pick(&self.inputs),
            corrupted: self.corrupted.as_ref().map(pick),
            answers: Answers {
                positions: self.answers.positions.select(Axis(0), samples),
                ..self.answers
            },
            ..self.part(0..0)
        }
    }

    /// Some of the samples; without targets and outputs, which are not needed for runs.
    #[must_use]
    pub fn part(&self, samples: Range<usize>) -> Self {
        let length = self.length();
        let part = |inputs: &SequenceInputs<T>| inputs.part(samples.clone(), length);
        Self {
            path: self.path.clone(),
            inputs: part(&self.inputs),
            corrupted: self.corrupted.as_ref().map(part),
            answers: self.answers.part(samples.clone()),
            correct: None,
            foils: None,
            targets: None,
            outputs: None,
            lengths: self.lengths,
        }
    }

    /// The samples in parts, in order: enough rows for full products, few
    /// enough for the cache.
    #[must_use]
    pub fn parts(&self) -> Vec<Self> {
        let step = (PART_ROWS / self.length().max(1)).max(1);
        let starts = (0..self.samples()).step_by(step);
        starts
            .map(|start| self.part(start..(start + step).min(self.samples())))
            .collect()
    }

    /// Checks data against a model. `read` says where answers are read; without
    /// it the data do, and if they do not, it is the last position of tokens and
    /// every position of numbers.
    ///
    /// # Errors
    /// If widths, tokens, classes or positions do not fit the model.
    pub fn new(model: &Transformer<T>, data: &Dataset, read: Option<&ReadAt>) -> Result<Self> {
        if !model.is_causal() {
            one_length(data, "a network that looks both ways sees the padding")?;
        }
        let (inputs, length) = sequence_inputs(model, data, &data.inputs)?;
        let corrupted = data
            .corrupted
            .as_ref()
            .map(|c| Ok(sequence_inputs(model, data, c)?.0))
            .transpose()?;
        let answers = match model.reads {
            Some(Reads::Mean) => mean(data, length, read)?,
            Some(Reads::At(position)) => {
                answers(data, length, read, Some(&ReadAt::At(vec![position])))?
            }
            None => answers(data, length, read, None)?,
        };
        let classes = match &data.labels {
            Some(Labels::Classes(classes)) => Some(classes),
            _ => None,
        };
        let targets = match &data.labels {
            Some(Labels::Targets(targets)) => {
                Some(by_reading(model, data, "labels", targets, &answers)?)
            }
            _ => None,
        };
        let ids = |name: &str, ids: Option<&Vec<usize>>| {
            ids.map(|ids| class_per_reading(model, data, name, ids, &answers))
                .transpose()
        };
        // Outputs of one position are those of the data's own positions, not of others.
        let everywhere = length * model.outputs();
        let outputs = data.outputs.as_ref();
        let outputs = outputs.filter(|o| read.is_none() || o.ncols() == everywhere);
        Ok(Self {
            path: data.path.clone(),
            correct: ids("answers", data.answers.as_ref().or(classes))?,
            foils: ids("foils", data.foils.as_ref())?,
            outputs: outputs
                .map(|o| by_reading(model, data, "outputs", o, &answers))
                .transpose()?,
            targets,
            inputs,
            corrupted,
            answers,
            lengths: data.prompt_lengths(),
        })
    }
}

/// Checked inputs, and the length of a sequence.
fn sequence_inputs<T: Scalar>(
    model: &Transformer<T>,
    data: &Dataset,
    inputs: &Inputs,
) -> Result<(SequenceInputs<T>, usize)> {
    match (inputs, &model.embedding) {
        (Inputs::Tokens(ids), Embedding::Tokens(table)) => {
            in_range(data, "tokens", ids.ncols(), ids.iter(), table.nrows())?;
            no_padding(data, ids, model.padding)?;
            check_length(model, data, ids.ncols())?;
            Ok((SequenceInputs::Tokens(ids.clone()), ids.ncols()))
        }
        (Inputs::Values(_), Embedding::Tokens(table)) => Err(ErrorKind::TokensExpected {
            tokens: table.nrows(),
        }
        .at(&data.path)),
        (
            Inputs::Values(images),
            Embedding::Values {
                patches: Some(patches),
                ..
            },
        ) => {
            let rows = SequenceInputs::Values(patches.rows(images));
            check_images(data, *patches).map(|()| (rows, patches.length()))
        }
        (Inputs::Values(values), Embedding::Values { in_perm, .. }) => {
            numbers(model, data, values, in_perm)
        }
        (Inputs::Tokens(ids), Embedding::Values { in_perm, .. }) => {
            numbers(model, data, &ids.mapv(|id| id as f64), in_perm)
        }
    }
}

/// That no sample has the token of padding: a network that looks both ways would see it.
fn no_padding(data: &Dataset, ids: &Array2<usize>, padding: Option<usize>) -> Result<()> {
    let mut all = ids.indexed_iter();
    match all.find(|(_, id)| padding == Some(**id)) {
        None => Ok(()),
        Some(((sample, position), token)) => Err(ErrorKind::Padding {
            sample,
            position,
            token: *token,
        }
        .at(&data.path)),
    }
}

/// Numbers `[samples, length · features]` as `[samples · length, features]` in physical order.
fn numbers<T: Scalar>(
    model: &Transformer<T>,
    data: &Dataset,
    values: &Array2<f64>,
    in_perm: &[usize],
) -> Result<(SequenceInputs<T>, usize)> {
    let features = in_perm.len();
    let wrong =
        data.input_shape.last() != Some(&features) || !values.ncols().is_multiple_of(features);
    if wrong || values.is_empty() {
        return Err(ErrorKind::InputWidth {
            found: data.input_shape.last().copied().unwrap_or(0),
            expected: features,
        }
        .at(&data.path));
    }
    let length = values.ncols() / features;
    check_length(model, data, length)?;
    let shape = (values.nrows() * length, features);
    let rows = Array2::from_shape_fn(shape, |(row, q)| {
        let column = row % length * features + in_perm[q];
        T::from_f64(values[[row / length, column]])
    });
    Ok((SequenceInputs::Values(rows), length))
}

/// That the data are images of the network's size, channel by channel.
fn check_images(data: &Dataset, patches: Patches) -> Result<()> {
    let [height, width] = patches.image;
    let expected = [patches.channels, height, width];
    let is_plane = patches.channels == 1 && data.input_shape == expected[1..];
    if data.input_shape == expected || is_plane {
        return Ok(());
    }
    Err(ErrorKind::DataShape {
        tensor: "inputs".to_owned(),
        shape: [&[data.len()], data.input_shape.as_slice()].concat(),
        expected: format!(
            "the network reads images [n, {}, {height}, {width}]: channels, height, width",
            patches.channels
        ),
    }
    .at(&data.path))
}

/// Sequences no longer than the learned positions.
fn check_length<T: Scalar>(model: &Transformer<T>, data: &Dataset, length: usize) -> Result<()> {
    let limit = model.positions.as_ref().map_or(usize::MAX, Array2::nrows);
    if length == 0 || length > limit {
        return Err(ErrorKind::SequenceLength {
            found: length,
            limit,
        }
        .at(&data.path));
    }
    Ok(())
}

/// Refuses prompts of several lengths, and says why.
fn one_length(data: &Dataset, why: &'static str) -> Result<()> {
    match data.prompt_lengths() {
        None => Ok(()),
        Some((shortest, longest)) => Err(ErrorKind::PromptLengths {
            shortest,
            longest,
            why,
        }
        .at(&data.path)),
    }
}

/// The mean over all positions, of which no others can be asked for.
fn mean(data: &Dataset, length: usize, asked: Option<&ReadAt>) -> Result<Answers> {
    let asked = match (asked.or(data.task.read.as_ref()), &data.positions) {
        (None, None) => return Ok(Answers::mean(data.len(), length)),
        (Some(ReadAt::At(positions)), _) => format!("{positions:?}"),
        (Some(ReadAt::All), _) => "every position".to_owned(),
        (Some(ReadAt::Last), _) => "the last position".to_owned(),
        (None, Some(_)) => "the `positions` of the data".to_owned(),
    };
    Err(ErrorKind::ReadsMean { asked }.at(&data.path))
}

/// Where answers are read: where it is asked for, where the data say, where the
/// network itself reads.
fn answers(
    data: &Dataset,
    length: usize,
    asked: Option<&ReadAt>,
    own: Option<&ReadAt>,
) -> Result<Answers> {
    let samples = data.len();
    let shared = |at: &[usize]| Array2::from_shape_fn((samples, at.len()), |(_, p)| at[p]);
    let usual = match data.inputs {
        Inputs::Tokens(_) => ReadAt::Last,
        Inputs::Values(_) => ReadAt::All,
    };
    if asked.is_some_and(|read| *read != ReadAt::Last) {
        one_length(data, "answers are to be read at one place of them all")?;
    }
    // The last token of a prompt is where the data say.
    let asked = asked.filter(|read| **read != ReadAt::Last || data.prompts.is_empty());
    let positions = match (asked, &data.positions) {
        (None, Some(positions)) if positions.nrows() == samples => positions.clone(),
        (None, Some(positions)) => shared(positions.row(0).to_vec().as_slice()),
        (asked, _) => match asked.or(data.task.read.as_ref()).or(own).unwrap_or(&usual) {
            ReadAt::Last => shared(&[length - 1]),
            ReadAt::All => return Ok(Answers::everywhere(samples, length)),
            ReadAt::At(positions) => shared(positions),
        },
    };
    in_range(
        data,
        "positions",
        positions.ncols(),
        positions.iter(),
        length,
    )?;
    let increasing = |row: ArrayView1<'_, usize>| row.iter().is_sorted_by(|a, b| a < b);
    if !positions.rows().into_iter().all(increasing) {
        return Err(ErrorKind::DataShape {
            tensor: "positions".to_owned(),
            shape: positions.shape().to_vec(),
            expected: "the positions of a sample increase".to_owned(),
        }
        .at(&data.path));
    }
    Ok(Answers::new(positions, length))
}

fn in_range<'a>(
    data: &Dataset,
    tensor: &str,
    columns: usize,
    ids: impl Iterator<Item = &'a usize>,
    limit: usize,
) -> Result<()> {
    match ids.enumerate().find(|(_, id)| **id >= limit) {
        None => Ok(()),
        Some((place, found)) => Err(ErrorKind::ClassRange {
            tensor: tensor.to_owned(),
            sample: place / columns.max(1),
            found: *found,
            limit,
        }
        .at(&data.path)),
    }
}

/// A class per sample as one per reading.
fn class_per_reading<T: Scalar>(
    model: &Transformer<T>,
    data: &Dataset,
    tensor: &str,
    classes: &[usize],
    answers: &Answers,
) -> Result<Vec<usize>> {
    // One logit tells class 1 from class 0, neither of which is a position.
    let limit = model.outputs().max(2);
    in_range(data, tensor, 1, classes.iter(), limit)?;
    let place = |class: &usize| match model.outputs() {
        1 => *class,
        _ => {
            let place = model.out_perm.iter().position(|t| t == class);
            place.unwrap_or(*class)
        }
    };
    let repeat = |class: &usize| std::iter::repeat_n(place(class), answers.readings_per_sample());
    Ok(classes.iter().flat_map(repeat).collect())
}

/// `[samples, outputs]` or `[samples, length · outputs]` as `[outputs, readings]`.
fn by_reading<T: Scalar>(
    model: &Transformer<T>,
    data: &Dataset,
    tensor: &str,
    values: &Array2<f64>,
    answers: &Answers,
) -> Result<Array2<f64>> {
    let outputs = model.outputs();
    let per_sample = answers.readings_per_sample();
    let everywhere = values.ncols() == answers.length * outputs && !answers.is_mean;
    let here = values.ncols() == per_sample * outputs;
    if !everywhere && !here {
        return Err(ErrorKind::OutputWidth {
            tensor: tensor.to_owned(),
            found: values.ncols(),
            expected: outputs,
        }
        .at(&data.path));
    }
    Ok(Array2::from_shape_fn(
        (outputs, answers.readings()),
        |(q, reading)| {
            let (sample, wanted) = (reading / per_sample, reading % per_sample);
            let block = if everywhere {
                answers.position(sample, wanted)
            } else {
                wanted
            };
            values[[sample, block * outputs + model.out_perm[q]]]
        },
    ))
}
