"""What only Podman tells, on the pages and by the API: pods, health checks that nothing runs, secrets by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.worlds import settle
from tests.engines.containers import ContainerEngine
from tests.web.conftest import Installation

PROJECT = ("--label", "io.podman.compose.project=blog")
BAIT = "swordfish-in-a-secret"
WEB = "/services/blog/instances/blog-web"


@pytest.fixture(params=["podman", "rootless"])
def engine(request: pytest.FixtureRequest) -> Iterator[ContainerEngine]:
    """Give a rootful and a rootless podman in turn."""
    engine: ContainerEngine = request.getfixturevalue(f"{request.param}_engine")
    engine.cli("secret", "create", "--driver", "file", "dbpw", "-", stdin=BAIT.encode())
    yield engine
    engine.cli("secret", "rm", "dbpw")


def registered(installation: Installation, engine: ContainerEngine, kind: str = "podman") -> Installation:
    installation.registry.put("runtimes", {"name": "edge", "kind": kind, "socket": str(engine.socket)})
    installation.registry.put("services", {"name": "blog", "runtime": "edge", "project": "blog"})
    return installation


@pytest.fixture
def blog(changed: Installation, engine: ContainerEngine) -> Installation:
    """Give a service whose container has a secret and a health check that fails on the second run."""
    check = ("--health-cmd", "echo looked; test ! -e /tmp/bad", "--health-interval", "1s", "--health-retries", "1")
    secrets = ("--secret", "dbpw", "--secret", "dbpw,type=env,target=DB")
    command = ("sh", "-c", "exec sleep 1000", "prog", "--secret", BAIT)
    engine.run(*command, options=["--name", "blog-web", "--health-timeout", "1s", *check, *secrets, *PROJECT])
    return registered(changed, engine)


def own(blog: Installation, user: str = "admin") -> dict[str, Any]:
    value: dict[str, Any] = blog.client(user).get(f"{WEB}/podman").json
    return value


def test_a_check_that_nothing_runs_is_said_and_run_and_recorded(blog: Installation, engine: ContainerEngine) -> None:
    settle(lambda: bool(own(blog)["health"]["sentence"]), "enough time for a check to be overdue")
    health = own(blog)["health"]
    assert "Nothing runs this health check by itself: it is due every 1 s, and has not run" in health["sentence"]
    assert "podman healthcheck run blog-web" in health["hint"]
    page = blog.browser("admin").get(WEB).text
    assert "Nothing runs this health check by itself" in page
    assert "Run health check…" in page
    client = blog.client()
    plan = client.call("POST", f"{WEB}/healthcheck?preview=true").json
    assert (plan["command"], plan["summary"]) == (
        "podman healthcheck run blog-web",
        "Run the health check of blog-web once",
    )
    assert own(blog)["health"]["runs"] == [], "a plan runs nothing"
    ran = client.call("POST", f"{WEB}/healthcheck")
    assert (ran.status_code, ran.json["status"], ran.json["runs"][0]["exit_code"]) == (200, "healthy", 0)
    engine.cli("exec", "blog-web", "touch", "/tmp/bad")
    again = client.call("POST", f"{WEB}/healthcheck").json
    assert (again["status"], again["runs"][0]["exit_code"], again["runs"][0]["printed"]) == ("unhealthy", 1, "looked")
    assert ("admin", "health.check", "done") in blog.audited()
    settle(lambda: client.get(WEB).json["instance"]["status"] == "unhealthy", "the row says so")
    form = {"preview": "true"}
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    asked = blog.browser("admin").post(f"{WEB}/healthcheck", data=form, headers=headers)
    assert "podman healthcheck run blog-web" in asked.text
    done = blog.browser("admin").post(f"{WEB}/healthcheck", headers=headers, follow_redirects=True)
    assert "The health check ran: unhealthy, exit code 1." in done.text


def test_secrets_are_names_and_never_values(blog: Installation) -> None:
    assert own(blog)["secrets"] == [
        {"name": "dbpw", "given": "environment variable DB"},
        {"name": "dbpw", "given": "file /run/secrets/dbpw"},
    ]
    blog.registry.put("grants", {"user": "viewer", "role": "viewer", "services": ["blog"]})
    page = blog.browser("viewer").get(WEB).text
    assert "file /run/secrets/dbpw" in page
    for seen in (page, str(own(blog, "viewer")), str(own(blog))):
        assert BAIT not in seen
    assert own(blog, "viewer")["health"]["command"] is None


def test_who_may_run_a_check_and_what_has_none(blog: Installation, engine: ContainerEngine) -> None:
    for role in ("developer", "operator"):
        blog.registry.put("grants", {"user": role, "role": role, "services": ["blog"]})
    assert blog.client("developer").call("POST", f"{WEB}/healthcheck").status_code == 403
    assert "Run health check" not in blog.browser("developer").get(WEB).text
    assert blog.client("operator").call("POST", f"{WEB}/healthcheck").status_code == 200
    engine.run("sleep", "1000", options=["--name", "blog-bare", *PROJECT])
    bare = blog.client().call("POST", "/services/blog/instances/blog-bare/healthcheck")
    assert (bare.status_code, bare.json["detail"]) == (409, "blog-bare has no health check.")
    engine.cli("stop", "blog-web")
    stopped = blog.client().call("POST", f"{WEB}/healthcheck")
    assert (stopped.status_code, "not running" in stopped.json["detail"]) == (409, True)


def test_pods_are_shown_with_the_services_own_containers_only(
    changed: Installation, podman_engine: ContainerEngine
) -> None:
    podman_engine.cli("pod", "create", "--name", "front")
    for name, more in (("blog-a", PROJECT), ("blog-b", PROJECT), ("stranger", ())):
        podman_engine.run("sleep", "1000", options=["--name", name, "--pod", "front", *more])
    podman_engine.cli("pod", "create", "--name", "others")
    podman_engine.run("sleep", "1000", options=["--name", "stranger-2", "--pod", "others"])
    podman_engine.run("sleep", "1000", options=["--name", "blog-c", *PROJECT])
    podman_engine.cli("stop", "blog-b")
    blog = registered(changed, podman_engine)
    (pod,) = blog.client().get("/services/blog/pods").json
    assert (pod["name"], pod["members"], pod["running"], pod["others"]) == ("front", ["blog-a", "blog-b"], 1, 1)
    page = blog.browser("admin").get("/services/blog/instances").text
    assert "1 of 2" in page
    assert "and 1 container outside this service" in page
    assert "stranger" not in page
    rows = blog.client().get("/services/blog/instances?search=front").json["items"]
    assert sorted(row["name"] for row in rows) == ["blog-a", "blog-b"]


def test_docker_has_none_of_this_and_says_so(changed: Installation, docker_engine: ContainerEngine) -> None:
    docker_engine.run("sleep", "1000", options=["--name", "blog-web", "--label", "com.docker.compose.project=blog"])
    blog = registered(changed, docker_engine, "docker")
    answer = blog.client().call("POST", f"{WEB}/healthcheck")
    assert (answer.status_code, "Docker runs health checks itself" in answer.json["hint"]) == (422, True)
    assert blog.browser("admin").get(WEB).status_code == 200
