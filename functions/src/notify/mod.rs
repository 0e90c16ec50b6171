//! Notifications: mail to people through SNS, events to programs through EventBridge. Nothing depends on
//! them, and a failure is only logged: the ledger is the truth.

mod events;

use std::time::Duration;

use aws_config::SdkConfig;
use shared::{
    domain::state::UserState,
    ledger::LedgerError,
    notices::{Notice, Notices},
    process::Process,
};

use crate::{aws, settings::Settings};

/// The topic and the event bus of one process.
pub struct Notifier {
    sns: aws_sdk_sns::Client,
    /// `NOTIFICATION_TOPIC_ARN`; if `None`, no notice is sent.
    topic: Option<String>,
    events: events::Events,
    notices: Notices,
}

impl Notifier {
    /// Makes the clients. Nothing is sent yet.
    pub fn new(settings: &Settings, config: &SdkConfig) -> Self {
        Self {
            sns: aws_sdk_sns::Client::new(config),
            topic: settings.notification_topic_arn.clone(),
            events: events::Events::new(settings, config),
            notices: Notices::default(),
        }
    }

    /// Sends the notices that are due after a poll, within `time`.
    pub async fn after_poll(&self, process: &Process, time: Duration) {
        if self.topic.is_some() {
            let telling = self.notices.after_poll(process, async |notice| self.send(notice).await);
            within(time, telling).await;
        }
    }

    /// Reports a batch within `time`: each outcome as an event, and to people what cannot wait.
    pub async fn after_batch(&self, process: &Process, concluded: &[UserState], time: Duration) {
        let people = Box::pin(async {
            if self.topic.is_some() {
                let send = async |notice: &Notice| self.send(notice).await;
                self.notices.after_batch(process, concluded, send).await?;
            }
            Ok(())
        });
        let programs = Box::pin(async {
            self.events.put(concluded).await;
            Ok(())
        });
        within(time, async { tokio::try_join!(people, programs).map(drop) }).await;
    }

    /// Sends a notice within `time` if somebody has moved the brake and it is open now.
    pub async fn brake_moved(&self, process: &Process, time: Duration) {
        if self.topic.is_some() {
            within(time, self.notices.brake_moved(process, async |notice| self.send(notice).await)).await;
        }
    }

    /// Sends a notice. Returns whether that worked.
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

async fn within(time: Duration, telling: impl Future<Output = Result<(), LedgerError>>) {
    match tokio::time::timeout(time, telling).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(error = %error, "nobody told"),
        Err(_) => tracing::error!(error = "out of time", "nobody told"),
    }
}
