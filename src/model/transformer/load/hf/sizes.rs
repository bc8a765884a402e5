//! Sizes, as settings and tensors say them alike.

use super::super::blocks;
use super::super::family::{Model, Qkv};
use super::file::File;
use crate::Result;

/// The most blocks that a configuration alone may ask for.
const MOST_OF_GROUPS: usize = 1024;

/// Sizes that settings and tensors agree on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub width: usize,
    /// Width of what is embedded, before a linear layer that leads into the stream.
    pub embedded: usize,
    pub vocabulary: usize,
    pub layers: usize,
    pub heads: usize,
    pub key_heads: usize,
    pub head: usize,
}

impl<'a> File<'a> {
    /// Sizes of the network.
    ///
    /// # Errors
    /// If settings and tensors disagree, or neither says one.
    pub fn sizes(self) -> Result<Sizes> {
        let (vocabulary, embedded, width) = self.table()?;
        let layers = self.layers()?;
        let heads_key = self.family.keys.heads;
        let heads = self
            .settings
            .count(heads_key)?
            .ok_or_else(|| self.settings.missing(heads_key))?;
        let head = self.head_width(width, heads)?;
        let key_heads = self.key_heads(heads, head)?;
        if !heads.is_multiple_of(key_heads) {
            let found = format!("they do not divide into {key_heads} key-value heads");
            return Err(self
                .settings
                .disagrees(heads_key, &heads.to_string(), &found));
        }
        Ok(Sizes {
            width,
            embedded,
            vocabulary,
            layers,
            heads,
            key_heads,
            head,
        })
    }

    /// The tokens that are known, the width of what is embedded, and that of the stream.
    fn table(self) -> Result<(usize, usize, usize)> {
        let (settings, key) = (self.settings, self.family.keys.width);
        if self.family.model == Model::Vit {
            let (features, width) = self.patch_sizes()?;
            return Ok((features, width, width));
        }
        let (vocabulary, own) = self.shape(&self.tokens())?;
        let rows = "rows of the token embedding";
        settings.agrees(
            "vocab_size",
            settings.count("vocab_size")?,
            vocabulary,
            rows,
        )?;
        let (said, at) = (settings.count(key)?, "columns of the token embedding");
        let width = match self.family.model {
            Model::Opt => {
                let inner = settings.count("word_embed_proj_dim")?;
                settings.agrees("word_embed_proj_dim", inner, own, at)?;
                said.ok_or_else(|| settings.missing(key))?
            }
            // Where the embedding has another width, a linear layer leads into the stream.
            Model::Electra | Model::Albert => {
                let inner = settings.count("embedding_size")?;
                settings.agrees("embedding_size", inner, own, at)?;
                return Ok((vocabulary, own, said.unwrap_or(own)));
            }
            _ => own,
        };
        settings.agrees(key, said, width, at)?;
        Ok((vocabulary, width, width))
    }

    pub fn layers(self) -> Result<usize> {
        let layers = blocks(self.account, &self.at(self.family.layer));
        let (settings, key) = (self.settings, self.family.keys.layers);
        let said = settings.count(key)?;
        if self.family.model == Model::Albert {
            return self.layers_of_groups(said, layers);
        }
        settings.agrees(key, said, layers, "the blocks in the file")?;
        Ok(layers)
    }

    /// ALBERT's blocks, of which those of a group have the same weights.
    fn layers_of_groups(self, said: Option<usize>, groups: usize) -> Result<usize> {
        let settings = self.settings;
        let at = "the groups in the file";
        settings.agrees(
            "num_hidden_groups",
            settings.count("num_hidden_groups")?,
            groups,
            at,
        )?;
        if let Some(inner) = settings
            .count("inner_group_num")?
            .filter(|inner| *inner != 1)
        {
            return Err(settings.unsupported("inner_group_num", &inner.to_string()));
        }
        let key = self.family.keys.layers;
        let layers = said.ok_or_else(|| settings.missing(key))?;
        if layers > MOST_OF_GROUPS {
            return Err(settings.unsupported(key, &format!("{layers} blocks of {groups} groups")));
        }
        self.account.tell(format!(
            "{layers} blocks have the weights of {groups}: a weight is an edge of each of them, \
             and is pruned in all of them or in none"
        ));
        Ok(layers)
    }

    /// Width of a head: as a setting says, or the family; else a share of the stream.
    fn head_width(self, width: usize, heads: usize) -> Result<usize> {
        let said = match self.family.keys.key_heads {
            Some(_) => self
                .settings
                .count_or_null("head_dim")?
                .or(self.family.head_width),
            None => None,
        };
        if said.is_none() && !width.is_multiple_of(heads) {
            let found = format!("the width {width} does not divide into so many");
            let key = self.family.keys.heads;
            return Err(self.settings.disagrees(key, &heads.to_string(), &found));
        }
        Ok(said.unwrap_or(width / heads))
    }

    pub fn key_heads(self, heads: usize, head: usize) -> Result<usize> {
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
        if self.family.model == Model::GptBigCode {
            let multi = settings.flag("multi_query")?.unwrap_or(true);
            let (said, found) = (
                settings.count_or_null("num_key_value_heads")?,
                if multi { 1 } else { heads },
            );
            settings.agrees(
                "num_key_value_heads",
                said,
                found,
                "`multi_query` and heads",
            )?;
            return Ok(found);
        }
        let Some(key) = self.family.keys.key_heads else {
            return Ok(heads);
        };
        let said = settings.count_or_null(key)?;
        if let Qkv::Apart([_, name, _]) = self.family.qkv {
            let (rows, _) = self.shape(&format!("{}.weight", self.in_block(0, name)))?;
            let found = rows / head.max(1);
            let at = format!("rows of `{name}.weight` by the width {head} of a head");
            settings.agrees(key, said, found, &at)?;
            return Ok(found.max(1));
        }
        Ok(said.unwrap_or(heads))
    }
}
