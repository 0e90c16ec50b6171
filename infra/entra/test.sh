#!/usr/bin/env bash
# Tests app-registration.sh against a tenant of files behind a fake `az`, and main.tf by its text.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TENANT=$work/tenant CALLS=$work/calls PAUSE_SECONDS=0
export PATH=$work/bin:$PATH

readonly issuer=https://11111111-2222.tokens.sts.global.api.aws
readonly poll=arn:aws:iam::123456789012:role/contoso-poll drain=arn:aws:iam::123456789012:role/contoso-drain

mkdir "$work/bin"
cp "$here/fake-az.sh" "$work/bin/az"
chmod +x "$work/bin/az"

# An empty tenant whose Graph offers a few permissions more than are asked for.
new_tenant() {
  rm -rf "$TENANT"
  mkdir "$TENANT"
  (cd "$TENANT" && touch apps principals declared granted trusted failures)
  local permission
  : >"$TENANT/roles"
  for permission in User.Read.All Member.Read.Hidden; do
    printf '%s\tid-of-%s\n' "$permission" "$permission" >>"$TENANT/roles"
  done
  for permission in $(needed); do printf '%s\tid-of-%s\n' "$permission" "$permission"; done >>"$TENANT/roles"
}

# What the program itself says that it needs.
needed() {
  sed -n '/^pub const NEEDED/,/^];/p' "$here/../../shared/src/preflight.rs" |
    sed -n 's/^ *permission: "\(.*\)",$/\1/p'
}

# Runs the script; what it wrote is in $CALLS, what it printed in $work/out and $work/err.
register() {
  : >"$CALLS"
  bash "$here/app-registration.sh" "$@" >"$work/out" 2>"$work/err"
}

test_name=''
begin() { test_name=$1; }
die() {
  printf 'FAILED: %s: %s\n' "$test_name" "$*" >&2
  printf -- '--- %s\n' out "$(cat "$work/out")" err "$(cat "$work/err")" calls "$(cat "$CALLS")" >&2
  exit 1
}
calls_are() { [[ $(wc -l <"$CALLS") -eq $1 ]] || die "expected $1 changes"; }
called() { grep -qF -- "$1" "$CALLS" || die "expected a call with $1"; }
granted_are() {
  local expected=''
  (($# == 0)) || expected=$(printf 'id-of-%s\n' "$@" | sort)
  [[ $(cut -f 1 "$TENANT/granted" | sort) == "$expected" ]] || die "expected grants: $*"
}
refuses() {
  local status=$1
  shift
  local code=0
  register "$@" || code=$?
  [[ $code -eq $status ]] || die "expected exit code $status, not $code: $*"
  calls_are 0
}

mapfile -t reader < <(needed | grep -v ReadWrite)
mapfile -t writer < <(needed)
((${#writer[@]} == 7 && ${#reader[@]} == 6)) || die "preflight.rs no longer reads as this test expects"

begin "a reader is made with what the program needs, and no more"
new_tenant
register --issuer "$issuer" --subject "$poll" --subject "$drain"
granted_are "${reader[@]}"
[[ $(sort "$TENANT/declared") == "$(printf 'id-of-%s\n' "${reader[@]}" | sort)" ]] || die "declared something else"
called "--display-name mfa-rollback --sign-in-audience AzureADMyOrg"
called "{\"name\":\"123456789012-contoso-poll\",\"issuer\":\"$issuer\",\"subject\":\"$poll\",\"audiences\":[\"api://AzureADTokenExchange\"]}"
called "\"subject\":\"$drain\""
called "https://graph.microsoft.com/v1.0/servicePrincipals/principal-1/appRoleAssignments"
grep -qx AZURE_CLIENT_ID=app-1 "$work/out" || die "no client id"
grep -qx AZURE_TENANT_ID=99999999-0000-0000-0000-000000000000 "$work/out" || die "no tenant id"

begin "a second run changes nothing and prints the same"
cp "$work/out" "$work/before"
register --issuer "$issuer" --subject "$poll" --subject "$drain"
calls_are 0
cmp -s "$work/out" "$work/before" || die "another answer"

begin "--writer adds one permission, and leaving it out takes it away"
register --writer
granted_are "${writer[@]}"
calls_are 2
register
granted_are "${reader[@]}"
called "--method DELETE --url https://graph.microsoft.com/v1.0/servicePrincipals/principal-1/appRoleAssignments/assignment-id-of-UserAuthenticationMethod.ReadWrite.All"
calls_are 2

begin "--hidden-members adds another one, and leaving it out takes it away"
register --hidden-members
granted_are "${reader[@]}" Member.Read.Hidden
calls_are 2
register
granted_are "${reader[@]}"
calls_are 2

begin "another issuer changes the credential that is there"
register --issuer "$issuer/new" --subject "$poll"
calls_are 1
called "federated-credential update --id app-1 --federated-credential-id 123456789012-contoso-poll"
[[ $(wc -l <"$TENANT/trusted") -eq 2 ]] || die "expected two credentials"

begin "--remove removes everything, once"
register --remove
calls_are 2
called "ad sp delete --id principal-1"
called "ad app delete --id app-1"
register --remove
calls_are 0

begin "--dry-run prints the commands and changes nothing"
new_tenant
register --writer --issuer "$issuer" --subject "$poll" --dry-run
calls_are 0
[[ $(grep -c '^az ' "$work/out") -eq $((3 + 7 + 1)) ]] || die "expected eleven commands"
grep -q '^az ad app create' "$work/out" || die "no registration"
grep -q 'id-of-UserAuthenticationMethod.ReadWrite.All' "$work/out" || die "no permission to delete"
register && register --remove --dry-run
calls_are 0
grep -q '^az ad app delete --id app-1' "$work/out" || die "no removal"

begin "what Entra does not show yet is tried again"
new_tenant
printf 'fails\nfails\n' >"$TENANT/failures"
register
granted_are "${reader[@]}"

begin "what goes on failing ends the run"
new_tenant
seq 100 >"$TENANT/failures"
! register || die "expected a failure"
granted_are

begin "a permission that Graph does not offer is named before anything is made"
new_tenant
sed -i /PrivilegedEligibilitySchedule/d "$TENANT/roles"
refuses 1
grep -q PrivilegedEligibilitySchedule.Read.AzureADGroup "$work/err" || die "not named"

begin "what is not clear is refused"
new_tenant
refuses 2 --subject "$poll"
refuses 2 --issuer "$issuer"
refuses 2 --issuer http://plain.example --subject "$poll"
refuses 2 --issuer "$issuer" --subject 'arn:aws:iam::123456789012:user/somebody'
refuses 2 --name "it's mine"
refuses 2 --name
refuses 2 --whatever
refuses 1 --tenant 00000000-0000-0000-0000-000000000000
printf 'app-1\napp-2\n' >"$TENANT/apps"
refuses 1
refuses 1 --remove
new_tenant
touch "$TENANT/offline"
refuses 1

begin "main.tf asks for the same permissions"
[[ $(grep -oE '"[A-Za-z]+\.Read(Write)?\.[A-Za-z]+"' "$here/main.tf" | tr -d '"' | grep -v '^Member' | sort) == "$(needed | sort)" ]] ||
  die "main.tf differs from preflight.rs"

echo "all tests of app-registration.sh passed"
