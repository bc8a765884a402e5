//! A written report in a real browser: what a person opens, moves, points at, clicks and saves.
//!
//! Needs Chromium; where there is none, the tests say so and pass, unless
//! `MODSCOPE_BROWSER_TESTS=required`. `MODSCOPE_SCREENSHOTS=DIR` keeps pictures.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use crate::chrome;

use std::path::{Path, PathBuf};

use chrome::Chrome;
use modscope::audit::{Config, audit};
use modscope::checkpoint::{Checkpoint, Tensor};
use modscope::data::Dataset;
use modscope::model::{Architecture, Loaded, Mlp, Network};
use modscope::report;
use modscope::result::{Arrangement, Audit, CircuitEdge, Film, FilmFrame, Training};
use ndarray::Array2;
use serde_json::json;

const DESK: (u32, u32) = (1280, 900);
const PHONE: (u32, u32) = (390, 844);

fn sample() -> Audit {
    serde_json::from_str(include_str!("data/report.json")).expect("the fixture is a result")
}

/// A report of a result in a folder of its own, open in a browser.
fn opened(audit: &Audit, size: (u32, u32)) -> Option<(Chrome, tempfile::TempDir)> {
    let browser = chrome::browser()?;
    let dir = tempfile::tempdir().expect("a temporary folder");
    report::write(audit, "audit", dir.path(), &Default::default()).expect("the report is written");
    let chrome = Chrome::open(&browser, &dir.path().join("index.html"), size);
    Some((chrome, dir))
}

/// Opens everything that is folded away.
fn unfold(chrome: &mut Chrome) {
    chrome.eval("for (const fold of document.querySelectorAll('details')) fold.open = true; 1");
}

/// Keeps a picture of the page where pictures were asked for.
fn keep_picture(chrome: &mut Chrome, name: &str, is_whole: bool) {
    if let Some(dir) = std::env::var_os("MODSCOPE_SCREENSHOTS") {
        chrome.screenshot(&PathBuf::from(dir).join(format!("{name}.png")), is_whole);
    }
}

/// Where a site is drawn, in the window.
fn place_of(chrome: &mut Chrome, index: usize) -> (f64, f64) {
    let circle = format!(".view-stage circle.node:nth-of-type({})", index + 1);
    chrome.middle(&circle)
}

#[test]
fn the_page_opens_without_complaint_and_asks_for_nothing() {
    let Some((mut chrome, dir)) = opened(&sample(), DESK) else {
        return;
    };
    assert_eq!(chrome.complaints(), Vec::<String>::new());
    assert_eq!(chrome.outside_requests(dir.path()), Vec::<String>::new());
    assert!(chrome.text("#summary").contains("weights do all the work"));
    assert_eq!(
        chrome.eval("document.querySelectorAll('.view-stage .edge').length"),
        9
    );
    keep_picture(&mut chrome, "desk", true);
}

#[test]
fn the_slider_changes_what_is_left() {
    let Some((mut chrome, _dir)) = opened(&sample(), DESK) else {
        return;
    };
    let before = chrome.text("#view-kept");
    assert!(before.starts_with("9 of "), "{before}");
    assert!(before.contains("largest change of an output"), "{before}");
    chrome.press("#view-threshold");
    chrome.key("End");
    let after = chrome.text("#view-kept");
    let left = chrome.eval("document.querySelectorAll('.view-stage .edge').length");
    assert!(after.starts_with(&format!("{left} of ")), "{after}");
    assert!(left.as_u64() < Some(9), "{left}");
    chrome.key("ArrowLeft");
    assert_ne!(chrome.text("#view-kept"), after);
}

#[test]
fn pointing_tells_and_a_click_pins() {
    let Some((mut chrome, _dir)) = opened(&sample(), DESK) else {
        return;
    };
    let site = place_of(&mut chrome, 0);
    chrome.hover(site);
    let tip = chrome.text(".view-tip");
    assert!(
        tip.starts_with("x4 · in files x0") && tip.contains("activation"),
        "{tip}"
    );
    chrome.click(site);
    let detail = chrome.text(".view-detail");
    assert!(
        detail.starts_with("x4") && detail.contains("out to"),
        "{detail}"
    );
    keep_picture(&mut chrome, "pinned", false);
    // A column's title sorts, and a site's name leads on to it.
    chrome.press(".view-detail thead th:nth-child(3) button");
    let sorted = chrome.eval("[...document.querySelector('.view-detail table').tBodies[0].rows].map(r => r.cells[2]).map(c => Number(c.dataset.key)).every((v, k, all) => !k || all[k - 1] >= v)");
    assert_eq!(sorted, true);
    chrome.press(".view-detail .jump");
    assert!(chrome.text(".view-detail h3").starts_with("h1."));
    chrome.press(".view-stage");
    chrome.key("Escape");
    assert_eq!(
        chrome.eval("document.querySelector('.view-detail').hidden"),
        true
    );
    assert_eq!(chrome.complaints(), Vec::<String>::new());
}

