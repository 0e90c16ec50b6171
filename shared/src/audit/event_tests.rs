use super::{Activity, AmbiguousWhy, DirectoryAudit, Event, RecordError, Status, Tally, interpret};
use crate::domain::method::MethodKind;

const USER: &str = "fd741069-6bb6-43de-a515-1c401dd377bf";
const OTHER: &str = "dd44fd36-4511-4889-801e-dc8e367e5d6d";
const ZERO: &str = "00000000-0000-0000-0000-000000000000";

fn record(activity: &str, result: &str, reason: &str, initiated_by: &str, targets: &str) -> DirectoryAudit {
    let json = format!(
        r#"{{"id": "Authentication Methods_1_2", "activityDateTime": "2026-09-01T07:01:03.0333167Z", "category": "UserManagement",
            "activityDisplayName": "{activity}", "loggedByService": "Authentication Methods", "result": "{result}",
            "resultReason": "{reason}", "initiatedBy": {initiated_by}, "targetResources": {targets}, "userAgent": 1}}"#
    );
    DirectoryAudit::from_graph(&json).unwrap()
}

fn actor(id: &str) -> String {
    format!(
        r#"{{"app": null, "user": {{"id": "{id}", "displayName": null, "userPrincipalName": "a@contoso.example"}}}}"#
    )
}

