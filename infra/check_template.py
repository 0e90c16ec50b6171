"""What no linter knows about template.yaml. Run by check-template.sh, with SAM's Python."""

import itertools
import json
import re
import sys
import tomllib
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text())
PARAMETERS = TEMPLATE["Parameters"]
VARIABLES = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]

# A stack's name is as long as a function's name (64) lets it be.
STACK = 58
LONGEST = {
    "Queue": len("https://sqs.ap-southeast-1.amazonaws.com/123456789012/") + STACK + len("-queue"),
    "DeadLetterQueue": len("https://sqs.ap-southeast-1.amazonaws.com/123456789012/") + STACK + len("-dead-letters"),
    "NotificationTopic": len("arn:aws-us-gov:sns:us-gov-west-1:123456789012:") + STACK + len("-NotificationTopic-012345678901"),
    "Ledger": STACK + len("-ledger"),
}
ENVIRONMENT_LIMIT = 4096

EXAMPLE = {
    "AzureTenantId": "00000000-0000-0000-0000-000000000000",
    "AzureClientId": "00000000-0000-0000-0000-000000000000",
    "PreviewDisabledAt": "2026-03-01T00:00:00Z",
}
GUID = "11111111-1111-1111-1111-111111111111"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mfa-rollback-a1B2c3"


def longest(value):
    """The longest value that an environment variable can have."""
    if "Fn::If" in value:
        return longest(value["Fn::If"][1])
    name = value["Ref"]
    if name in LONGEST:
        return LONGEST[name]
    parameter = PARAMETERS[name]
    if "AllowedValues" in parameter:
        return max(len(str(allowed)) for allowed in parameter["AllowedValues"])
    return len(str(parameter["MaxValue"])) if parameter["Type"] == "Number" else parameter["MaxLength"]


def environment_fits():
    """Lambda counts the environment as JSON, with its quotes, colons and commas."""
    size = len(json.dumps({name: "x" * longest(value) for name, value in VARIABLES.items()}, separators=(",", ":")))
    if size > ENVIRONMENT_LIMIT:
        yield f"the environment can grow to {size} bytes, of {ENVIRONMENT_LIMIT} that Lambda allows"
    print(f"environment: {len(VARIABLES)} variables, {size} bytes at most")


# What earlier versions read; it is named where it is still set.
RETIRED = {"UNDATED_METHODS"}


