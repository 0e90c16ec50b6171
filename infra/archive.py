"""Zips a function's program so that the same program makes the same bytes: `archive.py PROGRAM ARCHITECTURE ZIP`."""

import re
import sys
import zipfile
from pathlib import Path

# ELF's numbers of the processors.
MACHINES = {"x86_64": 62, "arm64": 183}
# The C library of Lambda's provided.al2023 is 2.34.
NEWEST_LIBRARY = 34

program, architecture, archive = sys.argv[1:]
code = Path(program).read_bytes()
if code[:4] != b"\x7fELF" or int.from_bytes(code[18:20], "little") != MACHINES[architecture]:
    sys.exit(f"{program} is no program for {architecture}")
# Where cargo-auditable keeps the list of what is in the program.
if b".dep-v0" not in code:
    sys.exit(f"{program} does not say what is in it: it was not built by cargo auditable")
needed = max((int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", code)), default=0)
if needed > NEWEST_LIBRARY:
    sys.exit(f"{program} needs the C library 2.{needed}: it does not start on Lambda, which has 2.{NEWEST_LIBRARY}")
# The earliest time that a zip can have; it says nothing of when it was made.
entry = zipfile.ZipInfo("bootstrap", (1980, 1, 1, 0, 0, 0))
entry.external_attr = 0o100755 << 16
entry.create_system = 3
entry.compress_type = zipfile.ZIP_DEFLATED
with zipfile.ZipFile(archive, "w") as zipped:
    zipped.writestr(entry, code, compresslevel=9)
