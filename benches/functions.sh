#!/usr/bin/env bash
# The functions next to a hello-world on the same runtime crate: `bash benches/functions.sh`.
#
# Zip, start to the first request for work, a warm invocation and memory of each; and the requests to DynamoDB and SQS that
# a user, an event and an idle poll take. The release binaries run against doubles of AWS and a simulated tenant. Needs
# Linux and Python 3 with venv; takes about 2 minutes after the build, which takes half an hour from nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$HOME/.cache/mfa-rollback/target}
cargo build --release -p functions --example hello
exec cargo bench -p functions --bench footprint
