#!/usr/bin/env bash
# Deploys mfa-rollback to AWS, changes a deployment, or removes it: see --help. Running it again changes only what
# differs.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'USAGE'
Usage: deploy.sh [--settings FILE] [--prebuilt FOLDER] [--dry-run]
       deploy.sh --remove [--settings FILE] [--dry-run]

Checks tools, rights and region, lets the account's roles sign in elsewhere, registers the two applications in Entra
(or prints what an administrator has to run), asks for what it cannot know, deploys, and looks whether all is in place.
It asks once: the answers are in FILE, and template.yaml says what each means. A first deployment deletes nothing.

  --settings FILE     where the settings are or will be (samconfig.toml)
  --prebuilt FOLDER   the archives that infra/build.sh or a release made; without it they are built, which needs Rust
  --remove            remove the stack, its archives and the applications; it names what stays
  --dry-run           read what is there, and print what would be changed
USAGE
}

fail() {
  printf 'deploy.sh: %s\n' "$*" >&2
  exit 1
}

say() {
  printf '%s\n' "$*" >&2
}

file=samconfig.toml prebuilt='' remove=false dry_run=false
while (($#)); do
  case $1 in
    --settings | --prebuilt)
      (($# > 1)) || { usage >&2 && exit 2; }
      if [[ $1 == --settings ]]; then file=$2; else prebuilt=$2; fi
      shift 2
      ;;
    --remove) remove=true && shift ;;
    --dry-run) dry_run=true && shift ;;
    -h | --help) usage && exit ;;
    *) printf 'deploy.sh: %s is not known\n\n' "$1" >&2 && usage >&2 && exit 2 ;;
  esac
done

# Runs a command that changes something, or prints it.
change() {
  if $dry_run; then
    printf '%q ' "$@"
    printf '\n'
  else
    "$@" >&2
  fi
}

# shellcheck source=infra/settings.sh
. infra/settings.sh

# --- What is there ---

