//! What the registration report says, kept for two days, and how much of it was read.

use jiff::SignedDuration;
use serde::Deserialize;

use super::{Book, BookError, CHUNK, Key, ReportState, Write, parse};
use crate::{
    facts::{Report, ReportLine, ReportList},
    ids::UserId,
    ledger::Expect,
    window::shift,
};

/// So long does a report count that was read to its end.
const WHOLE_FOR: SignedDuration = SignedDuration::from_hours(24);

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

    /// What the registration report says about a user.
    pub async fn report(&self, user: UserId) -> Result<Report, BookError> {
        #[derive(Default, Deserialize)]
        struct Position {
            #[serde(default)]
            report: ReportState,
        }
        let now = self.clock.now();
        let mut documents = self.get(&[Key::report_line(user), Key::poll()]).await?.into_iter();
        let line = documents.next().flatten().filter(|line| line.expires_at.is_none_or(|at| at > now));
        let line = line.map(|document| parse(&document)).transpose()?;
        let position: Option<Position> = documents.next().flatten().map(|it| parse(&it)).transpose()?;
        let state = position.unwrap_or_default().report;
        let list = if state.no_licence {
            ReportList::NoLicence
        } else if state.read_at.is_some_and(|at| now < shift(at, WHOLE_FOR)) {
            ReportList::Whole
        } else {
            ReportList::Partly
        };
        Ok(Report { line, list })
    }
}