/// Opens a result, pins `h1.0` by its name and gives the words of the tables of its samples.
fn samples_of_pinned(audit: &Audit) -> Option<(Chrome, tempfile::TempDir, Vec<String>)> {
    let (mut chrome, dir) = opened(audit, DESK)?;
    chrome.press(".view-controls input[type=search]");
    for letter in ["h", "1", ".", "0", "Enter"] {
        chrome.key(letter);
    }
    let tables = "[...document.querySelectorAll('.view-detail table')].filter(t => t.caption.textContent.startsWith('Samples')).map(t => t.innerText.replace(/\\s+/g, ' '))";
    let tables = chrome.eval(tables);
    let texts = tables.as_array().into_iter().flatten();
    let texts = texts.filter_map(|t| t.as_str().map(str::to_owned));
    let texts = texts.collect();
    assert_eq!(chrome.complaints(), Vec::<String>::new());
    Some((chrome, dir, texts))
}

#[test]
fn a_pinned_site_shows_its_strongest_samples() {
    let Some((mut chrome, _dir, tables)) = samples_of_pinned(&sample()) else {
        return;
    };
    keep_picture(&mut chrome, "samples", true);
    let row = "7 2.5 0.5, 1.25 0.5, 1 0.5, −0.5, 1, 0";
    assert_eq!(tables.len(), 2);
    assert!(tables[0].starts_with("Samples with its largest activation"));
    assert!(tables[0].contains("Input (x1, x2, x3, x4)"), "{tables:?}");
    let (first, last) = (tables[0].find(row), tables[1].find(row));
    assert!(first.is_some_and(|p| tables[0][p + row.len()..].contains("3 −0.25")));
    assert!(last.is_some_and(|p| tables[1][..p].contains("3 −0.25")));
}

#[test]
fn samples_that_are_images_are_drawn_and_tokens_are_marked() {
    let mut audit = sample();
    let strongest = audit.strongest.as_mut().expect("there are samples");
    strongest.image = Some([2, 2]);
    let Some((mut chrome, _dir, _)) = samples_of_pinned(&audit) else {
        return;
    };
    // The second number of sample 7 is its smallest, the third its largest.
    let shades = "[...document.querySelector('.sample-image').getContext('2d').getImageData(0, 0, 2, 2).data].filter((_, k) => k % 4 === 3)";
    assert_eq!(chrome.eval(shades), json!([170, 0, 255, 85]));

    let mut audit = sample();
    let strongest = audit.strongest.as_mut().expect("there are samples");
    strongest.sites[0].largest[0].position = Some(1);
    strongest.samples[0].tokens = ["Mary", "<b>gave</b>"].map(str::to_owned).to_vec();
    let Some((mut chrome, _dir, _)) = samples_of_pinned(&audit) else {
        return;
    };
    assert_eq!(chrome.text(".sample-tokens"), "Mary <b>gave</b>");
    assert_eq!(chrome.text(".sample-tokens mark"), "<b>gave</b>");
}

/// Sets a module's name as a reader types it.
fn name_module(chrome: &mut Chrome, module: usize, name: &str) {
    let field = format!("input[aria-label=\"Name of module {module}\"]");
    chrome.eval(&format!(
        "(() => {{ const field = document.querySelector({}); field.value = {}; field.dispatchEvent(new Event('input')); }})()",
        json!(field),
        json!(name)
    ));
}

#[test]
fn names_of_modules_show_in_tables_and_figures_and_in_the_saved_page() {
    let Some((mut chrome, _dir)) = opened(&sample(), DESK) else {
        return;
    };
    let cell = "#modules td.module";
    unfold(&mut chrome);
    assert_eq!(chrome.text(cell), "0");
    name_module(&mut chrome, 0, "<b>sine</b>");
    assert_eq!(chrome.text(cell), "0 <b>sine</b>");
    let figures = "[...document.querySelectorAll('#modules svg.fig text')].filter(t => t.textContent.startsWith('<b>sine')).length";
    assert!(chrome.eval(figures).as_u64() > Some(0));
    assert!(chrome.text(".module-key").contains("0: <b>sine</b>"));
    // What is saved holds the name for the script of whoever opens it.
    let saved = "new Promise((done) => { URL.createObjectURL = (blob) => { blob.text().then(done); return '#'; }; [...document.querySelectorAll('.view-modules button')].pop().click(); })";
    let saved = chrome.eval(saved);
    let saved = saved.as_str().expect("a page");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("saved.html");
    std::fs::write(&path, saved).expect("it is written");
    let browser = chrome::browser().expect("there is one");
    let mut again = Chrome::open(&browser, &path, DESK);
    unfold(&mut again);
    assert_eq!(again.text(cell), "0 <b>sine</b>");
    assert_eq!(again.complaints(), Vec::<String>::new());
    // Without a name the number alone is back.
    name_module(&mut again, 0, "");
    assert_eq!(again.text(cell), "0");
}

