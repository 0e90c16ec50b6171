"""A simulated tenant for the benchmarks, the programs that work on it, and what its journal says of them."""

import collections
import concurrent.futures
import datetime
import json
import os
import re
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

from script import Graph

BINARIES = Path(os.environ["BINARIES"])
STRONG = {"phone", "microsoftAuthenticator", "softwareOath"}


class Budget:
    """So many requests of each limited resource in so many seconds; `None` for no limit.

    `told` is how many report requests in 10 s the program is told of: Microsoft documents 5, which is its default.
    """

    def __init__(self, name, authentication=None, reports=None, told=5):
        self.name, self.limits, self.told = name, {}, told
        if authentication:
            self.limits = {"authentication": authentication, "reports": reports, "Conditional Access": (1, 1)}

    def arguments(self):
        if not self.limits:
            return ["--budget", "off"]
        of = {name: "%d/%d" % limit for name, limit in self.limits.items()}
        return ["--authentication-limit", of["authentication"], "--report-limit", of["reports"]]

    def per_second(self, resource):
        if resource not in self.limits:
            return None
        requests, seconds = self.limits[resource]
        return requests / seconds


class Tenant:
    """A simulator in a process of its own, from `with` on. The same arguments make the same people."""

    def __init__(self, users, budget, *, latency="20-300", removal="3-10", seed=5, more=()):
        self.command = [
            str(BINARIES / "simulator"), "--port", "0", "--users", str(users), "--seed", str(seed),
            "--latency", latency, "--removal-delay", removal, *budget.arguments(), *more,
        ]
        self.budget, self.seed, self.longest_lag = budget, seed, removal.split("-")[-1]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        self.folder = tempfile.TemporaryDirectory()
        self.variables = {}
        while "SECOND_LOOK_MINUTES" not in self.variables:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit("the simulator ended: " + " ".join(self.command))
            if found := re.match(r"export ([A-Z_]+)=(.*)", line):
                self.variables[found[1]] = found[2]
        self.address = self.variables["GRAPH_ENDPOINT"]
        self.people = self.ask("users")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()

    def ask(self, what):
        """What the tenant says of itself; this is not in its journal."""
        with urllib.request.urlopen(f"{self.address}/_simulator/{what}") as answer:
            return json.load(answer)

    def cpu(self):
        """The seconds of CPU that the simulator has taken."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def environment(self, **more):
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        limits = {
            "MAX_ROLLBACKS_PER_DAY": "1000000", "MAX_FAILURE_PERCENT": "100",
            "GRAPH_REPORTS_PER_10_SECONDS": str(self.budget.told),
        }
        return keep | self.variables | limits | more

    def start(self, arguments, name="one"):
        """Starts the command line with a ledger of that name."""
        ledger = Path(self.folder.name, f"{name}.ledger")
        command = [str(BINARIES / "mfa-rollback"), *arguments, "--ledger", str(ledger), "--format", "json"]
        out, log = (open(Path(self.folder.name, f"{name}.{end}"), "w+") for end in ("json", "log"))
        return Job(subprocess.Popen(command, env=self.environment(), stdout=out, stderr=log), out, log)

    def rollback(self, ids, name):
        """Starts the command line for these users, with a ledger of that name."""
        path = Path(self.folder.name, f"{name}.txt")
        path.write_text("".join(f"{user}\n" for user in ids))
        return self.start(["rollback", "--mode", "enforce", "--yes", "--path", str(path), "--reason", "benchmark"], name)

    def script(self, ids, *arguments):
        """Starts the sequential script for these users."""
        path = Path(self.folder.name, "ids.txt")
        path.write_text("".join(f"{user}\n" for user in ids))
        command = ["python3", str(Path(__file__).with_name("script.py")), str(path), *arguments]
        command += ["--patience", self.longest_lag]
        out, log = (open(Path(self.folder.name, f"script.{end}"), "w+") for end in ("json", "log"))
        return Job(subprocess.Popen(command, env=self.environment(), stdout=out, stderr=log), out, log)

    def registered(self):
        """The ids of those who have a registration of the window, by the tenant's truth."""
        return [user["id"] for user in self.people
                if user["expected"] not in ("none", "held(ambiguous_event)")]

    def audit_records(self):
        """How many records the audit log has from the window's start on, as a twin without limits shows them."""
        with Tenant(len(self.people), Budget("none"), latency="0", seed=self.seed) as twin:
            graph, count = Graph(twin.variables), 0
            asked = {"$filter": "activityDateTime ge " + twin.variables["PREVIEW_ENABLED_AT"], "$top": "999"}
            path = "/v1.0/auditLogs/directoryAudits?" + urllib.parse.urlencode(asked)
            while path:
                _, page = graph.send("GET", path)
                count += len(page["value"])
                path = page.get("@odata.nextLink", "").removeprefix(twin.address)
        return count

    def journal(self):
        return [Request(entry) for entry in self.ask("journal")]


class Job:
    """A running program."""

    def __init__(self, process, out, log):
        self.process, self.out, self.log, self.began = process, out, log, time.monotonic()

    def result(self, ends=(0, 1)):
        """Waits for its end, and returns what it printed. An exit code but these stops the benchmark."""
        self.mebibytes, pid = 0, 0
        while not pid:
            self.mebibytes = max(self.mebibytes, self.resident())
            time.sleep(0.01)
            pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        self.seconds = time.monotonic() - self.began
        self.cpu, self.blocks = usage.ru_utime + usage.ru_stime, usage.ru_oublock
        self.process.returncode = self.exit = os.waitstatus_to_exitcode(status)
        self.out.seek(0)
        self.log.seek(0)
        if self.exit not in ends:
            raise SystemExit(f"{self.process.args[:3]} ended with {self.exit}: {self.log.read()[-2000:]}")
        printed = self.out.read()
        return json.loads(printed) if printed else None


    def resident(self):
        """The most MiB that were resident until now. What `wait4` says counts this process's own memory before `exec`."""
        try:
            found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())
        except FileNotFoundError:
            return 0
        return int(found[1]) / 1024 if found else 0


def at_once(work, of):
    """Does the same with each, all at once, and returns the results."""
    with concurrent.futures.ThreadPoolExecutor(len(of)) as pool:
        return list(pool.map(work, of))


class Request:
    """One request of the journal."""

    def __init__(self, entry):
        self.at = datetime.datetime.fromisoformat(entry["at"][:26].rstrip("Z") + "+00:00").timestamp()
        self.method, self.path, self.status = entry["method"], urllib.parse.unquote(entry["path"]), entry["status"]
        self.acted, self.throttled, self.user = entry["acted"], entry["throttled"], entry["user"]
        if not self.user and "targetResources" in self.path:
            named = re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", self.path)
            self.user = named and named[0]
        self.resource = self.of_resource()

    def of_resource(self):
        """What the request counts against, as Graph documents its limits."""
        path = self.path.split("?")[0].split("/")[2:]
        if path[0] in ("auditLogs", "reports"):
            return "reports"
        if path[0] == "users" and len(path) > 2 and path[2] == "authentication":
            return "authentication"
        if path[:2] == ["identity", "conditionalAccess"]:
            return "Conditional Access"
        return "sign-in" if "oauth2" in path else "directory"

    def reads(self):
        """What is read of which user, where the same answer may be asked for twice; else `None`."""
        if self.method == "GET" and self.user and not self.throttled:
            return self.user, self.path.split("?")[0]
        return None


def rolled_back(journal):
    """The users of whom something was deleted, with the number of their DELETEs that acted."""
    return collections.Counter(it.user for it in journal if it.method == "DELETE" and it.acted)
