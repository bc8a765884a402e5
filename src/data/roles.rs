//! What an array or a column is for: every name that is read, in one table.

use std::fmt;

/// What an array is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Inputs,
    Tokens,
    Labels,
    CorruptedInputs,
    CorruptedTokens,
    Answers,
    Foils,
    Positions,
    Outputs,
}

/// The prefixes that name a split.
const SPLITS: [&str; 2] = ["train", "test"];

/// Names that other tools write beside these, which nothing is done with: the
/// beginning of the name, and what it holds.
const HARMLESS: [(&str, &str); 4] = [
    (
        "corrupted_outputs",
        "outputs on the pairs; parity is checked on the samples",
    ),
    ("resid", "values inside the network"),
    ("final_residual", "values inside the network"),
    ("attn_", "values inside the network"),
];

/// What a name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A split (`all` without a prefix), and what the array is for.
    Known(&'static str, Role),
    /// Nothing is done with it, for this reason.
    Harmless(&'static str),
    Unknown,
}

impl Role {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 9] = [
        Self::Inputs,
        Self::Tokens,
        Self::Labels,
        Self::CorruptedInputs,
        Self::CorruptedTokens,
        Self::Answers,
        Self::Foils,
        Self::Positions,
        Self::Outputs,
    ];

    /// The names it goes by; the first is the one that errors use.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Inputs => &["inputs", "x", "X"],
            Self::Tokens => &["tokens"],
            Self::Labels => &["labels", "targets", "y"],
            Self::CorruptedInputs => &["corrupted_inputs", "corrupted_x", "corrupted_X"],
            Self::CorruptedTokens => &["corrupted_tokens"],
            Self::Answers => &["answers"],
            Self::Foils => &["foils"],
            Self::Positions => &["positions"],
            Self::Outputs => &["outputs", "logits"],
        }
    }

    /// The name that errors use.
    pub fn name(self) -> &'static str {
        self.names().first().copied().unwrap_or_default()
    }

    /// The names of one sample on a line of JSON: those of arrays, and their singular.
    pub fn of_key(key: &str) -> Option<Self> {
        const SINGULAR: [(&str, Role); 7] = [
            ("input", Role::Inputs),
            ("label", Role::Labels),
            ("target", Role::Labels),
            ("answer", Role::Answers),
            ("foil", Role::Foils),
            ("position", Role::Positions),
            ("output", Role::Outputs),
        ];
        let plural = Self::ALL
            .into_iter()
            .find(|role| role.names().contains(&key));
        plural.or_else(|| Some(SINGULAR.iter().find(|(name, _)| *name == key)?.1))
    }

    /// What it is used for, in words.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Inputs => "what the network is run on",
            Self::Tokens => "what the network is run on, as token ids",
            Self::Labels => "what the network should give",
            Self::CorruptedInputs | Self::CorruptedTokens => "the pair of each sample",
            Self::Answers => "the class whose logit counts positive",
            Self::Foils => "the class whose logit counts negative",
            Self::Positions => "where answers are read",
            Self::Outputs => "the framework's own outputs, for the parity check",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// What an array of this name is.
pub(super) fn meaning(name: &str) -> Meaning {
    let role = |name: &str| {
        Role::ALL
            .into_iter()
            .find(|role| role.names().contains(&name))
    };
    if let Some(role) = role(name) {
        return Meaning::Known("all", role);
    }
    for split in SPLITS {
        let rest = name
            .strip_prefix(split)
            .and_then(|rest| rest.strip_prefix('_'));
        if let Some(role) = rest.and_then(role) {
            return Meaning::Known(split, role);
        }
    }
    let rest = SPLITS
        .iter()
        .find_map(|split| name.strip_prefix(split)?.strip_prefix('_'))
        .unwrap_or(name);
    match HARMLESS.iter().find(|(start, _)| rest.starts_with(start)) {
        Some((_, why)) => Meaning::Harmless(why),
        // `acdc.tokens` is the part of a group of its own.
        None if name.contains('.') => Meaning::Harmless("of a group of its own"),
        None => Meaning::Unknown,
    }
}

/// Every name that is read, for errors.
pub(super) fn known() -> String {
    let names = Role::ALL.iter().map(|role| role.names().join(" or "));
    names.collect::<Vec<_>>().join(", ")
}

/// What an array of a data set is used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// Its name in the file.
    pub name: String,
    /// What for, in words.
    pub purpose: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_split_and_role() {
        assert_eq!(meaning("X"), Meaning::Known("all", Role::Inputs));
        assert_eq!(meaning("test_y"), Meaning::Known("test", Role::Labels));
        assert_eq!(
            meaning("train_logits"),
            Meaning::Known("train", Role::Outputs)
        );
        assert_eq!(meaning("weights"), Meaning::Unknown);
        assert_eq!(meaning("testy"), Meaning::Unknown);
        assert!(matches!(meaning("acdc.tokens"), Meaning::Harmless(_)));
        assert!(matches!(meaning("resid_index"), Meaning::Harmless(_)));
    }

    #[test]
    fn no_name_is_of_two_roles() {
        let mut all: Vec<_> = Role::ALL.iter().flat_map(|role| role.names()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
