//! How a scan gets from page to page, and when it gives up.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::position::ScanUnderWay;
use crate::{
    audit::{Broken, glimpse},
    graph::{AuditPage, GraphError, MAX_PAGES},
};

/// How often a scan restarts at the last event read because its link is refused, if that gains nothing.
const RESTARTS: u32 = 3;

/// After this many pages in a row without an event, the links are taken to lead nowhere.
const EMPTY_PAGES: u32 = 100;

/// What is passed over where nothing of a moment can be read any more.
pub(super) const MOMENT: SignedDuration = SignedDuration::from_micros(1);

/// What is passed over first where a page is cut off before it gains anything.
const FIRST_STEP: SignedDuration = SignedDuration::from_secs(1);

/// What one run knows of the pages of one service.
#[derive(Default)]
pub(super) struct Paging {
    pages: usize,
    /// The links since the latest restart.
    links: HashSet<String>,
    empty_pages: u32,
    /// How often a link was refused since a page gained anything.
    restarts: u32,
    /// Whether a refused link was logged.
    has_said: bool,
    /// Whether the latest page held records, all of the moment up to which everything is read.
    is_of_one_moment: bool,
    step: Option<SignedDuration>,
}

impl Paging {
    /// Notes a page. Everything before `before` was read already.
    pub(super) fn took(&mut self, page: &AuditPage, scan: &ScanUnderWay, before: Timestamp) {
        self.pages += 1;
        self.empty_pages = if page.records.is_empty() { self.empty_pages + 1 } else { 0 };
        let has_gained = before < scan.read_until;
        if has_gained {
            self.restarts = 0;
            self.step = None;
        }
        self.is_of_one_moment = !has_gained && !scan.disordered && !page.records.is_empty();
    }

    /// Counts a refused link. Returns whether the scan may restart at the last event read.
    pub(super) fn may_restart(&mut self, scan: &ScanUnderWay, error: &GraphError) -> bool {
        if self.restarts == RESTARTS {
            return false;
        }
        self.restarts += 1;
        self.links.clear();
        if !self.has_said {
            tracing::warn!(
                service = scan.service.name(),
                from = %scan.read_until,
                error = %error,
                "link to the next page of the audit log refused: asking from the last event read"
            );
            self.has_said = true;
        }
        true
    }

    /// Whether restarts only read the same page again.
    pub(super) fn is_stuck(&self) -> bool {
        self.restarts == RESTARTS && self.is_of_one_moment
    }

    /// How far to go on where a page is cut off before it gains anything: past the record that is cut, or, if its
    /// time cannot be seen, farther each time.
    pub(super) fn next_step(&mut self, cut: &Broken, scan: &ScanUnderWay) -> SignedDuration {
        if let Some(at) = glimpse(&cut.text).at.filter(|at| *at >= scan.read_until) {
            return at.duration_since(scan.read_until) + MOMENT;
        }
        let step = self.step.map_or(FIRST_STEP, |step| step.saturating_mul(2));
        self.step = Some(step);
        step
    }

    /// Whether a link is one of a list that does not end.
    pub(super) fn leads_nowhere(&mut self, link: &str) -> bool {
        self.empty_pages == EMPTY_PAGES || self.pages > MAX_PAGES || !self.links.insert(link.to_owned())
    }
}
