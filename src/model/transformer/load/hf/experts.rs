//! Experts: apart in a file, or all in one tensor as the framework holds them.

use serde_json::Value;

use super::super::family::{Experts, Model};
use super::super::plan::{ExpertsAt, LinearAt, MlpPlan, NormsAt};
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
        let at = |part: &str| self.at(&format!("{}{l}.{part}", self.family.layer));
        self.all_blocks_have_experts(sizes)?;
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
        self.agree_hidden(d, width, &at(TOGETHER[1]))?;
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
        let at = |expert: usize, name: &str| {
            let part = format!("{}{l}.{}{expert}.{name}", self.family.layer, names.each);
            self.at(&part)
        };
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

    /// Qwen3's may have blocks without experts, which are not computed.
    fn all_blocks_have_experts(self, sizes: Sizes) -> Result<()> {
        let settings = self.settings;
        if self.family.model != Model::Qwen3Moe {
            return Ok(());
        }
        // Of blocks without experts.
        settings.count("intermediate_size")?;
        if let Some(listed) = settings.list("mlp_only_layers")?
            && !listed.is_empty()
        {
            return Err(
                settings.unsupported("mlp_only_layers", &Value::from(listed.clone()).to_string())
            );
        }
        match settings.count("decoder_sparse_step")? {
            Some(step) if step > 1 && sizes.layers > 0 => {
                Err(settings.unsupported("decoder_sparse_step", &step.to_string()))
            }
            _ => Ok(()),
        }
    }
}
