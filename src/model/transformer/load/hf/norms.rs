//! Norms: of blocks, of heads, at the end.

use super::super::family::{HeadNorms, Model, NormStyle, Over};
use super::super::plan::{NormAt, NormsAt};
use super::file::File;
use super::sizes::Sizes;
use crate::Result;

impl<'a> File<'a> {
    pub fn epsilon(self) -> Result<f64> {
        let said = match self.family.keys.epsilon {
            Some(key) => self.settings.positive(key)?,
            None => None,
        };
        let epsilon = said.unwrap_or(self.family.epsilon);
        self.account.tell_epsilon(epsilon);
        Ok(epsilon)
    }

    pub fn norm_at(self, part: Option<&str>, width: usize) -> Result<Option<NormAt>> {
        self.epsilon()?;
        part.map(|part| self.norm_named(&self.at(part), width))
            .transpose()
    }

    /// A norm of the stream's kind, by its whole name.
    pub fn norm_named(self, name: &str, width: usize) -> Result<NormAt> {
        let style = self.norm_style()?;
        let tensor = |end: &str| self.old_or_new(format!("{name}.{end}"));
        Ok(NormAt {
            kind: style.kind(),
            weights: match style {
                NormStyle::LayerBare => Vec::new(),
                _ => vec![tensor("weight")],
            },
            bias: style.is_biased().then(|| tensor("bias")),
            plus: style.plus(),
            epsilon: self.epsilon()?,
            width,
            heads: 0,
            in_rows: false,
        })
    }

    /// nanoGPT's norms have biases where its linear layers have; MPT names its norm; OPT's may
    /// have no weights.
    fn norm_style(self) -> Result<NormStyle> {
        Ok(match self.family.model {
            Model::NanoGpt if !self.nano_bias()? => NormStyle::LayerNoBias,
            Model::ModernBert if self.settings.flag("norm_bias")? == Some(true) => NormStyle::Layer,
            Model::Opt if self.settings.flag("layer_norm_elementwise_affine")? == Some(false) => {
                NormStyle::LayerBare
            }
            Model::Mpt => match self.settings.word("norm_type")? {
                None | Some("low_precision_layernorm" | "layernorm") => self.family.norm,
                Some(other) => return Err(self.settings.unsupported("norm_type", other)),
            },
            _ => self.family.norm,
        })
    }

    pub fn final_norm(self, width: usize) -> Result<Option<NormAt>> {
        if self.family.model == Model::Opt {
            let removed = self
                .settings
                .flag("_remove_final_layer_norm")?
                .unwrap_or(false);
            if removed || !self.opt_before()? {
                return Ok(None);
            }
        }
        self.norm_at(self.family.final_norm, width)
    }

    fn opt_before(self) -> Result<bool> {
        Ok(self.settings.flag("do_layer_norm_before")?.unwrap_or(true))
    }

    /// A norm's tensor, as BERT's first files call it where they do.
    pub fn old_or_new(self, name: String) -> String {
        let old = [(".weight", ".gamma"), (".bias", ".beta")]
            .into_iter()
            .find_map(|(new, old)| Some(format!("{}{old}", name.strip_suffix(new)?)));
        old.filter(|old| self.account.has(old)).unwrap_or(name)
    }

    pub fn block_norms(self, sizes: Sizes, l: usize) -> Result<(NormsAt, NormsAt)> {
        let mut names = self.family.norms;
        let parallel = self.is(self.family.parallel)?;
        match self.family.model {
            Model::Opt if !self.opt_before()? => {
                (names.attention_sum, names.before_attention) = (names.before_attention, None);
                (names.mlp_sum, names.before_mlp) = (names.before_mlp, None);
            }
            // What is embedded has been normalised.
            Model::ModernBert if l == 0 => names.before_attention = None,
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
            let named = part.map(|part| self.norm_named(&self.in_block(l, part), sizes.width));
            named.transpose()
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

    pub fn head_norm(
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
        let name = self.in_block(l, name(&norms));
        let weights = match norms.over {
            Over::OwnHead => (0..heads).map(|h| format!("{name}.{h}.weight")).collect(),
            Over::EachHead | Over::OwnRow | Over::All => vec![format!("{name}.weight")],
        };
        Ok(Some(NormAt {
            kind: norms.style.kind(),
            weights,
            bias: norms.style.is_biased().then(|| format!("{name}.bias")),
            plus: norms.style.plus(),
            epsilon: self.epsilon()?,
            width: if norms.over == Over::All {
                heads * width
            } else {
                width
            },
            heads: if norms.over == Over::All { 0 } else { heads },
            in_rows: norms.over == Over::OwnRow,
        }))
    }
}
