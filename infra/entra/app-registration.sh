#!/usr/bin/env bash
# Makes, changes or removes the app registration in Entra, with the Azure CLI: see --help. Running it again
# changes only what differs.
set -euo pipefail

readonly graph_app=00000003-0000-0000-c000-000000000000 # Microsoft Graph, the same in every tenant
readonly audience=api://AzureADTokenExchange
readonly reading=(
  AuditLog.Read.All
  Directory.Read.All
  Policy.Read.All
  RoleManagement.Read.Directory
  PrivilegedEligibilitySchedule.Read.AzureADGroup
  UserAuthenticationMethod.Read.All
)
readonly deleting=UserAuthenticationMethod.ReadWrite.All
readonly hidden=Member.Read.Hidden

usage() {
  cat <<'USAGE'
Usage: app-registration.sh [--name NAME] [--tenant ID] [--writer] [--hidden-members]
                           [--issuer URL --subject ROLE_ARN [--subject ROLE_ARN ...]] [--dry-run]
       app-registration.sh --remove [--name NAME] [--tenant ID] [--dry-run]

Makes an app registration with the Microsoft Graph permissions that mfa-rollback needs, grants them for the
tenant, and prints what the program has to know. Sign in before: az login --allow-no-subscriptions

  --name NAME         the registration's display name (mfa-rollback)
  --tenant ID         stop unless the Azure CLI is signed in to this tenant
  --writer            the permission to delete methods, too; without it, it is taken away again. For a second
                      registration that may delete, give it another name. Only --issuer and --subject keep the
                      two apart: a certificate can be read by both functions
  --hidden-members    the permission to read groups with hidden membership, too, which only diagnose makes use of;
                      without it, it is taken away again
  --issuer URL        whose tokens Entra takes instead of a secret: this AWS account's issuer, printed by
                      aws iam get-outbound-web-identity-federation-info
  --subject ROLE_ARN  which role's: once for each function's role
  --remove            remove the registration, and with it all that it was granted
  --dry-run           read what is there, and print the commands that would change something
USAGE
}

fail() {
  printf 'app-registration.sh: %s\n' "$*" >&2
  exit 1
}

usage_error() {
  printf 'app-registration.sh: %s\n\n' "$*" >&2
  usage >&2
  exit 2
}

name=mfa-rollback tenant='' issuer='' writer=false hidden_members=false remove=false dry_run=false subjects=()
while (($#)); do
  case $1 in
    --name | --tenant | --issuer | --subject)
      (($# > 1)) || usage_error "$1 needs a value"
      case $1 in
        --name) name=$2 ;;
        --tenant) tenant=$2 ;;
        --issuer) issuer=$2 ;;
        --subject) subjects+=("$2") ;;
      esac
      shift 2
      ;;
    --writer) writer=true && shift ;;
    --hidden-members) hidden_members=true && shift ;;
    --remove) remove=true && shift ;;
    --dry-run) dry_run=true && shift ;;
    -h | --help) usage && exit ;;
    *) usage_error "$1 is not known" ;;
  esac
done

# What goes into queries and JSON below has no quotes in it.
[[ $name =~ ^[A-Za-z0-9][A-Za-z0-9._\ -]{0,119}$ ]] ||
  usage_error "--name must be letters, digits, blanks, dots, hyphens and underscores"
