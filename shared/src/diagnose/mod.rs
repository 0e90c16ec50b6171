//! Why somebody is asked for MFA, or does not see the methods that they expect. Reads only.
//!
//! `read` asks Graph and the ledger; everything else is pure: facts in, findings out. What could not be
//! read is said as such, with the permission that would help, and never guessed.

mod cannot_add;
mod covered;
mod facts;
mod finding;
mod missing_methods;
mod policy_change;
mod read;
mod told;
mod unexpected_prompt;

pub use self::{
    facts::{Decided, Facts, Group, PolicyChange, Sspr},
    finding::{AskedMethod, Bearing, Complaint, Diagnosis, Finding, Step, Symptom},
    told::ToldEvent,
};

use crate::{
    domain::{facts::Reading, ids::UserId},
    drain::Interrupted,
    process::Scope,
};

/// What is asked about a user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Question {
    /// What the user complains of; `None` asks about everything.
    pub symptom: Option<Symptom>,
    /// The method that the user wants to add: whoever names one asks why it cannot be added, too.
    pub method: Option<AskedMethod>,
}

impl Question {
    fn is_about(self, symptom: Symptom) -> bool {
        let names_method = self.method.is_some() && symptom == Symptom::CannotAdd;
        self.symptom.is_none_or(|asked| asked == symptom) || names_method
    }
}

/// Reads a user and the policies that concern them, and says what explains the complaint. Returns `None` if the
/// directory does not know the user. Writes nothing.
pub(crate) async fn diagnose(
    scope: &Scope,
    user: UserId,
    question: Question,
) -> Result<Option<Diagnosis>, Interrupted> {
    Ok(read::read(scope, user, question).await?.map(|facts| conclude(facts, question)))
}

/// The findings that follow from what was read.
fn conclude(facts: Facts, question: Question) -> Diagnosis {
    let asked = Symptom::ALL.iter().filter(|symptom| question.is_about(**symptom));
    let complaints = asked.map(|symptom| Complaint {
        symptom: *symptom,
        complaint: symptom.complaint().to_owned(),
        method: question.method.filter(|_| *symptom == Symptom::CannotAdd),
        findings: match symptom {
            Symptom::MissingMethods => facts.missing_methods(),
            Symptom::CannotAdd => facts.cannot_add(question.method),
            Symptom::UnexpectedPrompt => facts.unexpected_prompt(),
        },
    });
    let complaints = complaints.collect();
    let user = match facts.user {
        Reading::Known(user) => Some(user),
        Reading::Unknown(_) => None,
    };
    let (user_principal_name, display_name) =
        user.map(|user| (user.user_principal_name, user.display_name)).unwrap_or_default();
    Diagnosis {
        user_id: facts.user_id,
        user_principal_name,
        display_name,
        read_at: facts.now,
        complaints,
        story: facts.events,
        story_lacks: facts.missing,
    }
}
