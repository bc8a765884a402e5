//! Regimes over seeds: means, intervals, permutation tests, effect sizes.

pub use crate::choice::LEVEL;
use crate::numeric::statistics::holm;
use crate::numeric::{Rng, statistics};
use crate::result::{
    ComparedGroup, ComparedMeasure, ComparedNetwork, GroupSummary, MeasureInfo, Test,
};

/// Sign patterns or splits are all tried up to this many, and drawn beyond.
const MOST_EXACT: usize = 1 << 16;

/// Draws where there are too many to try.
const DRAWS: usize = 20_000;

/// Sums closer than this share are the same: rounding.
const SAME: f64 = 1e-9;

/// Every measure over the regimes, the first of which is the reference.
pub fn measures(
    infos: Vec<MeasureInfo>,
    networks: &[ComparedNetwork],
    groups: &[ComparedGroup],
    seed: u64,
) -> Vec<ComparedMeasure> {
    let measure = |info: MeasureInfo| {
        let members: Vec<Members> = groups
            .iter()
            .map(|group| members(&info.key, networks, &group.name))
            .collect();
        let mut tests: Vec<Test> = groups
            .iter()
            .zip(&members)
            .skip(1)
            .map(|(group, other)| test(&members[0], other, &group.name, seed))
            .collect();
        correct(&mut tests);
        let summaries = groups.iter().zip(&members);
        ComparedMeasure {
            info,
            groups: summaries.map(|(g, m)| summary(&g.name, m)).collect(),
            tests,
        }
    };
    infos.into_iter().map(measure).collect()
}

/// The networks of a regime that have a number: seed and value.
type Members = Vec<(Option<u64>, f64)>;

fn members(key: &str, networks: &[ComparedNetwork], group: &str) -> Members {
    let of_group = networks.iter().filter(|n| n.group == group);
    of_group
        .filter_map(|n| Some((n.seed, (*n.values.get(key)?)?)))
        .collect()
}

fn summary(group: &str, members: &Members) -> GroupSummary {
    let values: Vec<f64> = members.iter().map(|(_, x)| *x).collect();
    let many = values.len() > 1;
    GroupSummary {
        group: group.to_owned(),
        networks: values.len(),
        mean: (!values.is_empty()).then(|| statistics::mean(&values)),
        sd: many.then(|| statistics::sample_sd(&values)),
        interval: student_interval(&values),
    }
}

/// The reference against another regime, seed by seed where seeds agree.
fn test(reference: &Members, other: &Members, name: &str, seed: u64) -> Test {
    let pairs = pairs(reference, other);
    let values = |of: &Members| -> Vec<f64> { of.iter().map(|(_, x)| *x).collect() };
    let (mine, theirs) = (values(reference), values(other));
    let difference = |a: &[f64], b: &[f64]| Some(statistics::mean(a) - statistics::mean(b));
    let mut test = Test {
        other: name.to_owned(),
        paired: pairs.is_some(),
        networks: mine.len() + theirs.len(),
        difference: difference(&mine, &theirs).filter(|_| !mine.is_empty() && !theirs.is_empty()),
        interval: None,
        p: None,
        corrected: None,
        smallest: None,
        cohen_d: None,
        cliff_delta: None,
        no_test: None,
    };
    if mine.is_empty() || theirs.is_empty() {
        test.no_test = Some("no network of one regime has this number".to_owned());
        return test;
    }
    if mine.len() < 2 || theirs.len() < 2 {
        test.no_test = Some("one seed: no test".to_owned());
        return test;
    }
    test.cliff_delta = Some(cliff_delta(&mine, &theirs));
    if let Some(differences) = pairs {
        test.networks = differences.len();
        test.difference = Some(statistics::mean(&differences));
        test.interval = student_interval(&differences);
        test.p = Some(paired_permutation(&differences, seed));
        test.smallest = Some((2.0 / 2_f64.powi(differences.len() as i32)).min(1.0));
        test.cohen_d = ratio(
            statistics::mean(&differences),
            statistics::sample_sd(&differences),
        );
    } else {
        test.interval = welch_interval(&mine, &theirs);
        test.p = Some(two_sample_permutation(&mine, &theirs, seed));
        let ways = ways(mine.len() + theirs.len(), mine.len());
        let both_sides = if mine.len() == theirs.len() { 2.0 } else { 1.0 };
        test.smallest = Some((both_sides / ways).min(1.0));
        let pooled =
            (statistics::sample_sd(&mine).powi(2) + statistics::sample_sd(&theirs).powi(2)) / 2.0;
        let apart = statistics::mean(&mine) - statistics::mean(&theirs);
        test.cohen_d = ratio(apart, pooled.sqrt());
    }
    test
}

