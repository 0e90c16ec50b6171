use super::*;

const OVERLAP: SignedDuration = SignedDuration::from_mins(60);
const RETENTION: SignedDuration = SignedDuration::from_hours(30 * 24);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn window() -> Window {
    Window::new(at("2026-03-01T00:00:00Z"), at("2026-03-05T00:00:00Z"), Some(at("2026-03-10T00:00:00Z")))
        .unwrap()
}

/// Finishes a sweep that began at `began`.
fn swept(position: &mut Position, began: &str) {
    let range = Range { from: window().start, to: window().end };
    position.swept(&ScanUnderWay::new(range, at(began)));
}

/// Runs a scan to its end.
fn scan(position: &mut Position, now: &str) -> Option<Range> {
    let scan = position.next_scan(&window(), OVERLAP, at(now))?;
    position.scanned(&scan);
    Some(scan.range)
}

#[test]
fn each_scan_goes_back_behind_the_watermark_and_is_cut_to_the_window() {
    let mut position = Position::default();
    assert_eq!(scan(&mut position, "2026-02-01T00:00:00Z"), None, "the window has not begun");
    let first = scan(&mut position, "2026-03-02T00:00:00Z").unwrap();
    assert_eq!((first.from, first.to), (at("2026-03-01T00:00:00Z"), at("2026-03-02T00:00:00Z")));
    let second = scan(&mut position, "2026-03-02T00:05:00Z").unwrap();
    assert_eq!((second.from, second.to), (at("2026-03-01T23:00:00Z"), at("2026-03-02T00:05:00Z")));
    let last = scan(&mut position, "2026-03-12T00:00:00Z").unwrap();
    assert_eq!(last.to, at("2026-03-10T00:00:00Z"));
    assert_eq!(position.complete_to, Some(at("2026-03-10T00:00:00Z")));
    let after = scan(&mut position, "2026-03-12T00:05:00Z").unwrap();
    assert_eq!(after.from, at("2026-03-09T23:00:00Z"), "late events are still looked for");
}

#[test]
fn an_interrupted_scan_goes_on_with_the_bound_it_began_with() {
    let mut position = Position::default();
    let mut begun = position.next_scan(&window(), OVERLAP, at("2026-03-02T00:00:00Z")).unwrap();
    begun.read_until = at("2026-03-01T12:00:00Z");
    position.scan = Some(begun.clone());
    assert_eq!(position.next_scan(&window(), OVERLAP, at("2026-03-03T00:00:00Z")), Some(begun));
}

#[test]
fn a_window_widened_while_its_first_scan_is_under_way_is_scanned_anew() {
    let mut position = Position::default();
    let narrow = Window { start: at("2026-03-02T00:00:00Z"), ..window() };
    let begun = position.next_scan(&narrow, OVERLAP, at("2026-03-03T00:00:00Z")).unwrap();
    position.scan = Some(begun);
    let of_the_narrow = scan(&mut position, "2026-03-03T00:05:00Z").unwrap();
    assert_eq!(of_the_narrow.from, narrow.start, "it goes on");
    assert_eq!(scan(&mut position, "2026-03-03T00:10:00Z").unwrap().from, window().start);
}

#[test]
fn a_window_that_begins_earlier_is_scanned_anew() {
    let mut position = Position::default();
    scan(&mut position, "2026-03-02T00:00:00Z");
    let wider = Window { start: at("2026-02-20T00:00:00Z"), ..window() };
    let anew = position.next_scan(&wider, OVERLAP, at("2026-03-02T01:00:00Z")).unwrap();
    assert_eq!(anew.range.from, wider.start);
}

#[test]
fn a_daily_sweep_and_a_last_one_and_then_the_window_is_closed() {
    let mut position = Position::default();
    scan(&mut position, "2026-03-02T00:00:00Z");
    assert_eq!(position.next_sweep(&window(), RETENTION, OVERLAP, at("2026-03-02T00:00:00Z")), None);
    assert_eq!(position.next_sweep(&window(), RETENTION, OVERLAP, at("2026-03-02T23:00:00Z")), None);
    let sweep = position.next_sweep(&window(), RETENTION, OVERLAP, at("2026-03-03T00:00:00Z")).unwrap();
    assert_eq!(sweep.range.from, at("2026-03-01T00:00:00Z"));
    swept(&mut position, "2026-03-03T00:00:00Z");
    scan(&mut position, "2026-03-16T23:00:00Z");
    swept(&mut position, "2026-03-16T23:30:00Z");
    assert!(!position.is_closed(&window()));
    assert!(position.next_sweep(&window(), RETENTION, OVERLAP, at("2026-03-17T00:00:00Z")).is_some());
    swept(&mut position, "2026-03-17T00:00:00Z");
    assert!(position.is_closed(&window()));
    assert_eq!(scan(&mut position, "2026-03-18T00:00:00Z"), None);
    assert_eq!(position.next_sweep(&window(), RETENTION, OVERLAP, at("2026-03-20T00:00:00Z")), None);
}

