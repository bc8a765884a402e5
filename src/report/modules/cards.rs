//! A card for each module: what is in it, what it serves and reads, how far it is apart, and a
//! name made of these.

use std::collections::BTreeMap;

use crate::choice::Scope;
use crate::order;
use crate::report::english::{LEVEL, plural};
use crate::report::figures::palette::{MODULE_COLOURS, module_class};
use crate::report::format::{count, number, p_value, percent, short};
use crate::report::insight::page::representation;
use crate::report::modules::lesions::is_of_one_output;
use crate::report::modules::transplants;
use crate::report::page::blocks::{Block, Fact, ModuleCard};
use crate::report::sites::{Place, Sites, clean, shortened};
use crate::result::Modules;

/// Most modules with a card; the table has all.
const MOST: usize = 12;

/// Most names of sites on a card.
const NAMES: usize = 12;

/// A module of at most this many inputs is named by them.
const FEW: usize = 3;

/// Most characters of a formula on a card; the whole of it is with the formulas.
const FORMULA: usize = 160;

/// A module is named by a frequency that has this share of its embedding, …
const MOSTLY: f64 = 0.5;

/// … or by the sign where a dimension of its embedding follows it so closely.
const FOLLOWS: f64 = 0.95;

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
        title: title(*module, of, modules, sites),
        facts: facts(*module, of, modules, inside.get(module).copied(), sites),
    };
    Block::Modules(members.iter().take(MOST).map(card).collect())
}

/// The module's number and what it is: `module 1 · y2 of x0, x3`, `module 0 · frequency 7`.
fn title(module: usize, members: &[&String], modules: &Modules, sites: &Sites<'_>) -> String {
    let what = [
        represented(module, modules).map(|(name, _)| name),
        served(module, modules, sites).map(|(name, _)| name),
        of_inputs(members, sites),
    ];
    let what: Vec<String> = what.into_iter().flatten().collect();
    match what.is_empty() {
        true => format!("module {module}"),
        false => format!("module {module} · {}", what.join(" ")),
    }
}

/// `of x0, x3` where the module reads few inputs.
fn of_inputs(members: &[&String], sites: &Sites<'_>) -> Option<String> {
    let inputs = in_layer(members, sites, 0);
    (1..=FEW).contains(&inputs.len()).then(|| {
        let names: Vec<String> = inputs.iter().map(|site| sites.name(site)).collect();
        format!("of {}", names.join(", "))
    })
}

/// The members of one layer.
fn in_layer<'s>(members: &[&'s String], sites: &Sites<'_>, layer: usize) -> Vec<&'s String> {
    let is_there = |site: &&&String| sites.place(site).is_some_and(|at| at.layer == layer);
    members.iter().filter(is_there).copied().collect()
}

/// The output that the module serves more than others, with how sure that is.
fn served(module: usize, modules: &Modules, sites: &Sites<'_>) -> Option<(String, String)> {
    let of = modules.selectivity.iter();
    let found = of
        .filter(|s| s.module == module && s.scope == Scope::All)
        .find(|s| s.p_holm <= LEVEL)?;
    let name = sites.name(&found.output);
    let text = format!(
        "{name}, hurt by {} more than the others are ({})",
        short(found.lead),
        p_value(found.p_holm)
    );
    Some((name, text))
}

/// The frequency of a cycle, or the sign of a permutation, that the module's embedding has.
fn represented(module: usize, modules: &Modules) -> Option<(String, String)> {
    let insight = modules.insight.as_ref()?;
    let circle = insight
        .embeddings
        .iter()
        .filter(|e| e.module == Some(module));
    let circle = circle.flat_map(|e| {
        let shares = e.frequencies.iter().enumerate();
        shares.max_by(|a, b| a.1.total_cmp(b.1))
    });
    let of_circle = circle
        .filter(|(_, share)| **share >= MOSTLY)
        .map(|(k, share)| {
            let name = format!("frequency {}", k + 1);
            let text = format!(
                "{name} of the cycle, {} of its embedding's variance",
                percent(*share)
            );
            (name, text)
        });
    let signs = insight.signs.iter().filter(|s| s.module == Some(module));
    let of_sign = signs.filter(|s| s.correlation.abs() >= FOLLOWS).map(|s| {
        let text = format!(
            "the sign of the permutation, embedding dimension {} (correlation {})",
            s.dimension,
            short(s.correlation)
        );
        ("sign".to_owned(), text)
    });
    let mut of_group = insight.representations.iter();
    let of_group = of_group
        .find(|r| r.module == Some(module) && r.p_holm <= LEVEL)
        .map(|r| {
            let name = representation(&r.partition);
            let text = format!(
                "{name} of the permutations, {} of embedding dimension {} ({})",
                percent(r.share),
                r.dimension,
                p_value(r.p_holm)
            );
            (name, text)
        });
    of_circle.chain(of_sign).chain(of_group).next()
}

