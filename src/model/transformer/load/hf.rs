//! A family's row and a file's settings → a plan.

use std::sync::Arc;

use serde_json::Value;

use super::family::{Family, HeadNorms, Keys, Mlp, Model, NormStyle, Over, PlacesKind, Qkv, Rule};
use super::keys::{self, Purpose};
use super::plan::{
    BiasAt, BlockPlan, HeadAt, LinearAt, MlpPlan, NormAt, NormsAt, Plan, Positions, Projections,
};
use super::{blocks, buffer, masks, rope};
use crate::checkpoint::{Account, Settings};
use crate::model::Meaning;
use crate::model::options::Options;
use crate::model::transformer::{
    Alibi, Heads, Logits, Mask, NormKind, Order, Places, Rotary, Wiring,
};
use crate::numeric::Activation;
use crate::{ErrorKind, Result};

/// Sizes that settings and tensors agree on.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    width: usize,
    vocabulary: usize,
    layers: usize,
    heads: usize,
    key_heads: usize,
    head: usize,
}

/// One file of one family.
#[derive(Clone, Copy)]
struct File<'a> {
    account: &'a Account<'a>,
    settings: &'a Settings<'a>,
    family: &'a Family,
    /// What is before all names but the head's in this file.
    base: &'a str,
    purpose: Purpose,
    /// Whether Falcon's ALiBi counts twice.
    alibi_twice: bool,
}

/// What a file of a family says, and where its activation is known from.
pub(super) fn plan(
    account: &Account<'_>,
    name: &str,
    family: &Family,
    asked: Option<Activation>,
    options: &Options,
) -> Result<(Plan, &'static str)> {
    let settings = account.settings();
    let purpose = keys::purpose(settings, name, family)?;
    let base = family.base_in(account).unwrap_or_default();
    if base != family.base && family.model != Model::NanoGpt && !settings.has("architectures") {
        return Err(settings.missing("architectures"));
    }
    let file = File {
        account,
        settings,
        family,
        base,
        purpose,
        alibi_twice: options.reads(Meaning::AlibiTwice),
    };
    if file.alibi_twice {
        account.tell(format!("ALiBi counts twice: {}", options.who()));
    }
    let tokens = file.tokens();
    let sizes = file.sizes()?;
    masks(
        account,
        &file.at(family.layer),
        sizes.layers,
        file.window_of_masks()?,
    )?;
    file.beside();
    let untied = file.untied()?;
    let (activation, source) = file.activation(asked, untied)?;
    let unembedding = file.unembedding(sizes, untied)?;
    let plan = Plan {
        tokens,
        vocabulary: sizes.vocabulary,
        width: sizes.width,
        projections: file.projections(sizes.width)?,
        embedding_scale: file.embedding_scale(sizes.width),
        token_norm: None,
        positions: file.positions()?,
        embedding_norm: file.norm_at(family.embedding_norm, sizes.width)?,
        blocks: (0..sizes.layers)
            .map(|l| file.block(sizes, l))
            .collect::<Result<_>>()?,
        final_norm: file.final_norm(sizes.width)?,
        head: file.head(sizes.width, activation)?,
        output_bias: (!untied).then(|| file.output_bias()).transpose()?.flatten(),
        outputs: match (purpose, &unembedding) {
            (Purpose::Stream, _) => sizes.width,
            (_, Some(layer)) => layer.outputs,
            (_, None) => sizes.vocabulary,
        },
        unembedding,
        logits: Logits {
            scale: 1.0,
            cap: file.final_cap()?,
        },
        activation,
        reads: (purpose == Purpose::Classes).then_some(0),
        headless: purpose == Purpose::Stream,
        padding: file.padding()?,
    };
    Ok((plan, source))
}

impl Keys {
    fn of_sizes(self) -> [&'static str; 3] {
        [self.width, self.layers, self.heads]
    }
}

impl<'a> File<'a> {
    fn at(self, part: &str) -> String {
        format!("{}{part}", self.base)
    }

    fn weight(self, part: &str) -> String {
        format!("{}{part}.weight", self.base)
    }

    /// The shape of a tensor, before anyone takes it.
    fn shape(self, name: &str) -> Result<(usize, usize)> {
        let tensor = self.account.look(name).ok_or_else(|| {
            ErrorKind::MissingTensor {
                tensor: self.account.stored(name),
            }
            .at(self.account.checkpoint().path.clone())
        })?;
        match tensor.shape.as_slice() {
            &[rows, columns] if rows > 0 && columns > 0 => Ok((rows, columns)),
            _ => Err(ErrorKind::TensorShape {
                tensor: self.account.stored(name),
                shape: tensor.shape.clone(),
                expected: "two dimensions are expected, none of them 0".to_owned(),
            }
            .at(self.account.checkpoint().path.clone())),
        }
    }

    fn is(self, rule: Rule) -> Result<bool> {
        Ok(match rule {
            Rule::Always => true,
            Rule::Never => false,
            Rule::Key(key, usual) => self.settings.flag(key)?.unwrap_or(usual),
        })
    }

