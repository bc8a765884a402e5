//! How a bound on what pruning changes is obtained.

/// How a certificate's bound was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CertificateMethod {
    /// Every input was evaluated, with its rounding error.
    #[default]
    Enumeration,
    /// Differential lines and intervals, by branch and bound.
    BranchAndBound,
}

/// What a certificate speaks of: the networks as functions of real numbers, or as
/// computed in a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arithmetic {
    /// As functions of real numbers.
    #[default]
    Real,
    /// As evaluated in 32 bits, in any order of summation.
    F32,
    /// As evaluated in 64 bits, in any order of summation.
    F64,
}

named! {
    Arithmetic: "arithmetic" { Real = "real", F32 = "f32", F64 = "f64" }
    CertificateMethod: "way to certify" {
        Enumeration = "enumeration",
        BranchAndBound = "differential branch and bound",
    }
}
