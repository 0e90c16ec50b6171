"""The PowerShell script that Microsoft published for this, on Graph: one user of a file of ids after another.

`script.py FILE [--sleep-ms 750] [--patience SECONDS]`. What it does of each user is what that script does: read the user, read whether
per-user MFA is on, and if it is not and there are strong methods, remove them all; then sleep. MSOnline removed them by
one call, Graph by one DELETE a method, and not the default method before the others are out of sight: it asks again each
second, as long as it has patience. On 429 it waits as Graph's PowerShell module does: as long as the answer says, else 3 s, doubled each time.
"""

import argparse
import http.client
import json
import os
import time
import urllib.parse

SEGMENTS = {
    "#microsoft.graph.phoneAuthenticationMethod": "phoneMethods",
    "#microsoft.graph.softwareOathAuthenticationMethod": "softwareOathMethods",
    "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod": "microsoftAuthenticatorMethods",
}


class Graph:
    """One connection, kept open."""

    def __init__(self, variables):
        address = urllib.parse.urlsplit(variables["GRAPH_ENDPOINT"])
        self.connection, self.headers = http.client.HTTPConnection(address.netloc), {}
        form = urllib.parse.urlencode({
            "client_id": variables["AZURE_CLIENT_ID"], "client_secret": variables["AZURE_CLIENT_SECRET"],
            "grant_type": "client_credentials", "scope": variables["GRAPH_ENDPOINT"] + "/.default",
        })
        kind = {"content-type": "application/x-www-form-urlencoded"}
        status, answer = self.send("POST", f"/{variables['AZURE_TENANT_ID']}/oauth2/v2.0/token", form, kind)
        if status != 200:
            raise SystemExit(f"no token: {status} {answer}")
        self.headers = {"authorization": "Bearer " + answer["access_token"]}

    def send(self, method, path, body=None, headers=None):
        wait = 3
        while True:
            self.connection.request(method, path, body, headers or self.headers)
            answer = self.connection.getresponse()
            text = answer.read()
            if answer.status != 429:
                return answer.status, json.loads(text) if text else None
            time.sleep(seconds(answer.getheader("retry-after"), wait))
            wait *= 2


def seconds(retry_after, otherwise):
    """Reads `Retry-After`, a number or a date."""
    if retry_after is None:
        return otherwise
    try:
        return float(retry_after)
    except ValueError:
        until = time.strptime(retry_after, "%a, %d %b %Y %H:%M:%S %Z")
        return max(0, time.mktime(until) - time.timezone - time.time())


def roll_back(graph, user, patience):
    """Whether the user was rolled back: `None` if not eligible."""
    status, _ = graph.send("GET", f"/v1.0/users/{user}?$select=id,userPrincipalName")
    if status != 200:
        return None
    status, answer = graph.send("GET", f"/beta/users/{user}/authentication/requirements")
    if status != 200 or answer["perUserMfaState"] != "disabled":
        return None
    status, answer = graph.send("GET", f"/v1.0/users/{user}/authentication/methods")
    if status != 200:
        return None
    strong = [(SEGMENTS[it["@odata.type"]], it["id"]) for it in answer["value"] if it["@odata.type"] in SEGMENTS]
    if not strong:
        return None
    while True:
        refused = []
        for segment, method in strong:
            status, _ = graph.send("DELETE", f"/v1.0/users/{user}/authentication/{segment}/{method}")
            if status not in (204, 404):
                refused.append((segment, method))
        if not refused:
            return True
        if len(refused) == len(strong):
            if patience <= 0:
                return False
            time.sleep(1)
            patience -= 1
        strong = refused


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--sleep-ms", type=int, default=0)
    parser.add_argument("--patience", type=int, default=0)
    how = parser.parse_args()
    graph, became = Graph(os.environ), {True: 0, False: 0, None: 0}
    with open(how.file, encoding="utf-8") as lines:
        for line in lines:
            became[roll_back(graph, line.strip(), how.patience)] += 1
            time.sleep(how.sleep_ms / 1000)
    print(json.dumps({"rolled_back": became[True], "left": became[False], "not_eligible": became[None]}))


if __name__ == "__main__":
    main()
