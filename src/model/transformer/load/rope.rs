//! Rotary positions as configurations have them, in the words of transformers 4 and 5.

use serde_json::Value;

use super::family::Model;
use crate::Result;
use crate::checkpoint::{Account, Settings};
use crate::model::transformer::{Dynamic, Llama3, LongRope, Pairs, Rotary, Yarn};

/// What the family says of its rotation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub pairs: Pairs,
    /// The share of a head that is turned where no setting says.
    pub share: f64,
    /// Width of a head.
    pub width: usize,
    /// Whether the block has a window, in families that turn those apart.
    pub local: bool,
    pub model: Model,
}

/// Below it, a base turns all pairs almost alike.
const SMALL_BASE: f64 = 100.0;

/// How heads are turned.
pub(super) fn rotary(account: &Account<'_>, form: Form) -> Result<Rotary> {
    let settings = account.settings();
    let old_base = settings
        .positive("rope_theta")?
        .or(settings.positive("rotary_emb_base")?);
    let local_base = settings.positive("rope_local_base_freq")?;
    let old_share = settings
        .number("partial_rotary_factor")?
        .or(settings.number("rotary_pct")?);
    let trained = settings.count("max_position_embeddings")?;
    let original = settings.count_or_null("original_max_position_embeddings")?;
    // GPT-J's framework has no scaling: such keys are left to the table that refuses them.
    let has_scaling = form.model != Model::GptJ;
    let scaled_by = |key: &str| match has_scaling {
        true => settings.object(key),
        false => Ok(None),
    };
    let (scaling, new) = (scaled_by("rope_scaling")?, scaled_by("rope_parameters")?);
    if new.is_some() && scaling.is_some() {
        return Err(settings.disagrees("rope_scaling", "there", "`rope_parameters` says it too"));
    }
    let usual = if form.model == Model::Gemma3 && !form.local {
        1e6
    } else {
        1e4
    };
    let mut rope = new.or(scaling);
    if let Some(all) = &rope
        && form.model == Model::Gemma3
    {
        let kinds = ["full_attention", "sliding_attention"];
        let parts = [all.object(kinds[0])?, all.object(kinds[1])?];
        if parts.iter().any(Option::is_some) {
            all.all_used()?;
            let [full, sliding] = parts;
            for (part, kind) in [(&full, kinds[0]), (&sliding, kinds[1])] {
                if part.is_none() {
                    return Err(all.missing(kind));
                }
            }
            rope = if form.local { sliding } else { full };
        } else if form.local {
            rope = None;
        }
    }
    let base = match (&rope, form.local) {
        (Some(rope), _) => rope
            .positive("rope_theta")?
            .or(old_base.filter(|_| !form.local)),
        (None, true) => local_base,
        (None, false) => old_base,
    };
    let base = base.unwrap_or_else(|| {
        account.tell(format!("no `rope_theta` in config.json: it is {usual}"));
        usual
    });
    if base < SMALL_BASE {
        account.tell(format!("the base of rotary positions, {base}, is small"));
    }
    let share = match &rope {
        Some(rope) => rope.number("partial_rotary_factor")?.or(old_share),
        None => old_share,
    };
    if share.is_none() && form.share < 1.0 {
        let told = format!(
            "no `partial_rotary_factor` in config.json: it is {}",
            form.share
        );
        account.tell(told);
    }
    let width = turned(settings, form, share)?;
    let turned = Rotary::new(width, base, form.pairs);
    match &rope {
        Some(rope) => {
            let version = settings.word("transformers_version")?.unwrap_or_default();
            let is_new = version.starts_with("5.");
            scaled(turned, rope, base, trained, original, is_new)
        }
        None => Ok(turned),
    }
}

/// The columns of a head that are turned.
fn turned(settings: &Settings<'_>, form: Form, share: Option<f64>) -> Result<usize> {
    if form.model == Model::GptJ {
        let said = settings
            .count("rotary_dim")?
            .ok_or_else(|| settings.missing("rotary_dim"))?;
        if said > form.width || said % 2 != 0 {
            let found = format!("a head is {} wide", form.width);
            return Err(settings.disagrees("rotary_dim", &said.to_string(), &found));
        }
        return Ok(said);
    }
    // In other families the framework turns whole heads whatever the setting says, or fails.
    let turns_part = [Model::GptNeoX, Model::Phi, Model::Phi3, Model::StableLm];
    if let Some(share) = share.filter(|share| *share != 1.0)
        && !turns_part.contains(&form.model)
    {
        return Err(settings.unsupported("partial_rotary_factor", &share.to_string()));
    }
    let share = share.unwrap_or(form.share);
    let width = (form.width as f64 * share) as usize;
    if !(share > 0.0 && share <= 1.0) || width == 0 || !width.is_multiple_of(2) {
        let found = format!(
            "of a head {} wide, an even number of columns is to be turned",
            form.width
        );
        return Err(settings.disagrees("partial_rotary_factor", &share.to_string(), &found));
    }
    Ok(width)
}

