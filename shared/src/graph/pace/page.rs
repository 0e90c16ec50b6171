//! `docs/pace.md` and its picture: how the control loop does against the model of five budgets.
//! `MFA_ROLLBACK_WRITE_DOCS=true cargo test -p shared pace` writes them anew.

use std::{fmt::Write, ops::Range, time::Duration};

use super::model::{Budget, Load, Sent, play};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/");
/// How many seconds are shown.
const SECONDS: u64 = 360;
/// How many of them make one point of a curve.
const STEP: u8 = 5;
/// From when on a pace counts as settled.
const SETTLED: u64 = 60;

const BUDGETS: [(&str, Budget); 5] = [
    ("20 in 10 s", Budget::of(&[(0, 20)])),
    ("60 in 10 s", Budget::of(&[(0, 60)])),
    ("240 in 10 s", Budget::of(&[(0, 240)])),
    ("no budget", Budget::of(&[(0, usize::MAX)])),
    ("60, then 20, then 60 in 10 s", Budget::of(&[(0, 60), (120, 20), (240, 60)])),
];

const HEAD: &str = "# The pace\n
How fast requests for authentication methods and for the directory go out. Graph publishes no limit for the former, so
the program finds it out (`shared/src/graph/pace/limit.rs`):\n
- **Start.** A few requests are in flight at once (`GRAPH_REQUESTS_PER_SECOND`), and one more for every 20 that were
  granted. So the pace multiplies while nothing is refused, and the first refusal costs few requests. A limit that
  was found within the last hour is in the ledger, and the next run starts a little below it.
- **Refusal.** Everybody waits, for as long as `Retry-After` says or, without it, 2 s and longer each time. One request
  goes ahead. The limit becomes 93 % of what was granted in the 10 s before the refusal.
- **Growth.** After 100 granted requests, it rises a little, up to where it was refused. Beyond that each step is twice
  the one before. A share that is larger is refused more often, which evens out two processes.
- **What Graph says.** Where `x-ms-throttle-limit-percentage` comes (from 0.8 on), the limit follows from it, and nothing
  has to be refused.\n
Who has begun goes first: a DELETE or a second look before the first look at somebody else. The audit log, the reports
and What If have published limits, and keep to them from the start.\n
Three others measure a limit, too, and this takes something from each. BBR (TCP) measures what was delivered over a
period, probes above it and does not read a loss as congestion. The retries of the AWS SDKs go from what was in fact sent,
and slow down near the rate that was refused last. Netflix' concurrency-limits starts from how many requests are in flight;
its signal, latency, says nothing here, since Graph refuses early instead of queueing.\n
The picture and the table come from a model: a sliding window of 10 s, answers after 20 to 300 ms, `Retry-After` in whole
seconds. A test plays it, holds the program to the figures of `shared/src/graph/pace/tests.rs`, and writes this page
(`MFA_ROLLBACK_WRITE_DOCS=true cargo test -p shared pace`).\n
![Granted and refused requests per second over time, for five budgets](pace.svg)\n
| budget | granted in a second, from the second minute on | of the budget | refused of these | refused in the first minute |
|---|--:|--:|--:|--:|
";

fn played(budget: Budget) -> Vec<Sent> {
    let latency = (Duration::from_millis(20), Duration::from_millis(300));
    let ends = Duration::from_secs(SECONDS);
    play(budget, &Load { begin: vec![0], requests: usize::MAX / 2, latency, ends, seed: 1 })
}

fn count(sent: &[Sent], granted: bool, seconds: Range<u64>) -> f64 {
    let is_counted = |s: &&Sent| s.granted == granted && seconds.contains(&s.at.as_secs());
    f64::from(u32::try_from(sent.iter().filter(is_counted).count()).unwrap())
}

fn number(seconds: u64) -> f64 {
    f64::from(u32::try_from(seconds).unwrap())
}

