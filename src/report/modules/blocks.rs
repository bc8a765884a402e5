//! The blocks that the wiring supports, and how sure they are.

use crate::choice::BlockForm;
use crate::order;
use crate::report::english::{capital, counted, joined, plural};
use crate::report::format::{count, count_words, number, percent, short};
use crate::report::page::blocks::Fact;
use crate::report::sites::clean;
use crate::result::{BlockPosterior, Blocks, Modules, Sentence, Status};

/// A number of blocks less probable than this is left out of the facts.
const LEAST_TOLD: f64 = 0.005;

/// Sites in doubt that the facts name.
const MOST_TOLD: usize = 12;

/// How many blocks there are, and how sure that is.
pub(super) fn sentences(modules: &Modules) -> impl Iterator<Item = Sentence> {
    supported(modules).into_iter().chain(posterior(modules))
}

/// How many blocks the wiring supports, if any.
fn supported(modules: &Modules) -> Option<Sentence> {
    let blocks = modules.blocks.as_ref()?;
    let where_they_are = match blocks.form {
        BlockForm::WithinLayers => "each within a layer",
        BlockForm::AcrossLayers => "across its layers",
    };
    let text = match blocks.count {
        0 => "The wiring supports no blocks: no description of its edges by groups of sites is shorter than by one block per layer.".to_owned(),
        n => format!(
            "The wiring supports {} {}, {where_they_are}{}{}: {} nats shorter than one block per layer.",
            count_words(n),
            plural(n, "block", "blocks"),
            match blocks.parts {
                1 => String::new(),
                parts => format!(", in {} parts that share no edge", count_words(parts)),
            },
            grouped(&blocks.groups),
            short(blocks.null_description_length - blocks.description_length)
        ),
    };
    let status = if blocks.count > 0 {
        Status::Note
    } else {
        Status::NotShown
    };
    Some(Sentence::new("Blocks", status, text).from([
        "/modules/blocks/description_length",
        "/modules/blocks/null_description_length",
    ]))
}

/// The levels above the blocks: `, grouped in turn by 5 and 2`.
fn grouped(groups: &[Vec<usize>]) -> String {
    let counts = groups.iter().map(|of| {
        let distinct: std::collections::BTreeSet<_> = of.iter().collect();
        count(distinct.len())
    });
    match groups.len() {
        0 => String::new(),
        _ => format!(
            ", grouped in turn by {}",
            joined(&counts.collect::<Vec<_>>())
        ),
    }
}

/// How sure the number of blocks and their members are.
fn posterior(modules: &Modules) -> Option<Sentence> {
    let found = modules.blocks.as_ref()?.posterior.as_ref()?;
    let r_hat = found.r_hat.map_or_else(
        || "chains that do not vary differ".to_owned(),
        |r| format!("R̂ {}", short(r)),
    );
    let chains = capital(&count_words(found.chains));
    let (status, text) = match found.converged {
        false => {
            let means: Vec<String> = found.chain_means.iter().map(|mean| short(*mean)).collect();
            let text = format!(
                "{chains} chains over partitions do not agree ({r_hat}; {} blocks on average), so that they do not tell how many blocks there are.",
                joined(&means)
            );
            (Status::NotShown, text)
        }
        true => {
            let doubt = match (found.membership.is_empty(), found.in_doubt) {
                (true, _) => String::new(),
                (false, 0) => "; no site is in doubt".to_owned(),
                (false, n) => format!(
                    "; {} of the sites ({} in all) {} in doubt, in {} block less often than {}",
                    count_words(n),
                    count(found.membership.len()),
                    plural(n, "is", "are"),
                    plural(n, "its", "their"),
                    short(BlockPosterior::SURE)
                ),
            };
            let text = format!(
                "{chains} chains over partitions agree ({r_hat}): {}{doubt}.",
                joined(&likeliest(found))
            );
            (Status::Note, text)
        }
    };
    let evidence = [
        "/modules/blocks/posterior/counts",
        "/modules/blocks/posterior/r_hat",
    ];
    Some(Sentence::new("Blocks in doubt", status, text).from(evidence))
}

/// The likeliest numbers of blocks with their probabilities.
fn likeliest(found: &BlockPosterior) -> Vec<String> {
    let mut counts = found.counts.clone();
    order::descending(&mut counts, |one| one.probability);
    let listed = counts.iter().take(3).enumerate().map(|(at, of)| match at {
        0 => format!(
            "{} {} with probability {}",
            count_words(of.count),
            plural(of.count, "block", "blocks"),
            short(of.probability)
        ),
        _ => format!("{} with {}", count_words(of.count), short(of.probability)),
    });
    listed.collect()
}