checksums() {
  if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

check_tools() {
  local tool
  command -v aws >/dev/null || fail "the AWS CLI is missing: https://aws.amazon.com/cli"
  for tool in awk sed grep; do
    command -v "$tool" >/dev/null || fail "$tool is missing"
  done
  command -v sha256sum >/dev/null || command -v shasum >/dev/null || fail "sha256sum is missing"
  if ! $remove && [[ -z $prebuilt ]]; then
    command -v rustup >/dev/null ||
      fail "nothing to deploy: give --prebuilt FOLDER with the archives of a release, or install Rust to build them (https://rustup.rs)"
    command -v python3 >/dev/null || fail "python3 is missing, which builds need; --prebuilt FOLDER needs none"
  fi
  say "$(aws --version 2>&1)"
}

check_account() {
  local me role denied
  me=$(aws sts get-caller-identity --query '[Account, Arn]' --output text) || fail "not signed in to AWS: aws configure, or aws sso login, then this again"
  account=${me%%$'\t'*} me=${me##*$'\t'}
  partition=$(cut -d : -f 2 <<<"$me")
  say "account $account, region $region, as $me"
  case $me in
    *:root) return ;;
    *:assumed-role/*)
      role=${me#*:assumed-role/}
      me=$(aws iam get-role --role-name "${role%%/*}" --query Role.Arn --output text) || me=''
      ;;
  esac
  if [[ -z $me ]] || ! denied=$(aws iam simulate-principal-policy --policy-source-arn "$me" --output text \
    --query "EvaluationResults[?EvalDecision!='allowed'].EvalActionName" --action-names cloudformation:CreateChangeSet \
    iam:CreateRole iam:CreatePolicy iam:PassRole lambda:CreateFunction sqs:CreateQueue dynamodb:CreateTable \
    dynamodb:PutResourcePolicy sns:CreateTopic apigateway:POST logs:CreateLogGroup cloudwatch:PutMetricAlarm \
    cloudwatch:PutDashboard scheduler:CreateSchedule codedeploy:CreateApplication appconfig:CreateApplication s3:CreateBucket); then
    say "whether you may deploy cannot be read; the deployment will show it"
  elif [[ -n $denied ]]; then
    fail "you may not $denied; ask for rights to deploy, as those of AdministratorAccess"
  fi
}

# Nothing where there is no stack.
stack_status() {
  local status
  if status=$(aws cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].StackStatus' --output text 2>&1); then
    printf '%s\n' "$status"
  elif [[ $status != *"does not exist"* ]]; then
    fail "region $region: $status"
  fi
}

# What the account has already, and what a stack that comes back finds.
look_around() {
  local log_role
  if ! known CreateApiLogRole; then
    log_role=$(aws apigateway get-account --query cloudwatchRoleArn --output text)
    [[ -n $log_role && $log_role != None ]] || settle CreateApiLogRole true
  fi
  if [[ -z $(stack_status) ]] && ! known ExistingLedger &&
    aws dynamodb describe-table --table-name "$stack-ledger" >/dev/null 2>&1; then
    say "the ledger $stack-ledger is still there: this deployment goes on with it"
    settle ExistingLedger true
  fi
}

# The issuer of the account's tokens; enables them, which is once for all of an account.
enable_federation() {
  issuer=''
  [[ $(value GraphCredential || echo federated) == federated ]] || return 0
  local read=(aws iam get-outbound-web-identity-federation-info --query IssuerIdentifier --output text)
  if ! issuer=$("${read[@]}" 2>&1); then
    [[ $issuer != *"nvalid choice"* ]] || fail "this AWS CLI is too old, it does not know outbound web identity federation: https://aws.amazon.com/cli"
    say "the account's roles cannot sign in elsewhere yet: enabling it"
    change aws iam enable-outbound-web-identity-federation
    issuer=https://ISSUER
    $dry_run || issuer=$("${read[@]}")
  fi
}

# One registration for each function: that of poll may only read, and drain's is given the right to delete later.
register_applications() {
  local function parameter name arguments printed=false id
  for function in poll drain; do
    parameter=AzureClientId name=$stack
    [[ $function == poll ]] || { parameter=AzureWriterClientId name=$stack-writer; }
    known "$parameter" && continue
    arguments=(--name "$name")
    [[ -z $issuer ]] || arguments+=(--issuer "$issuer" --subject "arn:$partition:iam::$account:role/$stack-$function")
    if [[ -z $issuer && $function == drain ]]; then
      settle AzureWriterClientId ''
    elif az account show >/dev/null 2>&1; then
      if $dry_run; then
        bash infra/entra/app-registration.sh "${arguments[@]}" --dry-run
        settle "$parameter" 00000000-0000-0000-0000-000000000000
      else
        id=$(bash infra/entra/app-registration.sh "${arguments[@]}")
        settle "$parameter" "$(sed -n 's/^AZURE_CLIENT_ID=//p' <<<"$id")"
      fi
    else
      $printed || say "An administrator of the tenant has to run this, signed in with az login --allow-no-subscriptions:"
      printed=true
      printf 'bash infra/entra/app-registration.sh' >&2
      printf ' %q' "${arguments[@]}" >&2
      printf '\n' >&2
      ! $dry_run || settle "$parameter" 00000000-0000-0000-0000-000000000000
    fi
  done
  local guid='^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
  ask AzureClientId "The client id that the command printed for $stack" '' "$guid"
  ask AzureWriterClientId "The client id that the command printed for $stack-writer" '' "$guid"
}

ask_the_rest() {
  local guid='^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' arns='^$|^arn:[a-z0-9-]+:iam::[0-9]{12}:[^ ]+$'
  local time='^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$'
  ask AzureTenantId "The tenant's id" "$(az account show --query tenantId --output tsv 2>/dev/null || true)" "$guid"
  ask PreviewEnabledAt "When the preview was enabled, as 2026-02-01T00:00:00Z" '' "$time"
  ask PreviewDisabledAt "When it was disabled" '' "$time"
  in_order
  if ! known ExcludedUserIds && ! known NoExclusions; then
    ask ExcludedGroupId "The group of your break-glass accounts, by its object id; none yet, if you leave it empty" '' "^\$|$guid"
  fi
  ask NotificationEmail "Who is told when something is wrong, by mail" '' '^[^@ ]+@[^@ ]+[.][^@ ]+$'
  ask ApiReleaserArns "Who may release held users and the brake, by the ARNs of their roles; nobody, if you leave it empty" '' "$arns"
  ask ApiCallerArns "Who may call the API besides; whoever IAM lets, if you leave it empty" '' "$arns"
  settle Mode report
}

# Whether the window ends after it begins, where both are written so that they can be compared.
in_order() {
  local from to whole='^[0-9T:-]+Z$'
  from=$(value PreviewEnabledAt) to=$(value PreviewDisabledAt)
  [[ ! $from =~ $whole || ! $to =~ $whole || ! $from > $to ]] ||
    fail "PreviewDisabledAt ($to) is before PreviewEnabledAt ($from)"
}

# --- Deploying ---

build_archives() {
  folder=dist
  change bash infra/build.sh --architecture "$(value Architecture)"
  if $dry_run && [[ ! -e $folder/SHA256SUMS ]]; then
    say "then the stack $stack would be deployed with what was built"
    exit
  fi
  check_archives
}

check_archives() {
  [[ -e $folder/SHA256SUMS ]] || fail "$folder has no SHA256SUMS: it is not what infra/build.sh makes"
  (cd "$folder" && checksums --check --status SHA256SUMS) || fail "$folder is damaged: its files are not those of SHA256SUMS"
  [[ -e $folder/drain-$(value Architecture).zip ]] || fail "$folder has nothing for $(value Architecture): set Architecture in $file"
  prefix=$stack/$(checksums <"$folder/SHA256SUMS" | cut -c 1-12)/
}

# The value of every parameter: what the file has, or the template's default, so that a line that was taken out counts.
wanted() {
  awk '
    /^Parameters:/ { on = 1; next }
    /^[A-Z]/ { on = 0 }
    on && /^  [A-Za-z0-9]+:$/ { name = $1; sub(/:/, "", name) }
    on && /^    Default:/ { sub(/^    Default: */, ""); gsub(/^["\047]|["\047]$/, ""); print name "=" $0 }
  ' "$folder/template.yaml" | while IFS= read -r line; do
    known "${line%%=*}" || printf '%s\n' "$line"
  done
  sed '/^$/d' <<<"$given"
  printf 'CodeBucket=%s\nCodePrefix=%s\n' "$bucket" "$prefix"
}

