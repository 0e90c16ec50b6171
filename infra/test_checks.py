"""Holds the checks of the template to what they are for: each finds a template in which one thing is wrong, and the
evaluator decides as AWS documents it. Run by check-template.sh, with SAM's Python."""

import copy
import subprocess
import sys
import tempfile
from pathlib import Path

import check_access
import check_transformed as checks
from check_template import account_setting_is_left_alone, api_is_deployed_anew
from iam import Principal, allowed
from transformed import ACCOUNT, source

OWN, FOREIGN = f"arn:aws:iam::{ACCOUNT}:role/a", "arn:aws:iam::210987654321:role/a"


def body(template):
    """The API's description."""
    return template["Resources"]["Api"]["Properties"]["DefinitionBody"]


def statement(node, sid):
    """The list with the statement of this name, and its place; it may stand inside Fn::If."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        inner = value.get("Fn::If", [None, value])[1] if isinstance(value, dict) else value
        if isinstance(inner, dict) and inner.get("Sid") == sid:
            return node, key
        found = statement(value, sid)
        if found:
            return found
    return None


def without(node, sid):
    """Takes a statement out."""
    statements, place = statement(node, sid)
    del statements[place]


def unconditioned(node, sid, operator):
    """Takes a condition out of each statement of this name."""
    while isinstance(node, (dict, list)) and statement(node, sid):
        statements, place = statement(node, sid)
        found = statements[place].get("Fn::If", [None, statements[place]])[1]
        found["Condition"].pop(operator)
        found["Sid"] = f"{sid}-"


def resource(name):
    """A resource's properties."""
    return lambda template: template["Resources"][name]["Properties"]


def changed(where, key, value):
    """A change of one property."""
    return lambda template: where(template).update({key: value})


def taken(where, key):
    """A property that is taken away."""
    return lambda template: where(template).pop(key)


def own_account_too(template):
    """The policy whose Allow was for callers of the API's own account, too."""
    statements, place = statement(body(template), "OtherAccounts")
    statements[place]["Fn::If"][1]["Condition"].pop("StringNotEquals")


def depends_on_the_log_role(template):
    """A wait for what is there under a condition only."""
    template["Resources"]["Api"]["DependsOn"] = "ApiLogAccess"


def account_setting_by_default(template):
    """A stack that takes over what other stacks use."""
    template["Parameters"]["CreateApiLogRole"]["Default"] = "true"


def unqualified(template):
    """An API that calls functions past their aliases."""
    operation = body(template)["paths"]["/scans"]["post"]["x-amazon-apigateway-integration"]
    operation["uri"]["Fn::Sub"] = operation["uri"]["Fn::Sub"].replace(":live", "")


def nested(template):
    """A second template."""
    template["Resources"]["More"] = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://s3.amazonaws.com/a/b"}}


def forgotten_setting(template):
    """A setting that is not among those whose change makes a version."""
    content = template["Resources"]["SettingsVersion"]["Properties"]["Content"]
    content["Fn::Sub"] = content["Fn::Sub"].replace("MODE=${Mode}\n", "")


def idle_setting(template):
    """A parameter that no function is given."""
    template["Resources"]["SettingsVersion"]["Properties"]["Content"]["Fn::Sub"] += "${ApiCallerArns}"


API, DRAIN = resource("Api"), resource("DrainFunction")
# The point that a change takes back, and who has to find it.
WRONG = [
    (1, own_account_too, check_access.faults, "POST /rollbacks"),
    (2, taken(API, "AlwaysDeploy"), checks.the_api_is_deployed_anew, "ApiCallerArns: a change is not deployed"),
    (3, depends_on_the_log_role, checks.nothing_leads_nowhere, "ApiLogAccess is not there"),
    (3, depends_on_the_log_role, checks.linted, "E3005"),
    (4, lambda t: without(body(t), "OnlyReleasersRelease"), check_access.faults, "POST /users/{user_id}/release, default"),
    (4, lambda t: without(body(t), "OnlyApproversApprove"), check_access.faults, "POST /plans/{hash}/approval, default"),
    (4, lambda t: without(t["Resources"]["OperatorPolicy"], "Act"), check_access.faults, "POST /rollbacks"),
    (5, lambda t: without(t["Resources"]["QueuePolicy"], "OnlyTheFunctions"), check_access.faults, "queue: send"),
    (5, lambda t: without(t["Resources"]["DeadLetterQueuePolicy"], "OnlyTheFunctions"), check_access.faults, "dead letters: delete"),
    (5, taken(resource("Ledger"), "ResourcePolicy"), check_access.faults, "ledger: write"),
    (6, lambda t: unconditioned(t["Resources"]["DrainRole"], "SignInByRole", "ArnEquals"), check_access.faults, "sign in"),
    (6, lambda t: unconditioned(t["Resources"]["BothFunctionsPolicy"], "Ledger", "ArnEquals"), check_access.faults, "ledger: write"),
    (7, nested, checks.one_stack, "More is a nested stack"),
    (7, changed(resource("NoFinishedPoll"), "TreatMissingData", "breaching"), checks.no_alarm_rings_at_its_birth, "NoFinishedPoll rings"),
    (7, taken(resource("NoFinishedPoll"), "InsufficientDataActions"), checks.no_alarm_rings_at_its_birth, "NoFinishedPoll says nothing"),
    (7, taken(resource("DrainLogGroup"), "LogGroupName"), checks.log_groups_are_named_as_documented, "DrainLogGroup"),
    (10, taken(DRAIN, "DeploymentPreference"), checks.everybody_calls_the_alias, "without an alarm"),
    (10, unqualified, checks.everybody_calls_the_alias, "mfa-rollback-poll, not the alias"),
    (10, forgotten_setting, checks.a_changed_setting_is_a_new_version, "DrainFunction: Mode makes no new version"),
    (10, idle_setting, checks.a_changed_setting_is_a_new_version, "ApiCallerArns makes a version like the last"),
]
# What check_template.py reads itself.
WRITTEN = [
    (2, taken(API, "AlwaysDeploy"), api_is_deployed_anew, "AlwaysDeploy must be true"),
    (3, account_setting_by_default, account_setting_is_left_alone, "default parameters"),
]


