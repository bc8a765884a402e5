//! A page's content security policy: nothing from outside, and only its own script.

use sha2::{Digest, Sha256};

/// A policy that allows inline styles and the one script with this text.
#[must_use]
pub fn policy(script: &str) -> String {
    let hash = super::base64(Sha256::digest(script.as_bytes()));
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_the_script_by_its_hash() {
        // The digest of the empty text, as every SHA-256 tool prints it, in base64.
        assert!(policy("").contains("'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"));
    }
}