#[test]
fn the_film_of_a_training_plays() {
    let mut audit = sample();
    let frame = |step: usize, lines: &[i64]| FilmFrame {
        step,
        loss: 0.25,
        edges: 3,
        in_perm: vec![1, 0],
        out_perm: vec![0],
        lines: lines.to_vec(),
    };
    audit.training = Some(Training {
        film: Some(Film {
            places: vec![vec![[0.25, 1.0], [0.75, 1.0]], vec![[0.5, 0.0]]],
            inputs: vec!["a".into(), "</script>".into()],
            outputs: vec!["sum".into()],
            frames: vec![
                frame(0, &[0, 0, 0, 100, 0, 0, 1, -50]),
                frame(100, &[0, 0, 1, 100]),
            ],
            ..Film::default()
        }),
        ..Training::default()
    });
    let Some((mut chrome, _dir)) = opened(&audit, DESK) else {
        return;
    };
    assert_eq!(chrome.complaints(), Vec::<String>::new());
    let lines = "document.querySelectorAll('.film line').length";
    assert_eq!(chrome.eval(lines), 1);
    assert!(
        chrome
            .text(".film output")
            .starts_with("step 100 · test loss 0.25")
    );
    assert_eq!(chrome.text(".film text"), "</script>");
    chrome.press(".film input");
    chrome.key("Home");
    assert_eq!(chrome.eval(lines), 2);
    assert_eq!(
        chrome.eval("document.querySelectorAll('.film line.neg').length"),
        1
    );
    chrome.press(".film button");
    chrome.eval("new Promise((done) => setTimeout(done, 400))");
    assert!(chrome.text(".film output").starts_with("step 100"));
    assert_eq!(chrome.text(".film button"), "Play");
}

#[test]
fn an_edge_tells_its_weight_and_effects() {
    let Some((mut chrome, _dir)) = opened(&sample(), DESK) else {
        return;
    };
    let middle = "(() => { document.querySelector('.view-stage').scrollIntoView({block: 'center'}); const p = [...document.querySelectorAll('.view-stage .edge')].pop(); const m = p.getPointAtLength(p.getTotalLength() * 0.4); const b = document.querySelector('.view-stage svg').getBoundingClientRect(); return [b.x + m.x, b.y + m.y]; })()";
    let at = chrome.eval(middle);
    let at = (at[0].as_f64().expect("x"), at[1].as_f64().expect("y"));
    chrome.hover(at);
    let tip = chrome.text(".view-tip");
    assert!(tip.contains(" → ") && tip.contains("weight"), "{tip}");
    chrome.click(at);
    assert!(
        chrome
            .text(".view-detail")
            .contains("Its effect in the circuits")
    );
}

#[test]
fn search_finds_by_own_name_and_enter_pins() {
    let Some((mut chrome, _dir)) = opened(&sample(), DESK) else {
        return;
    };
    chrome.press(".view-controls input[type=search]");
    for letter in ["y", "1"] {
        chrome.key(letter);
    }
    assert!(chrome.text(".view-status").contains("found"));
    assert!(
        chrome
            .eval("document.querySelectorAll('.halo-found').length")
            .as_u64()
            >= Some(1)
    );
    chrome.key("Enter");
    assert_eq!(chrome.text(".view-detail h3"), "(x1 + x3)³");
    assert!(chrome.text(".view-detail").contains("in files y1"));
}

#[test]
fn keys_walk_from_site_to_site() {
    let Some((mut chrome, _dir)) = opened(&sample(), DESK) else {
        return;
    };
    chrome.eval("document.querySelector('.view-stage').focus()");
    chrome.key("ArrowRight");
    let first = chrome.text(".view-status");
    assert!(first.starts_with('x'), "{first}");
    chrome.key("ArrowUp");
    assert!(chrome.text(".view-status").starts_with("h1."));
    chrome.key("Enter");
    assert!(chrome.text(".view-status").starts_with("Pinned: h1."));
    chrome.key("+");
    let moved = chrome.eval("document.querySelector('.view-stage g').getAttribute('transform')");
    assert!(
        moved.as_str().is_some_and(|t| t.contains("scale(1.5)")),
        "{moved}"
    );
}

