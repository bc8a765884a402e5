//! A window that slides over maps: of convolutions and pools.

use ndarray::{Array2, ArrayView2, s};

use super::Shape;
use crate::numeric::Scalar;

/// Sizes along rows and columns, in entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Of the window itself.
    pub kernel: [usize; 2],
    /// From one place to the next.
    pub stride: [usize; 2],
    /// Entries of zero (convolutions) or nothing (pools) around every map.
    pub padding: [usize; 2],
    /// From one entry under the window to the next.
    pub dilation: [usize; 2],
    /// Whether a last place that reaches beyond the maps is one too, as `ceil_mode` has it.
    pub ceil: bool,
    /// Whether zeros of the padding count in a mean.
    pub counts_padding: bool,
}

impl Window {
    /// One that goes over maps in steps of its own size.
    #[must_use]
    pub fn apart(kernel: [usize; 2]) -> Self {
        Self {
            kernel,
            stride: kernel,
            padding: [0; 2],
            dilation: [1; 2],
            ceil: false,
            counts_padding: false,
        }
    }

    /// Entries under the window.
    #[must_use]
    pub fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Places of the window over maps of a shape, along rows and columns; `None`
    /// where it does not fit once.
    #[must_use]
    pub fn places(&self, shape: Shape) -> Option<[usize; 2]> {
        let along = |size: usize, d: usize| {
            let reach = self.dilation[d]
                .checked_mul(self.kernel[d].checked_sub(1)?)?
                .checked_add(1)?;
            let padded = self.padding[d].checked_mul(2)?.checked_add(size)?;
            let room = padded.checked_sub(reach)?;
            let places = room.checked_div(self.stride[d])? + 1;
            // A last place begins on the maps, or on the padding before them.
            let begins = places * self.stride[d] < size + self.padding[d];
            let is_over = self.ceil && !room.is_multiple_of(self.stride[d]) && begins;
            Some(places + usize::from(is_over))
        };
        Some([along(shape.height, 0)?, along(shape.width, 1)?])
    }

    /// For every tap and place, in order, the entry of a map that lies there;
    /// `None` in the padding. `[taps · places]`
    #[must_use]
    pub fn sources(&self, shape: Shape) -> Vec<Option<usize>> {
        let [rows, columns] = self.places(shape).unwrap_or([0, 0]);
        let along = |place: usize, tap: usize, d: usize, size: usize| {
            let at = place * self.stride[d] + tap * self.dilation[d];
            at.checked_sub(self.padding[d]).filter(|at| *at < size)
        };
        let mut sources = Vec::with_capacity(self.taps() * rows * columns);
        for tap in 0..self.taps() {
            let (down, across) = (tap / self.kernel[1], tap % self.kernel[1]);
            for place in 0..rows * columns {
                let row = along(place / columns, down, 0, shape.height);
                let column = along(place % columns, across, 1, shape.width);
                sources.push(row.zip(column).map(|(r, c)| r * shape.width + c));
            }
        }
        sources
    }

    /// How many entries a mean at each place is of, in order: those on the maps, and those on
    /// the padding where they count.
    #[must_use]
    pub fn counts(&self, shape: Shape) -> Vec<usize> {
        let [rows, columns] = self.places(shape).unwrap_or([0, 0]);
        let along = |place: usize, d: usize, size: usize| {
            let padding = self.padding[d];
            let seen = match self.counts_padding {
                true => 0..size + 2 * padding,
                false => padding..size + padding,
            };
            let taps = 0..self.kernel[d];
            taps.filter(|tap| seen.contains(&(place * self.stride[d] + tap * self.dilation[d])))
                .count()
        };
        let down = (0..rows).map(|row| along(row, 0, shape.height));
        let across: Vec<usize> = (0..columns).map(|c| along(c, 1, shape.width)).collect();
        down.flat_map(|down| across.iter().map(move |across| down * across))
            .collect()
    }

    /// What the window sees of some channels of `maps: [features, samples]`:
    /// `[channels · taps, places · samples]`.
    #[must_use]
    pub fn patches<T: Scalar>(
        &self,
        maps: ArrayView2<'_, T>,
        shape: Shape,
        channels: std::ops::Range<usize>,
    ) -> Array2<T> {
        let (sources, samples) = (self.sources(shape), maps.ncols());
        let places = sources.len() / self.taps().max(1);
        let mut patches = Array2::zeros((channels.len() * self.taps(), places * samples));
        for (index, channel) in channels.enumerate() {
            for (entry, source) in sources.iter().enumerate() {
                let Some(source) = source else { continue };
                let (tap, place) = (entry / places, entry % places);
                let from = maps.row(channel * shape.positions() + source);
                let columns = place * samples..(place + 1) * samples;
                let row = index * self.taps() + tap;
                patches.slice_mut(s![row, columns]).assign(&from);
            }
        }
        patches
    }

    /// Adds gradients at patches of some channels to those at the maps: what
    /// [`Window::patches`] reads, backwards.
    pub fn add_patches<T: Scalar>(
        &self,
        patches: ArrayView2<'_, T>,
        maps: &mut Array2<T>,
        shape: Shape,
        channels: std::ops::Range<usize>,
    ) {
        let (sources, samples) = (self.sources(shape), maps.ncols());
        let places = sources.len() / self.taps().max(1);
        for (index, channel) in channels.enumerate() {
            for (entry, source) in sources.iter().enumerate() {
                let Some(source) = source else { continue };
                let (tap, place) = (entry / places, entry % places);
                let columns = place * samples..(place + 1) * samples;
                let from = patches.slice(s![index * self.taps() + tap, columns]);
                let mut to = maps.row_mut(channel * shape.positions() + source);
                to += &from;
            }
        }
    }
}
