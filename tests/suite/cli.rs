//! The command line: what a person types, and sees.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use modscope::checkpoint::Checkpoint;
use serde_json::Value;
use tempfile::TempDir;

/// What a command came to.
pub struct Seen {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// An empty folder to type commands in.
pub struct Desk(TempDir);

impl Desk {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_modscope"));
        command.args(line.split_whitespace()).current_dir(&self.0);
        command
    }

    /// Types `modscope LINE`.
    pub fn run(&self, line: &str) -> Seen {
        let output = self.command(line).output().unwrap();
        Seen {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The names of what lies on it, hidden ones too.
    fn holds(&self) -> Vec<String> {
        let listing = fs::read_dir(&self.0).unwrap();
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<String> = listing
            .map(|entry| name(entry).to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

/// How the summary of the embedded example begins.
const EXAMPLE: &str = "embedded:independence-bimt: bimt-mlp, 4-20-20-2, silu (from config.json), f32, 562 parameters\n\nPromises and tests: 4 holds, none fails";

/// Exit code and whole standard error; how standard output begins.
fn check(desk: &Desk, line: &str, code: i32, stdout: &str, stderr: &str) {
    let seen = desk.run(line);
    assert_eq!(seen.stderr, stderr, "modscope {line}");
    assert_eq!(seen.code, Some(code), "modscope {line}");
    assert!(
        seen.stdout.starts_with(stdout) && (seen.stdout.is_empty() == stdout.is_empty()),
        "modscope {line}: {}",
        seen.stdout
    );
}

pub fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name);
    path.display().to_string()
}

/// A result without what differs from run to run: costs, and the words typed.
fn without_costs(json: &str) -> Value {
    let mut result: Value = serde_json::from_str(json).unwrap();
    result.as_object_mut().unwrap().remove("costs").unwrap();
    result.as_object_mut().unwrap().remove("command").unwrap();
    for circuit in result["circuits"].as_array_mut().unwrap() {
        circuit.as_object_mut().unwrap().remove("seconds").unwrap();
    }
    result
}

#[test]
fn help_of_every_command_shows_an_example() {
    let desk = Desk::new();
    for command in [
        "audit",
        "inspect",
        "prune",
        "modules",
        "circuit",
        "stability",
        "intervene",
        "lens",
        "report",
        "completions",
        "man",
    ] {
        let help = desk.run(&format!("{command} --help"));
        assert_eq!(help.code, Some(0), "{command}");
        let (_, examples) = help.stdout.split_once("Example").expect(command);
        assert!(
            examples.contains(&format!("modscope {command}")),
            "{command}"
        );
        assert!(help.stderr.is_empty(), "{command}");
    }
    let all = desk.run("--help").stdout;
    assert!(all.contains("Exit codes: 0 done"), "{all}");
}

#[test]
fn audit_alone_audits_the_example_again_and_again() {
    let desk = Desk::new();
    check(&desk, "audit", 0, EXAMPLE, "");
    assert_eq!(desk.holds(), ["reports"]);
    for file in ["index.html", "audit.json", "figures", "tables"] {
        assert!(desk.path("reports/example").join(file).exists(), "{file}");
    }
    check(&desk, "audit", 0, EXAMPLE, "");
    let beside: Vec<_> = fs::read_dir(desk.path("reports")).unwrap().collect();
    assert_eq!(beside.len(), 1, "nothing else in reports/");
}

#[test]
fn an_existing_result_is_replaced_only_with_force() {
    let desk = Desk::new();
    check(&desk, "audit --out a --quiet", 0, "", "");
    let refused = "error: a result is already there\n  in: a\n  try: `--force` replaces it, `--out DIR` writes elsewhere\n";
    check(&desk, "audit --out a", 2, "", refused);
    fs::write(desk.path("a/index.html"), "old").unwrap();
    check(&desk, "audit --out a --force --quiet", 0, "", "");
    assert_ne!(
        fs::read_to_string(desk.path("a/index.html")).unwrap(),
        "old"
    );
    assert_eq!(desk.holds(), ["a"]);
}

#[test]
fn force_takes_no_folder_of_other_things_away() {
    let desk = Desk::new();
    fs::create_dir(desk.path("mine")).unwrap();
    fs::write(desk.path("mine/thesis.tex"), "text").unwrap();
    assert_eq!(desk.run("audit --out mine --force").code, Some(2));
    assert!(desk.path("mine/thesis.tex").exists());
    fs::create_dir(desk.path("empty")).unwrap();
    assert_eq!(desk.run("audit --out empty --force").code, Some(0));
}

#[test]
fn json_is_all_there_is_on_standard_output_and_nothing_is_written() {
    let desk = Desk::new();
    let seen = desk.run("audit --json");
    assert_eq!((seen.code, seen.stderr.as_str()), (Some(0), ""));
    let result: Value = serde_json::from_str(&seen.stdout).unwrap();
    assert_eq!(result["schema"], "modscope/2");
    assert_eq!(result["command"][1], "audit");
    assert!(desk.holds().is_empty());
    // With a folder it is written too.
    assert_eq!(desk.run("audit --json --out a").code, Some(0));
    assert!(desk.path("a/index.html").exists());
}

#[test]
fn moved_outputs_are_exit_code_1_and_said() {
    let desk = Desk::new();
    let seen = desk.run("audit --threshold 0.1");
    assert_eq!(seen.code, Some(1), "{}", seen.stderr);
    assert!(seen.stdout.contains("fails"), "{}", seen.stdout);
    assert!(desk.path("reports/example/index.html").exists());
    assert_eq!(
        desk.run("audit --threshold 0.1 --tolerance 0.9").code,
        Some(0)
    );
}

#[test]
fn a_pruned_checkpoint_is_audited_like_any_other() {
    let desk = Desk::new();
    let (source, data) = (
        fixture("independence-bimt"),
        fixture("independence-bimt/data.safetensors"),
    );
    let line =
        format!("prune {source} --threshold 0.01 --tolerance 0.1 --write p.safetensors --json");
    let seen = desk.run(&line);
    assert_eq!(seen.code, Some(0), "{}", seen.stderr);
    assert_eq!(desk.holds(), ["p.safetensors"]);
    let kept =
        |json: &str| serde_json::from_str::<Value>(json).unwrap()["prune"]["edges_kept"].as_u64();
    assert_eq!(kept(&seen.stdout), Some(24));

    // It moved away from what its framework computed, and says so.
    let again = desk.run(&format!(
        "prune p.safetensors --data {data} --threshold 1e-9 --json"
    ));
    assert_eq!(again.code, Some(1), "{}", again.stderr);
    assert_eq!(kept(&again.stdout), Some(24));
    let result: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(result["checkpoint"]["layout"], "bimt-mlp");
    assert_eq!(result["parity"]["holds"], false);

    let before = Checkpoint::open(Path::new(&source)).unwrap();
    let after = Checkpoint::open(&desk.path("p.safetensors")).unwrap();
    for name in ["in_perm", "out_perm", "linears.0.linear.bias"] {
        assert_eq!(before.tensors[name], after.tensors[name], "{name}");
    }
    // A file that is there stays, but with --force.
    assert_eq!(desk.run(&line).code, Some(2));
    assert_eq!(desk.run(&format!("{line} --force")).code, Some(0));
}

#[test]
fn a_relocated_network_is_the_same_function_with_shorter_wiring() {
    let desk = Desk::new();
    let source = fixture("two_moon-bimt");
    for method in ["--relocate", "--relocate=annealing"] {
        let line = format!(
            "modules {source} --threshold 0 --null 0 {method} --write-relocated --out out{method}"
        );
        let seen = desk.run(&line);
        assert_eq!(seen.code, Some(0), "{}", seen.stderr);
        assert!(
            seen.stdout.contains("lowers the wiring cost"),
            "{}",
            seen.stdout
        );
        let folder = desk.path(&format!("out{method}"));
        assert!(folder.join("figures/network-relocated.svg").exists());
        let json = fs::read_to_string(folder.join("modules.json")).unwrap();
        let result: Value = serde_json::from_str(&json).unwrap();
        let wiring = &result["modules"]["wiring"];
        let (before, after) = (&wiring["cost"], wiring["cost_after_relocation"].as_f64());
        assert!(after < before.as_f64(), "{wiring}");

        fs::copy(format!("{source}/config.json"), folder.join("config.json")).unwrap();
        // The file has the same outputs, and nothing more to gain.
        let again = desk.run(&format!(
            "modules {} --data {source}/data.safetensors --threshold 0 --null 0 --relocate --json",
            folder.join("relocated.safetensors").display()
        ));
        assert_eq!(again.code, Some(0), "{}", again.stderr);
        let again: Value = serde_json::from_str(&again.stdout).unwrap();
        assert_eq!(again["parity"]["holds"], true);
        assert_eq!(again["modules"]["wiring"]["relocation"]["swaps"], 0);
        let cost = again["modules"]["wiring"]["cost"].as_f64().unwrap();
        assert!((cost - after.unwrap()).abs() < 1e-5, "{cost} {after:?}");
    }
}

/// The result of `modscope modules` on the fixture of two independent formulas.
fn modules_of_the_example(desk: &Desk, flags: &str) -> Value {
    let source = fixture("independence-bimt");
    let seen = desk.run(&format!(
        "modules {source} --threshold 0.015 --tolerance 0.1 --json {flags}"
    ));
    assert_eq!(seen.code, Some(0), "{flags}: {}", seen.stderr);
    serde_json::from_str::<Value>(&seen.stdout).unwrap()["modules"].clone()
}

/// The example's few edges support no blocks: one module of all, and the report says so.
#[test]
fn few_edges_support_no_blocks() {
    let desk = Desk::new();
    let modules = modules_of_the_example(&desk, "--algorithm sbm --null layer:5");
    let blocks = &modules["blocks"];
    assert_eq!(modules["algorithm"], "sbm");
    assert_eq!(
        (&modules["count"], &blocks["count"]),
        (&1.into(), &0.into())
    );
    let nats = |name: &str| blocks[name].as_f64().unwrap();
    assert!(nats("description_length") >= nats("null_description_length") - 1e-6);
    assert!(nats("modules_description_length") <= nats("null_description_length") + 1e-6);
}

#[test]
fn every_algorithm_and_edge_weight_respects_the_two_formulas() {
    let desk = Desk::new();
    let algorithms = [
        "leiden",
        "louvain",
        "spectral",
        "infomap",
        "label-propagation",
        "components",
    ];
    let flags = algorithms.map(|name| format!("--algorithm {name} --null layer:5"));
    let weights = ["spread", "effect", "spread --per-layer"];
    let weights = weights.map(|name| format!("--edge-weight {name} --null degree:5"));
    for flags in flags.into_iter().chain(weights) {
        let modules = modules_of_the_example(&desk, &flags);
        let parts = modules["independence"]["components"].as_array().unwrap();
        assert_eq!(parts.len(), 2, "{flags}");
        let first = parts[0].to_string();
        let mut sides = std::collections::BTreeMap::new();
        for site in modules["partition"].as_array().unwrap() {
            let is_first = first.contains(&format!("\"{}\"", site["site"].as_str().unwrap()));
            let module = site["module"].as_u64().unwrap();
            assert_eq!(
                *sides.entry(module).or_insert(is_first),
                is_first,
                "{flags}"
            );
        }
        assert!(sides.len() > 1, "{flags}");
    }
}

#[test]
fn modules_of_transformers_are_of_components_or_of_channels() {
    let desk = Desk::new();
    let gpt2 = fixture("gpt2");
    let modules = |flags: &str| {
        let seen = desk.run(&format!(
            "modules {gpt2} --threshold 0 --null 9 --json {flags}"
        ));
        assert_eq!(seen.code, Some(0), "{flags}: {}", seen.stderr);
        serde_json::from_str::<Value>(&seen.stdout).unwrap()["modules"].clone()
    };
    let found = modules("--resamples 5");
    assert_eq!(found["granularity"], "component");
    assert_eq!(found["edge_weight"], "effect");
    assert_eq!(found["measured_on"], "logit-diff, corrupted fill");
    assert_eq!(found["bootstrap"]["draws"].as_array().unwrap().len(), 5);
    let sites = |found: &Value| -> Vec<String> {
        let assigned = found["partition"].as_array().unwrap().iter();
        let isolated = found["isolated"].as_array().unwrap().iter();
        let sites = assigned.map(|a| &a["site"]).chain(isolated);
        sites
            .map(|site| site.as_str().unwrap().to_owned())
            .collect()
    };
    let mut components = sites(&found);
    components.sort();
    let expected = "a0.h0 a0.h1 a1.h0 a1.h1 input logits m0 m1";
    assert_eq!(components.join(" "), expected);
    assert_eq!(found["lesions"][0]["metric"], "logit-diff");
    let estimated = modules("--edge-weight attribution");
    assert_eq!(estimated["bootstrap"], Value::Null);
    let fine = modules("--granularity neuron --edge-weight spread --resamples 3 --samples 3");
    assert_eq!(fine["granularity"], "neuron");
    // A channel is in one module from the embedding to the end.
    let module = |site: &str| {
        let mut assigned = fine["partition"].as_array().unwrap().iter();
        assigned.find(|a| a["site"] == site).unwrap()["module"].clone()
    };
    assert_eq!(module("r0.3"), module("r4.3"));
    let seen = desk.run(&format!(
        "modules {gpt2} --threshold 0 --edge-weight spread --json"
    ));
    assert_eq!(seen.code, Some(2), "{}", seen.stderr);
    assert!(
        seen.stderr.contains("--granularity neuron"),
        "{}",
        seen.stderr
    );
}

#[test]
fn modules_hang_on_samples_and_places() {
    let desk = Desk::new();
    let found = modules_of_the_example(&desk, "--edge-weight spread --resamples 4 --null 30");
    let bootstrap = &found["bootstrap"];
    assert_eq!(bootstrap["draws"].as_array().unwrap().len(), 4);
    assert!(bootstrap["rand_index"].as_f64().unwrap() > 0.0);
    let placement = &found["placement"];
    let spreads = placement["spreads"].as_array().unwrap();
    assert!(!spreads.is_empty() && spreads.len() as u64 <= found["count"].as_u64().unwrap());
    assert_eq!(placement["neighbours"]["null"]["samples"], 30);
    let weights_alone = modules_of_the_example(&desk, "--null 0");
    assert_eq!(weights_alone["bootstrap"], Value::Null);
    assert_eq!(weights_alone["placement"], Value::Null);
}

#[test]
fn modules_answer_what_they_are_asked() {
    let desk = Desk::new();
    let flags = "--null layer:19,untrained:19 --scan --hierarchy --shapley";
    let modules = modules_of_the_example(&desk, flags);
    let nulls = modules["measures"][0]["nulls"].as_array().unwrap();
    assert_eq!((nulls.len(), &nulls[1]["model"]), (2, &"untrained".into()));
    let plateaus = modules["scan"]["plateaus"].as_array().unwrap();
    assert!(plateaus.iter().any(|p| p["count"] == 2), "{plateaus:?}");
    // Shapley values add up to what all modules do together.
    for game in modules["coalitions"].as_array().unwrap() {
        let shares = game["shares"].as_array().unwrap();
        let sum: f64 = shares.iter().map(|s| s["shapley"].as_f64().unwrap()).sum();
        let whole = game["all"].as_f64().unwrap() - game["none"].as_f64().unwrap();
        assert!(
            (sum - whole).abs() < 1e-9 * whole.abs().max(1.0),
            "{sum} {whole}"
        );
        assert_eq!(game["subsets"].as_array().unwrap().len(), 1 << shares.len());
    }
    // The formulas are those of the pruned network, up to five digits.
    let formulas = modules["insight"]["formulas"].as_array().unwrap();
    assert_eq!(formulas.len(), 2);
    for formula in formulas {
        assert!(formula["text"].as_str().unwrap().contains("silu("));
        assert!(
            formula["max_abs_difference"].as_f64().unwrap() < 1e-3,
            "{formula}"
        );
    }
    let plain = modules_of_the_example(&desk, "--null 0");
    assert!(plain["null"].is_null() && plain["scan"].is_null());
}

#[test]
fn inspect_lists_tensors_even_of_what_is_no_network() {
    let desk = Desk::new();
    let seen = desk.run(&format!("inspect {}", fixture("independence-bimt")));
    assert_eq!((seen.code, seen.stderr.as_str()), (Some(0), ""));
    for text in ["layout      bimt-mlp", "4 → 20 → 20 → 2", "silu", "in_perm"] {
        assert!(seen.stdout.contains(text), "{text}: {}", seen.stdout);
    }
    let seen = desk.run(&format!(
        "inspect {}",
        fixture("broken/checkpoint/no-layout")
    ));
    assert_eq!((seen.code, seen.stderr.as_str()), (Some(0), ""));
    assert!(seen.stdout.contains("alpha"), "{}", seen.stdout);
    let why = "no network  the tensors fit no layout";
    assert!(seen.stdout.contains(why), "{}", seen.stdout);
    let seen = desk.run(&format!("inspect {} --json", fixture("independence-bimt")));
    let json: Value = serde_json::from_str(&seen.stdout).unwrap();
    assert_eq!(
        json["checkpoint"]["layers"],
        serde_json::json!([4, 20, 20, 2])
    );
}

#[test]
fn a_saved_result_is_drawn_again() {
    let desk = Desk::new();
    check(&desk, "audit --out a --quiet", 0, "", "");
    check(&desk, "report a/audit.json --out b", 0, EXAMPLE, "");
    for entry in fs::read_dir(desk.path("a/figures")).unwrap() {
        let name = entry.unwrap().file_name();
        let read = |folder: &str| fs::read(desk.path(folder).join("figures").join(&name)).unwrap();
        assert!(read("a") == read("b"), "{name:?}");
    }
}

#[test]
fn results_with_nan_are_drawn_again() {
    let desk = Desk::new();
    let line = format!(
        "audit {} --data {} --out a",
        fixture("broken/checkpoint/nan-weights/model.safetensors"),
        fixture("broken/good/data.safetensors")
    );
    assert_eq!(desk.run(&line).code, Some(1));
    let seen = desk.run("report a/audit.json --out b");
    assert_eq!((seen.code, seen.stderr.as_str()), (Some(1), ""));
}

#[test]
fn completions_name_every_command() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish"] {
        let seen = desk.run(&format!("completions {shell}"));
        assert_eq!(seen.code, Some(0));
        assert!(seen.stdout.contains("inspect"), "{shell}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let desk = Desk::new();
    let seen = desk.run("man");
    assert_eq!((seen.code, seen.stderr.as_str()), (Some(0), ""));
    assert!(seen.stdout.contains("SUBCOMMANDS"), "{}", seen.stdout);
    assert_eq!(desk.run("man --out pages").code, Some(0));
    for page in ["modscope.1", "modscope-audit.1", "modscope-stability.1"] {
        let text = fs::read_to_string(desk.0.path().join("pages").join(page)).unwrap();
        assert!(
            text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"),
            "{page}"
        );
    }
}

#[test]
fn what_cannot_be_meant_is_exit_code_2() {
    let desk = Desk::new();
    for line in [
        "",
        "--no-such-flag",
        "audit --no-such-flag",
        "audit --threads 0",
        "audit --threads 1000000",
        "audit --tolerance -1",
        "audit --tolerance nan",
        "audit --threshold -0.5",
        "audit --threshold inf",
        "audit --resolution nan",
        "audit --resolution 0",
        "audit --within -0.1",
        "audit --within nan",
        "audit --top 0",
        "audit --seed -1",
        "audit --null no-such-model",
        "audit --null layer:many",
        "audit --algorithm no-such-algorithm",
        "audit --edge-weight no-such-weight",
        "audit --null layer:5,no-such-model",
        "audit --quality no-such-quality",
        "audit --clusters 0",
        "audit --method no-such-method",
        "audit --metric no-such-metric",
        "audit --fill no-such-fill",
        "audit --quiet --verbose",
        "audit --json --write-pruned",
        "audit --relocate=no-such-method",
        "audit --write-relocated",
        "audit --json --relocate --write-relocated",
        "circuit x --threshold -1",
        "completions no-such-shell",
        "inspect",
        "no-such-command",
    ] {
        let seen = desk.run(line);
        assert_eq!(seen.code, Some(2), "modscope {line}");
        assert!(
            seen.stdout.is_empty() && !seen.stderr.is_empty(),
            "modscope {line}"
        );
    }
    assert!(desk.holds().is_empty());
}

#[test]
fn no_colour_and_no_progress_where_nobody_watches() {
    let desk = Desk::new();
    for no_color in [false, true] {
        let mut command = desk.command("audit");
        if no_color {
            command.env("NO_COLOR", "1");
        }
        let output = command.output().unwrap();
        assert!(output.stderr.is_empty());
        assert!(!output.stdout.contains(&0x1b));
    }
    let verbose = desk.run("audit --verbose");
    assert!(
        verbose.stderr.contains("pruning and verifying"),
        "{}",
        verbose.stderr
    );
}

#[test]
fn the_same_seed_gives_the_same_result_whatever_the_threads() {
    let desk = Desk::new();
    let source = fixture("two_moon-bimt");
    for line in [
        "audit --json".to_owned(),
        format!("audit {source} --json --fill resample"),
    ] {
        let result = |extra: &str| without_costs(&desk.run(&format!("{line} {extra}")).stdout);
        let one = result("--threads 1");
        assert!(one == result("--threads 3"), "{line}");
        assert!(one == result("--seed 0"), "{line}");
        assert!(one != result("--seed 5"), "{line}: seeds count");
    }
}

#[test]
fn a_reader_that_wants_no_more_is_no_error() {
    let desk = Desk::new();
    for line in ["audit --json", "completions bash"] {
        let mut child = desk
            .command(line)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line}");
        assert_eq!(output.status.code(), Some(0), "{line}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_nothing() {
    // What a shell starts in the background ignores interrupts, and so do its children.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    if ignored.is_some_and(|mask| mask & 0b10 != 0) {
        println!("skipped: interrupts are ignored here");
        return;
    }
    let desk = Desk::new();
    // So many shuffles take minutes.
    let mut child = desk
        .command("audit --null layer:100000 --quiet --out a")
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let status = child.wait().unwrap();
    assert!(matches!(status.code(), None | Some(130)), "{status}");
    assert!(desk.holds().is_empty(), "{:?}", desk.holds());
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_killed_run_left_is_swept_away() {
    let desk = Desk::new();
    // No process has this id; ours has its own.
    for part in [
        ".a.999999999.part",
        &format!(".a.{}.part", std::process::id()),
    ] {
        fs::create_dir(desk.path(part)).unwrap();
    }
    check(&desk, "audit --out a --quiet", 0, "", "");
    assert_eq!(
        desk.holds(),
        [format!(".a.{}.part", std::process::id()), "a".to_owned()]
    );
}

#[test]
fn a_certificate_holds_is_refuted_or_is_refused_with_the_reason() {
    let desk = Desk::new();
    let folder = fixture("independence-bimt");
    let certificate = |line: &str| {
        let seen = desk.run(&format!("prune {folder} --json {line}"));
        let result: Value =
            serde_json::from_str(&seen.stdout).unwrap_or_else(|_| panic!("{}", seen.stderr));
        (seen.code, result["prune"].clone())
    };
    // The data name the box; the threshold found is one that is proved.
    let (code, prune) = certificate("--certify");
    assert_eq!(
        (code, prune["certificate"]["holds"].as_bool()),
        (Some(0), Some(true))
    );
    let bound = prune["certificate"]["bound"].as_f64().unwrap();
    assert!(
        bound >= prune["max_abs_change"].as_f64().unwrap(),
        "{bound}"
    );
    assert_eq!(prune["certificate"]["arithmetic"], "f32");
    assert!(prune["certificate"]["rounding"].as_f64().unwrap() > 0.0);
    // Far outside the box the pruned weights add up.
    let (code, prune) = certificate("--certify --domain box:-100,100 --threshold 0.01");
    assert_eq!(
        (code, prune["certificate"]["holds"].as_bool()),
        (Some(1), Some(false))
    );
    let found = &prune["certificate"]["counterexample"];
    assert!(found["change"].as_f64().unwrap() > found["tolerance"].as_f64().unwrap());
    assert_eq!(found["input"].as_array().unwrap().len(), 4);
    // Tokens are nothing this network reads.
    let (code, prune) = certificate("--certify --domain tokens --threshold 0.001");
    // Nothing was proved and nothing refuted: no promise is broken.
    assert_eq!((code, prune["certificate"].is_null()), (Some(0), true));
    assert!(
        prune["not_certified"]
            .as_str()
            .unwrap()
            .contains("the network reads numbers")
    );
}

#[test]
fn a_compact_network_does_the_same() {
    let desk = Desk::new();
    let (folder, data) = (
        fixture("independence-bimt"),
        fixture("independence-bimt/data.safetensors"),
    );
    let seen = desk.run(&format!(
        "prune {folder} -o small.safetensors --compact --json"
    ));
    assert_eq!(seen.code, Some(0), "{}", seen.stderr);
    let result: Value = serde_json::from_str(&seen.stdout).unwrap();
    let compaction = &result["prune"]["compaction"];
    assert!(compaction["parameters_after"].as_u64() < compaction["parameters_before"].as_u64());
    assert!(compaction["max_abs_difference"].as_f64().unwrap() < 1e-5);
    let again = desk.run(&format!(
        "prune small.safetensors --data {data} --threshold 0 --json"
    ));
    let small: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(small["checkpoint"]["layers"], compaction["layers"]);
    let loss = |r: &Value| r["prune"]["loss_after"].as_f64().unwrap();
    assert!((loss(&small) - loss(&result)).abs() < 1e-6);
}

#[test]
fn what_depends_on_two_inputs_is_drawn_over_them() {
    let desk = Desk::new();
    let folder = fixture("two_moon-bimt");
    let seen = desk.run(&format!("modules {folder} --null degree:5 --out moons"));
    assert_eq!(seen.code, Some(0), "{}", seen.stderr);
    let json = fs::read(desk.path("moons/modules.json")).unwrap();
    let result: Value = serde_json::from_slice(&json).unwrap();
    let surfaces = result["modules"]["insight"]["surfaces"].as_array().unwrap();
    // The decision comes first; both moons are decided for somewhere.
    let decision = &surfaces[0];
    assert!(decision["output"].is_null());
    assert_eq!(decision["inputs"], serde_json::json!(["x0", "x1"]));
    let values = decision["values"].as_array().unwrap();
    let points = decision["points"].as_u64().unwrap();
    assert_eq!(values.len() as u64, points * points);
    for class in [0.0, 1.0] {
        assert!(values.iter().any(|value| value.as_f64() == Some(class)));
    }
    let drawn = fs::read_to_string(desk.path("moons/figures/surfaces.svg")).unwrap();
    assert!(drawn.contains("level m0") && drawn.contains("level m1"));
}

#[test]
fn modules_are_written_as_networks_of_their_own() {
    let desk = Desk::new();
    let folder = fixture("independence-bimt");
    let seen = desk.run(&format!("prune {folder} --write-modules --out apart"));
    assert_eq!(seen.code, Some(0), "{}", seen.stderr);
    let said =
        "Modules apart: Written as 2 networks, the modules give the pruned network's outputs";
    assert!(seen.stdout.contains(said), "{}", seen.stdout);
    let json = fs::read(desk.path("apart/prune.json")).unwrap();
    let result: Value = serde_json::from_slice(&json).unwrap();
    let modules = result["prune"]["apart"]["modules"].as_array().unwrap();
    // Each of the two modules reads two of the four inputs, and gives one output.
    let mut features = Vec::new();
    for (at, module) in modules.iter().enumerate() {
        let network = format!("apart/modules/{at}");
        let inspected = desk.run(&format!("inspect {network} --json"));
        assert_eq!(inspected.code, Some(0), "{}", inspected.stderr);
        let opened: Value = serde_json::from_str(&inspected.stdout).unwrap();
        assert_eq!(opened["checkpoint"]["layers"], module["layers"]);
        features.push(module["features"].clone());
    }
    assert_eq!(features.len(), 2);
    features.sort_by_key(ToString::to_string);
    assert_eq!(Value::from(features), serde_json::json!([[0, 2], [1, 3]]));

    // Without a folder there is no place for them; other networks are none of modules.
    let nowhere = desk.run(&format!("prune {folder} --write-modules --json"));
    assert_eq!(nowhere.code, Some(2));
    let gpt2 = fixture("gpt2");
    let line = format!("prune {gpt2} --data {gpt2}/prompts.jsonl --threshold 0.1 --write-modules");
    let refused = desk.run(&format!("{line} --out none"));
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.stderr.contains("`--write-modules` is for MLPs"),
        "{}",
        refused.stderr
    );
    assert_eq!(desk.holds(), ["apart"]);
}

/// A saved result of any command is drawn again as it was, but for nothing.
#[test]
fn results_of_every_command_are_drawn_again() {
    let desk = Desk::new();
    let (mlp, gpt2) = (fixture("independence-bimt"), fixture("gpt2"));
    let on_mlp = format!("{mlp} --data {mlp}/data.safetensors");
    let on_gpt2 = format!("{gpt2} --data {gpt2}/prompts.jsonl");
    for (command, words) in [
        ("diff", format!("{mlp} {on_mlp}")),
        ("intervene", format!("{on_mlp} --set h1.0=0")),
        ("lens", on_gpt2),
        ("stability", format!("{on_mlp} --sample-sets 2")),
    ] {
        let first = desk.run(&format!("{command} {words} --out {command}-1"));
        assert_eq!(first.code, Some(0), "{command}: {}", first.stderr);
        let line = format!("report {command}-1/{command}.json --out {command}-2");
        let again = desk.run(&line);
        assert_eq!(again.code, Some(0), "{command}: {}", again.stderr);
        for file in [format!("{command}.json"), "index.html".to_owned()] {
            let bytes = |n: usize| fs::read(desk.path(&format!("{command}-{n}/{file}"))).unwrap();
            assert!(bytes(1) == bytes(2), "{command}: {file}");
        }
    }
    // A brief is of an audit.
    let brief = desk.run("report lens-1/lens.json --brief --out b");
    assert_eq!(brief.code, Some(2));
    assert!(
        brief.stderr.contains("--brief is of an audit"),
        "{}",
        brief.stderr
    );
}
