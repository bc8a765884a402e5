use super::Fault;
use super::boxes::{Read, read};
use crate::numeric::Rng;

const TWO: &str = "; two inputs\n(declare-const X_0 Real)\n(declare-const X_1 Real)\n(declare-const Y_0 Real)\n(declare-const Y_1 Real)\n";

fn told(rest: &str) -> Result<Read, Fault> {
    read(&format!("{TWO}{rest}"))
}

fn boxes(rest: &str) -> Vec<Vec<[f64; 2]>> {
    told(rest).map(|read| read.boxes).unwrap_or_default()
}

#[test]
fn one_box_worked_out_by_hand() {
    let read = told(
        "(assert (<= X_0 0.5)) ; above\n(assert (>= X_0 (- 0.25)))\n\
         (assert (and (<= -1e-1 X_1) (>= 2 X_1)))\n(assert (<= X_0 0.75))\n\
         (assert (<= Y_0 (+ Y_1 (* -1 Y_0))))\n(check-sat)",
    );
    let read = read.map_err(|fault| fault.detail);
    assert_eq!(
        read,
        Ok(Read {
            boxes: vec![vec![[-0.25, 0.5], [-0.1, 2.0]]],
            outputs: 2,
            on_outputs: 1,
        })
    );
}

#[test]
fn alternatives_are_boxes_each_once() {
    let unit = "(assert (>= X_0 0)) (assert (<= X_0 1)) (assert (>= X_1 0)) (assert (<= X_1 1))";
    // Cut into three of which two are equal and one is empty.
    let cut =
        "(assert (or (<= X_0 0.25) (and (>= X_0 0.75) (<= Y_0 Y_1)) (<= X_0 0.25) (<= X_0 -1)))";
    let expected = vec![vec![[0.0, 0.25], [0.0, 1.0]], vec![[0.75, 1.0], [0.0, 1.0]]];
    assert_eq!(boxes(&format!("{unit}\n{cut}")), expected);
    // An alternative that speaks of outputs alone leaves the inputs as they are.
    let free = "(assert (or (<= Y_0 0) (<= X_0 0.25)))";
    assert_eq!(boxes(&format!("{unit} {free}")), [vec![[0.0, 1.0]; 2]]);
    // Two choices of two: four boxes.
    let both =
        "(assert (or (<= X_0 0.25) (>= X_0 0.75))) (assert (or (<= X_1 0.25) (>= X_1 0.75)))";
    assert_eq!(boxes(&format!("{unit} {both}")).len(), 4);
}

#[test]
fn what_is_no_box_is_refused_by_its_line() {
    let cases = [
        ("(assert (<= X_0 X_1))", 6, "not by another variable"),
        ("\n(assert (<= (+ X_0 X_1) 1))", 7, "no bound of one input"),
        ("(assert (<= X_0 Y_0))", 6, "not by another variable"),
        ("(assert (< X_0 1))", 6, "`(< X_0 1)` is no `<=`"),
        ("(assert (not (<= X_0 1)))", 6, "is no `<=`"),
        ("(assert (<= X_2 1))", 6, "`X_2` is not declared above"),
        ("(assert (<= X_0 1e999))", 6, "no finite number"),
        ("(assert (<= X_0 nan))", 6, "no number and no variable"),
        ("(assert (<= 0 1))", 6, "two numbers"),
        ("(assert (<= X_0 1)", 6, "not closed"),
        ("(assert (<= X_0 1)))", 6, "closes nothing"),
        ("(declare-const X_0 Real)", 6, "declared on line 2 too"),
        ("(declare-const X_3 Real)", 6, "`X_2` is not"),
        ("(declare-const Z Real)", 6, "neither an input"),
        ("(declare-network n)", 6, "no part of such a property"),
        ("(assert (<= X_0 1))", 2, "`X_0` has no lower bound"),
        (
            "(assert (and (<= X_0 1) (>= X_0 2) (>= X_1 0) (<= X_1 0)))",
            3,
            "no input satisfies",
        ),
    ];
    for (rest, line, words) in cases {
        let fault = told(rest).expect_err(rest);
        assert!(fault.detail.contains(words), "{rest}: {}", fault.detail);
        assert_eq!(fault.line, line, "{rest}");
    }
    assert!(read("").is_err_and(|fault| fault.detail.contains("no input")));
}

#[test]
fn neither_depth_nor_alternatives_run_away() {
    let deep = "(".repeat(1_000_000);
    assert!(told(&deep).is_err_and(|fault| fault.detail.contains("deep")));
    let halves = "(assert (or (<= X_0 0.5) (<= X_1 0.5)))\n".repeat(40);
    assert!(told(&halves).is_err_and(|fault| fault.detail.contains("alternatives")));
}

/// Of any bytes the reader says something, and a box is never upside down.
#[test]
fn any_text_is_read_or_refused() {
    let words = [
        "(",
        ")",
        "(",
        ")",
        "assert",
        "and",
        "or",
        "<=",
        ">=",
        "X_0",
        "X_1",
        "Y_0",
        "1",
        "-2",
        "0.5",
        ";",
        "\n",
        " ",
        " ",
        "declare-const",
        "Real",
        "é",
        "\u{0}",
        "X_",
        "-",
    ];
    let mut rng = Rng::new(7, 0);
    for _ in 0..20_000 {
        let length = (rng.uniform() * 40.0) as usize;
        let some: String = (0..length)
            .map(|_| words[(rng.uniform() * words.len() as f64) as usize % words.len()])
            .collect();
        if let Ok(read) = told(&some) {
            let mut sides = read.boxes.iter().flatten();
            assert!(sides.all(|[lo, hi]| lo <= hi && lo.is_finite() && hi.is_finite()));
        }
    }
}
