"""Who can do what to a deployment, by its policies: works out SECURITY.md's tables and holds them to what must be.

Run by check-template.sh, with SAM's Python. `check_access.py --write` writes the tables into SECURITY.md.
"""

import re
import sys

import yaml

from deployed import Deployment
from iam import Principal, allowed
from transformed import ACCOUNT, REGION, ROOT, source, transformed

OTHER_ACCOUNT = "210987654321"
API = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:Api/"
METHODS = {"get", "post", "put", "patch", "delete"}
RELEASING = re.compile(r"POST /(users/{user_id}/(release|erase)|events/{event_id}/release|brake/release)")
APPROVING = "POST /plans/{hash}/approval"
BEGIN, END = "<!-- who can do what: made by infra/check_access.py -->", "<!-- end -->"

SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:mfa-rollback-a1B2c3"


def role(name, account=ACCOUNT):
    """A role's ARN."""
    return f"arn:aws:iam::{account}:role/{name}"


def wide(*actions):
    """A policy that allows these actions on everything."""
    return {"Statement": {"Effect": "Allow", "Action": list(actions), "Resource": "*"}}


NAMED = {
    "ApiCallerArns": ",".join([role("readers"), role("operators"), role("operators", OTHER_ACCOUNT)]),
    "ApiReleaserArns": role("releasers"),
    "ApiApproverArns": role("approvers"),
    "BreakGlassArns": role("emergency"),
}
CERTIFICATE = {"GraphCredential": "certificate", "GraphCredentialSecretArn": SECRET}


class Doors:
    """What there is to be reached in a deployment, and by whom."""

    def __init__(self, template, given):
        self.deployment = Deployment(transformed(template, given), given)
        body = next(iter(self.deployment.of_type("AWS::ApiGateway::RestApi").values()))["Body"]
        # On import API Gateway puts its own ARN where the policy says execute-api:/ .
        policy = yaml.safe_load(yaml.safe_dump(body.get("x-amazon-apigateway-policy")).replace("execute-api:/", API))
        self.of_api = [policy] if policy else []
        self.routes = [
            f"{method.upper()} {path}" for path, item in body["paths"].items() for method in item if method in METHODS
        ]

    def on(self, kind, resource):
        """The policies of a queue or a topic."""
        policies = self.deployment.of_type(kind).values()
        return [p["PolicyDocument"] for p in policies if resource in p.get("Queues", p.get("Topics", []))]

    def policies_of(self, name):
        """What a role of the stack may do."""
        properties = self.deployment.of_type("AWS::IAM::Role")[name]
        managed = self.deployment.of_type("AWS::IAM::ManagedPolicy")
        ours = {self.deployment.arn(policy): p["PolicyDocument"] for policy, p in managed.items()}
        inline = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        return tuple(inline + [ours[arn] for arn in properties.get("ManagedPolicyArns", [])])

    def function(self, name, runs=None):
        """A function in its role, or another function that was given this role."""
        arn = self.deployment.arn(f"{name}Function") if runs is None else runs
        context = {"lambda:SourceFunctionArn": [arn]}
        return Principal(self.deployment.arn(f"{name}Role"), self.policies_of(f"{name}Role"), context)

    def holder(self, name, policy):
        """A role with one of the stack's policies for people."""
        managed = self.deployment.of_type("AWS::IAM::ManagedPolicy")
        return Principal(role(name), (managed[policy]["PolicyDocument"],) if policy in managed else ())

    def principals(self):
        """Everybody in the tables' heads, by what they are called there."""
        administrator = (wide("*"),)
        another = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:another"
        return {
            "reader": self.holder("readers", "ReaderPolicy"),
            "operator": self.holder("operators", "OperatorPolicy"),
            "releaser": self.holder("releasers", "ReleaserPolicy"),
            "approver": self.holder("approvers", "ApproverPolicy"),
            "other account, listed": Principal(role("operators", OTHER_ACCOUNT), (wide("execute-api:*"),)),
            "other account, unlisted": Principal(role("others", OTHER_ACCOUNT), (wide("execute-api:*"),)),
            "own role with execute-api:*, unlisted": Principal(role("developers"), (wide("execute-api:*"),)),
            "administrator": Principal(role("administrators"), administrator),
            "administrator in BreakGlassArns": Principal(role("emergency"), administrator),
            "poll": self.function("Poll"),
            "drain": self.function("Drain"),
            "another function in drain's role": self.function("Drain", another),
        }

    def route(self, principal, route):
        """Whether somebody may call a route."""
        path = re.sub(r"{\w+}", "somebody", route).replace(" ", "", 1)
        return allowed(principal, "execute-api:Invoke", f"{API}live/{path}", self.of_api)

    def queue(self, name, *actions):
        """Who may do all of this to a queue."""
        url, arn = self.deployment.ref(name), self.deployment.arn(name)
        policies = self.on("AWS::SQS::QueuePolicy", url)
        return lambda principal: all(allowed(principal, action, arn, policies) for action in actions)

    def table(self, action):
        """Who may do this to the ledger."""
        table = self.deployment.of_type("AWS::DynamoDB::Table")["Ledger"]
        policy = table.get("ResourcePolicy", {}).get("PolicyDocument")
        return lambda principal: allowed(principal, action, self.deployment.arn("Ledger"), [policy] if policy else [])

    def signs_in(self, principal):
        """Entra trusts the two roles, so it is about a token that speaks of one of them."""
        request = {
            "sts:IdentityTokenAudience": ["api://AzureADTokenExchange"],
            "sts:SigningAlgorithm": ["RS256"],
            "sts:DurationSeconds": ["300"],
        }
        trusted = [self.deployment.arn("PollRole"), self.deployment.arn("DrainRole")]
        return principal.arn in trusted and allowed(principal, "sts:GetWebIdentityToken", "*", request=request)

    def resources(self):
        """What there is besides the API, and who may reach it."""
        invoke = self.deployment.arn("DrainFunction") + ":live"
        may = lambda action, resource: lambda principal: allowed(principal, action, resource)
        return {
            "queue: send": self.queue("Queue", "sqs:SendMessage"),
            "queue: receive and delete": self.queue("Queue", "sqs:ReceiveMessage", "sqs:DeleteMessage"),
            "queue: purge": self.queue("Queue", "sqs:PurgeQueue"),
            "dead letters: send": self.queue("DeadLetterQueue", "sqs:SendMessage"),
            "dead letters: look": self.queue("DeadLetterQueue", "sqs:ReceiveMessage"),
            "dead letters: delete": self.queue("DeadLetterQueue", "sqs:DeleteMessage"),
            "ledger: read": self.table("dynamodb:GetItem"),
            "ledger: write": self.table("dynamodb:PutItem"),
            "ledger: delete items": self.table("dynamodb:DeleteItem"),
            "sign in to Entra as the application": self.signs_in,
            "invoke drain past the API": may("lambda:InvokeFunction", invoke),
            "change drain": may("lambda:UpdateFunctionConfiguration", self.deployment.arn("DrainFunction")),
        }


