//! What a person is shown, the same from the command line and from the API.

mod line;
mod past;
mod status;

pub use line::{Line, listed, name, next_step};
pub use past::Past;
pub use status::{BrakeView, FailureRate, Messages, Status};
