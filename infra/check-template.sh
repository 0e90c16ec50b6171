#!/usr/bin/env bash
# Checks everything that is deployed, without an account: `bash infra/check-template.sh`, and with `--build`
# also that SAM builds both functions. Needs Python 3.11 with venv, and for `--build` Rust; the tools it
# installs once under ~/.cache/mfa-rollback.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null

cache=${XDG_CACHE_HOME:-$HOME/.cache}/mfa-rollback
largest_zip=5000000
export PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1
export SAM_CLI_TELEMETRY=0 __SAM_CLI_APP_DIR=$cache/sam-cli
export AWS_DEFAULT_REGION=eu-west-1 AWS_EC2_METADATA_DISABLED=true

headline() {
  printf '\n--- %s\n' "$*"
}

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# Makes the virtual environment of requirements-$1.txt unless it is there, and names its folder. It is named
# after its pins and its Python; one at a time makes it, and a half-made one is begun anew.
environment() {
  local pins=infra/requirements-$1.txt key folder
  key=$({ cat "$pins" && python3 -VV; } | sha256sum | cut -c 1-12)
  folder=$cache/python-$1-$key
  mkdir -p "$cache"
  (
    flock 9
    if [[ ! -e $folder/complete ]]; then
      printf 'installing %s\n' "$pins" >&2
      rm -rf "$folder"
      python3 -m venv "$folder"
      "$folder/bin/python" -m pip install --quiet --requirement "$pins" >&2
      touch "$folder/complete"
    fi
  ) 9>"$folder.lock"
  printf '%s\n' "$folder"
}

# Builds as `sam build` does, from the committed lock file and what `cargo fetch` has got.
build() {
  local tools built=$cache/sam-build/functions function zip size
  command -v cargo >/dev/null || fail "cargo is missing: https://rustup.rs"
  tools=$(environment build)
  cargo fetch --locked
  PATH=$tools/bin:$PATH CARGO_NET_OFFLINE=true "$sam/bin/sam" build --template-file template.yaml \
    --config-file "$PWD/samconfig.example.toml" --build-dir "$built" --no-cached
  for function in PollFunction DrainFunction; do
    [[ -x $built/$function/bootstrap ]] || fail "$function was not built"
    zip=$built/$function.zip
    (cd "$built/$function" && python3 -m zipfile -c "$zip" bootstrap)
    size=$(wc -c <"$zip")
    printf '%s: %d bytes zipped\n' "$function" "$size"
    ((size <= largest_zip)) || fail "$function is larger than $largest_zip bytes"
  done
  if cmp -s "$cache/sam-build/PollFunction/bootstrap" "$cache/sam-build/DrainFunction/bootstrap"; then
    fail "both functions hold the same program"
  fi
}

case ${1-} in
  '' | --build) ;;
  *) fail "usage: bash infra/check-template.sh [--build]" ;;
esac
command -v python3 >/dev/null || fail "python3 is missing"

headline "tools"
sam=$(environment sam)
checkov=$(environment checkov)
"$sam/bin/sam" --version
"$sam/bin/cfn-lint" --version
echo "checkov $("$checkov/bin/checkov" --version)"

headline "shellcheck"
mapfile -t scripts < <(git ls-files --cached --others --exclude-standard '*.sh')
"$sam/bin/shellcheck" "${scripts[@]}"
echo "${#scripts[@]} scripts"

headline "the app registration"
bash infra/entra/test.sh
if command -v terraform >/dev/null; then
  terraform fmt -check -diff infra/entra
  echo "terraform fmt: nothing to change"
else
  echo "terraform is not here: infra/entra/*.tf not checked"
fi

# The one knows what SAM's transform refuses, the other what CloudFormation does.
headline "sam validate"
"$sam/bin/sam" validate --template-file template.yaml --config-file "$PWD/samconfig.example.toml"
"$sam/bin/sam" validate --template-file template.yaml --config-file "$PWD/samconfig.example.toml" --lint

headline "cfn-lint"
"$sam/bin/cfn-lint" --include-checks I --template template.yaml infra/operations.yaml
echo "no findings"

headline "checkov"
"$checkov/bin/checkov" --skip-download --framework cloudformation --file template.yaml infra/operations.yaml --compact --quiet

headline "parameters, rules and environment"
"$sam/bin/python" infra/check_template.py

headline "the description of the API"
"$sam/bin/python" infra/check_openapi.py

if [[ ${1-} == --build ]]; then
  headline "sam build"
  build
fi

headline "the template is in order"
