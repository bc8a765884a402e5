//! What lies downstream of one neuron, tabulated.
//!
//! Every edge into a neuron changes one number per sample: what the neuron reads.
//! Each sample's metric is therefore a function of that number alone, the same
//! function whichever edge is patched. It is evaluated at K Chebyshev points of
//! the range that the edges reach, once for all of them, and interpolated: an edge
//! then costs K multiplications per sample in place of a run of what lies
//! downstream. The error of an interpolation of a smooth function falls with K as
//! fast as its coefficients do, which are at hand: the last two bound what is left
//! out where they fall geometrically. Source: Trefethen, *Approximation Theory and
//! Approximation Practice*, chapters 4 and 8.

use std::f64::consts::PI;
use std::ops::RangeInclusive;

use pulp::{Arch, Simd, WithSimd};

use super::engine::{Engine, State};
use super::readout::Readout;
use super::ripple::{Place, Ripple, Which};
use crate::metric::MetricKind;
use crate::numeric::{Scalar, statistics};

/// Samples that are interpolated at once.
const LANES: usize = 8;

/// What a table may be wrong by, as a share of the metric's mean size: rounding of
/// the networks' own numbers in so many operations, and no less than this.
const ROUNDINGS: f64 = 4.0;
const LEAST: f64 = 1e-9;

/// Numbers of points that are tried.
const POINTS: [usize; 3] = [8, 16, 32];

/// Per sample, the range of the change of what a neuron reads.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub low: Vec<f64>,
    pub high: Vec<f64>,
}

/// Readouts as functions of the change of what one neuron reads.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// Per sample, the middle of the range, and 1 / half its width.
    middle: Vec<f64>,
    inverse: Vec<f64>,
    sheets: Vec<Sheet>,
    readouts: usize,
}

/// Readouts that share no sample.
#[derive(Debug, Clone)]
struct Sheet {
    /// By sample, the readout that counts it.
    owner: Vec<Option<usize>>,
    /// By readout, the number of samples that it counts; 0 for those of other sheets.
    counted: Vec<usize>,
    /// Chebyshev coefficients, `[points, samples]`.
    coefficients: Vec<f64>,
    points: usize,
}

/// Whether tables of these readouts come near them: kinks and steps between points
/// would not be seen.
pub(super) fn are_smooth<T>(engine: &Engine<'_, T>, readouts: &[Readout<'_>]) -> bool
where
    T: Scalar,
{
    let steps = readouts
        .iter()
        .any(|r| r.metric.kind() == MetricKind::Accuracy);
    engine.model().activation.are_smooth() && !steps
}

