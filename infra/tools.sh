# What the scripts of this folder share: sourced, not run.
# shellcheck shell=bash

cache=${XDG_CACHE_HOME:-$HOME/.cache}/mfa-rollback
export PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1
export SAM_CLI_TELEMETRY=0 __SAM_CLI_APP_DIR=$cache/sam-cli

headline() {
  printf '\n--- %s\n' "$*"
}

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# Makes the virtual environment $2 with what the file $1 pins, unless it is there. One at a time makes it, and a
# half-made one is begun anew. What follows goes to pip.
virtual_environment() {
  local pins=$1 folder=$2
  shift 2
  mkdir -p "$cache"
  (
    flock 9
    if [[ ! -e $folder/complete ]]; then
      printf 'installing %s\n' "$pins" >&2
      rm -rf "$folder"
      python3 -m venv "$folder"
      "$folder/bin/python" -m pip install --quiet "$@" --requirement "$pins" >&2
      touch "$folder/complete"
    fi
  ) 9>"$folder.lock"
  printf '%s\n' "$folder"
}

# The environment of requirements-$1.txt, named after its pins and its Python.
environment() {
  local pins=infra/requirements-$1.txt key
  key=$({ cat "$pins" && python3 -VV; } | sha256sum | cut -c 1-12)
  virtual_environment "$pins" "$cache/python-$1-$key"
}

# The environment of AWS's doubles, the one that functions/tests/support/python.rs makes.
doubles() {
  local pins=functions/tests/requirements.txt
  virtual_environment "$pins" "$cache/doubles-$(sha256sum "$pins" | cut -c 1-16)" --no-deps
}

# Installs a tool of cargo in one version, and prints the folder of its program.
cargo_tool() {
  local name=$1 version=$2 root=$cache/$1-$2
  if [[ ! -x $root/bin/$name ]]; then
    cargo install --quiet --locked --root "$root" --target-dir "$root/target" "$name@$version" >&2
    rm -rf "$root/target"
  fi
  printf '%s\n' "$root/bin"
}
