//! What the API answers, besides [`Polled`](crate::poll::Polled), [`Explanation`](crate::drain::Explanation),
//! [`Status`](crate::view::Status) and [`Check`](crate::doctor::Check).

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        ids::{EventId, UserId},
        outcome::Held,
    },
    view::{BrakeView, Line},
};

/// The answer to `POST /rollbacks`: what was taken, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbacksTaken {
    /// Users who are now on record and in the queue.
    pub accepted: u64,
    /// Users named again in the same request, and registrations that were seen before.
    pub duplicates: u64,
    /// Registrations outside the window, which are left alone.
    pub outside_window: u64,
    /// Lines that were not taken, in order; always empty for registrations.
    pub refused: Vec<Refused>,
}

/// A line of the request that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The number of the line in a text, or of the entry in a list, from 1.
    pub line: u64,
    /// Why it was not taken, in words for the caller.
    pub cause: String,
}

/// The answer to `GET /users`: a page of what is on record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsersPage {
    /// Users, and registrations without one clear user, by outcome and then by time.
    pub entries: Vec<Line>,
    /// Where the next page begins, to pass as `cursor`; `None` at the end.
    pub next: Option<String>,
}

/// The answer to a release that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// The user who was released, and who is pending now.
    pub user_id: UserId,
    /// The held reasons that the release lifts.
    pub lifted: Vec<Held>,
}

/// The answer when what was on record about a user is erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// The user whose record was erased; the id itself stays on record.
    pub user_id: UserId,
    /// How many entries of the history are gone.
    pub entries: u64,
}

/// The answer when a registration without one clear user was ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventEnded {
    /// The id of that registration's audit event.
    pub event_id: EventId,
}

/// What a redrive of the dead letters did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redriven {
    /// Messages that are back in the queue.
    pub redriven: u64,
    /// Messages that stay, because this version cannot read them.
    pub unreadable: u64,
    /// Whether all dead letters were looked at.
    pub complete: bool,
}

/// The answer when the brake was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrakeMoved {
    /// The brake after the move.
    pub brake: BrakeView,
}
