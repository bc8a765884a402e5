use super::*;

#[test]
fn the_exponential_holds_that_of_the_library_and_is_narrow() {
    for i in -70_000..70_000 {
        let x = f64::from(i) * 0.01 + 0.003;
        let (bound, near) = (exp(x), x.exp());
        assert!(bound.lo <= near.next_up() && near.next_down() <= bound.hi, "{x}");
        assert!(bound.hi - bound.lo <= 1e-12 * near, "{x}: {bound:?}");
    }
    assert!(exp(0.0).lo <= 1.0 && exp(0.0).hi >= 1.0);
    assert_eq!(exp(1e9).hi, f64::INFINITY);
    assert_eq!(exp(-1e9).lo, 0.0);
}

#[test]
fn operations_hold_what_they_round_away() {
    let third = I::point(3.0).recip();
    let one = third * I::point(3.0);
    assert!(third.lo < third.hi && one.lo < 1.0 && 1.0 < one.hi);
    assert_eq!(I::new(-2.0, 1.0).square().lo, 0.0);
    assert!(I::new(-2.0, 1.0).square().hi >= 4.0);
    assert_eq!((I::WHOLE * I::ZERO), I::ZERO);
    assert_eq!(I::new(1.0, f64::NAN), I::WHOLE);
    let (a, b) = (I::new(-1.0, 2.0), I::new(-3.0, 0.5));
    let product = a * b;
    assert!(product.lo <= -6.0 && product.hi >= 3.0 && product.hi < 3.1);
}
