//! TransformerLens: state dicts of one matrix per head and letter,
//! `[heads, d, width]`.

use std::sync::Arc;

use serde_json::Value;

use super::plan::{BiasAt, BlockPlan, LinearAt, MlpPlan, NormAt, NormsAt, Plan, Positions};
use super::{blocks, buffer, masks};
use crate::checkpoint::{Account, Settings};
use crate::model::transformer::{
    Alibi, Heads, Llama3, Logits, Mask, NormKind, Order, Pairs, Places, Rotary, Wiring, Yarn,
};
use crate::numeric::Activation;
use crate::{Error, ErrorKind, Result};

/// How far sines of angles that were computed in f32 are off, ten thousand positions away.
const FAR_ANGLES: f64 = 2e-3;

/// A file, and the sizes its tensors have.
struct File<'a> {
    account: &'a Account<'a>,
    settings: &'a Settings<'a>,
    width: usize,
    layers: usize,
    heads: usize,
    key_heads: usize,
    head: usize,
    vocabulary: usize,
    outputs: usize,
    epsilon: f64,
    norm: Option<NormForm>,
}

/// How everything is normalised.
#[derive(Clone, Copy)]
struct NormForm {
    kind: NormKind,
    /// Weights folded into what follows.
    folded: bool,
    epsilon: f64,
}

impl<'a> File<'a> {
    /// The sizes that a state dict's tensors have.
    fn open(account: &'a Account<'a>) -> Result<Self> {
        let settings = account.settings();
        let shape = |name: &str| shape(account, name);
        let (embedding, unembedding) = (shape("embed.W_E")?, shape("unembed.W_U")?);
        let queries = shape("blocks.0.attn.W_Q")?;
        let keys = match account.has("blocks.0.attn._W_K") {
            true => shape("blocks.0.attn._W_K")?,
            false => shape("blocks.0.attn.W_K")?,
        };
        let (&[vocabulary, width], &[_, outputs], &[heads, _, head], &[key_heads, ..]) =
            (embedding, unembedding, queries, keys)
        else {
            return Err(wrong(
                account,
                "blocks.0.attn.W_Q",
                "[heads, d, width] is expected, and [tokens, d] of `embed.W_E`",
            ));
        };
        if heads * head * key_heads * vocabulary * width * outputs == 0
            || !heads.is_multiple_of(key_heads)
        {
            return Err(wrong(
                account,
                "blocks.0.attn.W_Q",
                "no dimension is to be 0, and key-value heads are to divide heads",
            ));
        }
        Ok(Self {
            account,
            settings,
            width,
            layers: blocks(account, "blocks."),
            heads,
            key_heads,
            head,
            vocabulary,
            outputs,
            epsilon: settings.positive("eps")?.unwrap_or(1e-5),
            norm: norm_form(account)?,
        })
    }
}

/// What a state dict says, and where its activation is known from.
pub(super) fn plan(
    account: &Account<'_>,
    asked: Option<Activation>,
) -> Result<(Plan, &'static str)> {
    account.settings().refuse(super::keys::LENS)?;
    let file = File::open(account)?;
    file.agree()?;
    let (activation, source) = file.activation(asked)?;
    masks(account, "blocks.", file.layers, None)?;
    let (width, outputs) = (file.width, file.outputs);
    let plan = Plan {
        tokens: "embed.W_E".to_owned(),
        vocabulary: file.vocabulary,
        patches: None,
        width,
        projections: None,
        embedding_scale: 1.0,
        token_norm: file
            .flag("post_embedding_ln")?
            .then(|| file.own_norm("embed.ln", NormKind::Layer)),
        positions: file.positions()?,
        sines: None,
        embedding_norm: None,
        embedding_map: None,
        blocks: (0..file.layers)
            .map(|l| file.block(l))
            .collect::<Result<_>>()?,
        final_norm: file.final_norm()?,
        head: None,
        unembedding: Some(file.flat("unembed.W_U", "unembed.b_U", true, width, outputs)),
        output_bias: None,
        outputs,
        logits: Logits {
            scale: 1.0,
            cap: file.cap("output_logits_soft_cap")?,
        },
        residual: 1.0,
        activation,
        reads: None,
        headless: false,
        padding: None,
    };
    Ok((plan, source))
}

fn shape<'a>(account: &'a Account<'_>, name: &str) -> Result<&'a [usize]> {
    let tensor = account.look(name).ok_or_else(|| {
        ErrorKind::MissingTensor {
            tensor: account.stored(name),
        }
        .at(account.checkpoint().path.clone())
    })?;
    Ok(&tensor.shape)
}