/// The nats of the blocks, their levels, and how sure they are.
pub(super) fn facts(blocks: &Blocks) -> Vec<Fact> {
    let nats = format!(
        "{} nats by {}, {} by one per layer, {} by the modules above",
        number(blocks.description_length),
        match blocks.count {
            0 => "the best blocks (not supported)".to_owned(),
            n => counted(n, "block", "blocks"),
        },
        number(blocks.null_description_length),
        number(blocks.modules_description_length)
    );
    let mut facts = vec![Fact::new("Blocks", nats)];
    facts.extend(blocks.posterior.as_ref().map(|found| {
        let counts = found.counts.iter();
        let counts: Vec<String> = counts
            .filter(|of| of.probability >= LEAST_TOLD)
            .map(|of| format!("{} with {}", count(of.count), percent(of.probability)))
            .collect();
        let doubt = found
            .membership
            .iter()
            .filter(|m| m.probability < BlockPosterior::SURE);
        let doubt: Vec<String> = doubt
            .take(MOST_TOLD)
            .map(|m| format!("{} {}", clean(&m.site), percent(m.probability)))
            .collect();
        let text = format!(
            "{}{}: {}{}",
            match found.converged {
                true => "",
                false => "no posterior, the chains do not agree; ",
            },
            found
                .r_hat
                .map_or_else(|| "R̂ infinite".to_owned(), |r| format!("R̂ {}", number(r))),
            joined(&counts),
            match doubt.len() {
                0 => String::new(),
                _ => format!("; in their block: {}", joined(&doubt)),
            }
        );
        Fact::new("Number of blocks, by chains", text)
    }));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::modules::words;
    use crate::report::sample;
    use crate::report::sites::Sites;
    use crate::result::{BlockCount, Membership};

    fn said(blocks: Blocks) -> Vec<String> {
        let mut audit = sample::audit();
        audit
            .modules
            .as_mut()
            .expect("the sample has modules")
            .blocks = Some(blocks);
        let sites = Sites::new(&audit.network);
        words::sentences(&audit, &sites)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    /// Two blocks in two parts, twelve nats shorter than one per layer.
    fn two() -> Blocks {
        Blocks {
            form: BlockForm::AcrossLayers,
            weighted: true,
            description_length: 88.0,
            null_description_length: 100.0,
            modules_description_length: 90.0,
            levels: 1,
            groups: Vec::new(),
            posterior: None,
            count: 2,
            parts: 2,
            partition: Vec::new(),
            exchange: Vec::new(),
        }
    }

    #[test]
    fn blocks_are_counted_in_nats() {
        let mut blocks = two();
        assert_eq!(
            said(blocks.clone())[2],
            "• Blocks: The wiring supports two blocks, across its layers, in two parts that share no edge: 12 nats shorter than one block per layer."
        );
        blocks.groups = vec![vec![0, 0, 1, 1, 2], vec![0, 0, 0]];
        let text = said(blocks.clone());
        assert!(
            text[2].contains("share no edge, grouped in turn by 3 and 1: 12"),
            "{}",
            text[2]
        );
        blocks.count = 0;
        let text = said(blocks);
        assert!(
            text[2].starts_with("? Blocks: The wiring supports no blocks:"),
            "{text:?}"
        );
    }

    #[test]
    fn chains_that_do_not_agree_tell_no_number() {
        let mut posterior = BlockPosterior {
            chains: 4,
            kept: 500,
            r_hat: Some(1.01),
            converged: true,
            chain_means: vec![2.0, 2.1, 2.0, 2.2],
            one_per_layer: 0.0,
            counts: [(2, 0.75), (3, 0.25)]
                .map(|(count, probability)| BlockCount { count, probability })
                .to_vec(),
            in_doubt: 1,
            membership: vec![Membership {
                site: "h1.0".to_owned(),
                block: 0,
                probability: 0.6,
            }],
        };
        let told = |posterior: &BlockPosterior| {
            let posterior = Some(posterior.clone());
            said(Blocks { posterior, ..two() }).remove(3)
        };
        assert_eq!(
            told(&posterior),
            "• Blocks in doubt: Four chains over partitions agree (R̂ 1.01): two blocks with probability 0.75 and three with 0.25; one of the sites (1 in all) is in doubt, in its block less often than 0.9."
        );
        (posterior.converged, posterior.r_hat) = (false, Some(1.5));
        assert_eq!(
            told(&posterior),
            "? Blocks in doubt: Four chains over partitions do not agree (R̂ 1.5; 2, 2.1, 2 and 2.2 blocks on average), so that they do not tell how many blocks there are."
        );
    }
}
