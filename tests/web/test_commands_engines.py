"""Typed lines on a real Docker and a real Podman: the service's own containers, nobody else's, and the host."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.engines.containers import ContainerEngine
from tests.web.conftest import Installation
from tests.web.typed import rows, run

ASLEEP = ("sleep", "1000")
OWN = ("--label", "com.docker.compose.project=blog", "--label", "com.docker.compose.service=web")
RUNBOOK = {"name": "count", "argv": ["seq", "{to}"], "parameters": {"to": "[0-9]{1,3}"}}


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> ContainerEngine:
    """Give each real engine in turn."""
    engine: ContainerEngine = request.getfixturevalue(f"{request.param}_engine")
    return engine


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.node.callspec.params["engine"])


@pytest.fixture
def blog(changed: Installation, engine: ContainerEngine, kind: str) -> Installation:
    """Give an installation with a project on the engine, beside a stranger's container; commands on the host too."""
    if shutil.which(kind) is None:
        pytest.skip(f"{kind} is not installed")
    engine.run(*ASLEEP, options=["--name", "blog-web", *OWN])
    engine.run(*ASLEEP, options=["--name", "stranger"])
    edge = {
        "name": "edge",
        "kind": kind,
        "socket": str(engine.socket),
        "host": "local",
        "runbooks": [RUNBOOK, {**RUNBOOK, "name": "count-backwards", "argv": ["seq", "9", "-1", "{to}"]}],
    }
    edge["runbooks"][1]["approvedFor"] = ["operator"]  # type: ignore[index]
    changed.registry.put("runtimes", edge)
    changed.registry.put("services", {"name": "blog", "runtime": "edge", "project": "blog"})
    changed.registry.put("grants", {"user": "operator", "role": "operator", "services": ["blog"]})
    changed.registry.put("grants", {"user": "manager", "role": "manager", "services": ["blog"]})
    changed.registry.put("grants", {"user": "developer", "role": "operator", "runtimes": ["edge"]})
    return changed


def typed(made: Installation, command: str, actor: str = "operator", **more: Any) -> TestResponse:
    return run(made, command, actor, service="blog", **more)


def until(holds: Callable[[], Any], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_engines_own_program_shows_the_own_containers_alone(blog: Installation, kind: str) -> None:
    answer = typed(blog, f"{kind} ps -a")
    assert answer.status_code == 200, answer.text
    assert answer.json["exit_code"] == 0, answer.text
    assert "blog-web" in answer.json["stdout"]
    assert "stranger" not in answer.json["stdout"]


def test_a_strangers_container_is_refused_in_each_way(blog: Installation, kind: str) -> None:
    stranger = typed(blog, f"{kind} inspect stranger")
    assert stranger.status_code == 422, stranger.text
    assert typed(blog, f"{kind} exec stranger id").status_code == 422
    assert typed(blog, "id", instance="stranger").status_code == 422
    assert [row.verdict for row in rows(blog)] == ["refuse"] * 3


def test_a_program_runs_in_the_chosen_container_and_in_the_named_one(blog: Installation, kind: str) -> None:
    for answer in (typed(blog, "echo one two", instance="blog-web"), typed(blog, f"{kind} exec blog-web echo one two")):
        assert answer.status_code == 200, answer.text
        assert (answer.json["stdout"], answer.json["exit_code"]) == ("one two\n", 0), answer.text
        intent = rows(blog)[-2]
        assert (intent.action, "blog-web" in intent.target or "container" in intent.target) == ("command.exec", True)
    tab = blog.client("operator").get("/services/blog/commands").json
    assert [each["name"] for each in tab["containers"]] == ["blog-web"]
    chosen = typed(blog, "echo three", instance=tab["containers"][0]["id"])
    assert chosen.json["stdout"] == "three\n", "by its id as well"


def test_the_program_of_the_engine_is_not_typed_into_a_container(blog: Installation, kind: str) -> None:
    refused = typed(blog, f"{kind} ps", instance="blog-web")
    assert (refused.status_code, refused.json["suggestion"]) == (422, "ps")


def test_what_stops_a_container_asks_first_and_then_does(blog: Installation, kind: str) -> None:
    assert typed(blog, f"{kind} restart blog-web").status_code == 403, "an operator changes nothing"
    asked = typed(blog, f"{kind} restart -t 0 blog-web", "manager")
    assert asked.status_code == 409, asked.text
    assert any("blog-web" in hit for hit in asked.json["hits"])
    done = typed(blog, f"{kind} restart -t 0 blog-web", "manager", confirm=True)
    assert (done.status_code, done.json["exit_code"]) == (200, 0), done.text
    assert rows(blog)[-2].action == "command.destroy"


def test_the_host_is_for_who_was_granted_the_runtime(blog: Installation) -> None:
    refused = typed(blog, "uptime")
    assert (refused.status_code, refused.json["rule"]) == (403, "runtime-permission")
    assert refused.json["hint"] == "Ask admin."
    done = typed(blog, "uptime", "developer")
    assert (done.status_code, done.json["exit_code"]) == (200, 0), done.text
    assert "load average" in done.json["stdout"]
    assert typed(blog, "rm -rf x", "developer").status_code == 422
    token = blog.people.new_token("developer", services=["blog"]).secret
    by_token = typed(blog, "uptime", token).json
    assert by_token["rule"] == "runtime-permission", "a token for a service is none for its host"
    for actor, offers in (("operator", False), ("developer", True)):
        assert blog.client(actor).get("/services/blog/commands").json["hosts"] is offers


def test_a_runbook_asks_unless_it_was_approved(blog: Installation) -> None:
    asked = typed(blog, "seq 3", "developer")
    assert (asked.status_code, asked.json["code"]) == (409, "confirmation-required"), asked.text
    done = typed(blog, "seq 3", "developer", confirm=True)
    assert (done.status_code, done.json["stdout"]) == (200, "1\n2\n3\n"), done.text
    assert rows(blog)[-2].action == "command.runbook"
    assert typed(blog, "seq 9 -1 8", "developer").json["stdout"] == "9\n8\n", "approved for operators"
    assert typed(blog, "seq 10000", "developer").status_code == 422, "outside the parameter's shape"


def test_what_runs_on_the_host_ends_with_the_right_on_the_runtime(blog: Installation) -> None:
    blog.registry.put("grants", {"user": "developer", "role": "operator", "services": ["blog"]})
    begun = typed(blog, "ping -i 1 127.0.0.1" if shutil.which("ping") else "vmstat 1", "developer", mode="streaming")
    if begun.status_code == 422:
        pytest.skip(f"no host program of this machine runs for long: {begun.text}")
    assert begun.status_code == 201, begun.text
    path = f"/services/blog/commands/{begun.json['id']}"
    assert blog.client("developer").get(path).json["running"]
    grants = blog.client().get("/grants").json["items"]
    mine = next(one for one in grants if one["holder"] == "developer" and "edge" in str(one))
    assert blog.client().call("DELETE", f"/grants/{mine['name']}?confirm=true").status_code == 200
    began = time.monotonic()
    until(lambda: not blog.client("developer").get(path).json["running"])
    assert time.monotonic() - began < 6
    assert blog.client("developer").get(path).json["row"]["outcome"] == "stopped"
