//! The JSON Schemas of results: made of the types that are written, documentation included.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use super::{Audit, Comparison, Diff, Fronts, GraphJson, Intervention, Lens, Multiverse, Picked};

/// The JSON Schema (draft 2020-12) of every file that a command writes, by its name.
///
/// `prune`, `modules` and `circuit` write parts of an audit, under the same keys.
/// Numbers that are none stand as `null`.
///
/// ```
/// let (name, schema) = &modscope::result::schemas()[0];
/// let title = schema.get("title").and_then(|title| title.as_str());
/// assert_eq!((*name, title), ("audit", Some("Audit")));
/// ```
#[must_use]
pub fn schemas() -> [(&'static str, Schema); 9] {
    [
        ("audit", of::<Audit>()),
        ("circuit", of::<GraphJson>()),
        ("compare", of::<Comparison>()),
        ("diff", of::<Diff>()),
        ("fronts", of::<Fronts>()),
        ("intervene", of::<Intervention>()),
        ("lens", of::<Lens>()),
        ("pick", of::<Picked>()),
        ("stability", of::<Multiverse>()),
    ]
}

/// The schema of a type as it is written.
fn of<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>()
}
