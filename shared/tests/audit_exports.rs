//! Every form of export of the audit log, whole and broken.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Cursor, Read},
    path::PathBuf,
};

use jiff::Timestamp;
use proptest::prelude::*;
use serde::Deserialize;
use shared::audit::{
    DirectoryAudit, Event, Registration, Tally,
    export::{BadRecord, ExportError, ExportFormat, Summary, read_export},
    interpret,
};

fn data(name: &str) -> Vec<u8> {
    fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).expect("a test file")
}

#[derive(Debug, PartialEq)]
struct Outcome {
    records: Vec<DirectoryAudit>,
    bad: Vec<BadRecord>,
    summary: Summary,
}

fn read_from(input: impl Read) -> Result<Outcome, ExportError> {
    let mut records = Vec::new();
    let mut bad = Vec::new();
    let summary = read_export(input, &mut |_, read| match read {
        Ok(record) => records.push(record),
        Err(record) => bad.push(record),
    })?;
    assert_eq!(summary.records, records.len() as u64);
    assert_eq!(summary.bad, bad.len() as u64);
    Ok(Outcome { records, bad, summary })
}

fn read(bytes: impl AsRef<[u8]>) -> Outcome {
    read_from(bytes.as_ref()).expect("an export")
}

fn error(bytes: impl AsRef<[u8]>) -> String {
    let error = read_from(bytes.as_ref()).expect_err("no export").to_string();
    assert!(!error.contains('\n'), "{error}");
    error
}

fn counts(outcome: &Outcome) -> (ExportFormat, u64, u64) {
    (outcome.summary.format, outcome.summary.records, outcome.summary.bad)
}

fn causes(outcome: &Outcome) -> Vec<String> {
    outcome.bad.iter().map(ToString::to_string).collect()
}

/// Each user's latest registration, by user.
fn registrations(records: &[DirectoryAudit]) -> BTreeMap<String, Registration> {
    let mut latest: BTreeMap<String, Registration> = BTreeMap::new();
    for record in records {
        if let Event::Registration(found) = interpret(record) {
            let user = found.user_id.to_string();
            if latest.get(&user).is_none_or(|known| known.registered_at < found.registered_at) {
                latest.insert(user, found);
            }
        }
    }
    latest
}

#[derive(Deserialize)]
struct Expected {
    user_id: String,
    user_principal_name: String,
    registered_at: Timestamp,
    event_id: String,
}

fn record(number: u64) -> String {
    format!(
        r#"{{"id":"event {number}","activityDateTime":"2026-09-01T07:01:03.0333167Z","activityDisplayName":"User registered security info","loggedByService":"Authentication Methods","result":"success","resultReason":"User registered Mobile Phone SMS","initiatedBy":{{"app":null,"user":{{"id":"fd741069-6bb6-43de-a515-1c401dd377bf","userPrincipalName":"a{{b\"@contoso.example"}}}},"targetResources":[{{"id":"fd741069-6bb6-43de-a515-1c401dd377bf","type":"User","modifiedProperties":[]}}],"additionalDetails":[{{"key":"x","value":"}}]"}}]}}"#
    )
}

fn numbers(outcome: &Outcome) -> Vec<u64> {
    let number = |record: &DirectoryAudit| record.id.as_ref()?.0.strip_prefix("event ")?.parse().ok();
    outcome.records.iter().filter_map(number).collect()
}

mod whole {
    use super::*;

