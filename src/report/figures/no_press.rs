//! What stands for the press where the crate is built without the feature `pdf`.

use super::print::{Format, Print};
use crate::{ErrorKind, Result};

/// The fonts of the system, of which there are none.
pub(in crate::report) enum Press {}

impl Press {
    /// Refuses: other formats need the feature.
    ///
    /// # Errors
    /// [`ErrorKind::Press`], always.
    pub fn of(_print: &Print) -> Result<Self> {
        let detail = "this build writes figures as SVG alone: the feature `pdf` is off".to_owned();
        Err(ErrorKind::Press { detail }.at("figures"))
    }

    /// A figure in a format, which a press that is not there never gives.
    pub fn set(&self, _svg: &str, _format: Format) -> Result<Vec<u8>> {
        match *self {}
    }
}