fn wrong(account: &Account<'_>, name: &str, expected: &str) -> Error {
    ErrorKind::TensorShape {
        tensor: account.stored(name),
        shape: shape(account, name)
            .map(<[usize]>::to_vec)
            .unwrap_or_default(),
        expected: expected.to_owned(),
    }
    .at(account.checkpoint().path.clone())
}

/// `null` says that there are no norms; a configuration that is silent does not, and
/// without weights in the file they may be folded.
fn norm_form(account: &Account<'_>) -> Result<Option<NormForm>> {
    let settings = account.settings();
    let epsilon = settings.positive("eps")?.unwrap_or(1e-5);
    account.tell_epsilon(epsilon);
    let is_rms = settings.flag("uses_rms_norm")?.unwrap_or(false);
    let said = settings.value("normalization_type").is_some();
    let form = |kind, folded| {
        Ok(Some(NormForm {
            kind,
            folded,
            epsilon,
        }))
    };
    match settings.word("normalization_type")? {
        Some("LN" | "LNPre") | None if is_rms && said => {
            Err(settings.disagrees("uses_rms_norm", "true", "`normalization_type` names no RMS"))
        }
        Some("LN") => form(NormKind::Layer, false),
        Some("LNPre") => form(NormKind::Layer, true),
        Some("RMS") => form(NormKind::Rms, false),
        Some("RMSPre") => form(NormKind::Rms, true),
        Some(other) => Err(settings.unsupported("normalization_type", other)),
        None if said => Ok(None),
        None if account.has("blocks.0.ln1.w") && account.has("blocks.0.ln1.b") => {
            form(NormKind::Layer, false)
        }
        None => Err(settings.missing("normalization_type")),
    }
}

