//! Users, their methods and per-user MFA.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    method::{Method, MethodKind, NewMethod, PhoneType},
    origin::{By, Origin},
};

/// The state of a user's per-user MFA: `perUserMfaState` in Graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PerUserMfa {
    /// Nobody asked for MFA.
    Disabled,
    /// An administrator enabled it.
    Enabled,
    /// It was enabled and the user has registered.
    Enforced,
}

/// A user to add.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The principal name; unique in the tenant.
    pub user_principal_name: String,
    /// Graph's `displayName`; [`NewUser::named`] makes it from the principal name.
    pub display_name: String,
    /// `Member`, `Guest` or null.
    pub user_type: Option<String>,
    /// Whether the user can sign in.
    pub account_enabled: bool,
    /// Graph's `externalUserState`: the state of a B2B invitation.
    pub external_user_state: Option<String>,
    /// `Invitation` for B2B users.
    pub creation_type: Option<String>,
    /// Whether the user is synchronised from on premises.
    pub on_premises_sync_enabled: Option<bool>,
    /// Whether there is a password method.
    pub password: bool,
    /// The state of the user's per-user MFA.
    pub per_user_mfa: PerUserMfa,
    /// When the account was created.
    pub created_at: Timestamp,
    /// When the password was last changed.
    pub last_password_change_at: Option<Timestamp>,
    /// Whether the person really knows the password: one who came with a temporary access pass does not.
    pub knows_password: bool,
}

/// When an account was created if nothing else is said.
const LONG_AGO: Timestamp = Timestamp::constant(1_577_872_800, 0);

impl NewUser {
    /// An ordinary member with a password.
    pub fn named(user_principal_name: &str) -> Self {
        let name = user_principal_name.split('@').next().unwrap_or_default();
        Self {
            user_principal_name: user_principal_name.to_owned(),
            display_name: name.replace('.', " "),
            user_type: Some("Member".to_owned()),
            account_enabled: true,
            external_user_state: None,
            creation_type: None,
            on_premises_sync_enabled: None,
            password: true,
            per_user_mfa: PerUserMfa::Disabled,
            created_at: LONG_AGO,
            last_password_change_at: Some(LONG_AGO),
            knows_password: true,
        }
    }
}

/// A user as it really is, whatever lists still show.
#[derive(Debug, Clone, Serialize)]
pub struct UserView {
    /// The user's Entra object id.
    pub id: Uuid,
    /// The principal name, as it was given.
    pub user_principal_name: String,
    /// Whether the user is deleted.
    pub deleted: bool,
    /// Whether the user can sign in.
    pub account_enabled: bool,
    /// The state of the user's per-user MFA.
    pub per_user_mfa: PerUserMfa,
    /// All methods, the password included.
    pub methods: Vec<MethodView>,
}

impl UserView {
    /// Whether a phone, the Authenticator or a software OATH method is there.
    pub fn has_strong_methods(&self) -> bool {
        self.methods
            .iter()
            .any(|method| matches!(method.kind.as_str(), "phone" | "microsoftAuthenticator" | "softwareOath"))
    }
}

/// A method that is really there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MethodView {
    /// The short name of its kind, like `phone`.
    pub kind: String,
    /// Graph's id of it; all passwords have the same id, and all phones of one type.
    pub id: String,
    /// Its `createdDateTime`; `None` if Graph shows none.
    pub created: Option<Timestamp>,
    /// Whether it is the user's default.
    pub is_default: bool,
    /// Where it really comes from.
    pub origin: Origin,
}

/// The properties of a user that `$select` knows.
pub(crate) const PROPERTIES: [&str; 10] = [
    "id",
    "userPrincipalName",
    "displayName",
    "userType",
    "accountEnabled",
    "externalUserState",
    "creationType",
    "onPremisesSyncEnabled",
    "createdDateTime",
    "lastPasswordChangeDateTime",
];

#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: Uuid,
    pub(crate) user: NewUser,
    pub(crate) deleted: bool,
    pub(crate) methods: Vec<Method>,
    /// Methods that are gone, and until when they still show.
    removed: Vec<(Method, Timestamp)>,
    default_method: Option<String>,
    /// Strong methods that are gone: since when each was there, and until when.
    former: Vec<(Timestamp, Timestamp)>,
    /// When per-user MFA was last switched off.
    pub(crate) per_user_mfa_until: Option<Timestamp>,
    /// When a temporary access pass was issued.
    pub(crate) access_pass_at: Option<Timestamp>,
    /// When another ledger's rollback took all strong methods.
    pub(crate) rolled_back_elsewhere_at: Option<Timestamp>,
}

impl Account {
    pub(crate) fn new(id: Uuid, user: NewUser) -> Self {
        let created_at = user.created_at;
        let mut account = Self {
            id,
            deleted: false,
            methods: Vec::new(),
            removed: Vec::new(),
            default_method: None,
            former: Vec::new(),
            per_user_mfa_until: None,
            access_pass_at: None,
            rolled_back_elsewhere_at: None,
            user,
        };
        if account.user.password {
            let origin = Origin { came_at: created_at, by: By::Admin, event_id: None };
            account.add(String::new(), NewMethod::new(MethodKind::Password), origin);
        }
        account
    }

