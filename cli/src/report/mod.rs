//! The report: what was found, decided and done, for programs, for spreadsheets, and to look at.

mod chart;
mod columns;
mod overview;
mod page;

use std::io::{self, BufWriter, StdoutLock, Write};

use shared::{
    clock::Clock,
    view::{Line, Status},
};

use self::{columns::Columns, overview::Overview};
use crate::{
    args::Format,
    error::{CommandError, Exit},
    output::{self, Rows},
};

/// A report that is being written to standard output. Only a table keeps all of its lines.
pub struct Report {
    columns: Columns,
    out: Out,
}

enum Out {
    Table(Vec<Vec<String>>),
    Csv(Box<csv::Writer<StdoutLock<'static>>>),
    Json { out: BufWriter<StdoutLock<'static>>, any: bool },
    Html(Box<Overview>),
}

impl Report {
    /// Begins a report; `names` adds the columns with names.
    pub fn begin(format: Format, names: bool) -> Result<Self, CommandError> {
        let columns = if format == Format::Csv { Columns::all(names) } else { Columns::few(names) };
        let out = match format {
            Format::Table => Out::Table(Vec::new()),
            Format::Json => Out::Json { out: BufWriter::new(io::stdout().lock()), any: false },
            Format::Html => Out::Html(Box::default()),
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(io::stdout().lock());
                writer.write_record(columns.names())?;
                Out::Csv(Box::new(writer))
            }
        };
        Ok(Self { columns, out })
    }

    pub fn add(&mut self, line: Line) -> Result<(), CommandError> {
        match &mut self.out {
            Out::Table(rows) => rows.push(self.columns.row(&line)),
            Out::Csv(writer) => {
                writer.write_record(self.columns.row(&line).iter().map(|cell| output::inert(cell)))?;
            }
            Out::Json { out, any } => {
                out.write_all(if *any { b",\n" } else { b"[\n" })?;
                serde_json::to_writer_pretty(out, &line)?;
                *any = true;
            }
            Out::Html(overview) => overview.add(line),
        }
        Ok(())
    }

    /// Ends the report. Calls `status` only for a page, which shows it.
    pub async fn end(
        self,
        status: impl AsyncFnOnce() -> Result<Status, CommandError>,
    ) -> Result<Exit, CommandError> {
        match self.out {
            Out::Table(rows) => {
                let header = self.columns.names().collect();
                output::write(Format::Table, &Rows { header, rows }, &())?;
            }
            Out::Csv(mut writer) => writer.flush()?,
            Out::Json { mut out, any } => {
                out.write_all(if any { b"\n]\n" } else { b"[]\n" })?;
                out.flush()?;
            }
            Out::Html(overview) => {
                let page = page::page(&overview, &status().await?, Clock::system().now());
                io::stdout().lock().write_all(page.into_string().as_bytes())?;
            }
        }
        Ok(Exit::Done)
    }
}
