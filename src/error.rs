//! One variant per cause, with the values that disagree and the remedy.
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

/// Everything that can be wrong with what a user gave.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that the system does not let us read.
    #[error("cannot read the file: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file or folder that the system does not let us write.
    #[error("cannot write: {source}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    /// A file larger than memory should hold.
    #[error("the file is {size} bytes; at most {limit} are read")]
    FileTooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        size: u64,
        /// The largest that is read.
        limit: u64,
    },
    /// Networks that cannot be set beside each other.
    #[error("the {what} of this network is {found}; of the first it is {expected}")]
    NotComparable {
        /// The checkpoint.
        path: PathBuf,
        /// What differs.
        what: String,
        /// Here.
        found: String,
        /// In the first network.
        expected: String,
    },
    /// A comparison without networks.
    #[error("there are no networks to compare")]
    NothingToCompare {
        /// Where they were looked for.
        path: PathBuf,
    },

    /// A file of no bytes.
    #[error("the file is empty")]
    EmptyFile {
        /// The file.
        path: PathBuf,
    },
    /// Text that is not UTF-8.
    #[error("the text is not UTF-8: byte {position} does not fit")]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The first byte that does not fit.
        position: usize,
    },
    /// JSON that is none, or not of the kind expected.
    #[error("the JSON cannot be read: {detail}")]
    Json {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        detail: String,
    },

    // What a checkpoint file says.
    /// A checkpoint in a format this tool does not read.
    #[error("this is no checkpoint format this tool reads")]
    CheckpointFormat {
        /// The file.
        path: PathBuf,
    },
    /// A file whose content is another format's than its name says.
    #[error("the file is {content} by its content")]
    OtherContent {
        /// The file.
        path: PathBuf,
        /// What it is.
        content: String,
        /// What to do with such a file.
        remedy: &'static str,
    },
    /// TorchScript.
    #[error("the file is TorchScript, which is code with its weights, not a state dict")]
    TorchScript {
        /// The file.
        path: PathBuf,
    },
    /// An ONNX model that is damaged or computes what is not computed here.
    #[error("the ONNX model is not read: {detail}")]
    Onnx {
        /// The file.
        path: PathBuf,
        /// Which operator, and why.
        detail: String,
    },
    /// Weights in another number system.
    #[error("`{tensor}` ({dtype}) is of quantised weights ({by}), which are not computed")]
    Quantised {
        /// The checkpoint.
        path: PathBuf,
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
        /// The checkpoint.
        path: PathBuf,
        /// What shows it.
        what: String,
    },
    /// A chain of layers that is not certain, or not computed.
    #[error("{detail}")]
    Chain {
        /// The checkpoint.
        path: PathBuf,
        /// Which layers, and what is open.
        detail: String,
    },
    /// A name under which no safetensors file is written.
    #[error("networks are written as safetensors alone, and the name says otherwise")]
    WriteFormat {
        /// The name.
        path: PathBuf,
    },
    /// A folder without a checkpoint, or with several.
    #[error("{}", match found.len() {
        0 => "the folder holds no checkpoint".to_owned(),
        n => format!("the folder holds {n} checkpoints (found {}); one is expected", listed(found)),
    })]
    NoCheckpointInFolder {
        /// The folder.
        path: PathBuf,
        /// The names of those there are.
        found: Vec<String>,
    },
    /// A header length that the file cannot hold.
    #[error("{}", match declared {
        Some(declared) => format!("the file declares a header of {declared} bytes; {available} follow"),
        None => "the file is too short for the length of its header (8 bytes)".to_owned(),
    })]
    HeaderLength {
        /// The file.
        path: PathBuf,
        /// The length declared, if there are 8 bytes for it.
        declared: Option<u64>,
        /// Bytes after the length.
        available: usize,
    },
    /// A header that is no list of tensors.
    #[error("the header is no list of tensors: {detail}")]
    Header {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        detail: String,
    },
    /// Bytes that belong to no tensor.
    #[error("{bytes} bytes follow the last tensor, which ends at byte {end} of the data")]
    BytesLeftOver {
        /// The file.
        path: PathBuf,
        /// Where the last tensor ends.
        end: u64,
        /// How many follow it.
        bytes: u64,
    },
    /// A tensor whose shape, type and place in the file disagree.
    #[error("tensor `{tensor}` {detail}")]
    TensorBytes {
        /// The file.
        path: PathBuf,
        /// The name.
        tensor: String,
        /// How they disagree.
        detail: String,
    },
    /// A number type that this tool does not read.
    #[error("tensor `{tensor}` holds {dtype}, which this tool does not read")]
    TensorDtype {
        /// The file.
        path: PathBuf,
        /// The name.
        tensor: String,
        /// The type.
        dtype: String,
    },

    /// A PyTorch file that is damaged, or none.
    #[error("the PyTorch file cannot be read: {detail}")]
    TorchFile {
        /// The file.
        path: PathBuf,
        /// Where, and what.
        detail: String,
    },
    /// A PyTorch file that would have something called that rebuilds no tensor.
    #[error("the file asks for `{}` to be called; nothing is called but what rebuilds tensors", callable.escape_debug())]
    ForeignCallable {
        /// The file.
        path: PathBuf,
        /// Module and name.
        callable: String,
    },
    /// A PyTorch file without a dictionary of tensors, or with several.
    #[error("{}", match found.len() {
        0 => "the file holds no dictionary of tensors by name".to_owned(),
        _ => format!("the file holds several dictionaries of tensors (found {}); one is expected", listed(found)),
    })]
    StateDict {
        /// The file.
        path: PathBuf,
        /// The keys that lead to those there are.
        found: Vec<String>,
    },
    /// An index that disagrees with its shards.
    #[error("the index and its shards disagree: {detail}")]
    Shards {
        /// The index.
        path: PathBuf,
        /// In what.
        detail: String,
    },

    // What a data file says.
    /// Data in a format this tool does not read.
    #[error("this is no data format this tool reads")]
    DataFormat {
        /// The file.
        path: PathBuf,
    },
    /// A table or a list of lines with a fault in it.
    #[error("the table cannot be read: {detail}")]
    Table {
        /// The file.
        path: PathBuf,
        /// Where, and what.
        detail: String,
    },
    /// A NumPy file with a fault in it.
    #[error("the NumPy file cannot be read: {detail}")]
    NumPy {
        /// The file.
        path: PathBuf,
        /// Where, and what.
        detail: String,
    },
    /// An IDX file with a fault in it.
    #[error("the IDX file cannot be read: {detail}")]
    Idx {
        /// The file.
        path: PathBuf,
        /// What.
        detail: String,
    },
    /// Data without inputs.
    #[error(
        "the data hold neither `{prefix}inputs` nor `{prefix}tokens` (found {})",
        listed(found)
    )]
    NoInputs {
        /// The file.
        path: PathBuf,
        /// The split's prefix.
        prefix: String,
        /// The names found.
        found: Vec<String>,
    },
    /// Data without samples.
    #[error("there are no samples: tensor `{tensor}` has shape {shape:?}")]
    NoSamples {
        /// The file.
        path: PathBuf,
        /// The name of the inputs.
        tensor: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// A split that the data do not have.
    #[error("the data have no split `{asked}` (found {})", listed(found))]
    NoSuchSplit {
        /// The file.
        path: PathBuf,
        /// The split asked for.
        asked: String,
        /// Those there are.
        found: Vec<String>,
    },
    /// An array whose shape does not fit the others.
    #[error("tensor `{tensor}` has shape {shape:?}; {expected}")]
    DataShape {
        /// The file.
        path: PathBuf,
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
        /// The file.
        path: PathBuf,
        /// The name.
        tensor: String,
        /// What its integers mean.
        expected: &'static str,
    },
    /// A domain that is none, or not one of these inputs.
    #[error("the domain `box` {detail}")]
    Domain {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// NaN or infinity among the data.
    #[error("tensor `{tensor}` holds {found} at row {row}, column {column} (counted from 0)")]
    NonFiniteData {
        /// The file.
        path: PathBuf,
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
        /// The file.
        path: PathBuf,
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
        /// The file.
        path: PathBuf,
        /// What its name says.
        named: &'static str,
        /// What its first bytes say.
        found: &'static str,
    },
    /// Arrays that nothing is done with.
    #[error("nothing is done with {} (known: {known})", listed(names))]
    UnknownArray {
        /// The file.
        path: PathBuf,
        /// Their names.
        names: Vec<String>,
        /// Every name that is read.
        known: String,
    },
    /// Two columns, keys, members or arrays that stand for one thing.
    #[error("{what} `{name}` is there twice: {detail}")]
    Duplicate {
        /// The file.
        path: PathBuf,
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
        /// The file.
        path: PathBuf,
        /// From 1, the header's.
        line: u64,
        /// Its column.
        column: String,
    },
    /// A field of a table that is no finite number.
    #[error("line {line}, column `{column}`: {text:?} is no number")]
    NotANumber {
        /// The file.
        path: PathBuf,
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
        /// The file.
        path: PathBuf,
        /// The flag.
        flag: &'static str,
        /// What it names.
        name: String,
        /// The columns there are.
        found: Vec<String>,
    },
    /// A flag for columns where the data have none.
    #[error("`{column}` shall be a column, and the data are no table")]
    NoColumns {
        /// The file.
        path: PathBuf,
        /// What the flag names.
        column: String,
    },
    /// Columns that are not those of the network's inputs.
    #[error(
        "the columns are not the network's inputs: {}",
        columns_of_inputs(missing, unused)
    )]
    ColumnsOfInputs {
        /// The file.
        path: PathBuf,
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
        /// The file.
        path: PathBuf,
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
        /// The file.
        path: PathBuf,
        /// Different words.
        found: usize,
        /// Classes of the network.
        outputs: usize,
    },
    /// A class or token that no network has.
    #[error("tensor `{tensor}` holds {found} at sample {sample} (counted from 0), which would be one of {} classes; at most {limit} are read", found + 1)]
    IndexTooLarge {
        /// The file.
        path: PathBuf,
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
    NoTokenizer {
        /// The data.
        path: PathBuf,
    },
    /// A tokenizer that is none, or that fails.
    #[error("the tokenizer cannot be used: {detail}")]
    Tokenizer {
        /// Its file.
        path: PathBuf,
        /// What the library said.
        detail: String,
    },
    /// A text that is not the tokens it should be.
    #[error("line {line}: `{key}` {text:?} is {} tokens {tokens:?}; {expected}", tokens.len())]
    PromptText {
        /// The data.
        path: PathBuf,
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
        /// The data.
        path: PathBuf,
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
        /// The data.
        path: PathBuf,
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
        /// The data file.
        path: PathBuf,
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
        /// The checkpoint.
        path: PathBuf,
        /// The names found.
        tensors: Vec<String>,
    },
    /// A tensor that the layout needs and the file lacks.
    #[error("tensor `{tensor}` is missing")]
    MissingTensor {
        /// The checkpoint.
        path: PathBuf,
        /// The name.
        tensor: String,
    },
    /// A tensor whose shape does not fit the others.
    #[error("tensor `{tensor}` has shape {shape:?}; {expected}")]
    TensorShape {
        /// The checkpoint.
        path: PathBuf,
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
        /// The checkpoint.
        path: PathBuf,
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
        /// The checkpoint.
        path: PathBuf,
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
        /// The checkpoint.
        path: PathBuf,
        /// What stands there as JSON, if anything does.
        name: Option<String>,
        /// The names that are known.
        known: String,
    },

    /// A setting that names and shapes cannot tell, and no `config.json` does.
    #[error("`{key}` is needed, and no `config.json` beside the checkpoint has it")]
    ConfigMissing {
        /// The checkpoint.
        path: PathBuf,
        /// The setting.
        key: String,
    },
    /// A setting that asks for what this tool does not compute.
    #[error("`config.json` sets `{key}` to {value}, which this tool does not compute")]
    ConfigUnsupported {
        /// The checkpoint.
        path: PathBuf,
        /// The setting.
        key: String,
        /// Its value.
        value: String,
    },
    /// A setting of another type or range.
    #[error("`config.json` has `{key}`: {value}; {expected} is expected")]
    ConfigType {
        /// The checkpoint.
        path: PathBuf,
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
        /// The checkpoint.
        path: PathBuf,
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
        /// The checkpoint.
        path: PathBuf,
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
        /// The checkpoint.
        path: PathBuf,
        /// Their names.
        tensors: Vec<String>,
    },
    /// A pattern of `--ignore` that fits nothing.
    #[error(
        "`--ignore {pattern}` fits no tensor (found {}) and no key of `config.json`",
        listed(tensors)
    )]
    NothingToIgnore {
        /// The checkpoint.
        path: PathBuf,
        /// The pattern.
        pattern: String,
        /// The tensors there are.
        tensors: Vec<String>,
    },
    /// A transformer where only MLPs are served.
    #[error("this network is a transformer, which this command does not take")]
    TransformerNotYet {
        /// The checkpoint.
        path: PathBuf,
    },

    // Data that do not fit a model.
    /// Sequences longer than the network's positions, or empty.
    #[error("the sequences have {found} positions; the network takes 1 to {limit}")]
    SequenceLength {
        /// The data.
        path: PathBuf,
        /// Their length.
        found: usize,
        /// The longest possible.
        limit: usize,
    },
    /// Inputs of another width than the network's.
    #[error("the data have {found} features per sample; the network has {expected} inputs")]
    InputWidth {
        /// The data.
        path: PathBuf,
        /// Features per sample.
        found: usize,
        /// Inputs of the network.
        expected: usize,
    },
    /// Another number of tokens than the network reads.
    #[error("the data have {found} tokens per sample; the network reads {expected}")]
    TokenCount {
        /// The data.
        path: PathBuf,
        /// Tokens per sample.
        found: usize,
        /// Tokens that the network reads.
        expected: usize,
    },
    /// Numbers for a network that wants tokens.
    #[error("the data hold `inputs`; the network embeds tokens (ids below {tokens})")]
    TokensExpected {
        /// The data.
        path: PathBuf,
        /// Rows of the embedding.
        tokens: usize,
    },
    /// Targets or outputs of another width than the network's.
    #[error("tensor `{tensor}` has {found} columns; the network has {expected} outputs")]
    OutputWidth {
        /// The data.
        path: PathBuf,
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
        /// The data.
        path: PathBuf,
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
        /// The file.
        path: PathBuf,
        /// What the parser said.
        detail: String,
    },
    /// A result of another version.
    #[error("the result has schema `{found}`; this version reads `{expected}`")]
    ResultSchema {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: String,
        /// What is read.
        expected: &'static str,
    },

    // What is asked for and cannot be had.
    /// A metric of classes where the data have none.
    #[error("the metric `{metric}` needs a class per sample; the data have none")]
    MetricNeedsClasses {
        /// The data.
        path: PathBuf,
        /// The metric.
        metric: String,
    },
    /// Corrupted fills without pairs.
    #[error("the fill `corrupted` needs the pair of each sample; the data have none")]
    NoCorruptedInputs {
        /// The data.
        path: PathBuf,
    },
    /// Runs that would take more memory than they may.
    #[error("this would take about {needed} MB of memory; {limit} MB are allowed")]
    TooMuchMemory {
        /// The data.
        path: PathBuf,
        /// Millions of bytes.
        needed: u64,
        /// Millions of bytes.
        limit: u64,
    },
    /// A file that should hold a circuit of this network.
    #[error("this is no circuit of this network: {detail}")]
    NotACircuit {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// A granularity that a kind of network does not have.
    #[error("{network} cannot be taken apart at the granularity `{granularity}`")]
    Granularity {
        /// The data.
        path: PathBuf,
        /// What was asked for.
        granularity: String,
        /// The kind of network.
        network: String,
    },
    /// An edge weight that components do not have.
    #[error("edges between components have no `{edge_weight}`: they are many weights each")]
    EdgeWeight {
        /// The checkpoint.
        path: PathBuf,
        /// What was asked for.
        edge_weight: String,
    },
    /// Edges that cannot be told apart by position.
    #[error("edges cannot be told apart by position: {detail}")]
    Positions {
        /// The data.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// Circuits or equivalences that cannot be proved.
    #[error("nothing can be proved: {detail}")]
    NotProvable {
        /// The data.
        path: PathBuf,
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
        /// The data.
        path: PathBuf,
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
        /// The data.
        path: PathBuf,
        /// How edges were to be scored.
        method: String,
        /// What was measured.
        metric: String,
    },
    /// A method of edges into queries and keys, where there are none.
    #[error("`{method}` computes what heads see anew, and no edge leads to queries or keys here")]
    NoQueries {
        /// The data.
        path: PathBuf,
        /// How edges were to be scored.
        method: String,
    },
    /// No method gave effects sample by sample.
    #[error("none of the methods gave the edges effects sample by sample")]
    NoScores {
        /// The data.
        path: PathBuf,
    },
    /// A claim about what the network does not have.
    #[error("no edge is `{claim}`, and none leads out of a site of that name")]
    UnknownClaim {
        /// The checkpoint.
        path: PathBuf,
        /// The claim.
        claim: String,
    },
    /// A site that the network does not have.
    #[error("no site is called `{name}`; the nearest are {}", quoted(nearest))]
    UnknownSite {
        /// The checkpoint.
        path: PathBuf,
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
        /// The checkpoint.
        path: PathBuf,
        /// Its layout.
        layout: String,
    },
    /// An edit that cannot be made.
    #[error("the edit of `{edit}` cannot be made: {detail}")]
    WrongEdit {
        /// The checkpoint.
        path: PathBuf,
        /// Where it was to be made.
        edit: String,
        /// Why not.
        detail: String,
    },
    /// No data were named and none lie beside the checkpoint.
    #[error("no data were given, and none lie beside the checkpoint")]
    NoData {
        /// Where they were looked for.
        path: PathBuf,
    },
    /// A folder that holds other things than a result.
    #[error(
        "the folder is there and holds no `index.html`: it is no result that `--force` could replace"
    )]
    NoResultFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A result that is already there.
    #[error("a result is already there")]
    ResultExists {
        /// Its folder.
        path: PathBuf,
    },

    // Training.
    /// Samples to train on that say nothing of what they should give.
    #[error("the data have no labels to train on")]
    NoLabels {
        /// The data.
        path: PathBuf,
    },
    /// Samples to train on that are not of the task's kind.
    #[error("the data are {found}; the task has {expected}")]
    OtherKind {
        /// The data.
        path: PathBuf,
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
        /// The data.
        path: PathBuf,
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
        /// Where its result would have been.
        path: PathBuf,
        /// What is no number.
        what: &'static str,
        /// Updates made by then.
        step: usize,
    },
    /// A training that was interrupted and can be gone on with.
    #[error("interrupted after step {step}; what was trained is kept")]
    Interrupted {
        /// Its snapshot.
        path: PathBuf,
        /// Updates made by then.
        step: usize,
    },
    /// A snapshot that is not as it was written.
    #[error("the snapshot is damaged: its checksum is {found}, that of its contents {expected}")]
    SnapshotChecksum {
        /// The snapshot.
        path: PathBuf,
        /// What it says.
        found: String,
        /// What its contents give.
        expected: String,
    },
    /// A snapshot of another training.
    #[error("the snapshot has {key} = {found}; this training has {expected}")]
    OtherTraining {
        /// The snapshot.
        path: PathBuf,
        /// The hyper-parameter, task or seed that differs.
        key: String,
        /// Its value in the snapshot.
        found: String,
        /// Its value here.
        expected: String,
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

/// The first few of many names.
/// All names, each in quotes.
fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    quoted.join(", ")
}

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