def answers(template):
    """Every cell: by deployment, by what is asked for, by whom."""
    named, default, stored = Doors(template, NAMED), Doors(template, {}), Doors(template, NAMED | CERTIFICATE)
    secret = lambda principal: allowed(principal, "secretsmanager:GetSecretValue", SECRET)
    routes = lambda doors: {
        route: {who: doors.route(principal, route) for who, principal in doors.principals().items()}
        for route in doors.routes
    }
    others = {
        what: {who: may(principal) for who, principal in named.principals().items()}
        for what, may in named.resources().items()
    }
    others["stored credential: read"] = {who: secret(principal) for who, principal in stored.principals().items()}
    return {"named": routes(named) | others, "default": routes(default)}


def faults(template):
    """Everything in which the cells are not what they must be, whatever the document says."""
    for deployment, rows in answers(template).items():
        for what, row in rows.items():
            able = {who for who, may in row.items() if may}
            expected = must(deployment, what)
            if able != expected:
                yield f"{what}, {deployment}: {sorted(able - expected)} too many, {sorted(expected - able)} too few"


def must(deployment, what):
    """Who is to be able to do something. Where the lists are empty, IAM alone decides, but for what is released and approved."""
    both, administrators = {"poll", "drain"}, {"administrator", "administrator in BreakGlassArns"}
    emergency = {"administrator in BreakGlassArns"}
    if " /" in what:
        if RELEASING.fullmatch(what):
            return {"releaser"} if deployment == "named" else set()
        if what == APPROVING:
            return {"approver"} if deployment == "named" else set()
        reading = what.startswith("GET ")
        people = {"reader", "operator", "releaser", "approver"} if reading else {"operator"}
        if deployment == "named":
            return people | {"other account, listed"}
        return people | administrators | {"own role with execute-api:*, unlisted"}
    return {
        "queue: send": both | emergency,
        # The mapping receives in drain's role, wherever that role is used.
        "queue: receive and delete": {"drain", "another function in drain's role"} | emergency,
        "queue: purge": emergency,
        "dead letters: send": {"drain"} | emergency,
        "dead letters: look": {"drain"} | administrators,
        "dead letters: delete": {"drain"} | emergency,
        "ledger: read": both | administrators,
        "ledger: write": both | emergency,
        "ledger: delete items": emergency,
        "sign in to Entra as the application": both,
        "invoke drain past the API": administrators,
        "change drain": administrators,
        "stored credential: read": both | administrators,
    }[what]


def document(template):
    """The tables, as SECURITY.md has them."""
    cells = answers(template)
    lines = []
    for deployment, head in [
        ("named", "With `ApiCallerArns`, `ApiReleaserArns`, `ApiApproverArns` and `BreakGlassArns` set (the emergency role is in the last alone):"),
        ("default", "With all four lists empty, as by default, the API alone (queue and ledger are as above, without the emergency):"),
    ]:
        rows = cells[deployment]
        people = list(next(iter(rows.values())))
        if deployment == "default":
            people = [who for who in people if any(row[who] for row in rows.values()) and "Break" not in who]
        lines += [head, "", "| | " + " | ".join(people) + " |", "|---|" + "---|" * len(people)]
        lines += [f"| `{what}` | " + " | ".join("yes" if row[who] else "–" for who in people) + " |" for what, row in rows.items()]
        lines.append("")
    return "\n".join(lines)


def main():
    template = source()
    found = list(faults(template))
    for fault in found:
        print(fault, file=sys.stderr)
    file = ROOT / "SECURITY.md"
    text = file.read_text()
    before, rest = text.split(BEGIN)
    new = f"{before}{BEGIN}\n\n{document(template)}\n{END}{rest.split(END)[1]}"
    if sys.argv[1:] == ["--write"]:
        file.write_text(new)
    elif new != text:
        print("SECURITY.md is not what the policies say: infra/check_access.py --write", file=sys.stderr)
        return 1
    print(f"{sum(len(row) for rows in answers(template).values() for row in rows.values())} cells, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
