//! The embedding of tokens and of positions.

use super::super::family::Model;
use super::super::plan::{LinearAt, Positions, Projections, Sines};
use super::file::File;
use super::sizes::Sizes;
use crate::Result;

impl<'a> File<'a> {
    /// The token embedding. Where it and a head that is tied to it are one tensor, some
    /// writers of files keep the head's name alone.
    pub fn tokens(self) -> String {
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

    pub fn projections(self, width: usize) -> Result<Option<Projections>> {
        if self.family.model != Model::Opt {
            return Ok(None);
        }
        let (_, own) = self.shape(&self.tokens())?;
        Ok((own != width).then(|| Projections {
            into: self.at("project_in"),
            back: self.at("project_out"),
            head: self.family.head.to_owned(),
        }))
    }

    /// The layer from an embedding of another width into the stream.
    pub fn embedding_map(self, sizes: Sizes) -> Option<LinearAt> {
        let is_albert = self.family.model == Model::Albert;
        let name = self.at(match is_albert {
            true => "encoder.embedding_hidden_mapping_in",
            false => "embeddings_project",
        });
        (is_albert || sizes.embedded != sizes.width)
            .then(|| LinearAt::rows(&name, sizes.embedded, sizes.width).biased(&name, true))
    }

    /// What the embedding is multiplied by.
    pub fn embedding_scale(self, width: usize) -> Result<f64> {
        Ok(match self.family.model {
            Model::Gemma | Model::Gemma2 | Model::Gemma3 => (width as f64).sqrt(),
            Model::Xglm if self.settings.flag("scale_embedding")? != Some(false) => {
                (width as f64).sqrt()
            }
            Model::Granite => {
                self.tell_usual("embedding_multiplier", "1");
                self.settings.number("embedding_multiplier")?.unwrap_or(1.0)
            }
            _ => 1.0,
        })
    }

    pub fn positions(self) -> Result<Option<Positions>> {
        let Some((part, skipped)) = self.family.positions else {
            return Ok(None);
        };
        // Those of patches stand with what the patches become.
        if self.family.model == Model::Vit {
            return Ok(None);
        }
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
        // Sines and cosines, where they are asked for, stand in the file as learned ones do.
        settings.flag("sinusoidal_pos_embds")?;
        let types = self.weight("embeddings.token_type_embeddings");
        let skipped = match (self.family.model, self.padding()?) {
            (Model::Roberta, Some(padding)) => padding + 1,
            _ => skipped,
        };
        let has_types = matches!(
            self.family.model,
            Model::Bert | Model::Roberta | Model::Electra | Model::Albert
        );
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

    /// XGLM's, whose table begins with two rows that no position has.
    pub fn sines(self) -> Result<Option<Sines>> {
        const KEY: &str = "max_position_embeddings";
        const FIRST: usize = 2;
        if self.family.model != Model::Xglm {
            return Ok(None);
        }
        let length = self.settings.count(KEY)?;
        let padding = self.settings.index("pad_token_id")?.unwrap_or(1);
        Ok(Some(Sines {
            length: length.ok_or_else(|| self.settings.missing(KEY))?,
            first: FIRST,
            // The row of the token of padding, though it is of positions.
            empty: padding.checked_sub(FIRST),
        }))
    }

    /// The token of padding, of families that look both ways.
    pub fn padding(self) -> Result<Option<usize>> {
        if self.family.causal || self.family.model == Model::Vit {
            return Ok(None);
        }
        let usual = match self.family.model {
            Model::Roberta => 1,
            Model::ModernBert => 50283,
            _ => 0,
        };
        let padding = self.settings.index("pad_token_id")?.unwrap_or(usual);
        if self.family.model == Model::Roberta && padding != usual {
            let told = format!("positions begin after row {padding}, the token of padding");
            self.account.tell(told);
        }
        Ok(Some(padding))
    }
}
