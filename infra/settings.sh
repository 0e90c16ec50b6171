# The settings of a deployment: what a file has, then answers. Sourced by deploy.sh, with `file` as the file's name.
# shellcheck shell=bash disable=SC2154

given=$([[ ! -e $file ]] || sed -n 's/^ *"\([A-Za-z0-9]*=.*\)",\{0,1\} *$/\1/p' "$file")
answers=''

# A parameter's value; fails where nobody has given one.
value() { grep -m 1 "^$1=" <<<"$given"$'\n'"$answers" | cut -d = -f 2-; }

known() { grep -q "^$1=" <<<"$given"$'\n'"$answers"; }

settle() { known "$1" || answers+="$1=$2"$'\n'; }

# Asks for the parameter $1, until the answer fits the pattern $4. An empty answer is the default $3.
ask() {
  local answer
  known "$1" && return
  while true; do
    printf '%s%s: ' "$2" "${3:+ [$3]}" >&2
    read -r answer || { printf '\n' >&2 && fail "$1 is missing: give it in $file, or answer the question"; }
    answer=${answer:-$3}
    if [[ $answer =~ $4 ]]; then break; fi
    say "That does not fit."
    [[ $1 != [A-Z]* ]] || say "$1 in template.yaml says what does."
  done
  answers+="$1=$answer"$'\n'
}

# Takes a parameter out of the file.
forget() {
  [[ -e $file ]] || return 0
  sed "/^ *\"$1=/d" "$file" >"$file.new"
  mv "$file.new" "$file"
}

# The stack's name or region.
of_file() { [[ ! -e $file ]] || sed -n "s/^ *$1 *= *\"\(.*\)\" *$/\1/p" "$file" | head -n 1; }

ask_for_place() {
  stack=$(of_file stack_name) region=$(of_file region)
  if [[ -z $stack ]]; then
    ask stack "The stack's name, of letters, digits and hyphens" mfa-rollback '^[A-Za-z][A-Za-z0-9-]{0,57}$'
    stack=$(value stack)
  fi
  if [[ -z $region ]]; then
    ask region "The region, as eu-west-1" "${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}" '^[a-z]{2}(-[a-z]+)+-[0-9]$'
    region=$(value region)
  fi
  answers=$(grep -v -e '^stack=' -e '^region=' <<<"$answers" || true)
  answers+=${answers:+$'\n'}
  export AWS_REGION=$region AWS_DEFAULT_REGION=$region
}

# Every answer goes into the file; what is there stays as it is written.
write_settings() {
  local lines
  [[ -n $answers ]] || return 0
  lines=$(sed -e '/^$/d' -e 's/.*/    "&",/' <<<"$answers")
  if $dry_run; then
    printf '# into %s:\n%s\n' "$file" "$lines"
  elif [[ -e $file ]]; then
    LINES_TO_ADD=$lines awk '{ print } /^parameter_overrides = \[/ { print ENVIRON["LINES_TO_ADD"] }' "$file" >"$file.new"
    mv "$file.new" "$file"
  else
    cat >"$file" <<SETTINGS
# The settings of a deployment; template.yaml says what each means. \`bash infra/deploy.sh\` puts a change in force.
version = 0.1

[default.global.parameters]
stack_name = "$stack"
region = "$region"
parameter_overrides = [
$lines
]

[default.build.parameters]
cached = false

[default.deploy.parameters]
resolve_s3 = true
capabilities = "CAPABILITY_NAMED_IAM"
fail_on_empty_changeset = false
SETTINGS
  fi
  given+=$'\n'$answers answers=''
}
