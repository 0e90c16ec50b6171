#!/usr/bin/env bash
# What grows with the number of users, and what does not: `bash benches/scale.sh [USERS]`.
#
# Ledgers with 1,000, 10,000 and 100,000 users and ten times as many events on record: what status, the reports and a run
# over 80 new users take in time and memory. Then tenants of more and more users, up to a tenth of USERS (100,000), from
# the audit log to the last outcome, without limits. BINARIES names a folder of programs that are built already. Needs
# Python 3; takes about 20 minutes after the build.
set -euo pipefail
# shellcheck source=benches/build.sh
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"
exec python3 benches/scale.py "$@"
