"""How long reading 40 pages of the audit log takes, in real time, next to what 5 requests in 10 s allow; see poll.sh."""

import math
import time

from tenant import Budget, Tenant

USERS, PAGES = 400, 40
REPORTS = (5, 10)


def main():
    with Tenant(USERS, Budget("none", told=1000), latency="0") as twin:
        job = twin.start(["run", "--mode", "report"])
        events = job.result()["poll"]["events_read"]
    more = ["--audit-page-size", str(math.ceil(events / PAGES))]
    with Tenant(USERS, Budget("reports", (1000, 1), REPORTS), latency="20-300", more=more) as tenant:
        job = tenant.start(["run", "--mode", "report"])
        pages, reports = pages_of(tenant)
        while len(pages) < PAGES and job.process.poll() is None:
            time.sleep(1)
            pages, reports = pages_of(tenant)
        job.process.terminate()
        job.process.wait()
    throttled = sum(it.throttled for it in reports)
    took = pages[-1].at - reports[0].at
    floor = (math.ceil(len(reports) / REPORTS[0]) - 1) * REPORTS[1]
    print(f"{events} events in {len(pages)} pages, {len(reports)} report requests, {throttled} of these 429: {took:.1f} s; "
          f"5 in any 10 s allow {floor} s: {took / floor:.2f} x")


def pages_of(tenant):
    """The pages of the log's scan that were granted, and every report request until the last of them."""
    journal = [it for it in tenant.journal() if it.resource == "reports"]
    pages = [it for it in journal if "directoryAudits" in it.path and not it.user and it.acted]
    return pages, [it for it in journal if not pages or it.at <= pages[-1].at]


if __name__ == "__main__":
    main()
