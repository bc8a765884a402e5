//! The activation of the MLPs, and where it is known from.

use super::super::family::Model;
use super::file::File;
use crate::Result;
use crate::numeric::Activation;

impl<'a> File<'a> {
    pub fn activation(
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
}
