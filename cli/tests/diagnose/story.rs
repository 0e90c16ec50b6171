//! The story: each event in words.

use std::time::Duration;

use serde_json::Value;
use simulator::NewEvent;

use super::{NAME, Scene};
use crate::support::now;

/// Every row of Microsoft's table of events, and the newer names.
#[test]
fn each_event_of_the_story_is_explained() {
    let scene = Scene::new(|_| ());
    let rows = [
        (
            "User registered all required security info",
            "success",
            "User registered all required security info.",
            "registered everything",
            "",
        ),
        (
            "User registered all required security info",
            "failure",
            "User canceled security info registration.",
            "canceled",
            "asked again at a later sign-in",
        ),
        (
            "User registered security info",
            "success",
            "User registered Mobile Phone SMS",
            "registered one method",
            "",
        ),
        (
            "User reviewed security info",
            "success",
            "User successfully reviewed security info.",
            "look good",
            "",
        ),
        (
            "User reviewed security info",
            "failure",
            "User failed to review security info.",
            "failed to note it",
            "nothing is lost",
        ),
        ("User deleted security info", "success", "User deleted Mobile Phone SMS", "deleted one method", ""),
        (
            "User deleted security info",
            "failure",
            "User failed to delete Mobile Phone SMS",
            "still there",
            "another one the default",
        ),
        (
            "User changed default security info",
            "success",
            "User changed default security info to Call +1 2065550100.",
            "another default",
            "",
        ),
        (
            "User changed default security info",
            "failure",
            "User failed to change default security info to Text a code to +1 2065550100.",
            "the old one still counts",
            "system-preferred MFA",
        ),
        ("User registered security info", "failure", "", "nothing was registered", "support case"),
        (
            "Admin deleted security info",
            "success",
            "Admin deleted authentication method for user",
            "an administrator, or an app",
            "",
        ),
        ("User juggled security info", "success", "", "does not know", ""),
    ];
    let began = now() - Duration::from_hours(3);
    for (n, (activity, status, reason, ..)) in rows.iter().enumerate() {
        let at = began + Duration::from_mins(n as u64);
        let event = NewEvent::by_user(activity, at, scene.ada, NAME).result(status).reason(reason);
        scene.world.tenant.add_event(event);
    }
    let (answer, printed) = scene.ask("unexpected-prompt", None);
    let story = answer["story"].as_array().unwrap();
    assert_eq!(
        (story.len(), &answer["story_lacks"]),
        (rows.len(), &Value::Null),
        "in order, and nothing else"
    );
    for (event, (activity, status, reason, means, next)) in story.iter().zip(rows) {
        assert_eq!((&event["activity"], &event["status"]), (&activity.into(), &status.into()));
        let said = event["means"].as_str().unwrap();
        assert!(said.contains(means), "{activity}, {status}: {said}");
        let said = event["next_step"].as_str().unwrap_or_default();
        assert!(said.contains(next) && said.is_empty() == next.is_empty(), "{activity}, {status}: {said}");
        assert!(printed.contains(&format!("{activity} ({status})")), "{printed}");
        let shown = reason.replace("+1 2065550100", "+X XXXXXXXXXX");
        assert_eq!(event["reason"], Value::from(shown), "numbers are nobody's business");
    }
}