#[test]
fn circuits_play_output_by_output() {
    let Some((mut chrome, _dir)) = opened(&sample(), DESK) else {
        return;
    };
    chrome.press(".view-group button[aria-pressed]");
    let shown =
        |chrome: &mut Chrome| chrome.eval("document.querySelector('.view-group select').value");
    assert_eq!(shown(&mut chrome), "0");
    chrome.wait("the next circuit", |chrome| shown(chrome) == "1");
    chrome.press(".view-group button[aria-pressed]");
    assert!(chrome.text(".view-status").contains("faithfulness"));
    let pale = chrome.eval("document.querySelectorAll('.view-stage .edge.pale').length");
    assert!(pale.as_u64() > Some(0));
    for colour in ["module", "effect", "circuit"] {
        let pick = format!(
            "(() => {{ const s = document.querySelector('.view-controls select'); s.value = '{colour}'; s.dispatchEvent(new Event('change')); }})()"
        );
        chrome.eval(&pick);
        keep_picture(&mut chrome, &format!("colour-{colour}"), false);
    }
    assert_eq!(chrome.complaints(), Vec::<String>::new());
}

#[test]
fn names_of_modules_are_saved_with_the_page() {
    let Some((mut chrome, dir)) = opened(&sample(), DESK) else {
        return;
    };
    chrome.press(".view-modules summary");
    chrome.press(".view-modules input");
    for letter in ["s", "i", "n", "<", "/"] {
        chrome.key(letter);
    }
    chrome.press(".view-modules > button");
    let saved = dir.path().join("named.html");
    std::fs::write(&saved, chrome.download("index.html")).expect("written");
    chrome.visit(&saved);
    let name = chrome.eval("document.querySelector('.view-modules input').value");
    assert_eq!(name, "sin</");
    assert_eq!(chrome.complaints(), Vec::<String>::new());
}

#[test]
fn tables_figures_and_the_result_can_be_taken_away() {
    let Some((mut chrome, dir)) = opened(&sample(), DESK) else {
        return;
    };
    // Without the folder beside it the page still has everything.
    std::fs::remove_dir_all(dir.path().join("figures")).expect("removed");
    std::fs::remove_file(dir.path().join("audit.json")).expect("removed");
    chrome.press("#result-link");
    let result: Audit = serde_json::from_slice(&chrome.download("audit.json")).expect("a result");
    assert_eq!(result, sample());
    chrome.press("#pruning figcaption a");
    let svg = String::from_utf8(chrome.download("threshold-curve.svg")).expect("text");
    assert!(svg.contains("http://www.w3.org/2000/svg") && !svg.contains("var("));
    chrome.press("#pruning figcaption button");
    assert!(
        chrome
            .download("threshold-curve.png")
            .starts_with(b"\x89PNG")
    );
    chrome.press("#pruning .more button");
    let csv = String::from_utf8(chrome.download("outputs.csv")).expect("text");
    assert!(
        csv.starts_with("Output,Standard deviation,") && csv.lines().count() == 3,
        "{csv}"
    );
    assert_eq!(chrome.complaints(), Vec::<String>::new());
}

#[test]
fn a_click_on_a_title_sorts() {
    let Some((mut chrome, _dir)) = opened(&sample(), DESK) else {
        return;
    };
    let first = "document.querySelector('#pruning tbody td').textContent";
    let before = chrome.eval(first);
    let title = "#pruning thead th:nth-child(4) button";
    chrome.press(title);
    chrome.press(title);
    assert_ne!(chrome.eval(first), before);
    let order = chrome
        .eval("document.querySelector('#pruning thead th:nth-child(4)').getAttribute('aria-sort')");
    assert_eq!(order, "ascending");
}

#[test]
fn every_number_says_how_it_was_computed() {
    let Some((mut chrome, _dir)) = opened(&sample(), DESK) else {
        return;
    };
    for chapter in ["explore", "pruning", "modules", "circuits"] {
        let last = format!("document.querySelector('#{chapter} > p.more:last-of-type a').hash");
        assert_eq!(chrome.eval(&last), "#definitions", "{chapter}");
    }
    let is_open = "document.querySelector('#definitions').open";
    assert_eq!(chrome.eval(is_open), false, "folded away at first");
    chrome.press("#pruning > p.more:last-of-type a");
    chrome.wait("the fold to open", |chrome| chrome.eval(is_open) == true);
    // A title that the glossary defines says so where it stands.
    let told = "[...document.querySelectorAll('#circuits th')].filter((head) => head.title.length > 20).length";
    assert!(chrome.eval(told).as_u64() > Some(0));
    unfold(&mut chrome);
    let words = chrome.text("#facts");
    assert!(
        words.contains("Seed") && words.contains("SHA-256"),
        "{words}"
    );
}

