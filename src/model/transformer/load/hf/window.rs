//! Which positions the heads of a block see, where not all before.

use serde_json::Value;

use super::super::family::Model;
use super::file::File;
use super::sizes::Sizes;
use crate::Result;

impl<'a> File<'a> {
    /// The positions a block sees, where not all before.
    pub fn window(self, sizes: Sizes, l: usize) -> Result<Option<usize>> {
        let settings = self.settings;
        match self.family.model {
            Model::GptNeo => {
                let window = settings.count("window_size")?.unwrap_or(256);
                self.tell_usual("window_size", "256");
                Ok(self.neo_is_local(sizes, l)?.then_some(window))
            }
            Model::Mistral | Model::Phi3 | Model::Starcoder2 | Model::Mixtral => self.said_window(),
            // The framework gives all blocks the window, whatever `max_window_layers` says.
            Model::Qwen3Moe => {
                let is_used = settings.flag("use_sliding_window")?.unwrap_or(false);
                Ok(self.said_window()?.filter(|_| is_used))
            }
            // Versions of the framework differ in what `max_window_layers` means; where windows
            // are off it writes one of 0.
            Model::Qwen2Moe => {
                let is_used = settings.flag("use_sliding_window")?.unwrap_or(false);
                settings.index("sliding_window")?;
                match settings.list("layer_types")? {
                    None if is_used => Err(settings.missing("layer_types")),
                    None => Ok(None),
                    Some(_) if !is_used && self.is_local(sizes, l)? => {
                        Err(settings.unsupported("use_sliding_window", "false, with windows"))
                    }
                    Some(_) if !is_used => Ok(None),
                    Some(_) => self.window_of_kind(sizes, l, self.said_window()?),
                }
            }
            Model::Qwen2 | Model::Qwen3 => {
                let is_used = settings.flag("use_sliding_window")?.unwrap_or(false);
                let (window, is_local) = (self.said_window()?, self.is_local(sizes, l)?);
                Ok(window.filter(|_| is_used && is_local))
            }
            // The framework looks at `use_sliding_window` only to make `layer_types`.
            Model::SmolLm3 => {
                let is_used = settings.flag("use_sliding_window")?.unwrap_or(false);
                let window = self.said_window()?;
                match settings.list("layer_types")? {
                    Some(_) => self.window_of_kind(sizes, l, window),
                    None if is_used && window.is_some() => Err(settings.missing("layer_types")),
                    None => Ok(None),
                }
            }
            Model::Gemma2 | Model::Gemma3 | Model::Cohere2 | Model::Exaone4 => {
                self.window_of_kind(sizes, l, self.said_window()?)
            }
            _ => Ok(None),
        }
    }

    /// How far a block sees on either side, where that is bounded: ModernBERT's settings say
    /// both sides together.
    pub fn side_of_window(self, sizes: Sizes, l: usize) -> Result<Option<usize>> {
        if self.family.model != Model::ModernBert {
            return Ok(None);
        }
        self.tell_usual("local_attention", "128");
        let both = self.settings.count("local_attention")?.unwrap_or(128);
        Ok(self.is_local(sizes, l)?.then_some(both / 2))
    }

    /// The window of a block whose kind says whether it has one.
    fn window_of_kind(
        self,
        sizes: Sizes,
        l: usize,
        window: Option<usize>,
    ) -> Result<Option<usize>> {
        match (self.is_local(sizes, l)?, window) {
            (false, _) => Ok(None),
            (true, None) => Err(self.settings.missing("sliding_window")),
            (true, window) => Ok(window),
        }
    }

    pub fn said_window(self) -> Result<Option<usize>> {
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

    /// Whether a block attends within a window only.
    pub fn is_local(self, sizes: Sizes, l: usize) -> Result<bool> {
        let settings = self.settings;
        let first = settings.index("max_window_layers")?.unwrap_or(28);
        let mut pattern = match self.family.model {
            Model::Cohere2 | Model::Exaone4 => 4,
            _ => 6,
        };
        let every = match self.family.model {
            Model::ModernBert => settings.count("global_attn_every_n_layers")?.unwrap_or(3),
            _ => 1,
        };
        const PATTERNS: [&str; 2] = ["sliding_window_pattern", "_sliding_window_pattern"];
        if let Some(kinds) = settings.list("layer_types")? {
            settings.agrees(
                "layer_types",
                Some(kinds.len()),
                sizes.layers,
                "the blocks in the file",
            )?;
            // What the list was made of.
            for key in PATTERNS {
                let _in_words_of_several_kinds = settings.value(key);
            }
            return match kinds.get(l).and_then(Value::as_str) {
                Some("sliding_attention") => Ok(true),
                Some("full_attention") => Ok(false),
                _ => Err(settings.unsupported("layer_types", &format!("{:?}", kinds.get(l)))),
            };
        }
        for key in PATTERNS {
            pattern = settings.count(key)?.unwrap_or(pattern);
        }
        let (is_local, usual) = match self.family.model {
            Model::Gemma2 => (
                l.is_multiple_of(2),
                "every second block in a window".to_owned(),
            ),
            Model::ModernBert => {
                let full = format!("one block of {every} without a window, from the first");
                (!l.is_multiple_of(every), full)
            }
            Model::Gemma3 | Model::Cohere2 | Model::Exaone4 => {
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
    pub fn window_of_masks(self) -> Result<Option<usize>> {
        match self.family.model {
            Model::GptNeo => Ok(Some(self.settings.count("window_size")?.unwrap_or(256))),
            _ => Ok(None),
        }
    }
}
