//! What a report shows of all users: sums for all, lines for those that need a look.

use std::collections::{BTreeMap, VecDeque};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use shared::{domain::ids::UserId, view::Line};

/// The most users to look at on a page. More would stall a browser; the CSV has all of them.
const TO_LOOK_AT: usize = 1_000;

/// How many of the users that were rolled back last are on a page.
const ROLLED_BACK: usize = 200;

/// What an outcome means to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Done,
    /// A person has to look: held, partial, failed.
    Look,
    /// Continues automatically, or in another mode.
    Waits,
    /// Not eligible: there is nothing to roll back.
    LeftAlone,
}

impl Group {
    pub(super) const ALL: [Self; 4] = [Self::Done, Self::Look, Self::Waits, Self::LeftAlone];

    pub(super) fn of(kind: &str) -> Self {
        match kind {
            "rolled_back" => Self::Done,
            "held" | "partial" | "failed" => Self::Look,
            "not_eligible" => Self::LeftAlone,
            _ => Self::Waits,
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Done => "rolled back",
            Self::Look => "to look at",
            Self::Waits => "waiting",
            Self::LeftAlone => "left alone",
        }
    }

    /// The CSS class that colors it.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Look => "look",
            Self::Waits => "waits",
            Self::LeftAlone => "alone",
        }
    }
}

/// What users notice after a rollback, counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Noticed {
    pub(super) sspr_loses: u64,
    pub(super) sspr_loses_nothing: u64,
    pub(super) sspr_not_known: u64,
    pub(super) still_can_do_mfa: u64,
    pub(super) no_method_left: u64,
}

#[derive(Debug, Default)]
pub(super) struct Overview {
    /// Users, and registrations without one clear user.
    pub(super) all: u64,
    /// Counts by outcome and reason.
    pub(super) outcomes: BTreeMap<(String, Option<String>), u64>,
    /// Registrations by day (UTC).
    pub(super) registered: BTreeMap<Date, u64>,
    /// Outcomes by the day (UTC) on which they were reached.
    pub(super) reached: BTreeMap<Date, [u64; 4]>,
    /// Methods that were deleted, by kind.
    pub(super) deleted: BTreeMap<String, u64>,
    /// What users notice who were or would be rolled back.
    pub(super) noticed: Noticed,
    /// Users to look at, at most [`TO_LOOK_AT`].
    pub(super) to_look_at: Vec<Line>,
    /// The users that were rolled back last, at most [`ROLLED_BACK`].
    pub(super) rolled_back: VecDeque<Line>,
}

impl Overview {
    pub(super) fn add(&mut self, line: Line) {
        let group = Group::of(&line.outcome);
        self.all += 1;
        *self.outcomes.entry((line.outcome.clone(), line.reason.clone())).or_default() += 1;
        for registration in &line.registrations {
            *self.registered.entry(day(registration.registered_at)).or_default() += 1;
        }
        if let Some(at) = line.at {
            self.reached.entry(day(at)).or_default()[group as usize] += 1;
        }
        for method in &line.methods_deleted {
            *self.deleted.entry(method.kind.as_str().to_owned()).or_default() += 1;
        }
        if matches!(line.outcome.as_str(), "rolled_back" | "would_roll_back") {
            self.notice(&line);
        }
        match group {
            Group::Look if self.to_look_at.len() < TO_LOOK_AT => self.to_look_at.push(line),
            Group::Done => {
                if self.rolled_back.len() == ROLLED_BACK {
                    self.rolled_back.pop_front();
                }
                self.rolled_back.push_back(line);
            }
            _ => {}
        }
    }

    /// The users who are shown by themselves.
    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.to_look_at.iter().chain(&self.rolled_back)
    }

    /// Gives these users their principal names.
    pub(super) fn name(&mut self, names: &BTreeMap<UserId, String>) {
        for line in self.to_look_at.iter_mut().chain(&mut self.rolled_back) {
            if let Some(name) = line.user_id.and_then(|user| names.get(&user)) {
                line.user_principal_name = Some(name.clone());
            }
        }
    }

    /// The users to look at by what a person has to do about them, the most frequent first.
    pub(super) fn to_do(&self) -> Vec<(&str, Vec<&Line>)> {
        let mut steps: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
        for line in &self.to_look_at {
            steps.entry(&line.next_step).or_default().push(line);
        }
        let mut steps: Vec<_> = steps.into_iter().collect();
        steps.sort_by_key(|(_, lines)| std::cmp::Reverse(lines.len()));
        steps
    }

    fn notice(&mut self, line: &Line) {
        let Some(consequences) = line.decision.as_ref().and_then(|decision| decision.consequences.as_ref())
        else {
            self.noticed.sspr_not_known += 1;
            return;
        };
        match consequences.sspr_loses.as_deref() {
            Some([_, ..]) => self.noticed.sspr_loses += 1,
            Some([]) => self.noticed.sspr_loses_nothing += 1,
            None => self.noticed.sspr_not_known += 1,
        }
        self.noticed.still_can_do_mfa += u64::from(!consequences.still_can_do_mfa.is_empty());
        self.noticed.no_method_left += u64::from(consequences.no_method_left);
    }

    /// Counts the entries of a group.
    pub(super) fn of(&self, group: Group) -> u64 {
        self.outcomes.iter().filter(|((kind, _), _)| Group::of(kind) == group).map(|(_, count)| count).sum()
    }
}

/// The day of a moment (UTC).
pub(super) fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests {
    use shared::{
        domain::{
            ids::UserId,
            outcome::{Held, Outcome},
            state::{Concluded, UserState},
        },
        ledger::Entry,
    };
    use uuid::Uuid;

    use super::*;

    fn user(n: u128) -> UserId {
        Uuid::from_u128(n).to_string().parse().unwrap()
    }

    fn line(n: u128, outcome: Outcome, at: &str) -> Line {
        let at: Timestamp = at.parse().unwrap();
        let mut state = UserState::new(user(n), at);
        state.concluded = Some(Concluded {
            outcome,
            at,
            run_id: shared::domain::ids::RunId(Uuid::nil()),
            methods_deleted: Vec::new(),
            methods_left: Vec::new(),
            decision: None,
            request_ids: Vec::new(),
        });
        Line::of(&Entry::User(Box::new(state)), false)
    }

    #[test]
    fn everybody_is_counted_and_as_many_are_shown_as_a_page_bears() {
        let mut overview = Overview::default();
        for n in 1..=3_000 {
            let held = line(n, Outcome::Held(Held::External), "2026-03-01T23:59:59Z");
            overview.add(held);
            overview.add(line(n, Outcome::RolledBack, "2026-03-02T00:00:00Z"));
        }
        assert_eq!((overview.all, overview.of(Group::Look), overview.of(Group::Done)), (6_000, 3_000, 3_000));
        assert_eq!((overview.to_look_at.len(), overview.rolled_back.len()), (TO_LOOK_AT, ROLLED_BACK));
        assert_eq!(overview.rolled_back.back().unwrap().user_id, Some(user(3_000)));
        let days: Vec<_> = overview.reached.values().copied().collect();
        assert_eq!(days, [[0, 3_000, 0, 0], [3_000, 0, 0, 0]]);
        assert_eq!(overview.noticed.sspr_not_known, 3_000);
    }
}
