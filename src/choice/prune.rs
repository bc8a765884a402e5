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

named! {
    CertificateMethod: "way to certify" {
        Enumeration = "enumeration",
        BranchAndBound = "differential branch and bound",
    }
}
