//! From the inputs up: for every neuron two enclosures of its value and two of
//! its difference between the networks, for eight boxes at once.
//!
//! One enclosure is a line in the inputs with a radius (a first-order Taylor
//! model; ε runs over [-1, 1] along each input that varies), the other an
//! interval given by middle and radius. A neuron's range is where both meet.
//!
//! Rounding: sums of products are computed to nearest; what they may be off by
//! is at most `rounding` · Σ|w| · (the largest magnitude of what is read) and
//! goes into the radius, as do the errors of the neuron's lines. A value that is
//! not finite anywhere poisons the lane, whose bound then is infinite.

#[cfg(test)]
use super::curve::Curve;
use super::curve::{
    Elu, Gelu, GeluTanh, Mish, Range, Sigmoid, Silu, Softplus, Softsign, SquaredRelu, Tanh,
};
use super::pair::{Pair, PairLayer, Rows};
use super::relax::{self, DOZEN, Relaxation, Relaxed, TINY, UP};
use crate::numeric::{Activation, Lanes};
use pulp::Arch;

/// Lanes before the slopes: the line's centre and the interval's middle.
pub(super) const HEAD: usize = 2;

/// Two enclosures of each of a layer's quantities.
#[derive(Debug, Clone)]
pub(super) struct Forms {
    /// Per site: centre, middle, then a slope per symbol.
    signed: Vec<Lanes>,
    /// Per site: radius of the line, radius of the interval.
    spread: Vec<Lanes>,
    /// Lanes of a site in `signed`.
    stride: usize,
    /// Largest magnitude any site can have.
    pub magnitude: Lanes,
}

impl Forms {
    fn new(sites: usize, symbols: usize) -> Self {
        Self {
            signed: vec![Lanes::ZERO; sites * (HEAD + symbols)],
            spread: vec![Lanes::ZERO; sites * 2],
            stride: HEAD + symbols,
            magnitude: Lanes::ZERO,
        }
    }

    /// Centre, middle and slopes of a site.
    #[inline(always)]
    fn signed(&self, site: usize) -> &[Lanes] {
        &self.signed[site * self.stride..(site + 1) * self.stride]
    }

    /// The slopes of a site by symbol.
    #[inline(always)]
    pub fn slopes(&self, site: usize) -> &[Lanes] {
        &self.signed(site)[HEAD..]
    }

    /// Centre and radius of a site's line.
    #[inline(always)]
    pub fn centre_and_radius(&self, site: usize) -> (Lanes, Lanes) {
        (self.signed(site)[0], self.spread[2 * site])
    }

    /// Middle and radius of a site's interval.
    #[inline(always)]
    pub fn mid_and_radius(&self, site: usize) -> (Lanes, Lanes) {
        (self.signed(site)[1], self.spread[2 * site + 1])
    }

    /// Where the two enclosures of a site meet, and its magnitude.
    #[inline(always)]
    fn range(&self, site: usize) -> (Range, Lanes) {
        let signed = self.signed(site);
        let slopes = signed[HEAD..]
            .iter()
            .fold(Lanes::ZERO, |sum, g| sum + g.abs());
        let line = (slopes + self.spread[2 * site]) * UP + signed[0].abs() * DOZEN;
        let interval = self.spread[2 * site + 1] * UP + signed[1].abs() * DOZEN;
        let range = Range {
            lo: (signed[0] - line).max(signed[1] - interval),
            hi: (signed[0] + line).min(signed[1] + interval),
        };
        let magnitude = (signed[0].abs() + line).max(signed[1].abs() + interval);
        // The maximum may drop what is no number: it comes back with these.
        let poison = (line + interval) * 0.0;
        (range, magnitude + poison)
    }
}

