//! Preflight: what must hold before anything is deleted, and what an operator should know beforehand. A
//! reading is used for 10 minutes; before somebody's first DELETE it is at most 2 minutes old.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        facts::{Belts, Reading},
        ids::UserId,
        user_ref::UserRef,
        window::shift,
    },
    graph::{Eligibilities, Graph, GraphError, HIDDEN_MEMBERS, PrincipalKind, RoleGrant},
    settings::{Mode, Settings, UsersAndGroup},
};

/// How long a reading of the tenant serves for whoever is not rolled back.
pub(crate) const HOLDS_FOR: SignedDuration = SignedDuration::from_mins(10);

/// How many of the users that a setting names are looked up concurrently.
const AT_ONCE: usize = 8;

/// A reason why nothing may be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A person has to change a setting.
    Settings {
        /// The environment variable to change, such as `EXCLUDED_GROUP_ID`.
        variable: &'static str,
        /// What is wrong with it, in words for the operator.
        cause: String,
    },
    /// A person has to grant a permission.
    Permission {
        /// Its name in Graph's permissions reference, such as `Policy.Read.All`.
        permission: &'static str,
        /// What it is needed for.
        needed_for: &'static str,
    },
    /// Something could not be read from the tenant or its token.
    Unreadable {
        /// What was to be read, such as `directory roles`.
        what: &'static str,
        /// Why it could not be read: a permanent refusal, or what the token does not say.
        cause: String,
    },
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Settings { variable, cause } => write!(f, "{variable}: {cause}"),
            Self::Permission { permission, needed_for } => write!(
                f,
                "permission {permission} is not granted ({needed_for}): grant it to the app registration (API permissions, Microsoft Graph, Application) and give admin consent"
            ),
            Self::Unreadable { what, cause } => write!(f, "{what} cannot be read: {cause}"),
        }
    }
}

/// A required application permission, and alternatives that are as good.
#[derive(Debug, Clone, Copy)]
pub struct Needed {
    /// The permission that the operator is asked to grant if it is missing.
    pub permission: &'static str,
    /// Alternatives: all permissions of any one of these sets are enough instead.
    pub or: &'static [&'static [&'static str]],
    /// What it is needed for.
    pub needed_for: &'static str,
    /// Whether only deleting needs it.
    pub to_delete: bool,
}

/// The least-privileged permissions that the program needs (see Microsoft's permissions reference).
pub const NEEDED: &[Needed] = &[
    Needed {
        permission: "AuditLog.Read.All",
        or: &[],
        needed_for: "to read the audit log",
        to_delete: false,
    },
    Needed {
        permission: "Directory.Read.All",
        or: &[],
        needed_for: "to read the audit log, users and groups",
        to_delete: false,
    },
    Needed {
        permission: "Policy.Read.All",
        or: &[],
        needed_for: "to read per-user MFA and policies",
        to_delete: false,
    },
    Needed {
        permission: "RoleManagement.Read.Directory",
        or: &[&["RoleManagement.Read.All"]],
        needed_for: "to recognise administrators",
        to_delete: false,
    },
    Needed {
        permission: "PrivilegedEligibilitySchedule.Read.AzureADGroup",
        or: &[&["PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup"]],
        needed_for: "to recognise administrators by PIM for Groups",
        to_delete: false,
    },
    Needed {
        permission: "UserAuthenticationMethod.Read.All",
        or: &[&["UserAuthenticationMethod.ReadWrite.All"]],
        needed_for: "to read methods",
        to_delete: false,
    },
    Needed {
        permission: "UserAuthenticationMethod.ReadWrite.All",
        or: &[&[
            "UserAuthMethod-Phone.ReadWrite.All",
            "UserAuthMethod-MicrosoftAuthApp.ReadWrite.All",
            "UserAuthMethod-SoftwareOATH.ReadWrite.All",
        ]],
        needed_for: "to delete methods",
        to_delete: true,
    },
];

/// Permissions without which only `diagnose` says less.
pub const OPTIONAL: &[Needed] = &[Needed {
    permission: HIDDEN_MEMBERS,
    or: &[],
    needed_for: "lets diagnose see whether a user is in a group with hidden membership that the authentication methods policy names",
    to_delete: false,
}];

impl Needed {
    /// Whether this permission, or one whole set of alternatives, is among the granted ones.
    pub fn is_granted(&self, granted: &[String]) -> bool {
        let has = |permission: &str| granted.iter().any(|held| held == permission);
        has(self.permission) || self.or.iter().any(|set| set.iter().all(|permission| has(permission)))
    }
}

/// What was read about the tenant.
#[derive(Debug, Clone)]
pub struct Preflight {
    /// When the reading began.
    pub at: Timestamp,
    /// What forbids deleting; empty if nothing does.
    pub faults: Vec<Fault>,
    /// Excluded users, administrators and policies, each known or unreadable.
    pub belts: Belts,
    /// The canary users, including the group's members; empty in any mode but `canary`.
    pub canaries: BTreeSet<UserId>,
    /// The permissions that the access token grants; `None` if the token cannot be read.
    pub granted: Option<Vec<String>>,
    /// The tenant has no P2 licence: nobody can be PIM-eligible.
    pub no_pim_licence: bool,
}

impl Preflight {
    /// Whether anything may be deleted.
    pub fn passes(&self) -> bool {
        self.faults.is_empty()
    }

