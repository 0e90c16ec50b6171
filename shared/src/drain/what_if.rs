//! What Conditional Access demands of one user today, asked for before a method of theirs is deleted.

use jiff::Timestamp;

use super::{interrupted::Interrupted, story::GOOD_FOR};
use crate::{
    domain::{
        facts::Belts,
        ids::UserId,
        policies::{SignIn, WhatIf},
        window::shift,
    },
    process::Scope,
    settings::MfaRequiredUsers,
};

/// An answer, and when it was asked for.
pub(super) struct Demand {
    asked_at: Timestamp,
    pub(super) what_if: WhatIf,
}

/// The sign-ins to ask about; none if no answer could stop a rollback.
pub(super) fn questions(scope: &Scope, belts: &Belts, user: UserId) -> Vec<SignIn> {
    let policies = belts.policies.known();
    let matters = scope.process.settings.policy.mfa_required_users == MfaRequiredUsers::Hold;
    policies.filter(|_| matters).map(|policies| policies.questions(user)).unwrap_or_default()
}

impl Demand {
    /// Asks about each sign-in until one demands MFA.
    pub(super) async fn ask(scope: &Scope, user: UserId, about: &[SignIn]) -> Result<Self, Interrupted> {
        let process = &scope.process;
        let asked_at = process.clock.now();
        let mut what_if = WhatIf::Nothing;
        for sign_in in about {
            what_if = match process.graph.what_if(user, *sign_in).await {
                Ok(None) => continue,
                Ok(Some(policy)) => WhatIf::Demanded(policy),
                Err(error) if error.comes_back() || error.stops_everything() => return Err(error.into()),
                Err(error) => WhatIf::Refused(error.to_string()),
            };
            break;
        }
        Ok(Self { asked_at, what_if })
    }

    /// Whether the answer may still be used.
    pub(super) fn is_recent(&self, now: Timestamp) -> bool {
        now < shift(self.asked_at, GOOD_FOR)
    }
}
