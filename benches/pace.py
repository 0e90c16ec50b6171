"""How near `run` comes to what Graph's budgets allow: `pace.py [--plot FILE] [BUDGET]`; see pace.sh."""

import concurrent.futures
import sys
import threading
import time

import plot
from floor import Figures
from tenant import Budget, Tenant, at_once

USERS = 80
ATTEMPTS = 20
BUDGETS = [
    Budget("a third", (20, 10), (5, 30)),
    Budget("the budget", (60, 10), (5, 10)),
    Budget("four times", (240, 10), (20, 10), told=20),
    Budget("reports ample", (60, 10), (1000, 10), told=1000),
    Budget("none", told=1000),
]
LAGS = {"lag of 3 to 10 s": "3-10", "no lag": "0"}
RUN = ["run", "--mode", "enforce", "--yes"]
printing = threading.Lock()


def one(budget, lag):
    with Tenant(USERS, budget, removal=LAGS[lag]) as tenant:
        job = tenant.start(RUN)
        job.result()
        figures = Figures(tenant, tenant.registered(), tenant.journal(), job.seconds)
        with printing:
            figures.print(f"{budget.name}, {lag}")
            sys.stdout.flush()
    return figures


def two():
    """Two processes, each with a ledger of its own and half of the users."""
    for budget in BUDGETS[1], BUDGETS[3]:
        with Tenant(USERS, budget) as tenant:
            ids = tenant.registered()
            halves = {"one": ids[::2], "other": ids[1::2]}
            began = time.monotonic()
            runs = at_once(lambda name: until_handled(tenant, halves[name], name), halves)
            figures = Figures(tenant, ids, tenant.journal(), time.monotonic() - began)
            with printing:
                figures.print(f"two processes, {budget.name}, lag of 3 to 10 s")
                print("  runs until all were handled:", *runs)
                print("  shares of the binding budget while both work:", shares(figures, halves))
                sys.stdout.flush()


def until_handled(tenant, ids, name):
    """Runs again as long as the tenant cannot be reached (exit code 3), and returns how often it ran."""
    for attempt in range(1, ATTEMPTS + 1):
        job = tenant.rollback(ids, name)
        job.result(ends=(0, 1, 3))
        if job.exit != 3:
            return attempt
    raise SystemExit(f"{name}: not handled after {ATTEMPTS} runs")


def shares(figures, halves):
    """What each process was granted of the binding budget, from 20 s on until the first has 9 of 10 of its requests."""
    owner = {user: name for name, half in halves.items() for user in half}
    granted = {name: [] for name in halves}
    for it in figures.journal:
        if it.resource == figures.binds and not it.throttled and it.user in owner:
            granted[owner[it.user]].append(it.at)
    start = min(times[0] for times in granted.values()) + 20
    end = min(times[int(len(times) * 0.9) - 1] for times in granted.values())
    if end - start < 10:
        return "too short"
    whole = (end - start) * figures.budget.per_second(figures.binds)
    each = {name: sum(start <= at < end for at in times) / whole for name, times in granted.items()}
    return ", ".join(f"{name} {it:.0%}" for name, it in each.items()) + f", together {sum(each.values()):.0%}"


def main():
    arguments, file = sys.argv[1:], None
    if arguments[:1] == ["--plot"]:
        file, arguments = arguments[1], arguments[2:]
    only = arguments[0] if arguments else ""
    limited = [(budget, lag) for budget in BUDGETS if budget.limits for lag in LAGS]
    # They wait for their budgets most of the time, so that they can run side by side.
    with concurrent.futures.ThreadPoolExecutor(len(limited) + 1) as pool:
        jobs = {it: pool.submit(one, *it) for it in limited if only in it[0].name}
        both = pool.submit(two) if only in "two processes" else None
        runs = {it: job.result() for it, job in jobs.items()}
        if both:
            both.result()
    runs |= {(BUDGETS[-1], lag): one(BUDGETS[-1], lag) for lag in LAGS if only in "none"}
    if file:
        plot.draw(file, {f"{budget.name}, {lag}": it for (budget, lag), it in runs.items() if LAGS[lag] != "0"})


if __name__ == "__main__":
    main()
