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
///
/// # Errors
/// If settings ask for what is not computed, or contradict each other.
pub(super) fn rotary(account: &Account<'_>, form: Form) -> Result<Rotary> {
    let settings = account.settings();
    let trained = settings.count("max_position_embeddings")?;
    let original = settings.count_or_null("original_max_position_embeddings")?;
    let rope = object(settings, form)?;
    let base = base(account, form, rope.as_ref())?;
    let width = turned(settings, form, share(account, form, rope.as_ref())?)?;
    let turned = Rotary::new(width, base, form.pairs);
    let Some(rope) = &rope else { return Ok(turned) };
    let version = settings.word("transformers_version")?.unwrap_or_default();
    let scaling = Scaling {
        rope,
        base,
        trained,
        own: rope
            .count_or_null("original_max_position_embeddings")?
            .or(original),
        is_new: version.starts_with("5."),
    };
    scaling.of(turned)
}

/// The object of settings that is about this block's rotation.
fn object<'c>(settings: &Settings<'c>, form: Form) -> Result<Option<Settings<'c>>> {
    // GPT-J and CodeGen have no scaling: such keys are left to the table that refuses them.
    if matches!(form.model, Model::GptJ | Model::CodeGen) {
        return Ok(None);
    }
    let (old, new) = (
        settings.object("rope_scaling")?,
        settings.object("rope_parameters")?,
    );
    if new.is_some() && old.is_some() {
        return Err(settings.disagrees("rope_scaling", "there", "`rope_parameters` says it too"));
    }
    match new.or(old) {
        Some(all) if matches!(form.model, Model::Gemma3 | Model::ModernBert) => {
            of_kind(all, form.local)
        }
        rope => Ok(rope),
    }
}

