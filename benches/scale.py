"""What grows with the number of users, and what does not: `scale.py [USERS]`; see scale.sh.

`on_record` fills ledgers with copies of users of all outcomes, each with an id and events of its own, and works on them:
what a command costs must not depend on how many others are on record. `from_nothing` takes tenants of more and more users
from the audit log to the last outcome: what a user costs must not grow.
"""

import shutil
import sqlite3
import sys
import time
import uuid
from pathlib import Path

from tenant import Budget, Tenant

NONE = Budget("none", told=1000)
QUICK = {"latency": "0", "removal": "0"}
RUN = ["run", "--mode", "enforce", "--yes"]
NEW = 80
MODELS = 400
EVENTS_EACH = 10
COMMANDS = {
    "status": ["status"],
    "report --held": ["report", "--held"],
    "report": ["report"],
    f"run, {NEW} new users": RUN,
}


def fill(source, target, users):
    """Copies a ledger, and replaces its users by so many copies of them, each with ten marked events."""
    shutil.copy(source, target)
    ledger = sqlite3.connect(target)
    models = {}
    for pk, sk, *rest in ledger.execute("SELECT * FROM documents WHERE pk LIKE 'USER#%'").fetchall():
        models.setdefault(pk, []).append((sk, *rest))
    seen = ledger.execute("SELECT * FROM documents WHERE pk LIKE 'EVENT#%' AND sk = 'SEEN' LIMIT 1").fetchone()
    ledger.execute("DELETE FROM documents WHERE pk LIKE 'USER#%' OR pk LIKE 'EVENT#%'")
    ledger.execute("DELETE FROM documents WHERE pk LIKE 'POLL%'")
    ledger.execute("DELETE FROM messages")
    models, columns = list(models.items()), ",".join("?" * len(seen))

    def copies():
        for n in range(users):
            (old, rows), new = models[n % len(models)], str(uuid.UUID(int=n + 1))
            old = old.removeprefix("USER#")
            for sk, version, write, schema, body, *rest in rows:
                yield "USER#" + new, sk, version, write, schema, body.replace(old, new), *rest
            for event in range(EVENTS_EACH):
                yield f"EVENT#Authentication Methods_{new}_{event}", *seen[1:]

    ledger.executemany(f"INSERT INTO documents VALUES ({columns})", copies())
    ledger.commit()
    events = ledger.execute("SELECT count(*) FROM documents WHERE pk LIKE 'EVENT#%'").fetchone()[0]
    ledger.close()
    return events


def on_record(sizes):
    print(f"With so many users on record, and {EVENTS_EACH} events of each:")
    with Tenant(MODELS, NONE, **QUICK) as tenant:
        window = {name: value for name, value in tenant.variables.items() if name.startswith(("PREVIEW", "REGISTERED"))}
        # Settings that decide otherwise would have everybody on record decided on anew.
        settings = window | {"EXCLUDED_GROUP_ID": "", "NO_EXCLUSIONS": "true"}
        tenant.variables |= settings
        tenant.start(RUN).result()
        models = Path(tenant.folder.name, "one.ledger")
        for users in sizes:
            row, filled = [], Path(tenant.folder.name, "filled.ledger")
            events = fill(models, filled, users)
            for name, command in COMMANDS.items():
                # The same seed makes the same tenant with other people.
                with Tenant(NEW, NONE, **QUICK) as again:
                    again.variables |= settings
                    shutil.copy(filled, Path(again.folder.name, "one.ledger"))
                    job = again.start(command)
                    answer = job.result()
                    handled = len(answer["users"]) if command == RUN else 0
                    row.append(f"{name} {job.seconds:.2f} s, {job.mebibytes:.0f} MiB"
                               + (f" ({handled} handled, {job.blocks} blocks written)" if handled else ""))
            print(f"  {users:>7} users, {events:>8} events: " + "; ".join(row))
            sys.stdout.flush()


def from_nothing(sizes):
    print("From the audit log to the last outcome, without limits:")
    for users in sizes:
        began = time.monotonic()
        with Tenant(users, NONE, **QUICK) as tenant:
            made = time.monotonic() - began
            job = tenant.start(RUN)
            answer = job.result()
            handled = len(answer["users"])
            tenants = tenant.cpu()
            print(f"  {users:>7} users, {answer['poll']['events_read']:>8} events: {job.seconds:.1f} s, "
                  f"{job.seconds / handled * 1e3:.1f} ms a user ({job.cpu / handled * 1e3:.1f} of CPU, the tenant's {tenants / handled * 1e3:.1f}), "
                  f"{job.mebibytes:.0f} MiB; {len(tenant.journal()) / handled:.1f} requests a user; "
                  f"the ledger takes {ledger_bytes(tenant) / handled / 1000:.1f} kB a user; "
                  f"making the tenant took {made:.0f} s")
            sys.stdout.flush()


def ledger_bytes(tenant):
    return sum(path.stat().st_size for path in Path(tenant.folder.name).glob("one.ledger*"))


def main():
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    sizes = [size for size in (1_000, 10_000, 100_000) if size <= most]
    on_record(sizes)
    from_nothing([size for size in (500, 1_000, 2_000, 5_000, 10_000, 100_000) if size <= most / 10])


if __name__ == "__main__":
    main()
