//! The report: what was found, decided and done, for programs, for spreadsheets, to look at, and to tell users.

mod chart;
mod columns;
mod forecast;
mod mail;
mod overview;
mod page;
mod record;

use std::{
    collections::BTreeMap,
    io::{self, BufWriter, StdoutLock, Write},
};

use jiff::Timestamp;
use shared::{
    clock::Clock,
    domain::ids::UserId,
    view::{Line, Status},
};

use self::{columns::Columns, overview::Overview};
pub(crate) use self::{columns::said, record::follows};
use crate::{
    args::Format,
    error::{CommandError, Exit},
    output::{self, Rows},
};

/// When the preview was switched, and by which activity.
pub type Switch = (Timestamp, &'static str);

/// What the tenant adds to what is on record.
#[derive(Debug, Default)]
pub struct Added {
    /// Principal names by user.
    pub names: BTreeMap<UserId, String>,
    /// When the preview was switched, as the audit log has it.
    pub switches: Vec<Switch>,
}

/// A report that is being written to standard output. Only a table and mails keep all of their users.
pub struct Report {
    columns: Columns,
    out: Out,
}

/// A row of a table, and whom its first cell names.
struct Person {
    user: Option<UserId>,
    name: Option<String>,
    row: Vec<String>,
}

enum Out {
    Table(Vec<Person>),
    Csv(Box<csv::Writer<StdoutLock<'static>>>),
    Json { out: BufWriter<StdoutLock<'static>>, any: bool },
    Ndjson(BufWriter<StdoutLock<'static>>),
    Html(Box<Overview>),
    Mail(Vec<mail::Mail>),
}

impl Report {
    /// Begins a report; `names` shows people by name.
    pub fn begin(format: Format, names: bool) -> Result<Self, CommandError> {
        let columns = if format == Format::Csv { Columns::all(names) } else { Columns::few() };
        let out = match format {
            Format::Table => Out::Table(Vec::new()),
            Format::Json => Out::Json { out: BufWriter::new(io::stdout().lock()), any: false },
            Format::Ndjson => Out::Ndjson(BufWriter::new(io::stdout().lock())),
            Format::Html => Out::Html(Box::default()),
            Format::Mail => Out::Mail(Vec::new()),
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
            Out::Table(people) => people.push(Person {
                user: line.user_id,
                row: self.columns.row(&line),
                name: line.user_principal_name.or(line.display_name),
            }),
            Out::Csv(writer) => {
                writer.write_record(self.columns.row(&line).iter().map(|cell| output::inert(cell)))?;
            }
            Out::Json { out, any } => {
                out.write_all(if *any { b",\n" } else { b"[\n" })?;
                serde_json::to_writer_pretty(out, &line)?;
                *any = true;
            }
            Out::Ndjson(out) => {
                serde_json::to_writer(&mut *out, &line)?;
                writeln!(out)?;
            }
            Out::Html(overview) => overview.add(line),
            Out::Mail(mails) => mails.extend(mail::Mail::to(&line)),
        }
        Ok(())
    }

    /// Whom it shows by themselves: a name says more than an id there.
    pub fn people(&self) -> Vec<UserId> {
        match &self.out {
            Out::Table(people) => people.iter().filter_map(|person| person.user).collect(),
            Out::Html(overview) => overview.lines().filter_map(|line| line.user_id).collect(),
            Out::Mail(mails) => mails.iter().map(|mail| mail.user).collect(),
            Out::Csv(_) | Out::Json { .. } | Out::Ndjson(_) => Vec::new(),
        }
    }

    /// Whether it shows when the preview was switched.
    pub fn has_a_timeline(&self) -> bool {
        matches!(self.out, Out::Html(_))
    }

    /// Ends the report. Calls `status` only for a page, which shows it.
    pub async fn end(
        self,
        added: Added,
        status: impl AsyncFnOnce() -> Result<Status, CommandError>,
    ) -> Result<Exit, CommandError> {
        match self.out {
            Out::Table(people) => {
                let header = self.columns.names().collect();
                let rows = people.into_iter().map(|mut person| {
                    let asked = person.user.and_then(|user| added.names.get(&user)).cloned();
                    if let Some(cell) = person.row.first_mut() {
                        *cell = output::person(asked.or(person.name).as_deref(), cell);
                    }
                    person.row
                });
                output::write(Format::Table, &Rows { header, rows: rows.collect() }, &())?;
            }
            Out::Csv(mut writer) => writer.flush()?,
            Out::Json { mut out, any } => {
                out.write_all(if any { b"\n]\n" } else { b"[]\n" })?;
                out.flush()?;
            }
            Out::Ndjson(mut out) => out.flush()?,
            Out::Html(mut overview) => {
                overview.name(&added.names);
                let page = page::page(&overview, &status().await?, &added.switches, Clock::system().now());
                io::stdout().lock().write_all(page.into_string().as_bytes())?;
            }
            Out::Mail(mails) => {
                let mut out = BufWriter::new(io::stdout().lock());
                for mail in &mails {
                    writeln!(out, "{}", mail.text(added.names.get(&mail.user).map(String::as_str)))?;
                }
                out.flush()?;
            }
        }
        Ok(Exit::Done)
    }
}