#[test]
fn a_sentence_leads_to_its_numbers_on_the_page_and_in_the_result() {
    let Some((mut chrome, _dir)) = opened(&sample(), DESK) else {
        return;
    };
    chrome.press(".all a");
    let is_open = "document.querySelector('#sentences').open";
    chrome.wait("the sentences", |chrome| chrome.eval(is_open) == true);
    let pointer = "[...document.querySelectorAll('.pointer button')].find((b) => b.textContent === '/prune/max_abs_change')";
    chrome.eval(&format!("{pointer}.id = 'asked'; 1"));
    chrome.press("#asked");
    chrome.wait("the value", |chrome| {
        chrome.text("#asked") == "/prune/max_abs_change = 0.0061"
    });
    let targets = "[...document.querySelectorAll('a[href^=\"#\"]')].every((link) => document.getElementById(link.hash.slice(1)))";
    assert_eq!(chrome.eval(targets), true);
    assert_eq!(chrome.complaints(), Vec::<String>::new());
}

#[test]
fn the_first_screen_is_short_and_no_long_table_is_open() {
    for (size, screens) in [(DESK, 1.0), (PHONE, 2.0)] {
        let Some((mut chrome, _dir)) = opened(&sample(), size) else {
            return;
        };
        let words = "(() => { const copy = document.querySelector('#summary').cloneNode(true); copy.querySelectorAll('svg').forEach((s) => s.remove()); document.body.append(copy); const words = copy.innerText.split(/\\s+/).filter((w) => /[\\p{L}\\p{N}]/u.test(w)).length; copy.remove(); return words; })()";
        let words = chrome.eval(words).as_u64().expect("a count");
        assert!(words < 120, "{words} words");
        let bottom =
            chrome.eval("document.querySelector('#summary').getBoundingClientRect().bottom");
        let bottom = bottom.as_f64().expect("a place");
        assert!(bottom <= screens * f64::from(size.1), "it ends at {bottom}");
        let tallest = chrome.eval("Math.max(...[...document.querySelectorAll('main table')].map((t) => t.getBoundingClientRect().height))");
        assert!(tallest.as_f64() < Some(f64::from(size.1)), "{tallest}");
    }
}

#[test]
fn highlighting_keeps_widths_and_dims_the_rest() {
    let Some((mut chrome, _dir)) = opened(&sample(), DESK) else {
        return;
    };
    let site = place_of(&mut chrome, 0);
    chrome.click(site);
    let widths = |chrome: &mut Chrome, group: &str| {
        let of = format!(
            "[...document.querySelectorAll('.view-stage {group} .edge')].map((e) => e.getAttribute('stroke-width'))"
        );
        let all = chrome.eval(&of);
        let all = all
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|w| w.as_str().map(str::to_owned));
        all.collect::<Vec<String>>()
    };
    let all = widths(&mut chrome, "svg > .edges");
    let focus = widths(&mut chrome, "svg > g > .edges");
    assert!(!focus.is_empty() && focus.len() < all.len());
    assert!(
        focus.iter().all(|width| all.contains(width)),
        "{focus:?} of {all:?}"
    );
    let opacity =
        "Number(getComputedStyle(document.querySelector('.view-stage svg > .edges')).opacity)";
    assert!(chrome.eval(opacity).as_f64() < Some(0.3));
    chrome.press(".view-stage");
    chrome.key("Escape");
    chrome.eval(
        "document.querySelector('.view-stage').dispatchEvent(new PointerEvent('pointerleave'))",
    );
    chrome.press("button[aria-label='Reset: show everything as it was at first']");
    chrome.wait("all to be as it was", |chrome| chrome.eval(opacity) == 1.0);
}

#[test]
fn ticks_of_the_slider_lead_to_what_they_name() {
    let Some((mut chrome, _dir)) = opened(&sample(), DESK) else {
        return;
    };
    let ticks = "[...document.querySelectorAll('.view-ticks button')].map((b) => b.textContent)";
    assert_eq!(chrome.eval(ticks), json!(["verified", "2 parts"]));
    chrome.press(".view-ticks button:last-child");
    assert!(
        chrome.text("#view-kept").starts_with("8 of "),
        "{}",
        chrome.text("#view-kept")
    );
    chrome.press(".view-ticks button");
    assert!(chrome.text("#view-kept").starts_with("9 of "));
}

#[test]
fn on_a_phone_nothing_scrolls_sideways_and_a_tap_pins() {
    let Some((mut chrome, _dir)) = opened(&sample(), PHONE) else {
        return;
    };
    let width = chrome.eval("document.documentElement.scrollWidth");
    assert!(
        width.as_u64() <= Some(u64::from(PHONE.0)),
        "{width} px wide"
    );
    keep_picture(&mut chrome, "phone", true);
    chrome.call(
        "Emulation.setTouchEmulationEnabled",
        json!({"enabled": true}),
    );
    let (x, y) = place_of(&mut chrome, 1);
    chrome.call(
        "Input.dispatchTouchEvent",
        json!({"type": "touchStart", "touchPoints": [{"x": x, "y": y}]}),
    );
    chrome.call(
        "Input.dispatchTouchEvent",
        json!({"type": "touchEnd", "touchPoints": []}),
    );
    chrome.wait("the tap to pin", |chrome| {
        !chrome.text(".view-detail h3").is_empty()
    });
}

