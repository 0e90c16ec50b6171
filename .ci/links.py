"""Whether every relative link in the documents leads somewhere, headings included: `python3 .ci/links.py`."""

import re
import subprocess
import sys
from pathlib import Path

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def documents():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], capture_output=True, check=True, text=True
    )
    return [Path(line) for line in listed.stdout.splitlines()]


def anchors(text):
    """The anchors that GitHub makes of the headings."""
    found = set()
    for heading in re.findall(r"^#+ +(.+)$", FENCE.sub("", text), re.MULTILINE):
        heading = LINK.sub(lambda link: link.group(0)[1 : link.group(0).index("]")], heading)
        anchor = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        number, base = 0, anchor
        while anchor in found:
            number += 1
            anchor = f"{base}-{number}"
        found.add(anchor)
    return found


def broken(document):
    for link in LINK.findall(FENCE.sub("", document.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        if not target.exists():
            yield f"{document}: {link}: there is no such file"
        elif anchor and anchor not in anchors(target.read_text()):
            yield f"{document}: {link}: there is no such heading"


def main():
    every = documents()
    faults = [fault for document in every for fault in broken(document)]
    print("\n".join(faults) if faults else f"every link of {len(every)} documents leads somewhere")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