#[test]
fn a_sweep_that_began_before_the_last_one_was_due_is_not_the_last_one() {
    let mut position = Position::default();
    scan(&mut position, "2026-03-02T00:00:00Z");
    position.next_sweep(&window(), RETENTION, OVERLAP, at("2026-03-02T00:00:00Z"));
    let sweep = position.next_sweep(&window(), RETENTION, OVERLAP, at("2026-03-09T00:00:00Z")).unwrap();
    position.sweep = Some(sweep);
    let resumed = position.next_sweep(&window(), RETENTION, OVERLAP, at("2026-03-18T00:00:00Z")).unwrap();
    position.swept(&resumed);
    scan(&mut position, "2026-03-18T00:00:00Z");
    assert!(!position.is_closed(&window()));
}

#[test]
fn past_retention_the_last_sweep_is_given_up_and_the_window_is_closed() {
    let mut position = Position::default();
    scan(&mut position, "2026-03-11T00:00:00Z");
    let week = SignedDuration::from_hours(6 * 24);
    assert_eq!(position.next_sweep(&window(), week, OVERLAP, at("2026-03-11T00:00:00Z")), None);
    assert_eq!(position.next_sweep(&window(), week, OVERLAP, at("2026-03-17T00:00:00Z")), None);
    assert!(position.is_closed(&window()));
}

#[test]
fn a_position_in_the_future_is_scanned_anew() {
    let mut position = Position::default();
    scan(&mut position, "2026-03-09T00:00:00Z");
    let anew = position.next_scan(&window(), OVERLAP, at("2026-03-02T00:00:00Z")).unwrap();
    assert_eq!(anew.range.from, window().start);
}

#[test]
fn a_start_moved_earlier_is_scanned_anew_once_and_goes_on_at_its_cursor() {
    let mut position = Position::default();
    scan(&mut position, "2026-03-02T00:00:00Z");
    let wider = Window { start: at("2026-02-20T00:00:00Z"), ..window() };
    let mut begun = position.next_scan(&wider, OVERLAP, at("2026-03-02T01:00:00Z")).unwrap();
    begun.read_until = at("2026-02-25T00:00:00Z");
    position.scan = Some(begun.clone());
    assert_eq!(position.next_scan(&wider, OVERLAP, at("2026-03-02T02:00:00Z")), Some(begun));
}

#[test]
fn a_position_of_a_version_that_read_one_service_is_scanned_anew() {
    let mut position = Position::default();
    scan(&mut position, "2026-03-09T00:00:00Z");
    let earlier = serde_json::to_value(&position).unwrap();
    let mut earlier = earlier.as_object().unwrap().clone();
    earlier.remove("services");
    let mut position: Position = serde_json::from_value(earlier.into()).unwrap();
    let anew = position.next_scan(&window(), OVERLAP, at("2026-03-09T01:00:00Z")).unwrap();
    assert_eq!((anew.range.from, anew.service), (window().start, Service::CoreDirectory));
}

#[test]
fn a_scan_asks_for_each_service_and_for_the_whole_range() {
    let range = Range { from: window().start, to: window().end };
    let mut scan = ScanUnderWay::new(range, at("2026-03-12T00:00:00Z"));
    (scan.read_until, scan.next) = (range.to, Some("link".to_owned()));
    assert!(scan.next_service());
    assert_eq!(scan.query(), AuditQuery::Range(Service::AuthenticationMethods, range));
    assert!(scan.next_service());
    assert_eq!(scan.query(), AuditQuery::Range(Service::AzureMfa, range));
    assert!(!scan.next_service());
}

fn gap(service: Service, from: i64, to: i64, met: i64) -> Gap {
    let at = |second| Timestamp::from_second(second).unwrap();
    Gap { service, range: Range { from: at(from), to: at(to) }, met_at: at(met), why: "broken".to_owned() }
}

#[test]
fn a_gap_is_on_record_once_until_a_sweep_reads_it() {
    let mut position = Position::default();
    for (from, to) in [(10, 20), (20, 30), (50, 60)] {
        position.add_gap(gap(Service::AzureMfa, from, to, 100));
    }
    position.add_gap(gap(Service::AuthenticationMethods, 15, 15, 200));
    assert_eq!(position.gaps.len(), 3);
    let (swept, began) = (gap(Service::AzureMfa, 0, 55, 0).range, Timestamp::from_second(150).unwrap());
    position.close_gaps(swept, began);
    let left: Vec<_> = position.gaps.iter().map(|gap| (gap.service, gap.range.from.as_second())).collect();
    let met_again = (Service::AuthenticationMethods, 15);
    assert_eq!(left, [(Service::AzureMfa, 50), met_again], "one lies outside the sweep, one was met again");
}

#[test]
fn very_many_gaps_widen_the_last_ones() {
    let mut position = Position::default();
    for n in 0..1_000 {
        position.add_gap(gap(Service::AzureMfa, n * 10, n * 10 + 1, 0));
    }
    assert!(position.gaps.len() <= MOST_GAPS, "{}", position.gaps.len());
    let covers = |second| {
        let at = Timestamp::from_second(second).unwrap();
        position.gaps.iter().any(|gap| gap.range.contains(at))
    };
    assert!((0..1_000).all(|n| covers(n * 10)));
}

#[test]
fn trouble_lasts_from_when_it_began() {
    let mut position = Position::default();
    let at = |second| Timestamp::from_second(second).unwrap();
    position.note_trouble(Some("first".to_owned()), at(1));
    position.note_trouble(Some("then".to_owned()), at(2));
    assert_eq!(position.unread(), ["since 1970-01-01T00:00:01Z: then"]);
    position.note_trouble(None, at(3));
    assert_eq!(position.unread(), Vec::<String>::new());
}
