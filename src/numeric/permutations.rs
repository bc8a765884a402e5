//! Orders of things: all of them, and the one that undoes another.

/// All permutations of 0..degree, in lexicographic order; degree! of them.
///
/// ```
/// use modscope::numeric::permutations;
/// assert_eq!(permutations(2), [[0, 1], [1, 0]]);
/// ```
#[must_use]
pub fn permutations(degree: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..degree {
        let longer = |some: &Vec<usize>| {
            let unused = (0..degree).filter(|thing| !some.contains(thing));
            unused
                .map(|thing| some.iter().copied().chain([thing]).collect())
                .collect::<Vec<Vec<usize>>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// The order that undoes one.
///
/// # Panics
/// If it is no permutation of 0..its length.
///
/// ```
/// use modscope::numeric::inverse;
/// assert_eq!(inverse(&[2, 0, 1]), [1, 2, 0]);
/// ```
#[must_use]
pub fn inverse(order: &[usize]) -> Vec<usize> {
    let mut back = vec![0; order.len()];
    order.iter().enumerate().for_each(|(at, to)| back[*to] = at);
    back
}
