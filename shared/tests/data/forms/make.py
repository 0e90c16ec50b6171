#!/usr/bin/env python3
"""Writes the files of made/ and cases.tsv: one small file of made-up people in each form that exports come in.

Needs fastavro and zstandard. Run it in its own folder: python3 make.py
"""

import base64
import copy
import csv
import gzip
import io
import json
import os
import re
import zipfile

import fastavro
import zstandard

OUT = "made"
ADA, BEN, CYD = (
    "3b1f0c52-7a44-4e0d-9c15-5d2a6e8f9011",
    "8e27d4b9-1c63-4f5a-a0b2-4c7e13d6f022",
    "c5a90e37-42d8-4b7e-8f61-9a3d0b5c7033",
)
PHONE = "User registered Mobile Phone SMS"
APP = "User registered Authenticator App with Notification and Code"
cases = []


def record(number, user, name, activity, reason, at):
    return {
        "id": f"Authentication Methods_0000000{number}-0000-4000-8000-000000000abc_X1_{number}",
        "category": "UserManagement",
        "correlationId": f"0000000{number}-0000-4000-8000-000000000abc",
        "result": "success",
        "resultReason": reason,
        "activityDisplayName": activity,
        "activityDateTime": at,
        "loggedByService": "Authentication Methods",
        "operationType": "ServiceApi",
        "initiatedBy": {"app": None, "user": {"id": user, "displayName": None, "userPrincipalName": name,
                                              "ipAddress": "198.51.100.9"}},
        "targetResources": [{"id": user, "displayName": None, "type": "User", "userPrincipalName": name,
                             "groupType": None, "modifiedProperties": []}],
        "additionalDetails": [],
    }


REGISTERED = "User registered security info"
RECORDS = [
    record(1, ADA, "ada@contoso.example", REGISTERED, PHONE, "2026-02-10T09:15:00.1234567Z"),
    record(2, BEN, "ben@contoso.example", REGISTERED, APP, "2026-02-11T10:20:30.7654321Z"),
    record(3, CYD, "cyd@contoso.example", "User reviewed security info", "User successfully reviewed security info.",
           "2026-02-12T11:00:00Z"),
]


def case(name, content, users="ada,ben", exit=0, says="3 records"):
    if isinstance(content, str):
        content = content.encode()
    with open(os.path.join(OUT, name), "wb") as out:
        out.write(content)
    cases.append((f"made/{name}", exit, users, says))


def refused(name, content, says):
    case(name, content, users="", exit=1, says=says)


def renamed(value, rename):
    if isinstance(value, dict):
        return {rename(key): renamed(inner, rename) for key, inner in value.items()}
    if isinstance(value, list):
        return [renamed(inner, rename) for inner in value]
    return value


def snake(name):
    return re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), name)


def pascal(name):
    return name[:1].upper() + name[1:]


def flat(value, prefix=""):
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    else:
        return {prefix: value}
    found = {}
    for key, inner in pairs:
        found.update(flat(inner, f"{prefix}.{key}" if prefix else str(key)))
    return found


def monitor(record, **change):
    envelope = {
        "time": record["activityDateTime"],
        "resourceId": "/tenants/5f0d2c8e-9b41-4a6f-b3d7-1e8c6a2f4000/providers/Microsoft.aadiam",
        "operationName": record["activityDisplayName"],
        "category": "AuditLogs",
        "Level": 4,
        "properties": record,
    }
    envelope.update(change)
    return envelope


def row(record, text=True):
    nested = json.dumps if text else lambda value: value
    return {
        "TimeGenerated": record["activityDateTime"],
        "ActivityDateTime": record["activityDateTime"],
        "OperationName": record["activityDisplayName"],
        "Result": record["result"],
        "ResultReason": record["resultReason"],
        "LoggedByService": record["loggedByService"],
        "InitiatedBy": nested(record["initiatedBy"]),
        "TargetResources": nested(record["targetResources"]),
        "Id": record["id"],
    }