def environment_is_what_the_program_reads():
    """Variables that only one side knows."""
    read = set()
    for source in ["shared/src/settings/mod.rs", "shared/src/settings/vars.rs", "functions/src/settings.rs"]:
        code = (ROOT / source).read_text().split("#[cfg(test)]\nmod")[0]
        read.update(re.findall(r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|MODE)"', code))
        # Numbers are read by their row in the table of settings.
        read.update(re.findall(r"table::([A-Z][A-Z0-9_]+)", code))
    # The client secret is for the CLI; a function refuses it.
    read -= {"AZURE_CLIENT_SECRET"}
    yield from (f"{name}: the template sets it and no function reads it" for name in sorted(VARIABLES.keys() - read))
    yield from (f"{name}: the functions read it and the template does not set it" for name in sorted(read - VARIABLES.keys() - RETIRED))


def valid(name, value):
    """Whether CloudFormation would take the value for a parameter."""
    parameter = PARAMETERS[name]
    if "AllowedValues" in parameter:
        return value in map(str, parameter["AllowedValues"])
    if parameter["Type"] == "Number":
        return re.fullmatch(r"[0-9.]+", value) and parameter["MinValue"] <= float(value) <= parameter["MaxValue"]
    return len(value) <= parameter["MaxLength"] and re.search(parameter["AllowedPattern"], value)


def parameters_are_bounded():
    """Each has a description, and a pattern, a list or limits; defaults are valid."""
    for name, parameter in PARAMETERS.items():
        bounds = {"Number": ["MinValue", "MaxValue"], "String": ["MaxLength", "AllowedPattern"]}[parameter["Type"]]
        if "Description" not in parameter or not ("AllowedValues" in parameter or all(b in parameter for b in bounds)):
            yield f"{name}: no description or no bounds"
        elif "Default" in parameter and not valid(name, str(parameter["Default"])):
            yield f"{name}: its default is not valid"
    shown = list(itertools.chain.from_iterable(
        group["Parameters"] for group in TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    ))
    if sorted(shown) != sorted(PARAMETERS):
        yield f"the interface's groups and the parameters differ: {sorted(set(shown) ^ set(PARAMETERS))}"


def holds(rule, given):
    """What CloudFormation makes of a rule's condition."""
    if not isinstance(rule, dict):
        return rule
    (function, arguments), = rule.items()
    if function == "Ref":
        return given[arguments]
    values = [holds(argument, given) for argument in arguments]
    return {
        "Fn::Equals": lambda: values[0] == values[1],
        "Fn::Not": lambda: not values[0],
        "Fn::And": lambda: all(values),
        "Fn::Or": lambda: any(values),
    }[function]()


def broken(given):
    """The rules that a deployment with these parameters breaks."""
    given = {name: str(parameter.get("Default", "")) for name, parameter in PARAMETERS.items()} | given
    return {
        name
        for name, rule in TEMPLATE["Rules"].items()
        if holds(rule["RuleCondition"], given) and not all(holds(a["Assert"], given) for a in rule["Assertions"])
    }


def rules_hold():
    """Deployments that must pass, and those that must not."""
    told = {"NotificationEmail": "a@contoso.example"}
    for given, expected in [
        ({}, set()),
        ({"Mode": "canary"}, {"Canary", "Exclusions"}),
        ({"Mode": "canary", "CanaryUserIds": GUID, "NoExclusions": "true"}, set()),
        ({"Mode": "canary", "CanaryGroupId": GUID, "ExcludedGroupId": GUID}, set()),
        ({"Mode": "enforce"}, {"Exclusions", "Enforce"}),
        ({"Mode": "enforce", "NoExclusions": "true"}, {"Enforce"}),
        ({"Mode": "enforce", **told}, {"Exclusions"}),
        ({"Mode": "enforce", "ExcludedUserIds": GUID, **told}, set()),
        ({"GraphCredential": "secret"}, {"StoredCredential"}),
        ({"GraphCredential": "certificate"}, {"StoredCredential"}),
        ({"GraphCredential": "secret", "GraphCredentialSecretArn": SECRET}, set()),
        ({"RequireApproval": "always"}, {"Approval"}),
        ({"RequireApproval": "first", "ApiApproverArns": "arn:aws:iam::123456789012:role/approvers"}, set()),
        ({"AzureWriterClientId": GUID}, set()),
        ({"AzureWriterClientId": GUID, "GraphCredential": "certificate", "GraphCredentialSecretArn": SECRET}, set()),
        ({"AzureWriterClientId": GUID, "GraphCredential": "secret", "GraphCredentialSecretArn": SECRET}, {"Writer"}),
    ]:
        if broken(EXAMPLE | given) != expected:
            yield f"{given} breaks {sorted(broken(EXAMPLE | given))}, not {sorted(expected)}"


def patterns_fit():
    """Values that a person may give, and those that must be refused."""
    boundary = "arn:aws:iam::123456789012:policy/team/boundary"
    key = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/mrk-0123456789abcdef"
    for name, good, bad in [
        ("AzureTenantId", [GUID, GUID.upper().replace("1", "A")], ["", "contoso.example", GUID + "1"]),
        ("PreviewDisabledAt", ["2026-03-01T00:00:00.5+01:00"], ["", "2026-03-01", "2026-03-01T00:00:00"]),
        ("PreviewEnabledAt", ["2026-03-01T00:00:00Z"], ["", "yesterday"]),
        ("ExcludedUserIds", ["", GUID, f"{GUID},o'neil_x#EXT#@contoso.example", ",".join([GUID] * 30)],
         [f"{GUID}, {GUID}", f"{GUID},", ",".join(["a@b"] * 41), ",".join([GUID] * 31)]),
        ("CanaryUserIds", [",".join([GUID] * 14)], [",".join([GUID] * 15)]),
        ("ReleasableUserIds", ["", ",".join([GUID] * 7)], [",".join([GUID] * 8), f"{GUID} {GUID}", "a@contoso.example"]),
        ("GraphEndpoint", ["", "https://graph.microsoft.com", "https://proxy:8443/"], ["http://localhost", "https://a/b"]),
        ("NotificationEmail", ["", "a.b+c@contoso.example"], ["nobody", "a b@contoso.example"]),
        ("GraphCredentialSecretArn", ["", SECRET], ["mfa-rollback"]),
        ("KmsKeyArn", ["", key], ["alias/mfa", "arn:aws:kms:eu-west-1:123456789012:alias/mfa"]),
        ("PermissionsBoundaryArn", ["", boundary, "arn:aws:iam::aws:policy/PowerUserAccess"], ["boundary"]),
        ("PlanApprovers", ["1", "2"], ["0", "3"]),
        ("DrainConcurrency", ["2", "50"], ["1", "51"]),
        ("MaxFailurePercent", ["0", "100"], ["-1", "101"]),
    ]:
        yield from (f"{name} refuses {value!r}" for value in good if not valid(name, value))
        yield from (f"{name} takes {value!r}" for value in bad if valid(name, value))


def api_is_deployed_anew(template=TEMPLATE):
    """A changed parameter inside the API's body, as ApiCallerArns, comes into force with a new deployment only."""
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Api" and resource["Properties"].get("AlwaysDeploy") is not True:
            yield f"{name}: SAM would not see a changed parameter in its body: AlwaysDeploy must be true"


def account_setting_is_left_alone(template=TEMPLATE):
    """The account's settings are every other API's, too."""
    accounts = [r for r in template["Resources"].values() if r["Type"] == "AWS::ApiGateway::Account"]
    defaults = {name: parameter.get("Default", "") for name, parameter in template["Parameters"].items()}
    for account in accounts:
        if "Condition" not in account or holds(template["Conditions"][account["Condition"]], defaults):
            yield "a stack with default parameters would replace the role in which all APIs of the account write logs"
        if account.get("DeletionPolicy") != "RetainExceptOnCreate":
            yield "a stack that goes would take the role along in which all APIs of the account write logs"


def example_deploys():
    """samconfig.example.toml is a deployment in mode report."""
    config = tomllib.loads((ROOT / "samconfig.example.toml").read_text())
    overrides = config["default"]["global"]["parameters"]["parameter_overrides"]
    given = dict(override.split("=", 1) for override in overrides)
    yield from (f"samconfig.example.toml: {name} is not a parameter" for name in given.keys() - PARAMETERS.keys())
    yield from (f"samconfig.example.toml: {name} is not valid" for name in given.keys() & PARAMETERS.keys() if not valid(name, given[name]))
    yield from (f"samconfig.example.toml breaks the rule {name}" for name in broken(given))
    if given.get("Mode") != "report":
        yield "samconfig.example.toml is not in mode report"
    yield from (
        f"samconfig.example.toml leaves {name} out"
        for name, parameter in PARAMETERS.items()
        if "Default" not in parameter and name not in given
    )


def main():
    checks = [
        environment_fits, environment_is_what_the_program_reads, parameters_are_bounded, rules_hold, patterns_fit,
        api_is_deployed_anew, account_setting_is_left_alone, example_deploys,
    ]
    faults = [fault for check in checks for fault in check()]
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(checks)} checks, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
