//! What DynamoDB's errors mean to a ledger.

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        batch_get_item::BatchGetItemError, get_item::GetItemError, put_item::PutItemError, query::QueryError,
        transact_write_items::TransactWriteItemsError,
    },
};
use shared::ledger::{LedgerError, Write};

use super::item::{Item, document};
use crate::aws::cause;

/// Why a request was not done.
pub(super) enum Failure {
    /// A condition failed. Holds the items as they are, in the order of the writes, as far as DynamoDB
    /// returns them.
    Condition(Vec<Option<Item>>),
    /// Throttled, busy or unreachable: try again.
    Passing(String),
    /// It would fail the same way again.
    Lasting(String),
}

impl Failure {
    pub(super) fn passes(&self) -> bool {
        matches!(self, Self::Passing(_))
    }

    /// Returns `Ok` if a condition failed because this very write was done before and its answer was lost.
    pub(super) fn unless_own(self, writes: &[Write]) -> Result<(), LedgerError> {
        let Self::Condition(items) = &self else { return Err(self.into()) };
        let own = items.iter().zip(writes).any(|(item, write)| {
            item.as_ref().is_some_and(|item| document(item).write_id == write.document.write_id)
        });
        if own { Ok(()) } else { Err(self.into()) }
    }
}

impl From<Failure> for LedgerError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Condition(_) => Self::Conflict,
            Failure::Passing(cause) => Self::Unavailable(cause),
            Failure::Lasting(cause) => Self::Unusable(cause),
        }
    }
}

/// Classifies an error. DynamoDB's own messages may quote keys, so only the code is kept.
pub(super) fn failure<E>(error: &SdkError<E>, table: &str) -> Failure
where
    E: ProvideErrorMetadata + Items,
{
    let SdkError::ServiceError(refused) = error else {
        return Failure::Passing(format!("DynamoDB: {}", cause(error)));
    };
    if let Some(failure) = refused.err().condition() {
        return failure;
    }
    match refused.err().code() {
        Some("ResourceNotFoundException") => Failure::Lasting(format!(
            "there is no ledger table {table} in this account and region: look at LEDGER_TABLE"
        )),
        Some("AccessDeniedException") => Failure::Lasting(format!(
            "the function's role may not use the ledger table {table}: look at its policy and its key's"
        )),
        Some(code @ ("ValidationException" | "IdempotentParameterMismatchException")) => {
            Failure::Lasting(format!("the ledger table {table} does not take this request ({code})"))
        }
        _ => Failure::Passing(format!("DynamoDB: {}", cause(error))),
    }
}

/// The items behind a failed condition.
pub(super) trait Items {
    /// Returns the failure if a condition or a transaction failed.
    fn condition(&self) -> Option<Failure> {
        None
    }
}

impl Items for GetItemError {}
impl Items for BatchGetItemError {}
impl Items for QueryError {}

impl Items for PutItemError {
    fn condition(&self) -> Option<Failure> {
        match self {
            Self::ConditionalCheckFailedException(failed) => {
                Some(Failure::Condition(vec![failed.item().cloned()]))
            }
            _ => None,
        }
    }
}

impl Items for TransactWriteItemsError {
    fn condition(&self) -> Option<Failure> {
        let Self::TransactionCanceledException(cancelled) = self else { return None };
        let reasons = cancelled.cancellation_reasons();
        let lasting = ["ValidationError", "ItemCollectionSizeLimitExceeded", "AccessDenied"];
        let has = |code: &str| reasons.iter().any(|reason| reason.code() == Some(code));
        Some(if has("ConditionalCheckFailed") {
            Failure::Condition(reasons.iter().map(|reason| reason.item().cloned()).collect())
        } else if let Some(code) = lasting.into_iter().find(|code| has(code)) {
            Failure::Lasting(format!("the ledger table does not take this transaction ({code})"))
        } else {
            Failure::Passing("DynamoDB: a transaction was cancelled".to_owned())
        })
    }
}
