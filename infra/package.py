"""Writes template.yaml so that it needs nothing built and nothing beside it: `package.py FILE`. The API's description
stands inside it, and the archives come from a bucket that its parameters name."""

import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PARAMETERS = """\
  CodeBucket:
    Type: String
    Description: The S3 bucket, in the stack's region, with the archives poll-ARCHITECTURE.zip and drain-ARCHITECTURE.zip.
    MaxLength: 63
    AllowedPattern: "^[a-z0-9][a-z0-9.-]{2,62}$"
    ConstraintDescription: must be a bucket's name
  CodePrefix:
    Type: String
    Description: What stands before the archives' names there, another one for other archives, such as 0.1.0/.
    MaxLength: 200
    AllowedPattern: "^([A-Za-z0-9._-]+/)+$"
    ConstraintDescription: must be folders, each with a slash behind it
"""
GROUP = """\
      - Label:
          default: Prebuilt archives
        Parameters:
          - CodeBucket
          - CodePrefix
"""
INCLUDE = """\
        Fn::Transform:
          Name: AWS::Include
          Parameters:
            Location: infra/openapi.yaml
"""
BUILT = """\
    # Not the workspace's root: only this package's features are built, and nothing of the CLI's.
    CodeUri: functions/
"""


def replaced(text, old, new):
    """The text with what stands there once replaced."""
    if text.count(old) != 1:
        sys.exit(f"template.yaml has {text.count(old)} of\n{old}")
    return text.replace(old, new)


def packaged():
    """The template's text."""
    text = (ROOT / "template.yaml").read_text()
    description = (ROOT / "infra/openapi.yaml").read_text()
    text = replaced(text, INCLUDE, textwrap.indent(description, "        "))
    text = replaced(text, BUILT, "")
    text = replaced(text, "Parameters:\n  AzureTenantId:\n", f"Parameters:\n{PARAMETERS}  AzureTenantId:\n")
    text = replaced(text, "    ParameterGroups:\n", f"    ParameterGroups:\n{GROUP}")
    for function in ["poll", "drain"]:
        named = f'      FunctionName: !Sub "${{AWS::StackName}}-{function}"\n'
        key = f"{{ Bucket: !Ref CodeBucket, Key: !Sub \"${{CodePrefix}}{function}-${{Architecture}}.zip\" }}"
        text = replaced(text, named, f"{named}      CodeUri: {key}\n")
        build = f"      BuildMethod: rust-cargolambda\n      BuildProperties:\n        Binary: {function}\n"
        text = replaced(text, build, "")
    # Other archives make a new version of the functions, too.
    return replaced(text, "        architecture=${Architecture}\n", "        code=${CodeBucket}/${CodePrefix}\n        architecture=${Architecture}\n")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(packaged())
