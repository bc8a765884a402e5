//! What moved, in sentences.

use crate::choice::ChangeKind;
use crate::report::english::{counted, joined, plural};
use crate::report::format::{count, number, short};
use crate::report::page::opening::Headline;
use crate::report::sites::clean;
use crate::result::{EditMade, Intervention, Sentence, Status};

/// Edits that are told one by one.
const MOST_EDITS: usize = 4;

/// The sentences of an intervention, in reading order.
#[must_use]
pub fn summary(result: &Intervention) -> Vec<Sentence> {
    let mut said = vec![edits(result), metric(result)];
    said.extend(decisions(result));
    said.extend(outputs(result));
    said.extend(sweep(result));
    said.extend(written(result));
    said
}

/// What the edits do to the metric, and on what.
pub(super) fn headline(result: &Intervention) -> Headline {
    let moved = &result.metric;
    let edits = match result.edits.as_slice() {
        [one] => edit(one),
        all => format!("{} edits", count(all.len())),
    };
    let text = match moved.before == moved.after {
        true => format!(
            "With {edits} the {} does not move.",
            moved.metric.in_words()
        ),
        false => format!(
            "With {edits} the {} goes from {} to {}.",
            moved.metric.in_words(),
            short(moved.before),
            short(moved.after)
        ),
    };
    Headline {
        text,
        caveat: format!(
            "On {}; what the network would do on others is not said.",
            counted(result.data.samples, "sample", "samples")
        ),
        status: Status::Note,
    }
}

/// `h1.3 set to 0`, ...
pub(super) fn edit(edit: &EditMade) -> String {
    let values: Vec<String> = edit.values.iter().map(|v| number(*v)).collect();
    let values = match values.len() {
        0 | 1 => values.concat(),
        n => format!("{} … ({n} numbers or more)", values[0]),
    };
    let what = match edit.change {
        ChangeKind::Set => format!("set to {values}"),
        ChangeKind::Add => format!("plus {values}"),
        ChangeKind::Scale => format!("times {values}"),
        ChangeKind::Patch => {
            let sample = edit
                .sample
                .map_or_else(String::new, |sample| format!(" {sample}"));
            format!("as in sample{sample}")
        }
        ChangeKind::Fill => {
            let fill = edit
                .fill
                .map_or_else(String::new, |fill| format!(" ({fill})"));
            format!("filled{fill}")
        }
    };
    let at = match &edit.positions {
        None => String::new(),
        Some(positions) => {
            let list: Vec<String> = positions.iter().map(ToString::to_string).collect();
            format!(
                " at {} {}",
                plural(list.len(), "position", "positions"),
                joined(&list)
            )
        }
    };
    format!("{} {what}{at}", clean(&edit.at.replace("->", " → ")))
}

fn edits(result: &Intervention) -> Sentence {
    let mut told: Vec<String> = result.edits.iter().take(MOST_EDITS).map(edit).collect();
    let left = result.edits.len().saturating_sub(MOST_EDITS);
    if left > 0 {
        told.push(format!("{} more", count(left)));
    }
    let samples = result.data.samples;
    let text = format!(
        "The network was run on {} {} with {}.",
        count(samples),
        plural(samples, "sample", "samples"),
        joined(&told)
    );
    Sentence::new("Edits", Status::Note, text).from(["/edits"])
}

fn metric(result: &Intervention) -> Sentence {
    let moved = &result.metric;
    let interval = match moved.interval {
        Some([low, high]) => format!(" (95 % over samples: {} to {})", number(low), number(high)),
        None => " (no interval below 10 samples)".to_owned(),
    };
    let text = format!(
        "The {} is {} as the network is and {} with the edits: an effect, before less after, of {}{interval}.",
        moved.metric.in_words(),
        number(moved.before),
        number(moved.after),
        number(moved.effect),
    );
    Sentence::new("Metric", Status::Note, text).from(["/metric"])
}

fn decisions(result: &Intervention) -> Option<Sentence> {
    let decisions = result.decisions.as_ref()?;
    let text = format!(
        "{} of {} {} changed.",
        count(decisions.changed),
        count(decisions.readings),
        plural(decisions.readings, "decision", "decisions")
    );
    Some(Sentence::new("Decisions", Status::Note, text).from(["/decisions"]))
}

fn outputs(result: &Intervention) -> Option<Sentence> {
    let first = result.outputs.first()?;
    let text = match first.largest == 0.0 {
        true => "No output moved.".to_owned(),
        false => format!(
            "The output that moved most on average is {}: {} from {} to {}.",
            clean(&first.name),
            number(first.change),
            number(first.before),
            number(first.after),
        ),
    };
    Some(Sentence::new("Outputs", Status::Note, text).from(["/outputs"]))
}

fn sweep(result: &Intervention) -> Option<Sentence> {
    let swept = result.sweep.as_ref()?;
    let (first, last) = (swept.rows.first()?, swept.rows.last()?);
    let at = result.edits.get(swept.edit)?;
    let text = format!(
        "{} values at {}: from {} at {} to {} at {}; all else here is of the last.",
        count(swept.rows.len()),
        clean(&at.at),
        number(first.metric.after),
        number(first.value),
        number(last.metric.after),
        number(last.value),
    );
    Some(Sentence::new("Sweep", Status::Note, text).from(["/sweep"]))
}

fn written(result: &Intervention) -> Option<Sentence> {
    let path = result.written.as_ref()?;
    let text = format!("The edited network was written to {}.", clean(path));
    Some(Sentence::new("Written", Status::Note, text).from(["/written"]))
}
