use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::domain::window::shift;

const DAYS: [&str; 3] = ["2026-01-10T00:00:00Z", "2026-02-10T00:00:00Z", "2026-04-10T00:00:00Z"];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn window() -> Window {
    Window::new(at("2026-02-01T00:00:00Z"), at("2026-03-01T00:00:00Z"), None).unwrap()
}

/// One app: in which part of time it came, and in which it went, if it did.
type App = (usize, Option<usize>);

/// What may become of a record on its way: it is lost, or one side of it cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Whole,
    Lost,
    OldCutOff,
    NewCutOff,
}

/// The true records of apps that come and go, each with its fate.
fn records(apps: &[App], fates: &[Fate]) -> Vec<RecordedChange> {
    let mut moves: Vec<(usize, usize, bool)> = Vec::new();
    for (n, (came, went)) in apps.iter().enumerate() {
        moves.push((*came, n, true));
        moves.extend(went.filter(|went| went > came).map(|went| (went, n, false)));
    }
    moves.sort_unstable();
    let mut there: BTreeSet<MethodId> = BTreeSet::new();
    let mut all = Vec::new();
    for (count, (part, n, comes)) in moves.into_iter().enumerate() {
        let before = there.clone();
        let id = MethodId(format!("app{n}"));
        if comes {
            there.insert(id)
        } else {
            there.remove(&id)
        };
        let fate = fates[count % fates.len()];
        if fate == Fate::Lost {
            continue;
        }
        all.push(RecordedChange {
            event_id: EventId(format!("e{count}")),
            at: shift(at(DAYS[part]), SignedDuration::from_mins(i64::try_from(count).unwrap())),
            by_another: false,
            flags: Change::default(),
            apps: Change {
                before: (fate != Fate::OldCutOff).then_some(before),
                after: (fate != Fate::NewCutOff).then(|| there.clone()),
            },
            numbers: None,
            required: Change::default(),
        });
    }
    all
}

fn any_fate() -> impl Strategy<Value = Fate> {
    prop_oneof![5 => Just(Fate::Whole), 1 => Just(Fate::Lost), 1 => Just(Fate::OldCutOff), 1 => Just(Fate::NewCutOff)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    /// Whatever is lost on the way, no app is taken for one that came at another time.
    #[test]
    fn the_story_never_says_of_an_app_what_is_not_true(
        apps in prop::collection::vec((0..3_usize, prop::option::of(0..3_usize)), 1..5),
        fates in prop::collection::vec(any_fate(), 1..9),
        order in any::<prop::sample::Index>(),
    ) {
        let mut changes = records(&apps, &fates);
        if !changes.is_empty() {
            let by = order.index(changes.len());
            changes.rotate_left(by);
        }
        let story = Story::new(changes);
        for (n, (came, _)) in apps.iter().enumerate() {
            let said = match story.app_came(&MethodId(format!("app{n}")), &window()) {
                None => continue,
                Some(Came::Before(_)) => 0,
                Some(Came::Within(_)) => 1,
                Some(Came::After(_)) => 2,
            };
            // If the record that added it is lost, a later one shows it as old: that keeps it.
            let is_lost = said == 0 && fates.contains(&Fate::Lost);
            prop_assert!(said == *came || is_lost, "app{} of {:?}: {}", n, apps, said);
        }
    }

    /// With every record whole, the story knows all that came in the window or later, and stayed.
    #[test]
    fn a_whole_story_knows_every_app_that_came(
        apps in prop::collection::vec((0..3_usize, prop::option::of(0..3_usize)), 1..5),
    ) {
        let story = Story::new(records(&apps, &[Fate::Whole]));
        let stayed = |(came, went): &App| *came > 0 && went.is_none_or(|went| went <= *came);
        for (n, (came, _)) in apps.iter().enumerate().filter(|(_, app)| stayed(app)) {
            let said = story.app_came(&MethodId(format!("app{n}")), &window());
            let is_right = matches!((said, came), (Some(Came::Within(_)), 1) | (Some(Came::After(_)), 2));
            prop_assert!(is_right, "app{} of {:?}", n, apps);
        }
    }

    /// Asking again, in parts that overlap, makes the same story as one reading of everything.
    #[test]
    fn a_story_told_in_parts_is_the_story_told_at_once(
        apps in prop::collection::vec((0..3_usize, prop::option::of(0..3_usize)), 1..5),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 4),
    ) {
        let changes = records(&apps, &[Fate::Whole]);
        let mut story = Story::default();
        for cut in cuts.chunks(2) {
            let (a, b) = (cut[0].index(changes.len()), cut[1].index(changes.len()));
            story = story.with(&changes[a.min(b)..=a.max(b)]);
        }
        prop_assert_eq!(story.with(&changes), Story::new(changes));
    }

    /// What is not worth keeping changes nothing of what the story says.
    #[test]
    fn what_is_dropped_says_nothing(
        apps in prop::collection::vec((0..3_usize, prop::option::of(0..3_usize)), 1..5),
        fates in prop::collection::vec(any_fate(), 1..9),
        uses in prop::collection::vec((any::<prop::sample::Index>(), 0..3_i64), 0..6),
    ) {
        let mut changes: Vec<_> =
            records(&apps, &fates).into_iter().filter(|it| it.at >= window().start).collect();
        let known = changes.clone();
        for (n, (of, hours)) in uses.iter().enumerate().filter(|_| !known.is_empty()) {
            let of = &known[of.index(known.len())];
            let there = of.apps.after.clone();
            changes.push(RecordedChange {
                event_id: EventId(format!("use{n}")),
                at: shift(of.at, SignedDuration::from_hours(*hours) - SignedDuration::from_secs(1)),
                apps: Change { before: there.clone(), after: there },
                ..of.clone()
            });
        }
        let (all, kept) = (Story::new(changes.clone()), Story::new(worth_keeping(changes)));
        prop_assert!(kept.0.len() <= known.len() + 1);
        let had = |story: &Story| story.stamp(&window()).map(|(_, stamped)| !stamped);
        prop_assert_eq!(had(&all), had(&kept));
        for n in 0..apps.len() {
            let app = MethodId(format!("app{n}"));
            let was_before = |story: &Story| matches!(story.app_came(&app, &window()), Some(Came::Before(_)));
            prop_assert_eq!(was_before(&all), was_before(&kept));
        }
    }
}
