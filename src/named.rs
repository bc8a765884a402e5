//! Names of choices: one table for the command line, for results and for errors.

/// Gives enums their names: a table `ALL`, `Display`, and `FromStr`, whose error
/// lists the names there are.
macro_rules! named {
    ($($kind:ident: $what:literal { $($value:ident = $name:literal),+ $(,)? })+) => {$(
        impl $kind {
            /// All of them, each with its name on the command line and in results.
            pub const ALL: [(Self, &'static str); [$($name),+].len()] =
                [$((Self::$value, $name)),+];

            /// The name on the command line and in results.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name),+
                }
            }
        }

        impl ::std::fmt::Display for $kind {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl ::std::str::FromStr for $kind {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let found = Self::ALL.iter().find(|(_, name)| *name == text);
                found.map(|(value, _)| *value).ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|(_, name)| *name).collect();
                    format!("`{text}` is not a {} (known: {})", $what, known.join(", "))
                })
            }
        }
    )+};
}
