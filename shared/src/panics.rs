//! What a panic logs.

/// Installs a panic hook that logs where a panic happened, but not its message: that may quote a secret or a
/// name.
pub fn say_only_where() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(panic.location = place, "panicked");
    }));
}
