//! Edits as they are typed.

use std::path::Path;

use anyhow::{Context as _, bail};

use super::Args;
use crate::audit::{Plan, Sweep, WeightEdit};
use crate::data;
use crate::patch::edit::{At, Change, Edit};

/// Positions, from 0.
#[derive(Debug, Clone)]
pub struct Positions(Vec<usize>);

/// The most values of a sweep, and positions of an edit.
const MOST: usize = 100_000;

/// `3`, `0-2`, `1,4-6`
pub fn positions(text: &str) -> Result<Positions, String> {
    let wrong = || format!("`{text}` are no positions: expected 3, 0-2 or 1,4-6");
    let number = |text: &str| text.parse::<usize>().map_err(|_| wrong());
    let mut all = Vec::new();
    for part in text.split(',') {
        let (low, high) = match part.split_once('-') {
            Some((low, high)) => (number(low)?, number(high)?),
            None => (number(part)?, number(part)?),
        };
        if low > high || high - low > MOST {
            return Err(wrong());
        }
        all.extend(low..=high);
    }
    all.sort_unstable();
    all.dedup();
    Ok(Positions(all))
}

/// A value of an edit.
enum Value {
    Numbers(Vec<f64>),
    Sweep(Vec<f64>),
}

/// Everything that was typed, in one plan.
pub(super) fn plan(args: &Args) -> anyhow::Result<Plan> {
    let mut plan = Plan {
        metric: args.metric,
        ..Plan::default()
    };
    let mut typed = Typed {
        args,
        plan: &mut plan,
    };
    for text in &args.set {
        typed.valued("--set", text, Change::Set)?;
    }
    for text in &args.scale {
        typed.scaled(text)?;
    }
    for text in &args.add {
        typed.valued("--add", text, Change::Add)?;
    }
    for text in &args.patch {
        let (at, value) = parted("--patch", text)?;
        let sample = value.parse();
        let sample =
            sample.with_context(|| format!("`--patch {text}`: a sample is a number from 0"))?;
        typed.site(at, Change::Sample(sample))?;
    }
    for at in &args.ablate {
        typed.site(at, Change::Fill(args.fill))?;
    }
    for text in &args.edge {
        typed.edge(text)?;
    }
    for text in &args.path {
        typed.path(text)?;
    }
    for text in &args.weight {
        typed.weight(text)?;
    }
    if plan.edits.is_empty() && plan.weights.is_empty() {
        bail!(
            "there is nothing to edit: give `--set`, `--scale`, `--add`, `--patch`, `--ablate`, \
             `--edge`, `--path` or `--weight`"
        );
    }
    Ok(plan)
}

/// What has been understood so far.
struct Typed<'a> {
    args: &'a Args,
    plan: &'a mut Plan,
}

impl Typed<'_> {
    fn push(&mut self, at: At, change: Change, positions: Option<Vec<usize>>) {
        let all = self.args.positions.as_ref().map(|p| p.0.clone());
        self.plan.edits.push(Edit {
            at,
            change,
            positions: positions.or(all),
        });
    }

    fn site(&mut self, text: &str, change: Change) -> anyhow::Result<()> {
        let (name, at) = placed(text)?;
        self.push(At::Site(name.to_owned()), change, at);
        Ok(())
    }

    fn sweeps(&mut self, edit: usize, values: Vec<f64>) -> anyhow::Result<f64> {
        if self.plan.sweep.is_some() {
            bail!("one value can be swept: give LOW..HIGH:N in one edit alone");
        }
        let first = values[0];
        self.plan.sweep = Some(Sweep { edit, values });
        Ok(first)
    }

    /// The numbers of a value; of a sweep its first.
    fn numbers(&mut self, flag: &str, text: &str) -> anyhow::Result<Vec<f64>> {
        match value(flag, text)? {
            Value::Numbers(numbers) => Ok(numbers),
            Value::Sweep(values) => {
                let edit = self.plan.edits.len() + self.plan.weights.len();
                Ok(vec![self.sweeps(edit, values)?])
            }
        }
    }

    fn valued(
        &mut self,
        flag: &str,
        text: &str,
        change: fn(Vec<f64>) -> Change,
    ) -> anyhow::Result<()> {
        let (at, value) = parted(flag, text)?;
        let numbers = self.numbers(flag, value)?;
        self.site(at, change(numbers))
    }

    fn scaled(&mut self, text: &str) -> anyhow::Result<()> {
        let (at, value) = parted("--scale", text)?;
        let numbers = self.numbers("--scale", value)?;
        let [factor] = numbers[..] else {
            bail!("`--scale {text}`: a factor is one number");
        };
        self.site(at, Change::Scale(factor))
    }

    /// What becomes of a message: its value, or the fill.
    fn message<'t>(&mut self, flag: &str, text: &'t str) -> anyhow::Result<(&'t str, Change)> {
        match text.split_once('=') {
            Some((at, value)) => Ok((at, Change::Set(self.numbers(flag, value)?))),
            None => Ok((text, Change::Fill(self.args.fill))),
        }
    }

    fn edge(&mut self, text: &str) -> anyhow::Result<()> {
        let (at, change) = self.message("--edge", text)?;
        let (at, positions) = placed(at)?;
        let [from, to] = sites(at)[..] else {
            bail!("`--edge {text}`: an edge is A->B");
        };
        self.push(At::Edge(from.to_owned(), to.to_owned()), change, positions);
        Ok(())
    }

    fn path(&mut self, text: &str) -> anyhow::Result<()> {
        let (at, change) = self.message("--path", text)?;
        let (at, positions) = placed(at)?;
        let along: Vec<String> = sites(at).into_iter().map(str::to_owned).collect();
        if along.len() < 2 {
            bail!("`--path {text}`: a path is A->B->C");
        }
        self.push(At::Path(along), change, positions);
        Ok(())
    }

    fn weight(&mut self, text: &str) -> anyhow::Result<()> {
        let (at, value) = parted("--weight", text)?;
        let numbers = self.numbers("--weight", value)?;
        let ([from, to], [value]) = (&sites(at)[..], &numbers[..]) else {
            bail!("`--weight {text}`: a weight is A->B=V, V one number");
        };
        self.plan.weights.push(WeightEdit {
            from: (*from).to_owned(),
            to: (*to).to_owned(),
            value: *value,
        });
        Ok(())
    }
}