/// Of families that turn blocks with a window apart: the object of one kind. Where there is
/// but one for all, blocks with a window have no scaling.
fn of_kind(all: Settings<'_>, is_local: bool) -> Result<Option<Settings<'_>>> {
    let kinds = ["full_attention", "sliding_attention"];
    let [full, sliding] = [all.object(kinds[0])?, all.object(kinds[1])?];
    if full.is_none() && sliding.is_none() {
        return Ok((!is_local).then_some(all));
    }
    all.all_used()?;
    for (part, kind) in [(&full, kinds[0]), (&sliding, kinds[1])] {
        if part.is_none() {
            return Err(all.missing(kind));
        }
    }
    Ok(if is_local { sliding } else { full })
}

/// The base of the frequencies.
fn base(account: &Account<'_>, form: Form, rope: Option<&Settings<'_>>) -> Result<f64> {
    let settings = account.settings();
    let old = settings
        .positive("rope_theta")?
        .or(settings.positive("rotary_emb_base")?);
    let (old, of_windows) = match form.model {
        Model::ModernBert => (
            settings.positive("global_rope_theta")?,
            settings.positive("local_rope_theta")?,
        ),
        _ => (old, settings.positive("rope_local_base_freq")?),
    };
    let said = match (rope, form.local) {
        (Some(rope), _) => rope.positive("rope_theta")?.or(old.filter(|_| !form.local)),
        (None, true) => of_windows,
        (None, false) => old,
    };
    let usual = match (form.model, form.local) {
        (Model::Gemma3, false) => 1e6,
        (Model::ModernBert, false) => 1.6e5,
        _ => 1e4,
    };
    // Versions of the framework differ in these.
    if said.is_none() && matches!(form.model, Model::Cohere | Model::SmolLm3) {
        return Err(settings.missing("rope_theta"));
    }
    let base = said.unwrap_or_else(|| {
        account.tell(format!("no `rope_theta` in config.json: it is {usual}"));
        usual
    });
    if base < SMALL_BASE {
        account.tell(format!("the base of rotary positions, {base}, is small"));
    }
    Ok(base)
}

/// The share of a head that is turned, where a setting says it.
fn share(account: &Account<'_>, form: Form, rope: Option<&Settings<'_>>) -> Result<Option<f64>> {
    let settings = account.settings();
    let old = settings
        .number("partial_rotary_factor")?
        .or(settings.number("rotary_pct")?);
    let said = match rope {
        Some(rope) => rope.number("partial_rotary_factor")?.or(old),
        None => old,
    };
    let differs = [Model::Nemotron, Model::Glm, Model::Glm4];
    if said.is_none() && differs.contains(&form.model) {
        return Err(settings.missing("partial_rotary_factor"));
    }
    if said.is_none() && form.share < 1.0 {
        let share = form.share;
        account.tell(format!(
            "no `partial_rotary_factor` in config.json: it is {share}"
        ));
    }
    Ok(said)
}

/// The columns of a head that are turned.
fn turned(settings: &Settings<'_>, form: Form, share: Option<f64>) -> Result<usize> {
    if matches!(form.model, Model::GptJ | Model::CodeGen) {
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
    let turns_part = [
        Model::GptNeoX,
        Model::Phi,
        Model::Phi3,
        Model::StableLm,
        Model::Nemotron,
        Model::Glm,
        Model::Glm4,
        Model::Persimmon,
    ];
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

/// What a file says of how frequencies change for sequences longer than in training.
struct Scaling<'s, 'c> {
    rope: &'s Settings<'c>,
    base: f64,
    /// The longest sequences.
    trained: Option<usize>,
    /// The longest before they were stretched.
    own: Option<usize>,
    /// Whether version 5 of the framework wrote the file.
    is_new: bool,
}

impl Scaling<'_, '_> {
    /// The rotation so changed.
    fn of(&self, turned: Rotary) -> Result<Rotary> {
        let rope = self.rope;
        let said = rope.word("rope_type")?.or(rope.word("type")?);
        let factor = rope.positive("factor")?;
        if said.is_none() && factor.is_some() {
            return Err(rope.missing("rope_type"));
        }
        let need = || factor.ok_or_else(|| rope.missing("factor"));
        let result = match said.unwrap_or("default") {
            "default" => match factor.filter(|factor| *factor != 1.0) {
                None => turned,
                Some(factor) => return Err(rope.unsupported("factor", &factor.to_string())),
            },
            "linear" => turned.linear(need()?),
            "dynamic" => turned.dynamic(Dynamic {
                base: self.base,
                factor: need()?,
                trained: self.before_or_now()?,
            }),
            "llama3" => turned.llama3(self.llama3(need()?)?),
            "yarn" => self.yarn(turned)?,
            "longrope" | "su" => self.longrope(turned)?,
            other => return Err(rope.unsupported("rope_type", other)),
        };
        rope.all_used()?;
        Ok(result)
    }

    fn need(&self, key: &str) -> Result<f64> {
        self.rope
            .positive(key)?
            .ok_or_else(|| self.rope.missing(key))
    }

    fn before(&self) -> Result<usize> {
        self.own
            .ok_or_else(|| self.rope.missing("original_max_position_embeddings"))
    }

    fn before_or_now(&self) -> Result<usize> {
        self.own.or(self.trained).map_or_else(|| self.before(), Ok)
    }

    fn llama3(&self, factor: f64) -> Result<Llama3> {
        Ok(Llama3 {
            factor,
            low: self.need("low_freq_factor")?,
            high: self.need("high_freq_factor")?,
            trained: self.before()? as f64,
        })
    }

    fn yarn(&self, turned: Rotary) -> Result<Rotary> {
        let rope = self.rope;
        let trained = self.before_or_now()? as f64;
        let factor = self.stretched()?;
        let [one, all] = ["mscale", "mscale_all_dim"].map(|key| rope.number_or_null(key));
        let scales = one?
            .zip(all?)
            .filter(|(one, all)| *one != 0.0 && *all != 0.0);
        let yarn = Yarn {
            factor,
            fast: rope.number_or_null("beta_fast")?.unwrap_or(32.0),
            slow: rope.number_or_null("beta_slow")?.unwrap_or(1.0),
            trained,
            truncate: rope.flag("truncate")?.unwrap_or(true),
            scales: scales.map(|(one, all)| [one, all]),
        };
        self.times(turned.yarn(self.base, yarn))
    }

    fn longrope(&self, turned: Rotary) -> Result<Rotary> {
        let pairs = turned.frequencies.len();
        let trained = self.before()?;
        let factor = self.stretched()?;
        self.times(turned.longrope(&LongRope {
            short: divisors(self.rope, "short_factor", pairs)?,
            long: divisors(self.rope, "long_factor", pairs)?,
            factor,
            trained,
        }))
    }

    /// With the factor of queries and keys that a setting says.
    fn times(&self, mut turned: Rotary) -> Result<Rotary> {
        if let Some(said) = self.rope.number_or_null("attention_factor")? {
            turned.factor = said;
        }
        Ok(turned)
    }

    /// How much longer than in training sequences may be: what is said, or the ratio of the
    /// lengths. Version 5 takes the former where it is there, version 4 the latter, so that
    /// they must agree in its files.
    fn stretched(&self) -> Result<f64> {
        let said = self.rope.positive("factor")?;
        let ratio = self
            .trained
            .zip(self.own)
            .map(|(now, then)| now as f64 / then as f64);
        match (said, ratio) {
            (Some(said), Some(ratio)) if !self.is_new && (ratio - said).abs() > 1e-9 => {
                let found = format!("the lengths in config.json say {ratio}");
                Err(self.rope.disagrees("factor", &said.to_string(), &found))
            }
            _ => said.or(ratio).ok_or_else(|| self.rope.missing("factor")),
        }
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
