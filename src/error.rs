//! What is wrong, with the values that disagree; with which file; and the remedy.
//!
//! The library returns these; the command line prints them as what, where and
//! what to do:
//!
//! ```text
//! error: tensor `linears.1.linear.weight` has shape [20, 32]; the layer before it is 20 wide
//!   in: runs/a/model.safetensors
//!   try: `modscope inspect runs/a/model.safetensors` lists every tensor
//! ```

mod caught;
mod remedy;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub(crate) use caught::caught;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is wrong, and with which file.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    /// The file or folder that the error is about.
    pub path: PathBuf,
    /// What is wrong with it.
    pub kind: ErrorKind,
}

impl ErrorKind {
    /// The error, of this file or folder.
    pub(crate) fn at(self, path: impl Into<PathBuf>) -> Error {
        Error {
            path: path.into(),
            kind: self,
        }
    }

    /// Whether a method could score no edge, which is no fault of the files.
    pub(crate) fn is_of_scores(&self) -> bool {
        matches!(
            self,
            Self::PatchesChangeNothing { .. }
                | Self::NoSlope { .. }
                | Self::NoQueries { .. }
                | Self::NoFolds { .. }
        )
    }
}

/// What is wrong with what a user gave.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file that the system does not let us read.
    #[error("cannot read the file: {source}")]
    Read {
        /// What the system said.
        source: std::io::Error,
    },
    /// A file or folder that the system does not let us write.
    #[error("cannot write: {source}")]
    Write {
        /// What the system said.
        source: std::io::Error,
    },

    /// A file larger than memory should hold.
    #[error("the file is {size} bytes; at most {limit} are read")]
    FileTooLarge {
        /// Its size.
        size: u64,
        /// The largest that is read.
        limit: u64,
    },
    /// Networks that cannot be set beside each other.
    #[error("the {what} of this network is {found}; of the first it is {expected}")]
    NotComparable {
        /// What differs.
        what: String,
        /// Here.
        found: String,
        /// In the first network.
        expected: String,
    },
    /// A comparison without networks.
    #[error("there are no networks to compare")]
    NothingToCompare,

    /// A file of no bytes.
    #[error("the file is empty")]
    EmptyFile,
    /// Text that is not UTF-8.
    #[error("the text is not UTF-8: byte {position} does not fit")]
    NotUtf8 {
        /// The first byte that does not fit.
        position: usize,
    },
    /// JSON that is none, or not of the kind expected.
    #[error("the JSON cannot be read: {detail}")]
    Json {
        /// What the parser said.
        detail: String,
    },

    // What a checkpoint file says.
    /// A checkpoint in a format this tool does not read.
    #[error("this is no checkpoint format this tool reads")]
    CheckpointFormat,
    /// A file whose content is another format's than its name says.
    #[error("the file is {content} by its content")]
    OtherContent {
        /// What it is.
        content: String,
        /// What to do with such a file.
        remedy: &'static str,
    },
    /// TorchScript.
    #[error("the file is TorchScript, which is code with its weights, not a state dict")]
    TorchScript,
    /// An ONNX model that is damaged or computes what is not computed here.
    #[error("the ONNX model is not read: {detail}")]
    Onnx {
        /// Which operator, and why.
        detail: String,
    },
    /// A file that holds no graph.
    #[error("the graph is not read: {detail}")]
    Graph {
        /// Where, and why.
        detail: String,
    },
    /// Something that only a network has, asked of a graph.
    #[error("{detail} is of networks; this is a graph")]
    OnlyNetworks {
        /// What was asked.
        detail: &'static str,
    },
    /// Weights in another number system.
    #[error("`{tensor}` ({dtype}) is of quantised weights ({by}), which are not computed")]
    Quantised {
        /// The tensor, or the key, that shows it.
        tensor: String,
        /// Its number type.
        dtype: &'static str,
        /// What quantises so.
        by: &'static str,
    },
    /// The changes that an adapter makes to another network.
    #[error("{what} is of an adapter (LoRA, PEFT), which is not merged into its network")]
    Adapter {
        /// What shows it.
        what: String,
    },
    /// A chain of layers that is not certain, or not computed.
    #[error("{detail}")]
    Chain {
        /// Which layers, and what is open.
        detail: String,
    },
    /// A name under which no safetensors file is written.
    #[error("networks are written as safetensors alone, and the name says otherwise")]
    WriteFormat,
    /// A folder without a checkpoint, or with several.
    #[error("{}", match found.len() {
        0 => "the folder holds no checkpoint".to_owned(),
        n => format!("the folder holds {n} checkpoints (found {}); one is expected", listed(found)),
    })]
    NoCheckpointInFolder {
        /// The names of those there are.
        found: Vec<String>,
    },
    /// A header length that the file cannot hold.
    #[error("{}", match declared {
        Some(declared) => format!("the file declares a header of {declared} bytes; {available} follow"),
        None => "the file is too short for the length of its header (8 bytes)".to_owned(),
    })]
    HeaderLength {
        /// The length declared, if there are 8 bytes for it.
        declared: Option<u64>,
        /// Bytes after the length.
        available: usize,
    },
    /// A header that is no list of tensors.
    #[error("the header is no list of tensors: {detail}")]
    Header {
        /// What the parser said.
        detail: String,
    },
    /// Bytes that belong to no tensor.
    #[error("{bytes} bytes follow the last tensor, which ends at byte {end} of the data")]
    BytesLeftOver {
        /// Where the last tensor ends.
        end: u64,
        /// How many follow it.
        bytes: u64,
    },
    /// A tensor whose shape, type and place in the file disagree.
    #[error("tensor `{tensor}` {detail}")]
    TensorBytes {
        /// The name.
        tensor: String,
        /// How they disagree.
        detail: String,
    },
    /// A number type that this tool does not read.
    #[error("tensor `{tensor}` holds {dtype}, which this tool does not read")]
    TensorDtype {
        /// The name.
        tensor: String,
        /// The type.
        dtype: String,
    },

    /// A PyTorch file that is damaged, or none.
    #[error("the PyTorch file cannot be read: {detail}")]
    TorchFile {
        /// Where, and what.
        detail: String,
    },
    /// A PyTorch file that would have something called that rebuilds no tensor.
    #[error("the file asks for `{}` to be called; nothing is called but what rebuilds tensors", callable.escape_debug())]
    ForeignCallable {
        /// Module and name.
        callable: String,
    },
    /// A PyTorch file without a dictionary of tensors, or with several.
    #[error("{}", match found.len() {
        0 => "the file holds no dictionary of tensors by name".to_owned(),
        _ => format!("the file holds several dictionaries of tensors (found {}); one is expected", listed(found)),
    })]
    StateDict {
        /// The keys that lead to those there are.
        found: Vec<String>,
    },
    /// An index that disagrees with its shards.
    #[error("the index and its shards disagree: {detail}")]
    Shards {
        /// In what.
        detail: String,
    },

    // What a data file says.
    /// Data in a format this tool does not read.
    #[error("this is no data format this tool reads")]
    DataFormat,
    /// A table or a list of lines with a fault in it.
    #[error("the table cannot be read: {detail}")]
    Table {
        /// Where, and what.
        detail: String,
    },
    /// A NumPy file with a fault in it.
    #[error("the NumPy file cannot be read: {detail}")]
    NumPy {
        /// Where, and what.
        detail: String,
    },
    /// An IDX file with a fault in it.
    #[error("the IDX file cannot be read: {detail}")]
    Idx {
        /// What.
        detail: String,
    },
    /// Data without inputs.
    #[error(
        "the data hold neither `{prefix}inputs` nor `{prefix}tokens` (found {})",
        listed(found)
    )]
    NoInputs {
        /// The split's prefix.
        prefix: String,
        /// The names found.
        found: Vec<String>,
    },
    /// Data without samples.
    #[error("there are no samples: tensor `{tensor}` has shape {shape:?}")]
    NoSamples {
        /// The name of the inputs.
        tensor: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// A split that the data do not have.
    #[error("the data have no split `{asked}` (found {})", listed(found))]
    NoSuchSplit {
        /// The split asked for.
        asked: String,
        /// Those there are.
        found: Vec<String>,
    },
    /// An array whose shape does not fit the others.
    #[error("tensor `{tensor}` has shape {shape:?}; {expected}")]
    DataShape {
        /// The name.
        tensor: String,
        /// Its shape.
        shape: Vec<usize>,
        /// What it disagrees with.
        expected: String,
    },
    /// Floats where integers are meant.
    #[error("tensor `{tensor}` holds floats; {expected}")]
    IntegersExpected {
        /// The name.
        tensor: String,
        /// What its integers mean.
        expected: &'static str,
    },
    /// A domain that is none, or not one of these inputs.
    #[error("the domain `box` {detail}")]
    Domain {
        /// What is wrong with it.
        detail: String,
    },
    /// A property that is no box of inputs.
    #[error("line {line}: {detail}")]
    Property {
        /// The line, from 1.
        line: usize,
        /// What stands there.
        detail: String,
    },
    /// NaN or infinity among the data.
    #[error("tensor `{tensor}` holds {found} at row {row}, column {column} (counted from 0)")]
    NonFiniteData {
        /// The name.
        tensor: String,
        /// NaN or an infinity.
        found: f64,
        /// From 0.
        row: usize,
        /// From 0.
        column: usize,
    },
    /// A class or token below zero.
    #[error(
        "tensor `{tensor}` holds {found} at sample {sample} (counted from 0); classes and tokens start at 0"
    )]
    NegativeIndex {
        /// The name.
        tensor: String,
        /// The first sample concerned.
        sample: usize,
        /// The value.
        found: i64,
    },

    /// Content of another format than the name says.
    #[error("the file is named as {named}, and holds {found}")]
    OtherFormat {
        /// What its name says.
        named: &'static str,
        /// What its first bytes say.
        found: &'static str,
    },
    /// Arrays that nothing is done with.
    #[error("nothing is done with {} (known: {known})", listed(names))]
    UnknownArray {
        /// Their names.
        names: Vec<String>,
        /// Every name that is read.
        known: String,
    },
    /// Two columns, keys, members or arrays that stand for one thing.
    #[error("{what} `{name}` is there twice: {detail}")]
    Duplicate {
        /// What they are.
        what: &'static str,
        /// What both are called, or stand for.
        name: String,
        /// Where each is.
        detail: String,
    },
    /// A field of a table without anything in it.
    #[error("line {line}, column `{column}`: the field is empty")]
    EmptyCell {
        /// From 1, the header's.
        line: u64,
        /// Its column.
        column: String,
    },
    /// A field of a table that is no finite number.
    #[error("line {line}, column `{column}`: {text:?} is no number")]
    NotANumber {
        /// From 1, the header's.
        line: u64,
        /// Its column.
        column: String,
        /// What stands there.
        text: String,
    },
    /// A flag that names a column which is not there.
    #[error("`{flag} {name}` names no column (found {})", listed(found))]
    NoSuchColumn {
        /// The flag.
        flag: &'static str,
        /// What it names.
        name: String,
        /// The columns there are.
        found: Vec<String>,
    },
    /// Subgroups by what has a value of its own for nearly every sample.
    #[error("`--by {column}` makes {found} subgroups; up to {most} are told apart")]
    TooManyGroups {
        /// The column or array.
        column: String,
        /// How many different values it has.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// Subgroups by an array that has not one number per sample.
    #[error(
        "`--by {name}` has shape {shape:?}; one number for each of {samples} samples is expected"
    )]
    GroupsShape {
        /// The array.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// How many samples there are.
        samples: usize,
    },
    /// A flag for columns where the data have none.
    #[error("`{column}` shall be a column, and the data are no table")]
    NoColumns {
        /// What the flag names.
        column: String,
    },
    /// Columns that are not those of the network's inputs.
    #[error(
        "the columns are not the network's inputs: {}",
        columns_of_inputs(missing, unused)
    )]
    ColumnsOfInputs {
        /// Inputs of the network that no column has the name of.
        missing: Vec<String>,
        /// Columns that no input has the name of.
        unused: Vec<String>,
    },
    /// A class that is none of the network's.
    #[error(
        "line {line}, column `{column}`: {word:?} is no class (known: {})",
        listed(known)
    )]
    UnknownClass {
        /// From 1.
        line: u64,
        /// Its column.
        column: String,
        /// What stands there.
        word: String,
        /// The network's classes.
        known: Vec<String>,
    },
    /// Words whose numbers cannot be told.
    #[error(
        "the classes of the data are {found} different words, the network has {outputs}; which output is which class cannot be told"
    )]
    ClassWords {
        /// Different words.
        found: usize,
        /// Classes of the network.
        outputs: usize,
    },
    /// A class or token that no network has.
    #[error("tensor `{tensor}` holds {found} at sample {sample} (counted from 0), which would be one of {} classes; at most {limit} are read", found + 1)]
    IndexTooLarge {
        /// The name.
        tensor: String,
        /// The first sample concerned.
        sample: usize,
        /// The value.
        found: usize,
        /// One more than the largest that is read.
        limit: usize,
    },

    /// Prompts as text where nothing makes tokens of them.
    #[error("the data are prompts as text, and no `tokenizer.json` lies beside the checkpoint")]
    NoTokenizer,
    /// A tokenizer that is none, or that fails.
    #[error("the tokenizer cannot be used: {detail}")]
    Tokenizer {
        /// What the library said.
        detail: String,
    },
    /// Figures that cannot be written in the formats and the font that are asked for.
    #[error("figures cannot be set: {detail}")]
    Press {
        /// What is missing, or what the library said.
        detail: String,
    },
    /// A text that is not the tokens it should be.
    #[error("line {line}: `{key}` {text:?} is {} tokens {tokens:?}; {expected}", tokens.len())]
    PromptText {
        /// From 1.
        line: usize,
        /// Where on the line.
        key: &'static str,
        /// What stands there.
        text: String,
        /// Its tokens.
        tokens: Vec<String>,
        /// What they should be.
        expected: &'static str,
    },
    /// A pair of prompts that do not align.
    #[error(
        "line {line}: `clean` has {} tokens {clean:?}, `corrupted` has {} {corrupted:?}",
        clean.len(), corrupted.len()
    )]
    PromptPair {
        /// From 1.
        line: usize,
        /// The tokens of the clean prompt.
        clean: Vec<String>,
        /// Those of the other.
        corrupted: Vec<String>,
    },
    /// Prompts of several lengths where one is needed.
    #[error("the prompts have {shortest} to {longest} tokens; {why}")]
    PromptLengths {
        /// Tokens of the shortest.
        shortest: usize,
        /// Tokens of the longest.
        longest: usize,
        /// Why they cannot differ.
        why: &'static str,
    },
    /// A token of padding, of which a network that looks both ways would have to be told.
    #[error(
        "sample {sample} (counted from 0) has the token {token} at position {position}, which stands \
         for padding; this network looks both ways and has no mask for it"
    )]
    Padding {
        /// The first sample that has one.
        sample: usize,
        /// Its first position with one.
        position: usize,
        /// `pad_token_id`
        token: usize,
    },

    // What a model needs.
    /// Tensor names that fit no layout.
    #[error(
        "the tensors fit no layout this tool knows (found {})",
        listed(tensors)
    )]
    UnknownLayout {
        /// The names found.
        tensors: Vec<String>,
    },
    /// A tensor that the layout needs and the file lacks.
    #[error("tensor `{tensor}` is missing")]
    MissingTensor {
        /// The name.
        tensor: String,
    },
    /// A tensor whose shape does not fit the others.
    #[error("tensor `{tensor}` has shape {shape:?}; {expected}")]
    TensorShape {
        /// The name.
        tensor: String,
        /// Its shape.
        shape: Vec<usize>,
        /// What it disagrees with.
        expected: String,
    },
    /// Weights in a number type that weights cannot have.
    #[error("tensor `{tensor}` holds {dtype}; expected {expected}")]
    WeightDtype {
        /// The name.
        tensor: String,
        /// Its number type.
        dtype: &'static str,
        /// What would fit.
        expected: String,
    },
    /// A permutation that is none.
    #[error("tensor `{tensor}` is no permutation of 0..{length}: {fault}")]
    NotAPermutation {
        /// The name.
        tensor: String,
        /// Its length.
        length: usize,
        /// The first entry that does not fit.
        fault: String,
    },
    /// An activation that neither the file nor a flag tells, or that is unknown.
    #[error("{}", match name {
        Some(name) => format!("`config.json` names the activation {name}, which this tool does not know"),
        None => "the activation cannot be told from the tensors, and no `config.json` names it".to_owned(),
    })]
    ActivationUnknown {
        /// What stands there as JSON, if anything does.
        name: Option<String>,
        /// The names that are known.
        known: String,
    },

    /// A setting that names and shapes cannot tell, and no `config.json` does.
    #[error("`{key}` is needed, and no `config.json` beside the checkpoint has it")]
    ConfigMissing {
        /// The setting.
        key: String,
    },
    /// A setting that asks for what this tool does not compute.
    #[error("`config.json` sets `{key}` to {value}, which this tool does not compute")]
    ConfigUnsupported {
        /// The setting.
        key: String,
        /// Its value.
        value: String,
    },
    /// A setting of another type or range.
    #[error("`config.json` has `{key}`: {value}; {expected} is expected")]
    ConfigType {
        /// The setting.
        key: String,
        /// What stands there as JSON.
        value: String,
        /// What would fit.
        expected: String,
    },
    /// A setting that the tensors contradict.
    #[error("`config.json` says `{key}` is {value}; {found}")]
    ConfigDisagrees {
        /// The setting.
        key: String,
        /// Its value.
        value: String,
        /// What the tensors say.
        found: String,
    },
    /// A setting that this tool does not know, with a value that may change outputs.
    #[error(
        "`config.json` has `{key}`: {value}, which this tool does not know; it may be a part of the network"
    )]
    ConfigUnknown {
        /// The setting.
        key: String,
        /// Its value.
        value: String,
    },
    /// Tensors that no part of the network uses.
    #[error("{} by no part of the network as it was recognised: {}", match tensors.len() {
        1 => "1 tensor is used".to_owned(),
        n => format!("{n} tensors are used"),
    }, quoted(tensors))]
    TensorsLeftOver {
        /// Their names.
        tensors: Vec<String>,
    },
    /// A pattern of `--ignore` that fits nothing.
    #[error(
        "`--ignore {pattern}` fits no tensor (found {}) and no key of `config.json`",
        listed(tensors)
    )]
    NothingToIgnore {
        /// The pattern.
        pattern: String,
        /// The tensors there are.
        tensors: Vec<String>,
    },
    /// A transformer where only MLPs are served.
    #[error("this network is a transformer, which this command does not take")]
    TransformerNotYet,

    // Data that do not fit a model.
    /// Sequences longer than the network's positions, or empty.
    #[error("the sequences have {found} positions; the network takes 1 to {limit}")]
    SequenceLength {
        /// Their length.
        found: usize,
        /// The longest possible.
        limit: usize,
    },
    /// Inputs of another width than the network's.
    #[error("the data have {found} features per sample; the network has {expected} inputs")]
    InputWidth {
        /// Features per sample.
        found: usize,
        /// Inputs of the network.
        expected: usize,
    },
    /// Another number of tokens than the network reads.
    #[error("the data have {found} tokens per sample; the network reads {expected}")]
    TokenCount {
        /// Tokens per sample.
        found: usize,
        /// Tokens that the network reads.
        expected: usize,
    },
    /// Numbers for a network that wants tokens.
    #[error("the data hold `inputs`; the network embeds tokens (ids below {tokens})")]
    TokensExpected {
        /// Rows of the embedding.
        tokens: usize,
    },
    /// Targets or outputs of another width than the network's.
    #[error("tensor `{tensor}` has {found} columns; the network has {expected} outputs")]
    OutputWidth {
        /// The name.
        tensor: String,
        /// Its columns.
        found: usize,
        /// Outputs of the network.
        expected: usize,
    },
    /// A class or token that the network does not have.
    #[error(
        "tensor `{tensor}` holds {found} at sample {sample} (counted from 0); the network knows 0..{limit}"
    )]
    ClassRange {
        /// The name.
        tensor: String,
        /// The first sample concerned.
        sample: usize,
        /// The value found.
        found: usize,
        /// One more than the largest value possible.
        limit: usize,
    },

    // What a saved result says.
    /// A file that is no result of this tool.
    #[error("this is no result of this tool: {detail}")]
    NotAResult {
        /// What the parser said.
        detail: String,
    },
    /// A result of another version.
    #[error("the result has schema `{found}`; this version reads `{expected}`")]
    ResultSchema {
        /// What it says.
        found: String,
        /// What is read.
        expected: &'static str,
    },

    // What is asked for and cannot be had.
    /// A metric of classes where the data have none.
    #[error("the metric `{metric}` needs a class per sample; the data have none")]
    MetricNeedsClasses {
        /// The metric.
        metric: String,
    },
    /// Corrupted fills without pairs.
    #[error("the fill `corrupted` needs the pair of each sample; the data have none")]
    NoCorruptedInputs,
    /// Runs that would take more memory than they may.
    #[error("this would take about {needed} MB of memory; {limit} MB are allowed")]
    TooMuchMemory {
        /// Millions of bytes.
        needed: u64,
        /// Millions of bytes.
        limit: u64,
    },
    /// A file that should hold a circuit of this network.
    #[error("this is no circuit of this network: {detail}")]
    NotACircuit {
        /// What is wrong.
        detail: String,
    },
    /// A granularity that a kind of network does not have.
    #[error("{network} cannot be taken apart at the granularity `{granularity}`")]
    Granularity {
        /// What was asked for.
        granularity: String,
        /// The kind of network.
        network: String,
    },
    /// An edge weight that components do not have.
    #[error("edges between components have no `{edge_weight}`: they are many weights each")]
    EdgeWeight {
        /// What was asked for.
        edge_weight: String,
    },
    /// Edges that cannot be told apart by position.
    #[error("edges cannot be told apart by position: {detail}")]
    Positions {
        /// Why.
        detail: String,
    },
    /// Positions that are asked for of a network that reads the mean over all.
    #[error("answers are read at {asked}, and the network reads the mean over all positions")]
    ReadsMean {
        /// The positions, or the words for them.
        asked: String,
    },
    /// Circuits or equivalences that cannot be proved.
    #[error("nothing can be proved: {detail}")]
    NotProvable {
        /// Why.
        detail: String,
        /// What to do.
        remedy: &'static str,
    },
    /// Every patch left the metric exactly as it was.
    #[error(
        "`{method}` gives every edge an effect of exactly 0: under the fill `{fill}` no patch changes the metric `{metric}`"
    )]
    PatchesChangeNothing {
        /// How edges were scored.
        method: String,
        /// What patched edges carried.
        fill: String,
        /// What was measured.
        metric: String,
    },
    /// A method of gradients with a metric that has none where it asks.
    #[error(
        "`{method}` scores edges by the gradient of `{metric}`, which is 0 at the network as it is: every score would be exactly 0"
    )]
    NoSlope {
        /// How edges were to be scored.
        method: String,
        /// What was measured.
        metric: String,
    },
    /// A method of edges into queries and keys, where there are none.
    #[error("`{method}` computes what heads see anew, and no edge leads to queries or keys here")]
    NoQueries {
        /// How edges were to be scored.
        method: String,
    },
    /// No method gave effects sample by sample.
    #[error("none of the methods gave the edges effects sample by sample")]
    NoScores,
    /// A size that was to be calibrated by folds, of scores that have none.
    #[error(
        "the size of circuits by `{method}` cannot be calibrated: its scores are not to be had without a part of the samples, or there are fewer than {folds}"
    )]
    NoFolds {
        /// The method.
        method: String,
        /// Folds, and the fewest samples.
        folds: usize,
    },
    /// Edges of keys that heads share, for a reader that gives every head its own.
    #[error(
        "heads of this network share keys and values, and MIB's evaluator tells those of every head apart"
    )]
    Grouped,
    /// A claim about what the network does not have.
    #[error("no edge is `{claim}`, and none leads out of a site of that name")]
    UnknownClaim {
        /// The claim.
        claim: String,
    },
    /// A site that the network does not have.
    #[error("no site is called `{name}`; the nearest are {}", quoted(nearest))]
    UnknownSite {
        /// What was asked for.
        name: String,
        /// The nearest names that there are.
        nearest: Vec<String>,
    },
    /// A lens on a network that has no residual stream.
    #[error(
        "lenses are for transformers: they read the residual stream, which a network of layout `{layout}` does not have"
    )]
    NoStream {
        /// Its layout.
        layout: String,
    },
    /// An edit that cannot be made.
    #[error("the edit of `{edit}` cannot be made: {detail}")]
    WrongEdit {
        /// Where it was to be made.
        edit: String,
        /// Why not.
        detail: String,
    },
    /// No data were named and none lie beside the checkpoint.
    #[error("no data were given, and none lie beside the checkpoint")]
    NoData,
    /// A folder that holds other things than a result.
    #[error(
        "the folder is there and holds no `index.html`: it is no result that `--force` could replace"
    )]
    NoResultFolder,
    /// A result that is already there.
    #[error("a result is already there")]
    ResultExists,

    // Training.
    /// Samples to train on that say nothing of what they should give.
    #[error("the data have no labels to train on")]
    NoLabels,
    /// Samples to train on that are not of the task's kind.
    #[error("the data are {found}; the task has {expected}")]
    OtherKind {
        /// What they are.
        found: String,
        /// What the task has.
        expected: String,
    },
    /// More classes or tokens than a network is trained for.
    #[error(
        "by the largest number among them, the data have {found} {what}; at most {limit} are trained"
    )]
    TooMany {
        /// Classes or tokens.
        what: &'static str,
        /// How many there would be.
        found: usize,
        /// The most that are trained.
        limit: usize,
    },
    /// A training that is none any more.
    #[error("the training failed: {what} is no finite number after step {step}")]
    Diverged {
        /// What is no number.
        what: &'static str,
        /// Updates made by then.
        step: usize,
    },
    /// A training that was interrupted and can be gone on with.
    #[error("interrupted after step {step}; what was trained is kept")]
    Interrupted {
        /// Updates made by then.
        step: usize,
    },
    /// A snapshot that is not as it was written.
    #[error("the snapshot is damaged: its checksum is {found}, that of its contents {expected}")]
    SnapshotChecksum {
        /// What it says.
        found: String,
        /// What its contents give.
        expected: String,
    },
    /// A snapshot of another training.
    #[error("the snapshot has {key} = {found}; this training has {expected}")]
    OtherTraining {
        /// The hyper-parameter, task or seed that differs.
        key: String,
        /// Its value in the snapshot.
        found: String,
        /// Its value here.
        expected: String,
    },
    /// A checkpoint that does not say when it was taken.
    #[error("nothing tells at which step of the training this checkpoint was taken")]
    NoStep,
    /// Two checkpoints of one step.
    #[error("this checkpoint is of step {step}, and so is {}", .other.display())]
    SameStep {
        /// The step.
        step: usize,
        /// The other one.
        other: PathBuf,
    },
}

/// What is missing among columns, and what is not used.
fn columns_of_inputs(missing: &[String], unused: &[String]) -> String {
    let part = |names: &[String], what: &str| match names.len() {
        0 => None,
        _ => Some(format!("{} {what}", listed(names))),
    };
    let parts = [part(missing, "missing"), part(unused, "not among them")];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// All names, each in quotes.
fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    quoted.join(", ")
}

/// The first few of many names.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let mut text = names
        .iter()
        .take(SHOWN)
        .map(|n| format!("`{n}`"))
        .collect::<Vec<_>>()
        .join(", ");
    match names.len() {
        0 => text.push_str("no tensors"),
        n if n > SHOWN => text.push_str(&format!(" and {} more", n - SHOWN)),
        _ => {}
    }
    text
}
