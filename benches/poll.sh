#!/usr/bin/env bash
# How long `run` reads an audit log of 40 pages, next to what 5 report requests in 10 s allow: `bash benches/poll.sh`.
# BINARIES names a folder of programs that are built already. Needs Python 3; takes about 2 minutes after the build.
set -euo pipefail
# shellcheck source=benches/build.sh
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"
exec python3 benches/poll.py