def unified(record, **change):
    user = record["initiatedBy"]["user"]
    identities = [{"ID": user["userPrincipalName"], "Type": 5}, {"ID": "User_" + user["id"], "Type": 2}]
    made = {
        "CreationTime": record["activityDateTime"][:19],
        "Id": record["correlationId"],
        "Operation": record["activityDisplayName"] + ".",
        "RecordType": 8,
        "ResultStatus": "Success",
        "Workload": "AzureActiveDirectory",
        "UserId": user["userPrincipalName"],
        "Actor": identities,
        "Target": identities[::-1],
    }
    made.update(change)
    return made


def lines(values):
    return "".join(json.dumps(value) + "\n" for value in values)


PORTAL = [
    "Date (UTC)", "CorrelationId", "Service", "Category", "Activity", "Result", "ResultReason", "User Agent",
    "ActorType", "ActorDisplayName", "ActorObjectId", "ActorUserPrincipalName", "IPAddress", "ActorHomeTenantId",
    "ActorHomeTenantName", "ActorServicePrincipalId", "ActorServicePrincipalName", "Target1Type",
    "Target1DisplayName", "Target1ObjectId", "Target1UserPrincipalName",
]
GERMAN = [
    "Datum", "Korrelations-ID", "Dienst", "Kategorie", "Aktivität", "Ergebnis", "Ergebnisgrund", "Benutzer-Agent",
    "Akteurtyp", "Anzeigename des Akteurs", "Objekt-ID des Akteurs", "UPN des Akteurs", "IP-Adresse",
    "ID des Heimmandanten", "Name des Heimmandanten", "Dienstprinzipal-ID", "Dienstprinzipalname", "Ziel1 Typ",
    "Ziel1 Anzeigename", "Ziel1 Objekt-ID", "Ziel1 UPN",
]
FRENCH = [
    "Date (temps universel)", "ID de corrélation", "Service concerné", "Catégorie", "Activité", "Résultat",
    "Raison du résultat", "Agent utilisateur", "Type d'acteur", "Nom complet de l'acteur", "ID d'objet de l'acteur",
    "UPN de l'acteur", "Adresse IP", "ID du locataire", "Nom du locataire", "ID du principal", "Nom du principal",
    "Type de la cible", "Nom complet de la cible", "ID d'objet de la cible", "UPN de la cible",
]
JAPANESE = [
    "日付", "関連付け ID", "サービス", "カテゴリ", "アクティビティ", "結果", "結果の理由", "ユーザー エージェント",
    "アクターの種類", "アクターの表示名", "アクターのオブジェクト ID", "アクターの UPN", "IP アドレス", "テナント ID",
    "テナント名", "サービス プリンシパル ID", "サービス プリンシパル名", "ターゲットの種類", "ターゲットの表示名",
    "ターゲットのオブジェクト ID", "ターゲットの UPN",
]


def portal(header=PORTAL, delimiter=",", at=lambda at: at, display="", rows=RECORDS):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(header)
    for record in rows:
        user = record["initiatedBy"]["user"]
        writer.writerow([
            at(record["activityDateTime"]), record["correlationId"], record["loggedByService"], record["category"],
            record["activityDisplayName"], record["result"], record["resultReason"], "", "User", display, user["id"],
            user["userPrincipalName"], "198.51.100.9", "", "", "", "", "User", display, user["id"],
            user["userPrincipalName"],
        ])
    return out.getvalue()


def table(rows, delimiter=","):
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def retimed(records, write):
    records = copy.deepcopy(records)
    for each in records:
        each["activityDateTime"] = write(each["activityDateTime"])
    return records


