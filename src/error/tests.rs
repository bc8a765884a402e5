//! Every error has a place and a remedy.

use super::*;

/// One of each.
fn all() -> Vec<Error> {
    let path = || PathBuf::from("runs/a/model.safetensors");
    let tensor = || "w".to_owned();
    let detail = || "is wrong".to_owned();
    let source = || std::io::Error::other("no");
    vec![
        Error::Read {
            path: path(),
            source: source(),
        },
        Error::Write {
            path: path(),
            source: source(),
        },
        Error::FileTooLarge {
            path: path(),
            size: 2,
            limit: 1,
        },
        Error::NotComparable {
            path: path(),
            what: "task".to_owned(),
            found: "two_moon".to_owned(),
            expected: "independence".to_owned(),
        },
        Error::NothingToCompare { path: path() },
        Error::EmptyFile { path: path() },
        Error::NotUtf8 {
            path: path(),
            position: 1,
        },
        Error::Json {
            path: path(),
            detail: detail(),
        },
        Error::CheckpointFormat { path: path() },
        Error::OtherContent {
            path: path(),
            content: tensor(),
            remedy: "rename it",
        },
        Error::TorchScript { path: path() },
        Error::Onnx {
            path: path(),
            detail: detail(),
        },
        Error::Quantised {
            path: path(),
            tensor: tensor(),
            dtype: "i8",
            by: "bitsandbytes",
        },
        Error::Adapter {
            path: path(),
            what: tensor(),
        },
        Error::Chain {
            path: path(),
            detail: detail(),
        },
        Error::WriteFormat { path: path() },
        Error::NoCheckpointInFolder {
            path: path(),
            found: vec![],
        },
        Error::HeaderLength {
            path: path(),
            declared: Some(9),
            available: 1,
        },
        Error::Header {
            path: path(),
            detail: detail(),
        },
        Error::BytesLeftOver {
            path: path(),
            end: 4,
            bytes: 1,
        },
        Error::TensorBytes {
            path: path(),
            tensor: tensor(),
            detail: detail(),
        },
        Error::TensorDtype {
            path: path(),
            tensor: tensor(),
            dtype: "F4".into(),
        },
        Error::TorchFile {
            path: path(),
            detail: detail(),
        },
        Error::ForeignCallable {
            path: path(),
            callable: "os.system".into(),
        },
        Error::StateDict {
            path: path(),
            found: vec![],
        },
        Error::Shards {
            path: path(),
            detail: detail(),
        },
        Error::DataFormat { path: path() },
        Error::Table {
            path: path(),
            detail: detail(),
        },
        Error::NumPy {
            path: path(),
            detail: detail(),
        },
        Error::Idx {
            path: path(),
            detail: detail(),
        },
        Error::NoInputs {
            path: path(),
            prefix: String::new(),
            found: vec![],
        },
        Error::NoSamples {
            path: path(),
            tensor: tensor(),
            shape: vec![0, 2],
        },
        Error::NoSuchSplit {
            path: path(),
            asked: "train".into(),
            found: vec![],
        },
        Error::DataShape {
            path: path(),
            tensor: tensor(),
            shape: vec![],
            expected: detail(),
        },
        Error::IntegersExpected {
            path: path(),
            tensor: tensor(),
            expected: "classes are integers",
        },
        Error::Domain {
            path: path(),
            detail: detail(),
        },
        Error::NonFiniteData {
            path: path(),
            tensor: tensor(),
            found: f64::NAN,
            row: 0,
            column: 0,
        },
        Error::NegativeIndex {
            path: path(),
            tensor: tensor(),
            sample: 0,
            found: -1,
        },
        Error::OtherFormat {
            path: path(),
            named: "a table",
            found: "a NumPy array",
        },
        Error::UnknownArray {
            path: path(),
            names: vec![tensor()],
            known: detail(),
        },
        Error::Duplicate {
            path: path(),
            what: "column",
            name: tensor(),
            detail: detail(),
        },
        Error::EmptyCell {
            path: path(),
            line: 2,
            column: tensor(),
        },
        Error::NotANumber {
            path: path(),
            line: 2,
            column: tensor(),
            text: "x".into(),
        },
        Error::NoSuchColumn {
            path: path(),
            flag: "--target",
            name: tensor(),
            found: vec![],
        },
        Error::NoColumns {
            path: path(),
            column: tensor(),
        },
        Error::ColumnsOfInputs {
            path: path(),
            missing: vec![tensor()],
            unused: vec![],
        },
        Error::UnknownClass {
            path: path(),
            line: 2,
            column: tensor(),
            word: "cow".into(),
            known: vec![],
        },
        Error::ClassWords {
            path: path(),
            found: 2,
            outputs: 3,
        },
        Error::IndexTooLarge {
            path: path(),
            tensor: tensor(),
            sample: 0,
            found: 1 << 31,
            limit: 1 << 24,
        },
        Error::NoTokenizer { path: path() },
        Error::Tokenizer {
            path: path(),
            detail: detail(),
        },
        Error::PromptText {
            path: path(),
            line: 1,
            key: "answer",
            text: "Mary".into(),
            tokens: vec!["M".into(), "ary".into()],
            expected: "an answer is one token",
        },
        Error::PromptPair {
            path: path(),
            line: 1,
            clean: vec!["a".into()],
            corrupted: vec![],
        },
        Error::PromptLengths {
            path: path(),
            shortest: 1,
            longest: 2,
            why: "one is needed",
        },
        Error::Padding {
            path: path(),
            sample: 0,
            position: 3,
            token: 1,
        },
        Error::UnknownLayout {
            path: path(),
            tensors: vec![],
        },
        Error::MissingTensor {
            path: path(),
            tensor: tensor(),
        },
        Error::TensorShape {
            path: path(),
            tensor: tensor(),
            shape: vec![],
            expected: detail(),
        },
        Error::WeightDtype {
            path: path(),
            tensor: tensor(),
            dtype: "i8",
            expected: detail(),
        },
        Error::NotAPermutation {
            path: path(),
            tensor: tensor(),
            length: 2,
            fault: detail(),
        },
        Error::ActivationUnknown {
            path: path(),
            name: None,
            known: detail(),
        },
        Error::ConfigMissing {
            path: path(),
            key: tensor(),
        },
        Error::ConfigUnsupported {
            path: path(),
            key: tensor(),
            value: detail(),
        },
        Error::ConfigType {
            path: path(),
            key: tensor(),
            value: "\"2\"".to_owned(),
            expected: detail(),
        },
        Error::ConfigDisagrees {
            path: path(),
            key: tensor(),
            value: "3".to_owned(),
            found: detail(),
        },
        Error::ConfigUnknown {
            path: path(),
            key: tensor(),
            value: "3".to_owned(),
        },
        Error::TensorsLeftOver {
            path: path(),
            tensors: vec![tensor()],
        },
        Error::NothingToIgnore {
            path: path(),
            pattern: tensor(),
            tensors: vec![tensor()],
        },
        Error::TransformerNotYet { path: path() },
        Error::SequenceLength {
            path: path(),
            found: 3,
            limit: 2,
        },
        Error::InputWidth {
            path: path(),
            found: 1,
            expected: 2,
        },
        Error::TokenCount {
            path: path(),
            found: 1,
            expected: 2,
        },
        Error::TokensExpected {
            path: path(),
            tokens: 3,
        },
        Error::OutputWidth {
            path: path(),
            tensor: tensor(),
            found: 1,
            expected: 2,
        },
        Error::ClassRange {
            path: path(),
            tensor: tensor(),
            sample: 0,
            found: 3,
            limit: 2,
        },
        Error::NotAResult {
            path: path(),
            detail: detail(),
        },
        Error::ResultSchema {
            path: path(),
            found: "a".into(),
            expected: "b",
        },
        Error::MetricNeedsClasses {
            path: path(),
            metric: "accuracy".into(),
        },
        Error::NoCorruptedInputs { path: path() },
        Error::TooMuchMemory {
            path: path(),
            needed: 2000,
            limit: 1000,
        },
        Error::NotACircuit {
            path: path(),
            detail: "it has no edges".to_owned(),
        },
        Error::Granularity {
            path: path(),
            granularity: "component".to_owned(),
            network: "an MLP".to_owned(),
        },
        Error::EdgeWeight {
            path: path(),
            edge_weight: "abs-weight".to_owned(),
        },
        Error::Positions {
            path: path(),
            detail: "an MLP has none".to_owned(),
        },
        Error::NotProvable {
            path: path(),
            detail: "a convolution has no bounds here".to_owned(),
            remedy: "`--method exact` finds circuits of every network",
        },
        Error::PatchesChangeNothing {
            path: path(),
            method: "eap".to_owned(),
            fill: "mean".to_owned(),
            metric: "accuracy".to_owned(),
        },
        Error::NoSlope {
            path: path(),
            method: "eap".into(),
            metric: "kl".into(),
        },
        Error::NoQueries {
            path: path(),
            method: "eap-qk".into(),
        },
        Error::NoScores { path: path() },
        Error::UnknownClaim {
            path: path(),
            claim: "a->b".into(),
        },
        Error::UnknownSite {
            path: path(),
            name: "h9.9".into(),
            nearest: vec!["h1.9".into()],
        },
        Error::NoStream {
            path: path(),
            layout: "bimt-mlp".into(),
        },
        Error::WrongEdit {
            path: path(),
            edit: "h1.9".into(),
            detail: "2 values for what has 1".into(),
        },
        Error::NoData { path: path() },
        Error::NoResultFolder { path: path() },
        Error::ResultExists { path: path() },
        Error::NoLabels { path: path() },
        Error::OtherKind {
            path: path(),
            found: "tokens with classes".into(),
            expected: "numbers with targets".into(),
        },
        Error::TooMany {
            path: path(),
            what: "classes",
            found: 3,
            limit: 2,
        },
        Error::Diverged {
            path: path(),
            what: "a weight",
            step: 3,
        },
        Error::Interrupted {
            path: path(),
            step: 3,
        },
        Error::SnapshotChecksum {
            path: path(),
            found: "a".to_owned(),
            expected: "b".to_owned(),
        },
        Error::OtherTraining {
            path: path(),
            key: "seed".into(),
            found: "1".into(),
            expected: "2".into(),
        },
    ]
}

/// The names of the variants, as this file declares them.
fn declared() -> Vec<&'static str> {
    let source = include_str!("../error.rs");
    let body = source.split_once("pub enum Error {").unwrap().1;
    let body = body.split_once("\n}\n").unwrap().0;
    let variant = |line: &'static str| line.strip_prefix("    ")?.strip_suffix(" {");
    let names = body.lines().filter_map(variant);
    names
        .filter(|name| name.chars().all(char::is_alphanumeric))
        .collect()
}

#[test]
fn every_error_has_a_place_and_a_remedy() {
    let made = all();
    let name = |e: &Error| {
        format!("{e:?}")
            .split([' ', '{'])
            .next()
            .unwrap()
            .to_owned()
    };
    let names: Vec<String> = made.iter().map(name).collect();
    assert_eq!(names, declared(), "`all` has one of each, in order");
    for error in &made {
        assert!(error.path().is_some(), "{error:?}");
        let remedy = error.remedy().unwrap();
        assert!(!remedy.is_empty() && !remedy.ends_with('.'), "{error:?}");
        assert!(!error.to_string().is_empty());
    }
}
