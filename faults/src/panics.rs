//! Panics, wherever they are caught: each counts as a violation of its schedule.

use std::{cell::RefCell, sync::Once};

thread_local! {
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Records panics on this thread from now on.
pub(crate) fn notice() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.with_borrow_mut(|panics| panics.push(panic.to_string()));
            before(panic);
        }));
    });
    PANICS.with_borrow_mut(Vec::clear);
}

/// Takes the panics that were recorded on this thread.
pub(crate) fn noticed() -> Vec<String> {
    PANICS.take()
}