def page(records, link=None):
    made = {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#auditLogs/directoryAudits"}
    if link:
        made["@odata.nextLink"] = link
    made["value"] = records
    return made


LINK = "https://graph.microsoft.com/v1.0/auditLogs/directoryAudits?$skiptoken=x"


def graph():
    case("graph-page.json", json.dumps(page(RECORDS)))
    case("graph-array-pretty.json", json.dumps(RECORDS, indent=2))
    case("graph-lines.jsonl", lines(RECORDS))
    case("graph-documents.json", "".join(json.dumps(each, indent=1) for each in RECORDS))
    case("graph-pages.json", json.dumps(page(RECORDS[:1], LINK)) + "\n" + json.dumps(page(RECORDS[1:])))
    case("graph-page-of-more.json", json.dumps(page(RECORDS, LINK)), exit=1, says="@odata.nextLink")
    more = page(RECORDS)
    more["@odata.nextLink"] = LINK
    case("graph-page-of-more-behind.json", json.dumps(more), exit=1, says="fetch the pages behind it")
    case("graph-last-page-null.json", json.dumps({"@odata.nextLink": None, "value": RECORDS, "nextLink": None}))
    case("graph-wrapped-page-of-more.json", json.dumps({"status": 200, "body": page(RECORDS, LINK)}), exit=1,
         says="@odata.nextLink")
    thousand = [dict(RECORDS[2], id=f"x{number}") for number in range(998)]
    case("graph-thousand.json.gz", gzip.compress(json.dumps(page(RECORDS[:2] + thousand)).encode(), mtime=0), exit=1,
         says="ends at 1000 records")
    case("names-snake.json", json.dumps(renamed(RECORDS, snake)))
    case("names-capitals.json", json.dumps(renamed(RECORDS, pascal)))
    case("names-upper.json", json.dumps(renamed(RECORDS, str.upper)))
    case("names-blanks.json", json.dumps(renamed(RECORDS, lambda name: snake(name).replace("_", " ").title())))
    case("names-flat.jsonl", lines(flat(each) for each in RECORDS))
    case("names-flat-under.jsonl", lines(
        {"properties_" + key.replace(".", "_"): value for key, value in flat(each).items()} for each in RECORDS))
    listed = copy.deepcopy(RECORDS)
    for each in listed:
        each["targetResources"] = {"0": each["targetResources"][0]}
    case("targets-as-object.json", json.dumps(listed))
    single = copy.deepcopy(RECORDS)
    for each in single:
        each["targetResources"] = each["targetResources"][0]
    case("target-alone.json", json.dumps(single))
    case("texts-in-a-list.json", json.dumps([json.dumps(each) for each in RECORDS]))


def envelopes():
    case("monitor-records.json", json.dumps({"records": [monitor(each) for each in RECORDS]}))
    case("monitor-lines.jsonl", lines(monitor(each) for each in RECORDS))
    case("monitor-text.jsonl", lines(monitor(each, properties=json.dumps(each)) for each in RECORDS))
    bare = copy.deepcopy(RECORDS)
    outer = []
    for each in bare:
        reason, at = each.pop("resultReason"), each.pop("activityDateTime")
        outer.append({"time": at, "resultDescription": reason, "category": "AuditLogs", "properties": each})
    case("monitor-facts-outside.jsonl", lines(outer))
    message = {"records": [monitor(each) for each in RECORDS]}
    case("event-hub-body.json", json.dumps({"body": message, "offset": "1", "sequenceNumber": 7}))
    case("event-hub-text.json", json.dumps([{"body": json.dumps(message), "partition": 0}]))
    coded = base64.b64encode(json.dumps(message).encode()).decode()
    case("event-hub-base64.json", json.dumps([{"ContentData": coded, "Properties": {}}]))
    schema = {"type": "record", "name": "EventData", "namespace": "Microsoft.ServiceBus.Messaging", "fields": [
        {"name": "SequenceNumber", "type": "long"}, {"name": "Offset", "type": "string"},
        {"name": "EnqueuedTimeUtc", "type": "string"}, {"name": "Body", "type": ["null", "bytes"]}]}
    rows = [{"SequenceNumber": number, "Offset": "1", "EnqueuedTimeUtc": "2/12/2026 11:00:00 AM",
             "Body": json.dumps({"records": [monitor(each)]}).encode()} for number, each in enumerate(RECORDS)]
    for codec in ("null", "deflate", "snappy"):
        out = io.BytesIO()
        try:
            fastavro.writer(out, schema, rows, codec=codec, sync_marker=b"0123456789abcdef")
        except ValueError:
            continue
        case(f"capture-{codec}.avro", out.getvalue())
    out = io.BytesIO()
    other = {"type": "record", "name": "X", "fields": [{"name": "a", "type": "string"}]}
    fastavro.writer(out, other, [{"a": "b"}], sync_marker=b"0123456789abcdef")
    refused("other.avro", out.getvalue(), "it is Avro")
    case("splunk-raw.jsonl", lines({"preview": False, "offset": number, "result": {
        "_raw": json.dumps(monitor(each)), "_time": "2026-02-10 09:15:00.123 UTC", "sourcetype": "azure:monitor:aad"}}
        for number, each in enumerate(RECORDS)) + json.dumps({"preview": False, "lastrow": True}) + "\n")
    case("splunk-flat.json", json.dumps({"results": [
        {"properties." + key: value for key, value in flat(each).items()} for each in RECORDS]}))
    case("splunk-raw.csv", table([{"_time": "2026-02-10T09:15:00.123+0000", "host": "x", "_raw": json.dumps(each)}
                                  for each in RECORDS]))

    def elastic(each):
        properties = renamed(each, snake)
        properties["activity_datetime"] = properties.pop("activity_date_time")
        properties["target_resources"] = {"0": properties["target_resources"][0]}
        return {"_index": "logs-azure.auditlogs-default", "_id": each["id"], "_source": {
            "@timestamp": each["activityDateTime"], "tags": ["forwarded"],
            "azure": {"auditlogs": {"category": "AuditLogs", "operation_name": each["activityDisplayName"],
                                    "properties": properties}}, "event": {"action": each["activityDisplayName"]}}}

    case("elastic.ndjson", lines(elastic(each) for each in RECORDS))
    case("elastic-answer.json", json.dumps({"took": 3, "timed_out": False, "_shards": {"total": 1}, "hits": {
        "total": {"value": 3, "relation": "eq"}, "max_score": 1.0, "hits": [elastic(each) for each in RECORDS]}}))
    bulk = []
    for each in RECORDS:
        bulk += [{"index": {"_index": "x", "_id": each["id"]}}, elastic(each)["_source"]]
    case("elastic-bulk.ndjson", lines(bulk))
    case("wazuh-graph.jsonl", lines({
        "timestamp": "2026-02-12T11:00:01.000+0000", "rule": {"level": 3, "groups": ["ms-graph"]},
        "agent": {"id": "000"}, "full_log": json.dumps({"integration": "ms-graph", "ms-graph": each}),
        "data": {"integration": "ms-graph", "ms-graph": each}, "location": "ms-graph"} for each in RECORDS))
    case("wazuh-office.jsonl", lines({
        "timestamp": "2026-02-12T11:00:01.000+0000", "rule": {"level": 3}, "decoder": {"name": "json"},
        "data": {"integration": "office365", "office365": unified(each)}} for each in RECORDS))
    case("limacharlie.ndjson", lines({"event": monitor(each), "routing": {"event_type": "AuditLogs"}}
                                     for each in RECORDS))
    case("datadog.json", json.dumps({"data": [{"id": "AQ", "type": "log", "attributes": {
        "service": "azure", "attributes": monitor(each)}} for each in RECORDS]}))
    case("cribl.jsonl", lines({"_raw": json.dumps(monitor(each)), "cribl_pipe": "x"} for each in RECORDS))
    case("unknown-wrapper.json", json.dumps({"a": {"b": [{"c": each} for each in RECORDS]}}))


def queries():
    columns = list(row(RECORDS[0]))
    cells = [list(row(each).values()) for each in RECORDS]
    nested = [list(row(each, text=False).values()) for each in RECORDS]
    case("query-tables.json", json.dumps({"tables": [{"name": "PrimaryResult", "columns": [
        {"name": name, "type": "string"} for name in columns], "rows": cells}]}))
    case("query-rows.jsonl", lines(row(each) for each in RECORDS))
    case("kusto-v1.json", json.dumps({"Tables": [
        {"TableName": "Table_0", "Columns": [{"ColumnName": name, "DataType": "String"} for name in columns],
         "Rows": nested},
        {"TableName": "Table_1", "Columns": [{"ColumnName": "Value", "DataType": "String"}],
         "Rows": [["{\"Visualization\":null}"]]}]}))
    primary = [{"ColumnName": name, "ColumnType": "string"} for name in columns]
    case("kusto-v2.json", json.dumps([
        {"FrameType": "DataSetHeader", "IsProgressive": False, "Version": "v2.0"},
        {"FrameType": "DataTable", "TableId": 0, "TableKind": "QueryProperties", "TableName": "@ExtendedProperties",
         "Columns": [{"ColumnName": "TableId", "ColumnType": "int"}], "Rows": [[1]]},
        {"FrameType": "DataTable", "TableId": 1, "TableKind": "PrimaryResult", "TableName": "PrimaryResult",
         "Columns": primary, "Rows": cells},
        {"FrameType": "DataSetCompletion", "HasErrors": False, "Cancelled": False}]))
    case("kusto-v2-progressive.json", json.dumps([
        {"FrameType": "DataSetHeader", "IsProgressive": True, "Version": "v2.0"},
        {"FrameType": "TableHeader", "TableId": 1, "TableKind": "PrimaryResult", "Columns": primary},
        {"FrameType": "TableFragment", "TableId": 1, "TableFragmentType": "DataAppend", "Rows": cells[:1]},
        {"FrameType": "TableFragment", "TableId": 1, "TableFragmentType": "DataAppend", "Rows": cells[1:]},
        {"FrameType": "TableCompletion", "TableId": 1, "RowCount": 3},
        {"FrameType": "DataSetCompletion", "HasErrors": False}]))
    case("hunting.json", json.dumps({"schema": [{"name": name, "type": "String"} for name in columns],
                                     "results": [row(each, text=False) for each in RECORDS]}))
    case("steampipe.json", json.dumps({"columns": [{"name": "id", "data_type": "text"}],
                                       "rows": [renamed(each, snake) for each in RECORDS]}))
    case("query.csv", table([row(each) for each in RECORDS]))
    case("query.tsv", table([row(each) for each in RECORDS], delimiter="\t"))
    small = [{key: value for key, value in row(each).items() if key != "ActivityDateTime"} for each in RECORDS]
    case("query-without-date.csv", table(small))
    refused("query-without-result.csv", table([{key: value for key, value in each.items() if key != "Result"}
                                               for each in small]), "add it to the query")
    refused("query-without-header.tsv", table(small, delimiter="\t").split("\n", 1)[1], "no header")
    refused("query-local-time.csv", table([{("TimeGenerated [Local Time]" if key == "TimeGenerated" else key): value
                                            for key, value in each.items()} for each in small]), "time zone to UTC")


def unified_log():
    case("unified.json", json.dumps([unified(each) for each in RECORDS]))
    case("unified-lines.jsonl", lines(unified(each) for each in RECORDS))
    alone = []
    for each in RECORDS:
        user = each["initiatedBy"]["user"]
        identities = [{"ID": "User", "Type": 2}, {"ID": user["id"], "Type": 2},
                      {"ID": user["userPrincipalName"], "Type": 5}]
        alone.append(unified(each, Actor=identities, Target=identities))
    case("unified-bare-ids.json", json.dumps(alone))
    rows = [{"RecordType": "AzureActiveDirectory", "CreationDate": each["activityDateTime"][:19],
             "UserIds": each["initiatedBy"]["user"]["userPrincipalName"],
             "Operations": each["activityDisplayName"] + ".", "AuditData": json.dumps(unified(each))}
            for each in RECORDS]
    case("unified-search.json", json.dumps(rows))
    case("purview.csv", "\ufeff" + table(rows))
    refused("unified-exchange.json", json.dumps([unified(each, Workload="Exchange", Operation="MailItemsAccessed")
                                                 for each in RECORDS]), "records of another log (Exchange)")


def times():
    import datetime as dt

    def parsed(at):
        return dt.datetime.fromisoformat(at[:19] + "+00:00")

    def form(write):
        return retimed(RECORDS, lambda at: write(parsed(at)))

    def milliseconds(at):
        return int(at.timestamp() * 1000)

    case("time-powershell.json", json.dumps(form(lambda at: f"/Date({milliseconds(at)})/")).replace("/Date", "\\/Date")
         .replace(")/", ")\\/"))
    case("time-powershell-object.json", json.dumps(form(lambda at: {
        "value": f"/Date({milliseconds(at)})/", "DisplayHint": 2, "DateTime": "Dienstag, 10. Februar 2026 09:15:00"})))
    case("time-milliseconds.json", json.dumps(form(milliseconds)))
    case("time-seconds.json", json.dumps(form(lambda at: int(at.timestamp()))))
    case("time-offset.json", json.dumps(form(lambda at: at.astimezone(dt.timezone(dt.timedelta(hours=2)))
                                             .strftime("%Y-%m-%d %H:%M:%S %z"))))
    case("time-year-first.csv", portal(at=lambda at: f"{parsed(at):%Y}/{parsed(at).month}/{parsed(at).day}, "
                                       f"{parsed(at):%-I:%M:%S %p}"))
    case("time-month-named.csv", portal(at=lambda at: f"{parsed(at):%b %-d, %Y %-I:%M:%S %p}"))
    header = ["Date"] + PORTAL[1:]
    refused("time-month-named-no-zone.csv", portal(header=header, at=lambda at: f"{parsed(at):%b %-d, %Y %-I:%M %p}"),
            "names no time zone")
    refused("time-us.csv", portal(at=lambda at: f"{parsed(at):%-m/%-d/%Y, %-I:%M:%S %p}"), "and 2 more like it")
    refused("time-german.csv", portal(at=lambda at: f"{parsed(at):%d.%m.%Y %H:%M:%S}"), "more than one way")


def tables():
    case("portal.csv", "\ufeff" + portal())
    case("portal-plain.csv", portal().replace("\r\n", "\n"))
    case("portal-semicolons.csv", portal(delimiter=";"))
    case("portal-sep.csv", "sep=;\r\n" + portal(delimiter=";"))
    case("portal-type.csv", "#TYPE System.Management.Automation.PSCustomObject\r\n" + portal())
    case("portal.tsv", portal(delimiter="\t"))
    case("portal-pipes.csv", portal(delimiter="|"))
    case("portal-utf-16.csv", portal(display="Zoë").encode("utf-16"))
    case("portal-utf-16-no-mark.csv", portal(display="Zoë").encode("utf-16-le"))
    case("portal-windows-1252.csv", portal(display="Jürgen Müller-Lüdenscheidt").encode("cp1252"))
    case("json-windows-1252.json", json.dumps([dict(each, note="Zoë Müller in Köln") for each in RECORDS],
                                              ensure_ascii=False).encode("cp1252"))
    case("json-utf-16-no-mark.json", json.dumps(RECORDS).encode("utf-16-be"))
    case("portal-german.csv", "\ufeff" + portal(header=GERMAN))
    case("portal-french.csv", "\ufeff" + portal(header=FRENCH))
    case("portal-japanese.csv", "\ufeff" + portal(header=JAPANESE))
    case("portal-german-windows.csv", portal(header=GERMAN, delimiter=";").encode("cp1252"))
    moved = ["Spalte"] * 21
    swapped = portal(header=moved).replace("\"Authentication Methods\"", "\"2026-02-10 09:15\"")
    refused("portal-unknown.csv", swapped, "in English")
    case("portal-excel-lost-columns.csv", re.sub(r"(,\"\")+\r\n", "\r\n", portal()))


def packed():
    plain = json.dumps(page(RECORDS)).encode()
    case("packed.json.gz", gzip.compress(plain, mtime=0))
    case("packed-members.jsonl.gz", b"".join(gzip.compress(lines([each]).encode(), mtime=0) for each in RECORDS))
    case("packed-twice.gz", gzip.compress(gzip.compress(plain, mtime=0), mtime=0))
    case("packed-cut.json.gz", gzip.compress(plain, mtime=0)[:-40], exit=1,
         says="could not be read")
    pack = zstandard.ZstdCompressor(write_checksum=True)
    case("packed.json.zst", pack.compress(plain))
    case("packed-frames.jsonl.zst", b"\x50\x2a\x4d\x18\x03\0\0\0abc" + b"".join(
        pack.compress(lines([each]).encode()) for each in RECORDS))

    def archive(files):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            for name, content in files:
                made.writestr(zipfile.ZipInfo(name, (2026, 2, 12, 11, 0, 0)), content, zipfile.ZIP_DEFLATED)
        return out.getvalue()

    case("packed.zip", archive([("a/one.json", json.dumps(RECORDS[:2])), ("two.csv", portal(rows=RECORDS[2:])),
                                ("__MACOSX/._one.json", "x")]), says="packed.zip/a/one.json: Graph JSON, 2 records")
    case("packed-bad-entry.zip", archive([("one.json", json.dumps(RECORDS)), ("note.txt", "hello")]), exit=1,
         says="packed-bad-entry.zip/note.txt: not an export")
    refused("packed-empty.zip", archive([]), "no files in it")
    refused("workbook.xlsx", archive([("[Content_Types].xml", "<Types/>"), ("xl/workbook.xml", "<workbook/>")]),
            "an Excel workbook: save it as CSV")
    refused("parquet.parquet", b"PAR1\0\0\0\0PAR1", "it is Parquet")


def others():
    refused("registration-report.csv", "Date,User,User principal name,Feature,Activity,Method used,Status\n"
            "2026-02-10T09:15:00Z,Ada,ada@contoso.example,Registration,User registered,Mobile phone,Success\n",
            "this is the registration report")
    refused("registration-details.json", json.dumps({"value": [{"id": ADA, "isMfaRegistered": True,
                                                                "methodsRegistered": ["mobilePhone"]}]}),
            "this is the registration report")
    refused("sign-ins.json", json.dumps({"value": [{
        "id": "x", "createdDateTime": "2026-02-10T09:15:00Z", "userPrincipalName": "ada@contoso.example",
        "clientAppUsed": "Browser", "conditionalAccessStatus": "notApplied"}]}), "this is a sign-in log")
    refused("sign-ins.csv", "Date (UTC),Request ID,User,Username,User ID,Application,Client app,Conditional Access\n"
            f"2026-02-10T09:15:00Z,1,Ada,ada@contoso.example,{ADA},Office,Browser,Not Applied\n",
            "this is a sign-in log")
    refused("mfa-server.csv", "Username,First Name,Last Name,Country Code,Phone,Email\nada,Ada,Quinn,1,5550100,a@x\n",
            "Azure MFA Server")
    refused("users.csv", "userPrincipalName,displayName,userType,accountEnabled\nada@contoso.example,Ada,Member,True\n",
            "a list of users")
    refused("page.html", "<html><body>Sign in</body></html>", "it is a web page or XML")
    refused("depth.json", json.dumps([dict(each, initiatedBy="@{app=; user=}") for each in RECORDS]),
            "export again with ConvertTo-Json -Depth 10 (and 2 more like it")
    refused("depth-types.json", json.dumps([dict(each, targetResources=[
        "Microsoft.Graph.PowerShell.Models.MicrosoftGraphTargetResource"]) for each in RECORDS]), "-Depth 10")
    nobody = copy.deepcopy(RECORDS)
    for each in nobody:
        each["initiatedBy"], each["targetResources"] = None, []
    case("nobody.json", json.dumps(nobody), users="", exit=1, says="there is no id; find out whose it is")
    case("nobody-then-clear.json", json.dumps(nobody + RECORDS), says="6 records")
    case("clear-then-nobody.json", json.dumps(RECORDS + nobody), says="6 records")
    switch = dict(RECORDS[2], id="s1", activityDisplayName="Updated ConvergedUXV2 feature value",
                  loggedByService="Core Directory")
    case("switch.json", json.dumps(RECORDS + [switch]),
         says="at 2026-02-12T11:00:00Z \"Updated ConvergedUXV2 feature value\"")
    case("broken-between.jsonl", lines(RECORDS[:1]) + "{\"id\": nonsense}\n" + lines(RECORDS[1:]), exit=1,
         says="record 2 (line 2)")


if __name__ == "__main__":
    os.makedirs(OUT, exist_ok=True)
    for name in os.listdir(OUT):
        os.remove(os.path.join(OUT, name))
    for part in (graph, envelopes, queries, unified_log, times, tables, packed, others):
        part()
    with open("made.tsv", "w") as out:
        out.write("file\texit\tusers\tsays\n")
        for row_ in cases:
            out.write("\t".join(map(str, row_)) + "\n")
    print(len(cases), "forms")
