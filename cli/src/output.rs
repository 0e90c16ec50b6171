//! Results on standard output: as a table, JSON, lines of JSON, or CSV.

use std::{
    collections::BTreeMap,
    io::{self, BufWriter, Write},
    path::Path,
};

use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width};
use serde::Serialize;
use serde_json::Value;
use shared::{domain::method::MethodName, settings::environment, text::is_unprintable};

use crate::{
    args::Format,
    error::{CommandError, stop_if_nobody_reads},
};

/// Writes a line on standard output like `println!`, but ends the process quietly if nobody reads it any
/// more.
macro_rules! say {
    ($($part:tt)*) => { $crate::output::line(format_args!($($part)*)) };
}
pub(crate) use say;

/// Writes one line; see [`say`].
pub(crate) fn line(text: std::fmt::Arguments<'_>) {
    if let Err(error) = writeln!(io::stdout().lock(), "{text}") {
        stop_if_nobody_reads(&error);
    }
}

/// A result that is a list of rows.
pub struct Rows {
    /// Column names in snake case; a table shows `_` as a space.
    pub header: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
}

/// Marks a cell with `'` if a spreadsheet would take it for a formula: names come from other people.
pub fn inert(cell: &str) -> String {
    let guard = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("{guard}{cell}")
}

/// Writes rows as a table or CSV, and `json` as JSON.
pub fn write(format: Format, rows: &Rows, json: &impl Serialize) -> Result<(), CommandError> {
    let mut out = io::stdout().lock();
    match format {
        Format::Json | Format::Ndjson => write_json(format, json),
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(out);
            writer.write_record(&rows.header)?;
            for row in &rows.rows {
                writer.write_record(row.iter().map(|cell| inert(cell)))?;
            }
            writer.flush()?;
            Ok(())
        }
        Format::Table | Format::Html | Format::Mail => {
            writeln!(out, "{}", table(rows))?;
            Ok(())
        }
    }
}

/// Writes JSON on standard output; as [`Format::Ndjson`] one line for each item of a list.
pub fn write_json(format: Format, json: &impl Serialize) -> Result<(), CommandError> {
    let mut out = BufWriter::new(io::stdout().lock());
    if format == Format::Ndjson {
        match serde_json::to_value(json)? {
            Value::Array(items) => items.iter().try_for_each(|item| writeln!(out, "{item}"))?,
            one => writeln!(out, "{one}")?,
        }
    } else {
        serde_json::to_writer_pretty(&mut out, json)?;
        writeln!(out)?;
    }
    out.flush()?;
    Ok(())
}

/// The header of a column of people: a name, and the id below it.
pub const USER: &str = "user";

/// A cell of such a column.
pub fn person(name: Option<&str>, id: &str) -> String {
    name.map_or_else(|| id.to_owned(), |name| format!("{}\n{id}", plain(name)))
}

/// The length of an object id. A word of this length or more is an id, and is never cut.
const ID: usize = 36;

/// What a cell needs on both sides.
const PADDING: usize = 2;

/// Makes a table as wide as the terminal. Ids are never cut, and nothing in it can move the cursor.
pub fn table(rows: &Rows) -> Table {
    let mut table = Table::new();
    let style = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
    table.load_style(style).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(rows.header.iter().map(|name| name.replace('_', " ")));
    let colours = environment("NO_COLOR").is_none_or(|value| value.is_empty());
    for row in &rows.rows {
        table.add_row(row.iter().zip(&rows.header).map(|(text, &column)| {
            let lines =
                if column == USER { text.split('\n').map(plain).collect() } else { vec![plain(text)] };
            let cell = Cell::new(lines.join("\n"));
            match colour(column, text) {
                Some(colour) if colours => cell.fg(colour),
                _ => cell,
            }
        }));
    }
    for (n, column) in table.column_iter_mut().enumerate() {
        let cells = rows.rows.iter().filter_map(|row| row.get(n));
        let words = cells.flat_map(|cell| cell.split_whitespace()).map(|word| word.chars().count());
        if let Some(longest) = words.filter(|length| *length >= ID).max() {
            let width = u16::try_from(longest + PADDING).unwrap_or(u16::MAX);
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
        }
    }
    table
}

/// The colour of an outcome, an answer or a finding; `None` for other columns.
fn colour(column: &str, text: &str) -> Option<Color> {
    if !["outcome", "answer", "result"].contains(&column) {
        return None;
    }
    match text.split([':', '(']).next()? {
        "rolled_back" | "pass" | "ok" => Some(Color::Green),
        "held" | "partial" | "failed" | "no" | "unknown" | "missing" => Some(Color::Yellow),
        "would_roll_back" | "deferred" | "pending" | "note" => Some(Color::Cyan),
        _ => None,
    }
}

/// Replaces every character that a terminal would obey: names come from other people.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if is_unprintable(c) { '\u{fffd}' } else { c }).collect()
}

/// Returns a file's path, made [`plain`].
pub fn file(path: &Path) -> String {
    plain(&path.display().to_string())
}

/// Lists the kinds of methods, each with its count if there are several.
pub fn kinds(methods: &[MethodName]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for method in methods {
        *counts.entry(method.kind.as_str()).or_default() += 1;
    }
    let parts: Vec<String> = counts
        .into_iter()
        .map(|(kind, count)| if count == 1 { kind.to_owned() } else { format!("{count}×{kind}") })
        .collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "Directory_7c1d2e3f-0000-4000-8000-000000000001_ABCDE_12345678";

    fn told(width: u16) -> String {
        let user = person(Some("ada@contoso.example"), "3b1f0c52-7a44-4e0d-9c15-5d2a6e8f9011");
        let story =
            format!("came with event {LONG}, and then a story that is longer than what is left of the line");
        let rows =
            Rows { header: vec![USER, "outcome", "why"], rows: vec![vec![user, "held".to_owned(), story]] };
        let mut table = table(&rows);
        table.set_width(width);
        table.to_string()
    }

    #[test]
    fn a_table_fits_the_width_and_never_cuts_an_id() {
        for width in [60, 80, 120, 160] {
            let told = told(width);
            assert!(
                told.contains("3b1f0c52-7a44-4e0d-9c15-5d2a6e8f9011") && told.contains(LONG),
                "{width}:\n{told}"
            );
            let widest = told.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(width < 120 || widest <= width.into(), "{width}: {widest}\n{told}");
        }
    }

    #[test]
    fn a_name_cannot_begin_a_line_of_its_own_but_for_the_id_below_it() {
        assert_eq!(person(Some("a\nb"), "id"), "a\u{fffd}b\nid");
    }

    #[test]
    fn outcomes_and_answers_have_colours_and_nothing_else_has() {
        assert_eq!(colour("outcome", "held(administrator)"), colour("answer", "no: why"));
        assert_eq!(colour("why", "held"), None);
    }
}