/// What one layer of readers reads and what it writes.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    /// What each neuron reads in the original.
    pub read: Forms,
    /// By how much more it reads in the pruned.
    pub read_change: Forms,
    /// Where it is known that each neuron's reading in the original lies, narrower than these say;
    /// nothing where empty.
    pub known: Vec<Range>,
    /// The same of how much more it reads in the pruned.
    pub known_change: Vec<Range>,
    /// The lines of each neuron.
    pub lines: Vec<Relaxation>,
    /// What each neuron writes in the original; of the inputs, their values.
    pub value: Forms,
    /// By how much more it writes in the pruned.
    pub change: Forms,
}

/// The state of one pass over eight boxes, to be used again and again.
#[derive(Debug, Clone)]
pub(super) struct Pass {
    /// The inputs first.
    pub layers: Vec<Layer>,
    /// The inputs that vary, ascending.
    pub symbols: Vec<usize>,
    /// 0 where all is finite, not a number elsewhere.
    pub poison: Lanes,
    /// Whether ranges and slopes of neurons' lines are rounded to f32, as proof logs hold them.
    pub rounded: bool,
}

impl Pass {
    /// Room for passes through a pair of networks; `symbols` are the inputs that vary.
    pub fn new(pair: &Pair, symbols: &[usize]) -> Self {
        let layer = |sites: usize, neurons: bool| {
            let reads = if neurons { sites } else { 0 };
            Layer {
                read: Forms::new(reads, symbols.len()),
                read_change: Forms::new(reads, symbols.len()),
                known: Vec::new(),
                known_change: Vec::new(),
                lines: vec![Relaxation::default(); reads],
                value: Forms::new(sites, symbols.len()),
                change: Forms::new(sites, symbols.len()),
            }
        };
        let readers = pair.layers.iter().map(|l| layer(l.bias.len(), true));
        Self {
            layers: std::iter::once(layer(pair.inputs, false))
                .chain(readers)
                .collect(),
            symbols: symbols.to_vec(),
            poison: Lanes::ZERO,
            rounded: false,
        }
    }

    /// Everything up to what the outputs read, from what [`Pass::set_inputs`] was given.
    pub fn run(&mut self, pair: &Pair) {
        self.run_refined(pair, &mut |_, _| ());
    }

    /// [`Pass::run`], where `refine` may set what is known of each layer of readers before they
    /// write; for every kind of machine compiled once, whoever calls it.
    #[inline(never)]
    pub fn run_refined(&mut self, pair: &Pair, refine: &mut dyn FnMut(&mut Self, usize)) {
        Arch::new().dispatch(|| self.run_here(pair, refine));
    }

    #[inline(always)]
    fn run_here(&mut self, pair: &Pair, refine: &mut dyn FnMut(&mut Self, usize)) {
        self.start();
        for index in 0..pair.layers.len() {
            // Once for all activations: what is written here is compiled where it is called.
            self.read(pair, index);
            refine(self, index);
            let Some(runs) = pair.activations.get(index) else {
                continue;
            };
            let layer = &mut self.layers[index + 1];
            (layer.value.magnitude, layer.change.magnitude) = (Lanes::ZERO, Lanes::ZERO);
            for (neurons, activation) in runs {
                let how = (neurons.clone(), self.rounded);
                self.poison += match activation {
                    Activation::Identity => layer.activate(relax::identity, how),
                    Activation::Relu => layer.activate(relax::relu, how),
                    Activation::Silu => layer.activate(relax::smooth::<Silu>, how),
                    Activation::Gelu => layer.activate(relax::smooth::<Gelu>, how),
                    Activation::GeluTanh => layer.activate(relax::smooth::<GeluTanh>, how),
                    Activation::Tanh => layer.activate(relax::smooth::<Tanh>, how),
                    Activation::Sigmoid => layer.activate(relax::smooth::<Sigmoid>, how),
                    Activation::Softplus => layer.activate(relax::smooth::<Softplus>, how),
                    Activation::Mish => layer.activate(relax::smooth::<Mish>, how),
                    Activation::Softsign => layer.activate(relax::smooth::<Softsign>, how),
                    Activation::SquaredRelu => layer.activate(relax::smooth::<SquaredRelu>, how),
                    Activation::Elu(alpha) if alpha.value() == 1.0 => {
                        layer.activate(relax::smooth::<Elu>, how)
                    }
                    other => unreachable!("pairs of {other} are refused: see `is_proved`"),
                };
            }
        }
    }