#[test]
fn dark_mode_is_dark_and_the_page_prints_light() {
    let Some((mut chrome, _dir)) = opened(&sample(), DESK) else {
        return;
    };
    let ground = "getComputedStyle(document.body).backgroundColor";
    assert_eq!(chrome.eval(ground), "rgb(255, 255, 255)");
    let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
    chrome.call("Emulation.setEmulatedMedia", dark);
    assert_eq!(chrome.eval(ground), "rgb(21, 24, 29)");
    keep_picture(&mut chrome, "dark", true);
    chrome.call(
        "Emulation.setEmulatedMedia",
        json!({"media": "print", "features": []}),
    );
    assert_eq!(chrome.eval(ground), "rgb(255, 255, 255)");
    assert_eq!(
        chrome.eval("getComputedStyle(document.querySelector('.view')).display"),
        "none"
    );
    assert_eq!(
        chrome.eval("getComputedStyle(document.querySelector('.overview .scroll')).display"),
        "block"
    );
    let pdf = chrome.pdf();
    assert!(
        pdf.starts_with(b"%PDF") && pdf.len() > 20_000,
        "{} bytes",
        pdf.len()
    );
}

/// The fixture in 64-bit numbers, audited without modules and circuits, and its network.
fn audited_in_f64() -> (Audit, Mlp<f64>) {
    let folder = Path::new("fixtures/independence-bimt");
    let mut checkpoint = Checkpoint::open(folder).expect("the fixture");
    for tensor in checkpoint.tensors.values_mut() {
        *tensor = Tensor::of_floats(&tensor.shape.clone(), &tensor.to_f64());
    }
    let data = Dataset::open(&folder.join("data.safetensors"), None).expect("its data");
    let mut config = Config::new(Vec::new());
    (config.stages.modules, config.stages.circuits) = (false, false);
    let outcome = audit(&checkpoint, &data, &config, &|_| ()).expect("it is audited");
    let loaded = Loaded::from_checkpoint(&checkpoint, config.model).expect("it is a network");
    match loaded.network {
        Network::F64(Architecture::Mlp(model)) => (outcome.result, model),
        _ => panic!("an MLP in 64-bit numbers"),
    }
}

/// `[rows, samples]` of lists by sample.
fn columns(samples: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_fn((samples[0].len(), samples.len()), |(row, s)| {
        samples[s][row]
    })
}

/// Largest |changes| of every output and the mean squared error of a network beside another.
fn moved(edited: &Mlp<f64>, whole: &Mlp<f64>, audit: &Audit) -> Vec<f64> {
    let replay = audit.replay.as_ref().expect("the samples come with it");
    let inputs = columns(&replay.inputs);
    let (now, then) = (edited.outputs(inputs.view()), whole.outputs(inputs.view()));
    let largest =
        |row: ndarray::ArrayView1<'_, f64>| row.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let mut numbers: Vec<f64> = (&now - &then).rows().into_iter().map(largest).collect();
    let targets = columns(replay.targets.as_ref().expect("targets"));
    numbers.push((&now - &targets).mapv(|x| x * x).mean().expect("samples"));
    numbers
}

/// What the page computes at each of these addresses: the changes, then the loss.
fn run_in_page(chrome: &mut Chrome, addresses: &[String]) -> Vec<Vec<f64>> {
    chrome.wait("the page to run the network", |chrome| {
        chrome.eval("document.querySelector('.view-live').dataset.loss > 0") == true
    });
    let each = "async (h) => { const heard = new Promise((done) => addEventListener('hashchange', done, { once: true })); location.hash = h; await heard; const d = document.querySelector('.view-live').dataset; return [...JSON.parse(d.changes), Number(d.loss)]; }";
    let all = format!(
        "(async () => {{ const each = {each}; const found = []; for (const h of {}) found.push(await each(h)); return found; }})()",
        json!(addresses)
    );
    serde_json::from_value(chrome.eval(&all)).expect("lists of numbers")
}

fn assert_close(page: &[Vec<f64>], report: &[Vec<f64>]) {
    assert_eq!(page.len(), report.len());
    let mut largest = 0.0_f64;
    for (k, (page, report)) in page.iter().zip(report).enumerate() {
        for (a, b) in page.iter().zip(report) {
            largest = largest.max((a - b).abs());
            assert!(
                (a - b).abs() <= 1e-6,
                "edit {k}: {page:?} in the page, {report:?}"
            );
        }
    }
    println!("{} runs, largest difference {largest:e}", page.len());
}