/// Reference less other, for every seed that both have; `None` if seeds are
/// unknown, repeated, or fewer than two are shared.
fn pairs(reference: &Members, other: &Members) -> Option<Vec<f64>> {
    let by_seed = |members: &Members| {
        let seeds: Option<Vec<(u64, f64)>> =
            members.iter().map(|(s, x)| s.map(|s| (s, *x))).collect();
        let map: std::collections::BTreeMap<u64, f64> = seeds?.into_iter().collect();
        (map.len() == members.len()).then_some(map)
    };
    let (mine, theirs) = (by_seed(reference)?, by_seed(other)?);
    let shared = mine
        .iter()
        .filter_map(|(seed, x)| Some(apart(*x, *theirs.get(seed)?)));
    let shared: Vec<f64> = shared.collect();
    (shared.len() > 1).then_some(shared)
}

/// a − b; 0 where they differ by rounding.
fn apart(a: f64, b: f64) -> f64 {
    match (a - b).abs() <= SAME * (a.abs() + b.abs()) {
        true => 0.0,
        false => a - b,
    }
}

/// Holm over the tests of one measure.
fn correct(tests: &mut [Test]) {
    let ps: Vec<f64> = tests.iter().filter_map(|t| t.p).collect();
    let tested = tests.iter_mut().filter(|t| t.p.is_some());
    for (test, corrected) in tested.zip(holm(&ps)) {
        test.corrected = Some(corrected);
    }
}

fn ratio(a: f64, b: f64) -> Option<f64> {
    (b > 0.0).then(|| a / b)
}

/// Two-sided sign-flip test of paired differences: the share of all 2ⁿ sign
/// patterns with a sum at least as far from 0, or (r + 1)/(n + 1) over draws
/// where they are too many.
///
/// ```
/// use modscope::compare::paired_permutation;
/// // All four differences on one side: 2 of 16 patterns.
/// assert_eq!(paired_permutation(&[1.0, 2.0, 1.5, 0.5], 0), 0.125);
/// ```
#[must_use]
pub fn paired_permutation(differences: &[f64], seed: u64) -> f64 {
    let n = differences.len();
    let size: f64 = differences.iter().map(|d| d.abs()).sum();
    let bar = differences.iter().sum::<f64>().abs() - SAME * size;
    if n <= MOST_EXACT.ilog2() as usize {
        let sum = |pattern: usize| -> f64 {
            let signed = differences.iter().enumerate();
            signed
                .map(|(i, d)| if pattern >> i & 1 == 1 { -d } else { *d })
                .sum()
        };
        let all = 1_usize << n;
        let far = (0..all).filter(|pattern| sum(*pattern).abs() >= bar);
        return far.count() as f64 / all as f64;
    }
    let mut rng = Rng::new(seed, 21);
    let mut sum = || -> f64 {
        let signed = differences.iter();
        signed
            .map(|d| if rng.below(2) == 1 { -d } else { *d })
            .sum()
    };
    let far = (0..DRAWS).filter(|_| sum().abs() >= bar).count();
    (far + 1) as f64 / (DRAWS + 1) as f64
}

/// Two-sided permutation test of two groups without pairs: the share of all
/// splits (or of draws of them) with means at least as far apart.
#[must_use]
pub fn two_sample_permutation(one: &[f64], other: &[f64], seed: u64) -> f64 {
    let all: Vec<f64> = one.iter().chain(other).copied().collect();
    let total: f64 = all.iter().sum();
    let (a, b) = (one.len() as f64, other.len() as f64);
    let apart = |sum: f64| (sum / a - (total - sum) / b).abs();
    let size: f64 = all.iter().map(|x| x.abs()).sum::<f64>() / a.min(b);
    let bar = apart(one.iter().sum()) - SAME * size;
    if ways(all.len(), one.len()) <= MOST_EXACT as f64 {
        let (mut far, mut splits) = (0_usize, 0_usize);
        each_subset(&all, one.len(), 0, 0.0, &mut |sum| {
            splits += 1;
            far += usize::from(apart(sum) >= bar);
        });
        return far as f64 / splits.max(1) as f64;
    }
    let mut rng = Rng::new(seed, 22);
    let mut order = all;
    let mut draw = || {
        rng.shuffle(&mut order);
        apart(order.iter().take(one.len()).sum())
    };
    let far = (0..DRAWS).filter(|_| draw() >= bar).count();
    (far + 1) as f64 / (DRAWS + 1) as f64
}

/// Calls `with` for the sum of every subset of so many of the values.
fn each_subset(values: &[f64], left: usize, from: usize, sum: f64, with: &mut impl FnMut(f64)) {
    if left == 0 {
        with(sum);
        return;
    }
    for next in from..=values.len() - left {
        each_subset(values, left - 1, next + 1, sum + values[next], with);
    }
}

