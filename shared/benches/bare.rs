//! How fast a file is read with nothing around the reading: `cargo bench -p shared --bench bare -- FILE`.
//!
//! The file is in memory; one thread reads the same fields as `scan` does into a struct, by `serde_json`; of a
//! table it walks all cells by `csv-core`. The line behind says how fast `read_export` is, from the same
//! memory. Each is the best of three, or of as many as half a second allows.

#![expect(clippy::unwrap_used, reason = "a bench ends where something is missing")]

use std::{
    borrow::Cow,
    hint::black_box,
    time::{Duration, Instant},
};

use serde::Deserialize;
use shared::audit::{Tally, export::read_export, interpret};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "the fields are read to be read")]
struct Record<'a> {
    id: Option<Cow<'a, str>>,
    activity_date_time: jiff::Timestamp,
    activity_display_name: Cow<'a, str>,
    category: Option<Cow<'a, str>>,
    logged_by_service: Option<Cow<'a, str>>,
    result: Option<Cow<'a, str>>,
    result_reason: Option<Cow<'a, str>>,
    correlation_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    initiated_by: Option<Initiator<'a>>,
    target_resources: Option<Vec<Resource<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "the fields are read to be read")]
struct Initiator<'a> {
    #[serde(borrow)]
    user: Option<Resource<'a>>,
    #[serde(borrow)]
    app: Option<Client<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "the fields are read to be read")]
struct Client<'a> {
    app_id: Option<Cow<'a, str>>,
    display_name: Option<Cow<'a, str>>,
    service_principal_id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "the fields are read to be read")]
struct Resource<'a> {
    id: Option<Cow<'a, str>>,
    r#type: Option<Cow<'a, str>>,
    user_principal_name: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    value: Vec<Record<'a>>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    properties: Record<'a>,
}

fn typed(bytes: &[u8]) -> usize {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    if bytes.starts_with(br#"{"time""#) {
        return lines
            .map(|line| one(&serde_json::from_slice::<Envelope<'_>>(line).unwrap().properties))
            .sum();
    }
    if bytes.starts_with(br#"{"@odata"#) {
        let pages = lines.map(|line| serde_json::from_slice::<Page<'_>>(line).unwrap());
        return pages.map(|page| black_box(page).value.len()).sum();
    }
    lines.map(|line| one(&serde_json::from_slice::<Record<'_>>(line).unwrap())).sum()
}

fn one(record: &Record<'_>) -> usize {
    black_box(record);
    1
}

fn cells(mut bytes: &[u8]) -> usize {
    let mut reader = csv_core::Reader::new();
    let (mut out, mut ends, mut rows) = (vec![0; 1 << 20], vec![0; 100], 0);
    loop {
        let (result, read, ..) = reader.read_record(bytes, &mut out, &mut ends);
        bytes = &bytes[read..];
        match result {
            csv_core::ReadRecordResult::Record => rows += 1,
            csv_core::ReadRecordResult::End => return rows - 1,
            _ => {}
        }
    }
}

fn exported(bytes: &[u8]) -> usize {
    let mut tally = Tally::default();
    read_export(bytes, &mut |_, record| tally.add(&interpret(&record.unwrap()))).unwrap();
    usize::try_from(tally.total()).unwrap()
}

fn best(what: &str, read: impl Fn() -> usize) {
    let (began, mut times) = (Instant::now(), Vec::new());
    while times.len() < 3 || began.elapsed() < Duration::from_millis(500) {
        let started = Instant::now();
        let records = black_box(read());
        times.push((started.elapsed().as_secs_f64(), records));
    }
    let (seconds, records) = times.into_iter().min_by(|left, right| left.0.total_cmp(&right.0)).unwrap();
    println!("{what} {seconds:.6} {records}");
}

fn main() {
    let Some(path) = std::env::args().nth(1).filter(|path| !path.starts_with('-')) else { return };
    let bytes = std::fs::read(&path).unwrap();
    let bare = if bytes.starts_with(b"{") { typed } else { cells };
    best("bare", || bare(&bytes));
    best("read_export", || exported(&bytes));
}
