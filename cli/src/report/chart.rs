//! SVG charts: bars by name, and columns by day. They are 560 units wide and scale with the page.

use jiff::{ToSpan, civil::Date};
use maud::{Markup, html};

const WIDTH: f64 = 560.0;

/// The dimensions of a column chart.
const HEIGHT: f64 = 180.0;
const TOP: f64 = 16.0;
const BASE: f64 = 154.0;
const LEFT: f64 = 44.0;

/// The most columns in one chart; with more days, one column stands for several.
const COLUMNS: i32 = 62;

/// A bar: its name, its length, and the class that colours it.
pub(super) type Bar = (String, u64, &'static str);

/// Draws bars below each other, each with its name and number.
pub(super) fn bars(title: &str, bars: &[Bar]) -> Markup {
    const ROW: f64 = 24.0;
    const NAMES: f64 = 220.0;
    const NUMBERS: f64 = 64.0;
    let most = bars.iter().map(|(_, count, _)| *count).max().unwrap_or(1).max(1);
    let height = ROW * float(bars.len() as u64);
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label=(title) {
            @for (n, (name, count, class)) in bars.iter().enumerate() {
                @let y = ROW * float(n as u64);
                @let length = (WIDTH - NAMES - NUMBERS) * float(*count) / float(most);
                g {
                    title { (name) ": " (count) }
                    text x=(NAMES - 10.0) y=(y + 16.0) text-anchor="end" { (name) }
                    rect class=(class) x=(NAMES) y=(y + 4.0) width=(length) height=(ROW - 8.0) rx="2" {}
                    text class="number" x=(NAMES + length + 6.0) y=(y + 16.0) { (count) }
                }
            }
        }
    }
}

/// A part of each column: its name, the class that colours it, and how much of it there is by day.
pub(super) struct Part<'a> {
    pub(super) name: &'a str,
    pub(super) class: &'a str,
    pub(super) days: Vec<(Date, u64)>,
}

/// What stands behind and above the columns of a chart.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Days that are shaded, the first and the last, and what they are.
    pub(super) band: Option<(Date, Date, &'static str)>,
    /// Days that have a line of their own, and what happened on them.
    pub(super) lines: Vec<(Date, String)>,
}

/// Draws columns by day, with their parts stacked, and marks among them.
pub(super) fn columns(title: &str, parts: &[Part<'_>], marks: &Marks) -> Markup {
    let days = parts.iter().flat_map(|part| part.days.iter().map(|(day, _)| *day));
    let Some((first, last)) = ends(days) else { return html! { p.none { "nothing yet" } } };
    let marked = marks
        .lines
        .iter()
        .map(|(day, _)| *day)
        .chain(marks.band.iter().flat_map(|(from, to, _)| [*from, *to]));
    let (first, last) = ends(marked.chain([first, last])).unwrap_or((first, last));
    let span = first.until(last).map_or(0, |span| span.get_days()) + 1;
    let step = (span + COLUMNS - 1) / COLUMNS;
    let count = usize::try_from((span + step - 1) / step).unwrap_or(1);
    let heights = parts.iter().map(|part| sums(part, first, step, count)).collect::<Vec<_>>();
    let most = (0..count).map(|n| heights.iter().map(|part| part[n]).sum::<u64>()).max().unwrap_or(1).max(1);
    let slot = (WIDTH - LEFT) / float(count as u64);
    let width = (slot - 2.0).clamp(1.0, 40.0);
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(title) {
            @let place = |day: Date| LEFT + slot * float(nth(first, step, day).min(count as u64 - 1));
            @if let Some((from, to, name)) = &marks.band {
                rect class="band" x=(place(*from)) y=(TOP) width=(place(*to) + slot - place(*from)) height=(BASE - TOP) {
                    title { (name) ": " (from) " to " (to) }
                }
            }
            line class="axis" x1=(LEFT) x2=(WIDTH) y1=(BASE) y2=(BASE) {}
            line class="grid" x1=(LEFT) x2=(WIDTH) y1=(TOP) y2=(TOP) {}
            text.number x=(LEFT - 6.0) y=(TOP + 4.0) text-anchor="end" { (most) }
            text.number x=(LEFT - 6.0) y=(BASE) text-anchor="end" { "0" }
            @for n in 0..count {
                @let x = LEFT + slot * float(n as u64) + 1.0;
                @let begin = day_of(first, step, n);
                g {
                    title {
                        (begin) @if step > 1 { " and " (step - 1) " days after it" }
                        @for (part, heights) in parts.iter().zip(&heights) { @if heights[n] > 0 { "; " (part.name) ": " (heights[n]) } }
                    }
                    @for (i, part) in parts.iter().enumerate() {
                        @let below: u64 = heights[..i].iter().map(|part| part[n]).sum();
                        @let scale = |count: u64| (BASE - TOP) * float(count) / float(most);
                        @if heights[i][n] > 0 {
                            rect class=(part.class) x=(x) width=(width) y=(BASE - scale(below + heights[i][n])) height=(scale(heights[i][n])) {}
                        }
                    }
                }
            }
            @for (day, name) in &marks.lines {
                line class="mark" x1=(place(*day)) x2=(place(*day)) y1=(TOP - 8.0) y2=(BASE) { title { (name) } }
            }
            text x=(LEFT) y=(HEIGHT - 8.0) { (first) }
            @if count > 1 { text x=(WIDTH) y=(HEIGHT - 8.0) text-anchor="end" { (last) } }
        }
    }
}