    /// The token embedding. Where it and a head that is tied to it are one tensor, some
    /// writers of files keep the head's name alone.
    fn tokens(self) -> String {
        let (own, head) = (
            self.weight(self.family.tokens),
            format!("{}.weight", self.family.head),
        );
        let said = self.settings.flag("tie_word_embeddings").ok().flatten();
        let is_tied = said.unwrap_or(self.family.tied);
        match is_tied && !self.account.has(&own) && self.account.has(&head) {
            true => head,
            false => own,
        }
    }

    fn sizes(self) -> Result<Sizes> {
        let (settings, keys) = (self.settings, self.family.keys);
        let (vocabulary, own) = self.shape(&self.tokens())?;
        settings.agrees(
            "vocab_size",
            settings.count("vocab_size")?,
            vocabulary,
            "rows of the token embedding",
        )?;
        let [width_key, layers_key, heads_key] = keys.of_sizes();
        let said = settings.count(width_key)?;
        let width = match self.family.model {
            Model::Opt => {
                let inner = settings.count("word_embed_proj_dim")?;
                settings.agrees(
                    "word_embed_proj_dim",
                    inner,
                    own,
                    "columns of the token embedding",
                )?;
                said.ok_or_else(|| settings.missing(width_key))?
            }
            _ => own,
        };
        settings.agrees(width_key, said, width, "columns of the token embedding")?;
        let layers = blocks(self.account, &self.at(self.family.layer));
        settings.agrees(
            layers_key,
            settings.count(layers_key)?,
            layers,
            "the blocks in the file",
        )?;
        let heads = settings
            .count(heads_key)?
            .ok_or_else(|| settings.missing(heads_key))?;
        let said = match keys.key_heads {
            Some(_) => settings
                .count_or_null("head_dim")?
                .or(self.family.head_width),
            None => None,
        };
        if said.is_none() && !width.is_multiple_of(heads) {
            let found = format!("the width {width} does not divide into so many");
            return Err(settings.disagrees(heads_key, &heads.to_string(), &found));
        }
        let head = said.unwrap_or(width / heads);
        let key_heads = self.key_heads(heads, head)?;
        if !heads.is_multiple_of(key_heads) {
            let found = format!("they do not divide into {key_heads} key-value heads");
            return Err(settings.disagrees(heads_key, &heads.to_string(), &found));
        }
        Ok(Sizes {
            width,
            vocabulary,
            layers,
            heads,
            key_heads,
            head,
        })
    }

    fn key_heads(self, heads: usize, head: usize) -> Result<usize> {
        let settings = self.settings;
        if self.family.model == Model::Falcon {
            let said = settings.count_or_null("num_kv_heads")?;
            let multi = settings.flag("multi_query")?.unwrap_or(true);
            return Ok(match settings.flag("new_decoder_architecture")? {
                Some(true) => said.unwrap_or(heads),
                _ if multi => 1,
                _ => heads,
            });
        }
        let Some(key) = self.family.keys.key_heads else {
            return Ok(heads);
        };
        let said = settings.count_or_null(key)?;
        if let Qkv::Apart([_, name, _]) = self.family.qkv {
            let (rows, _) = self.shape(&self.weight(&format!("{}0.{name}", self.family.layer)))?;
            let found = rows / head.max(1);
            let at = format!("rows of `{name}.weight` by the width {head} of a head");
            settings.agrees(key, said, found, &at)?;
            return Ok(found.max(1));
        }
        Ok(said.unwrap_or(heads))
    }

    /// Whether the unembedding is a matrix of its own, as settings and tensors say alike.
    fn untied(self) -> Result<bool> {
        let (account, settings) = (self.account, self.settings);
        if self.purpose != Purpose::Tokens {
            settings.flag("tie_word_embeddings")?;
            return Ok(false);
        }
        let name = format!("{}.weight", self.family.head);
        let tokens = self.tokens();
        if tokens == name {
            return Ok(false);
        }
        let head = account.look(&name);
        let is_copy = head.is_some() && head == account.look(&tokens);
        let said = settings.flag("tie_word_embeddings")?;
        let tied = match self.family.model {
            Model::NanoGpt => said.unwrap_or(is_copy),
            // Its head is changed where norms are folded, whatever the wrapped model says.
            Model::Bridge => is_copy,
            _ => said.unwrap_or(self.family.tied),
        };
        match head {
            _ if !tied => Ok(true),
            None => Ok(false),
            Some(_) if is_copy => {
                account.harmless(&name, "a copy of the token embedding, to which it is tied");
                Ok(false)
            }
            Some(_) => {
                let found = format!(
                    "`{}` differs from the token embedding",
                    account.stored(&name)
                );
                Err(settings.disagrees(
                    "tie_word_embeddings",
                    if said.is_some() {
                        "true"
                    } else {
                        "true (by default)"
                    },
                    &found,
                ))
            }
        }
    }

    fn activation(
        self,
        asked: Option<Activation>,
        untied: bool,
    ) -> Result<(Activation, &'static str)> {
        let settings = self.settings;
        let said = match self.family.model {
            Model::Gemma => self.gemmas_activation()?,
            _ => match self.family.keys.activation {
                Some(key) => settings.word(key)?.map(|name| (key, name)),
                None => None,
            },
        };
        if let Some(asked) = asked {
            return Ok((asked, "--activation"));
        }
        if let Some((key, name)) = said {
            let known = name.parse().map_err(|_| settings.unsupported(key, name))?;
            return Ok((known, "config.json"));
        }
        if self.family.model == Model::NanoGpt {
            return self.nano_activation(untied);
        }
        let usual = self.family.activation;
        let known = usual
            .parse()
            .map_err(|_| settings.unsupported("activation", usual))?;
        Ok((known, "layout"))
    }