upload() {
  local archive
  if ! aws s3api head-bucket --bucket "$bucket" >/dev/null 2>&1; then
    if [[ $region == us-east-1 ]]; then
      change aws s3api create-bucket --bucket "$bucket"
    else
      change aws s3api create-bucket --bucket "$bucket" --create-bucket-configuration "LocationConstraint=$region"
    fi
    change aws s3api put-public-access-block --bucket "$bucket" --public-access-block-configuration \
      BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
  fi
  for archive in poll drain; do
    archive+=-$(value Architecture).zip
    change aws s3 cp --only-show-errors "$folder/$archive" "s3://$bucket/$prefix$archive"
  done
}

deploy() {
  local status want=() line now
  status=$(stack_status)
  [[ $status != ROLLBACK_COMPLETE && $status != ROLLBACK_FAILED ]] ||
    fail "an earlier attempt failed: aws cloudformation delete-stack --stack-name $stack, then this again"
  while IFS= read -r line; do want+=("$line"); done < <(wanted)
  if [[ $status == CREATE_COMPLETE || $status == UPDATE_COMPLETE ]]; then
    now=$(aws cloudformation describe-stacks --stack-name "$stack" --output text \
      --query "Stacks[0].Parameters[].[join('=', [ParameterKey, ParameterValue])]" | sort)
    if [[ $now == "$(printf '%s\n' "${want[@]}" | sort)" ]]; then
      say "the stack $stack is as it should be: nothing to change"
      return
    fi
  fi
  upload
  change aws cloudformation deploy --stack-name "$stack" --template-file "$folder/template.yaml" --s3-bucket "$bucket" \
    --s3-prefix "$stack" --capabilities CAPABILITY_NAMED_IAM --no-fail-on-empty-changeset --tags Project=mfa-rollback \
    --parameter-overrides "${want[@]}"
}

output() {
  aws cloudformation describe-stacks --stack-name "$stack" --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue" --output text
}

