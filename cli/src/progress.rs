//! Progress on standard error, when it is a terminal.

use std::{sync::Arc, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use shared::poll::Polled;

use crate::engine;

/// What a person sees while a run is under way.
#[derive(Clone)]
pub struct Progress {
    bar: Arc<ProgressBar>,
}

impl Progress {
    /// Shows a line that says what is being done.
    pub fn start(what: &str) -> Self {
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{spinner} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        bar.set_style(style);
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar: Arc::new(bar) }
    }

    /// Shows the counts so far, after each page of the audit log.
    pub fn scanned(&self, summary: &Polled) {
        self.bar.set_message(format!(
            "reading the audit log: {} events, {} candidates",
            summary.events_read, summary.candidates
        ));
    }

    /// Switches to a bar that counts users; `users` is how many are known so far.
    pub fn handling(&self, users: u64) {
        self.bar.set_length(users);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} users, {per_sec}, {eta} to go{msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        self.bar.set_style(style);
        self.bar.set_message(String::new());
    }

    /// Counts a handling that ended, or shows until when the drain waits.
    pub fn handled(&self, progress: &engine::Progress<'_>) {
        if let Some(handled) = progress.handled
            && handled.concluded.is_some()
        {
            self.bar.inc(1);
            if self.bar.length().is_some_and(|length| length < self.bar.position()) {
                self.bar.set_length(self.bar.position());
            }
        }
        let throttled = match progress.throttled {
            0 => String::new(),
            times => format!("; Graph throttled {times} times"),
        };
        let waiting = progress.waits_until.map(|at| format!("; waiting until {}", clock_time(at)));
        self.bar.set_message(throttled + &waiting.unwrap_or_default());
    }

    /// Removes the line from the terminal.
    pub fn done(&self) {
        self.bar.finish_and_clear();
    }
}

/// Formats a time for people, in UTC.
pub fn clock_time(at: Timestamp) -> String {
    format!("{} UTC", at.strftime("%Y-%m-%d %H:%M:%S"))
}
