//! Images as sequences: rows that read nothing, then one for each patch.
//!
//! A summary row (the class token of an image transformer) has zeros for its numbers, so that
//! what it begins with is its position's alone: one linear layer and one table of positions
//! say what a convolution and learned tokens say in files.
//!
//! Source: Dosovitskiy et al. 2020, arXiv 2010.11929.

use ndarray::Array2;

use crate::numeric::Scalar;

/// How images become sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patches {
    /// Rows before the patches, which read no part of the image.
    pub summaries: usize,
    /// Numbers of each point of the image.
    pub channels: usize,
    /// Height and width of the image.
    pub image: [usize; 2],
    /// Height and width of a patch; parts of the image beyond the last whole one are not read.
    pub patch: [usize; 2],
}

impl Patches {
    /// Patches above one another, and beside one another.
    #[must_use]
    pub fn grid(&self) -> [usize; 2] {
        [0, 1].map(|side| self.image[side] / self.patch[side])
    }

    /// Positions of a sequence.
    #[must_use]
    pub fn length(&self) -> usize {
        let [rows, columns] = self.grid();
        self.summaries + rows * columns
    }

    /// Numbers of a patch.
    #[must_use]
    pub fn features(&self) -> usize {
        self.channels * self.patch[0] * self.patch[1]
    }

    /// Numbers of an image.
    #[must_use]
    pub fn numbers(&self) -> usize {
        self.channels * self.image[0] * self.image[1]
    }

    /// The rows `[samples · length, features]` of `images: [samples, channels · height · width]`,
    /// patches line by line, each channel by channel.
    ///
    /// ```
    /// use modscope::model::transformer::Patches;
    /// let patches = Patches { summaries: 1, channels: 1, image: [2, 4], patch: [2, 2] };
    /// let image = ndarray::array![[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]];
    /// let rows = ndarray::array![[0.0; 4], [0.0, 1.0, 4.0, 5.0], [2.0, 3.0, 6.0, 7.0]];
    /// assert_eq!(patches.rows::<f64>(&image), rows);
    /// ```
    #[must_use]
    pub fn rows<T: Scalar>(&self, images: &Array2<f64>) -> Array2<T> {
        let length = self.length();
        let shape = (images.nrows() * length, self.features());
        Array2::from_shape_fn(shape, |(row, feature)| {
            match (row % length).checked_sub(self.summaries) {
                None => T::zero(),
                Some(patch) => T::from_f64(images[[row / length, self.column(patch, feature)]]),
            }
        })
    }

    /// The number of the image that is a feature of a patch.
    fn column(&self, patch: usize, feature: usize) -> usize {
        let ([height, width], [_, columns]) = (self.patch, self.grid());
        let (channel, within) = (feature / (height * width), feature % (height * width));
        let y = patch / columns * height + within / width;
        let x = patch % columns * width + within % width;
        (channel * self.image[0] + y) * self.image[1] + x
    }
}
