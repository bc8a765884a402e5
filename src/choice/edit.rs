//! What an intervention edits, and how.

/// What is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditedKind {
    /// All that reads a site.
    Site,
    /// One edge.
    Edge,
    /// A path of edges.
    Path,
    /// One weight.
    Weight,
}

/// What is done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It becomes a value.
    Set,
    /// A value is added.
    Add,
    /// It is multiplied.
    Scale,
    /// It becomes another sample's.
    Patch,
    /// It is filled.
    Fill,
}

named! {
    EditedKind: "thing to edit" { Site = "site", Edge = "edge", Path = "path", Weight = "weight" }
    ChangeKind: "change" {
        Set = "set",
        Add = "add",
        Scale = "scale",
        Patch = "patch",
        Fill = "fill",
    }
}
