"""What only the transformed template shows: every condition, deployments, versions, alarms at their birth.

Run by check-template.sh, with SAM's Python.
"""

import itertools
import json
import re
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

from cfnlint import api as cfn_lint

import package
from deployed import Deployment, Missing
from transformed import ACCOUNT, REGION, REQUIRED, ROOT, source, transformed

GUID = "11111111-1111-1111-1111-111111111111"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/somebody"

# For each parameter another value than the one that it has by default.
OTHER = {
    "CodeBucket": "archives",
    "CodePrefix": "second/",
    "AzureTenantId": GUID,
    "AzureClientId": GUID,
    "AzureWriterClientId": GUID,
    "GraphCredential": "certificate",
    "GraphCredentialSecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:mfa-rollback-a1B2c3",
    "AzureAuthorityHost": "https://proxy",
    "GraphEndpoint": "https://proxy",
    "PreviewEnabledAt": "2026-02-02T00:00:00Z",
    "PreviewDisabledAt": "2026-03-02T00:00:00Z",
    "RegisteredUntil": "2026-03-03T00:00:00Z",
    "CanaryUserIds": GUID,
    "CanaryGroupId": GUID,
    "ExcludedUserIds": GUID,
    "ExcludedGroupId": GUID,
    "ReleasableUserIds": GUID,
    "NotificationEmail": "somebody@contoso.example",
    "EventBusName": "default",
    "ApiCallerArns": ROLE,
    "ApiReleaserArns": ROLE,
    "ApiApproverArns": ROLE,
    "BreakGlassArns": ROLE,
    "KmsKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{GUID}",
    "PermissionsBoundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/boundary",
}


def other(template, name):
    """Another value of a parameter."""
    parameter = template["Parameters"][name]
    if name in OTHER:
        return OTHER[name]
    if "AllowedValues" in parameter:
        return next(str(value) for value in parameter["AllowedValues"] if value != parameter.get("Default"))
    return str(int(parameter["Default"]) + 1)


def references(value):
    """The names that Ref, Sub and If use below a value."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in ("Ref", "Condition") and isinstance(item, str):
                yield item
            elif key == "Fn::If":
                yield item[0]
            elif key == "Fn::Sub":
                yield from re.findall(r"\$\{([^}!.]+)", item if isinstance(item, str) else item[0])
            yield from references(item)


def parameters_in(template, value):
    """The parameters on which a value depends, through conditions, too."""
    found, conditions = set(), template["Conditions"]
    for name in references(value):
        if name in template["Parameters"]:
            found.add(name)
        elif name in conditions:
            found |= parameters_in(template, conditions[name])
    return found


def variants(template):
    """Deployments in which every condition of the template holds, and is broken, alone and with the others."""
    deciding = sorted(set().union(*(parameters_in(template, rule) for rule in template["Conditions"].values())))
    changed = {name: other(template, name) for name in deciding}
    yield {}
    yield changed
    for name in deciding:
        yield {name: changed[name]}
        yield {other_name: value for other_name, value in changed.items() if other_name != name}


def nothing_leads_nowhere(template):
    """References and DependsOn to what is not there, under every condition."""
    result = transformed(template)
    seen = {name: set() for name in result["Conditions"]}
    for given in variants(template):
        try:
            deployment = Deployment(result, given)
        except Missing as missing:
            yield f"{missing}, with {given}"
            continue
        for name in seen:
            seen[name].add(deployment.condition(name))
    yield from (f"condition {name} was only ever {values}" for name, values in seen.items() if len(values) < 2)


def linted(template):
    """cfn-lint on the result of the transform, which it takes through every condition itself."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "transformed.json"
        file.write_text(json.dumps(transformed(template)))
        # SAM puts the values of parameters into the names of archives, but leaves the function around them (W1020).
        for match in cfn_lint.lint_file(file, cfn_lint.ManualArgs(regions=[REGION], include_checks=["I"])):
            if match.rule.id == "W1020" and "Code" in match.path:
                continue
            yield f"cfn-lint: {match.rule.id} {match.message} ({'/'.join(map(str, match.path or []))})"


def ids(result, kind):
    """Logical ids of a type."""
    return [name for name, resource in result["Resources"].items() if resource["Type"] == kind]


def the_api_is_deployed_anew(template):
    """Each parameter in the API's body, its policy among it, makes a new deployment when it changes."""
    api = next(r for r in template["Resources"].values() if r["Type"] == "AWS::Serverless::Api")
    for name in sorted(parameters_in(template, api["Properties"]["DefinitionBody"])):
        found = []
        for second, given in enumerate([{}, {name: other(template, name)}]):
            # AlwaysDeploy counts seconds.
            with patch("time.time", lambda at=second: 1_700_000_000 + at):
                found.append(ids(transformed(template, given), "AWS::ApiGateway::Deployment"))
        if found[0] == found[1]:
            yield f"{name}: a change is not deployed to the API"


def versions(template, given=()):
    """Each function, and by what CloudFormation knows its version from the one before; nothing where none is made."""
    result = transformed(template, given)
    deployment = Deployment(result, given)
    # Ref gives its number, another one for other content.
    settings = json.dumps(deployment.of_type("AWS::AppConfig::HostedConfigurationVersion"), sort_keys=True)
    for function in ["PollFunction", "DrainFunction"]:
        known_by = [
            (name, deployment.resources[name]["Properties"].get("Description"), settings)
            for name in ids(result, "AWS::Lambda::Version")
            if name.startswith(function)
        ]
        yield function, deployment.resources[function]["Properties"], known_by


