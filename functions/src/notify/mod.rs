//! Who is told: people by a mail of SNS, programs by events of EventBridge. Nothing waits for it, and what fails
//! here is only logged: the ledger is the truth.

mod digest;
mod events;

use std::time::Duration;

use aws_config::SdkConfig;
use jiff::{SignedDuration, Timestamp};
use shared::{
    clock::Clock,
    ledger::{Book, Held, Key, LedgerError, OutcomeQuery},
    outcome::Outcome,
    state::UserState,
    view::{self, Messages, Status},
    window::shift,
};
use tokio::sync::Mutex;

use self::digest::{Notice, Told};
use crate::{aws, settings::Settings};

/// A digest is sent no sooner after the one before.
const EVERY: SignedDuration = SignedDuration::from_hours(1);

/// Whoever began a digest has sent it by then, or is dead.
const SENT_WITHIN: SignedDuration = SignedDuration::from_mins(4);

/// Users that a notice names by their ids; the others it counts.
const NAMED: usize = 20;

/// See the module.
pub struct Notifier {
    sns: aws_sdk_sns::Client,
    /// `NOTIFICATION_TOPIC_ARN`.
    topic: Option<String>,
    events: events::Events,
    clock: Clock,
    /// When it was last looked whether there is something for a digest: counting reads the whole ledger.
    looked_at: Mutex<Option<Timestamp>>,
}

impl Notifier {
    /// Makes the clients. Nothing is sent yet.
    pub fn new(settings: &Settings, config: &SdkConfig, clock: Clock) -> Self {
        Self {
            sns: aws_sdk_sns::Client::new(config),
            topic: settings.notification_topic_arn.clone(),
            events: events::Events::new(settings, config),
            clock,
            looked_at: Mutex::default(),
        }
    }

    /// Tells within `time` what a poll leaves to tell: that the brake is open, where nobody was told, and at most
    /// hourly what has changed.
    pub async fn after_poll(&self, book: &Book, settings: &Settings, time: Duration) {
        within(time, async {
            self.brake(book, settings).await?;
            self.digest(book, settings).await
        })
        .await;
    }

    /// Tells within `time` what a batch came to: each outcome as an event, and to people at once who is partial, and
    /// that the brake is open.
    pub async fn after_batch(&self, book: &Book, settings: &Settings, handled: &[UserState], time: Duration) {
        let is_partial = |state: &UserState| matches!(state.outcome(), Some(Outcome::Partial(_)));
        let partial: Vec<&UserState> =
            handled.iter().filter(|state| is_partial(state) && is_new(state)).collect();
        let people = Box::pin(async {
            if !partial.is_empty() {
                self.send(&digest::partial(settings, &partial)).await;
            }
            let failed = |state: &&UserState| matches!(state.outcome(), Some(Outcome::Failed(_)));
            if handled.iter().any(|state| is_partial(state) || failed(&state)) {
                self.brake(book, settings).await?;
            }
            Ok(())
        });
        let programs = Box::pin(async {
            self.events.put(handled).await;
            Ok(())
        });
        within(time, async { tokio::try_join!(people, programs).map(drop) }).await;
    }

    /// Tells that somebody has moved the brake, where it is open now.
    pub async fn brake_moved(&self, book: &Book, settings: &Settings, time: Duration) {
        within(time, self.brake(book, settings)).await;
    }

    /// Tells once that the brake is open. Two at the same moment may both tell it.
    async fn brake(&self, book: &Book, settings: &Settings) -> Result<(), LedgerError> {
        let brake = book.brake().await?.value;
        let Some(last) = brake.moves.last().filter(|_| brake.is_open()) else { return Ok(()) };
        let mut told = self.told(book).await?;
        if told.value.brake_moved_at == Some(last.at) || !self.send(&digest::brake(settings, last)).await {
            return Ok(());
        }
        told.value.brake_moved_at = Some(last.at);
        save(book, &told).await
    }

    /// Tells what has changed since the last digest, unless that was told within the hour.
    async fn digest(&self, book: &Book, settings: &Settings) -> Result<(), LedgerError> {
        let now = self.clock.now();
        let mut told = self.told(book).await?;
        let since = |at: Option<Timestamp>, by| at.is_none_or(|at| shift(at, by) <= now);
        let mut looked_at = self.looked_at.lock().await;
        if self.topic.is_none()
            || !since(told.value.at, EVERY)
            || !since(*looked_at, EVERY)
            || !since(told.value.begun_at, SENT_WITHIN)
        {
            return Ok(());
        }
        let status = Status::read(book, settings.tenant, Some(settings), Messages::default()).await?;
        if !told.value.differs(&status) {
            *looked_at = Some(now);
            return Ok(());
        }
        let look = self.to_look_at(book).await?;
        told.value.begun_at = Some(now);
        match book.save(Key::notices(), &told).await {
            Ok(version) => told.version = version,
            // Another poll sends it.
            Err(LedgerError::Conflict) => return Ok(()),
            Err(error) => return Err(error),
        }
        if !self.send(&digest::digest(&told.value, &status, &look)).await {
            return Ok(());
        }
        told.value.tell(&status, now);
        save(book, &told).await
    }

    /// Users that are partial or failed, by outcome.
    async fn to_look_at(&self, book: &Book) -> Result<Vec<(String, Vec<String>)>, LedgerError> {
        let mut all = Vec::new();
        for outcome in ["partial", "failed"].into_iter().filter_map(|kind| view::listed(Some(kind))).flatten()
        {
            let query = OutcomeQuery { outcome: outcome.clone(), until: None, after: None, limit: NAMED };
            let page = book.list(&query).await?;
            let users: Vec<String> = page.entries.iter().map(view::name).collect();
            if !users.is_empty() {
                all.push((outcome, users));
            }
        }
        Ok(all)
    }

    async fn told(&self, book: &Book) -> Result<Held<Told>, LedgerError> {
        let held: Held<Option<Told>> = book.load(Key::notices()).await?;
        Ok(Held { value: held.value.unwrap_or_default(), version: held.version })
    }

    /// Says whether it was sent.
    async fn send(&self, notice: &Notice) -> bool {
        let Some(topic) = &self.topic else { return false };
        let publish = self.sns.publish().topic_arn(topic).subject(&notice.subject).message(&notice.text);
        match publish.send().await {
            Ok(_) => {
                tracing::info!(notice.subject, "notice sent");
                true
            }
            Err(error) => {
                tracing::error!(error = %aws::cause(&error), notice.subject, "notice not sent");
                false
            }
        }
    }
}

/// Whether an outcome is not the one of the handling before.
fn is_new(state: &UserState) -> bool {
    state.concluded.as_ref().map(|concluded| concluded.at) == state.outcome_since
}

/// Remembers what was told; somebody who tells the same at the same moment remembers it, too.
async fn save(book: &Book, told: &Held<Told>) -> Result<(), LedgerError> {
    match book.save(Key::notices(), told).await {
        Ok(_) | Err(LedgerError::Conflict) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn within(time: Duration, telling: impl Future<Output = Result<(), LedgerError>>) {
    match tokio::time::timeout(time, telling).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(error = %error, "nobody told"),
        Err(_) => tracing::error!(error = "out of time", "nobody told"),
    }
}
