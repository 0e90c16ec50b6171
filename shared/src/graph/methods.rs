//! A user's authentication methods and per-user MFA state.

use std::time::Duration;

use serde::Deserialize;

use super::{
    answer::{Answer, request_id},
    call::{Budget, Call},
    client::Graph,
    error::GraphError,
    pace::{Turn, Urgency},
    url::segment,
};
use crate::domain::{
    default_method::DefaultMethod,
    ids::{MethodId, UserId},
    intent::{Deletion, NewDefault},
    method::{AuthenticationMethod, MethodKind, PerUserMfa, PhoneType, SmsSignIn},
};

const READ: &[&str] = &["UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All"];
const WRITE: &[&str] = &[
    "UserAuthenticationMethod.ReadWrite.All",
    "UserAuthMethod-Phone.ReadWrite.All",
    "UserAuthMethod-MicrosoftAuthApp.ReadWrite.All",
    "UserAuthMethod-SoftwareOATH.ReadWrite.All",
];

#[derive(Deserialize)]
struct RawMethod {
    #[serde(rename = "@odata.type", default)]
    odata_type: String,
    id: String,
    #[serde(rename = "createdDateTime", default)]
    created: Option<String>,
    #[serde(rename = "creationDateTime", default)]
    creation: Option<String>,
    #[serde(rename = "phoneNumber", default)]
    phone_number: Option<String>,
    #[serde(rename = "phoneType", default)]
    phone_type: Option<String>,
    #[serde(rename = "smsSignInState", default)]
    sms_sign_in: Option<String>,
}

#[derive(Deserialize)]
struct SignInPreferences {
    #[serde(rename = "userPreferredMethodForSecondaryAuthentication", default)]
    preferred: Option<DefaultMethod>,
}

#[derive(Deserialize)]
struct Requirements {
    #[serde(rename = "perUserMfaState")]
    per_user_mfa_state: PerUserMfa,
}

impl RawMethod {
    fn read(self) -> Result<AuthenticationMethod, GraphError> {
        let unreadable = |what: &str| GraphError::Unreadable { what: what.to_owned() };
        let raw = self;
        let kind = kind(&raw.odata_type).ok_or_else(|| unreadable("a method with a type"))?;
        let created = match raw.created.or(raw.creation) {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| unreadable("a method's date"))?),
        };
        let phone_type = match (raw.id.as_str(), raw.phone_type.as_deref()) {
            ("3179e48a-750b-4051-897c-87b9720928f7", _) | (_, Some("mobile")) => Some(PhoneType::Mobile),
            ("b6332ec1-7057-4abe-9331-3d72feddfe41", _) | (_, Some("alternateMobile")) => {
                Some(PhoneType::AlternateMobile)
            }
            ("e37fc753-ff3b-4958-9484-eaa9425c82bc", _) | (_, Some("office")) => Some(PhoneType::Office),
            _ => None,
        };
        let sms_sign_in =
            if raw.sms_sign_in.as_deref() == Some("ready") { SmsSignIn::Ready } else { SmsSignIn::Not };
        segment(&raw.id)?;
        Ok(AuthenticationMethod {
            kind,
            id: MethodId(raw.id),
            created,
            phone_number: raw.phone_number,
            phone_type,
            sms_sign_in,
        })
    }
}

/// The kind in a type name: `#microsoft.graph.phoneAuthenticationMethod` is a phone.
fn kind(odata_type: &str) -> Option<MethodKind> {
    let name = odata_type.strip_prefix("#microsoft.graph.")?;
    let name = name.strip_suffix("AuthenticationMethod").unwrap_or(name);
    (!name.is_empty()).then(|| {
        MethodKind::from(name.chars().filter(char::is_ascii_alphanumeric).take(60).collect::<String>())
    })
}

/// A GET that counts against the budget of authentication methods.
fn methods(url: String, needs: &'static [&'static str]) -> Call {
    Call { budget: Budget::Methods, ..Call::get(url, needs) }
}

impl Graph {
    /// Reads the per-user MFA state, which only beta has.
    pub async fn per_user_mfa(
        &self,
        user: UserId,
        urgency: Urgency,
    ) -> Result<Answer<PerUserMfa>, GraphError> {
        let url = format!("{}/beta/users/{user}/authentication/requirements", self.base);
        let call = Call { urgency, ..methods(url, &["Policy.Read.All"]) };
        let answer: Answer<Requirements> = self.get(call).await?;
        Ok(Answer { body: answer.body.per_user_mfa_state, request_id: answer.request_id, sent: answer.sent })
    }

