"""The page of a service on a real Docker and a real Podman: found, taken over, read, restarted, killed and back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opsmodal import recent
from tests.engines.containers import ContainerEngine
from tests.engines.systemctl import Systemctl
from tests.web.conftest import Installation

CHATTY = ("sh", "-c", "echo hello from the container; exec sleep 1000")
FAILING = ("sh", "-c", "echo no database >&2; exit 3")
BAIT = "swordfish-in-a-command-line"
PROJECT = ("--label", "com.docker.compose.project=blog", "--label", "com.docker.compose.service=web")


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> Iterator[ContainerEngine]:
    """Give each real engine in turn, running at the end as at the beginning."""
    engine: ContainerEngine = request.getfixturevalue(f"{request.param}_engine")
    yield engine
    if not engine.running:
        engine.start()


@pytest.fixture
def blog(changed: Installation, engine: ContainerEngine, request: pytest.FixtureRequest) -> Installation:
    """Give an installation that has found a compose project on the engine and taken it over."""
    engine.run(*CHATTY, options=["--name", "blog-web", *PROJECT])
    engine.run(*FAILING, options=["--name", "blog-job", "--label", "com.docker.compose.project=blog"])
    engine.run(*CHATTY, options=["--name", "stranger"])
    admin, kind = changed.client(), request.node.callspec.params["engine"]
    entry = {"kind": kind, "socket": str(engine.socket)}
    assert admin.call("PUT", "/registry/runtimes/edge", json=entry).status_code == 200
    done = admin.call("POST", "/registry/runtimes/edge/proposals", json={"names": ["blog"]})
    assert done.json["targets"] == ["blog"], done.text
    _until(lambda: _rows(changed)["blog-job"]["status"].startswith("exited"))
    return changed


def test_a_found_service_shows_its_own_containers_and_no_others(blog: Installation) -> None:
    rows = _rows(blog)
    assert set(rows) == {"blog-web", "blog-job"}
    assert (rows["blog-web"]["severity"], rows["blog-web"]["ready"]) == ("ok", True)
    assert (rows["blog-job"]["severity"], rows["blog-job"]["status"]) == ("error", "exited (3)")
    page = blog.browser("admin").get("/services/blog/instances").text
    assert "Containers" in page
    assert "stranger" not in page
    for path in ("", "/cause"):
        assert blog.client().get(f"/services/blog/instances/stranger{path}").status_code == 404
    assert blog.client().get("/services/blog/logs?instance=stranger").status_code == 404
    assert blog.client().call("POST", "/services/blog/instances/stranger/restart?confirm=true").status_code == 404


def test_why_a_container_ended_is_said_with_its_exit_code_and_last_words(blog: Installation) -> None:
    value = blog.client().get("/services/blog/instances/blog-job/cause").json
    assert "3" in value["sentence"]
    assert "no database" in str(value["causes"])


def test_overview_and_logs_come_from_the_engine(blog: Installation) -> None:
    overview = blog.client().get("/services/blog/overview").json
    assert overview["ready"] == 1
    assert overview["simulated"] is False
    assert "hello from the container" in blog.client().get("/services/blog/logs?instance=blog-web").text
    merged = blog.client().get("/services/blog/logs").text
    assert "[blog-web/blog-web] hello from the container" in merged
    assert "no database" in merged


def test_a_restart_asks_first_and_is_recorded(blog: Installation) -> None:
    before = blog.client().get("/services/blog/instances/blog-web").json["instance"]["containers"][0]["started_at"]
    asked = blog.client().call("POST", "/services/blog/instances/blog-web/restart")
    assert asked.status_code == 409
    assert "blog-web" in str(asked.json["hits"])
    assert blog.client().call("POST", "/services/blog/instances/blog-web/restart?confirm=true").status_code == 200
    after = blog.client().get("/services/blog/instances/blog-web").json["instance"]["containers"][0]["started_at"]
    assert after > before
    assert ("admin", "instance.restart", "done") in blog.audited()


def test_a_stop_and_a_start_ask_first_are_recorded_and_show_in_words(blog: Installation) -> None:
    path = "/services/blog/instances/blog-web"
    blog.registry.put("services", {"name": "blog", "runtime": "edge", "project": "blog", "environment": "production"})
    blog.registry.put("grants", {"user": "manager", "role": "manager", "services": ["blog"]})
    blog.registry.put("grants", {"user": "operator", "role": "operator", "services": ["blog"]})
    client = blog.client("manager")
    asked = client.call("POST", f"{path}/stop")
    assert (asked.status_code, asked.json["code"], asked.json["confirm"]) == (409, "confirmation-required", "blog")
    assert asked.json["command"].endswith(" stop blog-web")
    assert any("compose up" in hit for hit in asked.json["hits"])
    assert client.call("POST", f"{path}/stop?confirm=true").status_code == 409, "production wants the name"
    assert blog.client("operator").call("POST", f"{path}/stop?confirm=blog").status_code == 403
    assert _rows(blog)["blog-web"]["verbs"] == ["restart", "stop"]
    done = client.call("POST", f"{path}/stop", json={"confirm": "blog", "reason": "it leaks"})
    assert (done.status_code, done.json["sentence"]) == (200, "blog-web was stopped.")
    _until(lambda: _rows(blog)["blog-web"]["reason"] == "stopped by hand")
    row = _rows(blog)["blog-web"]
    assert (row["severity"], row["verbs"], row["lock"]) == ("neutral", ["start"], "")
    again = client.call("POST", f"{path}/stop?confirm=blog")
    assert (again.status_code, again.json["detail"]) == (409, "blog-web is not running.")
    page = blog.browser("manager").get("/services/blog/instances").text
    assert f'action="{_path_of(row)}/start"' in page
    assert f'action="{_path_of(row)}/stop"' not in page
    assert "stopped by hand" in page
    assert client.call("POST", f"{path}/start?confirm=blog").json["sentence"] == "blog-web was started."
    _until(lambda: _rows(blog)["blog-web"]["severity"] == "ok")
    done_rows = [(actor, action) for actor, action, outcome in blog.audited() if outcome == "done"]
    assert ("manager", "instance.stop") in done_rows
    assert ("manager", "instance.start") in done_rows
    kept = blog.client().get("/audit?action=instance.stop").json["items"]
    assert "it leaks" in [each["reason"] for each in kept]


def test_what_a_manager_looks_after_is_locked_before_anybody_is_asked(
    blog: Installation, engine: ContainerEngine
) -> None:
    swarm = ("--label", "com.docker.swarm.task.name=web.1.x", "--label", "com.docker.swarm.service.name=web")
    engine.run(*CHATTY, options=["--name", "blog-task", *PROJECT, *swarm])
    engine.run(*CHATTY, options=["--name", "blog-unit", *PROJECT, "--label", "PODMAN_SYSTEMD_UNIT=web.service"])
    _until(lambda: {"blog-task", "blog-unit"} <= set(_rows(blog)))
    for name, hint in (("blog-task", "docker service scale web=0"), ("blog-unit", "systemctl restart web.service")):
        row = _rows(blog)[name]
        assert (row["verbs"], bool(row["lock"])) == ([], True)
        answer = blog.client().call("POST", f"/services/blog/instances/{name}/stop")
        assert (answer.status_code, answer.json["code"]) == (409, "conflict"), answer.text
        assert hint in answer.json["hint"]
        page = blog.browser("admin").get(f"/services/blog/instances/{name}").text
        assert "/stop" not in page
        assert "/restart" not in page
        assert hint in page


def test_systemd_does_it_where_the_host_is_reached(
    blog: Installation,
    engine: ContainerEngine,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind, systemctl = request.node.callspec.params["engine"], Systemctl(tmp_path / "bin")
    systemctl.knows(kind, "blog-unit")
    monkeypatch.setenv("PATH", f"{systemctl.folder}:{os.environ['PATH']}")
    entry = {"name": "edge", "kind": kind, "socket": str(engine.socket), "host": "local"}
    blog.registry.put("runtimes", entry)
    engine.run(*CHATTY, options=["--name", "blog-unit", *PROJECT, "--label", "PODMAN_SYSTEMD_UNIT=web.service"])
    _until(lambda: "blog-unit" in _rows(blog))
    asked = blog.client().call("POST", "/services/blog/instances/blog-unit/restart")
    assert asked.json["command"] == "systemctl restart web.service"
    assert "systemd does it, as the unit web.service" in asked.json["hits"]
    done = blog.client().call("POST", "/services/blog/instances/blog-unit/restart?confirm=true")
    assert done.json["sentence"] == "blog-unit was restarted by its systemd unit web.service.", done.text
    assert systemctl.calls == [["--no-ask-password", "restart", "--", "web.service"]]


def test_the_page_of_a_container_has_its_networks_checks_and_disks(blog: Installation, engine: ContainerEngine) -> None:
    check = ("--health-cmd", "echo fine", "--health-interval", "1s", "--health-start-period", "2s")
    engine.run(*CHATTY, options=["--name", "blog-checked", *check, *PROJECT, "--restart", "unless-stopped"])
    if engine.name == "podman":  # without systemd nothing runs podman's checks
        engine.cli("healthcheck", "run", "blog-checked", check=False)
    path = "/services/blog/instances/blog-checked"
    _until(lambda: bool(blog.client().get(path).json["instance"]["block_read_bytes"] is not None))
    value = blog.client().get(path).json
    facts = dict(value["facts"])
    assert facts["Restart policy"].startswith("unless-stopped: started again whenever it ends")
    assert facts["Compose project"] == "blog"
    assert value["networks"][0]["addresses"]
    page = blog.browser("admin").get(path).text
    assert "<h3>Networks</h3>" in page
    assert "<dt>Disk</dt>" in page
    if engine.name == "docker":  # podman 4.3 keeps its checks out of its compatible API
        _until(lambda: bool(blog.client().get(path).json["checks"]))
        assert facts["Health is checked"].startswith("every 1 s, ")
        blog.registry.put("grants", {"user": "viewer", "role": "viewer", "services": ["blog"]})
        assert blog.client().get(path).json["checks"][0]["printed"] == "fine"
        hidden = blog.client("viewer").get(path).json
        assert hidden["checks"][0]["printed"] is None
        assert "echo fine" not in str(hidden)


def test_a_command_line_and_what_a_check_printed_are_for_who_may_see_the_environment(
    blog: Installation, engine: ContainerEngine
) -> None:
    check = ("--health-cmd", f"echo checked with {BAIT}; false", "--health-interval", "1s", "--health-retries", "1")
    engine.run("sh", "-c", f": --password={BAIT}; exec sleep 1000", options=["--name", "blog-bait", *check, *PROJECT])
    if engine.name == "podman":  # without systemd nothing runs podman's checks
        engine.cli("healthcheck", "run", "blog-bait", check=False)
    path = "/services/blog/instances/blog-bait"
    _until(lambda: "checked with" in str(blog.client().get(path).json["facts"]))
    for role in ("viewer", "developer", "manager"):
        blog.registry.put("grants", {"user": role, "role": role, "services": ["blog"]})
    for role, masked in (("viewer", True), ("developer", True), ("manager", False)):
        seen = blog.client(role).get(path).text + blog.browser(role).get(path).text
        assert (BAIT not in seen) is masked, role
    _until(lambda: "unhealthy" in blog.client().get(path).json["instance"]["status"])
    for role, quoted in (("viewer", False), ("developer", True)):
        assert (BAIT in blog.client(role).get(f"{path}/cause").text) is quoted, role


def test_a_killed_engine_leaves_the_last_rows_and_comes_back(
    blog: Installation, engine: ContainerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "RETRY_S", 0.0)
    before = blog.client().get("/services/blog/instances").json
    engine.kill()
    time.sleep(1.1)  # a list this young would be shared without asking
    during = blog.client().get("/services/blog/instances").json
    assert during["stale"] is True
    assert during["problem"]
    assert len(during["items"]) == len(before["items"])
    assert "as of" in blog.browser("admin").get("/services/blog/instances").text
    engine.start()
    _until(lambda: blog.client().get("/services/blog/instances").json["stale"] is False)


def _rows(installation: Installation) -> dict[str, dict[str, object]]:
    answer = installation.client().get("/services/blog/instances")
    return {row["name"]: row for row in answer.json["items"]}


def _path_of(row: dict[str, object]) -> str:
    return f"/services/blog/instances/{row['id']}"


def _until(holds: Callable[[], bool], *, within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.2)