# Whether all is in place, asked of poll itself.
doctor() {
  local question answer checks topic pending
  question=$(mktemp) answer=$(mktemp)
  printf '{"httpMethod":"GET","resource":"/doctor","path":"/doctor"}' >"$question"
  aws lambda invoke --function-name "$stack-poll:live" --payload "fileb://$question" "$answer" >/dev/null ||
    fail "poll does not answer; its log says why: $(output FollowPollCommand) --region $region"
  checks=$(sed 's/\\"/"/g' "$answer" | awk '{ gsub(/\},\{/, "}\n{"); print }' |
    sed -n 's/.*"what":"\([^"]*\)","result":"\([^"]*\)","detail":"\([^"]*\)".*/\2: \1: \3/p')
  rm -f "$question" "$answer"
  [[ -n $checks ]] || fail "poll does not say whether all is in place; its log says why: $(output FollowPollCommand) --region $region"
  printf '%s\n' "$checks"
  topic=$(output NotificationTopicArn)
  pending=$(aws sns list-subscriptions-by-topic --topic-arn "$topic" --output text \
    --query "Subscriptions[?SubscriptionArn=='PendingConfirmation'].Endpoint")
  [[ -z $pending ]] || say "AWS has sent a mail to $pending: confirm it, or nobody is told when something is wrong"
  ! grep -q '^missing: ' <<<"$checks" || fail "deployed, but something is missing: see above, then this again"
  say "deployed, at STACK=$(output ApiUrl); docs/deploy.md, \"Report, canary, enforce\", is next"
}

wait_until_gone() {
  local status
  while true; do
    status=$(stack_status)
    [[ -n $status ]] || return 0
    [[ $status != DELETE_FAILED ]] || fail "the stack $stack cannot be deleted: its events in CloudFormation say why"
    sleep 2
  done
}

# Takes a registration away, and its id out of the settings: a later deployment makes another.
remove_application() {
  local parameter=$1 name=$2 said
  if ! az account show >/dev/null 2>&1; then
    say "an administrator of the tenant has to run: bash infra/entra/app-registration.sh --remove --name $name"
    [[ -z $(value "$parameter" || true) ]] || say "then take $parameter out of $file"
  elif $dry_run; then
    bash infra/entra/app-registration.sh --remove --name "$name" --dry-run
  else
    said=$(bash infra/entra/app-registration.sh --remove --name "$name" 2>&1) || fail "$said"
    say "$said"
    [[ $said != *"($(value "$parameter" || true))"* ]] || forget "$parameter"
  fi
}

remove_archives() {
  aws s3api head-bucket --bucket "$bucket" >/dev/null 2>&1 || return 0
  change aws s3 rm --recursive --only-show-errors "s3://$bucket/$stack/"
  if [[ -n $(aws s3 ls "s3://$bucket" | grep -v " PRE $stack/\$" || true) ]]; then
    others="- the bucket $bucket, with what is not this stack's"
  else
    change aws s3api delete-bucket --bucket "$bucket"
  fi
}

say_what_stays() {
  local group log_role
  say "What stays, because it may be needed:"
  ! aws dynamodb describe-table --table-name "$stack-ledger" >/dev/null 2>&1 ||
    say "- the ledger $stack-ledger, which keeps anybody from being rolled back twice (docs/deploy.md, \"Removing\")"
  for group in lambda apigateway; do
    aws logs describe-log-groups --log-group-name-prefix "/aws/$group/$stack-" --query 'logGroups[].[logGroupName]' --output text |
      sed 's/^/- the log /' >&2
  done
  [[ -z $others ]] || say "$others"
  log_role=$(aws apigateway get-account --query cloudwatchRoleArn --output text)
  [[ $log_role != *ApiLogRole* ]] || say "- the role in which API Gateway writes logs, which other APIs may use by now: $log_role"
  say "- that the account's roles may sign in elsewhere (aws iam disable-outbound-web-identity-federation)"
  [[ ! -e $file ]] || say "- $file"
}

remove_all() {
  others=''
  if [[ -n $(stack_status) ]]; then
    change aws cloudformation delete-stack --stack-name "$stack"
    $dry_run || wait_until_gone
  else
    say "there is no stack $stack"
  fi
  remove_archives
  remove_application AzureClientId "$stack"
  remove_application AzureWriterClientId "$stack-writer"
  # The role stays: a later deployment finds it.
  $dry_run || forget CreateApiLogRole
  say_what_stays
}

check_tools
ask_for_place
check_account
bucket=mfa-rollback-code-$account-$region prefix=PREFIX/
if $remove; then
  remove_all
  exit
fi
look_around
settle Architecture arm64
if [[ -n $prebuilt ]]; then
  folder=$prebuilt
  check_archives
fi
ask_the_rest
write_settings
enable_federation
register_applications
write_settings
[[ -n $prebuilt ]] || build_archives
deploy
$dry_run || doctor
