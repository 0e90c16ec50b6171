//! docs/settings.md, and whether the table that it is made from tells the truth.
//! `MFA_ROLLBACK_WRITE_DOCS=true cargo test the_settings_document` writes the document anew.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use super::{
    Settings, Vars, environment,
    table::{Reader, SETTINGS, Setting, Value},
};
use crate::credentials::ClientSecret;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/settings.md");

const HEAD: &str = "# Settings

All settings are environment variables; an empty one counts as not set. Everything that is wrong with them is reported at
once, each with its name, and `mfa-rollback doctor` checks them against the tenant. Times are RFC 3339 with a zone, like
`2026-03-01T00:00:00Z`. Lists are comma-separated and hold at most 40 object ids or principal names; for more, name a
group. A setting that changes who is held has everybody concerned decided on again.

A test makes this page from the code (`MFA_ROLLBACK_WRITE_DOCS=true cargo test the_settings_document`).
";

const FUNCTIONS: &str = "
## On AWS besides

The functions read these, too, and `template.yaml` sets them ([deploy.md](deploy.md)).
";

const TAIL: &str = "
## What others define

| Name | Meaning |
|---|---|
| `RUST_LOG` | which log lines `--log FILE` and the functions write, such as `info` or `shared=debug` |
| `NO_COLOR` | set to anything: no colours in the terminal |
| `HTTPS_PROXY`, `NO_PROXY` | the way to Graph, as other programs take it |
| `AWS_PROFILE`, `AWS_REGION`, … | for `--stack`: credentials and region, as the AWS CLI takes them |
";

fn table(reader: Reader) -> String {
    let mut page = "\n| Name | Meaning | Default | Allowed | Unit |\n|---|---|---|---|---|\n".to_owned();
    for setting in SETTINGS.iter().filter(|setting| setting.reader == reader) {
        let Setting { name, meaning, .. } = setting;
        let (default, allowed, unit) = (setting.default(), setting.allowed(), setting.unit());
        writeln!(page, "| `{name}` | {meaning} | {default} | {allowed} | {unit} |").unwrap();
    }
    page
}

#[test]
fn the_settings_document_is_made_from_the_table() {
    let page = format!("{HEAD}{}{FUNCTIONS}{}{TAIL}", table(Reader::Both), table(Reader::Functions));
    if environment("MFA_ROLLBACK_WRITE_DOCS").as_deref() == Some("true") {
        std::fs::write(DOCUMENT, &page).unwrap();
    }
    let kept = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
    let differs = kept.lines().zip(page.lines()).find(|(kept, made)| kept != made);
    assert!(kept == page, "docs/settings.md is not up to date (see this file's head): first at {differs:?}");
}

const NEEDED: [(&str, &str); 6] = [
    ("AZURE_TENANT_ID", "11111111-1111-1111-1111-111111111111"),
    ("AZURE_CLIENT_ID", "22222222-2222-2222-2222-222222222222"),
    ("AZURE_CLIENT_SECRET", "secret"),
    ("PREVIEW_ENABLED_AT", "2026-02-01T00:00:00Z"),
    ("PREVIEW_DISABLED_AT", "2026-03-01T00:00:00Z"),
    ("CANARY_USER_IDS", "ada@contoso.example"),
];

/// What is read with one more variable, as text, or what is wrong.
fn with(name: &str, value: &str) -> Result<String, String> {
    let mut values = BTreeMap::from(NEEDED);
    values.insert(name, value);
    Settings::read(|name: &str| values.get(name).map(|value| (*value).to_owned()))
        .map(|settings| format!("{settings:?}"))
        .map_err(|error| error.to_string())
}

#[test]
fn what_the_code_reads_and_what_the_table_lists_is_the_same() {
    let asked = RefCell::new(BTreeSet::new());
    let values = BTreeMap::from(NEEDED);
    let mut vars = Vars::new(|name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        values.get(name).map(|value| (*value).to_owned())
    });
    assert!(Settings::from_vars(&mut vars).is_some() && ClientSecret::from_vars(&mut vars).is_some());
    drop(vars);
    // Only to say what took its place.
    asked.borrow_mut().remove("UNDATED_METHODS");
    let listed = SETTINGS.iter().filter(|setting| setting.reader == Reader::Both);
    let listed: BTreeSet<String> = listed.map(|setting| setting.name.to_owned()).collect();
    assert_eq!(asked.into_inner(), listed);
}

#[test]
fn defaults_and_ranges_are_those_of_the_table() {
    for setting in SETTINGS.iter().filter(|setting| setting.reader == Reader::Both) {
        let name = setting.name;
        let unset = with(name, "");
        match &setting.value {
            Value::Number(number) => {
                assert_eq!(with(name, &number.default.to_string()), unset, "{name}");
                let (from, to) = (*number.range.start(), *number.range.end());
                for allowed in [from, to] {
                    assert!(with(name, &allowed.to_string()).is_ok(), "{name} = {allowed}");
                }
                for refused in [i64::from(from) - 1, i64::from(to) + 1] {
                    let error = with(name, &refused.to_string()).unwrap_err();
                    assert!(error.contains(name) && error.contains(&to.to_string()), "{error}");
                }
            }
            Value::Boolean => {
                assert_eq!(with(name, "false"), unset, "{name}");
                assert_ne!(with(name, "true"), unset, "{name}");
                assert!(with(name, "1").is_err(), "{name}");
            }
            Value::Choice(names) => {
                assert_eq!(with(name, names[0]), unset, "{name}");
                let read: BTreeSet<String> = names.iter().map(|value| with(name, value).unwrap()).collect();
                assert_eq!(read.len(), names.len(), "{name}");
                assert!(with(name, "perhaps").is_err(), "{name}");
            }
            Value::Text("required", _) => assert!(unset.unwrap_err().contains(name), "{name}"),
            Value::Text(..) => {}
        }
    }
}
