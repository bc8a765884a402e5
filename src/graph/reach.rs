//! What can be reached in a directed graph, circles in it or not.

/// Marks what steps lead to from what is marked; in one pass and one that finds nothing,
/// where they come in the order of the ways they make.
pub fn spread(marked: &mut [bool], steps: impl Iterator<Item = (usize, usize)> + Clone) {
    let mut is_new = true;
    while std::mem::take(&mut is_new) {
        for (from, to) in steps.clone() {
            if marked[from] && !marked[to] {
                (marked[to], is_new) = (true, true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn what_is_reached_in_any_order_and_through_circles() {
        let steps = [(2, 3), (1, 2), (2, 1), (4, 4), (0, 1)];
        let mut marked = vec![true, false, false, false, false];
        spread(&mut marked, steps.into_iter());
        assert_eq!(marked, [true, true, true, true, false]);
    }
}