    /// [`Pass::run`] with a given smooth activation everywhere.
    #[cfg(test)]
    pub fn run_smooth<C: Curve>(&mut self, pair: &Pair) {
        self.start();
        for index in 0..pair.layers.len() {
            self.read(pair, index);
            if index + 1 < pair.layers.len() {
                let layer = &mut self.layers[index + 1];
                (layer.value.magnitude, layer.change.magnitude) = (Lanes::ZERO, Lanes::ZERO);
                let all = 0..layer.lines.len();
                self.poison += layer.activate(relax::smooth::<C>, (all, false));
            }
        }
    }

    /// Of every hidden neuron, in one of the boxes: the ranges of what it reads in the
    /// original and of what it reads more in the pruned, and the slopes α, p, q.
    pub fn relaxations(&self, lane: usize) -> Vec<[f32; 7]> {
        let hidden = self.layers.len().saturating_sub(1);
        let of = |layer: &Layer, neuron: usize| {
            let z = single(layer.read.range_of(neuron));
            let d = single(layer.read_change.range_of(neuron));
            let Relaxation { alpha, p, q, .. } = layer.lines[neuron];
            [z.lo, z.hi, d.lo, d.hi, alpha, p, q].map(|x| x.0[lane] as f32)
        };
        let layers = self.layers[..hidden].iter();
        layers
            .flat_map(|layer| (0..layer.lines.len()).map(move |neuron| of(layer, neuron)))
            .collect()
    }

    fn start(&mut self) {
        let inputs = &self.layers[0];
        self.poison = (inputs.value.magnitude + inputs.change.magnitude) * 0.0;
    }

    /// What layer `index` of readers reads.
    #[inline(always)]
    fn read(&mut self, pair: &Pair, index: usize) {
        let (below, above) = self.layers.split_at_mut(index + 1);
        above[0].read_from(&pair.layers[index], &below[index], pair.rounding);
    }

    /// Sets the inputs of the original: centre + radius · ε; the pruned reads the same.
    #[inline(always)]
    pub fn set_inputs(&mut self, inputs: &[Range]) {
        self.layers[0].value.set_inputs(inputs, &self.symbols);
    }

    /// Lets the pruned read other inputs: by how much they differ.
    #[inline(always)]
    pub fn set_input_changes(&mut self, changes: &[Range]) {
        self.layers[0].change.set_inputs(changes, &[]);
    }
}

/// The ends moved outward to numbers of f32.
#[inline(always)]
fn single(range: Range) -> Range {
    let below = |x: f64| {
        let near = x as f32;
        f64::from(if f64::from(near) > x {
            near.next_down()
        } else {
            near
        })
    };
    Range {
        lo: range.lo.map(below),
        hi: range.hi.map(|x| -below(-x)),
    }
}

impl Layer {
    /// Number of sites that write.
    pub fn writers(&self) -> usize {
        self.value.spread.len() / 2
    }

    /// What the neurons read: W a + b, and W′ e + (W′ − W) a + (b′ − b).
    #[inline(always)]
    fn read_from(&mut self, weights: &PairLayer, below: &Self, rounding: f64) {
        let (values, changes) = (&below.value, &below.change);
        for (reader, bias) in weights.bias.iter().enumerate() {
            self.read.clear(reader, *bias);
            self.read.add(reader, &weights.original, values);
            let slack = values.magnitude * weights.original.absolute[reader] + bias.abs();
            self.read.widen(reader, slack * rounding);

            let bias = weights.bias_change[reader];
            self.read_change.clear(reader, bias);
            self.read_change.add(reader, &weights.pruned, changes);
            self.read_change.add(reader, &weights.change, values);
            let slack = values.magnitude * weights.change.absolute[reader]
                + changes.magnitude * weights.pruned.absolute[reader]
                + bias.abs();
            let free = Lanes::splat(weights.free[reader]);
            self.read_change.widen(reader, slack * rounding + free);
        }
    }

