#!/usr/bin/env bash
# Feeds the fuzz targets: `bash fuzz/run.sh [SECONDS [TARGET…]]`, 60 seconds for each target by default.
# Needs Rust and a C++ compiler; cargo-fuzz it installs once under ~/.cache/mfa-rollback, where what it finds
# worth keeping grows, too. An input that breaks a target stays in fuzz/artifacts/.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
exec </dev/null

version=0.13.2
cache=${XDG_CACHE_HOME:-$HOME/.cache}/mfa-rollback
tool=$cache/cargo-fuzz-$version
# Its flags differ from those of everything else that is built.
export CARGO_TARGET_DIR=$cache/target-fuzz

seconds=${1:-60}
shift || true
if (($# > 0)); then
  targets=("$@")
else
  mapfile -t targets < <(basename --suffix .rs --multiple fuzz_targets/*.rs)
fi

command -v cargo >/dev/null || {
  echo "cargo is missing: https://rustup.rs" >&2
  exit 1
}
command -v c++ >/dev/null || {
  echo "a C++ compiler is missing" >&2
  exit 1
}
if [[ ! -x $tool/bin/cargo-fuzz ]]; then
  CARGO_TARGET_DIR=$cache/target-cargo-fuzz cargo install --quiet --locked --version "$version" --root "$tool" cargo-fuzz
  rm -rf "$cache/target-cargo-fuzz"
fi

for target in "${targets[@]}"; do
  printf '\n--- %s, %s s\n' "$target" "$seconds"
  corpus=$cache/fuzz-corpus/$target
  mkdir -p "$corpus"
  seeds=("seeds/$target")
  [[ $target != audit_logs ]] || seeds+=(../shared/tests/data)
  [[ $target != ids_file ]] || seeds+=(../shared/tests/data/forms)
  log=$(mktemp)
  # No sanitizer: all of it is safe Rust, and stable.
  if ! PATH=$tool/bin:$PATH cargo fuzz run --sanitizer none --release "$target" "$corpus" "${seeds[@]}" -- \
    -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
  fi
  grep -E '^stat::(number_of_executed_units|average_exec_per_sec|peak_rss_mb)|DONE' "$log" || true
  rm -f "$log"
done
