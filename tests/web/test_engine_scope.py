"""Every route by a container's id, with the id of another service's: 404, nothing done, and a row where it was an act.

The routes are read off the application: one that is added later is tried as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import select

from opsmodal.app import ROUTES
from opsmodal.store.tables import AuditRow
from opsmodal.web.routes import Route
from tests.engines.containers import ContainerEngine
from tests.web.conftest import Installation

ASLEEP = ("sleep", "1000")
CHECKED = ("--health-cmd", "touch /tmp/was-here", "--health-interval", "1h")
SCOPES: Mapping[str, Mapping[str, object]] = {
    "project": {"project": "blog"},
    "label": {"labels": {"team": "blog"}},
    "name": {"containers": ["blog-web"]},
}
MARKS = ("--label", "com.docker.compose.project={0}", "--label", "team={0}")
ONLY_ELSEWHERE = {"debugging_copy": 422, "debugging_fetch": 404}
"""What an engine has none of is refused before anybody looks for a container."""


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> Iterator[ContainerEngine]:
    """Give each real engine in turn."""
    engine: ContainerEngine = request.getfixturevalue(f"{request.param}_engine")
    return engine


@pytest.fixture
def blog(changed: Installation, engine: ContainerEngine) -> Installation:
    """Give a service for each kind of scope, and beside them one that has the container `pay-db`."""
    kind = "docker" if engine.name == "docker" else "podman"
    changed.registry.put("runtimes", {"name": "edge", "kind": kind, "socket": str(engine.socket)})
    for name, scope in SCOPES.items():
        changed.registry.put("services", {"name": f"by-{name}", "runtime": "edge", **scope})
    changed.registry.put("services", {"name": "pay", "runtime": "edge", "containers": ["pay-db"]})
    for name, project in (("blog-web", "blog"), ("pay-db", "pay")):
        marks = [part.format(project) for part in MARKS]
        engine.run(*ASLEEP, options=["--name", name, *CHECKED, *marks])
    return changed


def by_instance(installation: Installation) -> list[Route]:
    """List the routes of the API that name an instance in their path."""
    return [each for each in installation.app.extensions[ROUTES] if "<instance>" in each.path]


def inspected(engine: ContainerEngine) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(engine.cli("inspect", "--type", "container", "pay-db"))[0]
    return found


def attempts(installation: Installation) -> list[tuple[str, str, str, str]]:
    with installation.store.reading() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.outcome == "refused"))
        return [(row.service, row.action, row.target, row.rule) for row in rows]


@pytest.mark.often("docker", "name")
@pytest.mark.parametrize("by", SCOPES)
def test_no_route_reaches_a_container_of_another_service(blog: Installation, engine: ContainerEngine, by: str) -> None:
    before, client, service = inspected(engine), blog.client(), f"by-{by}"
    id_ = before["Id"]
    assert client.get("/services/pay/instances/pay-db").json["instance"]["id"] == id_, "it is there for its own"
    routes = by_instance(blog)
    assert {"instances_one", "instances_restart", "instances_cause", "libpod_check"} <= {each.name for each in routes}
    for route in routes:
        for wanted in (id_, id_[:12], id_.upper(), "pay-db", "pay", "nobody"):
            path = route.path.replace("<service>", service).replace("<instance>", wanted)
            answer = client.call(route.method, f"{path}?confirm=true&path=/etc/passwd")
            expected = ONLY_ELSEWHERE.get(route.name, 404)
            if route.name.startswith("libpod") and engine.name == "docker":
                expected = 422
            if route.name == "instances_delete":
                expected = 422  # nothing is deleted on an engine, whatever is named
            assert answer.status_code == expected, (route.name, wanted, answer.text)
            assert wanted == "pay-db" or "pay-db" not in answer.text, (route.name, wanted)
            if route.action.recorded and expected == 404 and wanted == id_:
                assert (service, route.action.name, "not-there") in {
                    (place, action, rule) for place, action, target, rule in attempts(blog) if id_ in target
                }, route.name
    for wanted in (id_, id_[:12], "pay-db"):
        for query in (f"instance={wanted}", f"instance={wanted}&previous=true", f"instance={wanted}&download=true"):
            assert client.get(f"/services/{service}/logs?{query}").status_code == 404, query
        for line, instance in (("touch /tmp/was-here", wanted), (f"{engine.name} restart {wanted}", "")):
            body = {"command": line, "mode": "oneshot", "confirm": "true", "instance": instance}
            answer = client.call("POST", f"/services/{service}/commands", json=body)
            assert answer.status_code in (404, 422), (line, answer.text)
    after = inspected(engine)
    assert {key: after["State"][key] for key in ("Pid", "StartedAt")} == {
        key: before["State"][key] for key in ("Pid", "StartedAt")
    }
    assert engine.cli("exec", "pay-db", "ls", "/tmp") == ""


def test_one_that_was_the_services_is_not_once_it_is_made_anew_for_another(
    blog: Installation, engine: ContainerEngine
) -> None:
    client = blog.client()
    id_ = client.get("/services/by-project/instances/blog-web").json["instance"]["id"]
    engine.cli("rm", "-f", "blog-web")
    engine.run(*ASLEEP, options=["--name", "blog-web", "--label", "com.docker.compose.project=pay"])
    for wanted in ("blog-web", id_):
        for path in (f"instances/{wanted}", f"instances/{wanted}/cause", f"logs?instance={wanted}"):
            assert client.get(f"/services/by-project/{path}").status_code == 404, path
        answer = client.call("POST", f"/services/by-project/instances/{wanted}/restart?confirm=true")
        assert answer.status_code == 404
    assert ("by-project", "instance.restart", id_, "not-there") in attempts(blog)
