#!/usr/bin/env bash
# Tests deploy.sh and the packaged template on doubles: ministack for AWS, a tenant of files for Entra. The functions'
# archives are empty: functions/tests/deployed.rs has the functions do their work on such a stack.
#   bash infra/test-deploy.sh
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=infra/tools.sh
. infra/tools.sh

work=$(mktemp -d)
double=''
trap '[[ -z $double ]] || kill "$double" 2>/dev/null; rm -rf "$work"' EXIT
doubles=$(doubles)
aws=$(environment aws)
sam=$(environment sam)

export STATE=$work/state TENANT=$work/tenant CALLS=$work/calls PAUSE_SECONDS=0 REAL_AWS=$aws/bin/aws
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_EC2_METADATA_DISABLED=true AWS_PAGER=''
unset AWS_PROFILE AWS_REGION AWS_DEFAULT_REGION AWS_SESSION_TOKEN
mkdir "$work/bin" "$STATE" "$TENANT" "$work/dist"

# --- The doubles ---

# ministack has no outbound federation and no sandbox for these programs, and confirms every mail address: those answers
# are the test's. What changes something is written down.
cat >"$work/bin/aws" <<'AWS'
#!/usr/bin/env bash
set -euo pipefail
case "$*" in
  "--version") echo "aws-cli, behind the test's own" && exit ;;
  *" create-"* | *" put-"* | *" delete-"* | *" enable-"* | *" rm "* | *" cp "* | "cloudformation deploy"*) printf 'aws %s\n' "$*" >>"$CALLS" ;;
esac
case "$*" in
  "sts get-caller-identity"*)
    if [[ -e $STATE/rights ]]; then printf '000000000000\tarn:aws:sts::000000000000:assumed-role/deployers/adele\n'; else exec "$REAL_AWS" "$@"; fi
    ;;
  "iam get-role --role-name deployers"*) echo arn:aws:iam::000000000000:role/deployers ;;
  "iam simulate-principal-policy"*) cat "$STATE/rights" ;;
  "iam get-outbound-web-identity-federation-info"*) cat "$STATE/issuer" 2>/dev/null ;;
  "iam enable-outbound-web-identity-federation"*) echo https://11111111-2222.tokens.sts.global.api.aws >"$STATE/issuer" ;;
  "sns list-subscriptions-by-topic"*) echo team@contoso.example ;;
  "lambda invoke"*)
    cp "$STATE/doctor" "${*: -1}"
    ;;
  *) exec "$REAL_AWS" "$@" ;;
esac
AWS
# The fake tenant has one registration, so each of the two has a tenant of its own. Each run names it first.
cat >"$work/bin/az" <<'AZ'
#!/usr/bin/env bash
set -euo pipefail
name=$(sed -n "s/.*displayName eq '\(.*\)'.*/\1/p" <<<"$*")
[[ -z $name ]] || printf '%s' "$name" >"$STATE/name"
name=$(cat "$STATE/name" 2>/dev/null || echo nobody)
[[ -e $TENANT/$name ]] || cp -r "$TENANT/new" "$TENANT/$name"
export APP_ID=11111111-1111-1111-1111-$(cksum <<<"$name" | cut -c 1-8)0000 TENANT=$TENANT/$name
exec bash infra/entra/fake-az.sh "$@"
AZ
chmod +x "$work/bin/aws" "$work/bin/az"
export PATH=$work/bin:$PATH
mkdir "$TENANT/new"
(cd "$TENANT/new" && touch apps principals declared granted trusted failures)
sed -n '/^pub const NEEDED/,/^];/p' shared/src/preflight.rs | sed -n 's/^ *permission: "\(.*\)",$/\1\tid-of-\1/p' >"$TENANT/new/roles"
printf '{"statusCode":200,"body":"[{\\"what\\":\\"ledger\\",\\"result\\":\\"ok\\",\\"detail\\":\\"there\\"},{\\"what\\":\\"sign-in\\",\\"result\\":\\"ok\\",\\"detail\\":\\"well\\"}]"}' >"$STATE/doctor"

start_ministack() {
  local port _
  for _ in 1 2 3; do
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    (cd "$work" && exec env -i HOME="$work" TMPDIR="$work" GATEWAY_PORT="$port" MINISTACK_HOST=127.0.0.1 BIND_HOST=127.0.0.1 \
      IOT_MTLS_ENABLED=0 SFTP_ENABLED=0 LOG_LEVEL=ERROR "$doubles/bin/ministack" >"$work/ministack.log" 2>&1) &
    double=$!
    export AWS_ENDPOINT_URL=http://127.0.0.1:$port
    for _ in {1..100}; do
      if "$doubles/bin/python" -c "import urllib.request; urllib.request.urlopen('$AWS_ENDPOINT_URL')" 2>/dev/null; then return; fi
      kill -0 "$double" 2>/dev/null || break
      sleep 0.1
    done
    kill "$double" 2>/dev/null || true
  done
  fail "ministack does not start: $(cat "$work/ministack.log")"
}