fn ends(days: impl Iterator<Item = Date> + Clone) -> Option<(Date, Date)> {
    Some((days.clone().min()?, days.max()?))
}

fn day_of(first: Date, step: i32, n: usize) -> Date {
    first.saturating_add((i64::from(step) * i64::try_from(n).unwrap_or(0)).days())
}

/// The column that a day falls into.
fn nth(first: Date, step: i32, day: Date) -> u64 {
    u64::try_from(first.until(day).map_or(0, |span| span.get_days()) / step).unwrap_or(0)
}

/// Sums a part for each column.
fn sums(part: &Part<'_>, first: Date, step: i32, columns: usize) -> Vec<u64> {
    let mut sums = vec![0; columns];
    for (day, count) in &part.days {
        if let Some(sum) = usize::try_from(nth(first, step, *day)).ok().and_then(|n| sums.get_mut(n)) {
            *sum += count;
        }
    }
    sums
}

#[expect(clippy::cast_precision_loss, reason = "a picture is not that precise")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn a_year_is_drawn_in_columns_of_several_days_and_nothing_is_left_out() {
        let days: Vec<_> = (0..365).map(|n| (date("2026-01-01").saturating_add(n.days()), 2)).collect();
        let part = Part { name: "found", class: "done", days };
        let sums = sums(&part, date("2026-01-01"), 6, 61);
        assert_eq!(sums.iter().sum::<u64>(), 730);
        let drawn = columns("Found", &[part], &Marks::default()).into_string();
        assert_eq!(drawn.matches("<rect").count(), 61);
        assert!(drawn.contains("2026-12-31") && drawn.contains("and 5 days after it"));
    }

    #[test]
    fn the_window_is_shaded_and_each_switch_has_a_line() {
        let part = Part { name: "found", class: "done", days: vec![(date("2026-03-03"), 1)] };
        let marks = Marks {
            band: Some((date("2026-02-20"), date("2026-03-04"), "window")),
            lines: vec![(date("2026-03-01"), "Update preview settings".to_owned())],
        };
        let drawn = columns("Found", &[part], &marks).into_string();
        assert!(drawn.contains("window: 2026-02-20 to 2026-03-04"), "{drawn}");
        assert!(
            drawn.contains("class=\"mark\"") && drawn.contains("<title>Update preview settings</title>"),
            "{drawn}"
        );
    }

    #[test]
    fn nothing_is_drawn_of_nothing_and_names_are_escaped() {
        assert!(columns("Found", &[], &Marks::default()).into_string().contains("nothing yet"));
        let bar = bars("x", &[("<b>&".to_owned(), 0, "look")]).into_string();
        assert!(bar.contains("&lt;b&gt;&amp;") && !bar.contains("<b>"), "{bar}");
    }
}
