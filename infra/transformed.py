"""template.yaml as CloudFormation gets it: the API's description put in its place, SAM's part transformed."""

import copy
import json
import logging
import os
from pathlib import Path

import yaml
from samtranslator.parser import parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

# The transform tells of its own features.
logging.getLogger("samtranslator").setLevel(logging.CRITICAL)

ROOT = Path(__file__).resolve().parent.parent
REGION = "eu-west-1"
ACCOUNT = "123456789012"
os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
# Where the code lies by the time that the transform runs.
CODE = "s3://code/functions.zip"

# The parameters without a default, those of the packaged template among them.
REQUIRED = {
    "CodeBucket": "code",
    "CodePrefix": "first/",
    "AzureTenantId": "00000000-0000-0000-0000-000000000000",
    "AzureClientId": "00000000-0000-0000-0000-000000000000",
    "PreviewEnabledAt": "2026-02-01T00:00:00Z",
    "PreviewDisabledAt": "2026-03-01T00:00:00Z",
}


def source(root=ROOT):
    """template.yaml with what it includes."""
    template = yaml_parse((root / "template.yaml").read_text())
    for resource in template["Resources"].values():
        body = resource["Properties"].get("DefinitionBody", {})
        include = body.get("Fn::Transform") if isinstance(body, dict) else None
        if include:
            resource["Properties"]["DefinitionBody"] = yaml.safe_load((root / include["Parameters"]["Location"]).read_text())
    return template


def defaults(template, given=()):
    """The value of each parameter in a deployment that gives these."""
    values = {name: str(parameter.get("Default", "")) for name, parameter in template["Parameters"].items()}
    return values | {name: value for name, value in REQUIRED.items() if name in values} | dict(given)


def transformed(template, given=()):
    """What SAM's transform makes of it in a deployment with these parameters."""
    template = copy.deepcopy(template)
    template["Globals"]["Function"]["CodeUri"] = CODE
    # The transform service knows the pseudo parameters and the values of all others.
    values = defaults(template, given) | {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws"}
    translator = Translator({}, parser.Parser())
    # The translator writes into what it is given.
    return json.loads(json.dumps(translator.translate(sam_template=template, parameter_values=values)))


def main():
    """Prints the transformed template, for checkov. What excuses a resource excuses what SAM makes beside it."""
    template = source()
    result = transformed(template)
    stage = result["Resources"]["ApiliveStage"]
    stage["Metadata"] = stage.get("Metadata", {}) | {"checkov": template["Resources"]["Api"]["Metadata"]["checkov"]}
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
