//! The vocabulary: what can be asked for and what results say was done, as enums.
//!
//! Each name is written once, in the `named!` table under its enum: the command line
//! parses it, results and errors write it, reports match on it without a rest. A name
//! that is not in its table is refused where it is read. Nothing here computes.

mod checkpoint;
mod circuits;
mod compare;
mod edit;
mod metric;
mod modules;
mod pick;
mod prune;
mod train;

pub use checkpoint::Layout;
pub use circuits::{
    Conventions, Fill, Granularity, Level, LowerBound, Method, Origin, Rest, Selection, Sign,
};
pub use compare::{Against, ControlKind, HypothesisKind, Matching};
pub use edit::{ChangeKind, EditedKind};
pub use metric::{Direction, LossKind, MetricKind, SiteMeasure};
pub use modules::{
    Algorithm, BlockForm, CoursePath, EdgeWeight, MeasureKind, MotifKind, Null, NullKind, Quality,
    RelocationMethod, Scope, Turn, Unmatched,
};
pub use pick::{Criterion, Pick};
pub use prune::{Arithmetic, CertificateMethod, Equivalence, Known, Requested};
pub use train::Regime;

/// The level of every test: p at most this counts.
pub const LEVEL: f64 = 0.05;

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes and reads back all values of a kind.
    fn goes_round<T>(values: impl IntoIterator<Item = T>)
    where
        T: Copy + std::fmt::Debug + PartialEq + serde::Serialize + serde::de::DeserializeOwned,
    {
        for value in values {
            let text = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<T>(&text).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        goes_round(Layout::each());
        goes_round(Method::each());
        goes_round(Fill::each());
        goes_round(MetricKind::each());
        goes_round(Direction::each());
        goes_round(Criterion::each());
        goes_round(Pick::each());
        goes_round(MeasureKind::each());
        goes_round(MotifKind::each());
        goes_round(Unmatched::each());
        goes_round(SiteMeasure::each());
        goes_round([
            Requested::Auto,
            Requested::AutoCertified,
            Requested::At(0.01),
        ]);
        goes_round(Method::each().map(Origin::Found).chain([Origin::Given]));
        goes_round(NullKind::each().map(Null::Network).chain([Null::Places]));
        goes_round(
            ControlKind::each()
                .map(Against::Control)
                .chain([Against::Random]),
        );
    }

    #[test]
    fn an_unknown_name_is_refused_with_those_there_are() {
        let fault = serde_json::from_str::<Fill>("\"median\"").unwrap_err();
        assert_eq!(
            fault.to_string(),
            "`median` is not a fill (known: zero, mean, corrupted, resample)"
        );
        assert!("given".parse::<Method>().is_err(), "it cannot be asked for");
        assert!("places".parse::<NullKind>().is_err());
    }
}
