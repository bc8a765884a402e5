//! Where every site of a network is on the paper.
//!
//! Layers on a line stand above each other, inputs below and outputs on top.
//! When any layer is a plane (pixels on a grid, classes on a ring) all layers
//! are drawn as planes seen obliquely, one above the other.

use crate::report::network::edges::Way;
use crate::report::sites::Place;
use crate::result::{Arrangement, Layer, Network, Site};

/// How large a network is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size {
    /// Width of the drawing.
    pub width: f64,
    /// Left margin, where layers are named.
    pub gutter: f64,
    /// Distance from layer to layer, if the network is not deep.
    pub gap: f64,
    /// Height of all layers together at most.
    pub tallest: f64,
    /// Distance from fold to fold of a layer.
    pub fold: f64,
    /// Radius of a site at most.
    pub radius: f64,
    /// Font size of labels.
    pub font: f64,
    /// In layers of more sites than this only those with edges are named.
    pub names_all: usize,
}

/// The network over the whole width of a page.
pub const LARGE: Size = Size {
    width: 1040.0,
    gutter: 92.0,
    gap: 168.0,
    tallest: 900.0,
    fold: 58.0,
    radius: 9.0,
    font: 13.0,
    names_all: usize::MAX,
};

/// The network on the first screen, beside its verdicts.
pub const MEDIUM: Size = Size {
    width: 700.0,
    gutter: 84.0,
    gap: 112.0,
    tallest: 400.0,
    fold: 58.0,
    radius: 8.0,
    font: 12.0,
    names_all: usize::MAX,
};

/// The network on the first screen of a phone.
pub const NARROW: Size = Size {
    width: 336.0,
    gutter: 10.0,
    gap: 84.0,
    tallest: 380.0,
    fold: 34.0,
    radius: 6.0,
    font: 11.0,
    names_all: 12,
};

/// The network as one of many.
pub const SMALL: Size = Size {
    width: 480.0,
    gutter: 10.0,
    gap: 84.0,
    tallest: 420.0,
    fold: 14.0,
    radius: 4.0,
    font: 11.0,
    names_all: 6,
};

/// Height of a layer's name and of what stands below it.
const TWO_LINES: f64 = 27.0;

/// Width of a letter of a layer's name, and the most room for one.
const LETTER: f64 = 6.4;
const LONGEST_NAME: f64 = 150.0;

impl Size {
    /// Whether layers are named in the left margin.
    pub fn names_layers(self) -> bool {
        self.gutter > SMALL.gutter
    }

    /// With a margin in which the layers' names have room, where they are written there.
    fn with_room_for(self, network: &Network) -> Self {
        let names = network
            .layers
            .iter()
            .map(|layer| layer.name.chars().count());
        let longest = steps(names.max().unwrap_or(0)) * LETTER + 14.0;
        Self {
            gutter: match self.names_layers() {
                true => self.gutter.max(longest.min(LONGEST_NAME)),
                false => self.gutter,
            },
            ..self
        }
    }
}

/// A network laid out on paper; the origin is the left upper corner of its layers.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The size it was made for.
    pub size: Size,
    /// Per layer the points of its sites.
    pub points: Vec<Vec<(f64, f64)>>,
    /// Per layer the corners of its plane; none for layers on lines.
    pub planes: Vec<[(f64, f64); 4]>,
    /// Height of all layers together.
    pub height: f64,
}

/// Planes lean to the right by this share of the width.
const SKEW: f64 = 0.24;

impl Scene {
    /// Lays a network out.
    #[must_use]
    pub fn new(network: &Network, size: Size) -> Self {
        let size = size.with_room_for(network);
        if network
            .layers
            .iter()
            .any(|layer| layer.arrangement != Arrangement::Line)
        {
            planes(network, size)
        } else {
            lines(network, size)
        }
    }

    /// The point of a site.
    #[must_use]
    pub fn point(&self, place: Place) -> Option<(f64, f64)> {
        self.points.get(place.layer)?.get(place.index).copied()
    }

    /// The way of a line from site to site.
    #[must_use]
    pub fn way(&self, from: Place, to: Place) -> Option<Way> {
        Some(Way {
            from: self.point(from)?,
            to: self.point(to)?,
            recurs: from.recurs_to(to),
        })
    }

    /// The place of a site on its layer's plane; on a line, in the middle of its depth.
    #[must_use]
    pub fn on_plane(site: &Site, layer: &Layer) -> [f64; 2] {
        let is_line = layer.arrangement == Arrangement::Line;
        [unit(site.x), if is_line { 0.5 } else { unit(site.y) }]
    }

    /// The height at which a layer is named.
    #[must_use]
    pub fn name_height(&self, layer: usize) -> Option<f64> {
        let corner = self.planes.get(layer).map(|plane| plane[0].1);
        corner.or_else(|| Some(self.points.get(layer)?.first()?.1))
    }

    /// Which layers' names have room beside those of the layers above: where layers lie close,
    /// some are named.
    #[must_use]
    pub fn named_layers(&self) -> Vec<bool> {
        let mut named = vec![false; self.points.len()];
        let mut free = f64::NEG_INFINITY;
        for layer in (0..named.len()).rev() {
            let fits = |height: &f64| *height >= free;
            if let Some(height) = self.name_height(layer).filter(fits) {
                named[layer] = true;
                free = height + TWO_LINES;
            }
        }
        named
    }

