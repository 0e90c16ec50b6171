//! What poll has read: the registration report, whose lines are kept for two days, and how much of the log.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, de::IgnoredAny};

use super::{CHUNK, Key, Ledger, LedgerError, RegistrationReportState, Write, parse};
use crate::{
    audit::Service,
    domain::{
        facts::{LogReading, RegistrationReport, RegistrationReportLine, RegistrationReportList},
        ids::UserId,
        window::shift,
    },
    ledger::Expect,
};

/// How long a report that was read to its end counts as whole.
const WHOLE_FOR: SignedDuration = SignedDuration::from_hours(24);

impl Ledger {
    /// Puts lines of the registration report on record. They expire after two days.
    pub async fn save_report(&self, lines: &[(UserId, RegistrationReportLine)]) -> Result<(), LedgerError> {
        let expires_at = shift(self.clock.now(), SignedDuration::from_hours(48));
        for chunk in lines.chunks(CHUNK) {
            let writes: Vec<Write> = chunk
                .iter()
                .map(|(user, line)| Write {
                    expect: Expect::Any,
                    ..self.write(Key::report_line(*user), 0, line, None, Some(expires_at))
                })
                .collect();
            for result in self.store.commit_each(&writes).await? {
                result?;
            }
        }
        Ok(())
    }

    /// Returns what the registration report says about a user, and how much of the audit log was read from
    /// `start` on.
    pub async fn report(
        &self,
        user: UserId,
        start: Timestamp,
    ) -> Result<(RegistrationReport, LogReading), LedgerError> {
        #[derive(Default, Deserialize)]
        struct Position {
            #[serde(default)]
            report: RegistrationReportState,
            #[serde(default)]
            scan: Option<IgnoredAny>,
            #[serde(default)]
            scanned_from: Option<Timestamp>,
            #[serde(default)]
            complete_to: Option<Timestamp>,
            #[serde(default)]
            services: usize,
        }
        let now = self.clock.now();
        let mut documents = self.get(&[Key::report_line(user), Key::poll()]).await?.into_iter();
        let line = documents.next().flatten().filter(|line| line.expires_at.is_none_or(|at| at > now));
        let line = line.map(|document| parse(&document)).transpose()?;
        let position: Option<Position> = documents.next().flatten().map(|it| parse(&it)).transpose()?;
        let position = position.unwrap_or_default();
        let is_whole = position.services >= Service::ALL.len()
            && position.scanned_from.is_some_and(|from| from <= start);
        let log = match position.complete_to {
            _ if position.scan.is_some() => LogReading::UnderWay,
            None => LogReading::Never,
            Some(_) if is_whole => LogReading::Whole,
            // The next poll reads it anew, from an earlier start or for another service.
            Some(_) => LogReading::UnderWay,
        };
        let state = position.report;
        let list = if state.no_licence {
            RegistrationReportList::NoLicence
        } else if state.read_at.is_some_and(|at| now < shift(at, WHOLE_FOR)) {
            RegistrationReportList::Whole
        } else {
            RegistrationReportList::Partly
        };
        Ok((RegistrationReport { line, list }, log))
    }
}