    #[test]
    fn every_form_gives_the_expected_registrations() {
        let expected: Vec<Expected> = serde_json::from_slice(&data("registrations/expected.json")).unwrap();
        assert_eq!(expected.len(), 22);
        for (name, format) in [
            ("graph-page.json", ExportFormat::Graph),
            ("graph-array.json", ExportFormat::Graph),
            ("events.jsonl", ExportFormat::Graph),
            ("azure-monitor.json", ExportFormat::AzureMonitor),
            ("azure-monitor.jsonl", ExportFormat::AzureMonitor),
            ("log-analytics.jsonl", ExportFormat::LogAnalytics),
            ("portal.csv", ExportFormat::PortalCsv),
        ] {
            let outcome = read(data(&format!("registrations/{name}")));
            assert_eq!(counts(&outcome), (format, 88, 0), "{name}");
            let found = registrations(&outcome.records);
            assert_eq!(found.len(), expected.len(), "{name}");
            for expected in &expected {
                let found = &found[&expected.user_id];
                let micros = (found.registered_at.as_microsecond(), expected.registered_at.as_microsecond());
                assert_eq!(micros.0, micros.1, "{name}");
                assert_eq!(found.user_principal_name.as_ref(), Some(&expected.user_principal_name), "{name}");
                let has_ids = format != ExportFormat::PortalCsv;
                let id = has_ids.then(|| expected.event_id.clone());
                assert_eq!(found.event_id.as_ref().map(|id| id.0.clone()), id, "{name}");
            }
        }
    }

