//! `brake`: stop everything, or continue.

use serde_json::json;
use shared::{domain::brake::BrakeState, ledger::Ledger};

use super::who;
use crate::{
    args::{BrakeTurn, Format},
    error::{CommandError, Exit},
    output,
};

pub(super) async fn brake(
    ledger: &Ledger,
    turn: BrakeTurn,
    reason: &str,
    format: Format,
) -> Result<Exit, CommandError> {
    let to = match turn {
        BrakeTurn::Open => BrakeState::Open,
        BrakeTurn::Release => BrakeState::Released,
    };
    let brake = ledger.move_brake(to, &who(), reason).await?;
    show(brake.state, reason, format)
}

/// Writes the brake's new state.
pub(super) fn show(state: BrakeState, reason: &str, format: Format) -> Result<Exit, CommandError> {
    match format {
        Format::Json | Format::Ndjson => {
            output::write_json(format, &json!({ "brake": state, "reason": reason }))?;
        }
        _ => match state {
            BrakeState::Open => output::say!("the brake is open: nothing is deleted until `brake release`"),
            BrakeState::Released => {
                output::say!("the brake is released: waiting users go on with the next run");
            }
        },
    }
    Ok(Exit::Done)
}