    /// Whether the reading began at most so long ago.
    pub fn is_within(&self, age: SignedDuration, now: Timestamp) -> bool {
        now < shift(self.at, age)
    }

    /// Reads the tenant. Returns an error if that is impossible now (Graph throttles or is unreachable) or if
    /// the sign-in itself is refused.
    pub async fn read(graph: &Graph, settings: &Settings, now: Timestamp) -> Result<Self, GraphError> {
        let mut faults = Vec::new();
        let granted = graph.granted_permissions().await?;
        check_permissions(granted.as_deref(), settings.needs_to_delete(), &mut faults);
        let excluded = excluded(graph, settings, &mut faults).await?;
        let canaries = canaries(graph, settings, &mut faults).await?;
        let mut no_pim_licence = false;
        let administrators = match administrators(graph, &mut no_pim_licence).await {
            Ok(list) => Reading::Known(list),
            Err(error) => unreadable("directory roles", error, &mut faults)?,
        };
        let policies = match graph.policies().await {
            Ok(policies) => Reading::Known(policies),
            Err(error) if error.is_no_sign_in() => return Err(error),
            Err(error) if error.comes_back() => return Err(error),
            Err(error) => Reading::Unknown(error.to_string()),
        };
        Ok(Self {
            at: now,
            faults,
            belts: Belts { excluded, administrators, policies },
            canaries,
            granted,
            no_pim_licence,
        })
    }
}

/// Turns a permanent refusal into a fault and an unknown; returns any other error to the caller.
fn unreadable<T>(
    what: &'static str,
    error: GraphError,
    faults: &mut Vec<Fault>,
) -> Result<Reading<T>, GraphError> {
    if error.comes_back() || error.is_no_sign_in() {
        return Err(error);
    }
    faults.push(Fault::Unreadable { what, cause: error.to_string() });
    Ok(Reading::Unknown(error.to_string()))
}

fn check_permissions(granted: Option<&[String]>, to_delete: bool, faults: &mut Vec<Fault>) {
    let Some(granted) = granted else {
        let cause = "the access token does not say them".to_owned();
        faults.push(Fault::Unreadable { what: "granted permissions", cause });
        return;
    };
    for needed in NEEDED {
        if (to_delete || !needed.to_delete) && !needed.is_granted(granted) {
            faults.push(Fault::Permission { permission: needed.permission, needed_for: needed.needed_for });
        }
    }
}

async fn excluded(
    graph: &Graph,
    settings: &Settings,
    faults: &mut Vec<Fault>,
) -> Result<Reading<BTreeSet<UserId>>, GraphError> {
    let named = &settings.policy.excluded;
    if named.is_empty() && !settings.no_exclusions {
        faults.push(Fault::Settings {
            variable: "EXCLUDED_USER_IDS",
            cause: "nobody is excluded: name the break-glass accounts here or by EXCLUDED_GROUP_ID, or set NO_EXCLUSIONS=true".to_owned(),
        });
    }
    let mut users = match resolve(graph, named, "EXCLUDED_USER_IDS", faults).await? {
        Reading::Known(users) => users,
        unknown @ Reading::Unknown(_) => return Ok(unknown),
    };
    let Some(group) = named.group else { return Ok(Reading::Known(users)) };
    match graph.members(group).await {
        Ok(members) if members.is_empty() => {
            faults.push(Fault::Settings {
                variable: "EXCLUDED_GROUP_ID",
                cause: "the group is empty".to_owned(),
            });
        }
        Ok(members) => users.extend(members),
        Err(GraphError::NotFound) => {
            let cause = "no such group in this tenant".to_owned();
            faults.push(Fault::Settings { variable: "EXCLUDED_GROUP_ID", cause: cause.clone() });
            return Ok(Reading::Unknown(cause));
        }
        Err(error) => return unreadable("the group of EXCLUDED_GROUP_ID", error, faults),
    }
    Ok(Reading::Known(users))
}

async fn canaries(
    graph: &Graph,
    settings: &Settings,
    faults: &mut Vec<Fault>,
) -> Result<BTreeSet<UserId>, GraphError> {
    if settings.mode != Mode::Canary {
        return Ok(BTreeSet::new());
    }
    let Reading::Known(mut users) = resolve(graph, &settings.canary, "CANARY_USER_IDS", faults).await? else {
        return Ok(BTreeSet::new());
    };
    if let Some(group) = settings.canary.group {
        match graph.members(group).await {
            Ok(members) => users.extend(members),
            Err(GraphError::NotFound) => {
                faults.push(Fault::Settings {
                    variable: "CANARY_GROUP_ID",
                    cause: "no such group in this tenant".to_owned(),
                });
            }
            Err(error) => {
                let _: Reading<()> = unreadable("the group of CANARY_GROUP_ID", error, faults)?;
            }
        }
    }
    Ok(users)
}

/// Looks up the ids of the users that a setting names. An id or name that nobody has is a fault: a typo in
/// that of a break-glass account must not go unnoticed.
async fn resolve(
    graph: &Graph,
    named: &UsersAndGroup,
    variable: &'static str,
    faults: &mut Vec<Fault>,
) -> Result<Reading<BTreeSet<UserId>>, GraphError> {
    let mut users = BTreeSet::new();
    let mut missing = Vec::new();
    let asked = stream::iter(&named.users).map(|user| async move { (user, graph.user(user).await) });
    for (user, answer) in asked.buffered(AT_ONCE).collect::<Vec<_>>().await {
        match answer {
            Ok(found) => {
                users.insert(found.body.id);
            }
            // An id is not secret and shows where to look; a principal name may be secret.
            Err(GraphError::NotFound) => missing.push(match user {
                UserRef::Id(id) => id.to_string(),
                UserRef::PrincipalName(_) => "a principal name".to_owned(),
            }),
            Err(error) => return unreadable("a user that a setting names", error, faults),
        }
    }
    if missing.is_empty() {
        return Ok(Reading::Known(users));
    }
    let cause = format!(
        "{} of {} named users not found in this tenant: {}",
        missing.len(),
        named.users.len(),
        missing.join(", ")
    );
    faults.push(Fault::Settings { variable, cause: cause.clone() });
    Ok(Reading::Unknown(cause))
}

/// Everyone who holds a directory role or is eligible for one, and how.
async fn administrators(
    graph: &Graph,
    no_pim_licence: &mut bool,
) -> Result<BTreeMap<UserId, String>, GraphError> {
    let mut all = BTreeMap::new();
    let mut groups: BTreeMap<String, &'static str> = BTreeMap::new();
    let mut take = |grants: Vec<RoleGrant>, how: &'static str, all: &mut BTreeMap<UserId, String>| {
        for grant in grants {
            if matches!(grant.principal.kind, PrincipalKind::User | PrincipalKind::Unknown)
                && let Ok(user) = grant.principal.id.parse()
            {
                all.entry(user).or_insert_with(|| format!("{how} role"));
            }
            if matches!(grant.principal.kind, PrincipalKind::Group | PrincipalKind::Unknown) {
                groups.entry(grant.principal.id).or_insert(how);
            }
        }
    };
    take(graph.role_assignments().await?, "active", &mut all);
    match graph.role_eligibilities().await? {
        Eligibilities::Known(grants) => take(grants, "eligible", &mut all),
        Eligibilities::NoLicence => *no_pim_licence = true,
    }
    let mut looked_at = BTreeSet::new();
    while let Some((group, how)) = groups.pop_first() {
        if !looked_at.insert(group.clone()) {
            continue;
        }
        match graph.transitive_members(&group).await {
            // The principal is not a group, or the group was deleted.
            Err(GraphError::NotFound) => continue,
            Err(error) => return Err(error),
            Ok(members) => {
                for user in members {
                    all.entry(user).or_insert_with(|| format!("{how} role through a group"));
                }
            }
        }
        if *no_pim_licence {
            continue;
        }
        match graph.group_eligibilities(&group).await? {
            Eligibilities::NoLicence => *no_pim_licence = true,
            Eligibilities::Known(grants) => {
                for grant in grants {
                    if let Ok(user) = grant.principal.id.parse() {
                        all.entry(user)
                            .or_insert_with(|| "eligible member of a role-holding group".to_owned());
                    }
                    if grant.principal.kind != PrincipalKind::User {
                        groups.entry(grant.principal.id).or_insert("eligible");
                    }
                }
            }
        }
    }
    Ok(all)
}
