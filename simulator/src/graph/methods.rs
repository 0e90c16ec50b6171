//! Everything below `users/{id}/authentication`.

use http::Method as Verb;
use serde_json::{Value, json};

use super::{delete, users::reachable};
use crate::{
    account::Account,
    answer::{Handled, Refusal, Success, context},
    call::{Call, Version},
    method::{Method, MethodKind},
    permissions::{Granted, METHODS_READ, POLICIES},
    state::State,
};

/// The segments that list one type of method.
const TYPED: [&str; 11] = [
    "phoneMethods",
    "microsoftAuthenticatorMethods",
    "softwareOathMethods",
    "hardwareOathMethods",
    "emailMethods",
    "passwordMethods",
    "fido2Methods",
    "windowsHelloForBusinessMethods",
    "platformCredentialMethods",
    "temporaryAccessPassMethods",
    "externalAuthenticationMethods",
];

/// Answers for one segment, or for one method in it.
pub(super) fn handle(
    state: &mut State,
    granted: &Granted,
    (user, segment, id): (&str, &str, Option<&str>),
    call: &Call,
) -> Handled {
    let version = call.version();
    let known = match segment {
        "methods" => true,
        // One object each, rather than a list.
        "requirements" | "signInPreferences" | "qrCodePinMethod" => version == Version::Beta && id.is_none(),
        "hardwareOathMethods" => version == Version::Beta,
        typed => TYPED.contains(&typed),
    };
    if !known {
        return Err(Refusal::no_segment(segment));
    }
    if call.method == Verb::DELETE {
        let id = id.ok_or_else(Refusal::method_not_allowed)?;
        return delete::method(state, granted, (user, segment, id), call);
    }
    if call.method == Verb::PATCH && segment == "signInPreferences" {
        return prefer(state, granted, user, call);
    }
    call.must_be_get()?;
    if segment == "requirements" {
        granted.require(POLICIES)?;
    } else if !granted.has(METHODS_READ) && !delete::finer_permission(granted, segment) {
        return Err(Refusal::denied());
    }
    call.only(&[])?;
    let account = reachable(state, user)?;
    match (segment, id) {
        ("requirements", _) => Ok(Success::Json(json!({
            "@odata.context": "https://graph.microsoft.com/beta/$metadata#strongAuthenticationRequirements",
            "perUserMfaState": account.user.per_user_mfa,
        }))),
        ("signInPreferences", _) => Ok(Success::Json(json!({
            "@odata.context": "https://graph.microsoft.com/beta/$metadata#signInPreferences",
            "isSystemPreferredAuthenticationMethodEnabled": false,
            "userPreferredMethodForSecondaryAuthentication": account.preferred(),
        }))),
        ("qrCodePinMethod", _) => {
            let found = account.shown(state.now()).into_iter().find(|method| is_in(method, version, segment));
            found.map(|method| Success::Json(shown(method, version, segment))).ok_or_else(Refusal::no_method)
        }
        (segment, None) => Ok(list(state, version, account, segment)),
        (segment, Some(id)) => one(state, version, account, (segment, id)),
    }
}

/// Makes another method the default. The permissions for one kind of method do not reach this.
fn prefer(state: &mut State, granted: &Granted, user: &str, call: &Call) -> Handled {
    granted.require(&["UserAuthenticationMethod.ReadWrite.All"])?;
    call.only(&[])?;
    if state.options.faults.refuse_preferences {
        return Err(Refusal::denied());
    }
    let asked: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let preferred = asked["userPreferredMethodForSecondaryAuthentication"].as_str();
    let id = reachable(state, user)?.id;
    let is_set = preferred.is_some_and(|preferred| state.account(id).prefer(preferred));
    is_set.then_some(Success::NoContent).ok_or_else(|| {
        Refusal::methods("The preferred method is not one that the user has registered.".to_owned())
    })
}