def each_check_finds_its_fault(template):
    """A template in which one thing is wrong."""
    for point, change, check, expected in WRONG + WRITTEN:
        wrong = copy.deepcopy(template)
        change(wrong)
        found = list(check(wrong))
        if not any(expected in fault for fault in found):
            yield f"point {point}: {check.__name__} does not find {expected!r}: {found}"


def policies_come_together_as_aws_documents_it():
    """The tables of API Gateway's developer guide: the caller's policy by the API's, each allow, nothing, deny."""
    said = {"allow": "Allow", "nothing": None, "deny": "Deny"}
    policy = lambda effect: {"Statement": [{"Effect": effect, "Action": "*", "Resource": "*"}] if effect else []}
    for arn, able in [
        (OWN, {("allow", "allow"), ("allow", "nothing"), ("nothing", "allow")}),
        (FOREIGN, {("allow", "allow")}),
    ]:
        for own in said:
            for other in said:
                got = allowed(Principal(arn, (policy(said[own]),)), "a:B", "arn:x", [policy(said[other])])
                if got != ((own, other) in able):
                    yield f"{arn}: {own} and {other} come to {got}"


def conditions_hold_as_aws_documents_it():
    """Operators, with and without the key, and what is not understood."""
    for condition, expected in [
        ({"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:*"}}, True),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/b"}}, False),
        ({"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/b", OWN]}}, False),
        ({"ArnEquals": {"lambda:SourceFunctionArn": "arn:aws:lambda:a:b:function:c"}}, False),
        ({"ArnNotEquals": {"lambda:SourceFunctionArn": "arn:aws:lambda:a:b:function:c"}}, True),
        ({"Null": {"aws:SourceIdentity": "true"}}, True),
        ({"Null": {"aws:PrincipalArn": "true"}}, False),
        ({"ForAllValues:StringEquals": {"absent": "a"}}, True),
        ({"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}}, False),
        ({"Bool": {"aws:SecureTransport": "false"}}, False),
    ]:
        policy = {"Statement": {"Effect": "Allow", "Action": "a:B", "Resource": "*", "Condition": condition}}
        if allowed(Principal(OWN, (policy,)), "a:b", "arn:x") != expected:
            yield f"{condition} is misjudged"
    for odd in [{"NotAction": "a:B"}, {"Condition": {"IpAddress": {"aws:SourceIp": "::1"}}}]:
        policy = {"Statement": {"Effect": "Allow", "Action": "a:B", "Resource": "*"} | odd}
        try:
            allowed(Principal(OWN, (policy,)), "a:b", "arn:x")
            yield f"{odd} is not understood, and yet judged"
        except (KeyError, ValueError):
            pass


def archives_hold_what_lambda_starts():
    """archive.py zips a program for the architecture that Lambda can start and that says what is in it, and no other."""
    header = lambda machine: b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little")
    for code, architecture, refused in [
        (header(183) + b".dep-v0 GLIBC_2.9 GLIBC_2.34", "arm64", None),
        (header(62) + b".dep-v0 GLIBC_2.4", "x86_64", None),
        (header(62) + b".dep-v0", "arm64", "no program for arm64"),
        (b"#!/bin/sh .dep-v0", "x86_64", "no program for x86_64"),
        (header(183) + b"GLIBC_2.9", "arm64", "does not say what is in it"),
        (header(183) + b".dep-v0 GLIBC_2.9 GLIBC_2.35", "arm64", "needs the C library 2.35"),
    ]:
        with tempfile.TemporaryDirectory() as folder:
            program, archive = Path(folder, "bootstrap"), Path(folder, "poll.zip")
            program.write_bytes(code)
            command = [sys.executable, Path(__file__).with_name("archive.py"), program, architecture, archive]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if (done.returncode != 0) != (refused is not None) or (refused or "") not in done.stderr:
            yield f"archive.py, given {code} for {architecture}, says {done.stderr!r}"


def main():
    template = source()
    found = [
        *each_check_finds_its_fault(template),
        *policies_come_together_as_aws_documents_it(),
        *conditions_hold_as_aws_documents_it(),
        *archives_hold_what_lambda_starts(),
    ]
    for fault in found:
        print(fault, file=sys.stderr)
    print(f"{len(WRONG + WRITTEN)} wrong templates, {len(found)} not found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
