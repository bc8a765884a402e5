//! Images: the layer that patches go through, and what stands before them.

use serde_json::Value;

use super::super::family::Model;
use super::super::plan::{LinearAt, PatchesAt};
use super::file::File;
use super::sizes::Sizes;
use crate::Result;
use crate::model::transformer::Patches;

impl<'a> File<'a> {
    /// Where patches become rows, in families of images.
    pub fn patches(self, sizes: Sizes) -> Result<Option<PatchesAt>> {
        if self.family.model != Model::Vit {
            return Ok(None);
        }
        let name = self.at(self.family.tokens);
        let patches = self.image()?;
        let [height, width] = patches.patch;
        let positions = self.family.positions.map_or("", |(part, _)| part);
        Ok(Some(PatchesAt {
            patches,
            linear: LinearAt {
                shape: vec![sizes.width, patches.channels, height, width],
                ..LinearAt::rows(&name, patches.features(), sizes.width)
            },
            bias: format!("{name}.bias"),
            summaries: self.family.summaries.iter().map(|s| self.at(s)).collect(),
            positions: self.at(positions),
        }))
    }

    /// The numbers of a patch, and the width of the stream.
    pub fn patch_sizes(self) -> Result<(usize, usize)> {
        let (settings, key) = (self.settings, self.family.keys.width);
        let width = settings.count(key)?;
        let width = width.ok_or_else(|| settings.missing(key))?;
        Ok((self.image()?.features(), width))
    }

    /// How images are parted, as the settings say; the shapes of tensors are held to it.
    fn image(self) -> Result<Patches> {
        let channels = self.settings.count("num_channels")?;
        if channels.is_none() {
            self.tell_usual("num_channels", "3");
        }
        let patches = Patches {
            summaries: self.family.summaries.len(),
            channels: channels.unwrap_or(3),
            image: self.sides("image_size", 224)?,
            patch: self.sides("patch_size", 16)?,
        };
        match patches.grid().contains(&0) {
            true => {
                let [said, found] = [patches.patch, patches.image].map(|x| format!("{x:?}"));
                let found = format!("an image of {found} holds no such patch");
                Err(self.settings.disagrees("patch_size", &said, &found))
            }
            false => Ok(patches),
        }
    }

    /// Height and width: one number for both, or two.
    fn sides(self, key: &str, usual: usize) -> Result<[usize; 2]> {
        let settings = self.settings;
        let Some(Value::Array(list)) = settings.value(key) else {
            self.tell_usual(key, &usual.to_string());
            return Ok([settings.count(key)?.unwrap_or(usual); 2]);
        };
        let side = |value: &Value| usize::try_from(value.as_u64()?).ok().filter(|n| *n > 0);
        let sides: Option<Vec<usize>> = list.iter().map(side).collect();
        match sides.as_deref() {
            Some(&[height, width]) => Ok([height, width]),
            _ => {
                let said = Value::from(list.clone()).to_string();
                Err(settings.wrong(key, &said, "a whole number from 1, or two: height, width"))
            }
        }
    }
}
