//! Finding the columns of the portal's table by what is in them, where its header is in another language.

use std::borrow::Cow;

use super::columns::Columns;
use crate::audit::{
    activity::{Activity, Status},
    names::{Field, Known, TargetPart},
    service::Service,
    time::parse_time,
};

/// Fewer rows than this prove nothing.
const FEWEST_ROWS: usize = 1;

/// Finds the columns by the contents of the first rows, if they leave one reading.
///
/// In every language the portal writes the same columns, and the values of these are in English: one column of
/// times, one of services, one of activities, one of results with the reason behind it; and twice an object
/// id with a principal name behind it and a type two before it, the actor's and the first target's.
pub(super) fn columns(count: usize, rows: &[Vec<Cow<'_, str>>]) -> Option<Columns> {
    if rows.len() < FEWEST_ROWS || rows.iter().any(|row| row.len() != count) {
        return None;
    }
    let all = |at: usize, fits: &dyn Fn(&str) -> bool| rows.iter().all(|row| fits(&row[at]));
    let some = |at: usize, fits: &dyn Fn(&str) -> bool| rows.iter().any(|row| fits(&row[at]));
    let only = |fits: &dyn Fn(usize) -> bool| {
        let mut found = (0..count).filter(|at| fits(*at));
        found.next().filter(|_| found.next().is_none())
    };
    let is_service = |cell: &str| Service::logs_registrations(cell);
    let is_activity = |cell: &str| !matches!(Activity::from_name(cell), Activity::Unknown(_));
    let is_result = |cell: &str| !matches!(Status::from_result(cell), Status::Unknown(_));
    let is_empty_or = |cell: &str, fits: &dyn Fn(&str) -> bool| cell.is_empty() || fits(cell);

    let date = only(&|at| all(at, &|cell| parse_time(cell).is_ok()))?;
    let service = only(&|at| some(at, &is_service))?;
    let activity = only(&|at| some(at, &is_activity))?;
    let result = only(&|at| all(at, &is_result))?;
    let pairs: Vec<usize> = (0..count.saturating_sub(1))
        .filter(|at| {
            *at > result + 1
                && all(*at, &|cell| is_empty_or(cell, &is_guid))
                && some(*at, &is_guid)
                && all(*at + 1, &|cell| is_empty_or(cell, &is_principal_name))
                && some(*at + 1, &is_principal_name)
        })
        .collect();
    let [actor, target] = pairs.as_slice() else { return None };
    let is_kind = |at: usize| {
        all(at, &|cell| {
            is_empty_or(cell, &|cell| ["User", "Application", "ServicePrincipal"].contains(&cell))
        })
    };
    let field = |at: usize, field: Field| (at, Known::Field(field, 0));
    let mut known = vec![
        field(date, Field::ActivityDateTime),
        field(service, Field::LoggedByService),
        field(activity, Field::ActivityDisplayName),
        field(result, Field::Result),
        field(result + 1, Field::ResultReason),
        field(*actor, Field::ActorId),
        field(*actor + 1, Field::ActorName),
        (*target, Known::Target(0, TargetPart::Id)),
        (*target + 1, Known::Target(0, TargetPart::Name)),
    ];
    if is_kind(actor - 2) && is_kind(target - 2) {
        known.push(field(actor - 2, Field::ActorType));
        known.push((target - 2, Known::Target(0, TargetPart::Kind)));
    }
    let is_in_order = date < activity && service < activity && activity < result && *actor + 3 < *target;
    is_in_order.then(|| Columns::at(count, known))
}

fn is_guid(cell: &str) -> bool {
    uuid::Uuid::try_parse(cell).is_ok()
}

fn is_principal_name(cell: &str) -> bool {
    cell.contains('@') && !cell.contains(char::is_whitespace)
}
