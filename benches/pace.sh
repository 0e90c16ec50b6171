#!/usr/bin/env bash
# How near `run` comes to what Graph's budgets allow: `bash benches/pace.sh [--plot FILE] [BUDGET]`.
#
# Rolls a simulated tenant of 80 users back, whose answers take 20 to 300 ms: with 60 authentication requests and 5 report
# requests in 10 s, a third and four times of that, with ample reports, and without limits; each with deleted methods
# that show for 3 to 10 s, and with none. Then two processes at once on one tenant, each with its own ledger and half of
# the users. --plot draws the requests a second as SVG; BUDGET names one of them ("a third", "two processes", ...).
# benches/floor.py says what the rules demand. BINARIES names a folder of programs that are built already. Needs Python
# 3; takes about 15 minutes after the build.
set -euo pipefail
# shellcheck source=benches/build.sh
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"
exec python3 benches/pace.py "$@"
