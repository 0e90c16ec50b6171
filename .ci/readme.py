"""Types the README's commands, as they are written, into a shell in a terminal: `python3 .ci/readme.py`,
after `cargo build --bin mfa-rollback --bin simulator`.

A simulated tenant stands behind them: where the README sets a variable, the shell takes this tenant's value. Three
things are not done as written: `cargo install` links what is built already, `cargo test` is a step of its own in
`.ci/run`, and `cargo run` works in the repository while the shell is in an empty folder.
"""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PROMPT = "README> "
COLUMNS = 100
LIMIT_SECONDS = 600

# A shell that does the three things otherwise, and has the tenant's variables beside it.
SHELL = """
PS1='{prompt}' PS2=''
stty cols {columns} -echo
bind 'set enable-bracketed-paste off' 2>/dev/null
export PATH="$PWD/bin:$PATH"
cargo() {{
  case "$1" in
    install) mkdir -p bin && ln -sf "{target}/debug/mfa-rollback" bin/mfa-rollback ;;
    test) ;;
    *) (cd "{root}" && command cargo "$@") ;;
  esac
}}
"""


def commands():
    """The lines of the README's shell blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def tenant():
    """Starts a simulated tenant, and returns it with its variables."""
    server = subprocess.Popen(
        [TARGET / "debug" / "simulator", "--users", "60", "--budget", "off", "--port", "0"], stdout=subprocess.PIPE
    )
    printed = b""
    while select.select([server.stdout], [], [], 5 if not printed else 1)[0]:
        printed += os.read(server.stdout.fileno(), 65536)
    return server, dict(re.findall(r"^export (\w+)=(.*)$", printed.decode(), re.MULTILINE))


class Terminal:
    """A shell in a terminal of its own."""

    def __init__(self, folder, environment):
        self.child, self.file = pty.fork()
        if self.child == 0:
            os.chdir(folder)
            os.execvpe("bash", ["bash", "--noprofile", "--rcfile", ".bashrc", "-i"], environment)

    def type(self, text):
        os.write(self.file, (text + "\n").encode())

    def until(self, *wanted):
        """Reads until one of these stands at the end, and returns everything read, and which."""
        read, begun = "", time.monotonic()
        while time.monotonic() - begun < LIMIT_SECONDS:
            if select.select([self.file], [], [], 1)[0]:
                read += os.read(self.file, 65536).decode(errors="replace")
                for end in wanted:
                    if read.endswith(end):
                        return read, end
        raise SystemExit(f"no answer in {LIMIT_SECONDS} s:\n{read}")

    def run(self, command, answers):
        """Types a command, answers what it asks, and returns its output and exit code."""
        self.type(command)
        output, end = self.until(PROMPT, *answers)
        while end != PROMPT:
            self.type(answers[end])
            more, end = self.until(PROMPT, *answers)
            output += more
        self.type("echo status=$?")
        return output, int(re.search(r"status=(\d+)", self.until(PROMPT)[0])[1])


def as_typed(line, variables):
    """The line, with this tenant's value where it sets a variable; the tenant names its canaries by group."""
    found = re.match(r"export (\w+)=", line)
    name = found and found[1].replace("CANARY_USER_IDS", "CANARY_GROUP_ID")
    return f"export {name}='{variables[name]}'" if name in variables else line


def main():
    server, variables = tenant()
    try:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(ROOT / "shared/tests/data/forms/made/graph-page.json", Path(folder) / "export.json")
            kept = ("PATH", "HOME", "LANG", "RUSTUP_HOME", "CARGO_HOME")
            environment = {name: os.environ[name] for name in kept if name in os.environ}
            environment |= {"TERM": "xterm-256color", "XDG_DATA_HOME": folder, "CARGO_TARGET_DIR": str(TARGET)}
            # Where the tenant is, and that a second look need not be waited for.
            here = ("AZURE_AUTHORITY_HOST", "GRAPH_ENDPOINT", "GRAPH_REPORTS_PER_10_SECONDS")
            environment |= {name: variables[name] for name in here if name in variables}
            environment |= {"SECOND_LOOK_MINUTES": "0", "GRAPH_REPORTS_PER_10_SECONDS": "1000", "GRAPH_REQUESTS_PER_SECOND": "200"}
            shell = SHELL.format(prompt=PROMPT, columns=COLUMNS, target=TARGET, root=ROOT)
            (Path(folder) / ".bashrc").write_text(shell)
            terminal = Terminal(folder, environment)
            terminal.until(PROMPT)
            answers = {"Type yes: ": "yes"}
            for line in commands():
                typed = as_typed(line, variables)
                if typed.startswith("read -rs"):
                    typed += "\n" + variables["AZURE_CLIENT_SECRET"]
                output, status = terminal.run(typed, answers)
                print(f"$ {line}\n  exit code {status}, {len(output.splitlines())} lines")
                if status:
                    raise SystemExit(output)
                if line.endswith("run --mode canary") and not re.search(r"\S+@\S+", output):
                    raise SystemExit(f"nobody has a name in a terminal:\n{output}")
            page = (Path(folder) / "report.html").read_text()
            if "to look at" not in page:
                raise SystemExit("report.html is no report")
            os.kill(terminal.child, signal.SIGHUP)
    finally:
        server.terminate()
    return 0


if __name__ == "__main__":
    sys.exit(main())