fn row(name: &str, budget: Budget, sent: &[Sent]) -> String {
    let settled = SETTLED..SECONDS;
    let (granted, refused) = (count(sent, true, settled.clone()), count(sent, false, settled.clone()));
    let of_budget = match budget.most {
        [(_, most)] if *most == usize::MAX => String::new(),
        changes => {
            let possible: f64 = settled
                .map(|second| {
                    let (_, most) = changes.iter().rev().find(|(from, _)| *from <= second).unwrap();
                    f64::from(u32::try_from(*most).unwrap()) / 10.0
                })
                .sum();
            format!("{:.0} %", 100.0 * granted / possible)
        }
    };
    let first = count(sent, false, 0..SETTLED);
    format!(
        "| {name} | {:.1} | {of_budget} | {:.1} % | {first} of {} |\n",
        granted / number(SECONDS - SETTLED),
        100.0 * refused / (granted + refused),
        first + count(sent, true, 0..SETTLED)
    )
}

/// One budget's curves: granted and refused requests per second.
fn panel(name: &str, sent: &[Sent], top: u32) -> String {
    let per_second = |granted: bool| -> Vec<f64> {
        let points = (0..SECONDS).step_by(STEP.into());
        points.map(|from| count(sent, granted, from..from + u64::from(STEP)) / f64::from(STEP)).collect()
    };
    let (granted, refused) = (per_second(true), per_second(false));
    let most = granted.iter().chain(&refused).fold(1.0_f64, |most, value| most.max(*value));
    let line = |values: &[f64]| {
        let mut points = String::new();
        for (n, value) in (0_u32..).zip(values) {
            let x = 60.0 + f64::from(n) * 640.0 * f64::from(STEP) / number(SECONDS);
            write!(points, "{x:.1},{:.1} ", 100.0 - 80.0 * value / most).unwrap();
        }
        points.trim_end().to_owned()
    };
    format!(
        "<g transform=\"translate(0 {top})\"><text x=\"60\" y=\"12\">{name}</text>\
         <text class=\"end\" x=\"54\" y=\"24\">{most:.1}/s</text><text class=\"end\" x=\"54\" y=\"104\">0</text>\
         <path class=\"axis\" d=\"M60 20V100H700\"/>\n<polyline class=\"granted\" points=\"{}\"/>\n\
         <polyline class=\"refused\" points=\"{}\"/></g>\n",
        line(&granted),
        line(&refused)
    )
}

fn picture(all: &[(&str, Vec<Sent>)]) -> String {
    let mut svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 640\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <style>text{fill:#555}.end{text-anchor:end}.axis{fill:none;stroke:#999}polyline{fill:none;stroke-width:1.5}\
         .granted{stroke:#0a7}.refused{stroke:#d40}.key-granted{fill:#0a7}.key-refused{fill:#d40}</style>\n"
        .to_owned();
    for (n, (name, sent)) in (0_u32..).zip(all) {
        svg += &panel(name, sent, n * 120);
    }
    let minutes = (0..=SECONDS / 60).map(|minute| {
        let x = 60 + minute * 640 * 60 / SECONDS;
        format!("<text x=\"{x}\" y=\"616\">{minute} min</text>")
    });
    svg += &minutes.collect::<String>();
    svg += "\n<text class=\"key-granted\" x=\"60\" y=\"634\">granted in a second</text>\
            <text class=\"key-refused\" x=\"200\" y=\"634\">refused in a second</text></svg>\n";
    svg
}

#[expect(clippy::disallowed_methods, reason = "the environment says it to this test alone")]
fn is_to_be_written() -> bool {
    std::env::var("MFA_ROLLBACK_WRITE_DOCS").is_ok_and(|value| value == "true")
}

#[test]
fn the_pace_does_as_the_page_says() {
    let all: Vec<_> = BUDGETS.iter().map(|(name, budget)| (*name, played(*budget))).collect();
    let rows = BUDGETS.iter().zip(&all).map(|((name, budget), (_, sent))| row(name, *budget, sent));
    let page = HEAD.to_owned() + &rows.collect::<String>();
    for (file, made) in [("pace.md", page), ("pace.svg", picture(&all))] {
        let path = FOLDER.to_owned() + file;
        if is_to_be_written() {
            std::fs::write(&path, &made).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == made, "docs/{file} is not up to date (see this file's head)");
    }
}
