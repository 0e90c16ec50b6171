//! What stands in for AWS: doubles of its services, the Lambda runtime API, the event source
//! mapping, and a proxy that sees every request and can spoil it.

#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses its part of it")]
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

pub mod access;
pub mod doubles;
pub mod entries;
pub mod faults;
pub mod gateway;
pub mod guard;
pub mod iam;
pub mod intrinsics;
pub mod lambda;
pub mod loopback;
pub mod mapping;
pub mod outcomes;
pub mod policy;
pub mod proxy;
pub mod python;
pub mod runtime_api;
pub mod sigv4;
pub mod sqs_event;
pub mod stack;
pub mod template;
pub mod web_identity;
pub mod world;

use jiff::Timestamp;

/// The region of everything that stands in for AWS.
pub const REGION: &str = "eu-central-1";

#[expect(clippy::disallowed_methods, reason = "the binaries under test go by the system's clock, too")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