    #[test]
    fn every_form_gives_the_same_tally() {
        let tally = |name: &str| {
            let mut tally = Tally::default();
            read(data(&format!("registrations/{name}")))
                .records
                .iter()
                .for_each(|record| tally.add(&interpret(record)));
            tally
        };
        let graph = tally("graph-page.json");
        assert_eq!((graph.total(), graph.other_services(), graph.unknown().count()), (88, 6, 0));
        for name in ["azure-monitor.json", "log-analytics.jsonl", "portal.csv"] {
            assert_eq!(tally(name), graph, "{name}");
        }
        let rows: Vec<String> =
            graph.iter().map(|(activity, status, count)| format!("{activity} {status} {count}")).collect();
        insta::assert_snapshot!(rows.join("\n"), @"
        User registered security info success 22
        User registered all required security info success 12
        User registered all required security info failure 2
        User reviewed security info success 3
        User reviewed security info failure 3
        User deleted security info success 3
        User deleted security info failure 3
        User changed default security info success 8
        User started security info registration success 22
        Admin registered security info success 4
        ");
    }

    #[test]
    fn records_of_other_services_give_no_registration() {
        for (name, format, records) in [
            ("azure-monitor/panther-azure-audit-tests.jsonl", ExportFormat::AzureMonitor, 7),
            ("log-analytics/otrf-golden-saml-aad-audit-events.json", ExportFormat::LogAnalytics, 4),
            ("graph-examples/directoryaudit-list.example2.json", ExportFormat::Graph, 1),
        ] {
            let outcome = read(data(name));
            assert_eq!(counts(&outcome), (format, records, 0), "{name}");
            assert!(outcome.records.iter().all(|record| interpret(record) == Event::OtherService), "{name}");
        }
    }

    #[test]
    fn utf_16_and_utf_8_with_a_mark_are_read() {
        let text = String::from_utf8(data("registrations/graph-page.json")).unwrap();
        let plain = read(&text);
        let little: Vec<u8> =
            "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> =
            "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
        assert_eq!(read(little), plain);
        assert_eq!(read(big), plain);
        assert_eq!(read(format!("\u{feff}{text}")), plain);
        assert_eq!(read(text.replace('\n', "\r\n")), plain);
    }

    #[test]
    fn documents_of_all_kinds_one_after_another_are_read() {
        let (a, b, c) = (record(1), record(2), record(3));
        for text in [
            format!("[{a},{b},{c}]"),
            format!("{a}\n{b}\n{c}"),
            format!("{a}{b} {c}"),
            format!("[{a}]\n[{b},\n{c}]\n"),
            format!(
                "{{\"@odata.context\":\"x\",\"value\":[{a},{b}],\"@odata.nextLink\":\"https://x\"}}\r\n{{\"value\":[{c}],\"n\":{{\"value\":1}},\"m\":[1,{{}}]}}"
            ),
            format!("[{{\"value\":[{a},{b}]}},{{\"value\":[]}},{{\"value\":[{c}]}}]"),
            format!(
                "{{\"records\":[{{\"category\":\"AuditLogs\",\"properties\":{a}}},{{\"properties\":{b}}}]}}\n{{\"category\":\"AuditLogs\",\"properties\":{c}}}"
            ),
            format!("\u{feff}{a}\n\u{feff}{b}\n{c}\n\n"),
            format!("{a},\n{b},\n{c},\n"),
            format!("{{\"value\" : [ {a} , {b} ] }}[[{c}]]"),
        ] {
            let outcome = read(&text);
            assert_eq!(numbers(&outcome), [1, 2, 3], "{text}");
            assert_eq!(outcome.bad, [], "{text}");
        }
    }

    #[test]
    fn the_answer_to_a_query_is_read() {
        let texts = |nested: &str| {
            format!(
                "{{\"tables\":[{{\"name\":\"PrimaryResult\",\"columns\":[{{\"name\":\"TimeGenerated\",\"type\":\"datetime\"}},{{\"name\":\"ActivityDateTime\"}},{{\"name\":\"OperationName\"}},{{\"name\":\"Result\"}},{{\"name\":\"LoggedByService\"}},{{\"name\":\"TargetResources\"}}],\"rows\":[\n[\"2027-01-01T00:00:00Z\",\"2026-09-01T07:01:03.0333167Z\",\"User registered security info\",\"success\",\"Authentication Methods\",{nested}],[\"2027-01-01T00:00:00Z\",null,\"x\",\"success\",\"y\",\"\"]]}}],\"statistics\":{{}}}}"
            )
        };
        for nested in [
            r#"[{"id":"fd741069-6bb6-43de-a515-1c401dd377bf","type":"User"}]"#,
            r#""[{\"id\":\"fd741069-6bb6-43de-a515-1c401dd377bf\",\"type\":\"User\"}]""#,
        ] {
            let outcome = read(texts(nested));
            assert_eq!(counts(&outcome), (ExportFormat::LogAnalytics, 1, 1));
            assert_eq!(causes(&outcome), ["record 2 (line 2): activityDateTime is missing"]);
            let found = registrations(&outcome.records);
            let found = &found["fd741069-6bb6-43de-a515-1c401dd377bf"];
            assert_eq!(found.registered_at.to_string(), "2026-09-01T07:01:03.0333167Z");
        }
    }

    #[test]
    fn a_list_without_records_is_no_error() {
        for (text, format) in [
            ("[]", ExportFormat::Graph),
            (" {\"value\": []} ", ExportFormat::Graph),
            ("{\"records\":[]}\n{\"records\":[]}", ExportFormat::AzureMonitor),
            ("{\"tables\":[{\"columns\":[],\"rows\":[]}]}", ExportFormat::LogAnalytics),
            ("Date (UTC),Activity,Result,Target1ObjectId\n", ExportFormat::PortalCsv),
        ] {
            assert_eq!(counts(&read(text)), (format, 0, 0), "{text}");
        }
    }

    #[test]
    fn records_of_other_logs_among_them_are_passed_over() {
        let text = format!(
            "{{\"category\":\"SignInLogs\",\"properties\":{{\"createdDateTime\":\"x\"}}}}\n{{\"category\":\"AuditLogs\",\"properties\":{}}}\n",
            record(1)
        );
        assert_eq!(counts(&read(text)), (ExportFormat::AzureMonitor, 1, 0));
    }

    #[test]
    fn properties_that_are_json_in_a_text_are_read() {
        let properties = serde_json::to_string(&record(1)).unwrap();
        assert_eq!(numbers(&read(format!("{{\"records\":[{{\"properties\":{properties}}}]}}"))), [1]);
    }
}

mod tables {
    use super::*;

    const USER: &str = "fd741069-6bb6-43de-a515-1c401dd377bf";