[[ -z $issuer || $issuer =~ ^https://[A-Za-z0-9./_-]+$ ]] || usage_error "--issuer must begin with https://"
for subject in ${subjects[@]+"${subjects[@]}"}; do
  [[ $subject =~ ^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$ ]] ||
    usage_error "--subject must be a role's ARN, like arn:aws:iam::123456789012:role/mfa-rollback-poll"
done
if [[ -n $issuer ]]; then
  ((${#subjects[@]})) || usage_error "--issuer needs --subject"
else
  ((${#subjects[@]} == 0)) || usage_error "--subject needs --issuer"
fi

# Prints commands where a function's output is caught.
exec 3>&1

# Runs a command that changes something, or prints it.
change() {
  if $dry_run; then
    printf '%q ' "$@" >&3
    printf '\n' >&3
  else
    "$@"
  fi
}

# The same for what depends on something just made, which Entra may not show everywhere yet.
change_patiently() {
  local attempt
  for attempt in 1 2 3 4 5; do
    change "$@" && return
    printf 'attempt %d failed; trying again\n' "$attempt" >&2
    sleep "${PAUSE_SECONDS:-10}"
  done
  change "$@"
}

say() {
  $dry_run || printf '%s\n' "$*" >&2
}

command -v az >/dev/null || fail "the Azure CLI is missing: https://aka.ms/azure-cli"
signed_in=$(az account show --query tenantId --output tsv) ||
  fail "not signed in: az login --allow-no-subscriptions"
[[ -z $tenant || $(tr A-F a-f <<<"$tenant") == "$signed_in" ]] || fail "the Azure CLI is signed in to tenant $signed_in"

app_id=$(az ad app list --filter "displayName eq '$name'" --query '[].appId' --output tsv)
[[ $app_id != *$'\n'* ]] || fail "there are several registrations named $name: choose another name"

remove() {
  if [[ -z $app_id ]]; then
    say "there is no registration named $name"
    return
  fi
  local principal
  principal=$(az ad sp list --filter "appId eq '$app_id'" --query '[].id' --output tsv)
  [[ -z $principal ]] || change az ad sp delete --id "$principal"
  change az ad app delete --id "$app_id"
  say "removed $name ($app_id); Entra can restore it for 30 days"
}

offered_id() {
  awk -F '\t' -v name="$1" '$1 == name { print $2 }' <<<"$graph_roles"
}

# A Graph permission's id by its name.
role_id() {
  local id
  id=$(offered_id "$1")
  [[ -n $id ]] || fail "Microsoft Graph offers no application permission $1 here"
  printf '%s\n' "$id"
}

read_graph() {
  local permission id
  graph_url=$(az cloud show --query endpoints.microsoftGraphResourceId --output tsv)
  graph_url=${graph_url%/}
  graph_principal=$(az ad sp show --id "$graph_app" --query id --output tsv)
  graph_roles=$(az ad sp show --id "$graph_app" --output tsv \
    --query "appRoles[?contains(allowedMemberTypes, 'Application')].[value, id]")
  role_ids=()
  for permission in "${permissions[@]}"; do
    id=$(role_id "$permission")
    role_ids+=("$id")
  done
  unwanted=''
  $writer || unwanted+=$(role_id "$deleting")$'\t'$deleting$'\n'
  $hidden_members || unwanted+=$(offered_id "$hidden")$'\t'$hidden$'\n'
}

register() {
  if [[ -z $app_id ]]; then
    app_id=$(change az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg \
      --query appId --output tsv)
    app_id=${app_id:-CLIENT_ID}
    say "registered $name"
  fi
  principal=''
  if [[ $app_id != CLIENT_ID ]]; then
    principal=$(az ad sp list --filter "appId eq '$app_id'" --query '[].id' --output tsv)
  fi
  if [[ -z $principal ]]; then
    principal=$(change_patiently az ad sp create --id "$app_id" --query id --output tsv)
    principal=${principal:-PRINCIPAL_ID}
  fi
}

# What the portal shows under API permissions. Granting is separate.
declare_permissions() {
  local declared='' wanted accesses
  if [[ $app_id != CLIENT_ID ]]; then
    declared=$(az ad app show --id "$app_id" --output tsv \
      --query "requiredResourceAccess[?resourceAppId=='$graph_app'].resourceAccess[].id" | sort)
  fi
  wanted=$(printf '%s\n' "${role_ids[@]}" | sort)
  [[ $declared != "$wanted" ]] || return 0
  accesses=$(printf '{"id":"%s","type":"Role"},' "${role_ids[@]}")
  change_patiently az ad app update --id "$app_id" --required-resource-accesses \
    "[{\"resourceAppId\":\"$graph_app\",\"resourceAccess\":[${accesses%,}]}]"
}

grant_permissions() {
  local assignments="$graph_url/v1.0/servicePrincipals/$principal/appRoleAssignments" granted='' role assignment taken i
  if [[ $principal != PRINCIPAL_ID ]]; then
    granted=$(az rest --method GET --url "$assignments" --output tsv \
      --query "value[?resourceId=='$graph_principal'].[appRoleId, id]")
  fi
  for i in "${!role_ids[@]}"; do
    [[ $'\n'$granted != *$'\n'"${role_ids[i]}"$'\t'* ]] || continue
    change_patiently az rest --method POST --url "$assignments" --headers Content-Type=application/json \
      --body "{\"principalId\":\"$principal\",\"resourceId\":\"$graph_principal\",\"appRoleId\":\"${role_ids[i]}\"}" \
      --output none
    say "granted ${permissions[i]}"
  done
  while IFS=$'\t' read -r role assignment; do
    taken=$(awk -F '\t' -v id="$role" 'id != "" && $1 == id { print $2 }' <<<"$unwanted")
    [[ -n $taken ]] || continue
    change az rest --method DELETE --url "$assignments/$assignment"
    say "took $taken away"
  done <<<"$granted"
}

# One federated credential for each role, named after account and role.
trust_roles() {
  local subject credential trusted='' parameters
  if [[ $app_id != CLIENT_ID ]]; then
    trusted=$(az ad app federated-credential list --id "$app_id" --output tsv --query '[].[name, issuer, subject]')
  fi
  for subject in ${subjects[@]+"${subjects[@]}"}; do
    credential=$(cut -d : -f 5 <<<"$subject")-${subject##*/}
    credential=${credential//[^A-Za-z0-9_-]/-}
    [[ $'\n'$trusted$'\n' != *$'\n'"$credential"$'\t'"$issuer"$'\t'"$subject"$'\n'* ]] || continue
    parameters="\"issuer\":\"$issuer\",\"subject\":\"$subject\",\"audiences\":[\"$audience\"]"
    if [[ $'\n'$trusted == *$'\n'"$credential"$'\t'* ]]; then
      change az ad app federated-credential update --id "$app_id" --federated-credential-id "$credential" \
        --parameters "{$parameters}" --output none
    else
      change_patiently az ad app federated-credential create --id "$app_id" \
        --parameters "{\"name\":\"$credential\",$parameters}" --output none
    fi
    say "trusts $subject"
  done
}

if $remove; then
  remove
  exit
fi

permissions=("${reading[@]}")
if $writer; then permissions+=("$deleting"); fi
if $hidden_members; then permissions+=("$hidden"); fi
read_graph
register
declare_permissions
grant_permissions
trust_roles
if ! $dry_run; then
  printf 'AZURE_TENANT_ID=%s\nAZURE_CLIENT_ID=%s\n' "$signed_in" "$app_id"
fi