    /// Gemma's, under one of two keys; its first files call the tanh form of GELU `gelu`.
    fn gemmas_activation(self) -> Result<Option<(&'static str, &'a str)>> {
        let settings = self.settings;
        let tanh = |name| match name {
            "gelu" => "gelu_pytorch_tanh",
            other => other,
        };
        let new = settings.word("hidden_activation")?;
        match (new, settings.word("hidden_act")?.map(tanh)) {
            (Some(new), Some(old)) if new != old => {
                let found = format!("`hidden_activation` says {new}");
                Err(settings.disagrees("hidden_act", old, &found))
            }
            (Some(new), _) => Ok(Some(("hidden_activation", new))),
            (None, old) => Ok(old.map(|old| ("hidden_act", old))),
        }
    }

    /// minGPT has a head of its own and GELU by tanh; nanoGPT ties its head and has GELU by
    /// erf since it stores no masks, and either before.
    fn nano_activation(self, untied: bool) -> Result<(Activation, &'static str)> {
        let masked = self.account.has(&self.at("h.0.attn.bias"));
        match (untied, masked) {
            (true, _) => {
                self.account.tell(
                    "read as minGPT, whose head is not tied: GELU in its tanh form".to_owned(),
                );
                Ok((Activation::GeluTanh, "layout"))
            }
            (false, false) => Ok((Activation::Gelu, "layout")),
            (false, true) => Err(self.settings.missing("activation_function")),
        }
    }

    fn projections(self, width: usize) -> Result<Option<Projections>> {
        let (_, own) = self.shape(&self.tokens())?;
        let is_projected = self.family.model == Model::Opt && own != width;
        Ok(is_projected.then(|| Projections {
            into: self.at("project_in"),
            back: self.at("project_out"),
            head: self.family.head.to_owned(),
        }))
    }

    fn embedding_scale(self, width: usize) -> f64 {
        match self.family.model {
            Model::Gemma | Model::Gemma2 | Model::Gemma3 => (width as f64).sqrt(),
            _ => 1.0,
        }
    }

    fn positions(self) -> Result<Option<Positions>> {
        let Some((part, skipped)) = self.family.positions else {
            return Ok(None);
        };
        let settings = self.settings;
        let tensor = self.weight(part);
        let (rows, _) = self.shape(&tensor)?;
        let at = format!("rows of `{}`", self.account.stored(&tensor));
        if let Some(key) = self.family.keys.length {
            let said = settings.count(key)?;
            settings.agrees(key, said.map(|n| n + skipped), rows, &at)?;
        }
        if matches!(self.family.model, Model::Gpt2 | Model::Bridge) {
            settings.agrees("n_ctx", settings.count("n_ctx")?, rows, &at)?;
        }
        if settings.flag("sinusoidal_pos_embds")? == Some(true) {
            return Err(settings.unsupported("sinusoidal_pos_embds", "true"));
        }
        let types = self.weight("embeddings.token_type_embeddings");
        let skipped = match (self.family.model, self.padding()?) {
            (Model::Roberta, Some(padding)) => padding + 1,
            _ => skipped,
        };
        let has_types = matches!(self.family.model, Model::Bert | Model::Roberta);
        if has_types {
            let (kinds, _) = self.shape(&types)?;
            let at = "rows of the token types";
            settings.agrees(
                "type_vocab_size",
                settings.count("type_vocab_size")?,
                kinds,
                at,
            )?;
        }
        if skipped >= rows {
            return Err(settings.disagrees("pad_token_id", &skipped.to_string(), &at));
        }
        Ok(Some(Positions {
            tensor,
            skipped,
            token_types: has_types.then_some(types),
        }))
    }

    /// The token of padding, of families that look both ways.
    fn padding(self) -> Result<Option<usize>> {
        if self.family.causal {
            return Ok(None);
        }
        let usual = usize::from(self.family.model == Model::Roberta);
        let padding = self.settings.index("pad_token_id")?.unwrap_or(usual);
        if self.family.model == Model::Roberta && padding != usual {
            let told = format!("positions begin after row {padding}, the token of padding");
            self.account.tell(told);
        }
        Ok(Some(padding))
    }

    fn epsilon(self) -> Result<f64> {
        let said = match self.family.keys.epsilon {
            Some(key) => self.settings.positive(key)?,
            None => None,
        };
        let epsilon = said.unwrap_or(self.family.epsilon);
        self.account.tell_epsilon(epsilon);
        Ok(epsilon)
    }

    fn norm_at(self, part: Option<&str>, width: usize) -> Result<Option<NormAt>> {
        let epsilon = self.epsilon()?;
        let Some(part) = part else { return Ok(None) };
        let style = self.norm_style()?;
        Ok(Some(NormAt {
            kind: style.kind(),
            weights: vec![self.old_or_new(self.weight(part))],
            bias: (style == NormStyle::Layer)
                .then(|| self.old_or_new(self.at(&format!("{part}.bias")))),
            plus: if style == NormStyle::RmsPlusOne {
                1.0
            } else {
                0.0
            },
            epsilon,
            width,
            heads: 0,
        }))
    }

