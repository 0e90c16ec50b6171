//! The queue in `SQLite`: a received message reappears after its visibility timeout, or as soon as the
//! process that received it is dead.

use std::{collections::BTreeSet, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};
use shared::{
    domain::ids::UserId,
    queue::{Disposition, Message, Queue, QueueError},
};
use uuid::Uuid;

use super::{Database, DeadLetter, Received, text};

/// How long a received message stays hidden: longer than any handling.
const VISIBILITY: Duration = Duration::from_mins(12);

fn queue_error(error: impl std::fmt::Display) -> QueueError {
    QueueError(error.to_string())
}

#[async_trait]
impl Queue for Database {
    async fn send(&self, messages: &[Message]) -> Result<(), QueueError> {
        self.with(|transaction| {
            for message in messages {
                let body = serde_json::to_string(message).expect("a message is plain data");
                let (user, at) = (message.user_id.to_string(), text(message.enqueued_at));
                // A message that nobody has received yet wakes the user just as well.
                let there = transaction
                    .prepare_cached(
                        "UPDATE messages SET visible_at = min(visible_at, ?2) WHERE user_id = ?1 AND owner IS NULL",
                    )?
                    .execute([&user, &at])?;
                if there == 0 {
                    transaction
                        .prepare_cached("INSERT INTO messages (user_id, body, visible_at) VALUES (?1, ?2, ?3)")?
                        .execute([&user, &body, &at])?;
                }
            }
            Ok(())
        })
        .map_err(queue_error)
    }
}

impl Database {
    /// Receives up to `most` messages; if `only` is given, only of these users.
    pub fn receive(&self, most: usize, only: Option<&BTreeSet<UserId>>) -> Result<Vec<Received>, QueueError> {
        let now = self.clock.now();
        self.let_go_of_the_dead()?;
        self.with(|transaction| {
            let mut statement = transaction.prepare_cached(
                "SELECT id, user_id, body FROM messages WHERE visible_at <= ?1 ORDER BY visible_at, id",
            )?;
            let mut rows = statement.query([text(now)])?;
            let mut received = Vec::new();
            while received.len() < most
                && let Some(row) = rows.next()?
            {
                let user: String = row.get(1)?;
                let wanted =
                    only.is_none_or(|only| user.parse().is_ok_and(|user: UserId| only.contains(&user)));
                if wanted {
                    received.push(Received { id: row.get(0)?, receipt: Uuid::new_v4().to_string(), body: row.get(2)? });
                }
            }
            drop(rows);
            let until = now.checked_add(VISIBILITY).unwrap_or(Timestamp::MAX);
            for message in &received {
                transaction
                    .prepare_cached(
                        "UPDATE messages SET visible_at = ?1, receipt = ?2, owner = ?3, receives = receives + 1 WHERE id = ?4",
                    )?
                    .execute(params![text(until), message.receipt, self.owner(), message.id])?;
            }
            Ok(received)
        })
        .map_err(queue_error)
    }

    /// Acknowledges a received message, lets it come back or makes it a dead letter. Does nothing if the
    /// message has reappeared and somebody else has received it.
    pub fn dispose(&self, message: &Received, disposition: &Disposition) -> Result<(), QueueError> {
        let now = self.clock.now();
        self.with(|transaction| match disposition {
            Disposition::Acknowledge => remove(transaction, message).map(drop),
            Disposition::ComeBack(after) => transaction
                .prepare_cached(
                    "UPDATE messages SET visible_at = ?1, receipt = NULL, owner = NULL WHERE id = ?2 AND receipt = ?3",
                )?
                .execute(params![
                    text(now.checked_add(*after).unwrap_or(Timestamp::MAX)),
                    message.id,
                    message.receipt
                ])
                .map(drop),
            Disposition::DeadLetter(reason) => {
                if remove(transaction, message)? == 1 {
                    transaction.execute(
                        "INSERT INTO dead_letters (body, reason, at) VALUES (?1, ?2, ?3)",
                        params![message.body, reason, text(now)],
                    )?;
                }
                Ok(())
            }
        })
        .map_err(queue_error)
    }

    /// Returns when the next message becomes visible that is not in `but`; if `only` is given, only of these
    /// users.
    pub fn next_visible_at(
        &self,
        only: Option<&BTreeSet<UserId>>,
        but: &BTreeSet<i64>,
    ) -> Result<Option<Timestamp>, QueueError> {
        let connection = self.lock();
        let mut statement = connection
            .prepare_cached("SELECT visible_at, user_id, id FROM messages ORDER BY visible_at")
            .map_err(queue_error)?;
        let mut rows = statement.query([]).map_err(queue_error)?;
        while let Some(row) = rows.next().map_err(queue_error)? {
            let user: String = row.get(1).map_err(queue_error)?;
            if but.contains(&row.get(2).map_err(queue_error)?) {
                continue;
            }
            if only.is_none_or(|only| user.parse().is_ok_and(|user: UserId| only.contains(&user))) {
                let at: String = row.get(0).map_err(queue_error)?;
                return at.parse().map(Some).map_err(queue_error);
            }
        }
        Ok(None)
    }

    /// Counts the messages, visible or not.
    pub fn depth(&self) -> Result<u64, QueueError> {
        self.lock().query_row("SELECT count(*) FROM messages", [], |row| row.get(0)).map_err(queue_error)
    }

    /// Whether there is a message for a user.
    pub fn has_message_for(&self, user: UserId) -> Result<bool, QueueError> {
        self.lock()
            .prepare_cached("SELECT 1 FROM messages WHERE user_id = ?1 LIMIT 1")
            .and_then(|mut statement| statement.query_row([user.to_string()], |_| Ok(())).optional())
            .map(|row| row.is_some())
            .map_err(queue_error)
    }

    /// Returns the messages that could not be handled, the oldest first.
    pub fn dead_letters(&self) -> Result<Vec<DeadLetter>, QueueError> {
        let connection = self.lock();
        let mut statement = connection
            .prepare_cached("SELECT body, reason FROM dead_letters ORDER BY id")
            .map_err(queue_error)?;
        statement
            .query_map([], |row| Ok(DeadLetter { body: row.get(0)?, reason: row.get(1)? }))
            .and_then(Iterator::collect)
            .map_err(queue_error)
    }

    /// Makes messages that a dead process had received visible again at once.
    fn let_go_of_the_dead(&self) -> Result<(), QueueError> {
        let Some(owners) = &self.owners else { return Ok(()) };
        let holders: Vec<String> = {
            let connection = self.lock();
            let mut statement = connection
                .prepare_cached("SELECT DISTINCT owner FROM messages WHERE owner IS NOT NULL AND owner <> ?1")
                .map_err(queue_error)?;
            statement
                .query_map([owners.own()], |row| row.get(0))
                .and_then(Iterator::collect)
                .map_err(queue_error)?
        };
        for dead in holders.iter().filter(|holder| owners.is_dead(holder)) {
            self.with(|transaction| {
                transaction.execute(
                    "UPDATE messages SET visible_at = ?1, receipt = NULL, owner = NULL WHERE owner = ?2",
                    params![text(self.clock.now()), dead],
                )
            })
            .map_err(queue_error)?;
        }
        Ok(())
    }
}

fn remove(transaction: &Transaction<'_>, message: &Received) -> rusqlite::Result<usize> {
    transaction
        .prepare_cached("DELETE FROM messages WHERE id = ?1 AND receipt = ?2")?
        .execute(params![message.id, message.receipt])
}
