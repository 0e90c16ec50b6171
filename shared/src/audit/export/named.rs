//! Exports that people take for the audit log, each by its name: what it is, what it lacks, what to export.

use crate::audit::{
    fields::{Members, text},
    names::plain,
};

/// One kind of export that holds no registration, and the names, in plain form, that only it has: each of the
/// names of one group must be there.
struct Kind {
    what: &'static str,
    marks: &'static [&'static [&'static str]],
}

const KINDS: [Kind; 5] = [
    Kind {
        what: "the registration report (usage & insights), which has no object ids and no registrations one by one; \
               export the audit log (Monitoring > Audit logs)",
        marks: &[
            &["feature", "methodused"],
            &["methodsregistered"],
            &["ismfaregistered"],
            &["isssprregistered"],
            &["authmethod", "feature"],
        ],
    },
    Kind {
        what: "a sign-in log, which holds no registrations; export the audit log (Monitoring > Audit logs)",
        marks: &[
            &["conditionalaccessstatus"],
            &["clientappused"],
            &["conditionalaccess", "clientapp"],
            &["signineventtypes"],
            &["signinerrorcode"],
            &["authenticationrequirement"],
            &["resultsignature", "conditionalaccesspolicies"],
        ],
    },
    Kind {
        what: "a provisioning log, which holds no registrations; export the audit log (Monitoring > Audit logs)",
        marks: &[
            &["provisioningaction"],
            &["provisioningsteps"],
            &["sourcesystem", "targetsystem", "provisioningid"],
        ],
    },
    Kind {
        what: "an export of Azure MFA Server, whose users and calls are not those of Entra; \
               export the audit log (Monitoring > Audit logs)",
        marks: &[
            &["mfausergroup"],
            &["username", "countrycode", "phone"],
            &["callresult"],
            &["callstatus"],
            &["authtype", "username"],
            &["useroneonetimebypass"],
            &["replicationgroup"],
            &["phoneappenabled"],
        ],
    },
    Kind {
        what: "a list of users or their methods, which does not say when they were registered; \
               export the audit log (Monitoring > Audit logs)",
        marks: &[
            &["strongauthenticationmethods"],
            &["strongauthenticationrequirements"],
            &["mfastatus"],
            &["phonenumber", "phonetype"],
            &["userprincipalname", "accountenabled"],
            &["userprincipalname", "usertype"],
        ],
    },
];

/// What an export is by its names, in any spelling.
pub(super) fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<&'static str> {
    let names: Vec<_> = names.into_iter().map(|name| plain(name.as_bytes())).collect();
    let has = |mark: &&str| names.iter().any(|name| name.as_bytes() == mark.as_bytes());
    KINDS.iter().find(|kind| kind.marks.iter().any(|group| group.iter().all(has))).map(|kind| kind.what)
}

/// What an object is, by its names and those of the object that is its only content.
pub(super) fn object(json: &str) -> Option<&'static str> {
    let members: Members<'_> = serde_json::from_str(json).ok()?;
    let own = names(members.0.iter().map(|(name, _)| name.as_ref()));
    own.or_else(|| {
        let inner = members.get("properties").or_else(|| members.get("event"))?;
        let inner = text(inner).map_or_else(|| inner.get().to_owned(), std::borrow::Cow::into_owned);
        object(&inner)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_known_by_its_names_and_audit_records_by_none() {
        for (header, word) in [
            (
                "Date,User,User principal name,Feature,Activity,Method used,Status,Failure reason",
                "registration report",
            ),
            ("Date (UTC),Request ID,User,Application,Client app,Conditional Access", "sign-in log"),
            ("Username,First Name,Country Code,Phone,Email", "MFA Server"),
        ] {
            assert!(names(header.split(',')).is_some_and(|what| what.contains(word)), "{header}");
        }
        for header in [
            "Date (UTC),CorrelationId,Service,Category,Activity,Result,ResultReason,ActorType,ActorObjectId",
            "id,activityDateTime,activityDisplayName,loggedByService,initiatedBy,targetResources",
        ] {
            assert_eq!(names(header.split(',')), None, "{header}");
        }
        assert!(object(r#"{"category":"x","properties":"{\"clientAppUsed\":\"Browser\"}"}"#).is_some());
    }
}
