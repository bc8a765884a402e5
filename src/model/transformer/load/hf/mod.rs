//! A family's row and a file's settings → a plan.

mod activation;
mod attention;
mod block;
mod experts;
mod file;
mod fused;
mod input;
mod norms;
mod output;
mod patches;
mod sizes;
mod window;

use super::family::{Family, Model};
use super::keys::{self, Purpose};
use super::masks;
use super::plan::Plan;
use crate::Result;
use crate::checkpoint::Account;
use crate::model::Meaning;
use crate::model::options::Options;
use crate::numeric::Activation;
use file::File;

/// What a file of a family says, and where its activation is known from.
///
/// # Errors
/// If settings and tensors disagree, or name what is not computed.
pub(super) fn plan(
    account: &Account<'_>,
    name: &str,
    family: &Family,
    asked: Option<Activation>,
    options: &Options,
) -> Result<(Plan, &'static str)> {
    let file = opened(account, name, family, options)?;
    let sizes = file.sizes()?;
    let window = file.window_of_masks()?;
    masks(account, &file.at(family.layer), sizes.layers, window)?;
    file.beside();
    let untied = file.untied()?;
    let (activation, source) = file.activation(asked, untied)?;
    let unembedding = file.unembedding(sizes, untied)?;
    let blocks = (0..sizes.layers).map(|l| file.block(sizes, l));
    let plan = Plan {
        tokens: file.tokens(),
        vocabulary: sizes.vocabulary,
        patches: file.patches(sizes)?,
        width: sizes.width,
        projections: file.projections(sizes.width)?,
        embedding_scale: file.embedding_scale(sizes.width)?,
        token_norm: None,
        positions: file.positions()?,
        sines: file.sines()?,
        embedding_norm: file.norm_at(family.embedding_norm, sizes.embedded)?,
        embedding_map: file.embedding_map(sizes),
        blocks: blocks.collect::<Result<_>>()?,
        final_norm: file.final_norm(sizes.width)?,
        head: file.head(sizes, activation)?,
        output_bias: (!untied).then(|| file.output_bias()).transpose()?.flatten(),
        outputs: match (file.purpose, &unembedding) {
            (Purpose::Stream, _) => sizes.width,
            (_, Some(layer)) => layer.outputs,
            (_, None) => sizes.vocabulary,
        },
        unembedding,
        logits: file.logits()?,
        residual: file.residual()?,
        activation,
        reads: file.reads()?,
        headless: file.purpose == Purpose::Stream,
        padding: file.padding()?,
    };
    Ok((plan, source))
}

/// A file, and what its network makes of the stream.
fn opened<'a>(
    account: &'a Account<'a>,
    name: &str,
    family: &'a Family,
    options: &Options,
) -> Result<File<'a>> {
    let settings = account.settings();
    let purpose = keys::purpose(settings, name, family)?;
    let base = family.base_in(account).unwrap_or_default();
    if base != family.base && family.model != Model::NanoGpt && !settings.has("architectures") {
        return Err(settings.missing("architectures"));
    }
    let alibi_twice = options.reads(Meaning::AlibiTwice);
    if alibi_twice {
        account.tell(format!("ALiBi counts twice: {}", options.who()));
    }
    Ok(File {
        account,
        settings,
        family,
        base,
        purpose,
        alibi_twice,
    })
}
