//! Results on standard output: as a table, JSON or CSV.

use std::{
    collections::BTreeMap,
    io::{self, BufWriter, Write},
    path::Path,
};

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use serde::Serialize;
use shared::{domain::method::MethodName, text::is_unprintable};

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
        Format::Json => write_json(json),
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(out);
            writer.write_record(&rows.header)?;
            for row in &rows.rows {
                writer.write_record(row.iter().map(|cell| inert(cell)))?;
            }
            writer.flush()?;
            Ok(())
        }
        Format::Table | Format::Html => {
            writeln!(out, "{}", table(rows))?;
            Ok(())
        }
    }
}

/// Writes JSON on standard output.
pub fn write_json(json: &impl Serialize) -> Result<(), CommandError> {
    let mut out = BufWriter::new(io::stdout().lock());
    serde_json::to_writer_pretty(&mut out, json)?;
    writeln!(out)?;
    out.flush()?;
    Ok(())
}

/// Makes a table as wide as the terminal. Nothing in it can move the cursor.
pub fn table(rows: &Rows) -> Table {
    let mut table = Table::new();
    let style = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
    table.load_style(style).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(rows.header.iter().map(|name| name.replace('_', " ")));
    for row in &rows.rows {
        table.add_row(row.iter().map(|cell| plain(cell)));
    }
    table
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
