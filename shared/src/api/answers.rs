//! What the API answers, beside [`Polled`](crate::poll::Polled), [`Explanation`](crate::drain::Explanation),
//! [`Status`](crate::view::Status) and [`Check`](crate::doctor::Check).

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        ids::{EventId, UserId},
        outcome::Held,
    },
    view::{BrakeView, Line},
};

/// Users that were named were taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbacksTaken {
    /// Users on record and in the queue now.
    pub accepted: u64,
    /// Names of users that were named before in the same request, and registrations seen before.
    pub duplicates: u64,
    /// Registrations outside the window, which are left alone.
    pub outside_window: u64,
    /// What names nobody.
    pub refused: Vec<Refused>,
}

/// A line of the request that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Which one: a line of a text, or a place in a list, from 1.
    pub line: u64,
    /// Why.
    pub cause: String,
}

/// A page of what is on record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsersPage {
    /// The entries.
    pub entries: Vec<Line>,
    /// Where the next page begins; nothing at the end.
    pub next: Option<String>,
}

/// A release was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// The user.
    pub user_id: UserId,
    /// The reasons that it lifts.
    pub lifted: Vec<Held>,
}

/// What was on record about a user is erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// The user.
    pub user_id: UserId,
    /// Entries of the history that are gone.
    pub entries: u64,
}

/// A registration without one clear user was ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventEnded {
    /// The event.
    pub event_id: EventId,
}

/// What a redrive came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redriven {
    /// Messages that are in the queue again.
    pub redriven: u64,
    /// Messages that stay: nobody can read them.
    pub unreadable: u64,
    /// Whether all dead letters were looked at.
    pub complete: bool,
}

/// The brake was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrakeMoved {
    /// How it is now.
    pub brake: BrakeView,
}
