//! Settings, read from the environment in one go: every fault is reported, each with its variable.

mod choices;
pub mod table;
mod vars;

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde::Serialize;

pub use self::{
    choices::{MfaRequiredUsers, Mode, PreexistingMethods, UnprovenMethods},
    vars::{Fault, Lookup, SettingsError, Vars, choice, environment, parse},
};

use crate::{
    cloud::{Cloud, Endpoints},
    digest::digest,
    domain::{
        approval::RequireApproval,
        brake::Limits,
        decision::Fingerprint,
        ids::{GroupId, TenantId, UserId},
        user_ref::UserRef,
        window::Window,
    },
};

/// Users named by list and by group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct UsersAndGroup {
    /// Object ids and principal names.
    pub users: BTreeSet<UserRef>,
    /// A group, which stands for its transitive members.
    pub group: Option<GroupId>,
}

impl UsersAndGroup {
    /// Whether nobody is named.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.group.is_none()
    }
}

/// The settings that a decision depends on. When their fingerprint changes, held users are looked
/// at again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// `PREVIEW_ENABLED_AT`, `PREVIEW_DISABLED_AT` and `REGISTERED_UNTIL`.
    pub window: Window,
    /// Break-glass accounts and all others that must never be touched.
    pub excluded: UsersAndGroup,
    /// Roll back administrators too.
    pub include_administrators: bool,
    /// Roll back guests and other external users too.
    pub include_external_users: bool,
    /// Roll back accounts that were created in the window too.
    pub include_new_accounts: bool,
    /// What to do with methods that are older than the window.
    pub preexisting_methods: PreexistingMethods,
    /// What to do with methods that nothing proves to be from the window.
    pub unproven_methods: UnprovenMethods,
    /// What to do with users of whom Conditional Access or security defaults demand MFA today.
    pub mfa_required_users: MfaRequiredUsers,
    /// `RELEASABLE_USER_IDS`: the users whom a person may release although they are administrators or would have
    /// nothing left to sign in with. It lets nobody through by itself, so it is not part of the fingerprint.
    #[serde(skip)]
    pub releasable: BTreeSet<UserId>,
}

impl Policy {
    /// Returns a digest that differs if the policy differs.
    pub fn fingerprint(&self) -> Fingerprint {
        let canonical = serde_json::to_vec(self).expect("a policy is plain data");
        Fingerprint(digest([canonical.as_slice()], 8))
    }
}

/// The settings that the CLI and the functions have in common.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `AZURE_TENANT_ID`: the tenant that is read, and that the ledger belongs to.
    pub tenant: TenantId,
    /// `AZURE_CLIENT_ID`: the app registration to sign in as.
    pub client_id: String,
    /// Another app registration deletes, so this one does not need the permission to.
    pub another_deletes: bool,
    /// Where to sign in and where Graph is.
    pub endpoints: Endpoints,
    /// What decisions depend on.
    pub policy: Policy,
    /// `MODE`; `report` if it is not set.
    pub mode: Mode,
    /// `CANARY_USER_IDS` and `CANARY_GROUP_ID`; never both empty in mode `canary`.
    pub canary: UsersAndGroup,
    /// `NO_EXCLUSIONS`: a person confirms that there is nobody to exclude.
    pub no_exclusions: bool,
    /// `MAX_ROLLBACKS_PER_DAY` and `MAX_FAILURE_PERCENT`: the daily cap, and when the brake opens.
    pub limits: Limits,
    /// `SECOND_LOOK_MINUTES`: how long before its deletion a method must have been seen; records come late.
    pub second_look: SignedDuration,
    /// `REQUIRE_APPROVAL`: which rollbacks wait until people have approved a plan that names them.
    pub require_approval: RequireApproval,
    /// How many people have to approve: `PLAN_APPROVERS` of the functions; one on a ledger that knows one person.
    pub plan_approvers: u32,
    /// `OVERLAP_MINUTES`: how far a scan goes back behind the watermark.
    pub overlap: SignedDuration,
    /// `AUDIT_RETENTION_DAYS`: how long Entra keeps audit events.
    pub retention: SignedDuration,
    /// `GRAPH_REQUESTS_PER_SECOND`: how many requests are in flight at first; the pace adapts.
    pub requests_per_second: f64,
    /// `GRAPH_REPORTS_PER_10_SECONDS`: how many requests for reports and the audit log may be sent in 10 s. Functions
    /// that run beside each other share it.
    pub reports_per_10_seconds: f64,
    /// How many requests to Conditional Access a second this process sends at most: Graph grants the tenant 1.
    pub conditional_access_per_second: f64,
    /// `LOG_USER_PRINCIPAL_NAMES`: whether the ledger keeps principal names.
    pub log_user_principal_names: bool,
}

impl Settings {
    /// Reads all settings. The error says everything that is wrong with them.
    pub fn read(lookup: impl Lookup) -> Result<Self, SettingsError> {
        let mut vars = Vars::new(lookup);
        let settings = Self::from_vars(&mut vars);
        vars.finish(settings)
    }

