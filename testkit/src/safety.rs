//! What must hold of a simulated tenant whatever happened, by its own journal and its own truth.

use std::{collections::BTreeSet, time::Duration};

use simulator::{Cast, JournalEntry, Tenant};
use uuid::Uuid;

/// Panics unless every DELETE in the tenant's journal kept to `docs/invariants.md`: none for a protected
/// user, none of a method whose loss would harm somebody (by the tenant's truth), only the three typed
/// segments, no method twice, and none without fresh reads before it.
pub fn assert_safe(tenant: &Tenant, cast: &Cast, harmful: &BTreeSet<(Uuid, String)>) {
    let journal = tenant.journal();
    let mut gone: BTreeSet<(Uuid, String)> = BTreeSet::new();
    for entry in journal.iter().filter(|entry| entry.method == "DELETE") {
        let user = entry.user.expect("a DELETE names a user");
        let role = cast.residents.iter().find(|resident| resident.id == user).map(|found| found.part);
        let is_protected = role.is_some_and(simulator::Part::must_keep_methods);
        assert!(!is_protected, "DELETE for {role:?}, who is protected: {entry:?}");
        let segment = entry.segment.clone().unwrap_or_default();
        assert!(
            ["phoneMethods", "microsoftAuthenticatorMethods", "softwareOathMethods"]
                .contains(&segment.as_str()),
            "{entry:?}"
        );
        if entry.acted {
            let method = (user, entry.method_id.clone().unwrap());
            assert!(!harmful.contains(&method), "somebody is harmed: {entry:?}");
            assert!(gone.insert(method), "deleted twice: {entry:?}");
        }
        assert_fresh(&journal, entry);
    }
}

/// Invariant 1: per-user MFA and methods were read at most 5 s before a user's DELETE. A DELETE within two
/// minutes of an earlier one counts as the same handling, and is not checked.
fn assert_fresh(journal: &[JournalEntry], delete: &JournalEntry) {
    let before = &journal[..delete.seq];
    let earlier_delete = before.iter().rev().any(|entry| {
        entry.user == delete.user && entry.method == "DELETE" && entry.at > delete.at - Duration::from_mins(2)
    });
    if earlier_delete {
        return;
    }
    for what in ["requirements", "methods"] {
        let read = before
            .iter()
            .rev()
            .find(|entry| {
                entry.user == delete.user && entry.segment.as_deref() == Some(what) && entry.status == 200
            })
            .unwrap_or_else(|| panic!("{what} was never read before {delete:?}"));
        let age = delete.at.duration_since(read.at);
        assert!(age <= jiff::SignedDuration::from_secs(5), "{what} {age} old before {delete:?}");
    }
}
