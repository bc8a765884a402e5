//! A panic in another crate, turned into words at the border to it.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether panics of this thread are being caught: then they print nothing.
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`, and gives what it said where it panicked.
///
/// The work must not be used again after a panic: whatever it had changed is in an
/// unknown state.
pub(crate) fn caught<R>(work: impl FnOnce() -> R) -> Result<R, String> {
    quiet();
    let before = CATCHING.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(before);
    outcome.map_err(|payload| words(payload.as_ref()))
}

/// Lets panics that are caught go without a word; all others are told as before.
fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let told = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !CATCHING.get() {
                told(info);
            }
        }));
    });
}

fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("it panics").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_what_it_said() {
        assert_eq!(caught(|| 1), Ok(1));
        let said = caught(|| -> u8 { panic!("no {}", 7) });
        assert_eq!(said, Err("no 7".to_owned()));
    }
}