    /// Reads all settings as part of a larger set. `None` means that a fault was recorded.
    pub fn from_vars(vars: &mut Vars<impl Lookup>) -> Option<Self> {
        let tenant = vars.required("AZURE_TENANT_ID", parse);
        let client_id = vars.required("AZURE_CLIENT_ID", |text| Ok(text.to_owned()));
        let cloud = vars.optional("AZURE_CLOUD", choice::<Cloud>).unwrap_or(Cloud::Global);
        let authority = vars.optional("AZURE_AUTHORITY_HOST", Endpoints::parse);
        let graph = vars.optional("GRAPH_ENDPOINT", Endpoints::parse);
        let window = vars.window();
        if window.is_none() && !vars.set("PREVIEW_DISABLED_AT") {
            vars.fault(
                "PREVIEW_DISABLED_AT",
                "is not set: when the preview was disabled, like 2026-03-01T00:00:00Z",
            );
        }
        let excluded = UsersAndGroup {
            users: vars.users("EXCLUDED_USER_IDS"),
            group: vars.optional("EXCLUDED_GROUP_ID", parse),
        };
        let canary = UsersAndGroup {
            users: vars.users("CANARY_USER_IDS"),
            group: vars.optional("CANARY_GROUP_ID", parse),
        };
        let mode = vars.optional("MODE", choice).unwrap_or(Mode::Report);
        if mode == Mode::Canary && canary.is_empty() {
            vars.fault("CANARY_USER_IDS", "mode canary needs CANARY_USER_IDS or CANARY_GROUP_ID");
        }
        let include_administrators = vars.boolean("INCLUDE_ADMINISTRATORS");
        let include_external_users = vars.boolean("INCLUDE_EXTERNAL_USERS");
        let preexisting_methods = vars.optional("PREEXISTING_METHODS", choice);
        let include_new_accounts = vars.boolean("INCLUDE_NEW_ACCOUNTS");
        let unproven_methods = vars.optional("UNPROVEN_METHODS", choice);
        let mfa_required_users = vars.optional("MFA_REQUIRED_USERS", choice);
        if vars.set("UNDATED_METHODS") {
            vars.fault("UNDATED_METHODS", "is now UNPROVEN_METHODS: hold, count or roll_back");
        }
        let releasable = vars.user_ids("RELEASABLE_USER_IDS");
        let no_exclusions = vars.boolean("NO_EXCLUSIONS");
        let max_rollbacks_per_day = vars.number(&table::MAX_ROLLBACKS_PER_DAY);
        let max_failure_percent = vars.number(&table::MAX_FAILURE_PERCENT);
        let second_look = vars.number(&table::SECOND_LOOK_MINUTES);
        let require_approval = vars.optional("REQUIRE_APPROVAL", choice).unwrap_or(RequireApproval::Off);
        let overlap = vars.number(&table::OVERLAP_MINUTES);
        let retention = vars.number(&table::AUDIT_RETENTION_DAYS);
        let requests_per_second = vars.decimal(&table::GRAPH_REQUESTS_PER_SECOND);
        let reports_per_10_seconds = vars.number(&table::GRAPH_REPORTS_PER_10_SECONDS);
        let log_user_principal_names = vars.boolean("LOG_USER_PRINCIPAL_NAMES");

        Some(Self {
            tenant: tenant?,
            client_id: client_id?,
            another_deletes: false,
            endpoints: Endpoints::of(cloud, authority, graph),
            policy: Policy {
                window: window?,
                excluded,
                include_administrators,
                include_external_users,
                preexisting_methods: preexisting_methods.unwrap_or(PreexistingMethods::Hold),
                include_new_accounts,
                unproven_methods: unproven_methods.unwrap_or(UnprovenMethods::Hold),
                mfa_required_users: mfa_required_users.unwrap_or(MfaRequiredUsers::Hold),
                releasable,
            },
            mode,
            canary,
            no_exclusions,
            limits: Limits { max_rollbacks_per_day, max_failure_percent },
            second_look: SignedDuration::from_mins(second_look.into()),
            require_approval,
            plan_approvers: 1,
            overlap: SignedDuration::from_mins(overlap.into()),
            retention: SignedDuration::from_hours(i64::from(retention) * 24),
            requests_per_second,
            reports_per_10_seconds: reports_per_10_seconds.into(),
            conditional_access_per_second: 1.0,
            log_user_principal_names,
        })
    }

    /// Whether the permission to delete is needed.
    pub fn needs_to_delete(&self) -> bool {
        self.mode != Mode::Report && !self.another_deletes
    }

    /// Reads only the window, for exports that are read without other settings. `None` if
    /// `PREVIEW_DISABLED_AT` is not set.
    pub fn read_window(lookup: impl Lookup) -> Result<Option<Window>, SettingsError> {
        let mut vars = Vars::new(lookup);
        let window = vars.window();
        vars.finish(Some(window))
    }

    /// Reads only `RELEASABLE_USER_IDS`, for a release on a ledger that needs no other settings.
    pub fn read_releasable(lookup: impl Lookup) -> Result<BTreeSet<UserId>, SettingsError> {
        let mut vars = Vars::new(lookup);
        let releasable = vars.user_ids("RELEASABLE_USER_IDS");
        vars.finish(Some(releasable))
    }

    /// Reads only the tenant, to find its ledger. `None` if it is not set.
    pub fn read_tenant(lookup: impl Lookup) -> Result<Option<TenantId>, SettingsError> {
        let mut vars = Vars::new(lookup);
        let tenant = vars.optional("AZURE_TENANT_ID", parse);
        vars.finish(Some(tenant))
    }
}

#[cfg(test)]
mod document_tests;
#[cfg(test)]
mod tests;
