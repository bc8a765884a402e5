//! Module × output: what the metric of each output is with one module removed.

use super::miniature::rows;
use crate::report::figures::canvas::{Figure, bar, disc, text, tip};
use crate::report::figures::palette::module_class;
use crate::report::format::{number, short};
use crate::report::sites::{Sites, shortened};
use crate::result::Lesion;

const WIDTH: f64 = 440.0;
const ROW: f64 = 20.0;

/// Room for the names of the rows.
const ROOM: f64 = 124.0;

/// Columns wider than this show their numbers.
const WITH_NUMBERS: f64 = 44.0;
const WIDEST: f64 = 110.0;

/// Room for the names of the outputs above their columns.
const NAMES: f64 = 18.0;

/// Most modules, the largest, and outputs.
const MOST: (usize, usize) = (5, 60);

/// The largest modules by output: the metric of the output with the module removed, darker
/// where removing it does more to this output than removing others.
pub(super) fn lesions(lesions: &[&Lesion], sites: &Sites<'_>) -> String {
    Matrix::of(lesions).draw(sites)
}

struct Matrix<'a> {
    lesions: &'a [&'a Lesion],
    modules: Vec<usize>,
    metrics: Vec<&'a str>,
    /// Modules and outputs that are not drawn.
    left_out: (usize, usize),
    /// Width of a column.
    wide: f64,
}

impl<'a> Matrix<'a> {
    fn of(lesions: &'a [&'a Lesion]) -> Self {
        let (mut modules, mut metrics): (Vec<usize>, Vec<&str>) = (Vec::new(), Vec::new());
        for lesion in lesions {
            if !modules.contains(&lesion.module) {
                modules.push(lesion.module);
            }
            if !metrics.contains(&lesion.metric.as_str()) {
                metrics.push(&lesion.metric);
            }
        }
        let left_out = (
            modules.len().saturating_sub(MOST.0),
            metrics.len().saturating_sub(MOST.1),
        );
        modules.truncate(MOST.0);
        metrics.truncate(MOST.1);
        let wide = ((WIDTH - ROOM) / rows(metrics.len().max(1))).min(WIDEST);
        Self {
            lesions,
            modules,
            metrics,
            left_out,
            wide,
        }
    }

    /// Whether columns have their names and numbers, and the whole network a row.
    fn has_numbers(&self) -> bool {
        self.wide >= WITH_NUMBERS
    }

    /// Where the first module's row begins.
    fn top(&self) -> f64 {
        match self.has_numbers() {
            true => NAMES + ROW,
            false => 2.0,
        }
    }

    fn draw(&self, sites: &Sites<'_>) -> String {
        let below = self.top() + ROW * rows(self.modules.len());
        let note = self.left_out();
        let height = if note.is_empty() { below } else { below + ROW };
        let label = "The metric of each output with one module removed, beside the whole network";
        let mut figure = Figure::new("", label, WIDTH, height);
        for (column, metric) in self.metrics.iter().enumerate() {
            self.draw_column(&mut figure, column, metric, sites);
        }
        if self.has_numbers() {
            figure.add(text(0.0, NAMES + 15.0, "small quiet", "whole network"));
        }
        for (row, module) in self.modules.iter().enumerate() {
            let y = self.top() + ROW * rows(row);
            let colour = format!("node {}", module_class(*module));
            figure.add(disc((7.0, y + 10.5), 6.0, &colour));
            let name = format!("without module {module}");
            figure.add(text(18.0, y + 15.0, "small", &name));
        }
        if !note.is_empty() {
            figure.add(text(0.0, below + 15.0, "small quiet", &note));
        }
        figure.inline()
    }

    /// What is not drawn, in words.
    fn left_out(&self) -> String {
        let (modules, outputs) = (self.modules.len(), self.metrics.len());
        match self.left_out {
            (0, 0) => String::new(),
            (more, 0) => format!("the {modules} largest of {} modules", modules + more),
            (0, more) => format!("{outputs} of {} outputs", outputs + more),
            (more, others) => format!(
                "the {modules} largest of {} modules, {outputs} of {} outputs",
                modules + more,
                outputs + others
            ),
        }
    }

    fn draw_column(&self, figure: &mut Figure, column: usize, metric: &str, sites: &Sites<'_>) {
        let all = self.lesions.iter().copied();
        let of_it: Vec<&Lesion> = all.filter(|l| l.metric == metric).collect();
        let right = ROOM + self.wide * rows(column + 1);
        let name = metric
            .split_once(" of ")
            .map_or_else(String::new, |(_, output)| sites.name(output));
        if self.has_numbers() {
            let letters = (self.wide / 7.2) as usize;
            let class = "end small strong";
            figure.add(text(right - 6.0, 12.0, class, &shortened(&name, letters)));
            let whole = of_it.first().map_or(f64::NAN, |l| l.metric_full);
            let y = NAMES + 15.0;
            figure.add(text(right - 6.0, y, "end small", &short(whole)));
        }
        let largest = of_it.iter().map(|l| l.effect.abs()).fold(0.0, f64::max);
        for (row, module) in self.modules.iter().enumerate() {
            let y = self.top() + ROW * rows(row);
            if let Some(lesion) = of_it.iter().find(|l| l.module == *module) {
                self.draw_cell(figure, (right, y), lesion, largest, &name);
            }
        }
    }

    /// One module's effect on one output, as a share of the largest on that output.
    fn draw_cell(
        &self,
        figure: &mut Figure,
        (right, y): (f64, f64),
        lesion: &Lesion,
        largest: f64,
        output: &str,
    ) {
        let share = (lesion.effect.abs() / largest).clamp(0.0, 1.0);
        let share = if share.is_finite() { share } else { 0.0 };
        let words = format!(
            "{output} without module {}: {} (whole network {})",
            lesion.module,
            number(lesion.metric_lesioned),
            number(lesion.metric_full)
        );
        let square = bar(
            right - self.wide,
            y,
            self.wide - 1.0,
            ROW - 1.0,
            "heat less",
        );
        let square = square.set("fill-opacity", (share * 30.0).round() / 100.0);
        figure.add(square.add(tip(&words)));
        if self.has_numbers() {
            let shown = short(lesion.metric_lesioned);
            figure.add(text(right - 6.0, y + 15.0, "end small", &shown));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{self, well_formed};

    fn drawn(modules: usize, outputs: usize) -> String {
        let audit = sample::thorough();
        let first = &audit.modules.as_ref().expect("there").lesions[0];
        let all: Vec<Lesion> = (0..modules * outputs)
            .map(|k| Lesion {
                module: k / outputs,
                metric: format!("mse of y{}", k % outputs),
                effect: f64::NAN,
                ..first.clone()
            })
            .collect();
        let all: Vec<&Lesion> = all.iter().collect();
        lesions(&all, &Sites::new(&audit.network))
    }

    #[test]
    fn it_is_well_formed_whatever_the_numbers() {
        for (modules, outputs) in [(0, 0), (1, 1), (3, 2), (9, 70)] {
            let figure = drawn(modules, outputs);
            assert_eq!(well_formed(&figure), Ok(()));
            assert!(!figure.contains("NaN"));
        }
    }

    #[test]
    fn it_says_of_how_many_it_shows_some() {
        assert!(!drawn(5, 2).contains("largest of"));
        assert!(drawn(13, 2).contains("the 5 largest of 13 modules"));
        assert!(drawn(2, 61).contains("60 of 61 outputs"));
    }
}
