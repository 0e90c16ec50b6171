//! What the body of `POST /rollbacks` names.

use shared::{
    api::{MAX_NAMED, NamedRegistration, Problem, ProblemKind, RollbackRequest, read_json},
    ids_file::{self, IdsFile},
};

/// Users by hand, or registrations of an export.
pub(super) enum Input {
    Users { users: IdsFile, reason: String },
    Registrations(Vec<NamedRegistration>),
}

pub(super) fn read(media_type: &str, body: &[u8]) -> Result<Input, Problem> {
    let bad = |detail: String| Problem::new(ProblemKind::BadRequest, detail);
    match media_type {
        "application/json" => {
            let request: RollbackRequest = read_json(body)?;
            request.check()?;
            let RollbackRequest { user_ids, registrations, reason } = request;
            if let Some(registrations) = registrations {
                return Ok(Input::Registrations(registrations));
            }
            let ids = user_ids.unwrap_or_default();
            let users = ids_file::named(ids.iter().enumerate().map(|(n, id)| (n + 1, id.as_str())));
            Ok(Input::Users { users, reason: reason.unwrap_or_default() })
        }
        "text/plain" => {
            let users = ids_file::read(body).map_err(|error| bad(error.to_string()))?;
            match users.users.len() + users.refused.len() + users.duplicates {
                0 => Err(bad("nobody is named".to_owned())),
                1..=MAX_NAMED => Ok(Input::Users { users, reason: "named by a file".to_owned() }),
                _ => Err(bad(format!("more than {MAX_NAMED} lines: send several requests"))),
            }
        }
        _ => {
            let detail = "application/json and text/plain are taken here";
            Err(Problem::new(ProblemKind::UnsupportedMediaType, detail))
        }
    }
}