fn target(id: &str) -> String {
    format!(r#"[{{"id": "{id}", "type": "User", "userPrincipalName": null}}]"#)
}

fn event(activity: &str, result: &str, reason: &str) -> Event {
    interpret(&record(activity, result, reason, &actor(USER), &target(USER)))
}

fn registered(initiated_by: &str, targets: &str) -> Event {
    interpret(&record(
        "User registered security info",
        "success",
        "User registered Email",
        initiated_by,
        targets,
    ))
}

fn user(event: &Event) -> Result<String, AmbiguousWhy> {
    match event {
        Event::Registration(registration) => Ok(registration.user_id.to_string()),
        Event::Ambiguous(registration) => Err(registration.why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_the_success_of_the_two_registering_rows_is_a_registration() {
    let all_required = "User registered all required security info";
    for (activity, status, reason, is_registration) in [
        (all_required, "Success", "User registered all required security info.", true),
        (all_required, "Failure", "User canceled security info registration.", false),
        ("User registered security info", "Success", "User registered Phone.", true),
        ("User reviewed security info", "Success", "User successfully reviewed security info.", false),
        ("User reviewed security info", "Failure", "User failed to review security info.", false),
        ("User deleted security info", "Success", "User deleted Phone.", false),
        ("User deleted security info", "Failure", "User failed to delete Phone.", false),
        (
            "User changed default security info",
            "Success",
            "User changed default security info to Phone.",
            false,
        ),
        (
            "User changed default security info",
            "Failure",
            "User failed to change default security info to Phone.",
            false,
        ),
    ] {
        let event = event(activity, status, reason);
        assert_eq!(matches!(event, Event::Registration(_)), is_registration, "{activity}, {status}");
        let mut tally = Tally::default();
        tally.add(&event);
        assert_eq!(
            tally.iter().collect::<Vec<_>>(),
            [(&Activity::from_name(activity), &Status::from_result(status), 1)]
        );
        assert_eq!(tally.unknown().count(), 0, "{activity}");
    }
}

#[test]
fn a_registration_says_who_when_and_what() {
    let Event::Registration(found) =
        event("user registered security info. ", "SUCCESS", "User registered Mobile Phone SMS")
    else {
        panic!("no registration")
    };
    assert_eq!(found.user_id.to_string(), USER);
    assert_eq!(found.registered_at.to_string(), "2026-09-01T07:01:03.0333167Z");
    assert_eq!(found.methods, [MethodKind::Phone]);
    assert_eq!(found.user_principal_name.as_deref(), Some("a@contoso.example"));
    assert_eq!(found.activity, Activity::Registered);
    assert_eq!(found.key().0, "Authentication Methods_1_2");
}

#[test]
fn an_event_without_an_id_has_a_key_of_its_own_that_does_not_change() {
    let key = |at: &str, reason: &str| {
        let mut record =
            record("User registered security info", "success", reason, &actor(USER), &target(USER));
        record.id = None;
        record.activity_date_time = at.parse().unwrap();
        let Event::Registration(found) = interpret(&record) else { panic!("no registration") };
        found.key().0
    };
    let first = key("2026-09-01T07:01:03Z", "x");
    assert_eq!(first, "made_e491945b5dd3c1b33084dda152e509cd");
    assert_eq!(first, key("2026-09-01T07:01:03.000Z", "x"));
    assert_ne!(first, key("2026-09-01T07:01:03.0000001Z", "x"));
    assert_ne!(first, key("2026-09-01T07:01:03Z", "y"));
}

#[test]
fn the_one_user_whom_actor_and_target_agree_on_registered() {
    let upper = USER.to_uppercase();
    let many =
        format!(r#"[null, {{"id": "{OTHER}", "type": "Device"}}, {{"id": "{USER}", "Type": "user"}}]"#);
    for (initiated_by, targets) in [
        (actor(USER), target(USER)),
        (actor(&upper), target(USER)),
        (actor(USER), many),
        (actor(USER), "[]".to_owned()),
        (actor(USER), "null".to_owned()),
        ("null".to_owned(), target(USER)),
        (r#"{"user": null, "app": {}}"#.to_owned(), target(USER)),
        (r#"{"user": {"id": null}}"#.to_owned(), target(USER)),
        (r#"{"user": {"id": "", "userPrincipalName": "b@contoso.example"}}"#.to_owned(), target(USER)),
        (
            actor(USER),
            r#"[{"id": null, "type": "User", "userPrincipalName": "A@contoso.example"}]"#.to_owned(),
        ),
        ("null".to_owned(), format!(r#"[{{"id": "{USER}", "type": null}}]"#)),
    ] {
        assert_eq!(
            user(&registered(&initiated_by, &targets)),
            Ok(USER.to_owned()),
            "{initiated_by} {targets}"
        );
    }
}

#[test]
fn without_one_clear_user_nobody_registered() {
    use AmbiguousWhy::{ActorAndTargetDiffer, ActorIsAnApp, NoId, NoUserAmongTargets, NotAnObjectId, ZeroId};
    let none = "null".to_owned();
    let app = r#"{"user": null, "app": {"appId": null, "displayName": "x"}}"#.to_owned();
    let nameless = r#"[{"id": null, "type": "User", "userPrincipalName": "b@contoso.example"}]"#.to_owned();
    for (initiated_by, targets, why) in [
        (actor(USER), target(OTHER), ActorAndTargetDiffer),
        (actor(USER), nameless, ActorAndTargetDiffer),
        (actor(ZERO), target(ZERO), ZeroId),
        (actor(ZERO), target(USER), ZeroId),
        (actor(USER), target(ZERO), ZeroId),
        (actor("12345"), target("12345"), NotAnObjectId),
        (none.clone(), target(""), NoId),
        (none.clone(), none.clone(), NoId),
        (app, target(USER), ActorIsAnApp),
        (actor(USER), format!(r#"[{{"id": "{USER}", "type": "N/A"}}]"#), NoUserAmongTargets),
    ] {
        let event = registered(&initiated_by, &targets);
        assert_eq!(user(&event), Err(why), "{initiated_by} {targets}");
        let Event::Ambiguous(found) = event else { unreachable!() };
        assert_eq!(found.key().0, "Authentication Methods_1_2");
    }
}

#[test]
fn an_admin_event_is_no_registration_and_an_unknown_one_no_error() {
    let admin = record("Admin registered security info", "success", "", &actor(OTHER), &target(USER));
    let expected = Event::Other { activity: Activity::AdminRegistered, status: Status::Success };
    assert_eq!(interpret(&admin), expected);
    let Event::Other { activity, .. } = event("User juggled security info", "success", "") else {
        panic!("known")
    };
    assert_eq!(activity, Activity::Unknown("User juggled security info".to_owned()));
}

#[test]
fn the_service_decides_and_where_none_is_named_the_activity() {
    let mut record = record("User registered security info", "success", "", &actor(USER), &target(USER));
    record.logged_by_service = "Core Directory".to_owned();
    assert_eq!(interpret(&record), Event::OtherService);
    record.logged_by_service = " authentication  methods".to_owned();
    assert_eq!(user(&interpret(&record)), Ok(USER.to_owned()));
    record.logged_by_service = String::new();
    assert_eq!(user(&interpret(&record)), Ok(USER.to_owned()));
    record.activity_display_name = "Add user".to_owned();
    assert_eq!(interpret(&record), Event::OtherService);
}

#[test]
fn what_a_record_lacks_is_told() {
    let all = [
        "",
        "{",
        "[]",
        "\"x\"",
        "{}",
        r#"{"activityDisplayName": "x"}"#,
        r#"{"activityDateTime": null, "activityDisplayName": "x"}"#,
        r#"{"activityDateTime": "2026-09-01T07:01:03Z"}"#,
        r#"{"activityDateTime": "1.9.2026 07:01", "activityDisplayName": "x"}"#,
        r#"{"activityDateTime": "2026-09-01T07:01:03Z", "activityDisplayName": "x", "initiatedBy": "{"}"#,
        r#"{"activityDateTime": "2026-09-01T07:01:03Z", "activityDisplayName": "x", "targetResources": 1}"#,
    ]
    .map(|json| {
        DirectoryAudit::from_graph(json)
            .map_or_else(|error: RecordError| error.to_string(), |_| "good".to_owned())
    });
    insta::assert_snapshot!(all.join("\n"), @"
    not JSON: EOF while parsing a value at line 1 column 0
    not JSON: EOF while parsing an object at line 1 column 1
    not a JSON object
    not a JSON object
    not an audit record: it has no activityDateTime and no activityDisplayName
    activityDateTime is missing
    activityDateTime is missing
    activityDisplayName is missing
    activityDateTime: '1.9.2026 07:01' can be read in more than one way: set the portal's language and regional format to one that writes the year first (such as Swedish), or export JSON
    initiatedBy cannot be read: EOF while parsing an object at line 1 column 1
    targetResources cannot be read: it has another shape
    ");
}