impl File<'_> {
    fn flag(&self, key: &str) -> Result<bool> {
        Ok(self.settings.flag(key)?.unwrap_or(false))
    }

    /// A cap, where it is above 0; TransformerLens writes −1 for none.
    fn cap(&self, key: &str) -> Result<Option<f64>> {
        Ok(self.settings.number_or_null(key)?.filter(|cap| *cap > 0.0))
    }

    /// That sizes in the configuration are those of the tensors.
    fn agree(&self) -> Result<()> {
        let settings = self.settings;
        for (key, found, at) in [
            ("n_layers", self.layers, "the blocks in the file"),
            ("d_model", self.width, "columns of `embed.W_E`"),
            ("d_head", self.head, "the last dimension of `attn.W_Q`"),
            ("n_heads", self.heads, "the first dimension of `attn.W_Q`"),
            ("d_vocab", self.vocabulary, "rows of `embed.W_E`"),
        ] {
            settings.agrees(key, settings.count(key)?, found, at)?;
        }
        let said = settings.count_or_null("n_key_value_heads")?;
        settings.agrees(
            "n_key_value_heads",
            said,
            self.key_heads,
            "the first dimension of `attn.W_K`",
        )?;
        let said = settings
            .number_or_null("d_vocab_out")?
            .filter(|n| *n != -1.0);
        match said.filter(|n| *n != self.outputs as f64) {
            None => Ok(()),
            Some(said) => {
                let found = format!("columns of `unembed.W_U` say {}", self.outputs);
                Err(settings.disagrees("d_vocab_out", &said.to_string(), &found))
            }
        }
    }

    fn activation(&self, asked: Option<Activation>) -> Result<(Activation, &'static str)> {
        let said = self.settings.word("act_fn")?;
        let has_mlp = !self.flag("attn_only")?;
        match (asked, said) {
            (Some(asked), _) => Ok((asked, "--activation")),
            (None, Some(name)) if has_mlp => match name.parse() {
                Ok(activation) => Ok((activation, "config.json")),
                Err(_) => Err(ErrorKind::ActivationUnknown {
                    name: Some(format!("{name:?}")),
                    known: Activation::names().collect::<Vec<_>>().join(", "),
                }
                .at(self.account.checkpoint().path.clone())),
            },
            // There is nothing that it would be between.
            (None, _) if !has_mlp => Ok((Activation::Identity, "layout")),
            (None, _) => Err(ErrorKind::ActivationUnknown {
                name: None,
                known: Activation::names().collect::<Vec<_>>().join(", "),
            }
            .at(self.account.checkpoint().path.clone())),
        }
    }

    fn positions(&self) -> Result<Option<Positions>> {
        let settings = self.settings;
        let table = "pos_embed.W_pos";
        let rows = settings.count("n_ctx")?;
        let is_there = self.account.has(table);
        match settings.word("positional_embedding_type")? {
            None | Some("standard") => {}
            Some("rotary" | "alibi") => {
                self.account
                    .harmless(table, "not read where positions are turned or sloped");
                return Ok(None);
            }
            Some(other) => return Err(settings.unsupported("positional_embedding_type", other)),
        }
        if !is_there && settings.is_empty() {
            return Err(settings.missing("positional_embedding_type"));
        }
        let found = shape(self.account, table)?.first().copied().unwrap_or(0);
        settings.agrees("n_ctx", rows, found, "rows of `pos_embed.W_pos`")?;
        Ok(Some(Positions {
            tensor: table.to_owned(),
            skipped: 0,
            token_types: None,
        }))
    }

    fn norm_kind(&self) -> NormKind {
        self.norm.map_or(NormKind::Layer, |norm| norm.kind)
    }

    fn norm_at(&self, name: &str, kind: NormKind) -> Option<NormAt> {
        let form = self.norm?;
        Some(self.norm_of(name, kind, form))
    }

    /// A norm whose weights are never folded: of the tokens' embedding, which is a LayerNorm
    /// whatever the others are, and behind sublayers.
    fn own_norm(&self, name: &str, kind: NormKind) -> NormAt {
        let form = NormForm {
            kind,
            folded: false,
            epsilon: self.epsilon,
        };
        self.norm_of(name, kind, form)
    }

    fn norm_of(&self, name: &str, kind: NormKind, form: NormForm) -> NormAt {
        let weights = (!form.folded).then(|| format!("{name}.w"));
        NormAt {
            kind,
            bias: (weights.is_some() && kind == NormKind::Layer).then(|| format!("{name}.b")),
            weights: weights.into_iter().collect(),
            plus: 0.0,
            epsilon: form.epsilon,
            width: self.width,
            heads: 0,
            in_rows: false,
        }
    }

    fn final_norm(&self) -> Result<Option<NormAt>> {
        let kind = match self.flag("final_rms")? {
            true => NormKind::Rms,
            false => self.norm_kind(),
        };
        Ok(self.norm_at("ln_final", kind))
    }

    fn block(&self, l: usize) -> Result<BlockPlan> {
        let at = |part: &str| format!("blocks.{l}.{part}");
        let is_around = self.flag("use_normalization_before_and_after")?;
        let norms = |name: &str| NormsAt {
            before: self.norm_at(&at(name), self.norm_kind()),
            after: self
                .norm
                .filter(|_| is_around)
                .map(|norm| self.own_norm(&at(&format!("{name}_post")), norm.kind)),
            sum: None,
        };
        let parallel = self.flag("parallel_attn_mlp")?;
        let mlp_norms = norms("ln2");
        let total = self.heads * self.head;
        let out = LinearAt {
            tensor: at("attn.W_O"),
            shape: vec![self.heads, self.head, self.width],
            first: 0,
            order: Order::InOut { stride: self.width },
            inputs: total,
            outputs: self.width,
            bias: self.bias(at("attn.b_O"), vec![self.width]),
        };
        let mlp = match self.flag("attn_only")? {
            true => None,
            false => Some(self.mlp(l, mlp_norms)?),
        };
        Ok(BlockPlan {
            heads: self.heads(l)?,
            letters: ["Q", "K", "V"].map(|letter| self.letter(l, letter)),
            query_norm: self.head_norm(&at("attn.q_norm"), self.heads)?,
            key_norm: self.head_norm(&at("attn.k_norm"), self.key_heads)?,
            out,
            attention_norms: norms("ln1"),
            mlp,
            wiring: if parallel {
                Wiring::Parallel
            } else {
                Wiring::Sequential
            },
        })
    }

    fn bias(&self, tensor: String, shape: Vec<usize>) -> Option<BiasAt> {
        Some(BiasAt {
            tensor,
            shape,
            first: 0,
        })
    }

    /// Queries, keys or values; an underscore stands before keys and values of fewer heads.
    fn letter(&self, l: usize, letter: &str) -> LinearAt {
        let is_shared = letter != "Q" && self.key_heads != self.heads;
        let is_marked = letter != "Q" && self.account.has(&format!("blocks.{l}.attn._W_{letter}"));
        let count = if is_shared || is_marked {
            self.key_heads
        } else {
            self.heads
        };
        let mark = if is_marked { "_" } else { "" };
        LinearAt {
            tensor: format!("blocks.{l}.attn.{mark}W_{letter}"),
            shape: vec![count, self.width, self.head],
            first: 0,
            order: Order::Heads { width: self.head },
            inputs: self.width,
            outputs: count * self.head,
            bias: self.bias(
                format!("blocks.{l}.attn.{mark}b_{letter}"),
                vec![count, self.head],
            ),
        }
    }

    /// Norms of queries and keys are RMS, whatever the others are.
    fn head_norm(&self, name: &str, heads: usize) -> Result<Option<NormAt>> {
        if !self.flag("use_qk_norm")? {
            return Ok(None);
        }
        Ok(Some(NormAt {
            kind: NormKind::Rms,
            weights: vec![format!("{name}.w")],
            bias: None,
            plus: 0.0,
            epsilon: self.epsilon,
            width: self.head,
            heads,
            in_rows: false,
        }))
    }

    /// A matrix `[in, out]` with its bias.
    fn flat(
        &self,
        weight: &str,
        bias: &str,
        is_biased: bool,
        inputs: usize,
        outputs: usize,
    ) -> LinearAt {
        LinearAt {
            tensor: weight.to_owned(),
            shape: vec![inputs, outputs],
            first: 0,
            order: Order::InOut { stride: outputs },
            inputs,
            outputs,
            bias: is_biased.then(|| BiasAt {
                tensor: bias.to_owned(),
                shape: vec![outputs],
                first: 0,
            }),
        }
    }

    fn mlp(&self, l: usize, norms: NormsAt) -> Result<MlpPlan> {
        let at = |part: &str| format!("blocks.{l}.mlp.{part}");
        let settings = self.settings;
        let hidden = shape(self.account, &at("W_in"))?
            .get(1)
            .copied()
            .unwrap_or(0);
        settings.agrees(
            "d_mlp",
            settings.count_or_null("d_mlp")?,
            hidden,
            "columns of `mlp.W_in`",
        )?;
        let is_gated = self.flag("gated_mlp")?;
        Ok(MlpPlan {
            up: self.flat(&at("W_in"), &at("b_in"), !is_gated, self.width, hidden),
            gate: is_gated.then(|| self.flat(&at("W_gate"), "", false, self.width, hidden)),
            down: self.flat(&at("W_out"), &at("b_out"), true, hidden, self.width),
            norms,
            behind_gate: is_gated.then(|| at("b_in")),
            experts: None,
        })
    }

    fn heads(&self, l: usize) -> Result<Heads> {
        let settings = self.settings;
        let mut heads = Heads::new(self.heads, self.head);
        heads.keys = self.key_heads;
        let divisor = settings.number_or_null("attn_scale")?.filter(|s| *s > 0.0);
        let usual = heads.scale;
        heads.scale = match settings.flag("use_attn_scale")? {
            Some(false) => 1.0,
            _ => divisor.map_or(usual, |divisor| 1.0 / divisor),
        };
        if (heads.scale / usual - 1.0).abs() > 1e-6 {
            let (divisor, width) = (1.0 / heads.scale, self.head);
            self.account.tell(format!(
                "attention scores are divided by {divisor}, not by the root of a head's width {width}"
            ));
        }
        if self.flag("scale_attn_by_inverse_layer_idx")? {
            heads.scale /= (l + 1) as f64;
        }
        heads.cap = self.cap("attn_scores_soft_cap")?;
        heads.clip = settings.number_or_null("clip_qkv")?;
        heads.mask = self.mask(l)?;
        heads.places = match settings.word("positional_embedding_type")? {
            Some("rotary") => self.rotary(l)?,
            Some("alibi") => Places::Alibi(Alibi::geometric(self.heads)),
            _ => Places::Stream,
        };
        Ok(heads)
    }

    fn mask(&self, l: usize) -> Result<Mask> {
        let settings = self.settings;
        settings.count_or_null("window_size")?;
        let is_full = match settings.word("attention_dir")? {
            None | Some("causal") => false,
            Some("bidirectional") => true,
            Some(other) => return Err(settings.unsupported("attention_dir", other)),
        };
        match (self.is_local(l)?, is_full) {
            (false, true) => Ok(Mask::Full),
            (false, false) => Ok(Mask::Causal),
            (true, false) => {
                let window = settings.count_or_null("window_size")?;
                Ok(Mask::Window(
                    window.ok_or_else(|| settings.missing("window_size"))?,
                ))
            }
            (true, true) => Err(settings.unsupported("attn_types", "local, in both directions")),
        }
    }

    /// Whether a block sees a window alone.
    fn is_local(&self, l: usize) -> Result<bool> {
        let settings = self.settings;
        let kinds = settings.list("attn_types")?;
        if !self.flag("use_local_attn")? {
            return Ok(false);
        }
        let kinds = kinds.ok_or_else(|| settings.missing("attn_types"))?;
        let at = "the blocks in the file";
        settings.agrees("attn_types", Some(kinds.len()), self.layers, at)?;
        match kinds.get(l).and_then(Value::as_str) {
            Some("global") => Ok(false),
            Some("local") => Ok(true),
            other => Err(settings.unsupported("attn_types", &format!("{other:?}"))),
        }
    }

    /// That sines or cosines which were saved, `[positions, width]`, are of these angles.
    fn angles(&self, name: &str, rotary: &Rotary, of: fn(f64) -> f64) -> Result<()> {
        let Some(tensor) = self.account.look(name) else {
            return Ok(());
        };
        let turned = 2 * rotary.frequencies.len();
        let pair = |column: usize| match rotary.pairs {
            Pairs::Halves => column % rotary.frequencies.len(),
            Pairs::Neighbours => column / 2,
        };
        let rows = tensor.shape.first().copied().unwrap_or(0);
        let angle = |k: usize| (k / turned) as f64 * rotary.frequencies[pair(k % turned)];
        let at = |k: usize| rotary.factor * of(angle(k));
        let expected: Vec<f64> = (0..rows * turned).map(at).collect();
        buffer(self.account, name, &expected, FAR_ANGLES, "rotary_base")
    }

    fn rotary(&self, l: usize) -> Result<Places> {
        let settings = self.settings;
        let width = settings.count_or_null("rotary_dim")?.unwrap_or(self.head);
        if width > self.head || !width.is_multiple_of(2) {
            let found = format!("a head is {} wide", self.head);
            return Err(settings.disagrees("rotary_dim", &width.to_string(), &found));
        }
        let is_local = self.is_local(l)?;
        let of_windows = settings.number_or_null("rotary_base_local")?;
        let base = settings.positive("rotary_base")?.unwrap_or(10_000.0);
        let base = of_windows.filter(|_| is_local).unwrap_or(base);
        let pairs = match self.flag("rotary_adjacent_pairs")? {
            true => Pairs::Neighbours,
            false => Pairs::Halves,
        };
        let rotary = self.stretched(Rotary::new(width, base, pairs), base, is_local)?;
        for (part, of) in [
            ("rotary_sin", f64::sin as fn(f64) -> f64),
            ("rotary_cos", f64::cos),
        ] {
            self.angles(&format!("blocks.{l}.attn.{part}"), &rotary, of)?;
        }
        Ok(Places::Rotary(Arc::new(rotary)))
    }

    /// The rotation for sequences longer than in training: `llama3` under another name, yarn,
    /// or all frequencies divided, blocks with a window left out.
    fn stretched(&self, rotary: Rotary, base: f64, is_local: bool) -> Result<Rotary> {
        let number = |key: &str, usual: f64| Ok(self.settings.positive(key)?.unwrap_or(usual));
        let by_parts = self.flag("use_NTK_by_parts_rope")?;
        let is_yarn =
            self.flag("use_yarn_rope")? && !(is_local && self.flag("yarn_global_attn_only")?);
        if by_parts {
            return Ok(rotary.llama3(Llama3 {
                factor: number("NTK_by_parts_factor", 8.0)?,
                low: number("NTK_by_parts_low_freq_factor", 1.0)?,
                high: number("NTK_by_parts_high_freq_factor", 4.0)?,
                trained: number("NTK_original_ctx_len", 8192.0)?,
            }));
        }
        if is_yarn {
            let yarn = Yarn {
                factor: number("yarn_factor", 1.0)?,
                fast: number("yarn_beta_fast", 32.0)?,
                slow: number("yarn_beta_slow", 1.0)?,
                trained: number("yarn_original_max_position_embeddings", 4096.0)?,
                truncate: self.settings.flag("yarn_truncate")?.unwrap_or(true),
                scales: None,
            };
            let mut rotary = rotary.yarn(base, yarn);
            rotary.factor = number("yarn_attention_factor", 1.0)?;
            return Ok(rotary);
        }
        match is_local {
            true => Ok(rotary),
            false => Ok(rotary.linear(number("rotary_scaling_factor", 1.0)?)),
        }
    }
}