    /// nanoGPT's norms have biases where its linear layers have.
    fn norm_style(self) -> Result<NormStyle> {
        Ok(match self.family.model {
            Model::NanoGpt if !self.nano_bias()? => NormStyle::LayerNoBias,
            _ => self.family.norm,
        })
    }

    fn nano_bias(self) -> Result<bool> {
        let stored = self.account.has(&self.at("ln_f.bias"));
        Ok(self.settings.flag("bias")?.unwrap_or(stored))
    }

    fn biased(self, rule: Rule) -> Result<bool> {
        match self.family.model {
            Model::NanoGpt => self.nano_bias(),
            _ => self.is(rule),
        }
    }

    fn final_norm(self, width: usize) -> Result<Option<NormAt>> {
        if self.family.model == Model::Opt {
            let settings = self.settings;
            if settings.flag("layer_norm_elementwise_affine")? == Some(false) {
                return Err(settings.unsupported("layer_norm_elementwise_affine", "false"));
            }
            let removed = settings.flag("_remove_final_layer_norm")?.unwrap_or(false);
            if removed || !self.opt_before()? {
                return Ok(None);
            }
        }
        self.norm_at(self.family.final_norm, width)
    }

    fn opt_before(self) -> Result<bool> {
        Ok(self.settings.flag("do_layer_norm_before")?.unwrap_or(true))
    }

    /// What comes before the unembedding: the transform of BERT's language model head, or the
    /// pooler of a classifier.
    fn head(self, width: usize, activation: Activation) -> Result<Option<HeadAt>> {
        let (dense, norm) = match self.family.model {
            Model::Bert => (
                "cls.predictions.transform.dense",
                "cls.predictions.transform.LayerNorm",
            ),
            Model::Roberta => ("lm_head.dense", "lm_head.layer_norm"),
            Model::DistilBert => ("vocab_transform", "vocab_layer_norm"),
            _ => return Ok(None),
        };
        let activation = match self.family.model {
            Model::Roberta => Activation::Gelu,
            _ => activation,
        };
        match (self.purpose, self.family.classifier) {
            (Purpose::Stream, _) => Ok(None),
            (Purpose::Classes, Some(classifier)) => {
                let pooler = match classifier.in_base {
                    true => self.at(classifier.pooler),
                    false => classifier.pooler.to_owned(),
                };
                Ok(Some(HeadAt {
                    dense: LinearAt::rows(&pooler, width, width).biased(&pooler, true),
                    activation: classifier.activation,
                    norm: None,
                }))
            }
            _ => Ok(Some(HeadAt {
                dense: LinearAt::rows(dense, width, width).biased(dense, true),
                activation,
                norm: Some(NormAt {
                    kind: NormKind::Layer,
                    weights: vec![self.old_or_new(format!("{norm}.weight"))],
                    bias: Some(self.old_or_new(format!("{norm}.bias"))),
                    plus: 0.0,
                    epsilon: self.epsilon()?,
                    width,
                    heads: 0,
                }),
            })),
        }
    }

    /// A norm's tensor, as BERT's first files call it where they do.
    fn old_or_new(self, name: String) -> String {
        let old = [(".weight", ".gamma"), (".bias", ".beta")]
            .into_iter()
            .find_map(|(new, old)| Some(format!("{}{old}", name.strip_suffix(new)?)));
        old.filter(|old| self.account.has(old)).unwrap_or(name)
    }

    /// The layer that makes outputs of the stream, where it is not the embedding.
    fn unembedding(self, sizes: Sizes, untied: bool) -> Result<Option<LinearAt>> {
        match (self.purpose, self.family.classifier) {
            (Purpose::Classes, Some(classifier)) => {
                let name = classifier.classes;
                let (classes, _) = self.shape(&format!("{name}.weight"))?;
                let settings = self.settings;
                let named = settings.value("id2label").and_then(Value::as_object);
                let at = format!("rows of `{name}.weight`");
                settings.agrees("id2label", named.map(|names| names.len()), classes, &at)?;
                settings.agrees(
                    "num_labels",
                    settings.count_or_null("num_labels")?,
                    classes,
                    &at,
                )?;
                Ok(Some(
                    LinearAt::rows(name, sizes.width, classes).biased(name, true),
                ))
            }
            (Purpose::Stream, _) if self.projections(sizes.width)?.is_some() => {
                let bare = "a network whose embedding is projected, without its head";
                Err(self.settings.unsupported("architectures", bare))
            }
            (Purpose::Tokens, _) if untied => self.own_unembedding(sizes).map(Some),
            _ => Ok(None),
        }
    }

    fn own_unembedding(self, sizes: Sizes) -> Result<LinearAt> {
        let name = self.family.head;
        let (_, inputs) = match self.projections(sizes.width)? {
            Some(_) => self.shape(&self.tokens())?,
            None => (0, sizes.width),
        };
        let mut at = LinearAt::rows(name, inputs, sizes.vocabulary);
        at = at.biased(name, self.family.head_bias);
        if let Some(name) = self.output_bias()? {
            at.bias = Some(BiasAt {
                tensor: name,
                shape: vec![sizes.vocabulary],
                first: 0,
            });
        }
        Ok(at)
    }