    /// Adds a method, in place of one with the same id. The first strong method becomes the default. A number
    /// that the user already has in that place keeps its date and origin.
    pub(crate) fn add(&mut self, id: String, mut what: NewMethod, mut origin: Origin) -> String {
        let id = what.fixed_id().map_or(id, str::to_owned);
        if what.default || (self.default_method.is_none() && what.kind.is_strong()) {
            self.default_method = Some(id.clone());
        }
        let mut last_used = None;
        if let Some(at) = self.methods.iter().position(|method| method.id == id) {
            let before = self.methods.remove(at);
            if what.number.is_some() && before.what.number == what.number {
                origin.came_at = origin.came_at.min(before.origin.came_at);
                origin.by = before.origin.by;
                what.created = before.what.created;
                last_used = before.last_used;
            } else if before.kind().is_strong() {
                self.former.push((before.origin.came_at, origin.came_at));
            }
        }
        self.methods.push(Method { id: id.clone(), what, origin, last_used });
        id
    }

    /// Whether a strong method was there at that moment.
    pub(crate) fn had_mfa_at(&self, at: Timestamp) -> bool {
        let still = self.methods.iter().any(|method| method.kind().is_strong() && method.origin.came_at < at);
        still || self.former.iter().any(|(since, until)| *since < at && at <= *until)
    }

    /// Removes a method; it still shows for a while.
    pub(crate) fn remove(&mut self, id: &str, now: Timestamp, shows_for: Duration) -> Option<Method> {
        let at = self.methods.iter().position(|method| method.id == id)?;
        let method = self.methods.remove(at);
        self.removed.retain(|(_, until)| *until > now);
        if method.kind().is_strong() {
            self.former.push((method.origin.came_at, now));
        }
        self.removed.push((method.clone(), now + shows_for));
        if self.default_method.as_deref() == Some(id) {
            self.default_method = None;
        }
        Some(method)
    }

    /// The methods that lists show.
    pub(crate) fn shown(&self, now: Timestamp) -> Vec<&Method> {
        let ghosts = self
            .removed
            .iter()
            .filter(|(gone, until)| *until > now && self.methods.iter().all(|method| method.id != gone.id));
        let mut shown: Vec<&Method> = self.methods.iter().collect();
        for (ghost, _) in ghosts {
            if shown.iter().all(|method| method.id != ghost.id) {
                shown.push(ghost);
            }
        }
        shown
    }

    /// Whether a method is the default while others remain or still seem to.
    pub(crate) fn is_blocked_default(&self, id: &str, now: Timestamp) -> bool {
        self.default_method.as_deref() == Some(id)
            && self.shown(now).iter().any(|method| method.id != id && method.kind().is_strong())
    }

    pub(crate) fn has_alternate_mobile(&self) -> bool {
        self.methods.iter().any(|method| *method.kind() == MethodKind::Phone(PhoneType::AlternateMobile))
    }

    /// Graph's `userPreferredMethodForSecondaryAuthentication`; `None` without a default.
    pub(crate) fn preferred(&self) -> Option<&'static str> {
        let id = self.default_method.as_deref()?;
        self.methods.iter().find(|method| method.id == id).and_then(preference)
    }

    /// Makes the method the default that Graph calls so. Returns whether the user has one.
    pub(crate) fn prefer(&mut self, preferred: &str) -> bool {
        let preferred = if preferred == "voiceMobile" { "sms" } else { preferred };
        let found = self.methods.iter().find(|method| preference(method) == Some(preferred));
        let found = found.map(|method| method.id.clone());
        let is_there = found.is_some();
        self.default_method = found.or(self.default_method.take());
        is_there
    }

    /// One property as Graph shows it.
    pub(crate) fn property(&self, name: &str) -> Value {
        match name {
            "id" => json!(self.id),
            "userPrincipalName" => json!(self.user.user_principal_name),
            "displayName" => json!(self.user.display_name),
            "userType" => json!(self.user.user_type),
            "accountEnabled" => json!(self.user.account_enabled),
            "externalUserState" => json!(self.user.external_user_state),
            "creationType" => json!(self.user.creation_type),
            "onPremisesSyncEnabled" => json!(self.user.on_premises_sync_enabled),
            "createdDateTime" => json!(written(self.user.created_at)),
            "lastPasswordChangeDateTime" => json!(self.user.last_password_change_at.map(written)),
            _ => Value::Null,
        }
    }

    pub(crate) fn view(&self) -> UserView {
        UserView {
            id: self.id,
            user_principal_name: self.user.user_principal_name.clone(),
            deleted: self.deleted,
            account_enabled: self.user.account_enabled,
            per_user_mfa: self.user.per_user_mfa,
            methods: self
                .methods
                .iter()
                .map(|method| MethodView {
                    kind: method.kind().name().to_owned(),
                    id: method.id.clone(),
                    created: method.what.created,
                    is_default: self.default_method.as_deref() == Some(method.id.as_str()),
                    origin: method.origin.clone(),
                })
                .collect(),
        }
    }
}

/// What a method is called as the default; `None` if it cannot be that.
fn preference(method: &Method) -> Option<&'static str> {
    match method.kind() {
        MethodKind::Phone(PhoneType::Mobile) => Some("sms"),
        MethodKind::Phone(PhoneType::AlternateMobile) => Some("voiceAlternateMobile"),
        MethodKind::Phone(PhoneType::Office) => Some("voiceOffice"),
        MethodKind::MicrosoftAuthenticator => Some("push"),
        MethodKind::SoftwareOath | MethodKind::HardwareOath => Some("oath"),
        _ => None,
    }
}

/// Formats a moment as Graph does, to the second.
fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