#[test]
fn the_page_computes_what_the_report_says_and_five_hundred_random_edits() {
    let (audit, whole) = audited_in_f64();
    let Some((mut chrome, _dir)) = opened(&audit, DESK) else {
        return;
    };
    // Every threshold that was measured: the report's own numbers.
    let curve = &audit.prune.as_ref().expect("it was pruned").curve;
    let at = |k: usize, t: f64| format!("view:t={t}&n={k}");
    let addresses: Vec<String> = curve
        .iter()
        .enumerate()
        .map(|(k, p)| at(k, p.threshold))
        .collect();
    let page: Vec<Vec<f64>> = run_in_page(&mut chrome, &addresses)
        .into_iter()
        .map(|found| vec![found[0].max(found[1]), found[2]])
        .collect();
    let report: Vec<Vec<f64>> = curve
        .iter()
        .map(|p| vec![p.max_abs_change, p.loss.expect("targets")])
        .collect();
    assert_close(&page, &report);
    // Sites ablated and edges cut at random, against the library.
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(state >> 33).expect("31 bits") % below
    };
    let (mut addresses, mut report) = (Vec::new(), Vec::new());
    let site = |layer: usize, k: usize| match layer {
        0 => format!("x{k}"),
        3 => format!("y{k}"),
        _ => format!("h{layer}.{k}"),
    };
    for edit in 0..500 {
        let mut edited = whole.clone();
        let threshold = curve[random(curve.len() / 2)].threshold;
        for layer in &mut edited.layers {
            layer
                .weight
                .mapv_inplace(|w| if w.abs() < threshold { 0.0 } else { w });
        }
        let (mut off, mut cut) = (Vec::new(), Vec::new());
        for _ in 0..random(4) {
            let layer = random(3);
            let k = random(whole.layers[layer].weight.ncols());
            off.push(site(layer, k));
            edited.layers[layer].weight.column_mut(k).fill(0.0);
        }
        for _ in 0..random(6) {
            let layer = random(3);
            let (rows, columns) = whole.layers[layer].weight.dim();
            let (to, from) = (random(rows), random(columns));
            cut.push(format!("{}%3E{}", site(layer, from), site(layer + 1, to)));
            edited.layers[layer].weight[[to, from]] = 0.0;
        }
        let (off, cut) = (off.join("+"), cut.join("+"));
        addresses.push(format!("view:t={threshold}&off={off}&cut={cut}&n={edit}"));
        report.push(moved(&edited, &whole, &audit));
    }
    let page = run_in_page(&mut chrome, &addresses);
    assert_close(&page, &report);
    assert_eq!(chrome.complaints(), Vec::<String>::new());
}

#[test]
fn a_click_ablates_and_the_address_keeps_it() {
    let (audit, _) = audited_in_f64();
    let Some((mut chrome, _dir)) = opened(&audit, DESK) else {
        return;
    };
    let line = |chrome: &mut Chrome| chrome.text(".view-live");
    chrome.wait("the page to run the network", |chrome| {
        chrome
            .text(".view-live")
            .starts_with("Run here on 100 samples")
    });
    let before = line(&mut chrome);
    let busy = "(() => { const all = [...document.querySelectorAll('.view-stage circle.node')]; return all.findIndex((c, k) => k > 4 && !c.classList.contains('alone')); })()";
    let busy = chrome
        .eval(busy)
        .as_u64()
        .and_then(|k| usize::try_from(k).ok());
    let site = place_of(&mut chrome, busy.expect("a hidden site with edges"));
    chrome.click(site);
    chrome.press(".view-detail p button");
    assert!(
        line(&mut chrome).contains("1 site ablated (zero)"),
        "{}",
        line(&mut chrome)
    );
    assert_ne!(line(&mut chrome), before);
    let kept = chrome.eval("location.hash");
    assert!(
        kept.as_str()
            .is_some_and(|hash| hash.starts_with("#view:off=h1.")),
        "{kept}"
    );
    chrome.press(".view-live button");
    assert_eq!(line(&mut chrome), before);
    assert_eq!(chrome.complaints(), Vec::<String>::new());
}

/// A transformer's circuit as its edges name it.
fn transformer() -> Audit {
    let mut audit = sample();
    audit.network.layers.clear();
    audit.network.weights.clear();
    (audit.prune, audit.modules) = (None, None);
    audit.nodes.clear();
    let edges = [
        ("input", "a0.h1<q>", 0.5),
        ("input", "a0.h1<k>", 0.25),
        ("input", "m0", -0.4),
        ("a0.h1", "a1.h0<v>", 0.75),
        ("m0", "a1.h0<q>", -0.125),
        ("a0.h3", "m1", 0.3),
        ("input", "logits", 0.2),
        ("m1", "logits", 0.01),
        ("a1.h0", "logits", 1.5),
    ];
    let edge = |(from, to, effect): (&str, &str, f64)| CircuitEdge {
        from: from.to_owned(),
        to: to.to_owned(),
        effect,
    };
    audit.circuits.truncate(2);
    audit.circuits[0].edges = edges.map(edge).into_iter().collect();
    audit.circuits[1].edges = edges[..4].iter().copied().map(edge).collect();
    audit
}

