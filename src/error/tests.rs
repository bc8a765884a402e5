//! Every error has a place and a remedy.

use super::*;

/// One of each.
fn all() -> Vec<Error> {
    let path = || PathBuf::from("runs/a/model.safetensors");
    let tensor = || "w".to_owned();
    let detail = || "is wrong".to_owned();
    let source = || std::io::Error::other("no");
    vec![
        ErrorKind::Read { source: source() }.at(path()),
        ErrorKind::Write { source: source() }.at(path()),
        ErrorKind::FileTooLarge { size: 2, limit: 1 }.at(path()),
        ErrorKind::NotComparable {
            what: "task".to_owned(),
            found: "two_moon".to_owned(),
            expected: "independence".to_owned(),
        }
        .at(path()),
        ErrorKind::NothingToCompare.at(path()),
        ErrorKind::EmptyFile.at(path()),
        ErrorKind::NotUtf8 { position: 1 }.at(path()),
        ErrorKind::Json { detail: detail() }.at(path()),
        ErrorKind::CheckpointFormat.at(path()),
        ErrorKind::OtherContent {
            content: tensor(),
            remedy: "rename it",
        }
        .at(path()),
        ErrorKind::TorchScript.at(path()),
        ErrorKind::Onnx { detail: detail() }.at(path()),
        ErrorKind::Graph { detail: detail() }.at(path()),
        ErrorKind::OnlyNetworks { detail: "--scan" }.at(path()),
        ErrorKind::Quantised {
            tensor: tensor(),
            dtype: "i8",
            by: "bitsandbytes",
        }
        .at(path()),
        ErrorKind::Adapter { what: tensor() }.at(path()),
        ErrorKind::Chain { detail: detail() }.at(path()),
        ErrorKind::WriteFormat.at(path()),
        ErrorKind::NoCheckpointInFolder { found: vec![] }.at(path()),
        ErrorKind::HeaderLength {
            declared: Some(9),
            available: 1,
        }
        .at(path()),
        ErrorKind::Header { detail: detail() }.at(path()),
        ErrorKind::BytesLeftOver { end: 4, bytes: 1 }.at(path()),
        ErrorKind::TensorBytes {
            tensor: tensor(),
            detail: detail(),
        }
        .at(path()),
        ErrorKind::TensorDtype {
            tensor: tensor(),
            dtype: "F4".into(),
        }
        .at(path()),
        ErrorKind::TorchFile { detail: detail() }.at(path()),
        ErrorKind::ForeignCallable {
            callable: "os.system".into(),
        }
        .at(path()),
        ErrorKind::StateDict { found: vec![] }.at(path()),
        ErrorKind::Shards { detail: detail() }.at(path()),
        ErrorKind::DataFormat.at(path()),
        ErrorKind::Table { detail: detail() }.at(path()),
        ErrorKind::NumPy { detail: detail() }.at(path()),
        ErrorKind::Idx { detail: detail() }.at(path()),
        ErrorKind::NoInputs {
            prefix: String::new(),
            found: vec![],
        }
        .at(path()),
        ErrorKind::NoSamples {
            tensor: tensor(),
            shape: vec![0, 2],
        }
        .at(path()),
        ErrorKind::NoSuchSplit {
            asked: "train".into(),
            found: vec![],
        }
        .at(path()),
        ErrorKind::DataShape {
            tensor: tensor(),
            shape: vec![],
            expected: detail(),
        }
        .at(path()),
        ErrorKind::IntegersExpected {
            tensor: tensor(),
            expected: "classes are integers",
        }
        .at(path()),
        ErrorKind::Domain { detail: detail() }.at(path()),
        ErrorKind::Property {
            line: 3,
            detail: detail(),
        }
        .at(path()),
        ErrorKind::NonFiniteData {
            tensor: tensor(),
            found: f64::NAN,
            row: 0,
            column: 0,
        }
        .at(path()),
        ErrorKind::NegativeIndex {
            tensor: tensor(),
            sample: 0,
            found: -1,
        }
        .at(path()),
        ErrorKind::OtherFormat {
            named: "a table",
            found: "a NumPy array",
        }
        .at(path()),
        ErrorKind::UnknownArray {
            names: vec![tensor()],
            known: detail(),
        }
        .at(path()),
        ErrorKind::Duplicate {
            what: "column",
            name: tensor(),
            detail: detail(),
        }
        .at(path()),
        ErrorKind::EmptyCell {
            line: 2,
            column: tensor(),
        }
        .at(path()),
        ErrorKind::NotANumber {
            line: 2,
            column: tensor(),
            text: "x".into(),
        }
        .at(path()),
        ErrorKind::NoSuchColumn {
            flag: "--target",
            name: tensor(),
            found: vec![],
        }
        .at(path()),
        ErrorKind::TooManyGroups {
            column: tensor(),
            found: 60,
            most: 50,
        }
        .at(path()),
        ErrorKind::GroupsShape {
            name: tensor(),
            shape: vec![3, 2],
            samples: 3,
        }
        .at(path()),
        ErrorKind::NoColumns { column: tensor() }.at(path()),
        ErrorKind::ColumnsOfInputs {
            missing: vec![tensor()],
            unused: vec![],
        }
        .at(path()),
        ErrorKind::UnknownClass {
            line: 2,
            column: tensor(),
            word: "cow".into(),
            known: vec![],
        }
        .at(path()),
        ErrorKind::ClassWords {
            found: 2,
            outputs: 3,
        }
        .at(path()),
        ErrorKind::IndexTooLarge {
            tensor: tensor(),
            sample: 0,
            found: 1 << 31,
            limit: 1 << 24,
        }
        .at(path()),
        ErrorKind::NoTokenizer.at(path()),
        ErrorKind::Tokenizer { detail: detail() }.at(path()),
        ErrorKind::Press { detail: detail() }.at(path()),
        ErrorKind::PromptText {
            line: 1,
            key: "answer",
            text: "Mary".into(),
            tokens: vec!["M".into(), "ary".into()],
            expected: "an answer is one token",
        }
        .at(path()),
        ErrorKind::PromptPair {
            line: 1,
            clean: vec!["a".into()],
            corrupted: vec![],
        }
        .at(path()),
        ErrorKind::PromptLengths {
            shortest: 1,
            longest: 2,
            why: "one is needed",
        }
        .at(path()),
        ErrorKind::Padding {
            sample: 0,
            position: 3,
            token: 1,
        }
        .at(path()),
        ErrorKind::UnknownLayout { tensors: vec![] }.at(path()),
        ErrorKind::MissingTensor { tensor: tensor() }.at(path()),
        ErrorKind::TensorShape {
            tensor: tensor(),
            shape: vec![],
            expected: detail(),
        }
        .at(path()),
        ErrorKind::WeightDtype {
            tensor: tensor(),
            dtype: "i8",
            expected: detail(),
        }
        .at(path()),
        ErrorKind::NotAPermutation {
            tensor: tensor(),
            length: 2,
            fault: detail(),
        }
        .at(path()),
        ErrorKind::ActivationUnknown {
            name: None,
            known: detail(),
        }
        .at(path()),
        ErrorKind::ConfigMissing { key: tensor() }.at(path()),
        ErrorKind::ConfigUnsupported {
            key: tensor(),
            value: detail(),
        }
        .at(path()),
        ErrorKind::ConfigType {
            key: tensor(),
            value: "\"2\"".to_owned(),
            expected: detail(),
        }
        .at(path()),
        ErrorKind::ConfigDisagrees {
            key: tensor(),
            value: "3".to_owned(),
            found: detail(),
        }
        .at(path()),
        ErrorKind::ConfigUnknown {
            key: tensor(),
            value: "3".to_owned(),
        }
        .at(path()),
        ErrorKind::TensorsLeftOver {
            tensors: vec![tensor()],
        }
        .at(path()),
        ErrorKind::NothingToIgnore {
            pattern: tensor(),
            tensors: vec![tensor()],
        }
        .at(path()),
        ErrorKind::TransformerNotYet.at(path()),
        ErrorKind::SequenceLength { found: 3, limit: 2 }.at(path()),
        ErrorKind::InputWidth {
            found: 1,
            expected: 2,
        }
        .at(path()),
        ErrorKind::TokenCount {
            found: 1,
            expected: 2,
        }
        .at(path()),
        ErrorKind::TokensExpected { tokens: 3 }.at(path()),
        ErrorKind::OutputWidth {
            tensor: tensor(),
            found: 1,
            expected: 2,
        }
        .at(path()),
        ErrorKind::ClassRange {
            tensor: tensor(),
            sample: 0,
            found: 3,
            limit: 2,
        }
        .at(path()),
        ErrorKind::NotAResult { detail: detail() }.at(path()),
        ErrorKind::ResultSchema {
            found: "a".into(),
            expected: "b",
        }
        .at(path()),
        ErrorKind::MetricNeedsClasses {
            metric: "accuracy".into(),
        }
        .at(path()),
        ErrorKind::NoCorruptedInputs.at(path()),
        ErrorKind::TooMuchMemory {
            needed: 2000,
            limit: 1000,
        }
        .at(path()),
        ErrorKind::NotACircuit {
            detail: "it has no edges".to_owned(),
        }
        .at(path()),
        ErrorKind::Granularity {
            granularity: "component".to_owned(),
            network: "an MLP".to_owned(),
        }
        .at(path()),
        ErrorKind::EdgeWeight {
            edge_weight: "abs-weight".to_owned(),
        }
        .at(path()),
        ErrorKind::Positions {
            detail: "an MLP has none".to_owned(),
        }
        .at(path()),
        ErrorKind::ReadsMean {
            asked: "last".to_owned(),
        }
        .at(path()),
        ErrorKind::NotProvable {
            detail: "a convolution has no bounds here".to_owned(),
            remedy: "`--method exact` finds circuits of every network",
        }
        .at(path()),
        ErrorKind::PatchesChangeNothing {
            method: "eap".to_owned(),
            fill: "mean".to_owned(),
            metric: "accuracy".to_owned(),
        }
        .at(path()),
        ErrorKind::NoSlope {
            method: "eap".into(),
            metric: "kl".into(),
        }
        .at(path()),
        ErrorKind::NoQueries {
            method: "eap-qk".into(),
        }
        .at(path()),
        ErrorKind::NoScores.at(path()),
        ErrorKind::NoFolds {
            method: "mask".into(),
            folds: 5,
        }
        .at(path()),
        ErrorKind::Grouped.at(path()),
        ErrorKind::UnknownClaim {
            claim: "a->b".into(),
        }
        .at(path()),
        ErrorKind::UnknownSite {
            name: "h9.9".into(),
            nearest: vec!["h1.9".into()],
        }
        .at(path()),
        ErrorKind::NoStream {
            layout: "bimt-mlp".into(),
        }
        .at(path()),
        ErrorKind::WrongEdit {
            edit: "h1.9".into(),
            detail: "2 values for what has 1".into(),
        }
        .at(path()),
        ErrorKind::NoData.at(path()),
        ErrorKind::NoResultFolder.at(path()),
        ErrorKind::ResultExists.at(path()),
        ErrorKind::NoLabels.at(path()),
        ErrorKind::OtherKind {
            found: "tokens with classes".into(),
            expected: "numbers with targets".into(),
        }
        .at(path()),
        ErrorKind::TooMany {
            what: "classes",
            found: 3,
            limit: 2,
        }
        .at(path()),
        ErrorKind::Diverged {
            what: "a weight",
            step: 3,
        }
        .at(path()),
        ErrorKind::Interrupted { step: 3 }.at(path()),
        ErrorKind::SnapshotChecksum {
            found: "a".to_owned(),
            expected: "b".to_owned(),
        }
        .at(path()),
        ErrorKind::OtherTraining {
            key: "seed".into(),
            found: "1".into(),
            expected: "2".into(),
        }
        .at(path()),
        ErrorKind::NoStep.at(path()),
        ErrorKind::SameStep {
            step: 500,
            other: path(),
        }
        .at(path()),
    ]
}

/// The names of the variants, as this file declares them.
fn declared() -> Vec<&'static str> {
    let source = include_str!("../error.rs");
    let body = source.split_once("pub enum ErrorKind {").unwrap().1;
    let body = body.split_once("\n}\n").unwrap().0;
    let variant = |line: &'static str| {
        let line = line.strip_prefix("    ")?;
        line.strip_suffix(" {").or(line.strip_suffix(","))
    };
    let names = body.lines().filter_map(variant);
    names
        .filter(|name| name.chars().all(char::is_alphanumeric))
        .collect()
}

#[test]
fn every_error_has_a_place_and_a_remedy() {
    let made = all();
    let name = |e: &Error| {
        format!("{:?}", e.kind)
            .split([' ', '{'])
            .next()
            .unwrap()
            .to_owned()
    };
    let names: Vec<String> = made.iter().map(name).collect();
    assert_eq!(names, declared(), "`all` has one of each, in order");
    for error in &made {
        let remedy = error.remedy().unwrap();
        assert!(!remedy.is_empty() && !remedy.ends_with('.'), "{error:?}");
        assert!(!error.to_string().is_empty());
    }
}
