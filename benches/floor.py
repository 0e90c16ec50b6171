"""What a run had to ask of Graph, how fast the budgets allow that, and how near the run came.

The requests that the rules demand are counted from the tenant's truth, not from what was asked:

- authentication: per-user MFA and the methods of everybody whose account is there (one refusal tells that the account is
  in a restricted unit); for whoever was rolled back also one DELETE a method, one read that it is gone, and the change of
  the default method where it was changed.
- reports: the log's registrations and the registration report once, and a story for each who was rolled back: by user,
  or in bulk, which may be 2 minutes old, if that takes fewer requests.
- Conditional Access: its lists once, and one question for each who was rolled back, if any was asked.
"""

import collections
import math

from tenant import rolled_back

PAGE = 999
BULK_IS_OLD_AFTER = 120
METHODS_ARE_OLD_AFTER = 5
SETTLING = 20
SETTLED_UNTIL = 0.9


def demand(tenant, ids, journal, may_be_in_bulk=True):
    """The number of requests of each limited resource that the rules demand."""
    people, gone, asked = tenant.people, rolled_back(journal), set(ids)
    authentication = 0
    for user in people:
        if user["id"] in asked and not user["deleted"]:
            authentication += 1 if user["expected"] == "held(per_user_mfa_unknown)" else 2
    authentication += sum(gone.values()) + len(gone)
    authentication += sum(it.method == "PATCH" and it.acted for it in journal if it.resource == "authentication")
    lists = 2 if any("directoryAudits" in it.path and not it.user for it in journal) else 0
    questions = [it for it in journal if "evaluate" in it.path and it.acted]
    policies = {it.path for it in journal if it.resource == "Conditional Access" and it not in questions}
    takes = authentication / (tenant.budget.per_second("authentication") or math.inf)
    in_bulk = math.ceil(tenant.audit_records() / PAGE) * math.ceil(takes / BULK_IS_OLD_AFTER or 1)
    return {
        "authentication": authentication,
        "reports": lists + min(len(gone), in_bulk if may_be_in_bulk else math.inf),
        "Conditional Access": len(policies) + min(len(questions), len(gone)),
    }


def floors(budget, needed):
    """The seconds that each resource takes at its budget, without its first burst."""
    return {name: count / budget.per_second(name) for name, count in needed.items() if budget.per_second(name)}


def repeated(journal):
    """How many reads asked again what had not changed: before the first DELETE of a user, those of them whose answer had
    become too old, and after a DELETE (a second look at what still shows among them)."""
    last, deleted, before, aged, after = {}, set(), 0, 0, 0
    for it in journal:
        if it.method == "DELETE" and it.acted:
            deleted.add(it.user)
            last = {what: at for what, at in last.items() if what[0] != it.user}
        if what := it.reads():
            if what in last:
                is_after = it.user in deleted
                before, after = before + (not is_after), after + is_after
                aged += not is_after and it.at - last[what] > METHODS_ARE_OLD_AFTER
            last[what] = it.at
    return before, aged, after


def settled(journal, resource):
    """The requests of a resource, between 20 s after its first of a user and the moment when 9 of 10 were granted."""
    of = [it for it in journal if it.resource == resource]
    users = [it.at for it in of if it.user]
    granted = [it.at for it in of if not it.throttled]
    if not users:
        return [], 0
    start, end = users[0] + SETTLING, granted[int(len(granted) * SETTLED_UNTIL) - 1]
    return [it for it in of if start <= it.at < end], max(0, end - start)


def share(some, all_):
    return "-" if not all_ else f"{some / all_:.1%}"


class Figures:
    """What a journal says of a run of so many seconds."""

    def __init__(self, tenant, ids, journal, seconds):
        self.seconds, self.users, self.journal, self.budget = seconds, len(ids), journal, tenant.budget
        self.needed = demand(tenant, ids, journal)
        self.floors = floors(tenant.budget, self.needed)
        self.by_user = floors(tenant.budget, demand(tenant, ids, journal, may_be_in_bulk=False))
        self.binds = max(self.floors, key=self.floors.get) if self.floors else None
        expected = {it["id"] for it in tenant.people if it["expected"] == "rolled_back" and it["id"] in set(ids)}
        self.gone = set(rolled_back(journal))
        self.wrong = self.gone - expected
        self.missed = expected - self.gone

    def against(self, floors):
        """The resource that binds, its floor, and how near the run came."""
        binds = max(floors, key=floors.get)
        return f"{binds} {floors[binds]:.1f} s, time/floor {self.seconds / floors[binds]:.2f}"

    def used(self, resource):
        """The share of a budget that was used: over the whole run, and once settled."""
        rate = self.budget.per_second(resource)
        whole = sum(it.resource == resource and not it.throttled for it in self.journal) / (self.seconds * rate)
        some, length = settled(self.journal, resource)
        if length < 10:
            return f"{resource} {whole:.0%}, settled: too short to say"
        granted = sum(not it.throttled for it in some) / (length * rate)
        return f"{resource} {whole:.0%}, settled {granted:.0%} of {length:.0f} s"

    def refused(self):
        """The share of requests that were answered 429: in the whole run, and once settled."""
        rest, _ = settled(self.journal, self.binds or "authentication")
        return (share(sum(it.throttled for it in self.journal), len(self.journal)),
                share(sum(it.throttled for it in rest), len(rest)))

    def print(self, name):
        print(f"\n{name}: {self.seconds:.1f} s for {self.users} users, {len(self.gone)} rolled back"
              + (f", {len(self.missed)} MISSED" if self.missed else "")
              + (f", {len(self.wrong)} WRONGLY" if self.wrong else ""))
        if self.binds:
            print(f"  floor: {self.against(self.floors)}; with a story by user, not in bulk: {self.against(self.by_user)}")
            print("  budget used: " + "; ".join(self.used(it) for it in ("authentication", "reports")))
        else:
            print(f"  {self.users / self.seconds:.1f} users/s")
        whole, rest = self.refused()
        count = collections.Counter(it.resource for it in self.journal)
        refusals = collections.Counter(it.resource for it in self.journal if it.throttled)
        before, aged, after = repeated(self.journal)
        print(f"  429: {whole}; settled: {rest}; reads repeated before a DELETE: {before}, "
              f"{aged} of these for age; after it: {after}")
        for resource in sorted(count):
            needed = f", demanded {self.needed[resource] / self.users:.2f}" if resource in self.needed else ""
            print(f"  {resource:<19}{count[resource] / self.users:6.2f} a user{needed}; "
                  f"{count[resource]} requests, {refusals[resource]} of these 429")
