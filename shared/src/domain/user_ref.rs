//! How a person names a user: by object id or by principal name.

use std::{fmt, str::FromStr};

use serde::Serialize;

use crate::domain::ids::{IdError, UserId};

/// A user as named in a setting, a file or a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(untagged)]
pub enum UserRef {
    /// An Entra object id (a GUID).
    Id(UserId),
    /// A user principal name in lower case. It is looked up once; after that, only the object id counts.
    PrincipalName(String),
}

/// Why a text does not name a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UserRefError {
    /// The text is neither a GUID nor a principal name.
    #[error("neither an object id (GUID) nor a principal name (name@domain)")]
    Neither,
    /// It is the zero GUID.
    #[error("the zero GUID names nobody")]
    Zero,
}

impl FromStr for UserRef {
    type Err = UserRefError;

    fn from_str(text: &str) -> Result<Self, UserRefError> {
        let text = text.trim();
        match text.parse() {
            Ok(id) => Ok(Self::Id(id)),
            Err(IdError::Zero) => Err(UserRefError::Zero),
            Err(IdError::NotAGuid) if is_principal_name(text) => {
                Ok(Self::PrincipalName(text.to_ascii_lowercase()))
            }
            Err(IdError::NotAGuid) => Err(UserRefError::Neither),
        }
    }
}

/// Whether Entra takes the text as a principal name (ASCII only). Of its characters, only the apostrophe, `#` and
/// `$` could break out of a path or a filter; they are encoded where they are used.
fn is_principal_name(text: &str) -> bool {
    let Some((name, domain)) = text.rsplit_once('@') else { return false };
    let name_ok = |c: char| c.is_ascii_alphanumeric() || "'.-_!#^~+&$`=".contains(c);
    let domain_ok = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    text.len() <= 320
        && !name.is_empty()
        && name.chars().all(name_ok)
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && domain.chars().all(domain_ok)
}

impl fmt::Display for UserRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::PrincipalName(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_taken_in_lower_case() {
        assert!(matches!("DD44FD36-4511-4889-801E-DC8E367E5D6D".parse(), Ok(UserRef::Id(_))));
        assert_eq!(
            "O'Neill@Contoso.example".parse(),
            Ok(UserRef::PrincipalName("o'neill@contoso.example".into()))
        );
        for name in ["g_x.example#EXT#@contoso.example", "$ada@contoso.example", "a$`=&+~^!b@contoso.example"]
        {
            assert!(name.parse::<UserRef>().is_ok(), "{name}");
        }
    }

    #[test]
    fn what_could_break_out_of_a_path_is_refused() {
        for text in [
            "",
            "alice",
            "a/b@c.example",
            "a@b",
            "a b@c.example",
            "a@c.example/../x",
            "a\0@c.example",
            "@c.example",
        ] {
            assert_eq!(text.parse::<UserRef>(), Err(UserRefError::Neither), "{text:?}");
        }
    }
}
