//! The modules as networks of their own: whether they do the same, and what each is.

use crate::report::english::{counted, samples};
use crate::report::format::short;
use crate::report::independence::words::part;
use crate::report::page::blocks::{Block, Cell, Fact, Section, Table, numbers, words};
use crate::report::sheet::{Sheet, word};
use crate::report::sites::{Sites, plain};
use crate::result::{Audit, ModuleNetwork, ModulesApart, Sentence, Status};

/// What a run that wrote modules says of them.
pub(in crate::report) fn sentence(audit: &Audit) -> Option<Sentence> {
    let apart = audit.prune.as_ref()?.apart.as_ref()?;
    let (samples, difference) = (
        samples(audit.data.as_ref()),
        short(apart.max_abs_difference),
    );
    let added = match apart.added {
        true => ", whose outputs are added",
        false => "",
    };
    let modules = counted(apart.modules.len(), "network", "networks") + added;
    let (status, text) = match (apart.holds, apart.modules.len()) {
        (false, _) => (
            Status::Fails,
            format!(
                "Written as {modules}, the modules do not give the pruned network's outputs: they \
                 differ by up to {difference} on {samples}, where rounding explains {}.",
                short(apart.allowed)
            ),
        ),
        (true, 0) => (
            Status::Note,
            "No output varies: there is no module to write.".to_owned(),
        ),
        (true, 1) => (
            Status::Note,
            "The pruned network does not fall into modules that few edges join: it is written as \
             one."
                .to_owned(),
        ),
        (true, _) => (
            Status::Holds,
            format!(
                "Written as {modules}, the modules give the pruned network's outputs to within \
                 {difference} on {samples}; {}.",
                joining(apart)
            ),
        ),
    };
    Some(Sentence::new("Modules apart", status, text).from(["/prune/apart"]))
}

/// What passes between modules, and what becomes of the outputs without it.
fn joining(apart: &ModulesApart) -> String {
    let Some(alone) = apart.alone else {
        return "nothing passes between them".to_owned();
    };
    format!(
        "{} between them, without which outputs move by up to {}",
        counted(apart.joining, "edge passes", "edges pass"),
        short(alone)
    )
}

/// The networks that were written.
pub(in crate::report) fn section(audit: &Audit) -> Section {
    let apart = audit.prune.as_ref().and_then(|p| p.apart.as_ref());
    let sites = Sites::new(&audit.network);
    let mut blocks = Vec::new();
    if let Some(apart) = apart {
        blocks.push(Block::Facts(facts(apart, &sites)));
        blocks.push(table(apart, &sites));
    }
    Section {
        id: "apart",
        title: "Modules apart",
        blocks,
    }
}

fn facts(apart: &ModulesApart, sites: &Sites<'_>) -> Vec<Fact> {
    let mut facts = vec![Fact::new(
        "Same outputs",
        format!(
            "to {} on {}; rounding explains {}",
            short(apart.max_abs_difference),
            counted(apart.samples, "sample", "samples"),
            short(apart.allowed)
        ),
    )];
    facts.extend(apart.joiner.as_ref().map(|path| {
        Fact::new(
            "Between them",
            format!("{}: {}", plain(path), joining(apart)),
        )
    }));
    let constants = apart.constants.iter();
    facts.extend(constants.map(|constant| {
        let text = format!("always {}: in no module", short(constant.value));
        Fact::new(&sites.name(&constant.output), text)
    }));
    facts
}

fn table(apart: &ModulesApart, sites: &Sites<'_>) -> Block {
    let row = |module: &ModuleNetwork| {
        let widths: Vec<String> = module.layers.iter().map(ToString::to_string).collect();
        vec![
            Cell::word(plain(&module.path)),
            Cell::word(part(&module.sites, sites)),
            Cell::word(widths.join("–")),
            Cell::count(module.sites.edges),
            Cell::count(module.parameters),
        ]
    };
    let columns = vec![
        words("File"),
        words("What flows through it"),
        words("Layers"),
        numbers("Weights that are not 0"),
        numbers("Parameters"),
    ];
    let caption = "The modules as networks of their own";
    let rows = apart.modules.iter().map(row).collect();
    Block::Table(Table::new(caption, "apart", columns, rows).open())
}

/// The networks that were written as a table.
pub(in crate::report) fn sheet(audit: &Audit) -> Sheet {
    let list = |numbers: &[usize]| {
        let words: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        words.join(" ")
    };
    let row = |module: &ModuleNetwork| {
        vec![
            word(&module.path),
            list(&module.layers),
            list(&module.features),
            list(&module.targets),
            module.sites.edges.to_string(),
            module.parameters.to_string(),
        ]
    };
    let apart = audit.prune.iter().flat_map(|p| &p.apart);
    Sheet {
        name: "apart",
        columns: vec![
            "path",
            "layers",
            "features",
            "targets",
            "edges",
            "parameters",
        ],
        rows: apart.flat_map(|a| &a.modules).map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use crate::result::Component;

    fn said(modules: usize, change: impl FnOnce(&mut ModulesApart)) -> String {
        let mut audit = sample::audit();
        let module = |at: usize| ModuleNetwork {
            path: format!("modules/{at}/model.safetensors"),
            sites: Component {
                inputs: vec![format!("x{at}")],
                hidden: Vec::new(),
                outputs: vec![format!("y{at}")],
                edges: 2,
            },
            layers: vec![1, 1, 1],
            parameters: 4,
            features: vec![at],
            targets: vec![at],
        };
        let mut apart = ModulesApart {
            modules: (0..modules).map(module).collect(),
            joining: 0,
            joiner: None,
            added: false,
            constants: Vec::new(),
            max_abs_difference: 0.0,
            allowed: 1e-5,
            holds: true,
            samples: 100,
            alone: None,
        };
        change(&mut apart);
        audit.prune.as_mut().expect("the sample is pruned").apart = Some(apart);
        sentence(&audit).expect("modules were written").to_string()
    }

    #[test]
    fn a_network_in_parts_does_the_same_or_fails() {
        assert_eq!(
            said(2, |_| ()),
            "✓ Modules apart: Written as 2 networks, the modules give the pruned network's outputs to within 0 on the 100 test samples; nothing passes between them."
        );
        let joined = |apart: &mut ModulesApart| {
            (apart.joining, apart.alone) = (3, Some(0.25));
        };
        assert!(
            said(2, joined).ends_with(
                "; 3 edges pass between them, without which outputs move by up to 0.25."
            )
        );
        let added = said(3, |apart| apart.added = true);
        assert!(added.contains("as 3 networks, whose outputs are added, the modules give"));
        let broken = |apart: &mut ModulesApart| {
            (apart.holds, apart.max_abs_difference) = (false, 0.5);
        };
        assert!(
            said(2, broken)
                .starts_with("✗ Modules apart: Written as 2 networks, the modules do not")
        );
        assert!(said(1, |_| ()).starts_with("• Modules apart: The pruned network does not fall"));
    }
}
