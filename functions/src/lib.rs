//! `mfa-rollback` on AWS: the ledger in DynamoDB, the queue in SQS, and the use cases poll and drain
//! as Lambda functions.

pub mod api;
pub mod aws;
pub mod batch;
pub mod credentials;
pub mod doctor;
pub mod drain;
pub mod dynamodb;
pub mod error;
pub mod lambda;
pub mod notify;
pub mod poll;
pub mod sandbox;
pub mod settings;
pub mod sqs;
pub mod telemetry;
