//! Which modules there are, and whether they are more than chance gives.

use crate::choice::{MeasureKind, Null, NullKind, Scope};
use crate::report::english::{LEVEL, capital, counted, joined, plural, some_of};
use crate::report::format::{count, count_words, p_of_draws, p_value, percent, short, typed};
use crate::report::sites::Sites;
use crate::result::{
    Audit, HeadlineTest, Lesion, Modules, NullModel, Relocation, Selectivity, Split,
};
use crate::result::{Sentence, Status};

const TOPIC: &str = "Modules";

pub(in crate::report) fn sentences(audit: &Audit, sites: &Sites<'_>) -> Vec<Sentence> {
    let Some(modules) = &audit.modules else {
        return vec![Sentence::new(
            TOPIC,
            Status::NotRun,
            "Modules were not looked for.",
        )];
    };
    let mut said = vec![found(modules)];
    said.extend(modules.headline.as_ref().map(verdict));
    said.extend(beside_chance(modules));
    said.extend(super::blocks::sentences(modules));
    said.extend(super::motifs::sentence(modules, sites));
    said.extend(straddling(modules, sites));
    said.extend(without_outputs(modules));
    said.extend(stability(modules));
    said.extend(resamples(modules));
    said.extend(neighbours(modules));
    said.extend(lesions(modules, sites));
    said.extend(selectivity(modules, sites));
    said.extend(crate::report::modules::function::sentences(modules, sites));
    said.extend(super::needs::sentence(modules));
    said.extend(super::transplants::sentence(modules, sites));
    said.extend(super::course::sentences(modules));
    said.extend(wiring(modules));
    said.extend(crate::report::insight::words::sentences(modules));
    said.extend(crate::report::insight::patterns::sentence(audit));
    said
}

/// Newman's modularity beside every null model of which the headline has not told it.
fn beside_chance(modules: &Modules) -> Vec<Sentence> {
    let newman = modules
        .measures
        .iter()
        .find(|m| m.name == MeasureKind::Modularity);
    let told = modules.headline.as_ref();
    let told = told.filter(|test| test.measure == MeasureKind::Modularity);
    let is_new = |null: &&NullModel| told.is_none_or(|test| test.null != null.model);
    let others = newman.iter().flat_map(|m| m.nulls.iter().skip(1));
    let all = modules.null.iter().chain(others).filter(is_new);
    let mut said: Vec<Sentence> = all.map(|null| chance(modules, Some(null))).collect();
    if told.is_none() && said.is_empty() {
        said.push(chance(modules, None));
    }
    said
}

fn found(modules: &Modules) -> Sentence {
    let mut sizes = vec![0usize; modules.count];
    for assignment in &modules.partition {
        if let Some(size) = sizes.get_mut(assignment.module) {
            *size += 1;
        }
    }
    let listed: Vec<String> = sizes.iter().take(8).map(|s| count(*s)).collect();
    let sizes = match modules.count {
        0 => String::new(),
        1 => format!(" of {}", counted(sizes[0], "site", "sites")),
        n if n > 8 => format!(
            " (the largest of {} sites)",
            joined(listed.get(..3).unwrap_or(&[]))
        ),
        _ => format!(" of {} sites", joined(&listed)),
    };
    let isolated = match modules.isolated.len() {
        0 => String::new(),
        1 => "; one site has no edge left and is in none".to_owned(),
        n => format!("; {} sites have no edge left and are in none", count(n)),
    };
    let text = format!(
        "{} finds {} {}{sizes}{isolated}{}.",
        capital(modules.algorithm.name()),
        count_words(modules.count),
        plural(modules.count, "module", "modules"),
        dead(modules)
    );
    Sentence::new(TOPIC, Status::Note, text).from([
        "/modules/partition",
        "/modules/isolated",
        "/modules/dead",
    ])
}

/// The parts that compute nothing.
fn dead(modules: &Modules) -> String {
    let sites: usize = modules.dead.iter().map(Vec::len).sum();
    match modules.dead.len() {
        0 => String::new(),
        parts => format!(
            "; set aside {}: {} {} of {} sites in all, without an input or without an output",
            plural(parts, "is", "are"),
            count_words(parts),
            plural(parts, "part", "parts"),
            count(sites),
        ),
    }
}

