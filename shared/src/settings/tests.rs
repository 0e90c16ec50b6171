use std::collections::HashMap;

use super::*;

fn read(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let map: HashMap<String, String> =
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Settings::read(move |name: &str| map.get(name).cloned())
}

const NEEDED: [(&str, &str); 4] = [
    ("AZURE_TENANT_ID", "11111111-1111-1111-1111-111111111111"),
    ("AZURE_CLIENT_ID", "22222222-2222-2222-2222-222222222222"),
    ("PREVIEW_ENABLED_AT", "2026-02-01T00:00:00Z"),
    ("PREVIEW_DISABLED_AT", "2026-03-01T00:00:00Z"),
];

fn with(extra: &[(&'static str, &'static str)]) -> Result<Settings, SettingsError> {
    let mut all = NEEDED.to_vec();
    all.extend_from_slice(extra);
    read(&all)
}

#[test]
fn the_defaults_delete_nothing_and_hold_what_is_unclear() {
    let settings = with(&[]).unwrap();
    assert_eq!(settings.mode, Mode::Report);
    assert_eq!(settings.limits, Limits { max_rollbacks_per_day: 50, max_failure_percent: 20 });
    assert_eq!(settings.policy.preexisting_methods, PreexistingMethods::Hold);
    assert_eq!(settings.policy.unproven_methods, UnprovenMethods::Hold);
    assert_eq!(settings.policy.mfa_required_users, MfaRequiredUsers::Hold);
    let policy = &settings.policy;
    assert!(!policy.include_administrators && !policy.include_external_users && !policy.include_new_accounts);
    assert_eq!(settings.endpoints.graph.as_str(), "https://graph.microsoft.com/");
}

#[test]
fn all_faults_are_reported_at_once_each_with_its_variable() {
    let error = read(&[
        ("AZURE_TENANT_ID", "nope"),
        ("PREVIEW_DISABLED_AT", "yesterday"),
        ("MODE", "canary"),
        ("MAX_ROLLBACKS_PER_DAY", "-1"),
        ("EXCLUDED_USER_IDS", "alice@contoso.example, bob"),
        ("INCLUDE_ADMINISTRATORS", "yes"),
        ("GRAPH_ENDPOINT", "http://graph.example"),
    ])
    .unwrap_err();
    insta::assert_snapshot!(error, @r"
    AZURE_TENANT_ID: not an object id (a GUID such as 01234567-89ab-cdef-0123-456789abcdef)
    AZURE_CLIENT_ID: is not set
    GRAPH_ENDPOINT: must begin with https:// (http:// only to a loopback address)
    PREVIEW_DISABLED_AT: must be a time in RFC 3339 with its zone, like 2026-03-01T00:00:00Z
    EXCLUDED_USER_IDS: entry 2: neither an object id (GUID) nor a principal name (name@domain)
    CANARY_USER_IDS: mode canary needs CANARY_USER_IDS or CANARY_GROUP_ID
    INCLUDE_ADMINISTRATORS: must be true or false
    MAX_ROLLBACKS_PER_DAY: must be a whole number from 1 to 1000000
    ");
}

#[test]
fn the_fingerprint_changes_with_what_decisions_depend_on_and_with_nothing_else() {
    let base = with(&[]).unwrap().policy.fingerprint();
    assert_eq!(
        base,
        with(&[("MODE", "enforce"), ("MAX_ROLLBACKS_PER_DAY", "7")]).unwrap().policy.fingerprint()
    );
    for change in [
        ("UNPROVEN_METHODS", "count"),
        ("UNPROVEN_METHODS", "roll_back"),
        ("MFA_REQUIRED_USERS", "roll_back"),
        ("INCLUDE_NEW_ACCOUNTS", "true"),
        ("PREEXISTING_METHODS", "roll_back"),
        ("INCLUDE_ADMINISTRATORS", "true"),
        ("INCLUDE_EXTERNAL_USERS", "true"),
        ("EXCLUDED_USER_IDS", "alice@contoso.example"),
        ("EXCLUDED_GROUP_ID", "33333333-3333-3333-3333-333333333333"),
        ("REGISTERED_UNTIL", "2026-03-02T00:00:00Z"),
    ] {
        assert_ne!(base, with(&[change]).unwrap().policy.fingerprint(), "{}", change.0);
    }
}

#[test]
fn at_most_forty_users_fit_in_a_list() {
    let many = vec!["alice@contoso.example"; 41].join(",");
    let mut all: Vec<(&str, &str)> = NEEDED.to_vec();
    all.push(("EXCLUDED_USER_IDS", &many));
    assert_eq!(read(&all).unwrap_err().0[0].variable, "EXCLUDED_USER_IDS");
}

#[test]
fn the_window_wants_both_of_its_moments_and_an_end_that_is_not_far_off() {
    let without = |left_out: &str| {
        let some: Vec<_> = NEEDED.into_iter().filter(|(name, _)| *name != left_out).collect();
        read(&some).unwrap_err().to_string()
    };
    insta::assert_snapshot!(without("PREVIEW_ENABLED_AT"), @"PREVIEW_ENABLED_AT: is not set: when the preview was enabled; the moment of PREVIEW_DISABLED_AT means those who registered after it only");
    insta::assert_snapshot!(without("PREVIEW_DISABLED_AT"), @"PREVIEW_DISABLED_AT: is not set: when the preview was disabled, like 2026-03-01T00:00:00Z");
    let late = with(&[("REGISTERED_UNTIL", "2026-04-01T00:00:00Z")]).unwrap_err();
    insta::assert_snapshot!(late, @"REGISTERED_UNTIL: lies more than 30 days after PREVIEW_DISABLED_AT (2026-03-01T00:00:00Z)");
}

#[test]
fn a_setting_of_an_earlier_version_is_named_with_what_took_its_place() {
    let error = with(&[("UNDATED_METHODS", "hold")]).unwrap_err();
    insta::assert_snapshot!(error, @"UNDATED_METHODS: is now UNPROVEN_METHODS: hold, count or roll_back");
}
