# shellcheck shell=bash
# Builds what the benchmarks run, in release, and says where it is; sourced.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$HOME/.cache/mfa-rollback/target}
if [[ -z ${BINARIES:-} ]]; then
  cargo build --release -p mfa-rollback -p simulator
  export BINARIES="$CARGO_TARGET_DIR/release"
fi
