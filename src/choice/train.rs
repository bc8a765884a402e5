//! How networks are trained.

/// Which ingredients of BIMT a training uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Regime {
    /// None: the loss alone.
    Vanilla,
    /// An L1 penalty.
    L1,
    /// L1, weighted by distance.
    Local,
    /// L1, and swaps of neurons.
    Swap,
    /// L1 weighted by distance, and swaps: BIMT.
    Bimt,
}

impl Regime {
    /// Whether connections cost anything.
    #[must_use]
    pub fn penalises(self) -> bool {
        self != Self::Vanilla
    }

    /// Whether long connections cost more.
    #[must_use]
    pub fn is_local(self) -> bool {
        matches!(self, Self::Local | Self::Bimt)
    }

    /// Whether neurons are swapped.
    #[must_use]
    pub fn swaps(self) -> bool {
        matches!(self, Self::Swap | Self::Bimt)
    }
}

named! {
    Regime: "regime" {
        Vanilla = "vanilla",
        L1 = "l1",
        Local = "local",
        Swap = "swap",
        Bimt = "bimt",
    }
}
