//! `doctor`: settings, sign-in, permissions, preflight, and what makes people register again.

use std::path::PathBuf;

use serde::Serialize;
use shared::{
    clock::Clock,
    facts::Reading,
    preflight::{Fault, NEEDED, Preflight},
    settings::Mode,
};

use super::{How, ledger_path, settings};
use crate::{
    args::Format,
    engine::Engine,
    error::{CommandError, Exit},
    output::{self, Rows},
    sqlite::Store,
};

/// One thing that was looked at.
#[derive(Serialize)]
struct Check {
    what: String,
    /// `ok`, `missing` or `note`.
    result: &'static str,
    detail: String,
}

pub(super) async fn doctor(ledger: Option<PathBuf>, format: Format) -> Result<Exit, CommandError> {
    let (settings, secret) = settings(&How { mode: None, yes: false })?;
    let path = ledger_path(ledger, settings.tenant)?;
    let clock = Clock::system();
    let store = Store::open(&path, clock.clone())?;
    let mut checks = vec![
        ok(
            "settings",
            format!(
                "mode {}, window {} to {}",
                settings.mode, settings.policy.window.start, settings.policy.window.end
            ),
        ),
        ok("ledger", path.display().to_string()),
    ];
    let engine = Engine::open(settings, secret, store, clock).await?;
    let preflight = engine.preflight().await?;
    checks.push(ok("sign-in", format!("tenant {}", engine.settings.tenant)));
    permissions(&preflight, engine.settings.mode, &mut checks);
    let mut exit = Exit::Done;
    for fault in &preflight.faults {
        exit = match (fault, exit) {
            (Fault::Settings { .. }, _) | (_, Exit::Usage) => Exit::Usage,
            _ => Exit::Tenant,
        };
        if !matches!(fault, Fault::Permission { .. }) {
            checks.push(Check { what: "preflight".to_owned(), result: "missing", detail: fault.to_string() });
        }
    }
    people(&preflight, &mut checks);
    notes(&preflight, &mut checks);
    let rows = Rows {
        header: vec!["what", "result", "detail"],
        rows: checks.iter().map(|c| vec![c.what.clone(), c.result.to_owned(), c.detail.clone()]).collect(),
    };
    output::write(format, &rows, &checks)?;
    Ok(exit)
}

fn ok(what: &str, detail: impl Into<String>) -> Check {
    Check { what: what.to_owned(), result: "ok", detail: detail.into() }
}

fn note(what: &str, detail: impl Into<String>) -> Check {
    Check { what: what.to_owned(), result: "note", detail: detail.into() }
}

fn permissions(preflight: &Preflight, mode: Mode, checks: &mut Vec<Check>) {
    let Some(granted) = &preflight.granted else { return };
    for needed in NEEDED {
        let result = match (needed.is_granted(granted), needed.to_delete && mode == Mode::Report) {
            (true, _) => "ok",
            (false, true) => "note",
            (false, false) => "missing",
        };
        checks.push(Check {
            what: needed.permission.to_owned(),
            result,
            detail: needed.needed_for.to_owned(),
        });
    }
}

fn people(preflight: &Preflight, checks: &mut Vec<Check>) {
    if let Reading::Known(excluded) = &preflight.belts.excluded {
        checks.push(ok("exclusions", format!("{} users are excluded", excluded.len())));
    }
    if let Reading::Known(administrators) = &preflight.belts.administrators {
        checks.push(ok(
            "administrators",
            format!("{} users hold a role or may take one", administrators.len()),
        ));
    }
    if preflight.no_pim_licence {
        checks.push(note("administrators", "no P2 licence: nobody can be PIM-eligible"));
    }
}

fn notes(preflight: &Preflight, checks: &mut Vec<Check>) {
    let policies = match &preflight.policies {
        Reading::Known(policies) => policies,
        Reading::Unknown(why) => {
            checks.push(note("policies", format!("cannot be read: {why}")));
            return;
        }
    };
    if policies.security_defaults {
        checks.push(note("security defaults", "on: rolled-back users are asked to register again"));
    }
    if policies.registration_campaign {
        checks.push(note("registration campaign", "on: rolled-back users are nudged to register again"));
    }
    for policy in &policies.conditional_access {
        let name = output::plain(&policy.name);
        if policy.demands_mfa {
            checks.push(note(
                "Conditional Access",
                format!("{name}: demands MFA, so users it applies to register again"),
            ));
        }
        if policy.guards_registration {
            checks.push(note(
                "Conditional Access",
                format!("{name}: guards who may register security information"),
            ));
        }
    }
    if !policies.conditional_access.iter().any(|policy| policy.guards_registration) {
        checks.push(note(
            "Conditional Access",
            "no policy guards \"register security information\": whoever knows a password can register in a rolled-back user's place",
        ));
    }
}
