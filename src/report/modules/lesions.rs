//! What ablating each module does, beside random sets of as many sites.

use crate::choice::Scope;
use crate::report::figures::axes::{Axis, Panel};
use crate::report::figures::canvas::{Figure, bar, disc, line, text, tip};
use crate::report::figures::legend::{self, Entry, Sample};
use crate::report::format::{number, p_value};
use crate::report::sites::Sites;
use crate::result::{Lesion, Modules};

const WIDTH: f64 = 1040.0;
const ROW: f64 = 26.0;
const LEFT: f64 = 150.0;

/// Most panels; the table has the rest.
const MOST_PANELS: usize = 4;

/// Most modules in one panel.
const MOST_ROWS: usize = 12;

/// One panel per partition, fill and metric; `None` without lesions.
#[must_use]
pub fn draw(modules: &Modules, sites: &Sites<'_>) -> Option<Figure> {
    if modules.lesions.is_empty() {
        return None;
    }
    let mut groups = grouped(&modules.lesions);
    groups.sort_by_key(|group| group.first().is_some_and(|lesion| is_of_one_output(lesion)));
    groups.truncate(MOST_PANELS);
    let label = "The effect of ablating each module, as a dot, beside the mean and spread of random sets of as many sites, as a bar";
    let mut body = Figure::new("lesions", label, WIDTH, 0.0);
    let mut top = 8.0;
    for group in &groups {
        top = panel(&mut body, group, top, sites);
    }
    let key = [
        Entry::new(Sample::Disc("mark".to_owned(), None), "the module"),
        Entry::new(
            Sample::Disc("band".to_owned(), None),
            "random sets: mean ± 2 standard deviations",
        ),
    ];
    let (drawn, height) = legend::draw(&key, LEFT, top, WIDTH);
    for element in drawn {
        body.add(element);
    }
    body.height = top + height + 6.0;
    Some(body)
}

/// Whether a lesion's metric is of one output (`mse of y0`) and not of the whole network.
#[must_use]
pub fn is_of_one_output(lesion: &Lesion) -> bool {
    lesion.metric.contains(" of ")
}

/// Lesions that share scope, fill and metric, in the order they come.
fn grouped(lesions: &[Lesion]) -> Vec<Vec<&Lesion>> {
    let mut groups: Vec<Vec<&Lesion>> = Vec::new();
    for lesion in lesions {
        let key = |l: &Lesion| (l.scope, l.fill, l.metric.clone());
        let mine = groups
            .iter_mut()
            .find(|g| g.first().is_some_and(|l| key(l) == key(lesion)));
        match mine {
            Some(group) => group.push(lesion),
            None => groups.push(vec![lesion]),
        }
    }
    groups
}

#[allow(clippy::cast_precision_loss, reason = "a handful of rows")]
fn panel(figure: &mut Figure, lesions: &[&Lesion], top: f64, sites: &Sites<'_>) -> f64 {
    let rows: Vec<&&Lesion> = lesions.iter().take(MOST_ROWS).collect();
    let Some(first) = rows.first() else {
        return top;
    };
    let values = rows.iter().flat_map(|l| {
        [
            l.effect,
            l.random_mean - 2.0 * l.random_sd,
            l.random_mean + 2.0 * l.random_sd,
        ]
    });
    let label = format!(
        "effect on {} ({} fill): as is − ablated",
        sites.metric(&first.metric),
        first.fill
    );
    let x = Axis::linear(values.chain([0.0]), &label);
    let y = Axis::linear([0.0, 1.0], "");
    let panel = Panel {
        left: LEFT,
        top: top + 26.0,
        width: WIDTH - LEFT - 130.0,
        height: ROW * rows.len() as f64,
        x,
        y,
    };
    let scope = match first.scope {
        Scope::WithoutOutputs => "Modules found without the output sites",
        Scope::All => "Modules",
    };
    let left_out = lesions.len() - rows.len();
    let rest = if left_out > 0 {
        format!(", {left_out} more in the table")
    } else {
        String::new()
    };
    let title = format!(
        "{scope}: {}, {} fill{rest}",
        sites.metric(&first.metric),
        first.fill
    );
    figure.add(text(4.0, top + 14.0, "strong", &title));
    let zero = panel.px(0.0);
    figure.add(line((zero, panel.top), (zero, panel.bottom()), "grid"));
    panel.frame_x(figure);
    for (k, lesion) in rows.iter().enumerate() {
        row(figure, &panel, lesion, panel.top + ROW * (k as f64 + 0.5));
    }
    panel.bottom() + 56.0
}

fn row(figure: &mut Figure, panel: &Panel, lesion: &Lesion, y: f64) {
    // Readers name the modules of the whole partition; these may be others.
    let unnamed = match lesion.scope {
        Scope::WithoutOutputs => " unnamed",
        Scope::All => "",
    };
    figure.add(text(
        panel.left - 12.0,
        y + 4.0,
        &format!("end{unnamed}"),
        &format!("module {}", lesion.module),
    ));
    let spread = 2.0 * lesion.random_sd;
    let (low, high) = (
        panel.px(lesion.random_mean - spread),
        panel.px(lesion.random_mean + spread),
    );
    figure.add(bar(low, y - 6.0, (high - low).max(2.0), 12.0, "band"));
    let middle = panel.px(lesion.random_mean);
    figure.add(line((middle, y - 6.0), (middle, y + 6.0), "whisker"));
    let words = format!(
        "module {}: effect {}; random sets {} ± {}",
        lesion.module,
        number(lesion.effect),
        number(lesion.random_mean),
        number(lesion.random_sd)
    );
    figure.add(disc((panel.px(lesion.effect), y), 5.0, &format!("mark{unnamed}")).add(tip(&words)));
    figure.add(text(
        panel.right() + 14.0,
        y + 4.0,
        "quiet",
        &p_value(lesion.p),
    ));
}
