"""Zips a function's program so that the same program makes the same bytes: `archive.py PROGRAM ZIP`."""

import sys
import zipfile
from pathlib import Path

program, archive = sys.argv[1:]
# The earliest time that a zip can have; it says nothing of when it was made.
entry = zipfile.ZipInfo("bootstrap", (1980, 1, 1, 0, 0, 0))
entry.external_attr = 0o100755 << 16
entry.create_system = 3
entry.compress_type = zipfile.ZIP_DEFLATED
with zipfile.ZipFile(archive, "w") as zipped:
    zipped.writestr(entry, Path(program).read_bytes(), compresslevel=9)
