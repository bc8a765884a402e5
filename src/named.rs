//! Names of choices: one table for the command line, for results and for errors.

/// Writes `Display`, `Serialize` and `Deserialize` of a kind that has `name` and `FromStr`.
macro_rules! written_by_name {
    ($kind:ident) => {
        impl ::std::fmt::Display for $kind {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl ::serde::Serialize for $kind {
            fn serialize<S: ::serde::Serializer>(
                &self,
                to: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                to.serialize_str(self.name())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $kind {
            fn deserialize<D: ::serde::Deserializer<'de>>(
                from: D,
            ) -> ::std::result::Result<Self, D::Error> {
                let text = <String as ::serde::Deserialize>::deserialize(from)?;
                text.parse().map_err(::serde::de::Error::custom)
            }
        }
    };
}

/// Gives enums their names: a table `ALL`, `Display`, serde as the name, and
/// `FromStr`, whose error lists the names there are.
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

            /// Each of them.
            pub fn each() -> impl Iterator<Item = Self> {
                Self::ALL.into_iter().map(|(value, _)| value)
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

        written_by_name!($kind);

        #[cfg(feature = "schema")]
        impl ::schemars::JsonSchema for $kind {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($kind).into()
            }

            fn json_schema(_: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                ::schemars::json_schema!({ "type": "string", "enum": [$($name),+] })
            }
        }
    )+};
}

/// Names an enum that is one of a named kind or a single thing beside them: in results
/// both stand in one field, on the command line only the named kind can be asked for.
macro_rules! named_beside {
    ($($kind:ident { $inner:ident($of:ty), $single:ident = $name:literal })+) => {$(
        impl $kind {
            /// The name in results.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    Self::$inner(value) => value.name(),
                    Self::$single => $name,
                }
            }
        }

        impl ::std::str::FromStr for $kind {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $name => Ok(Self::$single),
                    other => other.parse().map(Self::$inner),
                }
            }
        }

        written_by_name!($kind);

        #[cfg(feature = "schema")]
        impl ::schemars::JsonSchema for $kind {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($kind).into()
            }

            fn json_schema(_: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                let names = <$of>::ALL.iter().map(|(_, name)| *name);
                let names: Vec<&str> = names.chain([$name]).collect();
                ::schemars::json_schema!({ "type": "string", "enum": names })
            }
        }
    )+};
}