fn is_in(method: &Method, version: Version, segment: &str) -> bool {
    let own = method.kind().segment();
    let of_beta = matches!(method.kind(), MethodKind::HardwareOath | MethodKind::QrCodePin);
    let hidden = version == Version::V1 && of_beta;
    !hidden && (segment == "methods" || own.as_deref() == Some(segment))
}

fn shown(method: &Method, version: Version, segment: &str) -> Value {
    if segment == "methods" { method.listed(version) } else { method.typed(version) }
}

fn list(state: &State, version: Version, account: &Account, segment: &str) -> Success {
    let methods = account.shown(state.now());
    let value: Vec<Value> = methods
        .into_iter()
        .filter(|method| is_in(method, version, segment))
        .map(|method| shown(method, version, segment))
        .collect();
    let context = context(&format!("users('{}')/authentication/{segment}", account.id));
    Success::Json(json!({ "@odata.context": context, "value": value }))
}

fn one(state: &State, version: Version, account: &Account, (segment, id): (&str, &str)) -> Handled {
    let methods = account.shown(state.now());
    let found = methods.into_iter().find(|method| method.id == id && is_in(method, version, segment));
    found.map(|method| Success::Json(shown(method, version, segment))).ok_or_else(Refusal::no_method)
}

#[cfg(test)]
mod tests {
    use crate::{
        Faults, MethodKind, NewMethod, PerUserMfa,
        testing::{client, mobile, options},
    };