    /// What files hold beside the network that the configuration names: places counted
    /// upwards, and heads of BERT's that are not its own.
    fn beside(self) {
        let account = self.account;
        let places = self.at("embeddings.position_ids");
        let counted = |numbers: Vec<f64>| numbers.iter().enumerate().all(|(k, x)| *x == k as f64);
        if account.look(&places).is_some_and(|t| counted(t.to_f64())) {
            account.harmless(&places, "places in their order");
        }
        if self.family.classifier.is_none() || self.purpose == Purpose::Classes {
            return;
        }
        let of_other_heads = [
            self.at("pooler.dense.weight"),
            self.at("pooler.dense.bias"),
            "cls.seq_relationship.weight".to_owned(),
            "cls.seq_relationship.bias".to_owned(),
        ];
        for name in of_other_heads.iter().filter(|name| account.has(name)) {
            account.harmless(name, "of a head that is not in this network");
            account.tell(format!(
                "`{}` is of a head that is not in this network",
                account.stored(name)
            ));
        }
    }

    /// BERT's head has a bias of its own, and older files a copy of it.
    fn output_bias(self) -> Result<Option<String>> {
        if self.purpose != Purpose::Tokens {
            return Ok(None);
        }
        let (name, copy) = match self.family.model {
            Model::Bert => ("cls.predictions.bias", "cls.predictions.decoder.bias"),
            Model::Roberta => ("lm_head.bias", "lm_head.decoder.bias"),
            Model::DistilBert => ("vocab_projector.bias", ""),
            _ => {
                return Ok(self
                    .family
                    .head_bias
                    .then(|| format!("{}.bias", self.family.head)));
            }
        };
        let (own, twin) = (self.account.look(name), self.account.look(copy));
        let is_tied = self
            .settings
            .flag("tie_word_embeddings")?
            .unwrap_or(self.family.tied);
        if twin.is_some() && (own.is_none() || own == twin || !is_tied) {
            // A head that is not tied adds the bias of its own linear layer alone.
            let why = match own == twin {
                true => "a copy of the bias of the outputs",
                false => "not added where the head is not tied",
            };
            self.account.harmless(name, why);
            return Ok(Some(copy.to_owned()));
        }
        Ok(Some(name.to_owned()))
    }

    fn final_cap(self) -> Result<Option<f64>> {
        match self.family.model {
            _ if self.purpose == Purpose::Stream => {
                self.cap("final_logit_softcapping", None)?;
                Ok(None)
            }
            Model::Gemma2 => self.cap("final_logit_softcapping", Some(30.0)),
            Model::Gemma3 => self.cap("final_logit_softcapping", None),
            _ => Ok(None),
        }
    }

    fn cap(self, key: &str, usual: Option<f64>) -> Result<Option<f64>> {
        match self.settings.value(key) {
            None => Ok(usual),
            Some(Value::Null) => Ok(None),
            Some(_) => self.settings.positive(key),
        }
    }

    fn block(self, sizes: Sizes, l: usize) -> Result<BlockPlan> {
        let family = self.family;
        let total = sizes.heads * sizes.head;
        let at = |part: &str| self.at(&format!("{}{l}.{part}", family.layer));
        let columns = matches!(family.mlp, Mlp::Columns(_));
        let linear = |name: &str, inputs, outputs| {
            let name = at(name);
            match columns {
                true => LinearAt::columns(&name, inputs, outputs),
                false => LinearAt::rows(&name, inputs, outputs),
            }
        };
        let out = linear(family.out, total, sizes.width)
            .biased(&at(family.out), self.biased(family.out_bias)?);
        let norms = self.block_norms(sizes, l)?;
        let parallel = self.is(family.parallel)?;
        Ok(BlockPlan {
            heads: self.heads(sizes, l)?,
            letters: self.letters(sizes, l)?,
            query_norm: self.head_norm(l, sizes.heads, sizes.head, |n| n.query)?,
            key_norm: self.head_norm(l, sizes.key_heads, sizes.head, |n| n.key)?,
            out,
            attention_norms: norms.0,
            mlp: Some(self.mlp(sizes, l, norms.1)?),
            wiring: if parallel {
                Wiring::Parallel
            } else {
                Wiring::Sequential
            },
        })
    }

    fn block_norms(self, sizes: Sizes, l: usize) -> Result<(NormsAt, NormsAt)> {
        let mut names = self.family.norms;
        let parallel = self.is(self.family.parallel)?;
        match self.family.model {
            Model::Opt if !self.opt_before()? => {
                (names.attention_sum, names.before_attention) = (names.before_attention, None);
                (names.mlp_sum, names.before_mlp) = (names.before_mlp, None);
            }
            Model::StableLm if parallel => names.before_mlp = names.before_attention,
            Model::Falcon => {
                let new = self
                    .settings
                    .flag("new_decoder_architecture")?
                    .unwrap_or(false);
                let said = self.settings.count_or_null("num_ln_in_parallel_attn")?;
                let two = new && said.unwrap_or(2) == 2;
                if two {
                    names.before_attention = Some("ln_attn");
                    names.before_mlp = Some("ln_mlp");
                } else if parallel {
                    names.before_mlp = names.before_attention;
                }
                if new && !parallel {
                    return Err(self.settings.unsupported("parallel_attn", "false"));
                }
            }
            _ => {}
        }
        let norm = |part: Option<&str>| {
            let part = part.map(|part| format!("{}{l}.{part}", self.family.layer));
            self.norm_at(part.as_deref(), sizes.width)
        };
        let attention = NormsAt {
            before: norm(names.before_attention)?,
            after: norm(names.after_attention)?,
            sum: norm(names.attention_sum)?,
        };
        let mlp = NormsAt {
            before: norm(names.before_mlp)?,
            after: norm(names.after_mlp)?,
            sum: norm(names.mlp_sum)?,
        };
        Ok((attention, mlp))
    }