    #[test]
    fn columns_are_found_by_name_with_any_delimiter() {
        for delimiter in [",", ";", "\t"] {
            for start in ["", "\u{feff}", "\u{feff}sep=@\n", "sep=é\n"] {
                let text = format!(
                    "{start}\"Target1ObjectId\"@Extra@result@Activity@Date (UTC)\r\n{USER}@\"a\n\"\"b@\"@Success@\"User registered security info.\"@2026-09-01 07:01:03.0333167\r\n\r\n"
                );
                let outcome = read(text.replace('@', delimiter));
                assert_eq!(outcome.bad, [], "{text}");
                let found = &registrations(&outcome.records)[USER];
                assert_eq!(found.registered_at.to_string(), "2026-09-01T07:01:03.0333167Z");
                assert_eq!(found.event_id, None);
                assert_eq!(
                    found.key(),
                    registrations(&read(text.replace('@', delimiter)).records)[USER].key()
                );
            }
        }
    }

    #[test]
    fn a_table_of_log_analytics_is_read() {
        let text = format!(
            "TimeGenerated [UTC],ActivityDateTime [UTC],OperationName,Result,LoggedByService,InitiatedBy,TargetResources,Id\n,2026-09-01T07:01:03Z,User registered security info,success,Authentication Methods,\"{{\"\"user\"\":{{\"\"id\"\":\"\"{USER}\"\"}}}}\",\"[{{\"\"id\"\":\"\"{USER}\"\",\"\"type\"\":\"\"User\"\"}}]\",e1\n"
        );
        let found = &registrations(&read(text).records)[USER];
        assert_eq!(found.event_id.as_ref().unwrap().0, "e1");
    }

    #[test]
    fn broken_rows_cost_themselves_only() {
        let row = |number: u32| {
            format!("2026-09-01T07:01:0{number}Z,User registered security info,success,{USER},User\n")
        };
        let text = format!(
            "Date (UTC),Activity,Result,Target1ObjectId,Target1Type\n{}yesterday,User registered security info,success,{USER},User\n{}a,\"b\n{}a,b\n{}a,b,c,d,e,f\n\"x\" y,\n{}\"",
            row(1),
            row(2),
            row(3),
            row(4),
            row(5)
        );
        let outcome = read(text);
        assert_eq!(outcome.records.len(), 5);
        insta::assert_snapshot!(causes(&outcome).join("\n"), @"
        record 2 (line 3): activityDateTime: not a time that can be read: 'yesterday' (expected for example 2024-12-16T16:32:16.0875540Z)
        record 4 (line 5): its quotes do not match
        record 6 (line 7): it has 2 cells, the header 5
        record 8 (line 9): it has 6 cells, the header 5
        record 9 (line 10): its quotes do not match
        record 11 (line 12): its quotes do not match
        ");
    }

    #[test]
    fn an_app_in_a_row_is_no_user() {
        let text = format!(
            "Date (UTC),Activity,Result,ActorType,ActorObjectId,Target1ObjectId\n2026-09-01T07:01:03Z,User registered security info,success,Application,{USER},{USER}\n"
        );
        assert!(matches!(interpret(&read(text).records[0]), Event::Ambiguous(_)));
    }

    #[test]
    fn a_header_that_lacks_columns_is_told() {
        insta::assert_snapshot!(error("Datum (UTC);Korrelations-ID;Dienst;Kategorie;Result\n1;2;3;4;5\n"), @"the table lacks the columns: Date (UTC), Activity, Target1ObjectId or ActorObjectId; export the audit log from the portal in English");
        insta::assert_snapshot!(error("Date (UTC),Activity,ActorObjectId\n"), @"the table lacks the column: Result; export the audit log from the portal in English");
    }
}

mod not_an_export {
    use super::*;

