//! A written report in real browsers: what a person opens, moves, points at, clicks and saves.
//!
//! Needs Chromium and Firefox; of one that is not there the tests say so and pass, unless
//! `MODSCOPE_BROWSER_TESTS=required` (Chromium) or `MODSCOPE_FIREFOX_TESTS=required`.
//! `MODSCOPE_SCREENSHOTS=DIR` keeps pictures.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::path::{Path, PathBuf};

use crate::browsers::{Kind, Page};
use modscope::audit::{Config, audit};
use modscope::checkpoint::{Checkpoint, Tensor};
use modscope::data::Dataset;
use modscope::model::{Architecture, Loaded, Mlp, Network};
use modscope::report;
use modscope::result::{
    Arrangement, Attention, Audit, CircuitEdge, Comparison, Film, FilmFrame, Prompt, Training,
};
use ndarray::Array2;
use serde_json::json;

const DESK: (u32, u32) = (1280, 900);
const FIRST: (u32, u32) = (1280, 800);
const PHONE: (u32, u32) = (390, 844);

fn sample() -> Audit {
    serde_json::from_str(include_str!("data/report.json")).expect("the fixture is a result")
}

/// A report of a result in a folder of its own, open in a browser.
fn opened(kind: Kind, audit: &Audit, size: (u32, u32)) -> Option<(Page, tempfile::TempDir)> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    report::write(audit, "audit", dir.path(), &Default::default()).expect("the report is written");
    let page = Page::open(kind, &dir.path().join("index.html"), size)?;
    Some((page, dir))
}

