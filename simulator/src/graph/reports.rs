//! `GET /reports/authenticationMethods/userRegistrationDetails`: hours old when it is read.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    account::Account,
    answer::{Handled, Refusal, Success},
    call::Call,
    cursor,
    method::{MethodKind, PhoneType},
    state::State,
};

/// How old the report may get before it is made again.
const REMADE_AFTER: Duration = Duration::from_hours(6);

pub(super) fn registration_details(state: &mut State, call: &Call) -> Handled {
    state.options.premium.require_reports()?;
    call.only(&["$top", "$skiptoken"])?;
    if let (Some(standing), Some(_)) = (state.options.faults.standing, call.option("$skiptoken")) {
        standing.refuses_report_link()?;
    }
    let size = call.top(999)?.unwrap_or(999);
    remake(state);
    let rows = state.report.as_ref().map(|(_, rows)| rows.as_slice()).unwrap_or_default();
    let what = "reports/authenticationMethods/userRegistrationDetails";
    cursor::page(state, call, (what, size), rows, Value::clone)
}

/// One user's line. It comes in two forms: the documented example wraps the object in `value`, and the
/// metadata does not.
pub(super) fn of_user(state: &mut State, user: &str, call: &Call) -> Handled {
    state.options.premium.require_reports()?;
    call.only(&[])?;
    remake(state);
    let rows = state.report.as_ref().map(|(_, rows)| rows.as_slice()).unwrap_or_default();
    let row = rows.iter().find(|(id, _)| id == user).ok_or_else(|| Refusal::no_object(user))?.1.clone();
    Ok(Success::Json(if state.chance.bool() { json!({ "value": row }) } else { row }))
}

fn remake(state: &mut State) {
    let now = state.now();
    if state.report.as_ref().is_none_or(|(made, _)| *made + REMADE_AFTER <= now) {
        let report = make(state);
        state.report = Some((now, report));
    }
}

fn make(state: &State) -> Vec<(String, Value)> {
    let administrators = state.administrators();
    let made = state.now().strftime("%Y-%m-%dT%H:%M:%S.0000000Z").to_string();
    let accounts = state.accounts.values().filter(|account| !account.deleted);
    accounts
        .map(|account| {
            let mut row = row(account, administrators.contains(&account.id), &made);
            row["isSsprEnabled"] = json!(!state.without_sspr.contains(&account.id));
            (account.id.to_string(), row)
        })
        .collect()
}

fn row(account: &Account, is_admin: bool, made: &str) -> Value {
    let registered: Vec<&str> = account
        .methods
        .iter()
        .filter_map(|method| match method.kind() {
            MethodKind::Phone(PhoneType::Mobile) => Some("mobilePhone"),
            MethodKind::Phone(PhoneType::AlternateMobile) => Some("alternateMobilePhone"),
            MethodKind::Phone(PhoneType::Office) => Some("officePhone"),
            MethodKind::MicrosoftAuthenticator if method.what.primary_sign_in => {
                Some("microsoftAuthenticatorPasswordless")
            }
            MethodKind::MicrosoftAuthenticator => Some("microsoftAuthenticatorPush"),
            MethodKind::SoftwareOath => Some("softwareOneTimePasscode"),
            MethodKind::HardwareOath => Some("hardwareOneTimePasscode"),
            MethodKind::Email => Some("email"),
            MethodKind::Fido2 => Some("fido2SecurityKey"),
            MethodKind::WindowsHello => Some("windowsHelloForBusiness"),
            MethodKind::TemporaryAccessPass => Some("temporaryAccessPass"),
            _ => None,
        })
        .collect();
    let mfa = account.methods.iter().any(|method| {
        method.kind().is_strong() || matches!(method.kind(), MethodKind::Fido2 | MethodKind::WindowsHello)
    });
    let sspr =
        account.methods.iter().any(|method| method.kind().is_strong() || *method.kind() == MethodKind::Email);
    json!({
        "id": account.id,
        "userPrincipalName": account.user.user_principal_name,
        "userDisplayName": account.user.display_name,
        "userType": account.user.user_type.as_deref().unwrap_or("member").to_lowercase(),
        "isAdmin": is_admin,
        "isSsprRegistered": sspr,
        "isSsprCapable": sspr,
        "isMfaRegistered": mfa,
        "isMfaCapable": mfa,
        "isPasswordlessCapable": registered.iter().any(|name| matches!(*name, "microsoftAuthenticatorPasswordless" | "fido2SecurityKey" | "windowsHelloForBusiness")),
        "lastUpdatedDateTime": made,
        "methodsRegistered": registered,
        "isSystemPreferredAuthenticationMethodEnabled": false,
        "systemPreferredAuthenticationMethods": [],
        "userPreferredMethodForSecondaryAuthentication": account.preferred().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use crate::{
        NewMethod, Premium, RoleKind,
        testing::{client, mobile, options, wait},
    };

    const REPORT: &str = "/v1.0/reports/authenticationMethods/userRegistrationDetails";

    #[tokio::test(start_paused = true)]
    async fn the_report_tells_who_registered_what_hours_later() {
        let mut client = client(options()).await;
        let (ada, ben) = (client.user("ada"), client.user("ben"));
        client.tenant.register(ada, NewMethod::authenticator().passwordless());
        client.tenant.assign_role(ben, RoleKind::Active, "/");
        let rows = client.all(&format!("{REPORT}?$top=1")).await;
        let row = |id: uuid::Uuid| rows.iter().find(|row| row["id"] == id.to_string()).unwrap();
        assert_eq!(row(ada)["methodsRegistered"][0], "microsoftAuthenticatorPasswordless");
        assert_eq!(row(ada)["isAdmin"], false);
        assert_eq!(row(ben)["isAdmin"], true);
        assert_eq!(row(ben)["isSsprRegistered"], false);
        client.tenant.register(ben, mobile());
        let stale = async |client: &crate::testing::Client| {
            let rows = client.all(REPORT).await;
            rows.iter().any(|row| row["id"] == ben.to_string() && row["isMfaRegistered"] == false)
        };
        assert!(stale(&client).await);
        wait(6 * 3600).await;
        client.sign_in().await;
        assert!(!stale(&client).await);
    }

    #[tokio::test(start_paused = true)]
    async fn one_users_line_comes_bare_or_wrapped() {
        let client = client(options()).await;
        let ada = client.user("ada");
        let mut forms = std::collections::HashSet::new();
        for _ in 0..20 {
            let body = client.get(&format!("{REPORT}/{ada}")).await.json();
            let line = body.get("value").unwrap_or(&body);
            assert_eq!(line["id"], ada.to_string());
            forms.insert(body.get("value").is_some());
        }
        assert_eq!(forms.len(), 2);
        assert_eq!(client.get(&format!("{REPORT}/{}", uuid::Uuid::nil())).await.status, 404);
        assert_eq!(client.get(&format!("{REPORT}/{ada}?$select=id")).await.status, 400);
    }

    #[tokio::test(start_paused = true)]
    async fn the_report_takes_a_licence_and_a_permission() {
        let mut free = options();
        free.premium = Premium::Free;
        let reply = client(free).await.get(REPORT).await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant")
        );
        let mut poor = options();
        poor.permissions = vec!["Directory.Read.All".to_owned()];
        assert_eq!(client(poor).await.get(REPORT).await.status, 403);
    }
}
