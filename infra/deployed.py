"""A transformed template as a deployment has it: conditions decided, intrinsic functions worked out."""

import re

from transformed import ACCOUNT, REGION, defaults

STACK = "mfa-rollback"
STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/0a1b2c3d-0000-0000-0000-000000000000"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": STACK_ID,
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}
NO_VALUE = object()

# What names a resource, where the template gives it a name.
NAMES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SQS::Queue": "QueueName",
}
ARNS = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{}}",
    "AWS::IAM::ManagedPolicy": f"arn:aws:iam::{ACCOUNT}:policy/{{}}",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{{}}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{}}:*",
    "AWS::SNS::Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:{{}}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{}}",
}
# Whose Ref is the ARN.
BY_ARN = {"AWS::IAM::ManagedPolicy", "AWS::SNS::Topic"}


class Missing(Exception):
    """A reference to what is not there."""


class Deployment:
    """The resources of a deployment with these parameters, worked out."""

    def __init__(self, template, given=()):
        self.template = template
        self.values = defaults(template, given) | PSEUDO
        self.present = {
            name: resource
            for name, resource in template["Resources"].items()
            if "Condition" not in resource or self.condition(resource["Condition"])
        }
        self.resources = {
            name: {
                "Type": resource["Type"],
                "DependsOn": self.needed(resource),
                "Properties": self.worked_out(resource.get("Properties", {})),
            }
            for name, resource in self.present.items()
        }
        for output in template.get("Outputs", {}).values():
            if "Condition" not in output or self.condition(output["Condition"]):
                self.worked_out(output["Value"])

    def of_type(self, kind):
        """Properties by logical id."""
        return {name: r["Properties"] for name, r in self.resources.items() if r["Type"] == kind}

    def needed(self, resource):
        """What a resource waits for, which has to be there."""
        others = resource.get("DependsOn", [])
        others = [others] if isinstance(others, str) else others
        for other in others:
            self.resource(other)
        return others

    def condition(self, name):
        """Whether a condition of the template holds."""
        return self.holds(self.template["Conditions"][name])

    def holds(self, rule):
        """Whether a condition's rule holds."""
        (function, arguments), = rule.items()
        if function == "Condition":
            return self.condition(arguments)
        if function == "Fn::Equals":
            return self.worked_out(arguments[0]) == self.worked_out(arguments[1])
        results = [self.holds(argument) for argument in arguments]
        return {"Fn::Not": not results[0], "Fn::And": all(results), "Fn::Or": any(results)}[function]

    def resource(self, name):
        """A resource as the template has it."""
        if name not in self.present:
            raise Missing(f"{name} is not there")
        return self.present[name]

    def name(self, name):
        """A resource's own name."""
        resource = self.resource(name)
        given = resource.get("Properties", {}).get(NAMES.get(resource["Type"]))
        return name if given is None else self.worked_out(given)

    def arn(self, name):
        """A resource's ARN."""
        pattern = ARNS.get(self.resource(name)["Type"])
        return pattern.format(self.name(name)) if pattern else f"{name}.Arn"

    def ref(self, name):
        """What Ref gives."""
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.values:
            return self.values[name]
        return self.arn(name) if self.resource(name)["Type"] in BY_ARN else self.name(name)

    def attribute(self, name, attribute):
        """What Fn::GetAtt gives."""
        if attribute == "Arn":
            return self.arn(name)
        self.resource(name)
        return self.name(name) if attribute == "QueueName" else f"{name}.{attribute}"

    def substituted(self, arguments):
        """What Fn::Sub gives."""
        text, local = (arguments, {}) if isinstance(arguments, str) else arguments
        local = {name: self.worked_out(value) for name, value in local.items()}

        def value(match):
            name = match.group(1)
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in local:
                return str(local[name])
            return str(self.attribute(*name.split(".", 1)) if "." in name else self.ref(name))

        return re.sub(r"\$\{([^}]+)\}", value, text)

    def worked_out(self, value):
        """A value without intrinsic functions; those that are not known here are an error."""
        if isinstance(value, list):
            return [item for item in map(self.worked_out, value) if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        function, arguments = next(iter(value.items())) if len(value) == 1 else ("", None)
        if function == "Ref":
            return self.ref(arguments)
        if function == "Fn::If":
            return self.worked_out(arguments[1 if self.condition(arguments[0]) else 2])
        if function == "Fn::GetAtt":
            return self.attribute(*(arguments.split(".", 1) if isinstance(arguments, str) else arguments))
        if function == "Fn::Sub":
            return self.substituted(arguments)
        if function == "Fn::Join":
            return arguments[0].join(self.worked_out(arguments[1]))
        if function == "Fn::Split":
            return self.worked_out(arguments[1]).split(arguments[0])
        if function == "Fn::Select":
            return self.worked_out(arguments[1])[int(arguments[0])]
        if function.startswith("Fn::"):
            raise ValueError(f"{function} is not known here")
        fields = ((key, self.worked_out(item)) for key, item in value.items())
        return {key: item for key, item in fields if item is not NO_VALUE}
