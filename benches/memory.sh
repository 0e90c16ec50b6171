#!/usr/bin/env bash
# Memory and time of the two large jobs, on release binaries: `bash benches/memory.sh`.
# 1. `scan` of a 1 GB export with 10,000 users in it.
# 2. `run --mode enforce` of a simulated tenant with 5,000 users.
# Prints the peak of RssAnon and the seconds of each. Needs Linux and Python 3; takes about 10 minutes
# after the build.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$HOME/.cache/mfa-rollback/target}
cargo build --release -p mfa-rollback -p simulator
bin="$CARGO_TARGET_DIR/release"
work=$(mktemp -d)
simulator=
trap '[[ -z $simulator ]] || kill "$simulator" 2>/dev/null; rm -rf "$work"' EXIT

# Runs a command and follows its anonymous memory.
measure() {
  local name=$1 peak=0 now started=$SECONDS process
  shift
  "$@" >"$work/out" 2>"$work/err" &
  process=$!
  while kill -0 "$process" 2>/dev/null; do
    now=$(awk '/RssAnon/ { print $2 }' "/proc/$process/status" 2>/dev/null || true)
    [[ ${now:-0} -gt $peak ]] && peak=$now
    sleep 0.05
  done
  wait "$process" && status=0 || status=$?
  echo "$name: exit $status, peak RssAnon $((peak / 1024)) MiB, $((SECONDS - started)) s"
}

python3 - "$work/export.json" <<'PYTHON'
import json, random, sys, uuid
random.seed(1)
users = [str(uuid.UUID(int=random.getrandbits(128))) for _ in range(10_000)]
def record():
    user = random.choice(users)
    return json.dumps({
        "id": f"Authentication Methods_{uuid.UUID(int=random.getrandbits(128))}_AUMVX_{random.randrange(10**8)}",
        "category": "UserManagement", "result": "success",
        "resultReason": "User registered Mobile Phone SMS",
        "activityDisplayName": "User registered security info",
        "activityDateTime": "2026-09-01T%02d:%02d:%02d.1234567Z" % (random.randrange(24), random.randrange(60), random.randrange(60)),
        "loggedByService": "Authentication Methods",
        "initiatedBy": {"app": None, "user": {"id": user, "userPrincipalName": f"{user}@contoso.example"}},
        "targetResources": [{"id": user, "displayName": "Some One", "type": "User", "userPrincipalName": f"{user}@contoso.example"}],
    })
with open(sys.argv[1], "w") as out:
    out.write('{"value":[' + record())
    while out.tell() < 1_000_000_000:
        out.write("," + ",".join(record() for _ in range(1000)))
    out.write("]}")
PYTHON
measure "scan of a 1 GB export" "$bin/mfa-rollback" scan --audit-log "$work/export.json" --format json

"$bin/simulator" --users 5000 --seed 4 --budget off --port 0 >"$work/tenant.env" &
simulator=$!
sleep 3
eval "$(grep '^export' "$work/tenant.env")"
export MAX_ROLLBACKS_PER_DAY=5000 GRAPH_REPORTS_PER_10_SECONDS=1000
measure "run of 5,000 users" "$bin/mfa-rollback" run --mode enforce --yes --ledger "$work/ledger" --format json
