//! What is made of the stream at its end: heads, the unembedding, biases, caps.

use serde_json::Value;

use super::super::family::{Model, Pooler, Rule};
use super::super::keys::Purpose;
use super::super::plan::{BiasAt, HeadAt, LinearAt};
use super::file::File;
use super::sizes::Sizes;
use crate::Result;
use crate::model::transformer::{Logits, Reads};
use crate::numeric::Activation;

impl<'a> File<'a> {
    /// Whether the unembedding is a matrix of its own, as settings and tensors say alike.
    pub fn untied(self) -> Result<bool> {
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

    /// What comes before the unembedding: the transform of a language model that looks both
    /// ways, or the pooler of a classifier.
    pub fn head(self, sizes: Sizes, activation: Activation) -> Result<Option<HeadAt>> {
        let (dense, norm) = match (self.purpose, self.family.classifier) {
            (Purpose::Stream, _) => return Ok(None),
            (Purpose::EachPosition, _) if self.family.model != Model::ModernBert => {
                return Ok(None);
            }
            (Purpose::Classes | Purpose::EachPosition, Some(classifier)) => {
                let pooler = classifier.pooler;
                return pooler
                    .map(|at| self.pooler(at, sizes.width, activation))
                    .transpose();
            }
            _ => match self.family.model {
                Model::Bert => (
                    "cls.predictions.transform.dense",
                    "cls.predictions.transform.LayerNorm",
                ),
                Model::Roberta => ("lm_head.dense", "lm_head.layer_norm"),
                Model::DistilBert => ("vocab_transform", "vocab_layer_norm"),
                Model::Electra => (
                    "generator_predictions.dense",
                    "generator_predictions.LayerNorm",
                ),
                Model::ModernBert => ("head.dense", "head.norm"),
                Model::Albert => ("predictions.dense", "predictions.LayerNorm"),
                _ => return Ok(None),
            },
        };
        let dense = LinearAt::rows(dense, sizes.width, sizes.embedded)
            .biased(dense, self.is(self.head_bias())?);
        Ok(Some(HeadAt {
            dense,
            activation: match self.family.model {
                Model::Roberta | Model::Electra => Activation::Gelu,
                _ => self.heads_activation(activation)?,
            },
            norm: self.norm_named(norm, sizes.embedded).map(Some)?,
        }))
    }

    /// What a classifier reads of the stream.
    pub fn reads(self) -> Result<Option<Reads>> {
        const KEY: &str = "classifier_pooling";
        if self.purpose != Purpose::Classes {
            return Ok(None);
        }
        let said = match self.family.model {
            Model::ModernBert => self.settings.word(KEY)?,
            _ => None,
        };
        match said {
            None | Some("cls") => Ok(Some(Reads::At(0))),
            Some("mean") => Ok(Some(Reads::Mean)),
            Some(other) => Err(self.settings.unsupported(KEY, other)),
        }
    }

    /// The dense layer of a classifier.
    fn pooler(self, at: Pooler, width: usize, activation: Activation) -> Result<HeadAt> {
        let name = match at.in_base {
            true => self.at(at.dense),
            false => at.dense.to_owned(),
        };
        let norm = at.norm.map(|norm| self.norm_named(norm, width));
        let usual = self.heads_activation(activation)?;
        Ok(HeadAt {
            dense: LinearAt::rows(&name, width, width).biased(&name, self.is(self.head_bias())?),
            activation: at.activation.unwrap_or(usual),
            norm: norm.transpose()?,
        })
    }

    /// Whether the dense layer before the outputs has biases.
    fn head_bias(self) -> Rule {
        match self.family.model {
            Model::ModernBert => Rule::Key("classifier_bias", false),
            _ => Rule::Always,
        }
    }

    /// What the dense layer before the outputs goes through: what MLPs do, where no setting
    /// says.
    fn heads_activation(self, of_mlps: Activation) -> Result<Activation> {
        const KEY: &str = "classifier_activation";
        if self.family.model != Model::ModernBert {
            return Ok(of_mlps);
        }
        self.tell_usual(KEY, "gelu");
        let said = self.settings.word(KEY)?.unwrap_or("gelu");
        said.parse()
            .map_err(|_| self.settings.unsupported(KEY, said))
    }

    /// The layer that makes outputs of the stream, where it is not the embedding.
    pub fn unembedding(self, sizes: Sizes, untied: bool) -> Result<Option<LinearAt>> {
        match (self.purpose, self.family.classifier) {
            (Purpose::Classes | Purpose::EachPosition, Some(classifier)) => {
                let name = match (self.purpose, classifier.each) {
                    (Purpose::EachPosition, Some(each)) => each,
                    _ => classifier.classes,
                };
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
            None => (0, sizes.embedded),
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
    pub fn beside(self) {
        let account = self.account;
        let places = self.at("embeddings.position_ids");
        let counted = |numbers: Vec<f64>| numbers.iter().enumerate().all(|(k, x)| *x == k as f64);
        if account.look(&places).is_some_and(|t| counted(t.to_f64())) {
            account.harmless(&places, "places in their order");
        }
        if self.family.model == Model::Vit {
            let why = "in place of patches that are left out, which none are";
            account.harmless(&self.at("embeddings.mask_token"), why);
        }
        let of_classes = [Purpose::Classes, Purpose::EachPosition].contains(&self.purpose);
        if self.family.classifier.is_none() || of_classes {
            return;
        }
        let layers = [
            self.at("pooler.dense"),
            self.at("pooler"),
            "cls.seq_relationship".to_owned(),
            "sop_classifier.classifier".to_owned(),
        ];
        let both = |layer: String| ["weight", "bias"].map(|end| format!("{layer}.{end}"));
        let of_other_heads: Vec<String> = layers.into_iter().flat_map(both).collect();
        for name in of_other_heads.iter().filter(|name| account.has(name)) {
            account.harmless(name, "of a head that is not in this network");
            account.tell(format!(
                "`{}` is of a head that is not in this network",
                account.stored(name)
            ));
        }
    }

    /// BERT's head has a bias of its own, and older files a copy of it.
    pub fn output_bias(self) -> Result<Option<String>> {
        if self.purpose != Purpose::Tokens {
            return Ok(None);
        }
        let (name, copy) = match self.family.model {
            Model::Bert => ("cls.predictions.bias", "cls.predictions.decoder.bias"),
            Model::Roberta => ("lm_head.bias", "lm_head.decoder.bias"),
            Model::DistilBert => ("vocab_projector.bias", ""),
            Model::Albert => ("predictions.bias", "predictions.decoder.bias"),
            Model::ModernBert if self.settings.flag("decoder_bias")? == Some(false) => {
                return Ok(None);
            }
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

    /// What becomes of the logits; nothing where outputs are the stream.
    pub fn logits(self) -> Result<Logits> {
        let settings = self.settings;
        let mut logits = Logits::default();
        match self.family.model {
            Model::Gemma2 => logits.cap = self.cap("final_logit_softcapping", Some(30.0))?,
            Model::Gemma3 => logits.cap = self.cap("final_logit_softcapping", None)?,
            Model::Cohere | Model::Cohere2 => {
                self.tell_usual("logit_scale", "0.0625");
                logits.scale = settings.number("logit_scale")?.unwrap_or(0.0625);
            }
            Model::Granite => {
                self.tell_usual("logits_scaling", "1");
                logits.scale = 1.0 / settings.positive("logits_scaling")?.unwrap_or(1.0);
            }
            _ => {}
        }
        Ok(match self.purpose {
            Purpose::Stream => Logits::default(),
            Purpose::Tokens | Purpose::Classes | Purpose::EachPosition => logits,
        })
    }

    /// What the sublayers' outputs are multiplied by before they join the stream.
    pub fn residual(self) -> Result<f64> {
        match self.family.model {
            Model::Granite => {
                self.tell_usual("residual_multiplier", "1");
                Ok(self.settings.number("residual_multiplier")?.unwrap_or(1.0))
            }
            _ => Ok(1.0),
        }
    }
}
