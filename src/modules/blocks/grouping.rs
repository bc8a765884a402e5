//! A way to describe a graph by groups of its nodes.

use super::labels::Labels;
use super::wiring::Wiring;

/// A description of a graph whose length follows every move of a node.
///
/// [`Within`](super::within::Within) has groups of one layer each,
/// [`Across`](super::across::Across) groups that span the layers.
pub(super) trait Grouping: Clone {
    fn wiring(&self) -> &Wiring;

    fn labels(&self) -> &Labels;

    /// What moving a node to each of these groups of its kind would change, in nats.
    fn changes(&mut self, node: u32, to: &[u32]) -> Vec<f64>;

    /// Moves a node.
    fn put(&mut self, node: u32, to: u32);

    /// The description length, from scratch, in nats.
    fn length(&self) -> f64;
}
