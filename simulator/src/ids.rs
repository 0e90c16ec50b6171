//! Ids as Entra makes and writes them.

use uuid::Uuid;

/// Draws a random id.
pub(crate) fn random_uuid(rng: &mut fastrand::Rng) -> Uuid {
    uuid::Builder::from_random_bytes(rng.u128(..).to_be_bytes()).into_uuid()
}

/// Reads an object id as Graph writes it. Returns `None` for other forms of GUID.
pub(crate) fn object_id(text: &str) -> Option<Uuid> {
    if text.len() == 36 { Uuid::try_parse(text).ok() } else { None }
}
