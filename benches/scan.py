"""Makes the exports that `benches/scan.sh` measures with, and reads JSON lines as a script would.

`make FOLDER MEGABYTES` writes one file for each form, the same ones each time; `read FILE` finds the
registrations in a file of lines, with a plain loop over `json.loads`.
"""

import csv
import json
import random
import sys
import uuid
from pathlib import Path

REGISTRATIONS = 0.02
PAGE = 999
OTHERS = [
    ("Update user", "Core Directory", "UserManagement"),
    ("Update user", "Core Directory", "UserManagement"),
    ("Add member to group", "Core Directory", "GroupManagement"),
    ("Sign-in activity", "Self-service Password Management", "UserManagement"),
    ("Update device", "Device Registration Service", "Device"),
    ("Add app role assignment grant to user", "Core Directory", "UserManagement"),
    ("Validate user authentication", "B2C", "Authentication"),
]
CALLED = ["Zoë Example", "Ada Lovelace", "Jürgen Müller", "Sam Sample"]
HEADER = [
    "Date (UTC)", "CorrelationId", "Service", "Category", "Activity", "Result", "ResultReason", "ActorType",
    "ActorDisplayName", "ActorObjectId", "ActorUserPrincipalName", "IPAddress", "Target1Type",
    "Target1DisplayName", "Target1ObjectId", "Target1UserPrincipalName", "Target1ModifiedProperty1Name",
    "Target1ModifiedProperty1OldValue", "Target1ModifiedProperty1NewValue", "AdditionalDetail1Key",
    "AdditionalDetail1Value",
]


def guid(random_):
    return str(uuid.UUID(int=random_.getrandbits(128)))


def changes(random_):
    """What the directory writes of a change: JSON in texts."""
    name = random_.choice(["StrongAuthenticationMethod", "AssignedPlan", "UserPrincipalName", "DisplayName"])
    old = json.dumps([{"MethodType": 6, "Default": True}] * random_.randrange(3))
    new = json.dumps([{"MethodType": 5 + random_.randrange(3), "Default": False, "Id": guid(random_)}])
    return [
        {"displayName": name, "oldValue": old, "newValue": new},
        {"displayName": "Included Updated Properties", "oldValue": None, "newValue": json.dumps(name)},
        {"displayName": "TargetId.UserType", "oldValue": None, "newValue": json.dumps("Member")},
    ]


def record(random_, users):
    """One record as Graph writes it."""
    user = random_.choice(users)
    name = f"{user[:8]}@contoso.example"
    registers = random_.random() < REGISTRATIONS
    activity, service, category = random_.choice(OTHERS)
    if registers:
        activity, service, category = "User registered security info", "Authentication Methods", "UserManagement"
    at = "2026-09-%02dT%02d:%02d:%02d.%07dZ" % (
        random_.randrange(1, 31), random_.randrange(24), random_.randrange(60), random_.randrange(60),
        random_.randrange(10**7))
    actor = {"id": user if registers else random_.choice(users), "displayName": None, "userPrincipalName": name,
             "ipAddress": "203.0.113.%d" % random_.randrange(256), "userType": None, "homeTenantId": None}
    by_app = {"appId": None, "displayName": "Microsoft Substrate Management", "servicePrincipalId": guid(random_)}
    is_by_user = registers or random_.random() < 0.5
    return {
        "id": f"{service}_{guid(random_)}_{random_.randrange(10**8)}",
        "category": category,
        "correlationId": guid(random_),
        "result": "success" if random_.random() < 0.97 else "failure",
        "resultReason": "User registered Mobile Phone SMS" if registers else "",
        "activityDisplayName": activity,
        "activityDateTime": at,
        "loggedByService": service,
        "operationType": "Update",
        "initiatedBy": {"app": None if is_by_user else by_app, "user": actor if is_by_user else None},
        "targetResources": [{
            "id": user, "displayName": random_.choice(CALLED), "type": "User", "userPrincipalName": name,
            "groupType": None, "modifiedProperties": [] if registers else changes(random_),
        }],
        "additionalDetails": [{"key": "User-Agent", "value": "EvoSTS"}, {"key": "UserType", "value": "Member"}],
    }


def envelope(it):
    """A record in Azure Monitor's envelope."""
    return {
        "time": it["activityDateTime"], "resourceId": "/tenants/x/providers/Microsoft.aadiam",
        "operationName": it["activityDisplayName"], "operationVersion": "1.0", "category": "AuditLogs",
        "tenantId": "x", "resultSignature": "None", "durationMs": 0, "correlationId": it["correlationId"],
        "level": "Informational", "properties": it,
    }


def row(it):
    """A record as the portal's CSV has it."""
    target, by = it["targetResources"][0], it["initiatedBy"]
    user, change = by["user"] or {}, (target["modifiedProperties"] or [{}])[0]
    return [
        it["activityDateTime"], it["correlationId"], it["loggedByService"], it["category"],
        it["activityDisplayName"], it["result"], it["resultReason"], "User" if by["user"] else "Application", "",
        user.get("id"), user.get("userPrincipalName"), user.get("ipAddress"), target["type"],
        target["displayName"], target["id"], target["userPrincipalName"], change.get("displayName"),
        change.get("oldValue"), change.get("newValue"), "User-Agent", "EvoSTS",
    ]


def pages(out, next_record, most):
    """Pages one a line, each of which but the last names the next."""
    while True:
        page = {"@odata.context": "https://graph.example/v1.0/$metadata#auditLogs/directoryAudits"}
        is_last = out.tell() > most
        if not is_last:
            page["@odata.nextLink"] = "https://graph.example/v1.0/auditLogs/directoryAudits?$skiptoken=x"
        page["value"] = [next_record() for _ in range(PAGE)]
        out.write(dumps(page) + "\n")
        if is_last:
            return


def dumps(it):
    return json.dumps(it, ensure_ascii=False, separators=(",", ":"))


def make(folder, megabytes):
    most = megabytes * 1_000_000
    for name in ["lines.jsonl", "pages.json", "monitor.jsonl", "portal.csv"]:
        random_ = random.Random(1)
        users = [guid(random_) for _ in range(10_000)]
        with open(Path(folder) / name, "w", encoding="utf-8", newline="") as out:
            if name == "pages.json":
                pages(out, lambda: record(random_, users), most)
                continue
            rows = csv.writer(out)
            if name == "portal.csv":
                rows.writerow(HEADER)
            while out.tell() < most:
                for _ in range(1000):
                    it = record(random_, users)
                    if name == "portal.csv":
                        rows.writerow(row(it))
                    else:
                        out.write(dumps(it if name == "lines.jsonl" else envelope(it)) + "\n")


def records(it):
    """The records in one line: one, one in an envelope, or those of a page."""
    if "value" in it:
        yield from it["value"]
    else:
        yield it.get("properties", it)


def read(path):
    found, count = {}, 0
    with open(path, encoding="utf-8", newline="") as file:
        if path.endswith(".csv"):
            for it in csv.DictReader(file):
                count += 1
                if it["Activity"] == "User registered security info" and it["Result"] == "success":
                    found[it["Target1ObjectId"]] = it["Date (UTC)"]
        else:
            for line in file:
                for it in records(json.loads(line)):
                    count += 1
                    if it["activityDisplayName"] == "User registered security info" and it["result"] == "success":
                        found[it["targetResources"][0]["id"]] = it["activityDateTime"]
    print(f"{count} records, {len(found)} users")


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2], int(sys.argv[3]))
    else:
        read(sys.argv[2])
