//! Networks ranked: the one that was picked, and the table of all.

use crate::choice::Direction;
use crate::report::english::{counted, joined};
use crate::report::format::short;
use crate::report::page::blocks::{Block, Cell, Section, Table, numbers, words};
use crate::report::sites::clean;
use crate::result::{RankedBy, RankedNetwork, Ranking, Sentence, Status};

/// Which network was picked, by what, and what that does not say.
#[must_use]
pub fn sentence(ranking: &Ranking) -> Option<Sentence> {
    let first = ranking.networks.first()?;
    let criteria = ranking.criteria.iter().zip(&first.values).zip(&first.ranks);
    let ranks: Vec<String> = criteria
        .map(|((by, value), rank)| {
            let words = by.criterion.in_words();
            format!(
                "{words} {} (rank {})",
                value.map_or_else(|| "–".to_owned(), short),
                short(*rank)
            )
        })
        .collect();
    let front = ranking.networks.iter().filter(|n| n.on_front).count();
    let text = format!(
        "Of {}, {} has the lowest mean rank, {}: {}. {} on the front: no other is as good by all \
         of these and better by one. The pick was made by looking at all of them.",
        counted(ranking.networks.len(), "network", "networks"),
        clean(&first.name),
        short(first.mean_rank),
        joined(&ranks),
        counted(front, "network is", "networks are"),
    );
    Some(Sentence::new("Pick", Status::Note, text))
}

/// The networks in their order, on a page.
pub(in crate::report) fn section(ranking: Option<&Ranking>) -> Section {
    Section {
        id: "ranking",
        title: "Ranking",
        blocks: ranking.map(table).into_iter().collect(),
    }
}

fn table(ranking: &Ranking) -> Block {
    let mut columns = vec![
        words("Network"),
        numbers("Mean rank"),
        words("On the front"),
    ];
    columns.extend(ranking.criteria.iter().map(|by| numbers(&titled(by))));
    let row = |network: &RankedNetwork| {
        let front = if network.on_front { "yes" } else { "no" };
        let mut row = vec![
            Cell::word(clean(&network.name)),
            Cell::number(network.mean_rank),
            Cell::word(front),
        ];
        row.extend(network.values.iter().map(|value| Cell::optional(*value)));
        row
    };
    let rows = ranking.networks.iter().map(row).collect();
    let caption = "Networks by the mean of their ranks, the picked one first";
    Block::Table(Table::new(caption, "ranking", columns, rows).open())
}

/// A criterion with its direction.
fn titled(by: &RankedBy) -> String {
    let better = match by.direction {
        Direction::HigherIsBetter => "more is better",
        Direction::LowerIsBetter => "less is better",
    };
    format!("{} ({better})", by.criterion.in_words())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::{Criterion, Pick};

    #[test]
    fn the_pick_says_by_what_and_among_how_many() {
        let network = |name: &str, mean_rank: f64| RankedNetwork {
            name: name.to_owned(),
            path: name.to_owned(),
            mean_rank,
            on_front: mean_rank < 2.0,
            values: vec![Some(12.0), None],
            ranks: vec![1.0, 2.0],
        };
        let by = |criterion: Criterion| RankedBy {
            criterion,
            direction: criterion.direction(),
        };
        let ranking = Ranking {
            pick: Pick::Modular,
            criteria: vec![
                by(Criterion::DescriptionLengthGained),
                by(Criterion::Selectivity),
            ],
            networks: vec![network("a", 1.5), network("b", 2.5)],
        };
        assert_eq!(
            sentence(&ranking).expect("there are networks").to_string(),
            "• Pick: Of 2 networks, a has the lowest mean rank, 1.5: nats that blocks gain 12 (rank 1) and selectivity of the modules – (rank 2). 1 network is on the front: no other is as good by all of these and better by one. The pick was made by looking at all of them."
        );
    }
}