/// Runs each of these in every browser.
macro_rules! in_each_browser {
    ($($test:ident),+ $(,)?) => {
        mod chromium {
            use super::Kind;
            $(#[test] fn $test() { super::$test(Kind::Chromium); })+
        }
        mod firefox {
            use super::Kind;
            $(#[test] fn $test() { super::$test(Kind::Firefox); })+
        }
    };
}

in_each_browser!(
    the_page_opens_without_complaint_and_asks_for_nothing,
    the_slider_changes_what_is_left,
    pointing_tells_and_a_click_pins,
    a_pinned_site_shows_its_strongest_samples,
    samples_that_are_images_are_drawn_and_tokens_are_marked,
    names_of_modules_show_in_tables_and_figures_and_in_the_saved_page,
    the_film_of_a_training_plays,
    an_edge_tells_its_weight_and_effects,
    search_finds_by_own_name_and_enter_pins,
    keys_walk_from_site_to_site,
    circuits_play_output_by_output,
    names_of_modules_are_saved_with_the_page,
    tables_figures_and_the_result_can_be_taken_away,
    a_figure_is_printed_alone_on_a_page_of_its_own_size,
    a_click_on_a_title_sorts,
    every_number_says_how_it_was_computed,
    a_sentence_leads_to_its_numbers_on_the_page_and_in_the_result,
    the_first_screen_is_short_and_no_long_table_is_open,
    highlighting_keeps_widths_and_dims_the_rest,
    ticks_of_the_slider_lead_to_what_they_name,
    on_a_phone_nothing_scrolls_sideways_and_a_tap_pins,
    the_page_computes_what_the_report_says_and_five_hundred_random_edits,
    a_click_ablates_and_the_address_keeps_it,
    a_pinned_neuron_is_drawn_as_the_function_that_it_is,
    a_view_with_a_name_can_be_kept_handed_on_and_forgotten,
    attention_is_of_the_sample_and_the_head_that_are_chosen,
    first_screens,
    two_networks_of_a_comparison_are_cut_at_one_threshold,
    a_transformer_is_drawn_by_its_components,
    ninety_thousand_edges_stay_usable,
);

/// Opens everything that is folded away.
fn unfold(page: &mut Page) {
    page.eval("for (const fold of document.querySelectorAll('details')) fold.open = true; 1");
}

/// Keeps a picture of the page where pictures were asked for.
fn keep_picture(page: &mut Page, name: &str, is_whole: bool) {
    if let Some(dir) = std::env::var_os("MODSCOPE_SCREENSHOTS") {
        page.screenshot(&PathBuf::from(dir).join(format!("{name}.png")), is_whole);
    }
}

/// Where a site is drawn, in the window.
fn place_of(page: &mut Page, index: usize) -> (f64, f64) {
    let circle = format!(".view-stage circle.node:nth-of-type({})", index + 1);
    page.middle(&circle)
}

fn the_page_opens_without_complaint_and_asks_for_nothing(kind: Kind) {
    let Some((mut page, dir)) = opened(kind, &sample(), DESK) else {
        return;
    };
    assert_eq!(page.complaints(), Vec::<String>::new());
    assert_eq!(page.outside_requests(dir.path()), Vec::<String>::new());
    assert!(page.text("#summary").contains("weights do all the work"));
    assert_eq!(
        page.eval("document.querySelectorAll('.view-stage .edge').length"),
        9
    );
    keep_picture(&mut page, "desk", true);
}

fn the_slider_changes_what_is_left(kind: Kind) {
    let Some((mut page, _dir)) = opened(kind, &sample(), DESK) else {
        return;
    };
    let before = page.text("#view-kept");
    assert!(before.starts_with("9 of "), "{before}");
    assert!(before.contains("largest change of an output"), "{before}");
    page.press("#view-threshold");
    page.key("End");
    let after = page.text("#view-kept");
    let left = page.eval("document.querySelectorAll('.view-stage .edge').length");
    assert!(after.starts_with(&format!("{left} of ")), "{after}");
    assert!(left.as_u64() < Some(9), "{left}");
    page.key("ArrowLeft");
    assert_ne!(page.text("#view-kept"), after);
}

fn pointing_tells_and_a_click_pins(kind: Kind) {
    let Some((mut page, _dir)) = opened(kind, &sample(), DESK) else {
        return;
    };
    let site = place_of(&mut page, 0);
    page.hover(site);
    let tip = page.text(".view-tip");
    assert!(
        tip.starts_with("x4 · in files x0") && tip.contains("activation"),
        "{tip}"
    );
    page.click(site);
    let detail = page.text(".view-detail");
    assert!(
        detail.starts_with("x4") && detail.contains("out to"),
        "{detail}"
    );
    keep_picture(&mut page, "pinned", false);
    // A column's title sorts, and a site's name leads on to it.
    page.press(".view-detail thead th:nth-child(3) button");
    let sorted = page.eval("[...document.querySelector('.view-detail table').tBodies[0].rows].map(r => r.cells[2]).map(c => Number(c.dataset.key)).every((v, k, all) => !k || all[k - 1] >= v)");
    assert_eq!(sorted, true);
    page.press(".view-detail .jump");
    assert!(page.text(".view-detail h3").starts_with("h1."));
    page.press(".view-stage");
    page.key("Escape");
    assert_eq!(
        page.eval("document.querySelector('.view-detail').hidden"),
        true
    );
    assert_eq!(page.complaints(), Vec::<String>::new());
}

/// Opens a result, pins `h1.0` by its name and gives the words of the tables of its samples.
fn samples_of_pinned(kind: Kind, audit: &Audit) -> Option<(Page, tempfile::TempDir, Vec<String>)> {
    let (mut page, dir) = opened(kind, audit, DESK)?;
    page.press(".view-controls input[type=search]");
    for letter in ["h", "1", ".", "0", "Enter"] {
        page.key(letter);
    }
    let tables = "[...document.querySelectorAll('.view-detail table')].filter(t => t.caption.textContent.startsWith('Samples')).map(t => t.innerText.replace(/\\s+/g, ' '))";
    let tables = page.eval(tables);
    let texts = tables.as_array().into_iter().flatten();
    let texts = texts.filter_map(|t| t.as_str().map(str::to_owned));
    let texts = texts.collect();
    assert_eq!(page.complaints(), Vec::<String>::new());
    Some((page, dir, texts))
}

fn a_pinned_site_shows_its_strongest_samples(kind: Kind) {
    let Some((mut page, _dir, tables)) = samples_of_pinned(kind, &sample()) else {
        return;
    };
    keep_picture(&mut page, "samples", true);
    let row = "7 2.5 0.5, 1.25 0.5, 1 0.5, −0.5, 1, 0";
    assert_eq!(tables.len(), 2);
    assert!(tables[0].starts_with("Samples with its largest activation"));
    assert!(tables[0].contains("Input (x1, x2, x3, x4)"), "{tables:?}");
    let (first, last) = (tables[0].find(row), tables[1].find(row));
    assert!(first.is_some_and(|p| tables[0][p + row.len()..].contains("3 −0.25")));
    assert!(last.is_some_and(|p| tables[1][..p].contains("3 −0.25")));
}

fn samples_that_are_images_are_drawn_and_tokens_are_marked(kind: Kind) {
    let mut audit = sample();
    let strongest = audit.strongest.as_mut().expect("there are samples");
    strongest.image = Some([2, 2]);
    let Some((mut page, _dir, _)) = samples_of_pinned(kind, &audit) else {
        return;
    };
    // The second number of sample 7 is its smallest, the third its largest.
    let shades = "[...document.querySelector('.sample-image').getContext('2d').getImageData(0, 0, 2, 2).data].filter((_, k) => k % 4 === 3)";
    assert_eq!(page.eval(shades), json!([170, 0, 255, 85]));

    let mut audit = sample();
    let strongest = audit.strongest.as_mut().expect("there are samples");
    strongest.sites[0].largest[0].position = Some(1);
    strongest.samples[0].tokens = ["Mary", "<b>gave</b>"].map(str::to_owned).to_vec();
    let Some((mut page, _dir, _)) = samples_of_pinned(kind, &audit) else {
        return;
    };
    assert_eq!(page.text(".sample-tokens"), "Mary <b>gave</b>");
    assert_eq!(page.text(".sample-tokens mark"), "<b>gave</b>");
}

/// Sets a module's name as a reader types it.
fn name_module(page: &mut Page, module: usize, name: &str) {
    let field = format!("input[aria-label=\"Name of module {module}\"]");
    page.eval(&format!(
        "(() => {{ const field = document.querySelector({}); field.value = {}; field.dispatchEvent(new Event('input')); }})()",
        json!(field),
        json!(name)
    ));
}

fn names_of_modules_show_in_tables_and_figures_and_in_the_saved_page(kind: Kind) {
    let Some((mut page, _dir)) = opened(kind, &sample(), DESK) else {
        return;
    };
    let cell = "#modules td.module";
    unfold(&mut page);
    assert_eq!(page.text(cell), "0");
    name_module(&mut page, 0, "<b>sine</b>");
    assert_eq!(page.text(cell), "0 <b>sine</b>");
    let figures = "[...document.querySelectorAll('#modules svg.fig text')].filter(t => t.textContent.startsWith('<b>sine')).length";
    assert!(page.eval(figures).as_u64() > Some(0));
    assert!(page.text(".module-key").contains("0: <b>sine</b>"));
    // What is saved holds the name for the script of whoever opens it.
    let saved = "new Promise((done) => { URL.createObjectURL = (blob) => { blob.text().then(done); return '#'; }; [...document.querySelectorAll('.view-modules button')].pop().click(); })";
    let saved = page.eval(saved);
    let saved = saved.as_str().expect("a page");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("saved.html");
    std::fs::write(&path, saved).expect("it is written");
    let mut again = Page::open(kind, &path, DESK).expect("it was there");
    unfold(&mut again);
    assert_eq!(again.text(cell), "0 <b>sine</b>");
    assert_eq!(again.complaints(), Vec::<String>::new());
    // Without a name the number alone is back.
    name_module(&mut again, 0, "");
    assert_eq!(again.text(cell), "0");
}

fn the_film_of_a_training_plays(kind: Kind) {
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
    let Some((mut page, _dir)) = opened(kind, &audit, DESK) else {
        return;
    };
    assert_eq!(page.complaints(), Vec::<String>::new());
    let lines = "document.querySelectorAll('.film line').length";
    assert_eq!(page.eval(lines), 1);
    assert!(
        page.text(".film output")
            .starts_with("step 100 · test loss 0.25")
    );
    assert_eq!(page.text(".film text"), "</script>");
    page.press(".film input");
    page.key("Home");
    assert_eq!(page.eval(lines), 2);
    assert_eq!(
        page.eval("document.querySelectorAll('.film line.neg').length"),
        1
    );
    page.press(".film button");
    page.eval("new Promise((done) => setTimeout(done, 400))");
    assert!(page.text(".film output").starts_with("step 100"));
    assert_eq!(page.text(".film button"), "Play");
}

fn an_edge_tells_its_weight_and_effects(kind: Kind) {
    let Some((mut page, _dir)) = opened(kind, &sample(), DESK) else {
        return;
    };
    let middle = "(() => { document.querySelector('.view-stage').scrollIntoView({block: 'center'}); const p = [...document.querySelectorAll('.view-stage .edge')].pop(); const m = p.getPointAtLength(p.getTotalLength() * 0.4); const b = document.querySelector('.view-stage svg').getBoundingClientRect(); return [b.x + m.x, b.y + m.y]; })()";
    let at = page.eval(middle);
    let at = (at[0].as_f64().expect("x"), at[1].as_f64().expect("y"));
    page.hover(at);
    let tip = page.text(".view-tip");
    assert!(tip.contains(" → ") && tip.contains("weight"), "{tip}");
    page.click(at);
    assert!(
        page.text(".view-detail")
            .contains("Its effect in the circuits")
    );
}

fn search_finds_by_own_name_and_enter_pins(kind: Kind) {
    let Some((mut page, _dir)) = opened(kind, &sample(), DESK) else {
        return;
    };
    page.press(".view-controls input[type=search]");
    for letter in ["y", "1"] {
        page.key(letter);
    }
    assert!(page.text(".view-status").contains("found"));
    assert!(
        page.eval("document.querySelectorAll('.halo-found').length")
            .as_u64()
            >= Some(1)
    );
    page.key("Enter");
    assert_eq!(page.text(".view-detail h3"), "(x1 + x3)³");
    assert!(page.text(".view-detail").contains("in files y1"));
}

fn keys_walk_from_site_to_site(kind: Kind) {
    let Some((mut page, _dir)) = opened(kind, &sample(), DESK) else {
        return;
    };
    page.eval("document.querySelector('.view-stage').focus()");
    page.key("ArrowRight");
    let first = page.text(".view-status");
    assert!(first.starts_with('x'), "{first}");
    page.key("ArrowUp");
    assert!(page.text(".view-status").starts_with("h1."));
    page.key("Enter");
    assert!(page.text(".view-status").starts_with("Pinned: h1."));
    page.key("+");
    let moved = page.eval("document.querySelector('.view-stage g').getAttribute('transform')");
    assert!(
        moved.as_str().is_some_and(|t| t.contains("scale(1.5)")),
        "{moved}"
    );
}

fn circuits_play_output_by_output(kind: Kind) {
    let Some((mut page, _dir)) = opened(kind, &sample(), DESK) else {
        return;
    };
    page.press(".view-group button[aria-pressed]");
    let shown = |page: &mut Page| page.eval("document.querySelector('.view-group select').value");
    assert_eq!(shown(&mut page), "0");
    page.wait("the next circuit", |page| shown(page) == "1");
    page.press(".view-group button[aria-pressed]");
    assert!(page.text(".view-status").contains("faithfulness"));
    let pale = page.eval("document.querySelectorAll('.view-stage .edge.pale').length");
    assert!(pale.as_u64() > Some(0));
    for colour in ["module", "effect", "circuit"] {
        let pick = format!(
            "(() => {{ const s = document.querySelector('.view-controls select'); s.value = '{colour}'; s.dispatchEvent(new Event('change')); }})()"
        );
        page.eval(&pick);
        keep_picture(&mut page, &format!("colour-{colour}"), false);
    }
    assert_eq!(page.complaints(), Vec::<String>::new());
}

fn names_of_modules_are_saved_with_the_page(kind: Kind) {
    let Some((mut page, dir)) = opened(kind, &sample(), DESK) else {
        return;
    };
    page.press(".view-modules summary");
    page.press(".view-modules input");
    for letter in ["s", "i", "n", "<", "/"] {
        page.key(letter);
    }
    page.press(".view-modules > button");
    let saved = dir.path().join("named.html");
    std::fs::write(&saved, page.download("index.html")).expect("written");
    page.visit(&saved);
    let name = page.eval("document.querySelector('.view-modules input').value");
    assert_eq!(name, "sin</");
    assert_eq!(page.complaints(), Vec::<String>::new());
}

fn tables_figures_and_the_result_can_be_taken_away(kind: Kind) {
    let Some((mut page, dir)) = opened(kind, &sample(), DESK) else {
        return;
    };
    // Without the folder beside it the page still has everything.
    std::fs::remove_dir_all(dir.path().join("figures")).expect("removed");
    std::fs::remove_file(dir.path().join("audit.json")).expect("removed");
    page.press("#result-link");
    let result: Audit = serde_json::from_slice(&page.download("audit.json")).expect("a result");
    assert_eq!(result, sample());
    page.press("#pruning figcaption a");
    let svg = String::from_utf8(page.download("threshold-curve.svg")).expect("text");
    assert!(svg.contains("http://www.w3.org/2000/svg") && !svg.contains("var("));
    page.press("#pruning figcaption button");
    assert!(page.download("threshold-curve.png").starts_with(b"\x89PNG"));
    page.press("#pruning .more button");
    let csv = String::from_utf8(page.download("outputs.csv")).expect("text");
    assert!(
        csv.starts_with("Output,Standard deviation,") && csv.lines().count() == 3,
        "{csv}"
    );
    assert_eq!(page.complaints(), Vec::<String>::new());
}

fn a_figure_is_printed_alone_on_a_page_of_its_own_size(kind: Kind) {
    let Some((mut page, _dir)) = opened(kind, &sample(), DESK) else {
        return;
    };
    let title = page.eval("document.title");
    // The browser's own dialogue would wait for a person.
    page.eval("window.print = () => { window.printed = document.title; }; 1");
    page.press("#pruning figcaption button[aria-label^='Print']");
    assert_eq!(page.eval("window.printed"), "threshold-curve");
    let box_of = "(() => { const { width, height } = document.querySelector('body > .sheet svg').viewBox.baseVal; return [width, height]; })()";
    assert_eq!(page.eval(box_of), json!([1040, 582]));
    let pdf = page.pdf();
    assert!(pdf.starts_with(b"%PDF"));
    // Firefox's are compressed throughout.
    if kind == Kind::Chromium {
        let text = String::from_utf8_lossy(&pdf);
        assert_eq!(text.matches("/Type /Page\n").count(), 1);
        assert!(
            text.contains("/MediaBox [0 0 780 437"),
            "pixels are 3/4 points"
        );
    }
    page.eval("dispatchEvent(new Event('afterprint')); 1");
    assert_eq!(page.eval("document.querySelectorAll('.sheet').length"), 0);
    assert_eq!(page.eval("document.title"), title);
}

fn a_click_on_a_title_sorts(kind: Kind) {
    let Some((mut page, _dir)) = opened(kind, &sample(), DESK) else {
        return;
    };
    let first = "document.querySelector('#pruning tbody td').textContent";
    let before = page.eval(first);
    let title = "#pruning thead th:nth-child(4) button";
    page.press(title);
    page.press(title);
    assert_ne!(page.eval(first), before);
    let order = page
        .eval("document.querySelector('#pruning thead th:nth-child(4)').getAttribute('aria-sort')");
    assert_eq!(order, "ascending");
}

fn every_number_says_how_it_was_computed(kind: Kind) {
    let Some((mut page, _dir)) = opened(kind, &sample(), DESK) else {
        return;
    };
    for chapter in ["explore", "pruning", "modules", "circuits"] {
        let last = format!("document.querySelector('#{chapter} > p.more:last-of-type a').hash");
        assert_eq!(page.eval(&last), "#definitions", "{chapter}");
    }
    let is_open = "document.querySelector('#definitions').open";
    assert_eq!(page.eval(is_open), false, "folded away at first");
    page.press("#pruning > p.more:last-of-type a");
    page.wait("the fold to open", |page| page.eval(is_open) == true);
    // A title that the glossary defines says so where it stands.
    let told = "[...document.querySelectorAll('#circuits th')].filter((head) => head.title.length > 20).length";
    assert!(page.eval(told).as_u64() > Some(0));
    unfold(&mut page);
    let words = page.text("#facts");
    assert!(
        words.contains("Seed") && words.contains("SHA-256"),
        "{words}"
    );
}

fn a_sentence_leads_to_its_numbers_on_the_page_and_in_the_result(kind: Kind) {
    let Some((mut page, _dir)) = opened(kind, &sample(), DESK) else {
        return;
    };
    page.press(".all a");
    let is_open = "document.querySelector('#sentences').open";
    page.wait("the sentences", |page| page.eval(is_open) == true);
    let pointer = "[...document.querySelectorAll('.pointer button')].find((b) => b.textContent === '/prune/max_abs_change')";
    page.eval(&format!("{pointer}.id = 'asked'; 1"));
    page.press("#asked");
    page.wait("the value", |page| {
        page.text("#asked") == "/prune/max_abs_change = 0.0061"
    });
    let targets = "[...document.querySelectorAll('a[href^=\"#\"]')].every((link) => document.getElementById(link.hash.slice(1)))";
    assert_eq!(page.eval(targets), true);
    assert_eq!(page.complaints(), Vec::<String>::new());
}

/// Words of the first screen, those of drawings aside.
const WORDS: &str = "(() => { const copy = document.querySelector('#summary').cloneNode(true); copy.querySelectorAll('svg').forEach((s) => s.remove()); document.body.append(copy); const words = copy.innerText.split(/\\s+/).filter((w) => /[\\p{L}\\p{N}]/u.test(w)).length; copy.remove(); return words; })()";

/// Under 120 words on one screen of a desk, on two of a phone.
fn assert_first_screen(page: &mut Page, (width, height): (u32, u32), name: &str) {
    let words = page.eval(WORDS).as_u64().expect("a count");
    assert!(words < 120, "{name}: {words} words");
    let bottom = page.eval("document.querySelector('#summary').getBoundingClientRect().bottom");
    let bottom = bottom.as_f64().expect("a place");
    let screens = if width < 600 { 2.0 } else { 1.0 };
    let end = screens * f64::from(height);
    assert!(bottom <= end, "{name}: it ends at {bottom} of {end}");
}

fn the_first_screen_is_short_and_no_long_table_is_open(kind: Kind) {
    for size in [FIRST, PHONE] {
        let Some((mut page, _dir)) = opened(kind, &sample(), size) else {
            return;
        };
        assert_first_screen(&mut page, size, "the sample");
        let tallest = page.eval("Math.max(...[...document.querySelectorAll('main table')].filter((t) => t.checkVisibility()).map((t) => t.getBoundingClientRect().height), 0)");
        assert!(tallest.as_f64() < Some(f64::from(size.1)), "{tallest}");
    }
}

/// The committed pages, with pictures for `docs/page.md` where they are asked for.
fn first_screens(kind: Kind) {
    let folders = [
        "gallery/independence-bimt",
        "gallery/two_moon-bimt",
        "compare-independence",
        "compare-digits",
    ];
    let root = std::path::absolute("reports").expect("the folder of the crate");
    for (size, folder) in [FIRST, PHONE].iter().flat_map(|s| folders.map(|f| (*s, f))) {
        let page = root.join(folder).join("index.html");
        let Some(mut page) = Page::open(kind, &page, size) else {
            return;
        };
        assert_first_screen(&mut page, size, folder);
        let name = folder.rsplit('/').next().unwrap_or(folder);
        keep_picture(&mut page, &format!("{name}-{}", size.0), false);
    }
}

fn highlighting_keeps_widths_and_dims_the_rest(kind: Kind) {
    let Some((mut page, _dir)) = opened(kind, &sample(), DESK) else {
        return;
    };
    let site = place_of(&mut page, 0);
    page.click(site);
    let widths = |page: &mut Page, group: &str| {
        let of = format!(
            "[...document.querySelectorAll('.view-stage {group} .edge')].map((e) => e.getAttribute('stroke-width'))"
        );
        let all = page.eval(&of);
        let all = all
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|w| w.as_str().map(str::to_owned));
        all.collect::<Vec<String>>()
    };
    let all = widths(&mut page, "svg > .edges");
    let focus = widths(&mut page, "svg > g > .edges");
    assert!(!focus.is_empty() && focus.len() < all.len());
    assert!(
        focus.iter().all(|width| all.contains(width)),
        "{focus:?} of {all:?}"
    );
    let opacity =
        "Number(getComputedStyle(document.querySelector('.view-stage svg > .edges')).opacity)";
    assert!(page.eval(opacity).as_f64() < Some(0.3));
    page.press(".view-stage");
    page.key("Escape");
    page.eval(
        "document.querySelector('.view-stage').dispatchEvent(new PointerEvent('pointerleave'))",
    );
    page.press("button[aria-label='Reset: show everything as it was at first']");
    page.wait("all to be as it was", |page| page.eval(opacity) == 1.0);
}

fn ticks_of_the_slider_lead_to_what_they_name(kind: Kind) {
    let Some((mut page, _dir)) = opened(kind, &sample(), DESK) else {
        return;
    };
    let ticks = "[...document.querySelectorAll('.view-ticks button')].map((b) => b.textContent)";
    assert_eq!(page.eval(ticks), json!(["verified", "2 parts"]));
    page.press(".view-ticks button:last-child");
    assert!(
        page.text("#view-kept").starts_with("8 of "),
        "{}",
        page.text("#view-kept")
    );
    page.press(".view-ticks button");
    assert!(page.text("#view-kept").starts_with("9 of "));
}

fn on_a_phone_nothing_scrolls_sideways_and_a_tap_pins(kind: Kind) {
    let Some((mut page, _dir)) = opened(kind, &sample(), PHONE) else {
        return;
    };
    let width = page.eval("document.documentElement.scrollWidth");
    assert!(
        width.as_u64() <= Some(u64::from(PHONE.0)),
        "{width} px wide"
    );
    keep_picture(&mut page, "phone", true);
    let site = place_of(&mut page, 1);
    page.tap(site);
    page.wait("the tap to pin", |page| {
        !page.text(".view-detail h3").is_empty()
    });
}

// Firefox's protocol sets neither colours nor medium.
#[test]
fn dark_mode_is_dark_and_the_page_prints_light() {
    let Some((mut page, _dir)) = opened(Kind::Chromium, &sample(), DESK) else {
        return;
    };
    let ground = "getComputedStyle(document.body).backgroundColor";
    assert_eq!(page.eval(ground), "rgb(255, 255, 255)");
    assert!(page.emulate("screen", true));
    assert_eq!(page.eval(ground), "rgb(21, 24, 29)");
    keep_picture(&mut page, "dark", true);
    assert!(page.emulate("print", false));
    assert_eq!(page.eval(ground), "rgb(255, 255, 255)");
    assert_eq!(
        page.eval("getComputedStyle(document.querySelector('.view')).display"),
        "none"
    );
    assert_eq!(
        page.eval("getComputedStyle(document.querySelector('.overview .scroll')).display"),
        "block"
    );
    let pdf = page.pdf();
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
fn run_in_page(page: &mut Page, addresses: &[String]) -> Vec<Vec<f64>> {
    page.wait("the page to run the network", |page| {
        page.eval("document.querySelector('.view-live').dataset.loss > 0") == true
    });
    let each = "async (h) => { const heard = new Promise((done) => addEventListener('hashchange', done, { once: true })); location.hash = h; await heard; const d = document.querySelector('.view-live').dataset; return [...JSON.parse(d.changes), Number(d.loss)]; }";
    let all = format!(
        "(async () => {{ const each = {each}; const found = []; for (const h of {}) found.push(await each(h)); return found; }})()",
        json!(addresses)
    );
    serde_json::from_value(page.eval(&all)).expect("lists of numbers")
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

fn the_page_computes_what_the_report_says_and_five_hundred_random_edits(kind: Kind) {
    let (audit, whole) = audited_in_f64();
    let Some((mut page, _dir)) = opened(kind, &audit, DESK) else {
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
    let found: Vec<Vec<f64>> = run_in_page(&mut page, &addresses)
        .into_iter()
        .map(|found| vec![found[0].max(found[1]), found[2]])
        .collect();
    let report: Vec<Vec<f64>> = curve
        .iter()
        .map(|p| vec![p.max_abs_change, p.loss.expect("targets")])
        .collect();
    assert_close(&found, &report);
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
    let found = run_in_page(&mut page, &addresses);
    assert_close(&found, &report);
    assert_eq!(page.complaints(), Vec::<String>::new());
}

fn a_click_ablates_and_the_address_keeps_it(kind: Kind) {
    let (audit, _) = audited_in_f64();
    let Some((mut page, _dir)) = opened(kind, &audit, DESK) else {
        return;
    };
    let line = |page: &mut Page| page.text(".view-live");
    wait_until_live(&mut page);
    let before = line(&mut page);
    let busy = "(() => { const all = [...document.querySelectorAll('.view-stage circle.node')]; return all.findIndex((c, k) => k > 4 && !c.classList.contains('alone')); })()";
    let busy = page
        .eval(busy)
        .as_u64()
        .and_then(|k| usize::try_from(k).ok());
    let site = place_of(&mut page, busy.expect("a hidden site with edges"));
    page.click(site);
    page.press(".view-detail p button");
    assert!(
        line(&mut page).contains("1 site ablated (zero)"),
        "{}",
        line(&mut page)
    );
    assert_ne!(line(&mut page), before);
    let kept = page.eval("location.hash");
    assert!(
        kept.as_str()
            .is_some_and(|hash| hash.starts_with("#view:off=h1.")),
        "{kept}"
    );
    page.press(".view-live button");
    assert_eq!(line(&mut page), before);
    assert_eq!(page.complaints(), Vec::<String>::new());
}

/// Waits for the page to run the network.
fn wait_until_live(page: &mut Page) {
    page.wait("the page to run the network", |page| {
        page.text(".view-live")
            .starts_with("Run here on 100 samples")
    });
}

/// Pins a site by its name.
fn pin(page: &mut Page, site: &str) {
    page.press(".view-controls input[type=search]");
    for letter in site.chars() {
        page.key(&letter.to_string());
    }
    page.key("Enter");
}

/// Smallest and largest number of a picture's words, `Against x: from −0.25 to 1`.
fn ends_of(label: &str) -> (f64, f64) {
    let label = label.replace('−', "-");
    let (_, ends) = label.split_once(": from ").expect("ends");
    let (low, high) = ends.split_once(" to ").expect("both");
    (low.parse().expect("low"), high.parse().expect("high"))
}

fn a_pinned_neuron_is_drawn_as_the_function_that_it_is(kind: Kind) {
    let (audit, whole) = audited_in_f64();
    let Some((mut page, _dir)) = opened(kind, &audit, DESK) else {
        return;
    };
    wait_until_live(&mut page);
    // A neuron with edges, and its activations at every sample by hand.
    let busy = "(() => { const b = [...document.querySelectorAll('.view-stage circle.node')]; return b.findIndex((c, k) => k > 4 && !c.classList.contains('alone')) - 4; })()";
    let k = page.eval(busy).as_u64().expect("a neuron");
    let k = usize::try_from(k).expect("a few");
    let threshold = audit.prune.as_ref().expect("it was pruned").threshold;
    let layer = &whole.layers[0];
    let silu = |z: f64| z / (1.0 + (-z).exp());
    let activation = |sample: &Vec<f64>| {
        let row = layer.weight.row(k);
        let kept = row.iter().zip(sample).filter(|(w, _)| w.abs() >= threshold);
        silu(layer.bias[k] + kept.map(|(w, x)| w * x).sum::<f64>())
    };
    let inputs = &audit.replay.as_ref().expect("samples").inputs;
    let values: Vec<f64> = inputs.iter().map(activation).collect();
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    pin(&mut page, &format!("h1.{k}"));
    let labels = "[...document.querySelectorAll('.view-detail .unit')].map((s) => s.getAttribute('aria-label'))";
    let labels: Vec<String> = serde_json::from_value(page.eval(labels)).expect("labels");
    assert!(labels.len() >= 2, "{labels:?}");
    assert!(labels[0].starts_with("Against weighted sum"), "{labels:?}");
    for label in &labels {
        let (least, most) = ends_of(label);
        // Three digits are shown.
        assert!((least - low).abs() <= 0.005 * low.abs(), "{label}: {low}");
        assert!((most - high).abs() <= 0.005 * high.abs(), "{label}: {high}");
    }
    let dots =
        page.eval("document.querySelector('.view-detail .unit').querySelectorAll('circle').length");
    assert_eq!(dots, inputs.len());
    keep_picture(&mut page, "unit", false);
    // What goes in is taken out: the neuron is the constant that its bias makes.
    let ablated: Vec<String> = (0..4).map(|input| format!("x{input}")).collect();
    page.eval(&format!(
        "location.hash = 'view:off={}'; 1",
        ablated.join("+")
    ));
    let constant = silu(layer.bias[k]);
    page.wait("the constant", |page| {
        page.text(".view-live").contains("4 sites ablated")
    });
    let label =
        page.eval("document.querySelector('.view-detail .unit').getAttribute('aria-label')");
    let (least, most) = ends_of(label.as_str().expect("a label"));
    assert!((least - constant + 1.0).abs() < 5e-3 && (most - constant - 1.0).abs() < 5e-3);
    assert_eq!(page.complaints(), Vec::<String>::new());
}

fn a_view_with_a_name_can_be_kept_handed_on_and_forgotten(kind: Kind) {
    let (audit, _) = audited_in_f64();
    let Some((mut page, dir)) = opened(kind, &audit, DESK) else {
        return;
    };
    wait_until_live(&mut page);
    let whole = page.text(".view-live");
    page.eval("location.hash = 'view:off=x1&cut=x0%3Eh1.3'; 1");
    page.wait("the edit", |page| {
        page.text(".view-live").contains("1 site ablated")
    });
    let edited = page.text(".view-live");
    assert!(edited.contains("1 edge cut"), "{edited}");
    let folded = "[...document.querySelectorAll('.view-modules summary')].find((s) => s.textContent === 'Named views')";
    page.eval(&format!("{folded}.id = 'named'; 1"));
    page.press("#named");
    page.press("input[aria-label='Name of this view']");
    for letter in ["<", "b", ">", "a"] {
        page.key(letter);
    }
    page.press("#named ~ p button");
    let kept = "[...document.querySelectorAll('#named ~ ul a')].map((a) => a.textContent)";
    assert_eq!(page.eval(kept), json!(["<b>a"]));
    let hash = page.eval("location.hash");
    let hash = hash.as_str().expect("an address").to_owned();
    assert!(hash.contains("name=%3Cb%3Ea"), "{hash}");
    // All is as at first, and the link leads back.
    page.press("button[aria-label='Reset: show everything as it was at first']");
    page.wait("the reset", |page| page.text(".view-live") == whole);
    page.press("#named ~ ul a");
    page.wait("the kept view", |page| page.text(".view-live") == edited);
    // The address alone, and the saved page, give the same to someone else.
    page.press("#named ~ p button:last-of-type");
    let saved = dir.path().join("saved.html");
    std::fs::write(&saved, page.download("index.html")).expect("written");
    page.visit(&dir.path().join(format!("saved.html{hash}")));
    page.wait("the view of the address", |page| {
        page.text(".view-live") == edited
    });
    page.eval(&format!("{folded}.id = 'named'; 1"));
    assert_eq!(page.eval(kept), json!(["<b>a"]));
    page.press("#named");
    page.press("#named ~ ul button");
    assert_eq!(page.eval(kept), json!([]));
    assert_eq!(page.complaints(), Vec::<String>::new());
}

/// Chooses an option of a list as a reader does.
fn choose(page: &mut Page, list: &str, option: usize) {
    page.eval(&format!(
        "(() => {{ const s = document.querySelector({list:?}); s.selectedIndex = {option}; s.dispatchEvent(new Event('change')); }})()"
    ));
}

fn attention_is_of_the_sample_and_the_head_that_are_chosen(kind: Kind) {
    let mut audit = transformer();
    let pattern = |sample: usize, head: usize, shares: &[f64]| Attention {
        sample,
        head,
        queries: vec![1, 2],
        pattern: shares.to_vec(),
        ..Attention::default()
    };
    audit.attention = vec![
        pattern(0, 0, &[0.75, 0.25, 0.0, 0.125, 0.375, 0.5]),
        pattern(0, 1, &[0.5, 0.5, 0.0, 1.0, 0.0, 0.0]),
        pattern(1, 0, &[0.25, 0.75, 0.0, 0.0, 0.0, 1.0]),
        pattern(1, 1, &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
    ];
    audit.prompts = [["<b>Mary</b>", " gave", " it"], ["John", " ran", "\n"]]
        .map(|tokens| Prompt {
            clean: tokens.map(str::to_owned).to_vec(),
            ..Prompt::default()
        })
        .to_vec();
    let Some((mut page, _dir)) = opened(kind, &audit, DESK) else {
        return;
    };
    page.wait("the patterns", |page| {
        !page.text(".attention-told").is_empty()
    });
    let told = |page: &mut Page| page.text(".attention-told");
    assert_eq!(
        told(&mut page),
        "·it (position 2) reads ·it (position 2) 50 %, ·gave (position 1) 37.5 %, <b>Mary</b> (position 0) 12.5 %."
    );
    // Another token, another head, another sample.
    page.press(".attention-tokens button:nth-of-type(2)");
    assert!(told(&mut page).starts_with("·gave (position 1) reads <b>Mary</b> (position 0) 75 %"));
    choose(&mut page, ".attention select[aria-label=Head]", 1);
    assert!(told(&mut page).contains("(position 0) 50 %, ·gave (position 1) 50 %."));
    choose(&mut page, ".attention select[aria-label=Sample]", 1);
    assert_eq!(
        told(&mut page),
        "·ran (position 1) reads John (position 0) 100 %."
    );
    assert_eq!(page.text(".attention-tokens"), "John ·ran ↵ ");
    let shares = "[...document.querySelectorAll('.attention .heat')].map((r) => Number(r.getAttribute('fill-opacity')))";
    assert_eq!(page.eval(shares), json!([1, 0, 0, 0, 1, 0]));
    page.middle(".attention");
    keep_picture(&mut page, "attention", false);
    assert_eq!(page.complaints(), Vec::<String>::new());
}

fn two_networks_of_a_comparison_are_cut_at_one_threshold(kind: Kind) {
    let text = std::fs::read_to_string("reports/compare-independence/compare.json");
    let comparison: Comparison =
        serde_json::from_str(&text.expect("the committed comparison")).expect("a comparison");
    let dir = tempfile::tempdir().expect("a temporary folder");
    report::write_comparison(&comparison, dir.path(), &Default::default()).expect("it is written");
    let Some(mut page) = Page::open(kind, &dir.path().join("index.html"), DESK) else {
        return;
    };
    page.wait("both networks", |page| {
        page.eval("document.querySelectorAll('.pair svg').length") == 2
    });
    choose(
        &mut page,
        ".pair figure:last-child select",
        comparison.networks.len() - 1,
    );
    for stop in [0, 40, 80, 100] {
        let set = format!(
            "(() => {{ const s = document.querySelector('#pair-threshold'); s.value = {stop}; s.dispatchEvent(new Event('input')); return Number(s.dataset.threshold); }})()"
        );
        let threshold = page.eval(&set).as_f64().expect("a threshold");
        let left = |network: usize| {
            let edges = &comparison.networks[network].picture.edges;
            edges.iter().filter(|e| e.3.abs() >= threshold).count()
        };
        let drawn = "[...document.querySelectorAll('.pair svg')].map((s) => s.querySelectorAll('line').length)";
        let expected = [left(0), left(comparison.networks.len() - 1)];
        assert_eq!(page.eval(drawn), json!(expected), "at {threshold}");
    }
    page.middle(".pair");
    keep_picture(&mut page, "pair", false);
    assert_eq!(page.complaints(), Vec::<String>::new());
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

fn a_transformer_is_drawn_by_its_components(kind: Kind) {
    let Some((mut page, _dir)) = opened(kind, &transformer(), DESK) else {
        return;
    };
    assert_eq!(page.complaints(), Vec::<String>::new());
    assert_eq!(
        page.eval("document.querySelectorAll('.view-stage .edge').length"),
        9
    );
    assert_eq!(
        page.eval("document.querySelectorAll('.view-stage .edge.port2').length"),
        1
    );
    page.middle(".view-stage");
    keep_picture(&mut page, "transformer", false);
    page.press(".view-group button[aria-label='Next circuit']");
    assert_eq!(
        page.eval("document.querySelectorAll('.view-stage .edge').length"),
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

fn ninety_thousand_edges_stay_usable(kind: Kind) {
    let Some((mut page, dir)) = opened(kind, &large(), DESK) else {
        return;
    };
    let bytes = std::fs::metadata(dir.path().join("index.html"))
        .expect("a page")
        .len();
    assert!(bytes < 4_000_000, "{bytes} bytes");
    assert_eq!(page.complaints(), Vec::<String>::new());
    assert!(
        page.text("#view-kept")
            .starts_with("89,400 of 89,400 edges")
    );
    let opened = page.eval("performance.timing.domComplete - performance.timing.navigationStart");
    let frames = "new Promise((done) => { const times = []; const tick = (t) => { times.push(t); if (times.length < 60) requestAnimationFrame(tick); else { const gaps = times.slice(1).map((t, k) => t - times[k]).sort((a, b) => a - b); done([gaps[29], gaps[56]]); } }; requestAnimationFrame(tick); })";
    let start = page.middle(".view-stage");
    keep_picture(&mut page, "large", false);
    let path: Vec<_> = (0..60)
        .map(|step| (start.0 + f64::from(step) * 3.0, start.1))
        .collect();
    page.drag(start, &path, &format!("window.measured = {frames}; 1"));
    let gaps = page.eval("window.measured");
    println!(
        "{bytes} bytes, opened in {opened} ms, pan: {} ms a frame (median), {} ms (95 %)",
        gaps[0], gaps[1]
    );
    page.press(".view-controls button[aria-pressed='false']:last-of-type");
    page.settle();
    keep_picture(&mut page, "large-3d", false);
    page.press("#view-threshold");
    assert!(!page.text("#view-kept").starts_with("89,400"));
    page.hover(start);
    assert_eq!(page.complaints(), Vec::<String>::new());
    let _: &Path = dir.path();
}