    /// Whether layers are drawn as planes.
    #[must_use]
    pub fn is_oblique(&self) -> bool {
        !self.planes.is_empty()
    }

    /// The largest radius at which the sites of a layer do not touch.
    #[must_use]
    pub fn radius(&self, layer: usize) -> f64 {
        let points = self.points.get(layer).map_or(&[][..], Vec::as_slice);
        let mut across: Vec<f64> = points.iter().map(|p| p.0).collect();
        across.sort_by(f64::total_cmp);
        // Sites of several folds stand above each other.
        let steps = across
            .windows(2)
            .filter_map(|w| Some(w.get(1)? - w.first()?))
            .filter(|step| *step > 0.0);
        let room = if self.is_oblique() {
            self.size.radius * 1.2
        } else {
            steps.fold(f64::INFINITY, f64::min)
        };
        (room * 0.36).clamp(1.5, self.size.radius)
    }
}

fn gap(network: &Network, size: Size) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "numbers of layers are small")]
    let gaps = network.layers.len().saturating_sub(1).max(1) as f64;
    size.gap.min(size.tallest / gaps)
}

fn lines(network: &Network, size: Size) -> Scene {
    let gap = gap(network, size);
    let count = network.layers.len();
    let width = size.width - size.gutter - 16.0;
    let stacks: Vec<Vec<(f64, f64)>> = network.layers.iter().map(stacked).collect();
    let folds = stacks.iter().flatten().map(|(_, fold)| *fold);
    let deepest = folds.fold(0.0, f64::max);
    let points = stacks.into_iter().enumerate().map(|(level, stacked)| {
        let y = gap * steps(count - 1 - level);
        let place = |(x, fold)| (size.gutter + x * width, y + fold * size.fold);
        stacked.into_iter().map(place).collect()
    });
    Scene {
        size,
        points: points.collect(),
        planes: Vec::new(),
        height: gap * steps(count.saturating_sub(1)) + deepest * size.fold,
    }
}

/// Places across in [0, 1], each with the number of its fold: the folds of a layer stand
/// below one another, as a table's rows that are read at the same place.
fn stacked(layer: &Layer) -> Vec<(f64, f64)> {
    let mut fold = 0.0;
    let mut last = f64::NEG_INFINITY;
    let mut placed = Vec::with_capacity(layer.sites.len());
    for site in &layer.sites {
        let x = unit(site.x);
        if x < last {
            fold += 1.0;
        }
        last = x;
        placed.push((x, fold));
    }
    placed
}

fn planes(network: &Network, size: Size) -> Scene {
    let count = network.layers.len();
    let gap = (gap(network, size) * 1.15).max(40.0);
    let depth = gap * 0.78;
    let usable = size.width - size.gutter - 16.0;
    let (width, skew) = (usable * (1.0 - SKEW), usable * SKEW);
    let project = |level: usize, x: f64, y: f64| {
        let across = size.gutter + x * width + y * skew;
        (across, depth + gap * steps(count - 1 - level) - y * depth)
    };
    let corners =
        |level| [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)].map(|(x, y)| project(level, x, y));
    let points = network.layers.iter().enumerate().map(|(level, layer)| {
        let places = layer.sites.iter().map(|s| Scene::on_plane(s, layer));
        places.map(|[x, y]| project(level, x, y)).collect()
    });
    Scene {
        size,
        points: points.collect(),
        planes: (0..count).map(corners).collect(),
        height: depth + gap * steps(count.saturating_sub(1)),
    }
}

fn unit(value: f64) -> f64 {
    if value.is_finite() {
        value.clamp(0.0, 1.0)
    } else {
        0.5
    }
}

#[allow(clippy::cast_precision_loss, reason = "numbers of layers are small")]
fn steps(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn inputs_are_below_and_outputs_on_top() {
        let scene = Scene::new(&sample::audit().network, LARGE);
        let y = |layer: usize| scene.points[layer][0].1;
        assert!(y(0) > y(1) && y(1) > y(2));
        assert_eq!(y(2), 0.0);
    }

    #[test]
    fn folds_stand_below_each_other() {
        let mut network = sample::audit().network;
        let layer = &mut network.layers[0];
        layer.sites.truncate(4);
        for (site, x) in layer.sites.iter_mut().zip([0.25, 0.75, 0.25, 0.75]) {
            site.x = x;
        }
        let scene = Scene::new(&network, LARGE);
        let points = &scene.points[0];
        assert_eq!([points[0].0, points[1].0], [points[2].0, points[3].0]);
        assert_eq!(points[2].1 - points[0].1, LARGE.fold);
        assert_eq!(points[3].1, scene.height);
        assert!(scene.radius(0) > 1.5);
    }

    #[test]
    fn one_plane_makes_all_layers_planes() {
        let mut network = sample::audit().network;
        network.layers[0].arrangement = Arrangement::Grid;
        let scene = Scene::new(&network, SMALL);
        assert_eq!(scene.planes.len(), network.layers.len());
        let inside =
            |p: &(f64, f64)| p.0 >= 0.0 && p.0 <= SMALL.width && p.1 >= 0.0 && p.1 <= scene.height;
        assert!(scene.points.iter().flatten().all(inside));
    }
}