/// The verdict of the one test that was chosen beforehand.
fn verdict(test: &HeadlineTest) -> Sentence {
    let what = measure_words(test.measure);
    let null = null_of(test.null, test.samples);
    let p = p_of_draws(test.p, test.samples);
    let numbers = format!(
        "{what} {} against {} ± {} ({p})",
        short(test.observed),
        short(test.mean),
        short(test.sd)
    );
    let power = test.power.map_or_else(String::new, |power| {
        format!(
            " Of networks of about as many edges in two groups that share a tenth of them, this \
             test tells {}.",
            percent(power)
        )
    });
    let (status, text) = match (test.is_blind(), test.p <= LEVEL) {
        (true, _) => (
            Status::NotRun,
            format!(
                "Whether that is more than chance gives was not tested: {null} all have the same \
                 {what}, {}, and the test that was chosen beforehand can tell nothing of a network \
                 that leaves so little to shuffle.",
                short(test.observed)
            ),
        ),
        (false, true) => (
            Status::Holds,
            format!(
                "It is more modular than {null}, by the test that was chosen beforehand: {numbers}."
            ),
        ),
        (false, false) => (
            Status::NotShown,
            format!(
                "The network is not shown to be more modular than {null}, by the test that was chosen \
                 beforehand: {numbers}.{power}"
            ),
        ),
    };
    Sentence::new("Modularity", status, text)
        .from(["/modules/headline/observed", "/modules/headline/p"])
}

/// A measure as the subject of a sentence.
pub(in crate::report) fn measure_words(measure: MeasureKind) -> &'static str {
    match measure {
        MeasureKind::Modularity => "modularity",
        MeasureKind::LayeredModularity => "layered modularity",
        MeasureKind::NCut => "n-cut",
        MeasureKind::NCutPerModule => "n-cut per module",
        MeasureKind::LowestConductance => "lowest conductance",
    }
}

/// Newman's modularity beside a null model: beside the headline test it is no verdict.
fn chance(modules: &Modules, null: Option<&NullModel>) -> Sentence {
    let topic = "Modularity";
    let exploratory = |status: Status| match modules.headline.is_some() {
        true => Status::Note,
        false => status,
    };
    let q = short(modules.modularity);
    let Some(null) = null else {
        let text = format!("Modularity is {q}; without a null model that says nothing yet.");
        return Sentence::new(topic, Status::NotRun, text);
    };
    let evidence = ["/modules/modularity", "/modules/null/p"];
    let (shuffled, p) = (null_words(null), p_of_draws(null.p, null.samples));
    if null.p > LEVEL {
        let degree = if null.p < 0.5 {
            "not clearly above"
        } else {
            "not above"
        };
        let text = format!(
            "Modularity {q} is {degree} that of {shuffled}, {} ± {} ({p}).",
            short(null.mean),
            short(null.sd)
        );
        return Sentence::new(topic, exploratory(Status::NotShown), text).from(evidence);
    }
    let text = match null.z {
        Some(z) => format!(
            "Modularity {q} is {} standard deviations above that of {shuffled} ({p}).",
            short(z)
        ),
        None => format!(
            "Modularity {q} is above that of {shuffled}, which all have {} ({p}).",
            short(null.mean)
        ),
    };
    Sentence::new(topic, exploratory(Status::Holds), text).from(evidence)
}

/// The null networks in words: `100 networks with the same weights shuffled within each layer`.
#[must_use]
pub fn null_words(null: &NullModel) -> String {
    null_of(null.model, null.samples)
}

/// The null networks of a model, so many of them, in words.
fn null_of(model: Null, samples: usize) -> String {
    match model {
        Null::Network(kind) => format!(
            "{} with {}",
            counted(samples, "network", "networks"),
            kept_words(kind)
        ),
        Null::Places => format!(
            "{} to hand the modules out anew within each layer",
            counted(samples, "way", "ways")
        ),
    }
}

/// What the null networks of a kind have, in words.
fn kept_words(kind: NullKind) -> &'static str {
    match kind {
        NullKind::Layer => "the same weights shuffled within each layer",
        NullKind::LayerNonzero => "the same surviving weights shuffled within each layer",
        NullKind::Degree => "the same degrees, nearly the same strengths and other connections",
        NullKind::Untrained => "untrained weights, pruned to as many edges",
    }
}