    fn letters(self, sizes: Sizes, l: usize) -> Result<[LinearAt; 3]> {
        let at = |part: &str| self.at(&format!("{}{l}.{part}", self.family.layer));
        let (d, head) = (sizes.width, sizes.head);
        let counts = [sizes.heads, sizes.key_heads, sizes.key_heads];
        let widths = counts.map(|count| count * head);
        let all: usize = widths.iter().sum();
        let firsts = [0, widths[0], widths[0] + widths[1]];
        let is_biased = self.biased(self.family.qkv_bias)?;
        let fused = |name: &str,
                     letter: usize,
                     shape: [usize; 2],
                     first: usize,
                     order: Order,
                     bias: usize| LinearAt {
            tensor: format!("{}.weight", at(name)),
            shape: shape.to_vec(),
            first,
            order,
            inputs: d,
            outputs: widths[letter],
            bias: is_biased.then(|| BiasAt {
                tensor: format!("{}.bias", at(name)),
                shape: vec![all],
                first: bias,
            }),
        };
        let letter = |letter: usize| match self.family.qkv {
            Qkv::Apart(names) => LinearAt::rows(&at(names[letter]), d, widths[letter])
                .biased(&at(names[letter]), is_biased),
            Qkv::Rows(name) => fused(
                name,
                letter,
                [all, d],
                firsts[letter] * d,
                Order::OutIn,
                firsts[letter],
            ),
            Qkv::Columns(name) => {
                let order = Order::InOut { stride: all };
                fused(
                    name,
                    letter,
                    [d, all],
                    firsts[letter],
                    order,
                    firsts[letter],
                )
            }
            Qkv::ByHead(name) => {
                let share = sizes.heads / sizes.key_heads;
                let before = [0, share, share + 1][letter] * head;
                let order = Order::Groups {
                    width: head,
                    share: if letter == 0 { share } else { 1 },
                    group: share + 2,
                };
                fused(name, letter, [all, d], before * d, order, before)
            }
        };
        Ok([letter(0), letter(1), letter(2)])
    }

    fn head_norm(
        self,
        l: usize,
        heads: usize,
        width: usize,
        name: fn(&HeadNorms) -> &'static str,
    ) -> Result<Option<NormAt>> {
        let Some(norms) = self.family.head_norms else {
            return Ok(None);
        };
        if !self.is(norms.there)? {
            return Ok(None);
        }
        let name = self.at(&format!("{}{l}.{}", self.family.layer, name(&norms)));
        let weights = match norms.over {
            Over::OwnHead => (0..heads).map(|h| format!("{name}.{h}.weight")).collect(),
            Over::EachHead | Over::All => vec![format!("{name}.weight")],
        };
        Ok(Some(NormAt {
            kind: norms.style.kind(),
            weights,
            bias: (norms.style == NormStyle::Layer).then(|| format!("{name}.bias")),
            plus: if norms.style == NormStyle::RmsPlusOne {
                1.0
            } else {
                0.0
            },
            epsilon: self.epsilon()?,
            width: if norms.over == Over::All {
                heads * width
            } else {
                width
            },
            heads: if norms.over == Over::All { 0 } else { heads },
        }))
    }

    fn mlp(self, sizes: Sizes, l: usize, norms: NormsAt) -> Result<MlpPlan> {
        let at = |part: &str| self.at(&format!("{}{l}.{part}", self.family.layer));
        let d = sizes.width;
        let is_biased = self.biased(self.family.mlp_bias)?;
        let (up, gate, down) = match self.family.mlp {
            Mlp::Plain([up, down]) => {
                let (hidden, _) = self.shape(&format!("{}.weight", at(up)))?;
                (
                    LinearAt::rows(&at(up), d, hidden).biased(&at(up), is_biased),
                    None,
                    down,
                )
            }
            Mlp::Columns([up, down]) => {
                let (_, hidden) = self.shape(&format!("{}.weight", at(up)))?;
                (
                    LinearAt::columns(&at(up), d, hidden).biased(&at(up), is_biased),
                    None,
                    down,
                )
            }
            Mlp::Gated([gate, up, down]) => {
                let (hidden, _) = self.shape(&format!("{}.weight", at(up)))?;
                let linear =
                    |name: &str| LinearAt::rows(&at(name), d, hidden).biased(&at(name), is_biased);
                (linear(up), Some(linear(gate)), down)
            }
            Mlp::FusedGate([both, down]) => {
                let (rows, _) = self.shape(&format!("{}.weight", at(both)))?;
                let half = |first: usize| LinearAt {
                    shape: vec![2 * (rows / 2), d],
                    first,
                    ..LinearAt::rows(&at(both), d, rows / 2)
                };
                (half(rows / 2 * d), Some(half(0)), down)
            }
        };
        let hidden = up.outputs;
        self.agree_hidden(d, hidden, &up.tensor)?;
        let down = match self.family.mlp {
            Mlp::Columns(_) => LinearAt::columns(&at(down), hidden, d),
            _ => LinearAt::rows(&at(down), hidden, d),
        }
        .biased(&at(down), is_biased);
        Ok(MlpPlan {
            up,
            gate,
            down,
            norms,
            behind_gate: None,
        })
    }

