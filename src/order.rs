//! Sorting by a number.
//!
//! Every sort by a key of its own would be compiled afresh, as often as there are types and
//! keys: here only numbers are sorted, and the items are moved to where those went.

/// Sorts by a number, the smallest first; equals stay in their order.
pub fn ascending<T>(items: &mut [T], key: impl FnMut(&T) -> f64) {
    let keys: Vec<f64> = items.iter().map(key).collect();
    arrange(items, sorted(&keys));
}

/// Sorts by a number, the largest first; equals stay in their order.
pub fn descending<T>(items: &mut [T], mut key: impl FnMut(&T) -> f64) {
    // Of numbers and NaN alike: a total order turns round with the sign.
    ascending(items, |item| -key(item));
}

/// The places of numbers, that of the smallest first.
fn sorted(keys: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by(|a, b| keys[*a].total_cmp(&keys[*b]));
    order
}

/// Puts the item at `order[k]` at place k, for all k.
fn arrange<T>(items: &mut [T], mut order: Vec<usize>) {
    for start in 0..items.len() {
        let mut place = start;
        loop {
            let from = std::mem::replace(&mut order[place], place);
            if from == start {
                break;
            }
            items.swap(place, from);
            place = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_sorted_as_a_stable_sort_sorts_them() {
        for length in 0..40 {
            let items: Vec<(f64, usize)> = (0..length)
                .map(|place| ((place * 5 + 3) as f64 % 7.0 - 3.0, place))
                .collect();
            let (mut up, mut down) = (items.clone(), items.clone());
            ascending(&mut up, |item| item.0);
            descending(&mut down, |item| item.0);
            let mut expected = items.clone();
            expected.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert_eq!(up, expected);
            expected.clone_from(&items);
            expected.sort_by(|a, b| b.0.total_cmp(&a.0));
            assert_eq!(down, expected);
        }
    }

    #[test]
    fn what_is_no_number_comes_last_or_first() {
        let mut items = [1.0, f64::NAN, -1.0];
        ascending(&mut items, |x| *x);
        assert_eq!(items[..2], [-1.0, 1.0]);
        descending(&mut items, |x| *x);
        assert_eq!(items[1..], [1.0, -1.0]);
    }
}
