//! Experts: apart in a file, or all in one tensor as the framework holds them.

use super::super::family::{Experts, Model};
use super::super::plan::{ExpertsAt, LinearAt, MlpPlan, NormsAt, SharedAt};
use super::file::File;
use super::sizes::Sizes;
use crate::Result;
use crate::model::transformer::Order;

/// The framework's names for all experts' gates and ups `[experts, 2 · width, d]`, and
/// downs `[experts, d, width]`.
const TOGETHER: [&str; 2] = ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"];
/// The settings that say how many there are.
const COUNTS: [&str; 2] = ["num_local_experts", "num_experts"];
/// Its name for what chooses.
const ROUTER: &str = "mlp.gate";

impl<'a> File<'a> {
    pub fn experts(
        self,
        names: &Experts,
        sizes: Sizes,
        l: usize,
        norms: NormsAt,
    ) -> Result<MlpPlan> {
        let at = |part: &str| self.in_block(l, part);
        let router = [names.router, ROUTER].map(at);
        let is_there = |name: &&String| self.account.has(&format!("{name}.weight"));
        let router = router.iter().find(is_there).unwrap_or(&router[0]);
        let (count, chosen) = self.counted(router)?;
        let d = sizes.width;
        let apart = match self.account.has(&at(TOGETHER[0])) {
            true => Vec::new(),
            false => self.apart(names, sizes, l, count)?,
        };
        let width = match apart.first() {
            Some([gate, ..]) => gate.outputs,
            None => self.width_together(&at(TOGETHER[1]))?,
        };
        self.agree_hidden(self.family.keys.hidden, d, (width, &at(TOGETHER[1])))?;
        let [both, down] = TOGETHER.map(at);
        let half = |first: usize| LinearAt {
            tensor: both.clone(),
            shape: vec![count, 2 * width, d],
            first,
            order: Order::Groups {
                width,
                share: 1,
                group: 2,
            },
            ..LinearAt::rows("", d, count * width)
        };
        Ok(MlpPlan {
            up: half(width * d),
            gate: Some(half(0)),
            down: LinearAt {
                tensor: down,
                shape: vec![count, d, width],
                order: Order::Experts { width, outputs: d },
                ..LinearAt::rows("", count * width, d)
            },
            norms,
            behind_gate: None,
            experts: Some(ExpertsAt {
                router: LinearAt::rows(router, d, count),
                chosen,
                normalised: self.is(names.normalised)?,
                apart,
                shared: self.shared(sizes, l)?,
            }),
        })
    }

    /// How many experts a router chooses from, and how many of them.
    fn counted(self, router: &str) -> Result<(usize, usize)> {
        const CHOSEN: &str = "num_experts_per_tok";
        let (count, _) = self.shape(&format!("{router}.weight"))?;
        let rows = format!("rows of `{}.weight`", self.account.stored(router));
        let settings = self.settings;
        for key in COUNTS {
            settings.agrees(key, settings.count(key)?, count, &rows)?;
        }
        let chosen = settings.count(CHOSEN)?;
        let chosen = chosen.ok_or_else(|| settings.missing(CHOSEN))?;
        match chosen > count {
            true => {
                Err(settings.disagrees(CHOSEN, &chosen.to_string(), &format!("{rows}: {count}")))
            }
            false => Ok((count, chosen)),
        }
    }

    /// The layers of each expert.
    fn apart(
        self,
        names: &Experts,
        sizes: Sizes,
        l: usize,
        count: usize,
    ) -> Result<Vec<[LinearAt; 3]>> {
        let at =
            |expert: usize, name: &str| self.in_block(l, &format!("{}{expert}.{name}", names.each));
        let [gate, up, down] = names.names;
        let (width, _) = self.shape(&format!("{}.weight", at(0, gate)))?;
        let d = sizes.width;
        let of = |expert: usize| {
            [
                LinearAt::rows(&at(expert, gate), d, width),
                LinearAt::rows(&at(expert, up), d, width),
                LinearAt::rows(&at(expert, down), width, d),
            ]
        };
        Ok((0..count).map(of).collect())
    }

    /// The width of each expert where all are in one tensor.
    fn width_together(self, name: &str) -> Result<usize> {
        let shape = self
            .account
            .look(name)
            .map(|tensor| tensor.shape.as_slice());
        match shape {
            Some(&[_, _, width]) => Ok(width),
            _ => self.shape(name).map(|(_, width)| width),
        }
    }

    /// The expert that all positions share, in families that have one.
    fn shared(self, sizes: Sizes, l: usize) -> Result<Option<SharedAt>> {
        const KEY: &str = "shared_expert_intermediate_size";
        if self.family.model != Model::Qwen2Moe {
            return Ok(None);
        }
        let at = |part: &str| self.in_block(l, &format!("mlp.shared_expert{part}"));
        let (width, d) = (self.shape(&at(".up_proj.weight"))?.0, sizes.width);
        let rows = format!("rows of `{}`", self.account.stored(&at(".up_proj.weight")));
        let settings = self.settings;
        settings.agrees(KEY, settings.count(KEY)?, width, &rows)?;
        Ok(Some(SharedAt {
            layers: [
                LinearAt::rows(&at(".gate_proj"), d, width),
                LinearAt::rows(&at(".up_proj"), d, width),
                LinearAt::rows(&at(".down_proj"), width, d),
            ],
            share: LinearAt::rows(&at("_gate"), d, 1),
        }))
    }

    /// Whether a block's MLP is made of experts, in families where some may not be.
    pub fn has_experts(self, l: usize) -> Result<bool> {
        let settings = self.settings;
        if !matches!(self.family.model, Model::Qwen2Moe | Model::Qwen3Moe) {
            return Ok(true);
        }
        // Of blocks without experts.
        settings.count("intermediate_size")?;
        let step = settings.count("decoder_sparse_step")?.unwrap_or(1);
        let mut is_plain = !(l + 1).is_multiple_of(step);
        for block in settings.list("mlp_only_layers")?.into_iter().flatten() {
            let Some(number) = block.as_u64() else {
                return Err(settings.unsupported("mlp_only_layers", &block.to_string()));
            };
            is_plain |= number == l as u64;
        }
        Ok(!is_plain)
    }
}