/// Whether modules respect the parts of the first split.
fn straddling(modules: &Modules, sites: &Sites<'_>) -> Option<Sentence> {
    let is_apart =
        |split: &&Split| split.components.len() > 1 && split.threshold >= modules.threshold;
    let split = modules.independence.splits.iter().find(is_apart)?;
    let part_of = |site: &String| {
        let holds = |c: &crate::result::Component| {
            [&c.inputs, &c.hidden, &c.outputs]
                .iter()
                .any(|s| s.contains(site))
        };
        split.components.iter().position(holds)
    };
    let mut seen: Vec<Option<usize>> = vec![None; modules.count];
    let mut astride: Vec<usize> = Vec::new();
    for assignment in modules
        .partition
        .iter()
        .filter(|a| sites.place(&a.site).is_some())
    {
        let (Some(part), Some(first)) =
            (part_of(&assignment.site), seen.get_mut(assignment.module))
        else {
            continue;
        };
        if *first.get_or_insert(part) != part && !astride.contains(&assignment.module) {
            astride.push(assignment.module);
        }
    }
    let parts = format!(
        "the {} parts into which it falls at {}",
        count_words(split.components.len()),
        typed(split.threshold)
    );
    let text = match astride.len() {
        0 => format!("No module straddles {parts}."),
        1 => format!("One module straddles {parts}."),
        n => format!(
            "{} of {} modules straddle {parts}.",
            capital(&count_words(n)),
            count_words(modules.count)
        ),
    };
    Some(Sentence::new(TOPIC, Status::Note, text).from(["/modules/independence/splits"]))
}

fn without_outputs(modules: &Modules) -> Option<Sentence> {
    let partition = modules.without_outputs.as_ref()?;
    let text = format!(
        "With the output sites left out there {} {} {} (modularity {}).",
        plural(partition.count, "is", "are"),
        count_words(partition.count),
        plural(partition.count, "module", "modules"),
        short(partition.modularity)
    );
    Some(Sentence::new(TOPIC, Status::Note, text).from(["/modules/without_outputs"]))
}

fn stability(modules: &Modules) -> Option<Sentence> {
    let index = modules.stability?;
    let text = format!(
        "Partitions of different seeds agree to an adjusted Rand index of {} (1 is perfect agreement).",
        short(index)
    );
    Some(Sentence::new(TOPIC, Status::Note, text).from(["/modules/stability"]))
}

fn resamples(modules: &Modules) -> Option<Sentence> {
    let bootstrap = modules.bootstrap.as_ref()?;
    let text = format!(
        "Partitions of {} bootstrap resamples of the samples agree with this one to an adjusted Rand index of {}.",
        count(bootstrap.draws.len()),
        short(bootstrap.rand_index)
    );
    Some(Sentence::new(TOPIC, Status::Note, text).from(["/modules/bootstrap"]))
}

fn neighbours(modules: &Modules) -> Option<Sentence> {
    let found = modules.placement.as_ref()?.neighbours.as_ref()?;
    let how = match found.null.p <= LEVEL {
        true => "more often than",
        false => "not clearly more often than",
    };
    let text = format!(
        "Neighbours in a layer share a module {how} in shuffled places: {} against {} ± {} ({}).",
        short(found.share),
        short(found.null.mean),
        short(found.null.sd),
        p_of_draws(found.null.p, found.null.samples)
    );
    Some(Sentence::new("Places", Status::Note, text).from(["/modules/placement/neighbours"]))
}

fn lesions(modules: &Modules, sites: &Sites<'_>) -> Option<Sentence> {
    let groups: Vec<&Lesion> = modules
        .lesions
        .iter()
        .filter(|l| l.scope == Scope::All)
        .collect();
    let first = groups.first()?;
    let same = |l: &&&Lesion| l.metric == first.metric && l.fill == first.fill;
    let tested: Vec<&&Lesion> = groups.iter().filter(same).collect();
    let corrected = tested.iter().all(|l| l.p_holm.is_some());
    let p = |l: &Lesion| l.p_holm.unwrap_or(l.p);
    let matter = tested.iter().filter(|l| p(l) <= LEVEL).count();
    let how = if corrected {
        ", Holm's correction for the number of modules"
    } else {
        " each, not corrected for the number of modules"
    };
    let text = format!(
        "Ablated alone ({} fill), {} more to the {} than random sets of as many sites (p ≤ {LEVEL}{how}).",
        first.fill.name(),
        how_many_matter(matter, tested.len()),
        sites.metric_in_words(&first.metric)
    );
    Some(Sentence::new("Lesions", Status::Note, text).from(["/modules/lesions"]))
}

