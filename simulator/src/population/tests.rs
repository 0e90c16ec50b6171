use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::{cast::HOUR, *};
use crate::{Harm, MethodKind, Options};

fn filled(users: usize, seed: u64) -> (Tenant, Cast) {
    let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
    let tenant = Tenant::new(Options::new(seed, move || now));
    let population = Population {
        users,
        window_start: "2026-11-10T12:00:00Z".parse().unwrap(),
        window_end: "2026-11-18T12:00:00Z".parse().unwrap(),
    };
    let cast = tenant.populate(&population);
    (tenant, cast)
}

#[test]
fn forty_six_people_are_in_all_situations() {
    let (_, cast) = filled(46, 1);
    let parts: HashSet<Part> = cast.residents.iter().map(|resident| resident.part).collect();
    let all: HashSet<Part> = Part::ORDINARY.into_iter().chain(Part::SPECIAL).collect();
    assert_eq!(parts, all);
    assert_eq!(all.len(), 46);
}

#[test]
fn the_same_seed_makes_the_same_tenant() {
    let ids = |seed| -> Vec<Uuid> { filled(60, seed).1.residents.iter().map(|r| r.id).collect() };
    assert_eq!(ids(3), ids(3));
    assert_ne!(ids(3), ids(4));
    assert_eq!(filled(60, 3).0.events(), filled(60, 3).0.events());
}

#[test]
fn most_people_are_ordinary() {
    let (_, cast) = filled(1000, 1);
    let ordinary = cast.residents.iter().filter(|r| Part::ORDINARY.contains(&r.part)).count();
    assert!(ordinary > 800, "{ordinary}");
    let small = filled(3, 1).1;
    assert_eq!(small.residents.len(), 3);
}

/// Five hundred lives drawn by lot, and what would harm each of their strong methods.
fn lives(seed: u64) -> (Tenant, Vec<(Resident, Vec<Harm>)>) {
    let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
    let tenant = Tenant::new(Options::new(seed, move || now));
    let population = Population {
        users: 0,
        window_start: "2026-11-10T12:00:00Z".parse().unwrap(),
        window_end: "2026-11-18T00:00:00Z".parse().unwrap(),
    };
    let cast = tenant.populate_with(&population, &[Part::Mixed; 500]);
    let window = (population.window_start, population.window_end + 20 * HOUR);
    let mut all = Vec::new();
    for resident in cast.residents {
        for method in tenant.user(resident.id).unwrap().methods {
            if ["phone", "microsoftAuthenticator", "softwareOath"].contains(&method.kind.as_str()) {
                all.push((resident.clone(), tenant.harms(resident.id, &method.id, window)));
            }
        }
    }
    (tenant, all)
}

#[test]
fn lives_come_to_every_harm_and_often_to_none() {
    let (_, all) = lives(3);
    let mut counts = BTreeMap::new();
    for harm in all.iter().flat_map(|(_, harms)| harms) {
        *counts.entry(harm.as_str()).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 11, "{counts:?}");
    let harmless = all.iter().filter(|(_, harms)| harms.is_empty()).count();
    assert!(harmless > 50, "{harmless} of {}", all.len());
    assert!(all.iter().any(|(resident, harms)| resident.registered && harms == &[Harm::HadBefore]));
}

#[test]
fn the_log_tells_of_lives_in_all_ways() {
    let (tenant, _) = lives(4);
    let (mut names, mut cut, mut services) = (HashSet::new(), 0, HashSet::new());
    for event in tenant.events() {
        services.insert(event["loggedByService"].as_str().unwrap().to_owned());
        for property in event["targetResources"][0]["modifiedProperties"].as_array().into_iter().flatten() {
            names.insert(property["displayName"].as_str().unwrap().to_owned());
            let is_json = |text: &Value| serde_json::from_str::<Value>(text.as_str().unwrap()).is_ok();
            cut += usize::from(!is_json(&property["newValue"]));
        }
    }
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(cut > 0);
    for service in ["Azure MFA", "Authentication Methods", "Core Directory"] {
        assert!(services.contains(service), "{services:?}");
    }
}

/// Counts the clear registrations of each user inside the window, by an independent reading of the log.
fn registrations(tenant: &Tenant) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for event in tenant.events() {
        let at: Timestamp = event["activityDateTime"].as_str().unwrap().parse().unwrap();
        let inside =
            at >= "2026-11-10T12:00:00Z".parse().unwrap() && at <= "2026-11-19T12:00:00Z".parse().unwrap();
        let registered = matches!(
            event["activityDisplayName"].as_str().unwrap(),
            "User registered security info" | "User registered all required security info"
        );
        let clear = event["initiatedBy"]["user"]["id"] == event["targetResources"][0]["id"];
        if inside && registered && clear && event["result"] == "success" {
            *found.entry(event["targetResources"][0]["id"].as_str().unwrap().to_owned()).or_insert(0) += 1;
        }
    }
    found
}

#[test]
fn exactly_the_registered_have_a_registration_in_the_window() {
    let (tenant, cast) = filled(400, 9);
    let found = registrations(&tenant);
    for resident in &cast.residents {
        assert_eq!(found.contains_key(&resident.id.to_string()), resident.registered, "{:?}", resident.part);
    }
}

#[test]
fn methods_fit_the_situations() {
    let (tenant, cast) = filled(400, 5);
    for resident in &cast.residents {
        let user = tenant.user(resident.id).unwrap();
        let part = resident.part;
        if part.expected().starts_with("rolled_back") {
            assert!(user.has_strong_methods(), "{part:?}");
            assert!(user.methods.iter().any(|method| method.kind == "password"), "{part:?}");
        }
        if part.expected() == "not_eligible(no_strong_methods)" {
            assert!(!user.has_strong_methods(), "{part:?}");
        }
        assert_eq!(user.deleted, part == Part::DeletedUser);
        let kinds: Vec<&str> = user.methods.iter().map(|method| method.kind.as_str()).collect();
        match part {
            Part::AuthenticatorWithCode => {
                assert_eq!(kinds, ["password", "microsoftAuthenticator", "softwareOath"]);
            }
            Part::NoOtherCredential => assert_eq!(kinds, ["phone"]),
            Part::StuckDefault => assert!(user.methods.iter().any(|m| m.kind == "phone" && m.is_default)),
            Part::HardwareToken => {
                assert!(
                    user.methods.iter().any(|m| m.kind == MethodKind::HardwareOath.name() && m.is_default)
                );
            }
            _ => {}
        }
    }
}

#[test]
fn only_what_is_to_be_rolled_back_may_lose_methods() {
    for part in Part::ORDINARY.into_iter().chain(Part::SPECIAL) {
        let goes = part.expected() == "rolled_back";
        assert_eq!(part.must_keep_methods(), !goes, "{part:?}");
        assert!(!part.describes().is_empty());
    }
}

#[test]
fn events_have_unique_ids_and_the_log_has_noise() {
    let (tenant, _) = filled(400, 5);
    let events: Vec<Value> = tenant.events();
    let ids: HashSet<&str> = events.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), events.len());
    let services: HashSet<&str> =
        events.iter().map(|event| event["loggedByService"].as_str().unwrap()).collect();
    assert_eq!(services.len(), 5, "{services:?}");
    let names: HashSet<&str> =
        events.iter().map(|event| event["activityDisplayName"].as_str().unwrap()).collect();
    assert!(names.len() > 12, "{names:?}");
}