    #[test]
    fn each_says_what_it_is() {
        let all = [
            error(""),
            error(" \r\n"),
            error("\u{feff}"),
            error(b"\x1f\x8b\x08\x00abc"),
            error(b"PK\x03\x04abc"),
            error(b"h\0i\0"),
            error(b"\x89PNG\r\n\x1a\n\0\0"),
            error("<html><body>"),
            error("hello"),
            error("null"),
            error("{}"),
            error("[{}]"),
            error("{\"category\":\"SignInLogs\",\"properties\":{\"id\":\"x\"}}"),
        ];
        insta::assert_snapshot!(all.join("\n"), @"
        the file is empty
        the file is empty
        the file is empty
        not an export of the audit log: it is gzip: unpack it first
        not an export of the audit log: it is a zip archive or an Excel workbook: unpack it, or save it as CSV, first
        not an export of the audit log: expected JSON from Graph, the portal, Azure Monitor or Log Analytics, or the portal's CSV
        not an export of the audit log: it is not text
        not an export of the audit log: it is a web page or XML
        not an export of the audit log: expected JSON from Graph, the portal, Azure Monitor or Log Analytics, or the portal's CSV
        not an export of the audit log: expected JSON from Graph, the portal, Azure Monitor or Log Analytics, or the portal's CSV
        no audit records in this file: expected directoryAudit records (with activityDateTime and activityDisplayName) as Graph, the portal, Azure Monitor or Log Analytics export them, found something else
        no audit records in this file: expected directoryAudit records (with activityDateTime and activityDisplayName) as Graph, the portal, Azure Monitor or Log Analytics export them, found something else
        no audit records in this file: expected directoryAudit records (with activityDateTime and activityDisplayName) as Graph, the portal, Azure Monitor or Log Analytics export them, found records of another log (SignInLogs)
        ");
    }

    #[test]
    fn json_of_something_else_is_told_and_nothing_is_handed_on() {
        for name in [
            "registrations/expected.json",
            "graph-examples/directoryaudits_404.json",
            "graph-examples/delete_default_method_400_2021.json",
            "graph-examples/delete_default_phone_400_2022.json",
            "graph-examples/methods-list.json",
            "graph-examples/phonemethods-list.json",
            "graph-examples/reports_403_no_directory_read.json",
            "graph-examples/requirements-get.json",
            "graph-examples/softwareoathmethods-list.json",
            "graph-examples/userregistrationdetails-list.json",
        ] {
            let mut handed_on = 0;
            let result = read_export(data(name).as_slice(), &mut |_, _| handed_on += 1);
            let is_told =
                matches!(result, Err(ExportError::NotAuditRecords { .. } | ExportError::Named { .. }));
            assert!(is_told, "{name}: {result:?}");
            assert_eq!(handed_on, 0, "{name}");
        }
        let text = read_from(data("graph-examples/throttling_429.http.txt").as_slice());
        assert!(matches!(text, Err(ExportError::UnknownFormat { .. })), "{text:?}");
    }

    #[test]
    fn a_file_that_cannot_be_read_to_its_end_is_an_error() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk is gone"))
            }
        }
        let mut records = 0;
        let text = format!("{}\n", record(1));
        let result = read_export(text.as_bytes().chain(Failing), &mut |_, _| records += 1);
        assert_eq!(result.unwrap_err().to_string(), "the file could not be read: the disk is gone");
        assert_eq!(records, 1);
    }
}

mod broken {
    use super::*;

