//! Somebody who acts at the worst moment.

use std::{sync::Arc, time::Duration};

use futures::FutureExt;
use shared::domain::brake::BrakeState;
use simulator::{NewMethod, PerUserMfa, PhoneType};

use crate::{steps::lock, world::World};

impl World {
    /// Somebody acts in the middle of a rollback: right after a read, or right after a DELETE.
    pub(crate) async fn ambush(&self) {
        let user = self.somebody();
        let after_delete = self.chance(2);
        let deed = self.rng.borrow_mut().u8(..4);
        // The tenant owns what it calls, and the watch owns the tenant.
        let watch = Arc::downgrade(&self.watch);
        let (clock, ledger) = (self.clock.clone(), self.ledger().await);
        let armed = std::sync::atomic::AtomicBool::new(true);
        self.change(user, |_| ());
        self.tenant.on_request(move |entry| {
            let hit = if after_delete {
                entry.method == "DELETE" && entry.acted
            } else {
                entry.segment.as_deref() == Some("methods")
            };
            if entry.user != Some(user) || !hit || !armed.swap(false, std::sync::atomic::Ordering::Relaxed) {
                return;
            }
            let Some(watch) = watch.upgrade() else { return };
            let (now, tenant) = (clock.now(), &watch.tenant);
            let mut people = lock(&watch.people);
            let Some(person) = people.get_mut(&user) else { return };
            match deed {
                0 if watch.is_calm() => {}
                0 => {
                    if ledger
                        .move_brake(BrakeState::Open, "ops", "stop")
                        .now_or_never()
                        .is_some_and(|done| done.is_ok())
                    {
                        lock(&watch.brake_opened).get_or_insert(now);
                    }
                }
                1 => {
                    if tenant.user(user).is_some_and(|user| user.per_user_mfa == PerUserMfa::Disabled) {
                        tenant.set_per_user_mfa(user, PerUserMfa::Enabled);
                        person.mfa_since = Some(now);
                    }
                }
                2 => {
                    let phone = NewMethod::phone(PhoneType::Mobile, "+1 2065550198").dated(now);
                    let id = tenant.register_at(user, phone, now, now + Duration::from_mins(2));
                    person.registered.insert(id, now);
                    person.registrations.push(now);
                }
                _ if person.is_excluded() => {}
                _ => tenant.delete_user(user),
            }
        });
    }
}
