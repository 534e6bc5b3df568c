"""What the tests of the Deployment tab share: a service of its own, and a change as a program makes one.

A change is looked at, then made at what was looked at, confirmed where that is asked, and followed until its job ends.
"""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from werkzeug.test import TestResponse

from opsmodal.demo.cluster import Cluster
from tests.web.conftest import Installation, Seed, installed

SETTLE_S = 90.0
POLL_S = 0.1
LINE_S = 60.0
Obj = dict[str, Any]


class Reachable(Protocol):
    """A cluster that has a kubeconfig."""

    def kubeconfig(self) -> str: ...


def operated(folder: Path, seed: Seed, cluster: Reachable, namespace: str, **more: Any) -> Installation:
    """Make an installation with one more service: all of a namespace, in production, under its manager."""
    made = installed(folder, seed, cast(Cluster, cluster), **more)
    service = {"name": namespace, "runtime": "demo", "namespace": namespace, "environment": "production"}
    made.registry.put("services", service)
    for user in ("viewer", "manager"):
        made.registry.put("grants", {"user": user, "role": user, "services": [namespace]})
    return made


@dataclass(frozen=True)
class Kubectl:
    """The real kubectl, as somebody uses it beside us."""

    program: Path
    kubeconfig: Path

    def said(self, line: str, *, typed: str | None = None) -> str:
        """Run a line; give what it prints."""
        argv = [self.program, "--kubeconfig", self.kubeconfig, *line.split()]
        done = subprocess.run(argv, capture_output=True, text=True, input=typed, timeout=LINE_S, check=False)
        assert done.returncode == 0, f"{line}: {done.stderr}"
        return done.stdout

    def apply(self, *manifests: Obj) -> str:
        """Apply manifests."""
        return self.said("apply -f -", typed=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}))

    def items(self, line: str) -> list[Obj]:
        """Give the objects that a line lists."""
        found: list[Obj] = json.loads(self.said(f"{line} -o json"))["items"]
        return found


@dataclass(frozen=True)
class Deploying:
    """The Deployment tab of one service, by its API."""

    made: Installation
    service: str
    actor: str = "manager"

    def call(self, method: str, route: str = "", **more: Any) -> TestResponse:
        """Call one route below the tab."""
        path = f"/services/{self.service}/deployment" + (f"/{route}" if route else "")
        return self.made.client(self.actor).call(method, path, **more)

    def workloads(self) -> dict[str, Obj]:
        """Read the workloads by their ids."""
        answer = self.call("GET")
        assert answer.status_code == 200, answer.text
        return {row["id"]: row for row in answer.json["items"]}

    def workload(self, id_: str) -> Obj:
        """Read one workload with its revisions."""
        answer = self.call("GET", id_)
        assert answer.status_code == 200, answer.text
        found: Obj = answer.json["workload"]
        return found

    def revisions(self, id_: str) -> list[int]:
        """Read the numbers of its revisions, the newest first."""
        return [row["revision"] for row in self.workload(id_)["revisions"]]

    def plan(self, method: str, route: str, body: Obj | None = None) -> Obj:
        """Look at a change."""
        answer = self.call(method, f"{route}?preview=true", json=body or {})
        assert answer.status_code == 200, answer.text
        found: Obj = answer.json
        return found

    def send(self, method: str, route: str, body: Obj, *, revision: str = "") -> TestResponse:
        """Send a change at what was looked at; confirm it with the word that is asked for."""
        headers = {"If-Match": f'"{revision}"'} if revision else {}
        answer = self.call(method, route, json=body, headers=headers)
        if answer.status_code == 409 and answer.json.get("code") == "confirmation-required":
            answer = self.call(method, route, json={**body, "confirm": answer.json["confirm"]}, headers=headers)
        return answer

    def change(self, method: str, route: str, body: Obj | None = None, *, reason: str = "") -> Obj:
        """Look at a change, make it, and give what came of it: its job when that has ended, else what was done."""
        plan = self.plan(method, route, body)
        assert plan["command"].startswith("kubectl "), plan
        answer = self.send(method, route, {**(body or {}), "reason": reason}, revision=plan["revision"])
        assert answer.status_code in (200, 202), answer.text
        return self.ended(answer.headers["Location"]) if answer.status_code == 202 else cast(Obj, answer.json)

    def ended(self, location: str) -> Obj:
        """Follow a job until it has ended."""
        path = location.partition("/api/v1")[2]
        return settled(
            lambda: cast(Obj, self.made.client(self.actor).get(path).json), lambda job: job["state"] != "running"
        )


def settled(read: Any, holds: Any, *, within_s: float = SETTLE_S) -> Any:
    """Poll until what is read holds; give it."""
    deadline = time.monotonic() + within_s
    while True:
        found = read()
        if holds(found):
            return found
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {found!r}"
        time.sleep(POLL_S)
