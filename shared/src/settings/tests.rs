use std::collections::HashMap;

use super::*;

fn read(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let map: HashMap<String, String> =
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Settings::read(move |name: &str| map.get(name).cloned())
}

const NEEDED: [(&str, &str); 3] = [
    ("AZURE_TENANT_ID", "11111111-1111-1111-1111-111111111111"),
    ("AZURE_CLIENT_ID", "22222222-2222-2222-2222-222222222222"),
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
    assert_eq!(settings.policy.preexisting_methods, OtherMethods::Hold);
    assert_eq!(settings.policy.undated_methods, OtherMethods::Hold);
    assert!(!settings.policy.include_administrators && !settings.policy.include_external_users);
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
        ("UNDATED_METHODS", "roll_back"),
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