# What infra/build.sh makes, but for the programs; and without what ministack does not have.
make_archives() {
  local function architecture
  for architecture in x86_64 arm64; do
    for function in poll drain; do
      printf '%s %s %s\n' "$function" "$architecture" "$1" >"$work/program"
      python3 -m zipfile -c "$work/dist/$function-$architecture.zip" "$work/program"
    done
  done
  python3 infra/package.py "$work/packaged.yaml"
  "$sam/bin/python" infra/strip_for_double.py "$work/packaged.yaml" "$work/dist/template.yaml"
  (cd "$work/dist" && rm -f SHA256SUMS && sha256sum -- * >SHA256SUMS)
}

# --- What is looked at ---

begun=$SECONDS test_name='the doubles'
trap 'printf "FAILED: %s: line %d\n" "$test_name" "$LINENO" >&2' ERR
begin() { test_name=$1; }
die() {
  printf 'FAILED: %s: %s\n' "$test_name" "$*" >&2
  printf -- '--- %s\n' out "$(cat "$work/out")" err "$(cat "$work/err")" calls "$(cat "$CALLS")" >&2
  exit 1
}
# Runs deploy.sh with the answers $1, and any options.
run() {
  local answers=$1
  shift
  : >"$CALLS"
  printf '%s' "$answers" | bash infra/deploy.sh --settings "$work/settings.toml" "$@" >"$work/out" 2>"$work/err"
}
deploys() { run "$@" || die "exit code $?"; }
refuses() {
  local said=$1 status=0
  shift
  run "$@" || status=$?
  [[ $status -eq 1 ]] || die "exit code $status"
  grep -qF -- "$said" "$work/err" || die "expected: $said"
}
says() { grep -qF -- "$1" "$work/out" "$work/err" || die "expected: $1"; }
changes_are() { [[ $(wc -l <"$CALLS") -eq $1 ]] || die "expected $1 changes"; }
stack_is() {
  local got
  got=$("$REAL_AWS" cloudformation describe-stacks --stack-name mfa-rollback --query 'Stacks[0].StackStatus' --output text 2>/dev/null || echo GONE)
  [[ $got == "$1" ]] || die "the stack is $got, not $1"
}
resource() {
  "$REAL_AWS" cloudformation list-stack-resources --stack-name mfa-rollback --output text \
    --query "StackResourceSummaries[?ResourceType=='$1'].LogicalResourceId"
}
live() { "$REAL_AWS" lambda get-alias --function-name mfa-rollback-drain --name live --query FunctionVersion --output text; }
setting() { "$REAL_AWS" lambda get-function-configuration --function-name mfa-rollback-drain:live --query "Environment.Variables.$1" --output text; }
set_parameter() {
  sed -i "/^    \"$1=/d" "$work/settings.toml"
  [[ $# -eq 1 ]] || sed -i "/^parameter_overrides/a\\    \"$1=$2\"," "$work/settings.toml"
}

make_archives first
start_ministack
export AWS_DEFAULT_REGION=eu-west-1
releaser=arn:aws:iam::000000000000:role/releasers
place=$'mfa-rollback\neu-west-1\n'
answers=$'99999999-0000-0000-0000-000000000000\n2026-02-01T00:00:00Z\n2026-03-01T00:00:00Z\n11111111-1111-1111-1111-111111111111\nteam@contoso.example\n'$releaser$'\n\n'
mapfile -t dist < <(printf '%s\n' --prebuilt "$work/dist")

begin "rights that are missing are named before anything is changed"
printf 'iam:CreateRole' >"$STATE/rights"
refuses "you may not iam:CreateRole" "$place" "${dist[@]}"
changes_are 0
: >"$STATE/rights"

begin "archives that are not there are missed before anything is asked"
refuses "$work has no SHA256SUMS" "$place" --prebuilt "$work"
changes_are 0

begin "a window that ends before it begins is refused"
refuses "is before PreviewEnabledAt" "$place"$'\n2026-03-01T00:00:00Z\n2026-02-01T00:00:00Z\n' "${dist[@]}"
changes_are 0

begin "a dry run prints everything and changes nothing"
deploys "$place$answers" "${dist[@]}" --dry-run
changes_are 0
stack_is GONE
says "aws iam enable-outbound-web-identity-federation"
says "az ad app create --display-name mfa-rollback "
says "az ad app create --display-name mfa-rollback-writer"
says "aws cloudformation deploy --stack-name mfa-rollback"
[[ ! -e $work/settings.toml ]] || die "it wrote settings"

begin "an answer that is missing is asked for, and nothing is deployed without it"
refuses "PreviewEnabledAt is missing" "$place"$'\n' "${dist[@]}"
changes_are 0
stack_is GONE

begin "a fresh account is deployed with one command"
deploys "$place$answers" "${dist[@]}"
stack_is CREATE_COMPLETE
says "ok: sign-in: well"
says "confirm it, or nobody is told"
says "deployed, at STACK=http"
grep -q '"CreateApiLogRole=true",' "$work/settings.toml" || die "a fresh account has no role for API Gateway's logs"
grep -q "\"ApiReleaserArns=$releaser\"," "$work/settings.toml" || die "the releaser is not on record"
[[ $(cut -f 3 "$TENANT/mfa-rollback/trusted") == *:role/mfa-rollback-poll ]] || die "the first registration trusts another than poll"
[[ $(cut -f 3 "$TENANT/mfa-rollback-writer/trusted") == *:role/mfa-rollback-drain ]] || die "the second trusts another than drain"
! grep -q ReadWrite.All "$TENANT"/*/granted || die "somebody may delete already"
[[ $(setting MODE) == report ]] || die "it is not in mode report"
[[ -n $(resource AWS::ApiGateway::Account) ]] || die "CreateApiLogRole made no role"

begin "run again it asks nothing and changes nothing"
deploys '' "${dist[@]}"
changes_are 0
says "nothing to change"

begin "who may call the API changes with the list, and no function does"
before=$(resource AWS::ApiGateway::Deployment) version=$(live)
set_parameter ApiCallerArns arn:aws:iam::000000000000:role/operators
deploys '' "${dist[@]}"
stack_is UPDATE_COMPLETE
[[ $(resource AWS::ApiGateway::Deployment) != "$before" ]] || die "the API is not deployed anew"
[[ $(live) == "$version" ]] || die "a version of drain was made for nothing"

begin "a changed setting goes live"
set_parameter Mode canary
set_parameter CanaryGroupId 11111111-1111-1111-1111-111111111111
set_parameter GraphReportsPer10Seconds 4
deploys '' "${dist[@]}"
[[ $(live) != "$version" && $(setting MODE) == canary ]] || die "drain still runs as $(setting MODE), version $(live)"
[[ $(setting GRAPH_REPORTS_PER_10_SECONDS) == 4 ]] || die "a setting is not put in force"

begin "other archives go live, under a key of one's own, and a setting that is taken out is the default again"
version=$(live)
make_archives second
set_parameter CanaryGroupId
set_parameter Mode report
set_parameter KmsKeyArn arn:aws:kms:eu-west-1:000000000000:key/11111111-1111-1111-1111-111111111111
set_parameter BreakGlassArns arn:aws:iam::000000000000:role/emergency
deploys '' "${dist[@]}"
[[ $(live) != "$version" ]] || die "the old version is live"
[[ $(setting MODE) == report && $(setting CANARY_GROUP_ID) == '' ]] || die "an old setting stays"

begin "damaged archives are refused"
printf x >>"$work/dist/poll-arm64.zip"
refuses "is damaged" '' "${dist[@]}"
changes_are 0
make_archives second

begin "removing names what stays"
deploys '' --remove --dry-run
changes_are 0
deploys '' --remove
stack_is GONE
says "the ledger mfa-rollback-ledger"
says "the log /aws/lambda/mfa-rollback-"
"$REAL_AWS" dynamodb describe-table --table-name mfa-rollback-ledger >/dev/null || die "the ledger is gone"
! "$REAL_AWS" s3 ls 2>/dev/null | grep -q mfa-rollback-code || die "the archives are still there"

says "the role in which API Gateway writes logs"
grep -q '"ApiReleaserArns=' "$work/settings.toml" || die "the answers are gone"
! grep -q -e AzureClientId= -e AzureWriterClientId= "$work/settings.toml" || die "the settings name registrations that are gone"

begin "what was removed comes back with the same settings, and registrations and ledger of its own"
deploys '' "${dist[@]}"
stack_is CREATE_COMPLETE
says "registered mfa-rollback-writer"
grep -q '"ExistingLedger=true",' "$work/settings.toml" || die "the ledger was overlooked"
! grep -q CreateApiLogRole=true "$work/settings.toml" || die "a second role for API Gateway's logs"
deploys '' --remove

begin "an administrator registers where az is missing; a dry run does not wait for it"
rm "$work/settings.toml" "$work/bin/az"
deploys "$place$answers" "${dist[@]}" --dry-run
changes_are 0
id=11111111-1111-1111-1111-111111111111
deploys "$place$answers$id"$'\n'"$id"$'\n' "${dist[@]}"
says "app-registration.sh --name mfa-rollback-writer --issuer https://11111111-2222.tokens.sts.global.api.aws --subject arn:aws:iam::000000000000:role/mfa-rollback-drain"
stack_is CREATE_COMPLETE
[[ -z $(resource AWS::DynamoDB::Table) ]] || die "a second ledger"

printf 'deploy.sh: 14 cases in %d s\n' $((SECONDS - begun))