/// n over k.
fn ways(n: usize, k: usize) -> f64 {
    (0..k)
        .map(|i| (n - i) as f64 / (k - i) as f64)
        .product::<f64>()
        .round()
}

/// P(a > b) − P(a < b) over all pairs, in [−1, 1] (Cliff 1993).
fn cliff_delta(a: &[f64], b: &[f64]) -> f64 {
    let sign = |(x, y): (&f64, &f64)| match apart(*x, *y) {
        0.0 => 0.0,
        difference => difference.signum(),
    };
    let pairs = a.iter().flat_map(|x| b.iter().map(move |y| (x, y)));
    pairs.map(sign).sum::<f64>() / (a.len() * b.len()) as f64
}

/// 95 % interval of a mean by Student's t; `None` for fewer than two values.
#[must_use]
pub fn student_interval(values: &[f64]) -> Option<[f64; 2]> {
    let n = values.len();
    if n < 2 {
        return None;
    }
    let centre = statistics::mean(values);
    let half = statistics::student_quantile(0.975, (n - 1) as f64) * statistics::sample_sd(values)
        / (n as f64).sqrt();
    Some([centre - half, centre + half])
}

/// 95 % interval of a difference of means (Welch 1947).
fn welch_interval(a: &[f64], b: &[f64]) -> Option<[f64; 2]> {
    let part = |xs: &[f64]| statistics::sample_sd(xs).powi(2) / xs.len() as f64;
    let (va, vb) = (part(a), part(b));
    let apart = statistics::mean(a) - statistics::mean(b);
    let below = va.powi(2) / (a.len() - 1) as f64 + vb.powi(2) / (b.len() - 1) as f64;
    if below <= 0.0 {
        return Some([apart, apart]);
    }
    let half = statistics::student_quantile(0.975, (va + vb).powi(2) / below) * (va + vb).sqrt();
    Some([apart - half, apart + half])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_by_hand() {
        // Four values 1 to 4: mean 2.5, sd 1.2910, 3.1824 · 0.6455 = 2.0543.
        let [low, high] = student_interval(&[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert!((low - 0.4457).abs() < 1e-3 && (high - 4.5543).abs() < 1e-3);
        assert_eq!(student_interval(&[1.0]), None);
    }

    #[test]
    fn permutations_worked_out_by_hand() {
        // Splits of {1, 2, 3, 4} in twos; only {1, 2} and {3, 4} are as far apart.
        assert_eq!(
            two_sample_permutation(&[1.0, 2.0], &[3.0, 4.0], 0),
            2.0 / 6.0
        );
        assert_eq!(paired_permutation(&[0.0; 5], 0), 1.0);
        assert_eq!(paired_permutation(&[1.0, -1.0], 0), 1.0);
        assert_eq!(ways(10, 5), 252.0);
        assert_eq!(cliff_delta(&[1.0, 3.0], &[2.0, 2.0]), 0.0);
        assert_eq!(cliff_delta(&[3.0], &[1.0, 2.0]), 1.0);
    }

    #[test]
    fn draws_agree_with_all_patterns() {
        let mut rng = Rng::new(1, 0);
        let differences: Vec<f64> = (0..18).map(|_| rng.normal() + 0.5).collect();
        let drawn = paired_permutation(&differences, 0);
        let exact = paired_permutation(&differences[..16], 0);
        assert!((drawn - exact).abs() < 0.1, "{drawn} {exact}");
    }

    fn member(seeds: &[u64], values: &[f64]) -> Members {
        seeds
            .iter()
            .map(|s| Some(*s))
            .zip(values.iter().copied())
            .collect()
    }

    #[test]
    fn one_seed_gets_no_p_value() {
        let test = test(&member(&[1], &[2.0]), &member(&[1], &[3.0]), "l1", 0);
        assert_eq!((test.p, test.difference), (None, Some(-1.0)));
        assert_eq!(test.no_test.as_deref(), Some("one seed: no test"));
    }

    #[test]
    fn seeds_are_paired_where_they_agree() {
        let (a, b) = (
            member(&[1, 2, 3], &[1.0, 2.0, 3.0]),
            member(&[3, 2, 1], &[3.5, 2.5, 1.5]),
        );
        let paired = test(&a, &b, "l1", 0);
        assert!(paired.paired && paired.networks == 3);
        assert_eq!((paired.difference, paired.p), (Some(-0.5), Some(0.25)));
        assert_eq!(paired.smallest, Some(0.25));
        let unpaired = test(&a, &member(&[7, 8, 9], &[1.5, 2.5, 3.5]), "l1", 0);
        assert!(!unpaired.paired);
        assert_eq!(unpaired.smallest, Some(0.1));
    }
}
