#!/usr/bin/env bash
# Looks at the report in headless Chromium: `bash cli/tests/browser/run.sh`. Needs Rust and Python 3 with venv;
# Chromium is installed where there is none and this is root on Debian. Reports and screenshots are left in
# the target folder, in `browser`.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
exec </dev/null
cache=${XDG_CACHE_HOME:-$HOME/.cache}/mfa-rollback
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
export PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1
work=$CARGO_TARGET_DIR/browser

find_browser() {
  local name
  for name in chromium chromium-browser google-chrome; do
    command -v "$name" && return
  done
  return 1
}

if ! find_browser >/dev/null; then
  if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    echo "chromium is missing: install it" >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
fi

pins=cli/tests/browser/requirements.txt
tools=$cache/python-browser-$({ cat "$pins" && python3 -VV; } | sha256sum | cut -c 1-12)
if [[ ! -e $tools/complete ]]; then
  rm -rf "$tools"
  python3 -m venv "$tools"
  "$tools/bin/python" -m pip install --quiet --requirement "$pins"
  touch "$tools/complete"
fi

mkdir -p "$work"
cargo bench --profile dev --bench report -- --keep "$work"
"$CARGO_TARGET_DIR/debug/mfa-rollback" report --ledger "$work/small.ledger" --format csv >"$work/small.csv"
"$tools/bin/python" cli/tests/browser/check.py "$work" "$(find_browser)"