    /// What some neurons write, with slopes of f32 or not; returns the poison.
    #[inline(always)]
    fn activate(
        &mut self,
        relax: impl Fn(Range, Range) -> Relaxed,
        (neurons, rounded): (std::ops::Range<usize>, bool),
    ) -> Lanes {
        let mut poison = Lanes::ZERO;
        let (mut value, mut change) = (self.value.magnitude, self.change.magnitude);
        for neuron in neurons {
            let (mut z, z_reach) = self.read.range(neuron);
            z = self.known.get(neuron).copied().unwrap_or(z);
            let (mut d, d_reach) = self.read_change.range(neuron);
            d = self.known_change.get(neuron).copied().unwrap_or(d);
            if rounded {
                (z, d) = (single(z), single(d));
            }
            let relaxed = relax(z, d);
            let lines = match rounded {
                true => relaxed.lines.rounded(z, d),
                false => relaxed.lines,
            };
            let slack = (lines.alpha.abs() * z_reach + lines.shift.abs()) * DOZEN;
            self.value
                .set_line(neuron, (lines.shift, lines.gamma + slack));
            self.value.add_line(neuron, lines.alpha, &self.read);
            value = value.max(self.value.set_interval(neuron, relaxed.value, &mut poison));

            let slack = lines.p.abs() * d_reach + lines.q.abs() * z_reach;
            let slack = (slack + lines.change_shift.abs()) * DOZEN;
            let constant = (lines.change_shift, lines.change_gamma + slack);
            self.change.set_line(neuron, constant);
            self.change.add_line(neuron, lines.p, &self.read_change);
            self.change.add_line(neuron, lines.q, &self.read);
            change = change.max(
                self.change
                    .set_interval(neuron, relaxed.change, &mut poison),
            );
            self.lines[neuron] = lines;
        }
        (self.value.magnitude, self.change.magnitude) = (value, change);
        poison
    }
}

impl Forms {
    /// Makes every site an input with its range; those among `symbols` vary.
    #[inline(always)]
    fn set_inputs(&mut self, inputs: &[Range], symbols: &[usize]) {
        self.signed.fill(Lanes::ZERO);
        self.magnitude = Lanes::ZERO;
        for (site, range) in inputs.iter().enumerate() {
            let mid = range.lo * 0.5 + range.hi * 0.5;
            let radius = (range.hi - mid).max(mid - range.lo) * UP;
            let signed = &mut self.signed[site * self.stride..][..self.stride];
            (signed[0], signed[1]) = (mid, mid);
            self.spread[2 * site] = Lanes::ZERO;
            match symbols.binary_search(&site) {
                Ok(symbol) => signed[HEAD + symbol] = radius,
                Err(_) => self.spread[2 * site] = radius,
            }
            self.spread[2 * site + 1] = radius;
            self.magnitude = self.magnitude.max((mid.abs() + radius) * UP);
        }
    }

    /// Makes a site the constant `x`.
    #[inline(always)]
    fn clear(&mut self, site: usize, x: f64) {
        let signed = &mut self.signed[site * self.stride..][..self.stride];
        signed[HEAD..].fill(Lanes::ZERO);
        (signed[0], signed[1]) = (Lanes::splat(x), Lanes::splat(x));
        self.spread[2 * site..2 * site + 2].fill(Lanes::splat(TINY));
    }

    /// Adds a row of weights times what it reads.
    #[inline(always)]
    fn add(&mut self, row: usize, weights: &Rows, of: &Self) {
        let entries = weights.row(row);
        let signed = &mut self.signed[row * self.stride..][..self.stride];
        let mut at = 0;
        while at + 4 <= signed.len() {
            add_tile::<4>(&mut signed[at..], entries, &of.signed[at..], of.stride);
            at += 4;
        }
        match signed.len() - at {
            3 => add_tile::<3>(&mut signed[at..], entries, &of.signed[at..], of.stride),
            2 => add_tile::<2>(&mut signed[at..], entries, &of.signed[at..], of.stride),
            1 => add_tile::<1>(&mut signed[at..], entries, &of.signed[at..], of.stride),
            _ => {}
        }
        let spread = &mut self.spread[2 * row..2 * row + 2];
        let (mut line, mut interval) = (spread[0], spread[1]);
        for (writer, weight) in entries {
            let (at, weight) = (2 * *writer as usize, weight.abs());
            line += of.spread[at] * weight;
            interval += of.spread[at + 1] * weight;
        }
        (spread[0], spread[1]) = (line, interval);
    }

