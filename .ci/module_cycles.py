"""Fails where modules of a crate use each other in a circle. Reads the graph of `cargo modules dependencies`.

cargo-modules has `--acyclic`, but judges before its own filters, and takes "owns" for a use.
"""

import re
import sys
from graphlib import CycleError, TopologicalSorter

USE = re.compile(r'\s*"([^"]+)" -> "([^"]+)" \[label="uses"')

uses = {}
for module, used in (match.groups() for match in map(USE.match, sys.stdin) if match):
    if module != used:
        uses.setdefault(module, set()).add(used)
if not uses:
    sys.exit("no module uses another: is this the graph of cargo-modules?")
try:
    TopologicalSorter(uses).prepare()
except CycleError as error:
    sys.exit("modules use each other in a circle: " + " <- ".join(error.args[1]))
print(f"{len(uses)} modules, {sum(map(len, uses.values()))} uses, no circle")
