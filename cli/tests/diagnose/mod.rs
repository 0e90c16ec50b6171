//! `diagnose`, from the state of the simulated tenant to what is printed: a case for each row, step and branch of
//! Microsoft's troubleshooting tables. docs/troubleshooting.md names each case, and no other.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod cannot_add;
mod missing_methods;
mod story;
mod unexpected_prompt;

use std::{collections::BTreeSet, path::Path, time::Duration};

use serde_json::Value;
use simulator::{MethodKind, MethodSetting, NewEvent, NewMethod, NewUser, Options, PhoneType, Policies};
use uuid::Uuid;

use crate::support::{World, now, text};

const DOCUMENT: &str = include_str!("../../../docs/troubleshooting.md");

/// A tenant, and the user who complains.
struct Scene {
    world: World,
    ada: Uuid,
}

/// What is set up, asked, and said.
struct Case {
    name: &'static str,
    options: fn(&mut Options),
    set: fn(&Scene),
    method: Option<&'static str>,
    step: &'static str,
    bearing: &'static str,
    says: &'static [&'static str],
    /// What the next step says; empty if there is none.
    next: &'static str,
}

const PLAIN: Case = Case {
    name: "",
    options: |_| (),
    set: |_| (),
    method: None,
    step: "",
    bearing: "not_why",
    says: &[],
    next: "",
};

const NAME: &str = "ada@contoso.example";

impl Scene {
    fn new(options: fn(&mut Options)) -> Self {
        let world = World::with(8, 61, options);
        let ada = world.tenant.add_user(NewUser::named(NAME));
        Self { world, ada }
    }

    fn phone(&self) {
        self.world.tenant.register(self.ada, NewMethod::phone(PhoneType::Mobile, "+1 2065550100"));
    }

    fn apps(&self, kind: &MethodKind, count: usize) {
        for _ in 0..count {
            self.world.tenant.add_method(self.ada, NewMethod::new(kind.clone()));
        }
    }

    fn policies(&self, change: impl FnOnce(&mut Policies)) {
        let mut policies = Policies::default();
        change(&mut policies);
        self.world.tenant.set_policies(policies);
    }

    /// One method's setting, in a policy whose move from the legacy ones stands as given.
    fn setting(&self, setting: MethodSetting, migration: Option<&str>) {
        self.policies(|policies| {
            policies.methods.migration = migration.map(str::to_owned);
            policies.methods.methods.retain(|other| other.id != setting.id);
            policies.methods.methods.push(setting);
        });
    }

    fn saved(&self, minutes: u64) {
        self.policies(|policies| {
            policies.methods.modified_at = Some(now() - Duration::from_mins(minutes));
        });
    }

    /// A group for which the Authenticator is on, with Ada in it or not, whose members show or not.
    fn pilot(&self, holds: bool, hidden: bool, excludes: bool) {
        let group = self.world.tenant.add_group("Pilot");
        if holds {
            self.world.tenant.add_member(group, self.ada);
        }
        if hidden {
            self.world.tenant.hide_members(group);
        }
        let mut setting = MethodSetting::new("MicrosoftAuthenticator", true);
        if excludes { &mut setting.exclude_groups } else { &mut setting.include_groups }.push(group);
        self.setting(setting, Some("migrationComplete"));
    }

    fn log(&self, activity: &str, service: &str, minutes: u64) {
        let at = now() - Duration::from_mins(minutes);
        self.world.tenant.add_event(NewEvent::new(activity, at).service(service).category("Policy"));
    }

    fn ask(&self, symptom: &str, method: Option<&str>) -> (Value, String) {
        let id = self.ada.to_string();
        let mut args = vec!["diagnose", &id, "--symptom", symptom];
        args.extend(method.iter().flat_map(|method| ["--method", method]));
        let printed = self.world.run(&args);
        assert_eq!(printed.status.code(), Some(0), "{}", text(&printed.stderr));
        (self.world.json(0, &args), text(&printed.stdout))
    }
}

fn without(options: &mut Options, permission: &str) {
    options.permissions.retain(|granted| granted != permission);
}

/// Sets each case up, asks in JSON and in text, and compares.
fn check(symptom: &str, cases: &[Case]) {
    for case in cases {
        let scene = Scene::new(case.options);
        (case.set)(&scene);
        let (answer, printed) = scene.ask(symptom, case.method);
        let complaint = &answer["complaints"][0];
        assert_eq!(
            (&complaint["symptom"], answer["complaints"].as_array().unwrap().len()),
            (&symptom.into(), 1)
        );
        let findings = complaint["findings"].as_array().unwrap();
        let found = findings.iter().find(|finding| finding["step"] == case.step);
        let found = found.unwrap_or_else(|| panic!("{}: no finding {}", case.name, case.step));
        let (said, next) =
            (found["answer"].as_str().unwrap(), found["next_step"].as_str().unwrap_or_default());
        assert_eq!(found["bearing"], case.bearing, "{}: {said}", case.name);
        for says in case.says {
            assert!(said.contains(says), "{}: {says:?} is not in {said:?}", case.name);
        }
        assert!(next.contains(case.next) && next.is_empty() == case.next.is_empty(), "{}: {next}", case.name);
        assert!(!found["looked_at"].as_str().unwrap().is_empty());
        assert!(printed.contains(said) && printed.contains(next), "{}: {printed}", case.name);
        let summary = match case.bearing {
            "may_be_why" => "May be why: ",
            "not_read" => "Not read: ",
            _ => "",
        };
        assert!(printed.contains(summary), "{}: {printed}", case.name);
        assert!(!said.contains("it was not asked"), "{}: {said}", case.name);
        let journal = scene.world.tenant.journal();
        assert!(journal.iter().all(|entry| entry.method != "DELETE" && entry.method != "PATCH"));
    }
}

