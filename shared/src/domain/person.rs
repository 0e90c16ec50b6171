//! Who a name on record is: two sessions can be one person. Pure.

use std::borrow::Cow;

/// Roles that Identity Center makes, one for each permission set and account.
const IDENTITY_CENTER: &str = "AWSReservedSSO_";

/// Returns the person behind a name on record, an AWS caller's ARN or a user of the command line. A session of Identity
/// Center bears its user's name: that user, by whichever permission set and account, is one person. Whoever assumes
/// another role chooses the session's name, so all sessions of such a role are one person.
pub fn person(who: &str) -> Cow<'_, str> {
    let Some((account, role_session)) = who.split_once(":assumed-role/") else { return Cow::Borrowed(who) };
    match role_session.split_once('/') {
        Some((role, user)) if role.starts_with(IDENTITY_CENTER) => {
            Cow::Owned(format!("{IDENTITY_CENTER}/{}", user.to_lowercase()))
        }
        Some((role, _)) => Cow::Owned(format!("{account}:assumed-role/{role}")),
        None => Cow::Borrowed(who),
    }
}

/// Whether two names on record are one person's.
pub fn is_same_person(one: &str, other: &str) -> bool {
    person(one) == person(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_a_user_or_a_user_of_identity_center_or_a_role() {
        let adele = "arn:aws:sts::1:assumed-role/AWSReservedSSO_Ops_0123456789abcdef/adele@contoso.example";
        for (one, other, same) in [
            ("arn:aws:iam::1:user/adele", "arn:aws:iam::1:user/adele", true),
            ("arn:aws:iam::1:user/adele", "arn:aws:iam::1:user/grady", false),
            ("arn:aws:sts::1:assumed-role/ops/any", "arn:aws:sts::1:assumed-role/ops/other", true),
            ("arn:aws:sts::1:assumed-role/ops/any", "arn:aws:sts::2:assumed-role/ops/any", false),
            ("arn:aws:sts::1:assumed-role/ops/any", "arn:aws:sts::1:assumed-role/leads/any", false),
            (adele, "arn:aws:sts::2:assumed-role/AWSReservedSSO_Leads_fedc/Adele@contoso.example", true),
            (
                adele,
                "arn:aws:sts::1:assumed-role/AWSReservedSSO_Ops_0123456789abcdef/grady@contoso.example",
                false,
            ),
            ("adele (command line)", "grady (command line)", false),
        ] {
            assert_eq!(is_same_person(one, other), same, "{one} {other}");
        }
    }
}
