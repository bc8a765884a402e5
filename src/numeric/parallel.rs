//! Work on all threads.
//!
//! Every parallel loop of its own would be compiled afresh: here one loop hands out numbers,
//! and results lie in the order of what they are of.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

/// What `work` makes of every item, in their order, on all threads of the pool.
///
/// ```
/// use modscope::numeric::parallel;
/// assert_eq!(parallel::map(1..4, |n| n * n), [1, 4, 9]);
/// ```
pub fn map<A: Send, T: Send>(
    items: impl IntoIterator<Item = A>,
    work: impl Fn(A) -> T + Sync,
) -> Vec<T> {
    let begun = |item| Mutex::new((Some(item), None));
    let places: Vec<Mutex<(Option<A>, Option<T>)>> = items.into_iter().map(begun).collect();
    hand_out(places.len(), &|place| {
        let place = &places[place];
        // Nothing is locked while it is worked.
        let item = locked(place).0.take();
        let made = item.map(&work);
        locked(place).1 = made;
    });
    let made = places.into_iter().filter_map(|place| {
        let (_, made) = place.into_inner().unwrap_or_else(PoisonError::into_inner);
        made
    });
    made.collect()
}

/// Of a panic elsewhere nothing is left to be seen: it goes on in the caller.
fn locked<T>(place: &Mutex<T>) -> MutexGuard<'_, T> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hand_out(count: usize, work: &(dyn Fn(usize) + Sync)) {
    (0..count).into_par_iter().for_each(work);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_lie_in_order_and_every_item_is_worked_once() {
        let items: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
        let made = map(items, |item| item.parse::<usize>());
        let made: Result<Vec<usize>, _> = made.into_iter().collect();
        assert_eq!(made, Ok((0..1000).collect()));
        assert!(map(Vec::<u8>::new(), |item| item).is_empty());
    }

    #[test]
    #[should_panic(expected = "the seventh")]
    fn a_panic_goes_on_in_the_caller() {
        let _ = map(0..100, |n| assert_ne!(n, 7, "the seventh"));
    }
}