#[test]
fn a_transformer_is_drawn_by_its_components() {
    let Some((mut chrome, _dir)) = opened(&transformer(), DESK) else {
        return;
    };
    assert_eq!(chrome.complaints(), Vec::<String>::new());
    assert_eq!(
        chrome.eval("document.querySelectorAll('.view-stage .edge').length"),
        9
    );
    assert_eq!(
        chrome.eval("document.querySelectorAll('.view-stage .edge.port2').length"),
        1
    );
    chrome.middle(".view-stage");
    keep_picture(&mut chrome, "transformer", false);
    chrome.press(".view-group button[aria-label='Next circuit']");
    assert_eq!(
        chrome.eval("document.querySelectorAll('.view-stage .edge').length"),
        4
    );
}

/// A network of 784-100-100-10 with all its 89,400 weights.
fn large() -> Audit {
    let mut audit = sample();
    let widths = [784_usize, 100, 100, 10];
    let template = audit.network.layers[0].sites[0].clone();
    audit.network.layers = widths
        .iter()
        .enumerate()
        .map(|(l, width)| {
            let side = width.isqrt();
            let is_grid = side * side == *width;
            let mut layer = audit.network.layers[0].clone();
            layer.name = format!("layer {l}");
            layer.arrangement = if is_grid {
                Arrangement::Grid
            } else {
                Arrangement::Ring
            };
            layer.sites = (0..*width)
                .map(|k| {
                    let mut site = template.clone();
                    site.site = match l {
                        0 => format!("x{k}"),
                        3 => format!("y{k}"),
                        _ => format!("h{l}.{k}"),
                    };
                    site.name = site.site.clone();
                    let angle = (k as f64 + 0.5) * std::f64::consts::TAU / *width as f64;
                    (site.x, site.y) = if is_grid {
                        (
                            ((k % side) as f64 + 0.5) / side as f64,
                            ((k / side) as f64 + 0.5) / side as f64,
                        )
                    } else {
                        (0.5 + angle.cos() / 4.0, 0.5 + angle.sin() / 4.0)
                    };
                    site
                })
                .collect();
            layer
        })
        .collect();
    let mut state = 1_u64;
    let mut weight = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        Some(f64::from(
            ((state >> 40) as f32 / (1_u32 << 23) as f32 - 1.0).powi(3),
        ))
    };
    audit.network.weights = widths
        .windows(2)
        .map(|pair| (0..pair[0] * pair[1]).map(|_| weight()).collect())
        .collect();
    (audit.prune, audit.modules) = (None, None);
    audit.circuits.clear();
    audit.nodes.clear();
    audit
}

#[test]
fn ninety_thousand_edges_stay_usable() {
    let Some((mut chrome, dir)) = opened(&large(), DESK) else {
        return;
    };
    let bytes = std::fs::metadata(dir.path().join("index.html"))
        .expect("a page")
        .len();
    assert!(bytes < 4_000_000, "{bytes} bytes");
    assert_eq!(chrome.complaints(), Vec::<String>::new());
    assert!(
        chrome
            .text("#view-kept")
            .starts_with("89,400 of 89,400 edges")
    );
    let opened = chrome.eval("performance.timing.domComplete - performance.timing.navigationStart");
    let frames = "new Promise((done) => { const times = []; const tick = (t) => { times.push(t); if (times.length < 60) requestAnimationFrame(tick); else { const gaps = times.slice(1).map((t, k) => t - times[k]).sort((a, b) => a - b); done([gaps[29], gaps[56]]); } }; requestAnimationFrame(tick); })";
    let start = chrome.middle(".view-stage");
    keep_picture(&mut chrome, "large", false);
    chrome.mouse("mousePressed", start, true);
    chrome.eval(&format!("window.measured = {frames}; 1"));
    for step in 0..60 {
        chrome.mouse(
            "mouseMoved",
            (start.0 + f64::from(step) * 3.0, start.1),
            true,
        );
    }
    let gaps = chrome.eval("window.measured");
    chrome.mouse("mouseReleased", start, false);
    println!(
        "{bytes} bytes, opened in {opened} ms, pan: {} ms a frame (median), {} ms (95 %)",
        gaps[0], gaps[1]
    );
    chrome.press(".view-controls button[aria-pressed='false']:last-of-type");
    chrome.settle();
    keep_picture(&mut chrome, "large-3d", false);
    chrome.press("#view-threshold");
    assert!(!chrome.text("#view-kept").starts_with("89,400"));
    chrome.hover(start);
    assert_eq!(chrome.complaints(), Vec::<String>::new());
    let _: &Path = dir.path();
}
