//! A block's linear layers.

use serde_json::Value;

use super::super::family::{LLAMA, MODERN, Mlp, Model, Qkv};
use super::super::plan::{BiasAt, BlockPlan, LinearAt, MlpPlan, NormsAt};
use super::file::File;
use super::fused::Fused;
use super::sizes::Sizes;
use crate::Result;
use crate::model::transformer::Wiring;

impl<'a> File<'a> {
    pub fn block(self, sizes: Sizes, l: usize) -> Result<BlockPlan> {
        let family = self.family;
        let total = sizes.heads * sizes.head;
        let at = |part: &str| self.in_block(l, part);
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

    fn letters(self, sizes: Sizes, l: usize) -> Result<[LinearAt; 3]> {
        let at = |part: &str| self.in_block(l, part);
        let is_biased = self.biased(self.family.qkv_bias)?;
        let fused = Fused::of(sizes);
        let qkv = self.qkv(sizes)?;
        let letter = |letter: usize| match qkv {
            Qkv::Apart(names) => LinearAt::rows(&at(names[letter]), fused.d, fused.widths[letter])
                .biased(&at(names[letter]), is_biased),
            Qkv::Rows(name) => fused.rows(letter).named(&at(name), is_biased),
            Qkv::Columns(name) => fused.columns(letter).named(&at(name), is_biased),
            Qkv::ByHead(name) => fused.by_head(letter, sizes).named(&at(name), is_biased),
            Qkv::Quarters(name) => fused.quarters(letter, sizes).named(&at(name), is_biased),
        };
        Ok([letter(0), letter(1), letter(2)])
    }

    /// How queries, keys and values stand.
    fn qkv(self, sizes: Sizes) -> Result<Qkv> {
        match self.family.qkv {
            // Where every head has keys of its own, they stand head by head.
            Qkv::Rows(name)
                if self.family.model == Model::GptBigCode
                    && self.settings.flag("multi_query")? == Some(false) =>
            {
                Ok(Qkv::ByHead(name))
            }
            Qkv::Quarters(_) if !sizes.heads.is_multiple_of(4) => {
                let (key, heads) = (self.family.keys.heads, sizes.heads.to_string());
                let found = "queries, keys and values stand in four parts";
                Err(self.settings.disagrees(key, &heads, found))
            }
            other => Ok(other),
        }
    }

    fn mlp(self, sizes: Sizes, l: usize, norms: NormsAt) -> Result<MlpPlan> {
        let mut hidden_key = self.family.keys.hidden;
        if let Mlp::Experts(experts) = &self.family.mlp {
            if self.has_experts(l)? {
                return self.experts(experts, sizes, l, norms);
            }
            hidden_key = MODERN.hidden;
        }
        let at = |part: &str| self.in_block(l, part);
        let d = sizes.width;
        let is_biased = self.biased(self.family.mlp_bias)?;
        let (up, gate, down) = self.up_and_gate(sizes, l)?;
        let hidden = up.outputs;
        self.agree_hidden(hidden_key, d, (hidden, &up.tensor))?;
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
            experts: None,
        })
    }

    /// What is read of the stream, what goes through the activation where that is another
    /// layer, and the name of what is written through.
    fn up_and_gate(
        self,
        sizes: Sizes,
        l: usize,
    ) -> Result<(LinearAt, Option<LinearAt>, &'static str)> {
        let at = |part: &str| self.in_block(l, part);
        let d = sizes.width;
        let is_biased = self.biased(self.family.mlp_bias)?;
        let mlp = match self.family.mlp {
            // Of a block without experts among others.
            Mlp::Experts(_) => LLAMA.mlp,
            other => other,
        };
        Ok(match mlp {
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
            Mlp::Experts(_) => unreachable!("Llama's MLPs have no experts"),
            Mlp::FusedGate([both, down]) => {
                let (rows, _) = self.shape(&format!("{}.weight", at(both)))?;
                let hidden = rows / 2;
                let half = |number: usize| LinearAt {
                    shape: vec![2 * hidden, d],
                    first: number * hidden * d,
                    bias: is_biased.then(|| BiasAt {
                        tensor: format!("{}.bias", at(both)),
                        shape: vec![2 * hidden],
                        first: number * hidden,
                    }),
                    ..LinearAt::rows(&at(both), d, hidden)
                };
                (half(1), Some(half(0)), down)
            }
        })
    }

    /// The width of the hidden layer; four times that of the stream where no setting says.
    pub fn agree_hidden(
        self,
        key: Option<&str>,
        d: usize,
        (hidden, tensor): (usize, &str),
    ) -> Result<()> {
        let settings = self.settings;
        let at = format!("the shape of `{}`", self.account.stored(tensor));
        match key {
            Some(key) => {
                let said = settings.count_or_null(key)?;
                let null = settings.value(key).is_some_and(Value::is_null);
                settings.agrees(key, said.or(null.then_some(4 * d)), hidden, &at)
            }
            None if self.family.model == Model::Mpt => {
                let said = settings.count("expansion_ratio")?;
                settings.agrees("expansion_ratio", said, hidden / d.max(1), &at)
            }
            None => Ok(()),
        }
    }
}
