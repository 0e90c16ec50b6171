//! What a panic says.

/// From now on a panic says where it happened and not what it was about: its own text may quote a secret or a
/// name.
pub fn say_only_where() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(panic.location = place, "panicked");
    }));
}