    /// Adds to both radii.
    #[inline(always)]
    fn widen(&mut self, site: usize, by: Lanes) {
        self.spread[2 * site] += by;
        self.spread[2 * site + 1] += by;
    }

    /// Makes a site's line a constant with a radius.
    #[inline(always)]
    fn set_line(&mut self, site: usize, (centre, radius): (Lanes, Lanes)) {
        let signed = &mut self.signed[site * self.stride..][..self.stride];
        signed[HEAD..].fill(Lanes::ZERO);
        signed[0] = centre;
        self.spread[2 * site] = radius + TINY;
    }

    /// Adds a multiple of another quantity's line.
    #[inline(always)]
    fn add_line(&mut self, site: usize, factor: Lanes, of: &Self) {
        let signed = &mut self.signed[site * self.stride..][..self.stride];
        let other = of.signed(site);
        signed[0] += factor * other[0];
        for (g, other) in signed[HEAD..].iter_mut().zip(&other[HEAD..]) {
            *g += factor * *other;
        }
        self.spread[2 * site] += factor.abs() * of.spread[2 * site];
    }

    /// Sets a site's interval; returns its magnitude.
    #[inline(always)]
    fn set_interval(&mut self, site: usize, range: Range, poison: &mut Lanes) -> Lanes {
        let mid = range.lo * 0.5 + range.hi * 0.5;
        self.signed[site * self.stride + 1] = mid;
        self.spread[2 * site + 1] = (range.hi - mid).max(mid - range.lo) * UP + TINY;
        let (_, magnitude) = self.range(site);
        *poison += magnitude * 0.0;
        magnitude
    }

    /// The range of a site, for reading results.
    #[inline(always)]
    pub fn range_of(&self, site: usize) -> Range {
        self.range(site).0
    }
}

/// `N` lanes of a row's sum at a time, kept in registers.
#[inline(always)]
fn add_tile<const N: usize>(
    out: &mut [Lanes],
    entries: &[(u32, f64)],
    of: &[Lanes],
    stride: usize,
) {
    let mut sums = [Lanes::ZERO; N];
    for (writer, weight) in entries {
        let from = &of[*writer as usize * stride..][..N];
        for (sum, x) in sums.iter_mut().zip(from) {
            *sum += *x * *weight;
        }
    }
    for (out, sum) in out.iter_mut().zip(sums) {
        *out += sum;
    }
}

/// From where to where each site writes, inputs first and outputs last, by intervals alone.
pub(super) fn interval_ranges(pair: &Pair, sides: &[[f64; 2]]) -> Vec<Vec<[f64; 2]>> {
    let mut pass = Pass::new(pair, &[]);
    let side = |[lo, hi]: &[f64; 2]| Range {
        lo: Lanes::splat(*lo),
        hi: Lanes::splat(*hi),
    };
    let inputs: Vec<Range> = sides.iter().map(side).collect();
    pass.set_inputs(&inputs);
    pass.run(pair);
    let poison = pass.poison.0[0];
    let ends = |range: Range| [range.lo.0[0] + poison, range.hi.0[0] + poison];
    let of = |(place, layer): (usize, &Layer)| -> Vec<[f64; 2]> {
        let written = match place == pair.layers.len() {
            true => &layer.read,
            false => &layer.value,
        };
        (0..layer.writers())
            .map(|site| ends(written.range_of(site)))
            .collect()
    };
    pass.layers.iter().enumerate().map(of).collect()
}