/// Which modules serve one output more than the others.
fn selectivity(modules: &Modules, sites: &Sites<'_>) -> Option<Sentence> {
    let tested = selective(modules);
    let first = tested.first()?;
    let told: Vec<&&Selectivity> = tested.iter().filter(|s| s.p_holm <= LEVEL).collect();
    let served: Vec<String> = told
        .iter()
        .take(MOST_SERVED)
        .map(|s| format!("module {} {}", s.module, sites.name(&s.output)))
        .collect();
    let more = match told.len().saturating_sub(MOST_SERVED) {
        0 => String::new(),
        more => format!(" and {} more", count_words(more)),
    };
    let all = tested.len();
    let subject = capital(&some_of(told.len(), all, "module", "modules"));
    let (verb, which) = match (told.len(), all) {
        (0, 1) => ("is not shown to serve", String::new()),
        (0, _) => ("is shown to serve", String::new()),
        (1, _) => ("serves", format!(" ({}{more})", served.join(", "))),
        _ => ("serve", format!(" ({}{more})", served.join(", "))),
    };
    let smallest = tested.iter().map(|s| s.p_holm).fold(1.0, f64::min);
    let text = format!(
        "{subject} {verb} one output more than the others, beyond random sets of as many sites \
         ({} fill; {}, Holm's correction for the number of modules){which}.",
        first.fill,
        match told.is_empty() {
            true => format!("smallest {}", p_value(smallest)),
            false => format!("p ≤ {LEVEL}"),
        }
    );
    let status = match told.is_empty() {
        true => Status::NotShown,
        false => Status::Note,
    };
    Some(Sentence::new("Selectivity", status, text).from(["/modules/selectivity"]))
}

/// Most modules whose output is named.
const MOST_SERVED: usize = 6;

/// The selectivity of the modules that pictures show, under the first fill.
pub(in crate::report) fn selective(modules: &Modules) -> Vec<&Selectivity> {
    let of_all = |s: &&Selectivity| s.scope == Scope::All;
    let fill = modules.selectivity.iter().find(of_all).map(|s| s.fill);
    let same = |s: &&Selectivity| Some(s.fill) == fill;
    modules
        .selectivity
        .iter()
        .filter(of_all)
        .filter(same)
        .collect()
}

/// How many of the modules matter, as the subject and verb of a sentence.
fn how_many_matter(matter: usize, all: usize) -> String {
    let verb = match (matter, all) {
        (0, 1) => "does not matter",
        (0 | 1, _) => "matters",
        _ => "matter",
    };
    format!("{} {verb}", some_of(matter, all, "module", "modules"))
}

fn wiring(modules: &Modules) -> Option<Sentence> {
    let wiring = modules.wiring.as_ref()?;
    let (after, found) = (wiring.cost_after_relocation?, wiring.relocation.as_ref()?);
    let evidence = ["/modules/wiring/relocation"];
    let swaps = count(found.swaps);
    let swaps = format!("{swaps} {}", plural(found.swaps, "swap", "swaps"));
    let (status, check) = if found.holds {
        (Status::Holds, "the function stays as it is")
    } else {
        (
            Status::Fails,
            "the function does not stay as it is, more than rounding explains",
        )
    };
    if found.swaps == 0 && found.holds {
        let text = format!(
            "Relocation ({}) finds no swap of {} that lowers the wiring cost of {}.",
            found.method.name(),
            what_moves(found),
            short(wiring.cost)
        );
        return Some(Sentence::new("Wiring", Status::Note, text).from(evidence));
    }
    let text = format!(
        "Relocation ({}, {swaps} of {}) lowers the wiring cost from {} to {}; {check}: outputs move by {} on {} (rounding explains {}).",
        found.method.name(),
        what_moves(found),
        short(wiring.cost),
        short(after),
        short(found.max_abs_change),
        counted(found.samples, "sample", "samples"),
        short(found.allowed)
    );
    Some(Sentence::new("Wiring", status, text).from(evidence))
}