    #[test]
    fn a_broken_line_is_one_bad_record() {
        let good: Vec<String> = (0..9).map(record).collect();
        let text = [
            &good[0],
            &good[1][..40],
            &good[2],
            "not json \u{1b}[31m",
            &good[3],
            &good[4][..good[4].len() - 1],
            &good[5],
            "{\"id\": 1,, \"activityDateTime\": \"2026-09-01T07:01:03Z\"}",
            "{\"activityDateTime\": 5, \"activityDisplayName\": \"x\"}",
            "42",
            "{\"a\":[{\"b\":",
            &good[6],
            "{\"activityDateTime\":\"2026-09-01T07:01:03Z\",\"activityDisplayName\":\"x\",\"loggedByService\":\"Authentication methods\",\"targetResources\":\"{\"}",
            &good[7],
            &good[8],
        ]
        .join("\n");
        let outcome = read(text);
        assert_eq!(numbers(&outcome), [0, 2, 3, 5, 6, 7, 8]);
        insta::assert_snapshot!(causes(&outcome).join("\n"), @"
        record 2 (line 2): a text does not end on its line
        record 4 (line 4): not a JSON object
        record 6 (line 6): it does not end before the next one begins
        record 8 (line 8): not JSON: key must be a string at line 1 column 10
        record 9 (line 9): activityDateTime: not a time that can be read: '5' (expected for example 2024-12-16T16:32:16.0875540Z)
        record 10 (line 10): not a JSON object
        record 11 (line 11): it does not end before the next one begins
        record 13 (line 13): targetResources cannot be read: EOF while parsing an object at line 1 column 1
        ");
    }

    #[test]
    fn a_broken_record_in_an_array_does_not_stop_the_rest() {
        let good: Vec<String> = (0..4).map(record).collect();
        let middle = &good[1];
        let target = "\"targetResources\":[";
        for broken in [
            middle.replacen(':', "", 1),
            middle.replacen('"', "", 1),
            middle.replacen("\",", ",", 1),
            middle.replacen("}}", "}", 1),
            middle.replacen("}}", "}}}", 1),
            middle.replacen(target, "\"targetResources\":[[", 1),
            middle.replacen(target, "\"targetResources\":", 1),
            middle.replacen(target, "\"targetResources\":[\n", 1).replacen("Mobile", "Mobile\n", 1),
            middle[..middle.len() - 1].to_owned(),
            middle[..100].to_owned(),
            middle[..middle.len() - 10].to_owned(),
            "42".to_owned(),
            "null".to_owned(),
            "\"te,xt\"".to_owned(),
            "{\"activityDateTime\": \"tomorrow\"}".to_owned(),
            "x".to_owned(),
            "'x'".to_owned(),
        ] {
            for separator in [",", ",\n", "\n  , "] {
                let list = [&good[0], &broken, &good[2], &good[3]].map(String::as_str).join(separator);
                for text in [format!("[{list}]"), format!("{{\"value\":[\n{list}\n]}}\n")] {
                    let outcome = read(&text);
                    let read = numbers(&outcome);
                    assert_eq!(
                        read.iter().filter(|number| **number != 1).collect::<Vec<_>>(),
                        [&0, &2, &3],
                        "{text}"
                    );
                    assert!(!outcome.bad.is_empty(), "{text}");
                }
            }
        }
    }

    #[test]
    fn a_file_that_ends_early_gives_what_is_complete_and_one_bad_record() {
        let pretty = |number| {
            let value: serde_json::Value = serde_json::from_str(&record(number)).unwrap();
            serde_json::to_string_pretty(&value).unwrap()
        };
        let one_line = format!("{{\"value\":[{},{}", record(1), record(2));
        let many_lines = format!("{{\n \"value\": [\n{},\n{}", pretty(1), pretty(2));
        for text in [one_line, many_lines] {
            let second = text.rfind("event 2").unwrap();
            for end in (second..text.len()).filter(|end| text.is_char_boundary(*end)) {
                let outcome = read(&text[..end]);
                assert_eq!(numbers(&outcome), [1], "{}", &text[second..end]);
                assert_eq!(outcome.bad.len(), 1, "{}\n{:?}", &text[second..end], outcome.bad);
            }
            assert_eq!(read(&text).bad.len(), 1);
        }
    }

    #[test]
    fn a_service_error_behind_a_page_is_told() {
        for text in [
            format!("{{\"value\":[{}]}}{{\"error\":{{\"code\":\"UnknownError\"}}}}", record(1)),
            format!("{{\"value\":[{}],\"error\":{{\"code\":\"UnknownError\"}}}}", record(1)),
        ] {
            let outcome = read(&text);
            assert_eq!((numbers(&outcome), outcome.bad.len()), (vec![1], 1), "{text}");
        }
    }

    #[test]
    fn a_record_that_is_too_long_is_one_bad_record() {
        let long = record(2).replacen("Mobile", &"x".repeat(5 << 20), 1);
        let many = record(3).replacen("[]", &format!("[{}]", vec!["{}"; 2 << 20].join(",")), 1);
        for separator in [",", "\n"] {
            let list = [record(1), long.clone(), many.clone(), record(4)].join(separator);
            let outcome = read(format!("[{list}]"));
            assert_eq!(numbers(&outcome), [1, 4]);
            assert!(outcome.bad[0].cause.contains("4 MiB"), "{:?}", outcome.bad);
        }
    }

    #[test]
    fn records_in_a_wrapper_that_is_not_known_are_found() {
        for text in [
            format!("{{\"data\":{{\"events\":[{},{}]}}}}", record(1), record(2)),
            format!("{{\"data\":[\n{},\n{}\n]}}\n", record(1), record(2)),
        ] {
            assert_eq!(numbers(&read(&text)), [1, 2], "{text}");
        }
    }

    #[test]
    fn what_is_told_is_short_and_printable() {
        let text = format!(
            "{{\"activityDateTime\":\"\u{1b}[2J{}\",\"activityDisplayName\":\"x\"}}",
            "y".repeat(5000)
        );
        let escaped = text.replace('\u{1b}', "\\u001b");
        for text in [text, escaped] {
            for cause in causes(&read(text)) {
                assert!(cause.len() < 250 && !cause.contains(char::is_control), "{cause:?}");
            }
        }
    }
}

struct ByteByByte<R>(R);

impl<R: Read> Read for ByteByByte<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let one = buffer.len().min(1);
        self.0.read(&mut buffer[..one])
    }
}

