//! What the registration report says, kept for two days.

use jiff::SignedDuration;

use super::{Book, BookError, CHUNK, Key, Write, parse};
use crate::{facts::ReportLine, ids::UserId, ledger::Expect, window::shift};

impl Book {
    /// Remembers what the registration report says; it is stale after two days.
    pub async fn save_report(&self, lines: &[(UserId, ReportLine)]) -> Result<(), BookError> {
        let expires_at = shift(self.clock.now(), SignedDuration::from_hours(48));
        for chunk in lines.chunks(CHUNK) {
            let writes: Vec<Write> = chunk
                .iter()
                .map(|(user, line)| Write {
                    expect: Expect::Any,
                    ..self.write(Key::report_line(*user), 0, line, None, Some(expires_at))
                })
                .collect();
            for result in self.ledger.commit_each(&writes).await? {
                result?;
            }
        }
        Ok(())
    }

    /// What the registration report says about a user, where it is known.
    pub async fn report_line(&self, user: UserId) -> Result<Option<ReportLine>, BookError> {
        let now = self.clock.now();
        let document = self.get(&[Key::report_line(user)]).await?.pop().flatten();
        document
            .filter(|document| document.expires_at.is_none_or(|at| at > now))
            .map(|document| parse(&document))
            .transpose()
    }
}