fn scaled(
    turned: Rotary,
    rope: &Settings<'_>,
    base: f64,
    trained: Option<usize>,
    original: Option<usize>,
    is_new: bool,
) -> Result<Rotary> {
    let said = rope.word("rope_type")?.or(rope.word("type")?);
    let kind = said.unwrap_or("default");
    let factor = rope.positive("factor")?;
    if said.is_none() && factor.is_some() {
        return Err(rope.missing("rope_type"));
    }
    let need = || factor.ok_or_else(|| rope.missing("factor"));
    let own = rope
        .count_or_null("original_max_position_embeddings")?
        .or(original);
    let result = match kind {
        "default" => match factor.filter(|factor| *factor != 1.0) {
            None => turned,
            Some(factor) => return Err(rope.unsupported("factor", &factor.to_string())),
        },
        "linear" => turned.linear(need()?),
        "dynamic" => turned.dynamic(Dynamic {
            base,
            factor: need()?,
            trained: own
                .or(trained)
                .ok_or_else(|| rope.missing("original_max_position_embeddings"))?,
        }),
        "llama3" => turned.llama3(Llama3 {
            factor: need()?,
            low: rope
                .positive("low_freq_factor")?
                .ok_or_else(|| rope.missing("low_freq_factor"))?,
            high: rope
                .positive("high_freq_factor")?
                .ok_or_else(|| rope.missing("high_freq_factor"))?,
            trained: own.ok_or_else(|| rope.missing("original_max_position_embeddings"))? as f64,
        }),
        "yarn" => {
            let before = own
                .or(trained)
                .ok_or_else(|| rope.missing("original_max_position_embeddings"))?;
            let factor = stretched(rope, (trained, own), is_new)?;
            let factor = factor.ok_or_else(|| rope.missing("factor"))?;
            let scales = ["mscale", "mscale_all_dim"].map(|key| rope.number_or_null(key));
            let [one, all] = scales;
            let scales = one?
                .zip(all?)
                .filter(|(one, all)| *one != 0.0 && *all != 0.0);
            let mut turned = turned.yarn(
                base,
                Yarn {
                    factor,
                    fast: rope.number_or_null("beta_fast")?.unwrap_or(32.0),
                    slow: rope.number_or_null("beta_slow")?.unwrap_or(1.0),
                    trained: before as f64,
                    truncate: rope.flag("truncate")?.unwrap_or(true),
                    scales: scales.map(|(one, all)| [one, all]),
                },
            );
            if let Some(said) = rope.number_or_null("attention_factor")? {
                turned.factor = said;
            }
            turned
        }
        "longrope" | "su" => {
            let trained_for =
                own.ok_or_else(|| rope.missing("original_max_position_embeddings"))?;
            let factor = stretched(rope, (trained, own), is_new)?;
            let pairs = turned.frequencies.len();
            let mut turned = turned.longrope(&LongRope {
                short: divisors(rope, "short_factor", pairs)?,
                long: divisors(rope, "long_factor", pairs)?,
                factor: factor.ok_or_else(|| rope.missing("factor"))?,
                trained: trained_for,
            });
            if let Some(said) = rope.number_or_null("attention_factor")? {
                turned.factor = said;
            }
            turned
        }
        other => return Err(rope.unsupported("rope_type", other)),
    };
    rope.all_used()?;
    Ok(result)
}

/// How much longer than in training sequences may be: what is said, or the ratio of the
/// lengths. Version 5 takes the former where it is there, version 4 the latter, so that
/// they must agree in its files.
fn stretched(
    rope: &Settings<'_>,
    (trained, own): (Option<usize>, Option<usize>),
    is_new: bool,
) -> Result<Option<f64>> {
    let said = rope.positive("factor")?;
    let ratio = trained.zip(own).map(|(now, then)| now as f64 / then as f64);
    match (said, ratio) {
        (Some(said), Some(ratio)) if !is_new && (ratio - said).abs() > 1e-9 => {
            let found = format!("the lengths in config.json say {ratio}");
            Err(rope.disagrees("factor", &said.to_string(), &found))
        }
        _ => Ok(said.or(ratio)),
    }
}

/// What frequencies are divided by, one number a pair.
fn divisors(rope: &Settings<'_>, key: &str, pairs: usize) -> Result<Vec<f64>> {
    let list = rope.list(key)?.ok_or_else(|| rope.missing(key))?;
    let numbers: Option<Vec<f64>> = list.iter().map(Value::as_f64).collect();
    match numbers.filter(|numbers| numbers.iter().all(|x| *x > 0.0)) {
        Some(numbers) if numbers.len() == pairs => Ok(numbers),
        _ => Err(rope.wrong(
            key,
            &Value::Array(list.clone()).to_string(),
            &format!("{pairs} numbers above 0, one a pair of columns"),
        )),
    }
}
