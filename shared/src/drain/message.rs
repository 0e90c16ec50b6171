//! One message: what becomes of it, depending on how the handling of its user ended.

use std::time::Duration;

use super::{
    again::{NEWER_AGAIN, SOONEST_BACK},
    ending::{Ending, Handled},
    interrupted::Interrupted,
    together::Drain,
};
use crate::queue::{Disposition, Message};

impl Drain<'_> {
    /// Takes one message to one outcome, or says when it should come back.
    pub async fn handle(&self, message: &Message) -> Handled {
        let user_id = message.user_id;
        let handled = |disposition| Handled {
            user_id,
            disposition,
            concluded: None,
            state: None,
            stop: None,
            interrupted: None,
            newer: false,
        };
        match self.handle_user(message).await {
            Ok(Ending::Concluded(state)) => Handled {
                concluded: state.concluded.clone().map(Box::new),
                disposition: if state.is_pending() {
                    Disposition::ComeBack(SOONEST_BACK)
                } else {
                    Disposition::Acknowledge
                },
                state: Some(state),
                ..handled(Disposition::Acknowledge)
            },
            Ok(Ending::NothingToDo) => handled(Disposition::Acknowledge),
            Ok(Ending::NotStarted) => handled(Disposition::ComeBack(Duration::ZERO)),
            Ok(Ending::NotOnRecord) => {
                handled(Disposition::DeadLetter("no candidate on record for this user".to_owned()))
            }
            Ok(Ending::Busy { until }) => {
                let wait = until.duration_since(self.process.clock.now());
                handled(Disposition::ComeBack(
                    Duration::try_from(wait).unwrap_or_default() + Duration::from_secs(1),
                ))
            }
            Err(Interrupted::Item(why)) => handled(Disposition::DeadLetter(why)),
            Err(Interrupted::Newer(why)) => {
                tracing::warn!(user.id = %user_id, cause = why, "user left for a newer version");
                Handled { interrupted: Some(why), newer: true, ..handled(Disposition::ComeBack(NEWER_AGAIN)) }
            }
            Err(Interrupted::ComeBack { after, cause, .. }) => {
                let after = after.max(SOONEST_BACK);
                Handled { interrupted: Some(cause), ..handled(Disposition::ComeBack(after)) }
            }
            Err(Interrupted::Stop(cause)) => {
                let cause = self.stopped.get_or_init(|| cause).clone();
                Handled {
                    interrupted: Some(cause.to_string()),
                    stop: Some(cause),
                    ..handled(Disposition::ComeBack(Duration::from_mins(1)))
                }
            }
        }
    }
}
