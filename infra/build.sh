#!/usr/bin/env bash
# Builds what a deployment without Rust needs, into dist/ or the folder named: poll and drain for each architecture, the
# template that takes them, the parts list and the checksums. The same sources make the same bytes.
#   bash infra/build.sh [--architecture x86_64|arm64]... [--out FOLDER] [--twice]
# Needs rustup, Python 3.11 with venv; cargo-lambda, Zig and cargo's tools it installs under ~/.cache/mfa-rollback.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null
# shellcheck source=infra/tools.sh
. infra/tools.sh

usage="usage: bash infra/build.sh [--architecture x86_64|arm64]... [--out FOLDER] [--twice]"
largest_zip=5000000
auditable_version=0.7.7
cyclonedx_version=0.5.9

architectures=() out=dist twice=false
while (($#)); do
  case $1 in
    --architecture) architectures+=("${2:?$usage}") && shift 2 ;;
    --out) out=${2:?$usage} && shift 2 ;;
    --twice) twice=true && shift ;;
    *) fail "$usage" ;;
  esac
done
((${#architectures[@]})) || architectures=(x86_64 arm64)

command -v rustup >/dev/null || fail "rustup is missing: https://rustup.rs"
command -v python3 >/dev/null || fail "python3 is missing"
tools=$(environment build)
auditable=$(cargo_tool cargo-auditable "$auditable_version")
cyclonedx=$(cargo_tool cargo-cyclonedx "$cyclonedx_version")
cargo fetch --locked
# Neither the time nor this machine's folders get into the bytes. The same time for every commit: with another one, Cargo
# compiles whatever needs cryptography anew.
cargo_home=${CARGO_HOME:-$HOME/.cargo}
export SOURCE_DATE_EPOCH=0 CARGO_NET_OFFLINE=true CARGO_INCREMENTAL=0
export RUSTFLAGS="--remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$PWD=/mfa-rollback"
export CFLAGS="-ffile-prefix-map=$cargo_home=/cargo"

# Builds both functions for the architecture $1 with the target folder $2, and puts their archives into $3.
archives() {
  local architecture=$1 target=$2 folder=$3 flag=--x86-64 function size
  [[ $architecture != arm64 ]] || flag=--arm64
  CARGO_TARGET_DIR=$target PATH=$tools/bin:$auditable:$PATH \
    cargo auditable lambda build --release --locked --package functions --bins "$flag" --lambda-dir "$target/lambda-$architecture"
  for function in poll drain; do
    python3 infra/archive.py "$target/lambda-$architecture/$function/bootstrap" "$architecture" "$folder/$function-$architecture.zip"
    size=$(wc -c <"$folder/$function-$architecture.zip")
    printf '%s for %s: %d bytes zipped\n' "$function" "$architecture" "$size"
    ((size <= largest_zip)) || fail "$function is larger than $largest_zip bytes"
  done
  if cmp -s "$folder/poll-$architecture.zip" "$folder/drain-$architecture.zip"; then
    fail "both functions hold the same program"
  fi
}

rm -rf "$out"
mkdir -p "$out"
# The second builds know nothing of the first ones; what runs on this machine, both architectures share.
again=$(mktemp -d)
trap 'rm -rf "$again"' EXIT
for architecture in "${architectures[@]}"; do
  headline "poll and drain for $architecture"
  case $architecture in
    x86_64) rustup target add x86_64-unknown-linux-gnu ;;
    arm64) rustup target add aarch64-unknown-linux-gnu ;;
    *) fail "$usage" ;;
  esac
  archives "$architecture" "${CARGO_TARGET_DIR:-$cache/target}" "$out"
  if $twice; then
    archives "$architecture" "$again/target" "$again"
    for function in poll drain; do
      cmp "$out/$function-$architecture.zip" "$again/$function-$architecture.zip" || fail "$function is not built reproducibly"
    done
    printf 'built twice: the same bytes\n'
  fi
done

headline "template, parts list, checksums"
python3 infra/package.py "$out/template.yaml"
# It writes one for each package, wherever the package is, of the commit's time.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || echo 0)
PATH=$cyclonedx:$PATH cargo cyclonedx --quiet --manifest-path functions/Cargo.toml --format json --spec-version 1.5 \
  --no-build-deps --target x86_64-unknown-linux-gnu --override-filename mfa-rollback.cdx
parts=$(sed "s|file://$PWD|file:///mfa-rollback|g" functions/mfa-rollback.cdx.json)
rm -f -- */mfa-rollback.cdx.json
printf '%s\n' "$parts" >"$out/mfa-rollback.cdx.json"
(cd "$out" && sha256sum -- * >SHA256SUMS)
cat "$out/SHA256SUMS"
