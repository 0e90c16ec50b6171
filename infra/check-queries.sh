#!/usr/bin/env bash
# Runs each saved query of a deployed stack once, over its last hour: `bash infra/check-queries.sh STACK_NAME`.
# Needs the AWS CLI with logs:DescribeQueryDefinitions, logs:StartQuery and logs:GetQueryResults.
set -euo pipefail

stack=${1:?usage: bash infra/check-queries.sh STACK_NAME}
now=$(date +%s)
failed=0
count=0

# One query a line: its name, its groups, its text; tabs and line ends in the text come as escapes.
definitions=$(aws logs describe-query-definitions --query-definition-name-prefix "$stack/" --output json |
  python3 -c '
import json, sys
for query in json.load(sys.stdin)["queryDefinitions"]:
    print(query["name"], ",".join(query["logGroupNames"]), json.dumps(query["queryString"]), sep="\t")')

while IFS=$'\t' read -r name groups text; do
  [[ -n $name ]] || continue
  count=$((count + 1))
  query=$(python3 -c 'import json, sys; print(json.loads(sys.argv[1]))' "$text")
  IFS=, read -ra groups <<<"$groups"
  if ! id=$(aws logs start-query --log-group-names "${groups[@]}" --start-time $((now - 3600)) --end-time "$now" \
    --query-string "$query" --query queryId --output text); then
    printf 'refused   %s\n' "$name"
    failed=1
    continue
  fi
  for _ in {1..60}; do
    status=$(aws logs get-query-results --query-id "$id" --query status --output text)
    [[ $status == Scheduled || $status == Running ]] || break
    sleep 1
  done
  printf '%-9s %s\n' "$status" "$name"
  [[ $status == Complete ]] || failed=1
done <<<"$definitions"

[[ $count -gt 0 ]] || { printf 'no saved queries under %s/\n' "$stack" >&2; exit 1; }
exit "$failed"
