//! Who registered: the one user whom a "User …" event names without doubt.

use std::{collections::BTreeSet, fmt};

use serde::Deserialize;

use super::record::{Actor, DirectoryAudit, RecordError, TargetResource};
use crate::{
    domain::ids::{IdError, UserId},
    text::same_name,
};

/// Why a registration has no clear user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AmbiguousWhy {
    /// The user who did it is not the user whom it concerns.
    ActorAndTargetDiffer,
    /// An app did what only a user does.
    ActorIsAnApp,
    /// The id is the zero GUID, which names nobody.
    ZeroId,
    /// Neither actor nor target has an id.
    NoId,
    /// The id is not a GUID.
    NotAnObjectId,
    /// There are targets, but none is a user.
    NoUserAmongTargets,
}

impl fmt::Display for AmbiguousWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ActorAndTargetDiffer => "actor and target differ",
            Self::ActorIsAnApp => "the actor is an app",
            Self::ZeroId => "the id is zero",
            Self::NoId => "there is no id",
            Self::NotAnObjectId => "the id is not an object id",
            Self::NoUserAmongTargets => "no user among the targets",
        })
    }
}

/// The user who registered, with the principal name if there is one.
pub(super) struct Who {
    pub(super) user_id: UserId,
    pub(super) user_principal_name: Option<String>,
}

/// Finds the user whom a "User …" event names. The first target of type User is the user whom it concerns,
/// and the actor must be the same. If only one of the two has an id, that one counts. Nothing is guessed.
pub(super) fn who_registered(record: &DirectoryAudit) -> Result<Who, AmbiguousWhy> {
    let target = affected_user(&record.target_resources)?;
    let actor = record.initiated_by.user.as_ref();
    let target_id = target.and_then(|target| target.id.as_deref()).map(user_id).transpose()?;
    let actor_id = actor.and_then(|actor| actor.id.as_deref()).map(user_id).transpose()?;
    if actor_id.is_none() && record.initiated_by.app {
        return Err(AmbiguousWhy::ActorIsAnApp);
    }
    let user_id = match (target_id, actor_id) {
        (Some(target), Some(actor)) if target != actor => {
            return Err(AmbiguousWhy::ActorAndTargetDiffer);
        }
        (Some(id), Some(_)) => id,
        (None, None) => return Err(AmbiguousWhy::NoId),
        (Some(id), None) | (None, Some(id)) if names_agree(target, actor) => id,
        _ => return Err(AmbiguousWhy::ActorAndTargetDiffer),
    };
    let name = target
        .and_then(|target| target.user_principal_name.clone())
        .or_else(|| actor.and_then(|actor| actor.user_principal_name.clone()));
    Ok(Who { user_id, user_principal_name: name })
}

/// The user whose security info an event of any actor concerns: its target.
pub(super) fn concerned(record: &DirectoryAudit) -> Result<UserId, AmbiguousWhy> {
    let target = affected_user(&record.target_resources)?;
    target.and_then(|target| target.id.as_deref()).ok_or(AmbiguousWhy::NoId).and_then(user_id)
}

/// Whether a record from Graph, of any service, has a user among its targets.
pub fn is_about(json: &str, user: UserId) -> Result<bool, RecordError> {
    Ok(targets(json)?.contains(&user))
}

/// The ids of a record's targets, of any service, as far as they are object ids.
pub fn targets(json: &str) -> Result<BTreeSet<UserId>, RecordError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Record {
        target_resources: Option<Vec<Option<Target>>>,
    }
    #[derive(Deserialize)]
    struct Target {
        id: Option<String>,
    }
    let record: Record = serde_json::from_str(json).map_err(|error| {
        RecordError::Syntax(format!("{:?} at column {}", error.classify(), error.column()))
    })?;
    let ids = record.target_resources.into_iter().flatten().flatten().filter_map(|target| target.id);
    Ok(ids.filter_map(|id| id.parse().ok()).collect())
}

/// The first target of type User, or the first that does not say what it is; `None` if there are no targets.
fn affected_user(targets: &[TargetResource]) -> Result<Option<&TargetResource>, AmbiguousWhy> {
    let is_user =
        |target: &&TargetResource| target.kind.as_deref().is_some_and(|kind| same_name(kind, "User"));
    match targets.iter().find(is_user).or_else(|| targets.iter().find(|target| target.kind.is_none())) {
        None if !targets.is_empty() => Err(AmbiguousWhy::NoUserAmongTargets),
        found => Ok(found),
    }
}

fn user_id(text: &str) -> Result<UserId, AmbiguousWhy> {
    text.parse().map_err(|error| match error {
        IdError::Zero => AmbiguousWhy::ZeroId,
        IdError::NotAGuid => AmbiguousWhy::NotAnObjectId,
    })
}

/// Whether the principal names are the same, if both are there.
fn names_agree(target: Option<&TargetResource>, actor: Option<&Actor>) -> bool {
    let target = target.and_then(|target| target.user_principal_name.as_deref());
    let actor = actor.and_then(|actor| actor.user_principal_name.as_deref());
    target.zip(actor).is_none_or(|(target, actor)| target.to_lowercase() == actor.to_lowercase())
}
