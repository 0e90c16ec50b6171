//! Reading the files that people name: what is in them, what was refused, and what is missing.

mod avro;
mod coverage;
mod refusals;
mod unclear;
mod unpack;
mod zstd;

use std::{collections::HashSet, io::Read, path::PathBuf};

use jiff::Timestamp;
use shared::{
    audit::{
        DirectoryAudit, Event,
        export::{ExportFormat, Partial, Summary, read_export},
        interpret, is_preview_switch,
    },
    domain::{ids::EventId, window::Window},
};

pub use self::refusals::of_list;
use self::{refusals::Refusals, unclear::Unclear};
use crate::output;

/// How many switches of the preview are listed for one file.
const SWITCHES: usize = 10;

/// What came of reading exports.
#[derive(Default)]
pub struct Outcome {
    /// How many audit records were read.
    pub records: u64,
    /// How many registrations are nobody's after all files.
    pub unclear: u64,
    /// The ids of registrations that one source names clearly and another does not.
    pub named: HashSet<EventId>,
    /// Whether something was refused or is known to be missing, or a registration is nobody's.
    pub is_incomplete: bool,
    /// When the first and the last record of each file happened.
    spans: Vec<(Timestamp, Timestamp)>,
    unclear_so_far: Unclear,
    /// The file that ended with a page that names a next one.
    open_page: Option<String>,
}

/// Reads exports one record at a time. Says on standard error what is in each, what was refused, and what is
/// missing, and continues.
pub fn read(files: &[PathBuf], mut each: impl FnMut(&DirectoryAudit, Event)) -> Outcome {
    let mut outcome = Outcome::default();
    for path in files {
        unpack::each_export(path, &output::file(path), &mut |name, input| match input {
            Ok(input) => outcome.read(name, input, &mut each),
            Err(why) => outcome.refuse(name, &why),
        });
    }
    outcome.close_page();
    if outcome.unclear_so_far.may_be_named() {
        outcome.look_for_names(files);
    }
    let (count, lines) = std::mem::take(&mut outcome.unclear_so_far).lines();
    for line in lines {
        eprintln!("{line}");
    }
    outcome.unclear = count;
    outcome.is_incomplete |= count > 0;
    outcome
}

impl Outcome {
    /// Says which parts of the window no file reaches.
    pub fn compare(&mut self, window: &Window, now: Timestamp) {
        if self.records == 0 {
            return;
        }
        for gap in coverage::gaps(window, &self.spans, now) {
            eprintln!(
                "partial: nothing in these files is from {} to {}, which is in the window: export that stretch, too",
                gap.from, gap.to
            );
            self.is_incomplete = true;
        }
    }

    fn read(&mut self, name: &str, input: Box<dyn Read + '_>, each: &mut impl FnMut(&DirectoryAudit, Event)) {
        let mut refusals = Refusals::default();
        let mut switches = Vec::new();
        let mut registrations = 0u64;
        let unclear = &mut self.unclear_so_far;
        let summary = read_export(input, &mut |line, record| match record {
            Ok(record) => {
                let event = interpret(&record);
                match &event {
                    Event::Ambiguous(event) => unclear.add(name, line, event),
                    Event::Registration(event) => {
                        registrations += 1;
                        self.named.extend(unclear.named(event.event_id.as_ref()));
                    }
                    Event::OtherService | Event::Other { .. }
                        if is_preview_switch(&record.activity_display_name) =>
                    {
                        switches.push((record.activity_date_time, record.activity_display_name.clone()));
                        switches.truncate(SWITCHES);
                    }
                    _ => {}
                }
                each(&record, event);
            }
            Err(bad) => refusals.add(bad),
        });
        refusals.lines().for_each(|line| self.refuse(name, &line));
        match summary {
            Ok(summary) if summary.records == 0 && summary.bad == 0 => {
                self.refuse(name, "there are no audit records in it");
            }
            Ok(summary) => self.take(name, &summary, registrations),
            Err(cause) => self.refuse(name, &cause.to_string()),
        }
        for (at, activity) in switches {
            eprintln!("{name}: at {at} \"{}\": perhaps the preview was switched", output::plain(&activity));
        }
    }

    /// Says what was in a file, and whether that is all.
    fn take(&mut self, name: &str, summary: &Summary, registrations: u64) {
        self.records += summary.records;
        if summary.format == ExportFormat::Graph {
            // It is the next page, which the file before it names.
            self.open_page = None;
        } else {
            self.close_page();
        }
        if let Some((first, last)) = summary.span {
            self.spans.push((first, last));
            let (format, records) = (summary.format, summary.records);
            eprintln!(
                "{name}: {format}, {records} records from {first} to {last}, {registrations} registrations"
            );
        }
        match summary.partial {
            Some(Partial::NextPage) => self.open_page = Some(name.to_owned()),
            Some(partial) => self.refuse(name, &partial.to_string()),
            None => {}
        }
    }

    fn close_page(&mut self) {
        if let Some(name) = self.open_page.take() {
            self.refuse(&name, &Partial::NextPage.to_string());
        }
    }

    fn refuse(&mut self, name: &str, why: &str) {
        eprintln!("{name}: {why}");
        self.is_incomplete = true;
    }

    /// Reads the files again for registrations that a file behind names clearly, or one before.
    fn look_for_names(&mut self, files: &[PathBuf]) {
        for path in files {
            unpack::each_export(path, "", &mut |_, input| {
                let Ok(input) = input else { return };
                let unclear = &mut self.unclear_so_far;
                let named = &mut self.named;
                // Whatever is wrong with it was said the first time.
                let _ = read_export(input, &mut |_, record| {
                    if let Ok(record) = record
                        && let Event::Registration(event) = interpret(&record)
                    {
                        named.extend(unclear.named(event.event_id.as_ref()));
                    }
                });
            });
        }
    }
}
