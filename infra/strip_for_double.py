"""Takes out of a packaged template what ministack does not have: `strip_for_double.py IN OUT`. Each of these is
left to the checks of the transformed template."""

import sys
from pathlib import Path

import yaml
from samtranslator.yaml_helper import yaml_parse

# Saved queries, and the gradual change of an alias.
MISSING = {"AWS::Logs::QueryDefinition"}

template = yaml_parse(Path(sys.argv[1]).read_text())
resources = template["Resources"]
for name in [name for name, resource in resources.items() if resource["Type"] in MISSING]:
    del resources[name]
resources["DrainFunction"]["Properties"].pop("DeploymentPreference")
Path(sys.argv[2]).write_text(yaml.safe_dump(template, sort_keys=False, width=1000000))
