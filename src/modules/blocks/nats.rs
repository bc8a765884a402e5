//! The counts that descriptions are made of, as logarithms.

/// Numbers up to this have their partitions counted exactly.
const EXACT: usize = 512;

/// Points of the curves that large numbers of partitions are read from.
const POINTS: usize = 1024;

/// The curves go from e⁻⁵ to e⁸ parts per √sum.
const FIRST: f64 = -5.0;
const LAST: f64 = 8.0;

/// Logarithms of factorials and of numbers of partitions, in nats.
pub(super) struct Nats {
    factorials: Vec<f64>,
    /// ln of the partitions of `sum` into at most `parts`, row `sum` of `0..=sum` parts.
    partitions: Vec<f64>,
    /// At every point the two functions of u = parts/√sum of which large ones consist.
    curves: Vec<[f64; 2]>,
}

impl Nats {
    /// Tables for numbers up to `largest`. O(largest).
    pub(super) fn new(largest: usize) -> Self {
        let mut factorials = vec![0.0; largest + 2];
        for n in 2..factorials.len() {
            factorials[n] = factorials[n - 1] + (n as f64).ln();
        }
        let curves = match largest > EXACT {
            true => (0..POINTS).map(|k| curve(point(k).exp())).collect(),
            false => Vec::new(),
        };
        Self {
            factorials,
            partitions: exact_partitions(largest.min(EXACT)),
            curves,
        }
    }

    /// ln n!
    #[inline]
    pub(super) fn factorial(&self, n: usize) -> f64 {
        match self.factorials.get(n) {
            Some(value) => *value,
            None => libm::lgamma(n as f64 + 1.0),
        }
    }

    /// ln of the ways to choose `k` of `n`.
    pub(super) fn choices(&self, n: usize, k: usize) -> f64 {
        self.factorial(n) - self.factorial(k) - self.factorial(n - k)
    }

    /// ln of the ways to hand `k` like things to `n` places; 0 where there is nothing to hand out.
    pub(super) fn multisets(&self, n: usize, k: usize) -> f64 {
        match (n, k) {
            (0, _) | (_, 0) => 0.0,
            _ => self.choices(n + k - 1, k),
        }
    }

    /// ln of the partitions of `sum` into at most `parts` parts.
    ///
    /// Exact up to 512, above that by Szekeres' formula as Peixoto (2017) uses it.
    pub(super) fn partitions(&self, sum: usize, parts: usize) -> f64 {
        let parts = parts.min(sum);
        if sum <= EXACT {
            return self.partitions[sum * (sum + 1) / 2 + parts];
        }
        let (n, k) = (sum as f64, parts as f64);
        if k < n.sqrt().sqrt() {
            return match parts {
                0 => 0.0,
                _ => self.choices(sum - 1, parts - 1) - self.factorial(parts),
            };
        }
        let at = ((k / n.sqrt()).ln() - FIRST) / (LAST - FIRST) * (POINTS - 1) as f64;
        let below = (at.max(0.0) as usize).min(POINTS - 2);
        let share = (at - below as f64).min(1.0);
        let read = |which: usize| {
            let (one, other) = (self.curves[below][which], self.curves[below + 1][which]);
            one + share * (other - one)
        };
        read(0) - n.ln() + n.sqrt() * read(1)
    }
}

/// ln of the partitions of every sum up to `largest` into at most 0, 1, … parts.
fn exact_partitions(largest: usize) -> Vec<f64> {
    let row = |sum: usize| sum * (sum + 1) / 2;
    let mut counts = vec![0.0_f64; row(largest + 1)];
    counts[0] = 1.0;
    for sum in 1..=largest {
        for parts in 1..=sum {
            let rest = sum - parts;
            let with = counts[row(rest) + parts.min(rest)];
            counts[row(sum) + parts] = counts[row(sum) + parts - 1] + with;
        }
    }
    // No way at all counts as none to tell: it is asked for where there is nothing to part.
    counts.iter().map(|count| count.max(1.0).ln()).collect()
}

/// The place of a point of the curves: ln u.
fn point(k: usize) -> f64 {
    FIRST + (LAST - FIRST) * k as f64 / (POINTS - 1) as f64
}

/// The functions f and g of u = k/√n with ln q(n, k) ≈ f(u) − ln n + √n g(u).
///
/// Source: Szekeres (1951), as given by Peixoto (2017), arXiv 1610.02703, appendix.
fn curve(u: f64) -> [f64; 2] {
    let mut v = u;
    for _ in 0..200 {
        let next = u * dilogarithm(-(-v).exp_m1()).sqrt();
        let change = (next - v).abs();
        v = next;
        if change < 1e-10 {
            break;
        }
    }
    let f = v.ln()
        - (-(-v).exp() * (1.0 + u * u / 2.0)).ln_1p() / 2.0
        - 1.5 * std::f64::consts::LN_2
        - u.ln()
        - std::f64::consts::PI.ln();
    [f, 2.0 * v / u - u * (-(-v).exp()).ln_1p()]
}

/// Li₂(x) for x from 0 to 1.
fn dilogarithm(x: f64) -> f64 {
    if x >= 1.0 {
        return std::f64::consts::PI.powi(2) / 6.0;
    }
    if x > 0.5 {
        return std::f64::consts::PI.powi(2) / 6.0 - x.ln() * (-x).ln_1p() - dilogarithm(1.0 - x);
    }
    let mut power = 1.0;
    let terms = (1..48).map(|k| {
        power *= x;
        power / f64::from(k * k)
    });
    terms.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 5 = 5 = 4+1 = 3+2 = 3+1+1 = 2+2+1 = …: three with at most two parts, seven in all.
    #[test]
    fn counts_by_hand() {
        let nats = Nats::new(600);
        let near = |ln: f64, count: f64| assert!((ln - count.ln()).abs() < 1e-12, "{ln} {count}");
        near(nats.partitions(5, 2), 3.0);
        near(nats.partitions(5, 9), 7.0);
        near(nats.partitions(0, 3), 1.0);
        near(nats.factorial(5), 120.0);
        near(nats.choices(5, 2), 10.0);
        near(nats.multisets(3, 2), 6.0);
        near(nats.multisets(1, 7), 1.0);
        assert!((nats.factorial(900) - libm::lgamma(901.0)).abs() < 1e-9);
    }

    /// p(1000) = 24061467864032622473692149727991, and p(600, 3) = round(603² / 12).
    #[test]
    fn large_numbers_of_partitions_are_near() {
        let nats = Nats::new(1000);
        let all =
            nats.partitions(1000, 1000) - 24_061_467_864_032_622_473_692_149_727_991.0_f64.ln();
        assert!(all.abs() < 0.05, "{all}");
        let three = nats.partitions(600, 3) - (603.0_f64.powi(2) / 12.0).ln();
        assert!(three.abs() < 0.05, "{three}");
        let half = nats.partitions(513, 40) - nats.partitions(512, 40);
        assert!(half.abs() < 0.3, "{half}");
    }
}
