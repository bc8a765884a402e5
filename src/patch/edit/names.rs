//! The names nearest to one that there is not.

/// Names that are told.
const TOLD: usize = 5;

/// The names nearest to `name`: by the fewest letters changed, ties in their order.
///
/// ```
/// let names = ["x0", "h1.0", "h1.12", "y0"].map(str::to_owned);
/// assert_eq!(modscope::patch::edit::nearest("h1.13", &names)[0], "h1.12");
/// ```
#[must_use]
pub fn nearest(name: &str, names: &[String]) -> Vec<String> {
    let mut by_distance: Vec<(usize, &String)> =
        names.iter().map(|n| (distance(name, n), n)).collect();
    by_distance.sort_by_key(|(far, _)| *far);
    let first = by_distance.into_iter().take(TOLD);
    first.map(|(_, name)| name.clone()).collect()
}

/// Letters to insert, to leave out or to change (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = before + usize::from(x != *y);
            before = row[j + 1];
            row[j + 1] = changed.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