#[test]
fn methods_that_do_not_show_are_explained() {
    check("missing-methods", missing_methods::CASES);
}

#[test]
fn a_method_that_cannot_be_added_is_explained() {
    check("cannot-add", cannot_add::CASES);
}

#[test]
fn a_prompt_that_nobody_enabled_is_explained() {
    check("unexpected-prompt", unexpected_prompt::CASES);
}

#[test]
fn a_user_of_the_window_is_found_and_would_be_rolled_back() {
    let world = World::new(60, 62);
    world.json(0, &["run"]);
    let user = world.of(simulator::Part::Phone);
    let asked = world.json(0, &["diagnose", &user.user_principal_name, "--symptom", "unexpected-prompt"]);
    let findings = asked["complaints"][0]["findings"].as_array().unwrap();
    let rollback = findings.iter().find(|finding| finding["step"] == "rollback").unwrap();
    let said = rollback["answer"].as_str().unwrap();
    assert_eq!(said, "the user would be rolled back; mode report deletes nothing");
}

#[test]
fn a_log_that_cannot_be_asked_about_a_user_is_said_to_lack_the_rest() {
    let scene = Scene::new(|options| options.audit_by_target = false);
    scene.phone();
    let (answer, printed) = scene.ask("unexpected-prompt", None);
    assert!(answer["story_lacks"].as_str().unwrap().contains("cannot be asked about the user"), "{answer}");
    assert!(printed.contains("Not all of it: the audit log cannot be asked"), "{printed}");
    let stamp = &answer["complaints"][0]["findings"][0];
    assert!(stamp["answer"].as_str().unwrap().contains("no record that could be read"), "{stamp}");
}

#[test]
fn without_a_symptom_every_complaint_is_answered_and_csv_has_the_findings() {
    let scene = Scene::new(|_| ());
    let id = scene.ada.to_string();
    let all = scene.world.json(0, &["diagnose", &id]);
    let asked: Vec<&str> =
        all["complaints"].as_array().unwrap().iter().map(|one| one["symptom"].as_str().unwrap()).collect();
    assert_eq!(asked, ["missing-methods", "cannot-add", "unexpected-prompt"]);
    let csv = text(&scene.world.run(&["diagnose", &id, "--format", "csv"]).stdout);
    assert_eq!(csv.lines().count(), 1 + 6 + 3 + 6, "{csv}");
    assert!(csv.starts_with("symptom,step,bearing,looked_at,answer,next_step"));
}

#[test]
fn what_cannot_be_asked_is_refused_with_its_reason() {
    let scene = Scene::new(|_| ());
    let id = scene.ada.to_string();
    for (args, code, says) in [
        (
            &["diagnose", &id, "--symptom", "headache"][..],
            2,
            "missing-methods, cannot-add or unexpected-prompt",
        ),
        (&["diagnose", &id, "--method", "pigeon"], 2, "app-password or passkey"),
        (&["diagnose", "11111111-1111-1111-1111-111111111111"], 1, "nobody in this tenant"),
        (&["diagnose", "nobody@contoso.example"], 1, "nobody in this tenant"),
    ] {
        let refused = scene.world.run(args);
        assert_eq!(refused.status.code(), Some(code), "{args:?}: {}", text(&refused.stderr));
        assert!(text(&refused.stderr).contains(says), "{args:?}: {}", text(&refused.stderr));
    }
}

/// What stands in backticks in the last column of the document's table.
fn named() -> BTreeSet<&'static str> {
    let (_, table) = DOCUMENT.split_once("<!-- cases -->").unwrap();
    let last_cells = table.lines().filter_map(|line| line.strip_prefix('|')?.rsplit('|').nth(1));
    last_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn the_document_names_each_case_and_no_other() {
    let cases = [missing_methods::CASES, cannot_add::CASES, unexpected_prompt::CASES];
    let known: BTreeSet<&str> = cases.into_iter().flatten().map(|case| case.name).collect();
    let named: BTreeSet<&str> = named().into_iter().filter(|name| !name.ends_with("()")).collect();
    assert_eq!(named, known);
}

fn sources(folder: &Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn the_tests_that_the_document_names_are_there() {
    let mut all = String::new();
    for folder in ["../cli/tests", "../shared/src"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut all);
    }
    for name in named().into_iter().filter_map(|name| name.strip_suffix("()")) {
        assert!(all.contains(&format!("fn {name}()")), "{name}");
    }
}

#[test]
fn doctor_lists_what_is_optional_apart_and_what_came_after_the_switch() {
    let scene = Scene::new(|_| ());
    let about = |what: &str| {
        let checks = scene.world.json(0, &["doctor"]);
        let found = checks.as_array().unwrap().iter().find(|check| check["what"] == what).cloned();
        found.unwrap_or_else(|| panic!("{what}: {checks}"))
    };
    let optional = about("optional: Member.Read.Hidden");
    assert_eq!(optional["result"], "note");
    assert!(optional["detail"].as_str().unwrap().contains("diagnose"), "{optional}");
    assert_eq!(about("after the switch")["result"], "ok");
    scene.phone();
    scene.world.tenant.register(scene.ada, NewMethod::authenticator());
    scene.world.tenant.register(scene.ada, NewMethod::new(MethodKind::Email));
    let after = about("after the switch");
    let detail = after["detail"].as_str().unwrap();
    assert!(
        after["result"] == "note" && detail.contains("2 registrations of a phone or an app by 1 users"),
        "{after}"
    );
    assert!(
        detail.contains("1 phone, 1 microsoftAuthenticator") && detail.contains("no fault by itself"),
        "{after}"
    );
}
