//! How the heads of a block attend.

use std::sync::Arc;

use serde_json::Value;

use super::super::buffer;
use super::super::family::{Model, PlacesKind};
use super::super::keys;
use super::super::rope;
use super::file::File;
use super::sizes::Sizes;
use crate::Result;
use crate::model::transformer::{Alibi, Heads, Mask, Places, Rotary};

impl<'a> File<'a> {
    /// How the heads of a block attend.
    pub fn heads(self, sizes: Sizes, l: usize) -> Result<Heads> {
        let settings = self.settings;
        let mut heads = Heads::new(sizes.heads, sizes.head);
        heads.keys = sizes.key_heads;
        if !self.family.causal {
            heads.mask = match self.side_of_window(sizes, l)? {
                Some(side) => Mask::Near(side),
                None => Mask::Full,
            };
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
            Model::GptBigCode if settings.flag("scale_attn_weights")? == Some(false) => {
                heads.scale = 1.0;
            }
            Model::Granite => {
                self.tell_usual("attention_multiplier", "1");
                heads.scale = settings.number("attention_multiplier")?.unwrap_or(1.0);
            }
            Model::Mpt => return self.mpts_heads(heads),
            Model::GptNeo => heads.scale = 1.0,
            Model::Gemma2 | Model::Gemma3 => {
                let scalar = settings.positive("query_pre_attn_scalar")?.unwrap_or(256.0);
                self.tell_usual("query_pre_attn_scalar", "256");
                heads.scale = 1.0 / scalar.sqrt();
                // The framework passes over the cap that a file of Gemma 3 asks for.
                if self.family.model == Model::Gemma2 {
                    heads.cap = self.cap("attn_logit_softcapping", Some(50.0))?;
                }
            }
            Model::Bloom => self.blooms_parts()?,
            Model::Olmo | Model::Olmoe => heads.clip = settings.number_or_null("clip_qkv")?,
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
                self.without_rotation();
                Ok(Places::Alibi(self.falcons_alibi(sizes)))
            }
            _ if is_alibi => Ok(Places::Alibi(Alibi::new(sizes.heads))),
            PlacesKind::Stream | PlacesKind::Alibi => Ok(Places::Stream),
            PlacesKind::Rotary(..) if !self.turns(sizes, l)? => {
                self.without_rotation();
                Ok(Places::Stream)
            }
            PlacesKind::Rotary(pairs, share) => {
                let kinds_differ = matches!(self.family.model, Model::Gemma3 | Model::ModernBert);
                let local = kinds_differ && self.is_local(sizes, l)?;
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

    /// What the framework writes of rotary positions has no part in such a block.
    fn without_rotation(self) {
        for key in ["rope_parameters", "rope_scaling", "rope_theta"] {
            let _has_no_part = self.settings.value(key);
        }
    }

    /// Computed in parts and in exact order, BLOOM's last layers leave out their biases.
    fn blooms_parts(self) -> Result<()> {
        let settings = self.settings;
        let parts = settings.count("pretraining_tp")?.unwrap_or(1);
        match settings.flag("slow_but_exact")? {
            Some(true) if parts > 1 => {
                let told = format!("true, with `pretraining_tp` {parts}: biases are left out");
                Err(settings.unsupported("slow_but_exact", &told))
            }
            _ => Ok(()),
        }
    }

    /// Whether a block knows of positions, in families where some do not.
    fn turns(self, sizes: Sizes, l: usize) -> Result<bool> {
        let settings = self.settings;
        match self.family.model {
            Model::Cohere2 => self.is_local(sizes, l),
            Model::Exaone4 => Ok(self.said_window()?.is_none() || self.is_local(sizes, l)?),
            Model::SmolLm3 => {
                let every = settings.count("no_rope_layer_interval")?.unwrap_or(4);
                let Some(listed) = settings.list("no_rope_layers")? else {
                    self.tell_usual("no_rope_layers", &format!("one block of {every}"));
                    return Ok(!(l + 1).is_multiple_of(every));
                };
                let (count, at) = (Some(listed.len()), "the blocks in the file");
                settings.agrees("no_rope_layers", count, sizes.layers, at)?;
                match listed.get(l).and_then(Value::as_u64) {
                    Some(turns @ (0 | 1)) => Ok(turns == 1),
                    _ => Err(settings.unsupported("no_rope_layers", &format!("{listed:?}"))),
                }
            }
            _ => Ok(true),
        }
    }

    /// MPT's, whose settings are an object of their own.
    fn mpts_heads(self, mut heads: Heads) -> Result<Heads> {
        if let Some(own) = self.settings.object("attn_config")? {
            for key in ["prefix_lm", "qk_ln", "attn_uses_sequence_id"] {
                if own.flag(key)? == Some(true) {
                    return Err(own.unsupported(key, "true"));
                }
            }
            if own.flag("alibi")? == Some(false) {
                return Err(own.unsupported("alibi", "false"));
            }
            if let Some(other) = own
                .word("attn_type")?
                .filter(|x| *x != "multihead_attention")
            {
                return Err(own.unsupported("attn_type", other));
            }
            if let Some(scale) = own.number_or_null("softmax_scale")? {
                heads.scale = scale;
            }
            heads.clip = own.number_or_null("clip_qkv")?.filter(|clip| *clip != 0.0);
            // The framework passes over it, and computes what it is usually.
            if let Some(other) = own.number_or_null("alibi_bias_max")?.filter(|x| *x != 8.0) {
                return Err(own.unsupported("alibi_bias_max", &other.to_string()));
            }
            let others = keys::rules().iter().filter(|(key, _)| *key != "clip_qkv");
            own.refuse(&others.copied().collect::<Vec<_>>())?;
            for key in keys::rules().iter().map(|(key, _)| *key) {
                let _is_known = own.value(key);
            }
            for key in ["attn_impl", "model_type"] {
                let _is_known = own.value(key);
            }
            own.all_used()?;
        }
        heads.places = Places::Alibi(Alibi::new(heads.count));
        Ok(heads)
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
        let block = self.in_block(l, "");
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
}