/// The sites that may change places, in words.
#[must_use]
pub fn what_moves(found: &Relocation) -> &'static str {
    match (found.inputs_move, found.outputs_move) {
        (true, true) => "inputs, hidden neurons and outputs",
        (false, true) => "hidden neurons and outputs",
        (true, false) => "inputs and hidden neurons",
        (false, false) => "hidden neurons",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn said(change: impl FnOnce(&mut Modules)) -> Vec<String> {
        let mut audit = sample::audit();
        change(audit.modules.as_mut().expect("the sample has modules"));
        let sites = Sites::new(&audit.network);
        sentences(&audit, &sites)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn modules_are_counted_and_set_beside_chance() {
        assert_eq!(
            said(|_| ()),
            [
                "• Modules: Leiden finds two modules of 5 and 4 sites; one site has no edge left and is in none.",
                "✓ Modularity: Modularity 0.47 is 3.2 standard deviations above that of 100 networks with the same weights shuffled within each layer (p ≤ 0.0099).",
                "• Modules: No module straddles the two parts into which it falls at 0.0098.",
                "• Lesions: Ablated alone (zero fill), one of the two modules matters more to the loss than random sets of as many sites (p ≤ 0.05 each, not corrected for the number of modules).",
            ]
        );
    }

    #[test]
    fn a_large_p_is_chance() {
        let text = said(|modules| {
            let null = modules.null.as_mut().expect("there");
            (null.p, null.z) = (0.23, Some(0.7));
        });
        assert_eq!(
            text[1],
            "? Modularity: Modularity 0.47 is not clearly above that of 100 networks with the same weights shuffled within each layer, 0.31 ± 0.05 (p = 0.23)."
        );
    }

    /// Where every null network is as modular as this one, no test was made.
    #[test]
    fn a_test_that_nothing_moves_is_not_run() {
        let test = HeadlineTest {
            measure: MeasureKind::Modularity,
            null: Null::Network(NullKind::Degree),
            observed: 0.0615,
            mean: 0.0615,
            sd: 0.0,
            samples: 10,
            p: 1.0,
            power: None,
        };
        let blind = verdict(&test);
        assert_eq!(blind.status, Status::NotRun);
        assert!(
            blind.sentence.contains("can tell nothing"),
            "{}",
            blind.sentence
        );
        let moved = HeadlineTest { mean: 0.06, ..test };
        assert_eq!(verdict(&moved).status, Status::NotShown);
    }

    #[test]
    fn modularity_alone_says_nothing() {
        let text = said(|modules| modules.null = None);
        assert_eq!(
            text[1],
            "– Modularity: Modularity is 0.47; without a null model that says nothing yet."
        );
    }

    #[test]
    fn relocation_says_what_moved_and_what_stayed() {
        let text = said(|modules| {
            modules.wiring = Some(sample::relocated(2, 1e-7));
        });
        assert_eq!(
            text.last().expect("there"),
            "✓ Wiring: Relocation (descent, 2 swaps of hidden neurons) lowers the wiring cost from 3 to 2; the function stays as it is: outputs move by 1 × 10⁻⁷ on 100 samples (rounding explains 1 × 10⁻⁶)."
        );
        let text = said(|modules| {
            modules.wiring = Some(sample::relocated(0, 0.0));
        });
        assert_eq!(
            text.last().expect("there"),
            "• Wiring: Relocation (descent) finds no swap of hidden neurons that lowers the wiring cost of 3."
        );
        let text = said(|modules| {
            modules.wiring = Some(sample::relocated(1, 1.0));
        });
        assert!(text.last().is_some_and(|t| t.starts_with('✗')), "{text:?}");
    }

    #[test]
    fn a_module_across_the_parts_is_told() {
        let text = said(|modules| modules.partition[0].module = 1);
        assert!(
            text.contains(
                &"• Modules: One module straddles the two parts into which it falls at 0.0098."
                    .to_owned()
            ),
            "{text:?}"
        );
    }
}
