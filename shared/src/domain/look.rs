//! By what a strong method is recognised later.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    ids::MethodId,
    method::{AuthenticationMethod, MethodKind, MethodName, PhoneType},
};
use crate::digest::digest;

/// One method of an intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntendedMethod {
    /// Its kind: always a strong one.
    #[serde(rename = "type")]
    pub kind: MethodKind,
    /// The method's id; for a phone, it is the same for every user.
    pub id: MethodId,
    /// When the method was registered; `None` if Graph does not say.
    pub created: Option<Timestamp>,
    /// A salted hash of a phone's number; `None` for other kinds, and if Graph masks the number.
    pub number_hash: Option<String>,
}

impl IntendedMethod {
    /// Notes what a method is recognised by later.
    pub(super) fn of(method: &AuthenticationMethod, salt: Uuid) -> Self {
        Self {
            kind: method.kind.clone(),
            id: method.id.clone(),
            created: method.created,
            number_hash: hash(salt, method.phone_number.as_deref()),
        }
    }

    /// The method as results name it.
    pub fn name(&self) -> MethodName {
        MethodName { kind: self.kind.clone(), id: self.id.clone() }
    }
}

/// The strong methods of a list, in the order of deletion.
pub(super) fn strong(methods: &[AuthenticationMethod], salt: Uuid) -> Vec<IntendedMethod> {
    let mut strong: Vec<&AuthenticationMethod> =
        methods.iter().filter(|method| method.kind.is_strong()).collect();
    strong.sort_by_key(|method| deletion_rank(method));
    strong.into_iter().map(|method| IntendedMethod::of(method, salt)).collect()
}

/// A look at a user's strong methods, by which the same ones can be recognised later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// The salt of the hashes of its phone numbers.
    pub salt: Uuid,
    /// The strong methods that were there.
    pub methods: Vec<IntendedMethod>,
}

impl Look {
    /// Notes the strong methods of a list.
    pub fn at(methods: &[AuthenticationMethod], salt: Uuid) -> Self {
        Self { salt, methods: strong(methods, salt) }
    }

    /// Whether the look showed this very method: a phone by its number or date, since every user's has the
    /// same id.
    pub fn shows(&self, method: &AuthenticationMethod) -> bool {
        let number_hash = hash(self.salt, method.phone_number.as_deref());
        let told_apart =
            method.kind != MethodKind::Phone || number_hash.is_some() || method.created.is_some();
        told_apart
            && self.methods.iter().any(|seen| {
                seen.kind == method.kind
                    && seen.id == method.id
                    && seen.created == method.created
                    && seen.number_hash == number_hash
            })
    }
}

/// An alternate mobile must go before the mobile, and what can be the default method goes last.
fn deletion_rank(method: &AuthenticationMethod) -> u8 {
    match (&method.kind, method.phone_type) {
        (MethodKind::Phone, Some(PhoneType::AlternateMobile)) => 0,
        (MethodKind::Phone, Some(PhoneType::Office)) => 1,
        (MethodKind::Phone, _) => 2,
        (MethodKind::SoftwareOath, _) => 3,
        _ => 4,
    }
}

/// Numbers are compared by their digits; a masked one proves nothing.
pub(super) fn hash(salt: Uuid, number: Option<&str>) -> Option<String> {
    let number = number?;
    let (number, extension) = number.split_once('x').unwrap_or((number, ""));
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let plain = number.chars().all(|c| c.is_ascii_digit() || " +-().".contains(c))
        && extension.chars().all(|c| c.is_ascii_digit());
    let (number, extension) = (digits(number), digits(extension));
    if !plain || number.len() < 5 {
        return None;
    }
    Some(digest([salt.as_bytes(), number.as_bytes(), extension.as_bytes()], 16))
}