def a_changed_setting_is_a_new_version(template):
    """Each parameter that changes a function makes a new version of it, and no other one does: Lambda refuses to
    publish a version that is like the one before."""
    before = list(versions(template))
    yield from (f"{function}: no version is published" for function, _, known_by in before if not known_by)
    for name in template["Parameters"]:
        for (function, was, old), (_, now, new) in zip(before, versions(template, {name: other(template, name)})):
            if (was != now) != (old != new):
                yield f"{function}: {name} " + ("makes no new version" if was != now else "makes a version like the last")


def everybody_calls_the_alias(template):
    """Whoever calls a function calls its alias, and drain's alias moves by CodeDeploy, with an alarm."""
    result = transformed(template)
    deployment = Deployment(result)
    aliases = {deployment.arn(name): name for name in ["PollFunction", "DrainFunction"]}
    used = [(name, p["FunctionName"]) for name, p in deployment.of_type("AWS::Lambda::EventSourceMapping").items()]
    used += [(name, p["FunctionName"]) for name, p in deployment.of_type("AWS::Lambda::Permission").items()]
    used += [(name, p["Target"]["Arn"]) for name, p in deployment.of_type("AWS::Scheduler::Schedule").items()]
    body = next(iter(deployment.of_type("AWS::ApiGateway::RestApi").values()))["Body"]
    uris = re.findall(r"functions/([^/]+)/invocations", json.dumps(body))
    yield from (f"{name} calls {used_name}, not the alias" for name, used_name in used if "Alias" not in str(used_name))
    yield from (f"the API calls {arn}, not the alias" for arn in sorted(set(uris)) if arn.removesuffix(":live") not in aliases or not arn.endswith(":live"))
    policy = result["Resources"].get("DrainFunctionAliaslive", {}).get("UpdatePolicy", {})
    group = policy.get("CodeDeployLambdaAliasUpdate", {}).get("DeploymentGroupName", {}).get("Ref")
    alarms = deployment.resources.get(group, {}).get("Properties", {}).get("AlarmConfiguration", {})
    if not alarms.get("Enabled") or not alarms.get("Alarms"):
        yield "a new version of drain goes live without an alarm that takes it back"


def no_alarm_rings_at_its_birth(template):
    """A new alarm has no data. What takes that for a breach rings before anything could have happened."""
    for name, alarm in Deployment(transformed(template), {"Alarms": "all"}).of_type("AWS::CloudWatch::Alarm").items():
        silence = alarm.get("TreatMissingData", "missing")
        if silence == "breaching":
            yield f"{name} rings at its birth"
        if name == "NoFinishedPoll" and (silence != "missing" or not alarm.get("InsufficientDataActions")):
            yield f"{name} says nothing where no poll comes to its end"


def one_stack(template):
    """Nested stacks and macros of one's own want more capabilities, and their changes are in no change set."""
    yield from (f"{name} is a nested stack" for name in ids(template, "AWS::CloudFormation::Stack"))
    if template["Transform"] != "AWS::Serverless-2016-10-31":
        yield f"transforms: {template['Transform']}"


def log_groups_are_named_as_documented(template):
    """docs/logs.md names each group, with … for the stack, and its resource."""
    groups = Deployment(transformed(template)).of_type("AWS::Logs::LogGroup")
    documented = dict(re.findall(r"\| `(\w+LogGroup)` \| `([^`]+)` \|", (ROOT / "docs/logs.md").read_text()))
    for name, group in groups.items():
        pattern = re.escape(documented.get(name, "")).replace("STACK", "mfa\\-rollback").replace("ID", "[0-9a-f]{8}")
        if not re.fullmatch(pattern, group.get("LogGroupName", "without a name")):
            yield f"{name} is {group.get('LogGroupName')}, and {documented.get(name)} in docs/logs.md"


def by_hand(template):
    """The example's values are those of a deployment."""
    yield from (f"{name} has no default and is not known here" for name, p in template["Parameters"].items() if "Default" not in p and name not in REQUIRED)


def packaged_source():
    """The template that takes prebuilt archives."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "template.yaml").write_text(package.packaged())
        return source(Path(folder))


PACKAGED_CHECKS = [nothing_leads_nowhere, linted, a_changed_setting_is_a_new_version]
CHECKS = [
    by_hand, nothing_leads_nowhere, linted, the_api_is_deployed_anew, a_changed_setting_is_a_new_version,
    everybody_calls_the_alias, no_alarm_rings_at_its_birth, one_stack, log_groups_are_named_as_documented,
]


def main():
    template, packaged = source(), packaged_source()
    found = list(itertools.chain(
        *(check(template) for check in CHECKS),
        *((f"packaged: {fault}" for fault in check(packaged)) for check in PACKAGED_CHECKS),
    ))
    for fault in found:
        print(fault, file=sys.stderr)
    print(f"{len(list(variants(template)))} deployments, {len(CHECKS)} checks, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
