"""Decides as AWS does whether somebody may do something, by the policies on both sides.

Knows the elements, operators and keys that this repository's policies use, and stops at any other: a policy that is
half understood proves nothing. Source: IAM User Guide, "Policy evaluation logic" and "Condition operators".
"""

import re
from dataclasses import dataclass, field

from transformed import ACCOUNT

ELEMENTS = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}


@dataclass(frozen=True)
class Principal:
    """Who asks: a user, or the role whose session it is, with its own policies and what else a request carries."""

    arn: str
    policies: tuple = ()
    context: dict = field(default_factory=dict)

    @property
    def account(self):
        """The account that it belongs to."""
        return self.arn.split(":")[4]

    def keys(self):
        """The condition keys of its requests, each with its values."""
        own = {
            "aws:PrincipalArn": [self.arn],
            "aws:PrincipalAccount": [self.account],
            # Every request is signed, and the doors below listen to nothing else.
            "aws:SecureTransport": ["true"],
        }
        return own | self.context


def allowed(principal, action, resource, resource_policies=(), request=None):
    """Whether a principal may do an action to a resource of ours, which may have policies of its own.

    Within the account either side's Allow is enough, across accounts both are needed, and a Deny lifts any Allow.
    """
    keys = principal.keys() | (request or {})
    said = lambda policies: {
        statement["Effect"]
        for policy in policies
        for statement in listed(policy["Statement"])
        if fits(statement, action, resource, keys)
    }
    own, other = said(principal.policies), said(resource_policies)
    if "Deny" in own | other:
        return False
    both = [("Allow" in own), ("Allow" in other)]
    return any(both) if principal.account == ACCOUNT else all(both)


def fits(statement, action, resource, keys):
    """Whether a statement speaks of this request."""
    unknown = statement.keys() - ELEMENTS
    if unknown:
        raise ValueError(f"not understood in a policy: {sorted(unknown)}")
    # Each is looked at, whatever the others say, so that none is overlooked.
    return all([
        of_everybody(statement.get("Principal", "*")),
        any(alike(pattern.lower(), action.lower()) for pattern in listed(statement["Action"])),
        any(alike(pattern, resource) for pattern in listed(statement["Resource"])),
        all([
            holds(operator, key, [str(value) for value in listed(values)], keys.get(key))
            for operator, condition in statement.get("Condition", {}).items()
            for key, values in condition.items()
        ]),
    ])


def of_everybody(principal):
    """Whether a statement is for users and roles; the others here are for AWS's services."""
    if principal == "*":
        return True
    if principal.keys() == {"Service"}:
        return False
    raise ValueError(f"principal {principal} is not understood")


def holds(operator, key, values, actual):
    """One key under one operator. A key that the request does not have fails, unless the operator negates."""
    if operator == "Null":
        return (actual is None) == (values == ["true"])
    if operator.startswith("ForAllValues:"):
        return all(holds(operator.removeprefix("ForAllValues:"), key, values, [one]) for one in actual or [])
    compare, negated = {
        "ArnEquals": (arns_alike, False),
        "ArnLike": (arns_alike, False),
        "ArnNotEquals": (arns_alike, True),
        "ArnNotLike": (arns_alike, True),
        "Bool": (lambda value, got: value.lower() == got.lower(), False),
        "NumericLessThanEquals": (lambda value, got: float(got) <= float(value), False),
        "StringEquals": (str.__eq__, False),
        "StringLike": (alike, False),
        "StringNotEquals": (str.__eq__, True),
    }[operator]
    if actual is None:
        return negated
    (got,) = actual
    return any(compare(value, got) for value in values) != negated


def listed(value):
    """One value or a list of them."""
    return value if isinstance(value, list) else [value]


def alike(pattern, text):
    """Whether a text fits a pattern with * and ?."""
    pattern = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(pattern, text, re.DOTALL) is not None


def arns_alike(pattern, arn):
    """Each of the six parts by itself."""
    patterns, parts = pattern.split(":", 5), arn.split(":", 5)
    return len(patterns) == len(parts) == 6 and all(map(alike, patterns, parts))
