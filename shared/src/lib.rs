//! The common crate of `mfa-rollback`: what an audit event means, who is to be rolled back and why,
//! and how that is done so that no crash, race or refusal ever takes methods from the wrong user.

pub mod audit;
pub mod clock;
pub mod ids;