/// The sites between arrows.
fn sites(text: &str) -> Vec<&str> {
    text.split("->").map(str::trim).collect()
}

/// `SITE=V`
fn parted<'t>(flag: &str, text: &'t str) -> anyhow::Result<(&'t str, &'t str)> {
    let parts = text.split_once('=');
    parts.with_context(|| format!("`{flag} {text}` has no `=`: expected SITE=VALUE"))
}

/// `SITE@POSITIONS`
fn placed(text: &str) -> anyhow::Result<(&str, Option<Vec<usize>>)> {
    match text.split_once('@') {
        None => Ok((text, None)),
        Some((name, at)) => {
            let at = positions(at).map_err(anyhow::Error::msg)?;
            Ok((name, Some(at.0)))
        }
    }
}

/// `0.5`, `1,2,3`, `@file.npy`, `0..2:5`
fn value(flag: &str, text: &str) -> anyhow::Result<Value> {
    if let Some(file) = text.strip_prefix('@') {
        return Ok(Value::Numbers(data::numbers_of(Path::new(file))?));
    }
    let number = |part: &str| -> anyhow::Result<f64> {
        let parsed: Option<f64> = part.trim().parse().ok();
        parsed
            .filter(|x| x.is_finite())
            .with_context(|| format!("`{flag} …={text}`: `{part}` is no finite number"))
    };
    if let Some((low, rest)) = text.split_once("..") {
        let (high, count) = rest
            .split_once(':')
            .with_context(|| format!("`{flag} …={text}`: a sweep is LOW..HIGH:N"))?;
        let count: usize = count.parse().unwrap_or(0);
        if !(2..=MOST).contains(&count) {
            bail!("`{flag} …={text}`: a sweep has from 2 to {MOST} values");
        }
        let (low, high) = (number(low)?, number(high)?);
        let step = |k: usize| low + (high - low) * k as f64 / (count - 1) as f64;
        return Ok(Value::Sweep((0..count).map(step).collect()));
    }
    let numbers: anyhow::Result<Vec<f64>> = text.split(',').map(number).collect();
    Ok(Value::Numbers(numbers?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_ranges_of_them() {
        assert_eq!(positions("3,0-2,1").unwrap().0, [0, 1, 2, 3]);
        assert!(positions("2-0").is_err() && positions("x").is_err());
    }

    #[test]
    fn values_in_every_form() {
        let of = |text: &str| match value("--set", text).unwrap() {
            Value::Numbers(numbers) | Value::Sweep(numbers) => numbers,
        };
        assert_eq!(of("-1.5"), [-1.5]);
        assert_eq!(of("1,2"), [1.0, 2.0]);
        assert_eq!(of("0..2:5"), [0.0, 0.5, 1.0, 1.5, 2.0]);
        for wrong in ["", "nan", "1,", "0..1", "0..1:1", "1e999"] {
            assert!(value("--set", wrong).is_err(), "{wrong}");
        }
    }
}
