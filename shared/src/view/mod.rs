//! What people are shown, the same on the command line and through the API.

mod line;
mod past;
mod plan;
mod status;

pub use line::{Line, listed, name, next_step};
pub use past::Past;
pub use plan::{PlanDiff, PlanHead, PlanList, PlanPage, PlannedLine};
pub use status::{BrakeView, FailureRate, Messages, Status};
