//! A batch of messages: each comes to its own end, whatever happens to its neighbors.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::{FutureExt, StreamExt, stream::FuturesUnordered};

use super::{
    again::NEWER_AGAIN,
    ending::{Batch, Handled, Record},
    together::Drain,
};
use crate::{
    domain::{lease::CLOCK_SKEW, window::until},
    queue::{Disposition, Message, MessageError},
};

/// A message whose handling panics at this receipt or a later one goes to the dead letters.
const PANICS: u32 = 20;

/// How long messages stay away if everything is stopped: a person has to fix the cause first.
const STOPPED_AGAIN: Duration = Duration::from_mins(15);

impl Drain<'_> {
    /// Handles all records concurrently, for at most as long as the run lasts. A record that is cut off, or
    /// whose handling panics, comes back once its lease can be taken over.
    pub async fn batch(&self, records: &[Record]) -> Batch {
        let time = self.ends_at().map_or(Duration::MAX, |end| until(self.process.clock.now(), end));
        let cut_again = CLOCK_SKEW.unsigned_abs() + Duration::from_secs(1);
        let mut batch =
            handle_all(records, time, cut_again, async |message| self.handle(&message).await).await;
        self.keep_pace().await;
        if let Some(cause) = &batch.stop {
            tracing::error!(run.id = %self.run_id, cause = %cause, "drain stopped");
        }
        batch.dispositions.truncate(records.len());
        batch
    }
}

async fn handle_all<F>(
    records: &[Record],
    time: Duration,
    cut_again: Duration,
    handle: impl Fn(Message) -> F,
) -> Batch
where
    F: Future<Output = Handled>,
{
    let mut batch = Batch::default();
    let mut dispositions: Vec<Option<Disposition>> = vec![None; records.len()];
    let mut under_way = FuturesUnordered::new();
    for (n, record) in records.iter().enumerate() {
        match Message::parse(&record.body) {
            Ok(message) => {
                let handling = AssertUnwindSafe(async { handle(message).await }).catch_unwind();
                under_way.push(handling.map(move |handled| (n, handled)));
            }
            Err(MessageError::Unreadable(reason)) => {
                tracing::error!(message.id = record.message_id, reason, "message not read");
                dispositions[n] = Some(Disposition::DeadLetter(reason));
            }
            Err(error @ MessageError::Newer(_)) => {
                tracing::warn!(message.id = record.message_id, error = %error, "message left for a newer version");
                dispositions[n] = Some(Disposition::ComeBack(NEWER_AGAIN));
            }
        }
    }
    let all = async {
        while let Some((n, handled)) = under_way.next().await {
            dispositions[n] = Some(match handled {
                Ok(handled) => batch.take(handled),
                Err(_) => panicked(&records[n], time.saturating_add(cut_again)),
            });
        }
    };
    if tokio::time::timeout(time, all).await.is_err() {
        tracing::warn!("invocation out of time");
    }
    batch.dispositions = dispositions
        .into_iter()
        .map(|disposition| disposition.unwrap_or(Disposition::ComeBack(cut_again)))
        .collect();
    batch
}

impl Batch {
    fn take(&mut self, handled: Handled) -> Disposition {
        self.concluded.extend(handled.state.map(|state| *state));
        let stopped = handled.stop.is_some();
        self.stop = self.stop.take().or(handled.stop);
        match handled.disposition {
            Disposition::ComeBack(after) if stopped => Disposition::ComeBack(after.max(STOPPED_AGAIN)),
            disposition => disposition,
        }
    }
}

/// What becomes of a message whose handling panicked: it is not tried again forever.
fn panicked(record: &Record, again: Duration) -> Disposition {
    if record.receive_count < PANICS {
        return Disposition::ComeBack(again);
    }
    Disposition::DeadLetter(format!("its handling panicked at receipt {}", record.receive_count))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGAIN: Duration = Duration::from_mins(2);

    fn record(n: u32, body: &str) -> Record {
        Record { message_id: n.to_string(), receive_count: 1, body: body.to_owned() }
    }

    fn message(n: u32) -> String {
        format!(
            r#"{{"schema":1,"user_id":"00000000-0000-0000-0000-00000000000{n}","run_id":"11111111-1111-1111-1111-111111111111","enqueued_at":"2026-03-01T00:00:00Z"}}"#
        )
    }

    async fn handle(message: Message) -> Handled {
        match message.user_id.to_string().chars().last() {
            Some('2') => panic!("on purpose"),
            Some('3') => std::future::pending().await,
            _ => Handled {
                user_id: message.user_id,
                disposition: Disposition::Acknowledge,
                concluded: None,
                state: None,
                stop: None,
                interrupted: None,
                newer: false,
            },
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_that_panics_hangs_or_cannot_be_read_leaves_its_neighbours_alone() {
        let mut last_try = record(5, &message(2));
        last_try.receive_count = PANICS;
        let records = [
            record(0, "not a message"),
            record(1, &message(1)),
            record(2, &message(2)),
            record(3, &message(3)),
            record(4, r#"{"schema":99}"#),
            last_try,
            record(6, &message(4)),
        ];
        let settled = handle_all(&records, Duration::from_mins(1), AGAIN, handle).await.dispositions;
        assert!(matches!(settled[0], Disposition::DeadLetter(_)));
        assert_eq!(settled[1], Disposition::Acknowledge);
        assert_eq!(settled[2], Disposition::ComeBack(Duration::from_mins(1) + AGAIN));
        assert_eq!(settled[3], Disposition::ComeBack(AGAIN));
        assert_eq!(settled[4], Disposition::ComeBack(NEWER_AGAIN));
        assert_eq!(settled[5], Disposition::DeadLetter("its handling panicked at receipt 20".to_owned()));
        assert_eq!(settled[6], Disposition::Acknowledge);
    }
}