#[test]
fn reads_of_one_byte_give_the_same() {
    for name in ["graph-page.json", "azure-monitor.json", "log-analytics.jsonl", "portal.csv"] {
        let bytes = data(&format!("registrations/{name}"));
        let whole = read(&bytes);
        assert_eq!(read_from(ByteByByte(Cursor::new(&bytes))).unwrap(), whole, "{name}");
        for cut in [1, 2, 3, 1000, 20_000] {
            let (head, tail) = bytes.split_at(cut);
            assert_eq!(read_from(head.chain(tail)).unwrap(), whole, "{name}");
        }
    }
}

/// A line that looks more or less like JSON.
fn garbage() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[{}\\[\\]\":,x0 \\\\]{1,12}",
        Just("{\"value\":[".to_owned()),
        Just("{\"records\":[{".to_owned()),
        Just("\"activityDisplayName\":".to_owned()),
        Just("{\"a\":[".to_owned()),
        Just("]}".to_owned()),
        "\\PC{0,8}",
        (0..record(0).len()).prop_map(|end| record(0).get(..end).unwrap_or_default().replace("event", "cut")),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_good_line_is_lost_among_garbage(lines in prop::collection::vec((garbage(), any::<bool>()), 1..12)) {
        let mut text = record(1000) + "\n";
        let mut expected = vec![1000];
        for (number, (garbage, is_first)) in (0..).zip(&lines) {
            expected.push(number);
            let good = record(number);
            let two = if *is_first { [garbage, &good] } else { [&good, garbage] };
            text = text + two[0] + "\n" + two[1] + "\n";
        }
        let outcome = read(&text);
        prop_assert_eq!(numbers(&outcome), expected, "{}", text);
    }

    #[test]
    fn any_bytes_are_read_without_panic_and_alike_at_every_boundary(
        start in prop_oneof![Just(""), Just("["), Just("{\"value\":["), Just("Date,Activity,Result,ActorObjectId\n")],
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "[{}\\[\\]\":,x0 \n\\\\]{0,200}".prop_map(String::into_bytes),
            garbage().prop_map(String::into_bytes),
        ],
    ) {
        let text = [start.as_bytes(), &bytes].concat();
        let whole = read_from(text.as_slice());
        let bytewise = read_from(ByteByByte(text.as_slice()));
        prop_assert_eq!(format!("{whole:?}"), format!("{bytewise:?}"));
    }

    #[test]
    fn a_form_that_was_damaged_is_read_without_panic_and_alike_at_every_boundary(
        form in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let forms = forms();
        let mut bytes = form.get(&forms).clone();
        for (at, byte) in places {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        bytes.extend(other.get(&forms));
        let whole = read_from(bytes.as_slice());
        let bytewise = read_from(ByteByByte(bytes.as_slice()));
        prop_assert_eq!(format!("{whole:?}"), format!("{bytewise:?}"));
    }
}