    #[tokio::test(start_paused = true)]
    async fn hardware_tokens_show_in_beta_only() {
        let client = client(options()).await;
        let id = client.user("ada");
        client.tenant.add_method(id, NewMethod::new(MethodKind::HardwareOath));
        let names = |items: Vec<serde_json::Value>| -> Vec<String> {
            items.iter().map(|item| item["@odata.type"].as_str().unwrap().to_owned()).collect()
        };
        let v1 = client.get(&format!("/v1.0/users/{id}/authentication/methods")).await;
        assert_eq!(names(v1.items()), ["#microsoft.graph.passwordAuthenticationMethod"]);
        let beta = client.get(&format!("/beta/users/{id}/authentication/methods")).await;
        assert_eq!(names(beta.items())[1], "#microsoft.graph.hardwareOathAuthenticationMethod");
        let typed = format!("users/{id}/authentication/hardwareOathMethods");
        assert_eq!(client.get(&format!("/v1.0/{typed}")).await.status, 400);
        assert_eq!(client.get(&format!("/beta/{typed}")).await.items().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn methods_look_as_documented() {
        let client = client(options()).await;
        let id = client.user("ada");
        client.tenant.register(id, mobile().sms_sign_in());
        client.tenant.register(id, NewMethod::authenticator_with_code());
        let items = client.get(&format!("/v1.0/users/{id}/authentication/methods")).await.items();
        assert_eq!(items.len(), 4);
        assert_eq!(items[1]["id"], "3179e48a-750b-4051-897c-87b9720928f7");
        assert_eq!(items[1]["smsSignInState"], "ready");
        for item in &items[1..] {
            assert!(
                item["createdDateTime"].is_null()
                    && item.as_object().unwrap().contains_key("createdDateTime")
            );
            assert!(item.get("lastUsedDateTime").is_none(), "{item}");
        }
        let beta = client.get(&format!("/beta/users/{id}/authentication/methods")).await.items();
        assert!(beta.iter().all(|item| item.as_object().unwrap().contains_key("lastUsedDateTime")));
        assert_eq!(beta[2]["clientAppName"], "microsoftAuthenticator");
        assert_eq!(items[3]["@odata.type"], "#microsoft.graph.softwareOathAuthenticationMethod");
        let phones = client.get(&format!("/v1.0/users/{id}/authentication/phoneMethods")).await.items();
        assert_eq!(phones[0]["phoneType"], "mobile");
        assert!(phones[0].get("@odata.type").is_none());
        let one =
            format!("/v1.0/users/{id}/authentication/phoneMethods/{}", items[1]["id"].as_str().unwrap());
        assert_eq!(client.get(&one).await.json()["phoneNumber"], "+1 2065550100");
    }

    #[tokio::test(start_paused = true)]
    async fn external_methods_are_a_list_and_a_qr_code_is_one_object_of_beta() {
        let client = client(options()).await;
        let id = client.user("ada");
        let of = |version: &str, segment: &str| format!("/{version}/users/{id}/authentication/{segment}");
        assert_eq!(client.get(&of("beta", "qrCodePinMethod")).await.status, 404);
        client.tenant.add_method(id, NewMethod::new(MethodKind::External));
        client.tenant.add_method(id, NewMethod::new(MethodKind::QrCodePin));
        assert_eq!(client.get(&of("v1.0", "externalAuthenticationMethods")).await.items().len(), 1);
        assert!(client.get(&of("beta", "qrCodePinMethod")).await.json()["id"].is_string());
        for (version, segment) in
            [("v1.0", "qrCodePinMethod"), ("beta", "qrCodePinMethods"), ("v1.0", "externalMethods")]
        {
            assert_eq!(client.get(&of(version, segment)).await.status, 400, "{segment}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn query_options_are_refused() {
        let client = client(options()).await;
        let id = client.user("ada");
        for query in ["$select=id", "$top=5", "$filter=id eq 'x'"] {
            let path = format!("/v1.0/users/{id}/authentication/methods?{query}");
            assert_eq!(client.get(&path).await.status, 400, "{query}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requirements_and_preferences_are_beta_only() {
        let client = client(options()).await;
        let id = client.user("ada");
        client.tenant.set_per_user_mfa(id, PerUserMfa::Enforced);
        client.tenant.register(id, NewMethod::authenticator());
        let requirements = format!("users/{id}/authentication/requirements");
        let reply = client.get(&format!("/beta/{requirements}")).await;
        assert_eq!(reply.json()["perUserMfaState"], "enforced");
        assert_eq!(client.get(&format!("/v1.0/{requirements}")).await.status, 400);
        let preferences = client.get(&format!("/beta/users/{id}/authentication/signInPreferences")).await;
        assert_eq!(preferences.json()["userPreferredMethodForSecondaryAuthentication"], "push");
    }

    #[tokio::test(start_paused = true)]
    async fn restricted_and_missing_users_are_refused() {
        let client = client(options()).await;
        let (unit, fault) = (client.user("ada"), client.user("ben"));
        client.tenant.set_restricted(unit, true);
        client.tenant.set_faults(Faults { restricted_users: vec![fault], ..Faults::default() });
        for id in [unit, fault] {
            for segment in ["methods", "requirements", "signInPreferences", "phoneMethods"] {
                let reply = client.get(&format!("/beta/users/{id}/authentication/{segment}")).await;
                assert_eq!((reply.status, reply.code().as_str()), (403, "Authorization_RequestDenied"));
            }
            assert_eq!(client.get(&format!("/v1.0/users/{id}")).await.status, 200);
        }
        let nobody = uuid::Uuid::nil();
        assert_eq!(client.get(&format!("/v1.0/users/{nobody}/authentication/methods")).await.status, 404);
    }

    #[tokio::test(start_paused = true)]
    async fn each_permission_opens_its_own_part() {
        let mut options = options();
        options.permissions = vec!["UserAuthMethod-Phone.ReadWrite.All".to_owned()];
        let client = client(options).await;
        let id = client.user("ada");
        let status = async |segment: &str| {
            client.get(&format!("/beta/users/{id}/authentication/{segment}")).await.status
        };
        assert_eq!(status("phoneMethods").await, 200);
        assert_eq!(status("methods").await, 403);
        assert_eq!(status("softwareOathMethods").await, 403);
        assert_eq!(status("requirements").await, 403);
        assert_eq!(status("nonsense").await, 400);
    }
}
