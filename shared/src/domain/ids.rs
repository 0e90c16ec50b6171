//! Identifiers, each a type of its own.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// It is not a GUID in its hyphenated form.
    #[error("not an object id (a GUID such as 01234567-89ab-cdef-0123-456789abcdef)")]
    NotAGuid,
    /// It is the zero GUID, which Entra uses for "nobody".
    #[error("the zero GUID names nobody")]
    Zero,
}

fn guid(text: &str) -> Result<Uuid, IdError> {
    let text = text.trim();
    if text.len() != 36 {
        return Err(IdError::NotAGuid);
    }
    match Uuid::try_parse(text) {
        Ok(id) if id.is_nil() => Err(IdError::Zero),
        Ok(id) => Ok(id),
        Err(_) => Err(IdError::NotAGuid),
    }
}

macro_rules! guid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                guid(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0.hyphenated())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }
    };
}

guid_id! {
    /// A user's object id: a GUID, never zero, shown and compared in lower case.
    UserId
}
guid_id! {
    /// A group's object id.
    GroupId
}
guid_id! {
    /// The id of an Entra tenant (`AZURE_TENANT_ID`).
    TenantId
}

/// The id of an audit event: Graph's own, which is not a GUID and may contain blanks, or one made from the
/// event's content.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct EventId(pub String);

impl EventId {
    /// Makes an id for an event that came without one, from a digest of its content.
    pub(crate) fn made(digest: &str) -> Self {
        Self(format!("made_{digest}"))
    }

    /// Whether it was made here, because the event came without one, or by a caller of the API.
    pub fn is_made(&self) -> bool {
        self.0.starts_with("made_") || self.0.starts_with("named_")
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of an authentication method. Phone ids are the same for every user, so only user, kind and id
/// together name a method.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct MethodId(pub String);

impl fmt::Display for MethodId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One run of poll, drain or the CLI; its log lines carry it as `run.id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct RunId(pub Uuid);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.hyphenated())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_ids_are_compared_in_lower_case() {
        let upper: UserId = "DD44FD36-4511-4889-801E-DC8E367E5D6D".parse().unwrap();
        let lower: UserId = "dd44fd36-4511-4889-801e-dc8e367e5d6d".parse().unwrap();
        assert_eq!(upper, lower);
        assert_eq!(upper.to_string(), "dd44fd36-4511-4889-801e-dc8e367e5d6d");
    }

    #[test]
    fn what_is_not_a_hyphenated_guid_is_refused() {
        for text in [
            "",
            "12345",
            "../x",
            "dd44fd3645114889801edc8e367e5d6d",
            "{dd44fd36-4511-4889-801e-dc8e367e5d6d}",
        ] {
            assert_eq!(text.parse::<UserId>(), Err(IdError::NotAGuid), "{text}");
        }
        assert_eq!("00000000-0000-0000-0000-000000000000".parse::<UserId>(), Err(IdError::Zero));
    }
}
