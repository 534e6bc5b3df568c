"""The calls that take each recorded action of the Deployment, Scaling, Config and Domains tabs and of debug pods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opsmodal.demo import example
from tests.web.calls import Call
from tests.web.conftest import Installation

SHOP = "/services/shop"
WEB, DB = f"{SHOP}/deployment/deployment.web", f"{SHOP}/deployment/statefulset.db"
NIGHTLY = f"{SHOP}/deployment/cronjob.nightly"
SETTINGS, SECRET = f"{SHOP}/config/configmaps/web-settings", f"{SHOP}/config/secrets/db-credentials"
IMAGE = "registry.example.com/shop/web:1.4.3"
DOMAIN = {"host": "new.example.com", "target": "web", "port": 8080}


def _done(made: Installation, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Do what has to be there before; give what was answered."""
    answer = made.client().call(method, path, json=body or {})
    assert answer.status_code < 400, answer.text
    return answer.json


def _paused(made: Installation) -> str:
    _done(made, "POST", f"{WEB}/pause")
    return WEB


def _renewed(made: Installation) -> str:
    _done(made, "PUT", f"{WEB}/image", {"image": IMAGE})
    return WEB


def _autoscaled(made: Installation) -> str:
    _done(made, "PUT", f"{WEB}/autoscaler", {})
    return WEB


def _nightly(made: Installation) -> str:
    container = {"name": "job", "image": "busybox:1.36"}
    pod = {
        "metadata": {"labels": {example.PART_OF: "shop"}},
        "spec": {"containers": [container], "restartPolicy": "Never"},
    }
    made.cluster.create(
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": "nightly", "namespace": "shop"},
            "spec": {"schedule": "30 23 * * *", "jobTemplate": {"spec": {"template": pod}}},
        }
    )
    return NIGHTLY


def _manifest(made: Installation) -> dict[str, Any]:
    found = made.client().get(f"{WEB}/manifest").json
    return {"text": found["text"].replace("replicas: 3", "replicas: 4"), "revision": found["revision"]}


def _version(made: Installation) -> str:
    _done(made, "PUT", SETTINGS, {"values": {"LOG_LEVEL": "debug"}})
    return str(made.client().get(f"{SETTINGS}/versions").json["items"][-1]["id"])


def _domain(made: Installation) -> tuple[str, str]:
    _done(made, "POST", f"{SHOP}/domains", DOMAIN)
    rows = made.client().get(f"{SHOP}/domains").json["items"]
    return next((row["id"], row["revision"]) for row in rows if row["host"] == DOMAIN["host"])


def _debugged(made: Installation) -> str:
    return str(_done(made, "POST", f"{SHOP}/debug-pods", {"image": "busybox:1.36"})["name"])


def _running_job(made: Installation) -> str:
    begun = _done(made, "PUT", f"{WEB}/image", {"image": "registry.example.com/shop/slow-pull:1"})
    return f"{SHOP}/jobs/{begun['id']}"


CALLS: dict[str, Callable[[Installation], Call]] = {
    "deployment.scale": lambda _: Call("PUT", f"{DB}/replicas", {"replicas": 2}, target="statefulset/db"),
    "deployment.remove-pods": lambda _: Call("PUT", f"{WEB}/replicas", {"replicas": 0, "confirm": "shop"}),
    "deployment.autoscale": lambda _: Call("PUT", f"{WEB}/autoscaler", {"max": 4}, target="deployment/web"),
    "deployment.remove-autoscaler": lambda made: Call(
        "DELETE", f"{_autoscaled(made)}/autoscaler", {"replicas": 2, "confirm": "shop"}
    ),
    "deployment.image": lambda _: Call("PUT", f"{WEB}/image", {"image": IMAGE}, target="deployment/web"),
    "deployment.restart": lambda _: Call("POST", f"{WEB}/restart", {"confirm": "shop"}, target="deployment/web"),
    "deployment.pause": lambda _: Call("POST", f"{WEB}/pause", target="deployment/web"),
    "deployment.resume": lambda made: Call("POST", f"{_paused(made)}/resume", target="deployment/web"),
    "deployment.rollback": lambda made: Call(
        "POST", f"{_renewed(made)}/rollback", {"revision": 1, "confirm": "shop"}, target="deployment/web"
    ),
    "deployment.resources": lambda _: Call("PUT", f"{WEB}/resources", {"container": "web", "cpu_limit": "750m"}),
    "deployment.strategy": lambda _: Call("PUT", f"{WEB}/strategy", {"kind": "Recreate"}),
    "deployment.suspend": lambda made: Call("PUT", f"{_nightly(made)}/suspend", {"suspended": True}),
    "deployment.run": lambda made: Call("POST", f"{_nightly(made)}/run", target="cronjob/nightly"),
    "deployment.edit": lambda made: Call("PUT", f"{WEB}/manifest", _manifest(made), target="deployment/web"),
    "job.stop": lambda made: Call("DELETE", _running_job(made)),
    "metrics-server.replace": lambda _: Call("PUT", f"{SHOP}/metrics-server", {"confirm": "shop"}),
    "metrics-server.remove": lambda _: Call("DELETE", f"{SHOP}/metrics-server", {"confirm": "shop"}),
    "images.clean": lambda _: Call("POST", f"{SHOP}/images/cleanup", {"confirm": "shop"}),
    "debug.copy": lambda _: Call("POST", f"{SHOP}/instances/db-0/debug", {}),
    "debug.run": lambda _: Call("POST", f"{SHOP}/debug-pods", {"image": "busybox:1.36"}),
    "debug.remove": lambda made: Call("DELETE", f"{SHOP}/debug-pods/{_debugged(made)}"),
    "file.fetch": lambda _: Call("GET", f"{SHOP}/instances/db-0/files?path=/etc/hostname", target="db-0"),
    "config.reveal": lambda _: Call("GET", f"{SECRET}?reveal=true", target="secret/db-credentials"),
    "config.create": lambda _: Call("POST", f"{SHOP}/config/configmaps", {"name": "fresh", "values": {"a": "b"}}),
    "config.save": lambda _: Call("PUT", SETTINGS, {"values": {"LOG_LEVEL": "debug"}}, target="web-settings"),
    "config.restore": lambda made: Call("POST", f"{SETTINGS}/versions/{_version(made)}/restore"),
    "config.delete": lambda _: Call("DELETE", f"{SETTINGS}?confirm=shop", target="web-settings"),
    "domain.add": lambda _: Call("POST", f"{SHOP}/domains", DOMAIN, target="new.example.com"),
    "domain.change": lambda made: _changed(*_domain(made)),
    "domain.remove": lambda made: Call("DELETE", f"{SHOP}/domains/{_domain(made)[0]}?confirm=shop"),
}
ELSEWHERE = {
    "metrics-server.install": "tests/web/test_scaling.py: it needs a cluster without one",
}


def _changed(domain: str, revision: str) -> Call:
    return Call("PUT", f"{SHOP}/domains/{domain}", {**DOMAIN, "path": "/cart", "revision": revision})