/// Clock or pizza of the module alone.
fn addition(module: usize, modules: &Modules) -> Option<String> {
    let all = &modules.insight.as_ref()?.additions;
    let alone = all.iter().find(|a| a.module == Some(module))?;
    let said = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), short);
    Some(format!(
        "gradient symmetricity {}, distance irrelevance {}",
        said(alone.gradient_symmetricity),
        said(alone.distance_irrelevance)
    ))
}

/// The formulas of the module's outputs.
fn formulas(members: &[&String], modules: &Modules) -> Option<String> {
    let insight = modules.insight.as_ref()?;
    let mine = insight
        .formulas
        .iter()
        .filter(|f| members.contains(&&f.output));
    let texts =
        mine.map(|f| shortened(&format!("{} = {}", clean(&f.name), clean(&f.text)), FORMULA));
    let texts: Vec<String> = texts.take(2).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

/// The metric with this module alone and without it, beside all and none.
fn voting(module: usize, modules: &Modules, sites: &Sites<'_>) -> Option<String> {
    let c = modules.coalitions.iter().find(|c| c.scope == Scope::All)?;
    let share = c.shares.iter().find(|s| s.module == module)?;
    Some(format!(
        "{} {} with it alone, {} without it ({} with all, {} with none; {} fill)",
        sites.metric(&c.metric),
        short(share.alone),
        short(share.without),
        short(c.all),
        short(c.none),
        c.fill.name()
    ))
}

fn facts(
    module: usize,
    members: &[&String],
    modules: &Modules,
    inside: Option<f64>,
    sites: &Sites<'_>,
) -> Vec<Fact> {
    let size = format!(
        "{} {}",
        count(members.len()),
        plural(members.len(), "site", "sites")
    );
    let mut facts = vec![Fact::new(&size, sites.list(members.iter().copied(), NAMES))];
    let inputs = in_layer(members, sites, 0);
    let last = sites.layers().len().saturating_sub(1);
    let outputs = in_layer(members, sites, last);
    let listed = |of: &[&String]| (!of.is_empty()).then(|| sites.list(of.iter().copied(), NAMES));
    facts.extend(listed(&inputs).map(|text| Fact::new("Reads", text)));
    facts.extend(listed(&outputs).map(|text| Fact::new("Writes", text)));
    facts.extend(served(module, modules, sites).map(|(_, text)| Fact::new("Serves", text)));
    facts.extend(represented(module, modules).map(|(_, text)| Fact::new("Represents", text)));
    facts.extend(addition(module, modules).map(|text| Fact::new("Alone, clock or pizza", text)));
    facts.extend(formulas(members, modules).map(|text| Fact::new("Formula", text)));
    facts.extend(lesions(module, modules, sites).map(|text| Fact::new("Without it", text)));
    facts.extend(voting(module, modules, sites).map(|text| Fact::new("Alone or together", text)));
    let stand_in = transplants::on_card(module, modules, sites);
    facts.extend(stand_in.map(|text| Fact::new("In its place", text)));
    facts.extend(inside.map(|share| Fact::new("|w| inside", percent(share))));
    let apart = modules.conductance.iter().find(|c| c.module == module);
    facts.extend(apart.map(|c| Fact::new("Conductance", number(c.value))));
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
    order::descending(&mut all, |one| one.effect.abs());
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
        assert_eq!(cards[0].class, "m0");
        assert!(cards[0].title.starts_with("module 0"), "{}", cards[0].title);
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