    /// The width of the hidden layer; four times that of the stream where no setting says.
    fn agree_hidden(self, d: usize, hidden: usize, tensor: &str) -> Result<()> {
        let settings = self.settings;
        let at = format!("the shape of `{}`", self.account.stored(tensor));
        match self.family.keys.hidden {
            Some(key) => {
                let said = settings.count_or_null(key)?;
                let null = settings.value(key).is_some_and(Value::is_null);
                settings.agrees(key, said.or(null.then_some(4 * d)), hidden, &at)
            }
            None => Ok(()),
        }
    }

    /// How the heads of a block attend.
    fn heads(self, sizes: Sizes, l: usize) -> Result<Heads> {
        let settings = self.settings;
        let mut heads = Heads::new(sizes.heads, sizes.head);
        heads.keys = sizes.key_heads;
        if !self.family.causal {
            heads.mask = Mask::Full;
            if settings.flag("is_decoder")? == Some(true) {
                return Err(settings.unsupported("is_decoder", "true"));
            }
            if let Some(other) = settings.word("position_embedding_type")?
                && other != "absolute"
            {
                return Err(settings.unsupported("position_embedding_type", other));
            }
        } else if let Some(window) = self.window(sizes, l)? {
            heads.mask = Mask::Window(window);
        }
        match self.family.model {
            Model::Gpt2 | Model::Bridge => {
                let is_scaled = settings.flag("scale_attn_weights")?.unwrap_or(true);
                let by_layer = settings
                    .flag("scale_attn_by_inverse_layer_idx")?
                    .unwrap_or(false);
                heads.scale = if is_scaled { heads.scale } else { 1.0 };
                if !is_scaled {
                    self.account.tell(
                        "attention scores are not divided by the root of a head's width".to_owned(),
                    );
                }
                heads.scale /= if by_layer { (l + 1) as f64 } else { 1.0 };
            }
            Model::GptNeo => heads.scale = 1.0,
            Model::Gemma2 | Model::Gemma3 => {
                let scalar = settings.positive("query_pre_attn_scalar")?.unwrap_or(256.0);
                self.tell_usual("query_pre_attn_scalar", "256");
                heads.scale = 1.0 / scalar.sqrt();
                let usual = (self.family.model == Model::Gemma2).then_some(50.0);
                heads.cap = self.cap("attn_logit_softcapping", usual)?;
            }
            _ => {}
        }
        heads.places = self.places(sizes, l)?;
        Ok(heads)
    }

    fn places(self, sizes: Sizes, l: usize) -> Result<Places> {
        let settings = self.settings;
        let is_alibi = match self.family.model {
            Model::Falcon => settings.flag("alibi")?.unwrap_or(false),
            _ => matches!(self.family.places, PlacesKind::Alibi),
        };
        match self.family.places {
            _ if is_alibi && self.family.model == Model::Falcon => {
                // What the framework writes of rotary positions has no part here.
                for key in ["rope_parameters", "rope_scaling", "rope_theta"] {
                    let _has_no_part = settings.value(key);
                }
                Ok(Places::Alibi(self.falcons_alibi(sizes)))
            }
            _ if is_alibi => Ok(Places::Alibi(Alibi::new(sizes.heads))),
            PlacesKind::Stream | PlacesKind::Alibi => Ok(Places::Stream),
            PlacesKind::Rotary(pairs, share) => {
                let local = self.family.model == Model::Gemma3 && self.is_local(sizes, l)?;
                let form = rope::Form {
                    pairs,
                    share,
                    width: sizes.head,
                    local,
                    model: self.family.model,
                };
                let rotary = rope::rotary(self.account, form)?;
                self.stored_frequencies(l, &rotary)?;
                Ok(Places::Rotary(Arc::new(rotary)))
            }
        }
    }

    /// Falcon's, in bf16 and divided as scores are; twice that where it was told so.
    fn falcons_alibi(self, sizes: Sizes) -> Alibi {
        let times = if self.alibi_twice { 2.0 } else { 1.0 };
        Alibi {
            factor: times / (sizes.head as f64).sqrt(),
            rounded: true,
            ..Alibi::new(sizes.heads)
        }
    }

    /// That frequencies which older versions saved, for all blocks or for one, are those
    /// that the settings give.
    fn stored_frequencies(self, l: usize, rotary: &Rotary) -> Result<()> {
        let block = self.at(&format!("{}{l}.", self.family.layer));
        let common = self.at("rotary_emb.inv_freq");
        let is_one = |name: &&str| {
            name.strip_prefix(&block)
                .is_some_and(|rest| rest.ends_with("rotary_emb.inv_freq"))
                || *name == common
        };
        let names: Vec<String> = self
            .account
            .names()
            .filter(is_one)
            .map(str::to_owned)
            .collect();
        for name in names {
            buffer(self.account, &name, &rotary.frequencies, 1e-7, "rope_theta")?;
        }
        Ok(())
    }

