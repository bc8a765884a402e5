//! Faithfulness over the size of the circuit, and the areas that sum it up.

/// The kept fractions at which circuits are compared (Mueller et al. 2025, MIB).
pub const FRACTIONS: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];

/// Faithfulness at every fraction of kept edges, and its areas.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// `(kept fraction, faithfulness)`, from few edges to all.
    pub points: Vec<(f64, f64)>,
    /// CPR: the area under the faithfulness, higher is better; 0.999 for a
    /// circuit that is faithful from the first fraction on.
    pub cpr: f64,
    /// CMD: the area of |1 − faithfulness|, lower is better, 0 at best.
    pub cmd: f64,
}

/// The curve of circuits that keep a share of `edges` edges: `faithfulness` gets
/// all their numbers, in order, and says `(m − corrupted) / (full − corrupted)` of
/// each. `None` where it is not defined at some size.
///
/// Areas are by trapezoids on a linear axis over [`FRACTIONS`].
///
/// ```
/// use modscope::evaluate::faithfulness_curve;
/// let curve = faithfulness_curve(1000, |sizes| vec![Some(1.0); sizes.len()]).unwrap();
/// assert!((curve.cpr - 0.999).abs() < 1e-12 && curve.cmd == 0.0);
/// ```
pub fn faithfulness_curve(
    edges: usize,
    faithfulness: impl FnOnce(&[usize]) -> Vec<Option<f64>>,
) -> Option<Curve> {
    let sizes = FRACTIONS.map(|fraction| (fraction * edges as f64).floor() as usize);
    let values: Vec<f64> = faithfulness(&sizes).into_iter().collect::<Option<_>>()?;
    let points: Vec<(f64, f64)> = FRACTIONS.into_iter().zip(values).collect();
    let area = |height: &dyn Fn(f64) -> f64| {
        let trapezoid =
            |w: &[(f64, f64)]| (w[1].0 - w[0].0) * (height(w[0].1) + height(w[1].1)) / 2.0;
        points.windows(2).map(trapezoid).sum()
    };
    Some(Curve {
        cpr: area(&|f| f),
        cmd: area(&|f| (1.0 - f).abs()),
        points,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_worked_out_by_hand() {
        // Nothing up to a half, everything at the end: one trapezoid of 0.5 · ½.
        let curve = faithfulness_curve(10, |sizes| {
            let whole = |kept: &usize| Some(f64::from(u8::from(*kept == 10)));
            sizes.iter().map(whole).collect()
        })
        .unwrap();
        assert!((curve.cpr - 0.25).abs() < 1e-12);
        assert!((curve.cmd - (0.499 + 0.25)).abs() < 1e-12);
        assert_eq!(faithfulness_curve(10, |_| vec![None; 10]), None);
    }
}
