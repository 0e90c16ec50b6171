//! What the API is asked and what it answers, for the server and for its clients. `infra/openapi.yaml`
//! describes the same.

mod answers;
mod problem;
mod requests;

pub use answers::{BrakeMoved, Erased, EventEnded, Redriven, Refused, Released, RollbacksTaken, UsersPage};
pub use problem::{Problem, ProblemKind};
pub use requests::{
    ApprovalRequest, MAX_BODY, MAX_LIMIT, MAX_NAMED, MAX_REASON, NamedRegistration, PageCursor,
    ReasonRequest, RollbackRequest, ScanRange, UsersQuery, read_json, read_parameter, read_question,
    read_reason,
};