    /// The positions a block sees, where not all before.
    fn window(self, sizes: Sizes, l: usize) -> Result<Option<usize>> {
        let settings = self.settings;
        match self.family.model {
            Model::GptNeo => {
                let window = settings.count("window_size")?.unwrap_or(256);
                self.tell_usual("window_size", "256");
                Ok(self.neo_is_local(sizes, l)?.then_some(window))
            }
            Model::Mistral | Model::Phi3 | Model::Starcoder2 => self.said_window(),
            Model::Qwen2 | Model::Qwen3 => {
                let is_used = settings.flag("use_sliding_window")?.unwrap_or(false);
                let (window, is_local) = (self.said_window()?, self.is_local(sizes, l)?);
                Ok(window.filter(|_| is_used && is_local))
            }
            Model::Gemma2 | Model::Gemma3 => {
                let window = self.said_window()?;
                match (self.is_local(sizes, l)?, window) {
                    (false, _) => Ok(None),
                    (true, None) => Err(settings.missing("sliding_window")),
                    (true, window) => Ok(window),
                }
            }
            _ => Ok(None),
        }
    }

    fn said_window(self) -> Result<Option<usize>> {
        match self.settings.value("sliding_window") {
            None => {
                if let Some(window) = self.family.window {
                    self.tell_usual("sliding_window", &window.to_string());
                }
                Ok(self.family.window)
            }
            Some(Value::Null) => Ok(None),
            Some(_) => self.settings.count("sliding_window"),
        }
    }

    /// Says that a setting has the framework's usual value, where the file has none.
    fn tell_usual(self, key: &str, usual: &str) {
        if !self.settings.has(key) {
            let told = format!("no `{key}` in config.json: it is {usual}, the framework's own");
            self.account.tell(told);
        }
    }

    /// Whether a block attends within a window only.
    fn is_local(self, sizes: Sizes, l: usize) -> Result<bool> {
        let settings = self.settings;
        let first = settings.index("max_window_layers")?.unwrap_or(28);
        let mut pattern = 6;
        for key in ["sliding_window_pattern", "_sliding_window_pattern"] {
            pattern = settings.count(key)?.unwrap_or(pattern);
        }
        if let Some(kinds) = settings.list("layer_types")? {
            settings.agrees(
                "layer_types",
                Some(kinds.len()),
                sizes.layers,
                "the blocks in the file",
            )?;
            return match kinds.get(l).and_then(Value::as_str) {
                Some("sliding_attention") => Ok(true),
                Some("full_attention") => Ok(false),
                _ => Err(settings.unsupported("layer_types", &format!("{:?}", kinds.get(l)))),
            };
        }
        let (is_local, usual) = match self.family.model {
            Model::Gemma2 => (
                l.is_multiple_of(2),
                "every second block in a window".to_owned(),
            ),
            Model::Gemma3 => {
                let full = format!("one block of {pattern} without a window");
                (!(l + 1).is_multiple_of(pattern), full)
            }
            _ => (l >= first, format!("windows from block {first} on")),
        };
        self.tell_usual("layer_types", &usual);
        Ok(is_local)
    }

    /// GPT-Neo's list of kinds, or the list of how often each stretch is repeated.
    fn neo_is_local(self, sizes: Sizes, l: usize) -> Result<bool> {
        let settings = self.settings;
        let mut kinds: Vec<&str> = Vec::new();
        for entry in settings.list("attention_types")?.into_iter().flatten() {
            let pair = entry.as_array().map(Vec::as_slice);
            let Some([Value::Array(stretch), times]) = pair else {
                return Err(settings.unsupported("attention_types", &entry.to_string()));
            };
            for _ in 0..times.as_u64().unwrap_or(0).min(sizes.layers as u64) {
                kinds.extend(stretch.iter().filter_map(Value::as_str));
            }
        }
        let listed = settings.list("attention_layers")?;
        if let Some(listed) = listed {
            let listed: Vec<&str> = listed.iter().filter_map(Value::as_str).collect();
            if !kinds.is_empty() && kinds != listed {
                let found = format!("`attention_types` says {kinds:?}");
                return Err(settings.disagrees("attention_layers", &format!("{listed:?}"), &found));
            }
            kinds = listed;
        }
        if kinds.is_empty() {
            return Err(settings.missing("attention_layers"));
        }
        settings.agrees(
            "attention_layers",
            Some(kinds.len()),
            sizes.layers,
            "the blocks in the file",
        )?;
        match kinds.get(l) {
            Some(&"local") => Ok(true),
            Some(&"global") => Ok(false),
            other => Err(settings.unsupported("attention_layers", &format!("{other:?}"))),
        }
    }

    /// The window that stored masks of local blocks have.
    fn window_of_masks(self) -> Result<Option<usize>> {
        match self.family.model {
            Model::GptNeo => Ok(Some(self.settings.count("window_size")?.unwrap_or(256))),
            _ => Ok(None),
        }
    }
}
