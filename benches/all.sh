#!/usr/bin/env bash
# All benchmarks, one after the other: `bash benches/all.sh`. Takes about two hours after the build; each can run by itself.
# Compare what one run prints, not one run with another.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
for part in pace against_script poll scan memory scale functions; do
  echo
  echo "== bash benches/$part.sh"
  bash "benches/$part.sh"
done
echo
echo "== cargo bench -p mfa-rollback"
cargo bench -p mfa-rollback
