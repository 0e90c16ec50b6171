"""`run` next to the sequential script that it replaces, on tenants alike; see against_script.sh."""

import sys

from floor import Figures
from tenant import Budget, Job, Tenant, at_once, rolled_back

AUTHENTICATION_BINDS = Budget("authentication binds", (60, 10), (1000, 10), told=1000)
NONE = Budget("no limits, 80 ms", told=1000)
RUN = ["run", "--mode", "enforce", "--yes"]


def compare(budget, users, ways, **how):
    """Runs each way on a tenant of its own, all at once: they wait most of the time."""
    print(f"\n{budget.name}, {users} users:")
    sys.stdout.flush()
    tenants = {name: Tenant(users, budget, **how) for name in ways}
    try:
        jobs = {name: start(tenant.__enter__()) for (name, tenant), start in zip(tenants.items(), ways.values())}
        answers = dict(zip(jobs, at_once(Job.result, jobs.values())))
        for name, job in jobs.items():
            journal = tenants[name].journal()
            ratio = job.seconds / jobs["run"].seconds
            refused = sum(it.throttled for it in journal)
            print(f"  {name:<24}{job.seconds:7.1f} s, {ratio:5.1f} x; {len(rolled_back(journal))} rolled back, "
                  f"{len(journal)} requests, {refused} of these 429"
                  + (f"; {answers[name]}" if name != "run" else ""))
        Figures(tenants["run"], tenants["run"].registered(), tenants["run"].journal(), jobs["run"].seconds).print("run")
        sys.stdout.flush()
    finally:
        for tenant in tenants.values():
            tenant.__exit__()


def main():
    run = {"run": lambda tenant: tenant.start(RUN)}
    plain = {"script": lambda tenant: tenant.script(tenant.registered())}
    sleeps = {"script, sleeps 750 ms": lambda tenant: tenant.script(tenant.registered(), "--sleep-ms", "750")}
    compare(AUTHENTICATION_BINDS, 80, run | plain | sleeps)
    compare(NONE, 80, run | plain | sleeps, latency="80", removal="0")
    compare(NONE, 800, run | plain, latency="80", removal="0")


if __name__ == "__main__":
    main()
