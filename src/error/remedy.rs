//! Where each error lies and what to do about it: two tables, one line per cause.

use std::path::Path;

use super::{Error, ErrorKind};

impl Error {
    /// What to do about it, where that is known.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        let path = &self.path;
        let inspect = |path: &Path| {
            format!(
                "`modscope inspect {}` lists every tensor and the layout that was recognised",
                path.display()
            )
        };
        Some(match &self.kind {
            ErrorKind::Read { .. } => "check the path and its permissions".to_owned(),
            ErrorKind::TooMuchMemory { .. } => {
                "use fewer samples (`--samples N`) or a smaller network; `--max-memory` allows more".to_owned()
            }
            ErrorKind::NotACircuit { .. } => {
                "EAP-IG's graph JSON, a list of \"a->b\", or a tracr truth.json with this network's sites"
                    .to_owned()
            }
            ErrorKind::Granularity { .. } => {
                "`--granularity` weight or neuron for MLPs, weight, neuron or component for transformers"
                    .to_owned()
            }
            ErrorKind::EdgeWeight { .. } => {
                "`--edge-weight effect` or `attribution`; or `--granularity neuron`".to_owned()
            }
            ErrorKind::Positions { .. } => {
                "without `--positions` an edge is patched at all positions; `--read last` reads every sample at its last"
                    .to_owned()
            }
            ErrorKind::ReadsMean { .. } => {
                "without `--read`, and without `read` in task.json and `positions` in the data".to_owned()
            }
            ErrorKind::NotProvable { remedy, .. } => (*remedy).to_owned(),
            ErrorKind::PatchesChangeNothing { .. } => {
                "choose a metric with a slope (not accuracy), a fill that differs from the data, \
                 or an answer that the outputs take part in"
                    .to_owned()
            }
            ErrorKind::NoScores => {
                "`--method eap` (or another by gradients); `exact` is for at most a million pairs of sample and edge: fewer `--samples`".to_owned()
            }
            ErrorKind::UnknownClaim { .. } => {
                "a claim is an edge, `--claim 'x1->h1.3'`, or a site, `--claim h1.3`, by the names in circuit.json".to_owned()
            }
            ErrorKind::UnknownSite { .. } => {
                "sites are named by place: x0, h1.3, y0 of an MLP, a0.h1, a0.h1<q>, m0, r2, b0.h5 of a transformer; docs/guide.md lists them".to_owned()
            }
            ErrorKind::NoStream { .. } => {
                "`modscope audit` shows what single neurons do, `modscope intervene` what happens without them".to_owned()
            }
            ErrorKind::WrongEdit { .. } => {
                "`modscope intervene --help` shows every form of an edit".to_owned()
            }
            ErrorKind::NoSlope { metric, .. } if metric == "accuracy" => {
                "a metric with a slope: `--metric logit-diff` or `cross-entropy`; or a method that patches: `--method exact` or `acdc`".to_owned()
            }
            ErrorKind::NoSlope { .. } => {
                "a method that patches or leaves the network as it is: `--method exact`, `acdc` or `eap-ig-inputs`; \
                 or a metric with a slope there: `--metric logit-diff`".to_owned()
            }
            ErrorKind::NoQueries { .. } => {
                "a method for any edge: `--method eap` or `relp`; a transformer has such edges \
                 with `--granularity component`".to_owned()
            }
            ErrorKind::Grouped => "`--ungroup` takes it apart so".to_owned(),
            ErrorKind::NoFolds { .. } => {
                "a method by gradients, or their ensemble: `--method eap`, `eap-ig-inputs` or \
                 `ensemble`; or leave out `--calibrate`".to_owned()
            }
            ErrorKind::Write { .. } => "`--out DIR` writes elsewhere".to_owned(),
            ErrorKind::NotComparable { .. } => "compare networks of one task and shape".to_owned(),
            ErrorKind::NothingToCompare => {
                "name checkpoints, or folders that hold some: `modscope compare runs`".to_owned()
            }
            ErrorKind::FileTooLarge { .. } => "use fewer samples, or a smaller checkpoint".to_owned(),
            ErrorKind::EmptyFile
            | ErrorKind::HeaderLength { .. }
            | ErrorKind::BytesLeftOver { .. }
            | ErrorKind::TensorBytes { .. } => {
                "the file is cut short or damaged: copy or save it again".to_owned()
            }
            ErrorKind::Header { .. } => "the file is damaged, or of another format than its name says".to_owned(),
            ErrorKind::NotUtf8 { .. } => "save the file as UTF-8; is it of another format?".to_owned(),
            ErrorKind::Json { .. } => "correct the JSON, or remove the file if it is optional".to_owned(),
            ErrorKind::CheckpointFormat => {
                "save the weights as `.safetensors` or `.pt`, for example with \
                 `safetensors.torch.save_file(model.state_dict(), \"model.safetensors\")`"
                    .to_owned()
            }
            ErrorKind::OtherContent { remedy, .. } => (*remedy).to_owned(),
            ErrorKind::TorchScript => {
                "save the tensors alone: `torch.save(torch.jit.load(FILE).state_dict(), \"model.pt\")`"
                    .to_owned()
            }
            ErrorKind::Onnx { .. } => {
                "layers in one line are read, with convolutions, pools, norms, activations and \
                 residual sums, and recurrent ones: export the network without what is named, or \
                 save its weights as safetensors"
                    .to_owned()
            }
            ErrorKind::Graph { .. } => {
                "a table has a header with `from`, `to` and, unless all edges weigh 1, `weight`; \
                 GraphML has an attribute `weight` of its edges"
                    .to_owned()
            }
            ErrorKind::OnlyNetworks { .. } => {
                "of a graph: `--algorithm`, `--resolution`, `--null degree:N`, `--seed`".to_owned()
            }
            ErrorKind::Quantised { .. } => {
                "take the weights before they were quantised, in f64, f32, f16 or bf16".to_owned()
            }
            ErrorKind::Adapter { .. } => {
                "merge it (`model.merge_and_unload().save_pretrained(DIR)`), or copy the network \
                 into a folder of its own"
                    .to_owned()
            }
            ErrorKind::Chain { .. } => {
                "`--layers a,b,c` names the layers in order, `--activation a,b` what stands between \
                 them; `layers` in config.json says all of it"
                    .to_owned()
            }
            ErrorKind::WriteFormat => "let the name end in `.safetensors`".to_owned(),
            ErrorKind::NoCheckpointInFolder { found, .. } if found.is_empty() => {
                "name a folder that holds `model.safetensors`, or the file itself".to_owned()
            }
            ErrorKind::NoCheckpointInFolder { .. } => "name the file itself".to_owned(),
            ErrorKind::TensorDtype { .. } => "convert it to f64, f32, f16, bf16 or an integer type".to_owned(),
            ErrorKind::TorchFile { .. } => {
                "the file is damaged or was not made by `torch.save`: save it again".to_owned()
            }
            ErrorKind::ForeignCallable { .. } => {
                "save the tensors alone: `torch.save(model.state_dict(), \"model.pt\")`".to_owned()
            }
            ErrorKind::StateDict { .. } => {
                "save the one that is meant: `torch.save(model.state_dict(), \"model.pt\")`".to_owned()
            }
            ErrorKind::Shards { .. } => "copy or save the index and all its shards again".to_owned(),
            ErrorKind::DataFormat => "`.safetensors`, `.npz`, `.npy`, `.csv` or `.jsonl`".to_owned(),
            ErrorKind::Table { .. } if path.extension().is_some_and(|e| e == "jsonl") => {
                "correct the line; every line is one sample like {\"inputs\": [0.1, 0.2], \"label\": 3}".to_owned()
            }
            ErrorKind::Table { .. } => "correct the line; a CSV file needs a header row and numbers below it".to_owned(),
            ErrorKind::NumPy { .. } => "save plain arrays: `numpy.savez(file, inputs=x, labels=y)`".to_owned(),
            ErrorKind::NoInputs { .. } => {
                "name the samples `inputs` (numbers) or `tokens` (integers), with `train_` or `test_` before it for a split"
                    .to_owned()
            }
            ErrorKind::NoSamples { .. } => "store at least one sample".to_owned(),
            ErrorKind::NoSuchSplit { found, .. } => match found.first() {
                Some(split) => format!("`--split {split}`"),
                None => "leave `--split` out".to_owned(),
            },
            ErrorKind::DataShape { .. } => "every array has one row per sample".to_owned(),
            ErrorKind::NonFiniteData { .. } => "leave such samples out".to_owned(),
            ErrorKind::NegativeIndex { .. } | ErrorKind::IntegersExpected { .. } => {
                "store classes and tokens as integers from 0".to_owned()
            }
            ErrorKind::Domain { .. } => {
                "give one interval [lo, hi] per feature: {\"domain\": {\"box\": [[-1, 1], [-1, 1]]}}".to_owned()
            }
            ErrorKind::Property { .. } => {
                "properties are VNN-LIB 1.0: `(declare-const X_0 Real)`, then `(assert (<= X_0 0.5))` \
                 and `(assert (>= X_0 -0.5))` for every input, `or` for several boxes"
                    .to_owned()
            }
            ErrorKind::OtherFormat { .. } => "name the file by what it holds, or save it again".to_owned(),
            ErrorKind::UnknownArray { .. } => {
                "rename it to what it is, or `--drop NAME` leaves it out".to_owned()
            }
            ErrorKind::Duplicate { .. } => "leave one of them out, or rename it".to_owned(),
            ErrorKind::EmptyCell { .. } => "fill the field or leave the line out".to_owned(),
            ErrorKind::NotANumber { column, text, .. } if decimal_comma(text) => format!(
                "write numbers in column `{column}` with a point: 1.5"
            ),
            ErrorKind::NotANumber { column, .. } => format!(
                "`--label {column}` if it holds classes; `--drop {column}` leaves it out; else correct the field"
            ),
            ErrorKind::NoSuchColumn { .. } => "name a column of the header, letter by letter".to_owned(),
            ErrorKind::TooManyGroups { column, .. } => format!(
                "store ranges of `{column}` in a column of its own, as `0-17`, `18-64`, `65+`"
            ),
            ErrorKind::GroupsShape { .. } => {
                "name an array with one number per sample".to_owned()
            }
            ErrorKind::NoColumns { .. } => {
                "leave `--target` and `--label` out, and `--by` of lines of JSON: arrays and keys are told apart by their names".to_owned()
            }
            ErrorKind::ColumnsOfInputs { unused, .. } => match unused.first() {
                Some(name) => format!(
                    "`--drop {name}` leaves it out; `--target {name}` or `--label {name}` if it is what the network should give; inputs are named in `input_names` of config.json"
                ),
                None => "add the columns; inputs are named in `input_names` of config.json".to_owned(),
            },
            ErrorKind::UnknownClass { .. } => {
                "correct the word, or name the classes in `output_names` of config.json, in the order of the outputs".to_owned()
            }
            ErrorKind::ClassWords { .. } => {
                "name the classes in `output_names` of config.json, in the order of the outputs, or store them as numbers".to_owned()
            }
            ErrorKind::IndexTooLarge { .. } => {
                "count classes and tokens from 0; store numbers that are no classes as float targets".to_owned()
            }
            ErrorKind::NoTokenizer => {
                "put the network's `tokenizer.json` beside it, or store token ids: {\"tokens\": [5, 7], \"answer\": 12}".to_owned()
            }
            ErrorKind::Tokenizer { .. } => {
                "copy the network's `tokenizer.json` again; it is the file that the `tokenizers` library writes".to_owned()
            }
            ErrorKind::Press { .. } => {
                "`cargo install modscope --features pdf` builds with PDF and PNG; `fc-list : family` names the fonts; the page's buttons save any figure".to_owned()
            }
            ErrorKind::PromptText { .. } => {
                "choose other words; the space before a word is part of its token: \" Mary\"".to_owned()
            }
            ErrorKind::PromptPair { .. } => {
                "a pair aligns token by token: choose words of as many tokens".to_owned()
            }
            ErrorKind::PromptLengths { .. } => {
                "store prompts of each length in a file of their own, or use `--fill corrupted` or `zero`".to_owned()
            }
            ErrorKind::Padding { .. } => {
                "store samples of one length, without padding".to_owned()
            }
            ErrorKind::UnknownLayout { .. } => {
                "`--layout` names the layout; weights are looked for as `linears.{i}.linear.weight`, \
                 `{i}.weight`, `net.{i}.weight`, `layers.{i}.weight` or `fc{i}.weight`"
                    .to_owned()
            }
            ErrorKind::MissingTensor { .. }
            | ErrorKind::TensorShape { .. }
            | ErrorKind::WeightDtype { .. }
            | ErrorKind::NotAPermutation { .. } => inspect(path),
            ErrorKind::ActivationUnknown { known, .. } => format!("`--activation NAME` (known: {known})"),
            ErrorKind::ConfigMissing { key, .. } if key == "normalization_type" => {
                "put the `config.json` of the checkpoint beside it, or one that says how the stream is \
                 normalised: {\"normalization_type\": \"LN\"}, \"LNPre\" where norms are folded, \
                 \"RMS\", \"RMSPre\", or null where there are none"
                    .to_owned()
            }
            ErrorKind::ConfigMissing { key, .. } if key == "n_head" => {
                "put the `config.json` of the checkpoint beside it; {\"n_head\": …} says it too".to_owned()
            }
            ErrorKind::ConfigMissing { .. } => "put the `config.json` of the checkpoint beside it".to_owned(),
            ErrorKind::ConfigType { .. } => "correct `config.json`; the framework that saved the network writes it".to_owned(),
            ErrorKind::ConfigDisagrees { .. } => {
                "is `config.json` that of this checkpoint? put the right one beside it".to_owned()
            }
            ErrorKind::ConfigUnknown { key, .. } => {
                format!("if it changes no output, `--ignore config.{key}` passes over it, and the result says so")
            }
            ErrorKind::TensorsLeftOver { .. } => {
                "if the network works without them, `--ignore PATTERN` leaves them out, and the result says so; \
                 else it is of a kind that is not computed"
                    .to_owned()
            }
            ErrorKind::NothingToIgnore { .. } => inspect(path),
            ErrorKind::ConfigUnsupported { .. } => "convert the network, or ask for this to be added".to_owned(),
            ErrorKind::TransformerNotYet => {
                "`modscope audit`, `prune`, `modules` and `circuit` take transformers".to_owned()
            }
            ErrorKind::SequenceLength { .. } => "cut the sequences".to_owned(),
            ErrorKind::InputWidth { found, expected } if is_table(path) && found > expected => {
                "`--target COL` or `--label COL` says which column the network should give, `--drop COL` which to leave out".to_owned()
            }
            ErrorKind::InputWidth { .. } | ErrorKind::TokenCount { .. } | ErrorKind::OutputWidth { .. } => {
                "`--data FILE` names other data; were these made for another network?".to_owned()
            }
            ErrorKind::TokensExpected { .. } => "store token ids as integers named `tokens`".to_owned(),
            ErrorKind::ClassRange { .. } => "count classes and tokens from 0".to_owned(),
            ErrorKind::NotAResult { .. } => {
                "name the `.json` file that `modscope audit` wrote into its report".to_owned()
            }
            ErrorKind::ResultSchema { .. } => "run the audit again with this version".to_owned(),
            ErrorKind::MetricNeedsClasses { .. } => {
                "`--metric mse` or `--metric output`; or store integer `labels`".to_owned()
            }
            ErrorKind::NoCorruptedInputs => {
                "`--fill mean`, or store `corrupted_inputs` beside `inputs`".to_owned()
            }
            ErrorKind::NoData => "`--data FILE`".to_owned(),
            ErrorKind::Idx { .. } => "give the unpacked files of images and of labels, as MNIST has them".to_owned(),
            ErrorKind::NoLabels => "store integer classes or float targets as `labels`".to_owned(),
            ErrorKind::OtherKind { .. } => {
                "`modscope train data` takes samples of any kind, with a recipe by their kind".to_owned()
            }
            ErrorKind::TooMany { what, .. } => format!("number {what} from 0 without gaps"),
            ErrorKind::Diverged { .. } => {
                "a smaller `--lr`, or inputs and targets of the size of 1".to_owned()
            }
            ErrorKind::Interrupted { .. } => "the same command goes on from there".to_owned(),
            ErrorKind::SnapshotChecksum { .. } => {
                "resume from an earlier snapshot, or train afresh".to_owned()
            }
            ErrorKind::OtherTraining { key, .. } => format!(
                "resume with the task, seed and flags of the first run, {key} included; or train afresh"
            ),
            ErrorKind::NoStep => {
                "name it or its folder by the step, as in step-500.safetensors or checkpoint-500/".to_owned()
            }
            ErrorKind::SameStep { .. } => "leave one of them out".to_owned(),
            ErrorKind::NoResultFolder => "`--out DIR` writes elsewhere".to_owned(),
            ErrorKind::ResultExists => "`--force` replaces it, `--out DIR` writes elsewhere".to_owned(),
        })
    }
}

/// Whether data come as a table, or may do.
fn is_table(path: &Path) -> bool {
    let table = |e: &std::ffi::OsStr| e == "csv" || e == "tsv";
    path.extension().is_some_and(table) || path == Path::new("-")
}

/// Whether a text is a number with a comma in it.
fn decimal_comma(text: &str) -> bool {
    text.contains(',') && text.replacen(',', ".", 1).parse::<f64>().is_ok()
}
