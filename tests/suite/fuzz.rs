//! The fuzzer's targets on any toolchain: seeds, and seeded mutations of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use modscope::audit::memory::peak_bytes;
use modscope::numeric::Rng;
use rayon::prelude::*;

use super::mutations::mutated;

#[path = "../../fuzz/targets.rs"]
mod targets;

/// Mutations of each target, unless `MODSCOPE_FUZZ` says how many. What a result says is
/// drawn, and its seeds are a hundred times as long as the others'.
const CASES: usize = 20_000;
const SHARE_DRAWN: usize = 50;

/// A program that is not optimised is ten times as slow.
const SHARE_SLOW: usize = if cfg!(debug_assertions) { 10 } else { 1 };

/// What the process may take, all targets at once: a length in a file that is believed
/// before it is checked asks for far more.
const MOST_MEMORY: u64 = 1 << 30;

/// Mutations put a word of the dictionary in every so many cases.
const WORDS: usize = 3;

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(target);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// The words of the dictionary as they stand there; escapes are left to the fuzzer.
fn words() -> Vec<Vec<u8>> {
    let text = include_str!("../../fuzz/dictionary.txt");
    let word = |line: &str| {
        Some(
            line.strip_prefix('"')?
                .strip_suffix('"')?
                .replace("\\\"", "\""),
        )
    };
    let words = text.lines().filter_map(word);
    words
        .filter(|w| !w.contains('\\'))
        .map(String::into_bytes)
        .collect()
}

fn case(seed: &[u8], words: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    // What comes first says how the rest is read: most of the time it stays.
    let kept = rng.below(4).min(3).min(seed.len());
    let (head, rest) = seed.split_at(kept);
    let mut bytes = [head, &mutated(rest, rng)].concat();
    if rng.below(WORDS) == 0 {
        let word = &words[rng.below(words.len())];
        let at = rng.below(bytes.len() + 1);
        let to = at + rng.below(bytes.len() - at + 1).min(word.len());
        bytes.splice(at..to, word.iter().copied());
    }
    bytes
}

/// Runs the seeds and mutations of them; the cases that panicked, and a line on the rest.
fn campaign(target: &targets::Target, cases: usize, words: &[Vec<u8>]) -> (Vec<String>, String) {
    let seeds = seeds(target.name);
    let accepted = seeds.iter().filter(|seed| (target.run)(seed)).count();
    assert!(accepted > 0, "{}: no seed is accepted", target.name);
    let (mut read, mut failures) = (0, Vec::new());
    for number in 0..cases {
        let mut rng = Rng::new(number as u64, 11);
        let bytes = case(&seeds[number % seeds.len()], words, &mut rng);
        match catch_unwind(AssertUnwindSafe(|| (target.run)(&bytes))) {
            Ok(accepted) => read += usize::from(accepted),
            Err(_) => failures.push(format!("{}, case {number}", target.name)),
        }
    }
    let line = format!("{}: {cases} cases, {read} accepted", target.name);
    (failures, line)
}

#[test]
fn no_reader_panics_on_any_bytes() {
    let asked = std::env::var("MODSCOPE_FUZZ")
        .ok()
        .map(|n| n.parse::<usize>().unwrap());
    let words = words();
    assert!(words.len() > 20);
    let campaigns = targets::ALL.par_iter().map(|target| {
        let share = match target.name {
            "result" => SHARE_DRAWN,
            _ => 1,
        };
        let cases = asked.unwrap_or(CASES / SHARE_SLOW) / share;
        campaign(target, cases, &words)
    });
    let done: Vec<_> = campaigns.collect();
    targets::clean_up();
    done.iter().for_each(|(_, line)| println!("{line}"));
    let failures: Vec<_> = done.iter().flat_map(|(failures, _)| failures).collect();
    assert!(
        failures.is_empty(),
        "{} panics: {failures:?}",
        failures.len()
    );
    let peak = peak_bytes();
    assert!(peak < MOST_MEMORY, "{} MB were taken", peak / 1_000_000);
}