/// Every form that is small enough to be damaged many times.
fn forms() -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> = ["forms/made", "forms/reported"]
        .iter()
        .map(|folder| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder))
        .flat_map(|folder| fs::read_dir(folder).expect("a folder of forms"))
        .map(|entry| entry.expect("a form").path())
        .collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect("a form")).filter(|bytes| !bytes.is_empty()).collect()
}

#[test]
fn envelopes_in_envelopes_take_time_in_proportion() {
    let texts: [fn(String) -> String; 4] = [
        |inner| format!("{{\"event\":{{\"original\":{inner}}},\"raw\":{inner}}}"),
        |inner| format!("{{\"raw\":{}}}", serde_json::to_string(&inner).unwrap()),
        |inner| format!("{{\"event\":{inner}}}"),
        |inner| format!("[{inner},{{\"data\":[]}}]"),
    ];
    for wrap in texts {
        let mut text = record(1);
        while text.len() < 200_000 {
            let longer = wrap(text.clone());
            if longer.len() > 400_000 || longer.matches('{').count() > 4000 {
                break;
            }
            text = longer;
            if text.matches("{\"event\":{").count() > 60 {
                break;
            }
        }
        let begun = std::time::Instant::now();
        let outcome = read(&text);
        assert!(begun.elapsed().as_secs() < 5, "{} bytes took {:?}", text.len(), begun.elapsed());
        assert!(outcome.records.len() <= 1, "one event is one record");
    }
}

#[test]
fn a_long_file_comes_in_its_own_order_on_any_number_of_cores() {
    let mut text = String::new();
    let mut expected = Vec::new();
    let mut broken = Vec::new();
    for number in 0..6000 {
        let line = number + 1;
        if number % 1999 == 7 {
            text.push_str("{\"id\": nonsense}\n");
            broken.push(line);
        } else if number % 2500 == 11 {
            text.extend(["{\"routing\":{},\"event\":", &record(number), "}\n"]);
            expected.push(number);
        } else if number % 1500 == 13 {
            text += &(record(number).replace("2026-09-01T07", "1.9.2026 07") + "\n");
            broken.push(line);
        } else {
            text += &(record(number) + "\n");
            expected.push(number);
        }
    }
    assert!(text.len() > 2 << 20, "several batches");
    let mut read = Vec::new();
    let mut bad = Vec::new();
    let summary = read_export(text.as_bytes(), &mut |line, record| match record {
        Ok(record) => {
            let number = record.id.unwrap().0.strip_prefix("event ").unwrap().parse::<u64>().unwrap();
            assert_eq!(line, number + 1);
            read.push(number);
        }
        Err(record) => {
            assert_eq!((record.line, record.number), (Some(line), line));
            bad.push(line);
        }
    });
    assert_eq!((read, bad), (expected, broken));
    assert_eq!(summary.unwrap().records, 6000 - 7);
}
