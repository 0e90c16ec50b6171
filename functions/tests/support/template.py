"""Prints template.yaml as JSON, with CloudFormation's short tags in their long form."""

import json
import sys

import yaml


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's tags."""


def long_form(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", long_form)
# Dates stay as they are written.
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in Loader.yaml_implicit_resolvers.items()
}

with open(sys.argv[1], encoding="utf-8") as template:
    json.dump(yaml.load(template, Loader), sys.stdout)
