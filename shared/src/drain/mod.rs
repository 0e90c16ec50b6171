//! drain: takes one message to one outcome.
//!
//! # The story of a handling
//!
//! A message says "look at this user" and nothing else. The ledger says what is to be done, and whether it
//! still is. A `Handling` goes through these steps, most of which have a method of that name:
//!
//! 1. **Enter.** As many handlings are at work at once as the pace allows (`active.rs`). A handling waits
//!    before it takes its lease, which would otherwise run out while it waits.
//! 2. **Lease** (`lease.rs`). The user's state item is written with a lease in this run's name, conditional
//!    on the version that was read. From here to the end, nobody else handles the user. A crash leaves the
//!    lease behind, and the message comes back after it has ended.
//! 3. **Read** (`bulk.rs`, `reads.rs`): where something may be deleted and many users are handled, what the audit log
//!    tells, which is read once for all of them; then per-user MFA, methods and account from Graph, and what poll put
//!    on record, from the ledger.
//! 4. **Settle** (`settle.rs`). An open intent comes first: a crash may have left it half done, and only what
//!    it lists may be resumed. If two reads show that nothing of it is left, the user is rolled back.
//! 5. **Decide** (`decide`, pure), with everything that was read. A decision not to roll back is the outcome.
//! 6. **Gate.** Mode, window, preflight and canaries may defer what was decided; where people approve first
//!    (`approved.rs`), so may a missing approval, and methods or settings that are not those approved hold the user.
//! 7. **Story** (`story.rs`). If it is not known yet, the audit log is asked for all that it tells of this user until
//!    now, and the handling starts over from step 3 with it; what was read just now is not read again. Only who would
//!    be rolled back costs such a request: there are few of them in a budget. Exclusions, roles and policies are read
//!    again, too, if they were read more than 100 s ago; and where a policy may demand MFA of the user, Conditional
//!    Access is asked whether it does (`what_if.rs`), in mode report as well. Then the story goes on record.
//! 8. **Promise.** The slot of the daily cap and the intent are written in one transaction, conditional on
//!    lease, brake and cap. A crash after this leaves an open intent, and the next handling settles it. Only
//!    a durable intent can be turned into a DELETE.
//! 9. **Delete** (`roll_back.rs`). Each DELETE needs a turn from the pace, a lease that outlasts it, a
//!    released brake, and reads that are at most 5 s old (10 s once something was deleted). A crash between
//!    two of them leaves the rest to the next handling, whose reads show what is gone. Where Graph keeps the
//!    default method because others are there, one that stays or goes last becomes the default first
//!    (`default_method.rs`), on record and under the same guards. Then the methods are read back.
//! 10. **Conclude.** The outcome is written, on condition that the registrations are still those that were
//!     decided on. A crash before this costs a repeat: the reads show that the methods are gone. A crash after
//!     it leaves a message that finds a user who is not pending.
//! 11. **Release.** The lease is given back, however the handling ended. Only then is the message
//!     acknowledged.
//!
//! Steps 3 to 9 start over when what was read has gone stale, or when Graph throttles. Everything starts over
//! when somebody else has written the state item. A handling that cannot continue (`interrupted.rs`) leaves
//! the user pending, and the message comes back later, for at most a day.

mod active;
mod again;
mod approved;
mod batch;
mod bulk;
mod default_method;
mod ending;
mod explain;
mod handling;
mod interrupted;
mod lease;
mod message;
mod promise;
mod reads;
mod roll_back;
mod say;
mod settle;
mod story;
mod together;
mod what_if;

pub(crate) use self::explain::explain;
pub use self::{
    again::NEWER_AGAIN,
    ending::{Batch, Handled, Record},
    explain::{Explanation, ReadAt},
    interrupted::{Interrupted, StopCause},
    together::Drain,
};
