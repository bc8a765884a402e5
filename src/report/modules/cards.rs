//! A card for each module: what is in it, what it serves, how far it is apart.

use std::collections::BTreeMap;

use crate::choice::Scope;
use crate::report::english::plural;
use crate::report::figures::palette::{MODULE_COLOURS, module_class};
use crate::report::format::{count, number, percent, short};
use crate::report::modules::lesions::is_of_one_output;
use crate::report::page::blocks::{Block, Fact, ModuleCard};
use crate::report::sites::{Place, Sites};
use crate::result::Modules;

/// Most modules with a card; the table has all.
const MOST: usize = 12;

/// Most names of sites on a card.
const NAMES: usize = 12;

/// The largest modules.
pub(super) fn cards(modules: &Modules, sites: &Sites<'_>) -> Block {
    let mut members: BTreeMap<usize, Vec<&String>> = BTreeMap::new();
    for assignment in &modules.partition {
        members
            .entry(assignment.module)
            .or_default()
            .push(&assignment.site);
    }
    let inside = inside(modules, sites);
    let card = |(module, of): (&usize, &Vec<&String>)| ModuleCard {
        class: module_class(module % MODULE_COLOURS),
        title: format!("module {module}"),
        facts: facts(*module, of, modules, inside.get(module).copied(), sites),
    };
    Block::Modules(members.iter().take(MOST).map(card).collect())
}

fn facts(
    module: usize,
    members: &[&String],
    modules: &Modules,
    inside: Option<f64>,
    sites: &Sites<'_>,
) -> Vec<Fact> {
    let fact = |term: &str, text: String| Fact {
        term: term.to_owned(),
        text,
        is_code: false,
    };
    let size = format!(
        "{} {}",
        count(members.len()),
        plural(members.len(), "site", "sites")
    );
    let mut facts = vec![fact(&size, sites.list(members.iter().copied(), NAMES))];
    facts.extend(lesions(module, modules, sites).map(|text| fact("Without it", text)));
    facts.extend(inside.map(|share| fact("|w| inside", percent(share))));
    let apart = modules.conductance.iter().find(|c| c.module == module);
    facts.extend(apart.map(|c| fact("Conductance", number(c.value))));
    facts
}

/// What removing a module does to every output, the hardest hit first.
fn lesions(module: usize, modules: &Modules, sites: &Sites<'_>) -> Option<String> {
    let mine = |l: &&crate::result::Lesion| l.module == module && l.scope == Scope::All;
    let fill = modules.lesions.iter().find(mine)?.fill;
    let all = modules
        .lesions
        .iter()
        .filter(mine)
        .filter(|l| l.fill == fill);
    let mut all: Vec<_> = all.collect();
    if all.iter().any(|l| is_of_one_output(l)) {
        all.retain(|l| is_of_one_output(l));
    }
    all.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()));
    let words = all.iter().take(3).map(|l| {
        let (from, to) = (short(l.metric_full), short(l.metric_lesioned));
        format!("{} {from} → {to}", sites.metric(&l.metric))
    });
    Some(format!(
        "{} ({fill} fill)",
        words.collect::<Vec<_>>().join("; ")
    ))
}

/// The share of the weight at each module that stays within it.
fn inside(modules: &Modules, sites: &Sites<'_>) -> BTreeMap<usize, f64> {
    let group: BTreeMap<Place, usize> = modules
        .partition
        .iter()
        .filter_map(|a| Some((sites.place(&a.site)?, a.module)))
        .collect();
    let mut sums: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for wire in sites.surviving(modules.threshold) {
        let (Some(from), Some(to)) = (group.get(&wire.from), group.get(&wire.to)) else {
            continue;
        };
        let mut add = |module: usize, is_inside: bool| {
            let (inside, all) = sums.entry(module).or_default();
            *all += wire.weight.abs();
            *inside += if is_inside { wire.weight.abs() } else { 0.0 };
        };
        add(*from, from == to);
        if from != to {
            add(*to, false);
        }
    }
    sums.into_iter()
        .map(|(module, (inside, all))| (module, inside / all))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_module_has_a_card_with_its_sites_by_name() {
        let audit = sample::audit();
        let modules = audit.modules.as_ref().expect("there");
        let Block::Modules(cards) = cards(modules, &Sites::new(&audit.network)) else {
            panic!("cards of modules");
        };
        assert_eq!(cards.len(), 2);
        assert_eq!(
            (cards[0].class.as_str(), cards[0].title.as_str()),
            ("m0", "module 0")
        );
        assert_eq!(cards[0].facts[0].term, "5 sites");
        assert!(cards[0].facts.iter().any(|f| f.term == "Without it"));
    }

    #[test]
    fn what_stays_inside_is_a_share() {
        let audit = sample::audit();
        let modules = audit.modules.as_ref().expect("there");
        let shares = inside(modules, &Sites::new(&audit.network));
        assert!(
            shares.values().all(|share| (0.0..=1.0).contains(share)),
            "{shares:?}"
        );
    }
}
