#!/usr/bin/env bash
# `run` next to the script that Microsoft published in PowerShell (benches/script.py, on Graph): `bash benches/against_script.sh`.
#
# The same users of tenants alike: where the budget of 60 authentication requests in 10 s binds, and without limits at
# 80 ms an answer for 80 and for 800 users. Without its sleep of 750 ms the script skips what its authors put in for
# Graph's sake. BINARIES names a folder of programs that are built already. Needs Python 3; takes about 12 minutes after
# the build.
set -euo pipefail
# shellcheck source=benches/build.sh
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"
exec python3 benches/against_script.py
