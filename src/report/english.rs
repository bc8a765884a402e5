//! Counts and lists in English.

pub(in crate::report) use crate::choice::LEVEL;
use crate::report::sites::clean;
use crate::result::DataInfo;

/// The samples a result speaks of: `the 100 test samples`.
pub(in crate::report) fn samples(data: Option<&DataInfo>) -> String {
    data.map_or_else(
        || "the samples".to_owned(),
        |data| format!("the {}", sampled(data)),
    )
}

/// How many samples of which split: `100 test samples`, of data without splits `100 samples`.
pub(in crate::report) fn sampled(data: &DataInfo) -> String {
    let split = match data.is_whole() {
        true => String::new(),
        false => format!("{} ", clean(&data.split)),
    };
    counted(
        data.samples,
        &format!("{split}sample"),
        &format!("{split}samples"),
    )
}

/// `a`, `a and b`, `a, b and c`.
pub(in crate::report) fn joined(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// With a capital letter at the beginning.
pub(in crate::report) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|c| c.to_uppercase().collect::<String>());
    format!("{}{}", first.unwrap_or_default(), letters.as_str())
}

/// `edge` or `edges`, by number.
pub(in crate::report) fn plural<'a>(count: usize, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

/// `1 edge`, `12 edges`.
pub(in crate::report) fn counted(number: usize, one: &str, many: &str) -> String {
    let counted = crate::report::format::count(number);
    format!("{counted} {}", plural(number, one, many))
}

/// So many of all as the subject of a sentence, whose verb is singular where none or one is
/// meant: `none of the five modules`, `neither of the two modules`, `the one module`, `both
/// modules`, `all five modules`, `three of the five modules`.
pub(in crate::report) fn some_of(some: usize, all: usize, one: &str, many: &str) -> String {
    use crate::report::format::count_words;
    let whole = format!("{} {many}", count_words(all));
    match (some, all) {
        (_, 0) => format!("no {one}"),
        (0 | 1, 1) => format!("the one {one}"),
        (0, 2) => format!("neither of the two {many}"),
        (2, 2) => format!("both {many}"),
        (0, _) => format!("none of the {whole}"),
        (some, all) if some == all => format!("all {whole}"),
        (some, _) => format!("{} of the {whole}", count_words(some)),
    }
}
