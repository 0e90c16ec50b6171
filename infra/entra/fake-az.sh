#!/usr/bin/env bash
# Stands in for the Azure CLI: a tenant of files in $TENANT, with one registration, of the id $APP_ID; what it changes is
# in $CALLS.
set -euo pipefail
value() { # of the option $1 among the other arguments
  local wanted=$1
  shift
  while (($#)); do
    [[ $1 != "$wanted" ]] || { printf '%s\n' "$2" && return; }
    shift
  done
}
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" <<<"$2"; }
written() { printf '%s\n' "az $*" >>"$CALLS"; }
[[ ! -e $TENANT/offline ]] || exit 1
cd "$TENANT"
case "$*" in
  "account show"*) echo 99999999-0000-0000-0000-000000000000 ;;
  "cloud show"*) echo https://graph.microsoft.com/ ;;
  "ad sp show"*appRoles*) cat roles ;;
  "ad sp show"*) echo graph-principal ;;
  "ad app list"*) cat apps ;;
  "ad sp list"*) cat principals ;;
  "ad app show"*) cat declared ;;
  "ad app federated-credential list"*) cat trusted ;;
  "rest --method GET"*) cat granted ;;
  "ad app create"*) written "$@" && echo "${APP_ID:-app-1}" | tee apps ;;
  "ad sp create"*) written "$@" && echo principal-1 | tee principals ;;
  "ad app update"*)
    written "$@"
    value --required-resource-accesses "$@" | grep -o '"id":"[^"]*"' | cut -d '"' -f 4 >declared
    ;;
  "rest --method POST"*)
    if [[ -s failures ]]; then
      sed -i 1d failures
      exit 1
    fi
    written "$@"
    role=$(field appRoleId "$(value --body "$@")")
    printf '%s\tassignment-%s\n' "$role" "$role" >>granted
    ;;
  "rest --method DELETE"*)
    written "$@"
    assignment=$(value --url "$@")
    sed -i "/${assignment##*/}/d" granted
    ;;
  "ad app federated-credential create"*)
    written "$@"
    body=$(value --parameters "$@")
    printf '%s\t%s\t%s\n' "$(field name "$body")" "$(field issuer "$body")" "$(field subject "$body")" >>trusted
    ;;
  "ad app federated-credential update"*)
    written "$@"
    name=$(value --federated-credential-id "$@") body=$(value --parameters "$@")
    sed -i "/^$name\t/d" trusted
    printf '%s\t%s\t%s\n' "$name" "$(field issuer "$body")" "$(field subject "$body")" >>trusted
    ;;
  "ad sp delete"*) written "$@" && : >principals && : >granted ;;
  "ad app delete"*) written "$@" && : >apps && : >declared && : >trusted ;;
  *) echo "the fake az does not know: $*" >&2 && exit 64 ;;
esac