    /// Reads all methods, from beta because v1.0 omits hardware tokens.
    pub async fn methods(
        &self,
        user: UserId,
        urgency: Urgency,
    ) -> Result<Answer<Vec<AuthenticationMethod>>, GraphError> {
        let url = format!("{}/beta/users/{user}/authentication/methods", self.base);
        let page = self.page::<RawMethod>(Call { urgency, ..methods(url, READ) }).await?;
        if page.next.is_some() {
            return Err(GraphError::Unreadable { what: "all methods in one page".to_owned() });
        }
        let methods = page.items.into_iter().map(RawMethod::read).collect::<Result<_, _>>()?;
        Ok(Answer { body: methods, request_id: page.request_id, sent: page.sent })
    }

    /// Reads which method the user's second step asks for first; `None` if there is none.
    pub async fn default_method(&self, user: UserId) -> Result<Answer<Option<DefaultMethod>>, GraphError> {
        let url = format!("{}/beta/users/{user}/authentication/signInPreferences", self.base);
        let answer: Answer<SignInPreferences> = self.get(methods(url, READ)).await?;
        Ok(Answer { body: answer.body.preferred, request_id: answer.request_id, sent: answer.sent })
    }

    /// Changes it, without retries, like [`Graph::delete_method`]. The permissions for one kind of method do not
    /// reach it: [`GraphError::Forbidden`].
    /// Source: <https://learn.microsoft.com/en-us/graph/api/authentication-update>.
    pub async fn set_default_method(
        &self,
        turn: Turn,
        new: NewDefault,
    ) -> Result<Option<String>, GraphError> {
        let url = format!("{}/beta/users/{}/authentication/signInPreferences", self.base, new.user());
        let body = serde_json::json!({ "userPreferredMethodForSecondaryAuthentication": new.to() });
        let call = Call { method: http::Method::PATCH, body: body.to_string().into(), ..methods(url, &[]) };
        Ok(request_id(&self.send(&call, Some(turn)).await?))
    }

    /// Deletes one method, without retries: before trying again, the caller must check the lease, the brake
    /// and the user. [`GraphError::NotFound`] means that the method is already gone,
    /// [`GraphError::Unavailable`] that it may be gone.
    pub async fn delete_method(
        &self,
        turn: Turn,
        deletion: &Deletion<'_>,
    ) -> Result<Option<String>, GraphError> {
        let kind = match deletion.kind() {
            MethodKind::Phone => "phoneMethods",
            MethodKind::MicrosoftAuthenticator => "microsoftAuthenticatorMethods",
            MethodKind::SoftwareOath => "softwareOathMethods",
            _ => return Err(GraphError::Unreadable { what: "a kind that is rolled back".to_owned() }),
        };
        let url = format!(
            "{}/v1.0/users/{}/authentication/{kind}/{}",
            self.base,
            deletion.user(),
            segment(&deletion.id().0)?
        );
        let call = Call { method: http::Method::DELETE, ..methods(url, WRITE) };
        let answer = self.send(&call, Some(turn)).await?;
        Ok(request_id(&answer))
    }
}

/// The longest that a DELETE takes, including a sign-in that it may wait for.
pub const DELETE_TAKES_AT_MOST: Duration = Duration::from_secs(35);

/// How long Graph may still list a deleted method.
pub const REMOVAL_SHOWS_AFTER: Duration = Duration::from_secs(12);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<AuthenticationMethod, GraphError> {
        serde_json::from_str::<RawMethod>(json).unwrap().read()
    }

    #[test]
    fn kinds_come_from_the_type_and_unknown_ones_are_kept_by_name() {
        let method = read(r##"{"@odata.type":"#microsoft.graph.fido2AuthenticationMethod","id":"-2_GRUg2-HYz6_1YG4YRAQ2","creationDateTime":"2020-08-10T06:44:09Z"}"##).unwrap();
        assert_eq!(method.kind, MethodKind::Fido2);
        assert!(method.created.is_some());
        let method = read(r##"{"@odata.type":"#microsoft.graph.retinaAuthenticationMethod","id":"x","createdDateTime":null}"##).unwrap();
        assert_eq!(method.kind, MethodKind::Unknown("retina".into()));
    }

    #[test]
    fn a_method_that_is_not_understood_is_no_method_list() {
        for json in [
            r#"{"id":"x"}"#,
            r##"{"@odata.type":"#microsoft.graph.phoneAuthenticationMethod","id":".."}"##,
            r##"{"@odata.type":"#microsoft.graph.phoneAuthenticationMethod","id":"x","createdDateTime":"soon"}"##,
        ] {
            assert!(matches!(read(json), Err(GraphError::Unreadable { .. })), "{json}");
        }
    }

    #[test]
    fn a_number_never_shows_in_debug_output() {
        let method = read(r##"{"@odata.type":"#microsoft.graph.phoneAuthenticationMethod","id":"3179e48a-750b-4051-897c-87b9720928f7","phoneNumber":"+1 2065555555","phoneType":"mobile","smsSignInState":"ready"}"##).unwrap();
        assert_eq!(method.phone_type, Some(PhoneType::Mobile));
        assert_eq!(method.sms_sign_in, SmsSignIn::Ready);
        assert!(!format!("{method:?}").contains("2065555555"));
    }
}
