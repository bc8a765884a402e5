//! What a network is held against, and the circuits that are compared.

use crate::choice::{ControlKind, Method, Origin};
use crate::result::{Audit, Circuit};

/// Audits of one control, one per draw.
pub struct Controlled {
    /// Which control.
    pub kind: ControlKind,
    /// Its audits.
    pub audits: Vec<Audit>,
}

/// The circuits of an audit by exact effects.
pub fn exact(audit: &Audit) -> Vec<&Circuit> {
    let by_exact = |c: &&Circuit| c.method == Origin::Found(Method::Exact);
    audit.circuits.iter().filter(by_exact).collect()
}
