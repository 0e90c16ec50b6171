//! A tenant that means ill, or a network that does: each ends in one clear error, within bounds.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod answers;
mod network;
mod terminal;
