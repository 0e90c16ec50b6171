#!/usr/bin/env bash
# Checks everything that is deployed, without an account: `bash infra/check-template.sh`, and with `--build`
# also that both functions build, for x86_64. Needs Python 3.11 with venv, and for `--build` Rust; the tools it
# installs once under ~/.cache/mfa-rollback.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null

# shellcheck source=infra/tools.sh
. infra/tools.sh
export AWS_DEFAULT_REGION=eu-west-1 AWS_EC2_METADATA_DISABLED=true

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

headline "cfn-lint"
"$sam/bin/cfn-lint" --include-checks I --template template.yaml
echo "no findings"

headline "parameters, rules and environment"
"$sam/bin/python" infra/check_template.py

headline "the transformed template, under every condition"
"$sam/bin/python" infra/check_transformed.py

headline "checkov, on the transformed template"
transformed=$(mktemp -d)
"$sam/bin/python" infra/transformed.py >"$transformed/transformed.json"
"$checkov/bin/checkov" --skip-download --framework cloudformation --file "$transformed/transformed.json" --compact --quiet
rm -rf "$transformed"

headline "who can do what"
"$sam/bin/python" infra/check_access.py

headline "whether these checks find what is wrong"
"$sam/bin/python" infra/test_checks.py

headline "deploying, on doubles"
bash infra/test-deploy.sh

headline "the description of the API"
"$sam/bin/python" infra/check_openapi.py

if [[ ${1-} == --build ]]; then
  headline "both functions"
  built=$(mktemp -d)
  bash infra/build.sh --architecture x86_64 --out "$built/dist"
  rm -rf "$built"
fi

headline "the template is in order"
