#!/usr/bin/env bash
# How fast `scan` reads exports, next to other ways to read them: `bash benches/scan.sh [MEGABYTES]`.
#
# Makes a file of 100 MB for each form, most of whose records are no registrations, and reads each with the release
# binary, with a Python script (benches/scan.py), with jq if it is installed, and with nothing around a typed parse by
# serde_json, for CSV with nothing around csv-core (shared/benches/bare.rs); and one page of the log. Each is the best
# of three. Needs Linux,
# Python 3 and /usr/bin/time; takes about 3 minutes after the build.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$HOME/.cache/mfa-rollback/target}
cargo build --release -p mfa-rollback
cargo bench -p shared --bench bare --no-run
bin="$CARGO_TARGET_DIR/release/mfa-rollback"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 benches/scan.py make "$work" "${1:-100}"

# Prints the best seconds of three and the most KiB that were resident.
measure() {
  local best=999 most=0 seconds kib
  for _ in 1 2 3; do
    /usr/bin/time -o "$work/time" -f '%e %M' "$@" >"$work/out" 2>"$work/err" || { cat "$work/err" >&2; return 1; }
    read -r seconds kib < <(tail -n 1 "$work/time")
    best=$(awk -v a="$best" -v b="$seconds" 'BEGIN { print (b < a ? b : a) }')
    [[ $kib -gt $most ]] && most=$kib
  done
  echo "$best $most"
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", a / b }'; }

registration='select(.activityDisplayName == "User registered security info" and .result == "success")
  | [.targetResources[0].id, .activityDateTime]'

head -n 1 "$work/pages.json" >"$work/page.json"
cargo bench -q -p shared --bench bare -- "$work/page.json" | awk '
  $1 == "bare" { bare = $2 }
  $1 == "read_export" { printf "one page of %d records, parsed and classified: %.2f ms, %.1f us a record; bare parse %.2f ms, %.1f x\n", $3, $2 * 1e3, $2 * 1e6 / $3, bare * 1e3, bare / $2 }'

for file in lines.jsonl pages.json monitor.jsonl portal.csv; do
  path="$work/$file"
  read -r scan kib < <(measure "$bin" scan --audit-log "$path" --format json)
  read -r python _ < <(measure python3 benches/scan.py read "$path")
  bare=$(cargo bench -q -p shared --bench bare -- "$path" | awk '$1 == "bare" { printf "%.2f", $2 }')
  case $file in
    pages.json) filter=".value[] | $registration" ;;
    monitor.jsonl) filter=".properties | $registration" ;;
    *) filter=$registration ;;
  esac
  if [[ $file == *.csv ]]; then
    jq="no CSV"
  elif command -v jq >/dev/null; then
    read -r seconds _ < <(measure jq -c "$filter" "$path")
    jq="$seconds s, $(ratio "$seconds" "$scan") x"
  else
    jq="not installed"
  fi
  echo "$file, $(($(stat -c %s "$path") / 1000000)) MB: scan $scan s, $((kib / 1024)) MiB resident;" \
    "bare parse $bare s, $(ratio "$bare" "$scan") x; Python $python s, $(ratio "$python" "$scan") x; jq $jq"
done
