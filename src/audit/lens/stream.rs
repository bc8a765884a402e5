//! The logit lens.

use std::sync::Arc;

use ndarray::{Array2, ArrayView1};

use super::Looked;
use crate::metric::decision;
use crate::model::Sequences;
use crate::model::transformer::{Answers, SequenceInputs, SequenceTrace};
use crate::numeric::statistics::mean;
use crate::numeric::{Scalar, parallel};
use crate::result::{LensPoint, LensSample, Read};

/// A point of the stream: after so many sublayers.
#[derive(Clone, Copy)]
struct Point(usize);

/// What is read of one reading at one point.
struct Reading {
    agrees: f64,
    divergence: f64,
    difference: f64,
    probability: f64,
}

impl<T: Scalar> Looked<'_, T> {
    /// The points at which a stream can be read: between sublayers where there is one, and
    /// the end.
    fn all_points(&self) -> Vec<Point> {
        let blocks = self.model.blocks.iter().enumerate();
        let of_block = |(layer, block): (usize, &Arc<crate::model::transformer::Block<T>>)| {
            let between = block.mlp.is_some() && !block.is_parallel();
            let points = [Some(2 * layer), between.then_some(2 * layer + 1)];
            points.into_iter().flatten().map(Point)
        };
        let end = Point(2 * self.model.blocks.len());
        blocks.flat_map(of_block).chain([end]).collect()
    }

    /// What has written last before a point.
    fn after(&self, point: Point) -> String {
        match point.0 {
            0 => "input".to_owned(),
            n if n % 2 == 1 => format!("a{}", n / 2),
            n => {
                let layer = n / 2 - 1;
                match self.model.blocks[layer].mlp {
                    Some(_) => format!("m{layer}"),
                    None => format!("a{layer}"),
                }
            }
        }
    }

    /// The stream at a point, `[readings, d]`.
    fn stream(&self, trace: &SequenceTrace<T>, point: Point) -> Array2<T> {
        let stream = match (point.0 % 2, trace.mlp.get(point.0 / 2)) {
            (1, Some(Some(mlp))) => &mlp.stream,
            _ => trace.stream_before(point.0 / 2),
        };
        match stream.nrows() == trace.everywhere.len() {
            true => trace.answers.rows_of(stream),
            false => stream.clone(),
        }
    }

    /// Means over all readings.
    pub fn points(&self) -> Vec<LensPoint> {
        let points = self.all_points();
        let mut first = 0;
        let mut parts = Vec::new();
        for part in self.subject.batch().parts() {
            let readings = part.answers.readings();
            parts.push((part, first));
            first += readings;
        }
        let of_part = |(part, first): (Sequences<T>, usize)| -> Vec<Vec<Reading>> {
            let trace = self
                .model
                .forward(&part.inputs, &part.answers, part.length());
            let at = |point: &Point| self.readings(&trace, *point, first);
            points.iter().map(at).collect()
        };
        let parts = parallel::map(parts, of_part);
        let told = |(place, point): (usize, &Point)| {
            let readings: Vec<&Reading> = parts.iter().flat_map(|part| &part[place]).collect();
            let of = |number: fn(&Reading) -> f64| -> Vec<f64> {
                readings.iter().map(|reading| number(reading)).collect()
            };
            let differences = of(|reading| reading.difference);
            LensPoint {
                point: format!("r{}", point.0),
                after: self.after(*point),
                agreement: mean(&of(|reading| reading.agrees)),
                divergence: mean(&of(|reading| reading.divergence)),
                logit_difference: mean(&differences),
                interval: self.interval(&differences),
                probability: mean(&of(|reading| reading.probability)),
            }
        };
        points.iter().enumerate().map(told).collect()
    }

    fn readings(&self, trace: &SequenceTrace<T>, point: Point, first: usize) -> Vec<Reading> {
        let outputs = self
            .model
            .outputs_of_stream(self.stream(trace, point), &trace.answers);
        let rows = outputs.rows().into_iter().zip(trace.end.outputs.rows());
        let read = |(place, (here, last)): (usize, (ArrayView1<'_, T>, ArrayView1<'_, T>))| {
            let reading = first + place;
            let shares = log_shares(here);
            let answer = self.pairs.0[reading];
            Reading {
                agrees: f64::from(u8::from(decision(here) == decision(last))),
                divergence: divergence(&log_shares(last), &shares),
                difference: self.difference(reading, |output| here[output].widen()),
                probability: self.probability(answer, &shares),
            }
        };
        rows.enumerate().map(read).collect()
    }

    /// Of an answer; of one logit by the sigmoid.
    fn probability(&self, answer: usize, log_shares: &[f64]) -> f64 {
        let of_one = log_shares[0].exp();
        match self.is_one_logit() {
            true if answer == 1 => of_one,
            true => 1.0 - of_one,
            false => log_shares[answer].exp(),
        }
    }

    /// Every position of the samples that are shown.
    pub fn samples(&self) -> Vec<LensSample> {
        let samples = &self.settings.samples;
        if samples.is_empty() {
            return Vec::new();
        }
        let part = self.subject.batch().select(samples);
        let everywhere = Answers::everywhere(samples.len(), part.length());
        let trace = self.model.forward(&part.inputs, &everywhere, part.length());
        let points = self.all_points();
        let read: Vec<Array2<T>> = points
            .iter()
            .map(|point| {
                self.model
                    .outputs_of_stream(self.stream(&trace, *point), &trace.answers)
            })
            .collect();
        let one = |(place, sample): (usize, &usize)| {
            let length = self.shown_length(*sample, part.length());
            let at = |outputs: &Array2<T>| {
                let rows = place * part.length()..place * part.length() + length;
                let here = |row| self.read(outputs.row(row), trace.end.outputs.row(row));
                rows.map(here).collect()
            };
            LensSample {
                sample: *sample,
                tokens: self.tokens(&part, place, *sample, length),
                points: read.iter().map(at).collect(),
            }
        };
        samples.iter().enumerate().map(one).collect()
    }

    /// The positions of a sample without its padding.
    fn shown_length(&self, sample: usize, length: usize) -> usize {
        let prompt = self.subject.prompts().get(sample);
        prompt.map_or(length, |prompt| prompt.clean.len().min(length))
    }

    fn tokens(
        &self,
        part: &Sequences<T>,
        place: usize,
        sample: usize,
        length: usize,
    ) -> Vec<String> {
        let text = |id: usize| {
            let known = self.settings.vocabulary.get(id).cloned();
            known.unwrap_or_else(|| id.to_string())
        };
        match (self.subject.prompts().get(sample), &part.inputs) {
            (Some(prompt), _) => prompt.clean[..length].to_vec(),
            (None, SequenceInputs::Tokens(ids)) => {
                ids.row(place).iter().map(|id| text(*id)).collect()
            }
            (None, SequenceInputs::Values(_)) => (0..length).map(|p| p.to_string()).collect(),
        }
    }

    fn read(&self, here: ArrayView1<'_, T>, last: ArrayView1<'_, T>) -> Read {
        let shares = log_shares(here);
        let largest = match self.is_one_logit() {
            true => 0,
            false => decision(here),
        };
        Read {
            output: self.name(largest),
            probability: shares[largest].exp(),
            divergence: divergence(&log_shares(last), &shares),
        }
    }
}

/// Logarithms of the shares of a softmax; of one logit, that of its sigmoid.
fn log_shares<T: Scalar>(logits: ArrayView1<'_, T>) -> Vec<f64> {
    let logits: Vec<f64> = logits.iter().map(|x| x.widen()).collect();
    if let [one] = logits[..] {
        return vec![-(-one).exp().ln_1p()];
    }
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|x| (x - largest).exp()).sum();
    logits.iter().map(|x| x - largest - sum.ln()).collect()
}

/// Σ p (ln p − ln q), in nats; of one logit over both of its classes.
fn divergence(p: &[f64], q: &[f64]) -> f64 {
    if let ([p], [q]) = (p, q) {
        let other = |x: f64| (-x.exp_m1()).ln();
        let both = [(*p, *q), (other(*p), other(*q))];
        return both.iter().map(|(p, q)| share(*p, *q)).sum();
    }
    p.iter().zip(q).map(|(p, q)| share(*p, *q)).sum()
}

fn share(p: f64, q: f64) -> f64 {
    match p == f64::NEG_INFINITY {
        true => 0.0,
        false => p.exp() * (p - q),
    }
}