impl Table {
    /// The table with the fewest points that is near enough, of so many points;
    /// `None` where none is. Where only fewer are affordable than the fewest asked for, the
    /// most that are.
    pub fn near_enough<T: Scalar>(
        engine: &Engine<'_, T>,
        state: &State<T>,
        ripple: &mut Ripple<T>,
        (place, span): (Place, &Span),
        readouts: &[Readout<'_>],
        allowed_points: RangeInclusive<usize>,
    ) -> Option<Self> {
        let affordable = POINTS.into_iter().filter(|p| p <= allowed_points.end());
        let last = affordable.clone().next_back()?;
        let fewest = last.min(*allowed_points.start());
        for points in affordable.filter(|points| *points >= fewest) {
            let table = Self::new(engine, state, ripple, (place, span), readouts, points);
            let (tail, size) = (table.tail(), table.size());
            let allowed = allowed::<T>();
            if tail <= allowed * size {
                return Some(table);
            }
            // Twice the points square a geometric tail.
            let reachable = (tail / size).powf(last as f64 / points as f64);
            if reachable.is_nan() || reachable > allowed {
                return None;
            }
        }
        None
    }

    fn new<T: Scalar>(
        engine: &Engine<'_, T>,
        state: &State<T>,
        ripple: &mut Ripple<T>,
        ((layer, to), span): (Place, &Span),
        readouts: &[Readout<'_>],
        points: usize,
    ) -> Self {
        let samples = span.low.len();
        let ends = || span.low.iter().zip(&span.high);
        let middle: Vec<f64> = ends().map(|(low, high)| (low + high) / 2.0).collect();
        let half: Vec<f64> = ends().map(|(low, high)| (high - low) / 2.0).collect();
        let mut sheets = sheets(readouts, samples, points);
        let mut values = vec![0.0; samples];
        ripple.aim(state, (layer, to), Which::Read);
        let bases: Vec<Vec<f64>> = (0..points).map(|at| polynomials(at, points)).collect();
        for bases in bases.chunks_exact(ripple.runs()) {
            // The second polynomial is the point itself.
            let at = |run: usize, sample: usize| {
                T::from_f64(middle[sample] + half[sample] * bases[run][1])
            };
            ripple.nudge(engine, state, (layer, to), at);
            for (run, basis) in bases.iter().enumerate() {
                let outputs = ripple.outputs_of(run);
                for sheet in &mut sheets {
                    for (sample, value) in values.iter_mut().enumerate() {
                        let readout = sheet.owner[sample].map(|owner| readouts[owner].metric);
                        *value = readout.map_or(0.0, |metric| metric.value(outputs, sample));
                    }
                    sheet.add(&values, basis);
                }
            }
        }
        let inverse = |half: &f64| if *half > 0.0 { 1.0 / half } else { 0.0 };
        Self {
            inverse: half.iter().map(inverse).collect(),
            middle,
            sheets,
            readouts: readouts.len(),
        }
    }

    /// The mean of every readout where the neuron reads so much more, by sample.
    pub fn means(&self, change: &[f64]) -> Vec<f64> {
        let places = self.places(change);
        let mut sums = vec![0.0; self.readouts];
        let mut values = vec![0.0; places.len()];
        for sheet in &self.sheets {
            sheet.interpolate(&places, &mut values);
            for (value, owner) in values.iter().zip(&sheet.owner) {
                if let Some(owner) = owner {
                    sums[*owner] += value;
                }
            }
        }
        for sheet in &self.sheets {
            let counted = sums.iter_mut().zip(&sheet.counted).filter(|(_, n)| **n > 0);
            counted.for_each(|(sum, n)| *sum /= *n as f64);
        }
        sums
    }

    /// The same sample by sample, of the one readout that counts all of them.
    pub fn values(&self, change: &[f64]) -> Vec<f64> {
        let mut values = vec![0.0; change.len()];
        let sheet = self.sheets.first();
        debug_assert!(
            self.readouts == 1 && self.sheets.len() == 1,
            "one readout of all samples"
        );
        sheet.inspect(|sheet| sheet.interpolate(&self.places(change), &mut values));
        values
    }

    /// Where in its range each sample's change lies, in [−1, 1].
    fn places(&self, change: &[f64]) -> Vec<f64> {
        let places = change.iter().zip(&self.middle).zip(&self.inverse);
        places
            .map(|((x, middle), inverse)| (x - middle) * inverse)
            .collect()
    }

    /// Whether a change lies within the range.
    pub fn holds(&self, change: &[f64]) -> bool {
        let places = change.iter().zip(&self.middle).zip(&self.inverse);
        places.into_iter().all(|((x, middle), inverse)| {
            ((x - middle) * inverse).abs() <= 1.0 && (*inverse > 0.0 || x == middle)
        })
    }

    /// What may be left out: the mean size of the last two coefficients, of the worst sheet.
    fn tail(&self) -> f64 {
        self.tail_of(self.points())
    }

    /// The same of the first so many coefficients.
    fn tail_of(&self, points: usize) -> f64 {
        let of = |sheet: &Sheet| sheet.mean_size(points - 2) + sheet.mean_size(points - 1);
        self.sheets.iter().map(of).fold(0.0, f64::max)
    }

    fn points(&self) -> usize {
        self.sheets.first().map_or(0, |sheet| sheet.points)
    }

    /// The fewest points of those tried that would have been near enough, by its coefficients.
    pub fn needed<T: Scalar>(&self) -> usize {
        let fewer = POINTS.into_iter().filter(|fewer| *fewer < self.points());
        let mut enough = fewer.filter(|fewer| self.tail_of(*fewer) <= self.allowed::<T>());
        enough.next().unwrap_or_else(|| self.points())
    }

    /// The mean size of the metric.
    fn size(&self) -> f64 {
        self.sheets
            .iter()
            .map(|sheet| sheet.mean_size(0))
            .fold(0.0, f64::max)
    }

    /// What a mean may be wrong by.
    pub fn allowed<T: Scalar>(&self) -> f64 {
        allowed::<T>() * self.size()
    }
}

/// The share of a metric's size that a table may be wrong by.
fn allowed<T: Scalar>() -> f64 {
    (ROUNDINGS * T::epsilon().widen()).max(LEAST)
}

/// The first `points` Chebyshev polynomials at a Chebyshev point.
fn polynomials(point: usize, points: usize) -> Vec<f64> {
    let x = (PI * (point as f64 + 0.5) / points as f64).cos();
    let next = |(before, now): &(f64, f64)| Some((*now, (2.0 * x).mul_add(*now, -before)));
    let pairs = std::iter::successors(Some((1.0, x)), next);
    pairs.map(|(value, _)| value).take(points).collect()
}

/// Readouts sorted into sheets, each into the first that has none of its samples.
fn sheets(readouts: &[Readout<'_>], samples: usize, points: usize) -> Vec<Sheet> {
    let mut sheets: Vec<Sheet> = Vec::new();
    for (index, readout) in readouts.iter().enumerate() {
        let is_free =
            |sheet: &&mut Sheet| readout.rows.iter().all(|row| sheet.owner[*row].is_none());
        let place = sheets.iter_mut().position(|mut sheet| is_free(&mut sheet));
        let place = place.unwrap_or_else(|| {
            sheets.push(Sheet {
                owner: vec![None; samples],
                counted: vec![0; readouts.len()],
                coefficients: vec![0.0; points * samples],
                points,
            });
            sheets.len() - 1
        });
        readout
            .rows
            .iter()
            .for_each(|row| sheets[place].owner[*row] = Some(index));
        sheets[place].counted[index] = readout.rows.len();
    }
    sheets
}

impl Sheet {
    /// Takes the samples' values at a point where the polynomials are `basis`.
    fn add(&mut self, values: &[f64], basis: &[f64]) {
        let rows = self.coefficients.chunks_exact_mut(values.len().max(1));
        for (k, (row, polynomial)) in rows.zip(basis).enumerate() {
            let factor = if k == 0 { 1.0 } else { 2.0 };
            let factor = factor * polynomial / self.points as f64;
            let both = row.iter_mut().zip(values);
            both.for_each(|(coefficient, value)| *coefficient += factor * value);
        }
    }

    fn interpolate(&self, places: &[f64], values: &mut [f64]) {
        Arch::new().dispatch(Interpolation {
            coefficients: &self.coefficients,
            places,
            values,
        });
    }

    fn mean_size(&self, k: usize) -> f64 {
        let samples = self.owner.len();
        let row = &self.coefficients[k * samples..(k + 1) * samples];
        let sizes: Vec<f64> = row.iter().map(|c| c.abs()).collect();
        statistics::mean(&sizes)
    }
}

/// Σ_k c_k T_k(x) of every sample, by Clenshaw's recurrence.
struct Interpolation<'v> {
    /// `[points, samples]`
    coefficients: &'v [f64],
    /// In [−1, 1].
    places: &'v [f64],
    values: &'v mut [f64],
}

impl WithSimd for Interpolation<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let samples = self.places.len();
        let blocks = self.values.chunks_mut(LANES).zip(self.places.chunks(LANES));
        for (block, (values, places)) in blocks.enumerate() {
            let mut twice = [0.0; LANES];
            twice.iter_mut().zip(places).for_each(|(t, x)| *t = 2.0 * x);
            let (mut one, mut two) = ([0.0; LANES], [0.0; LANES]);
            for row in self.coefficients.chunks_exact(samples).skip(1).rev() {
                let row = &row[block * LANES..block * LANES + places.len()];
                let mut c = [0.0; LANES];
                c[..row.len()].copy_from_slice(row);
                for lane in 0..LANES {
                    let next = twice[lane].mul_add(one[lane], c[lane] - two[lane]);
                    two[lane] = one[lane];
                    one[lane] = next;
                }
            }
            let first = &self.coefficients[block * LANES..block * LANES + places.len()];
            for (lane, (value, c)) in values.iter_mut().zip(first).enumerate() {
                *value = (0.5 * twice[lane]).mul_add(one[lane], c - two[lane]);
            }
        }
    }
}
