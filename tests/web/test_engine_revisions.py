"""Revisions of containers on real engines, changes in place, and a service that is redeployed in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from opsmodal.store.tables import RevisionRow
from opsmodal.web.asking import EXTENSION
from tests.engines.containers import ContainerEngine
from tests.engines.images import IMAGES
from tests.web.conftest import Installation
from tests.web.test_engine_deployment import over, until

OLD, NEW = IMAGES
ALL = "/services/blog/deployment"
WEB = f"{ALL}/container.blog-web"
PROJECT = "com.docker.compose.project=blog"
SECRET = "swordfish-in-an-environment"
STAY = ("sh", "-c", "exec sleep 1000")


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> ContainerEngine:
    """Give each real engine in turn."""
    found: ContainerEngine = request.getfixturevalue(f"{request.param}_engine")
    return found


@pytest.fixture
def blog(changed: Installation, engine: ContainerEngine, request: pytest.FixtureRequest) -> Iterator[Installation]:
    """Give an installation that operates a compose project of an engine."""
    put(engine, "web", "--env", f"TOKEN={SECRET}", "--env", "MODE=fast", "--memory", "64m")
    admin, kind = changed.client(), request.node.callspec.params["engine"]
    entry = {"kind": kind, "socket": str(engine.socket)}
    assert admin.call("PUT", "/registry/runtimes/edge", json=entry).status_code == 200
    assert admin.call("POST", "/registry/runtimes/edge/proposals", json={"names": ["blog"]}).json["targets"] == ["blog"]
    changed.app.extensions[EXTENSION].updating._stays_up_s = 0.5
    yield changed
    if kind == "podman":  # it removes none that others were made to use before those
        engine.cli("rm", "-f", "--time", "0", "--depend", *engine.cli("ps", "-aq").split(), check=False)


def put(engine: ContainerEngine, service: str, *options: str, command: tuple[str, ...] = STAY, image: str = OLD) -> str:
    labels = ("--label", PROJECT, "--label", f"com.docker.compose.service={service}")
    return engine.run(*command, image=image, options=["--name", f"blog-{service}", *labels, *options])


def inspected(engine: ContainerEngine, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(engine.cli("inspect", "--type", "container", name))
    return found[0]


def done(blog: Installation, method: str, path: str, sent: dict[str, Any]) -> dict[str, Any]:
    begun = blog.client().call(method, path, json=sent)
    assert begun.status_code == 202, begun.text
    return over(blog, begun.json["id"])


def revisions(blog: Installation) -> list[dict[str, Any]]:
    answer = blog.client().get(WEB)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["workload"]["revisions"]
    return found


def test_what_was_there_and_what_was_made_are_revisions_to_go_back_to(
    blog: Installation, engine: ContainerEngine
) -> None:
    assert revisions(blog) == []
    sent = {"image": NEW, "pull": False, "reason": "release 2"}
    assert done(blog, "PUT", f"{WEB}/image", sent)["state"] == "done"
    newest, found = revisions(blog)
    assert (newest["revision"], newest["current"], newest["person"]) == (2, True, "admin")
    assert newest["change_cause"] == "another image: release 2"
    assert (found["revision"], found["current"], found["person"]) == (1, False, "")
    assert found["images"][0].endswith(OLD)
    with blog.store.reading() as session:
        kept = b"".join(row.sealed for row in session.scalars(select(RevisionRow)))
    assert SECRET.encode() not in kept
    plan = blog.client().call("POST", f"{WEB}/rollback?preview=true", json={"revision": 1})
    assert plan.status_code == 200, plan.text
    assert plan.json["summary"] == "Roll back the container blog-web"
    assert "image id" in {each["what"] for each in plan.json["differences"]}
    assert blog.client().call("POST", f"{WEB}/rollback", json={"revision": 1}).json["confirm"] == "true"
    assert done(blog, "POST", f"{WEB}/rollback", {"revision": 1, "confirm": "true"})["state"] == "done"
    assert inspected(engine, "blog-web")["Config"]["Image"].endswith(OLD)
    assert revisions(blog)[0]["change_cause"] == "back to revision 1"
    until(lambda: ("admin", "deployment.rollback", "done") in blog.audited())
    assert blog.client().call("POST", f"{WEB}/rollback", json={"revision": 9, "confirm": "true"}).status_code == 404
    page = blog.browser().get(WEB).text
    assert "Compare and roll back" in page
    assert SECRET not in page


def test_a_comparison_names_settings_and_masks_secrets(blog: Installation, engine: ContainerEngine) -> None:
    done(blog, "POST", f"{WEB}/redeploy", {})
    engine.cli("rm", "-f", "blog-web")
    put(engine, "web", "--env", "TOKEN=another-secret-of-these", "--env", "MODE=slow", "--memory", "96m")
    plan = blog.client().call("POST", f"{WEB}/rollback?preview=true", json={"revision": 1})
    rows = {each["what"]: (each["before"], each["after"]) for each in plan.json["differences"]}
    assert rows["variable MODE"] == ("slow", "fast")
    assert rows["variable TOKEN"] == ("•••", "••• (another)")
    assert rows["memory limit"] == ("96 MiB", "64 MiB")
    assert SECRET not in plan.text
    assert "another-secret" not in plan.text
    assert done(blog, "POST", f"{WEB}/rollback", {"revision": 1, "confirm": "true"})["state"] == "done"
    after = inspected(engine, "blog-web")
    assert {f"TOKEN={SECRET}", "MODE=fast"} <= set(after["Config"]["Env"])
    assert after["HostConfig"]["Memory"] == 64 * 1024**2
    assert revisions(blog)[1]["change_cause"] == "found, changed elsewhere"


def test_a_revision_whose_image_is_gone_is_refused_with_what_to_do(blog: Installation, engine: ContainerEngine) -> None:
    engine.cli("rm", "-f", "blog-web")
    engine.cli("import", "-", "opsmodal-test/passing:1", stdin=_archive())
    put(engine, "web", image="opsmodal-test/passing:1")
    assert done(blog, "PUT", f"{WEB}/image", {"image": NEW, "pull": False})["state"] == "done"
    kept = next(each for each in engine.cli("ps", "-a", "--format", "{{.Names}}").split() if "-before-" in each)
    engine.cli("rm", "-f", kept)
    engine.cli("rmi", "-f", "opsmodal-test/passing:1")
    refused = blog.client().call("POST", f"{WEB}/rollback?preview=true", json={"revision": 1})
    assert refused.status_code == 409, refused.text
    assert "no longer on the engine's host" in refused.text
    assert "pull=true" in refused.text
    assert inspected(engine, "blog-web")["State"]["Running"]


def _archive() -> bytes:
    from tests.engines import images

    return images.archive("passing")


def test_limits_change_at_once_and_a_redeploy_keeps_them(blog: Installation, engine: ContainerEngine) -> None:
    before = inspected(engine, "blog-web")
    sent = {"cpu_limit": "0.5", "memory_limit": "128Mi"}
    plan = blog.client().call("PUT", f"{WEB}/resources?preview=true", json=sent)
    assert plan.status_code == 200, plan.text
    rows = {each["what"]: (each["before"], each["after"]) for each in plan.json["differences"]}
    assert rows["memory limit of blog-web"] == ("64 MiB", "128 MiB")
    assert rows["CPU limit of blog-web"] == ("none", "0.5 cores")
    command = f"{engine.name} update --memory 128m --memory-swap 256m --cpus 0.5 blog-web"
    assert plan.json["command"] == command
    answer = blog.client().call("PUT", f"{WEB}/resources", json=sent)
    assert answer.status_code == 200, answer.text
    assert inspected(engine, "blog-web")["Id"] == before["Id"], "it was not replaced"
    assert _memory_limit(engine, before["Id"]) == 128 * 1024**2
    assert ("admin", "deployment.resources", "done") in blog.audited()
    assert revisions(blog)[0]["change_cause"] == "settings changed in place"
    assert done(blog, "POST", f"{WEB}/redeploy", {})["state"] == "done"
    after = inspected(engine, "blog-web")["HostConfig"]
    assert after["Memory"] == 128 * 1024**2
    assert after["NanoCpus"] == 500_000_000
    taken = blog.client().call("PUT", f"{WEB}/resources", json={"cpu_limit": "0.5"})
    assert "does not take a memory limit away" in taken.text


def _memory_limit(engine: ContainerEngine, container: str) -> int:
    """Ask the kernel, which is told by neither engine."""
    pid = inspected(engine, container)["State"]["Pid"]
    groups = [line.split(":", 2) for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
    for _, controllers, path in groups:
        if "memory" in controllers.split(","):
            return int(Path(f"/sys/fs/cgroup/memory{path}/memory.limit_in_bytes").read_text())
    (path,) = [path for _, controllers, path in groups if not controllers]
    return int(Path(f"/sys/fs/cgroup{path}/memory.max").read_text())


def test_a_restart_policy_changes_at_once_where_the_engine_can(blog: Installation, engine: ContainerEngine) -> None:
    sent = {"policy": "on-failure", "retries": 3}
    answer = blog.client().call("PUT", f"{WEB}/restart-policy", json=sent)
    if engine.name != "docker":
        assert "cannot change a restart policy in place" in answer.text  # podman 4.3
        return
    assert answer.status_code == 200, answer.text
    assert "was no" in answer.json["sentence"]
    policy = inspected(engine, "blog-web")["HostConfig"]["RestartPolicy"]
    assert policy == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert ("admin", "deployment.restart-policy", "done") in blog.audited()
    wrong = blog.client().call("PUT", f"{WEB}/restart-policy", json={"policy": "sometimes"})
    assert wrong.status_code == 422, wrong.text


def test_a_service_is_redeployed_in_order_and_what_shares_a_network_follows(
    blog: Installation, engine: ContainerEngine
) -> None:
    put(engine, "db")
    put(engine, "app", "--label", "com.docker.compose.depends_on=web:service_started:false,db:service_healthy:true")
    if engine.name == "docker":  # podman 4.3 does not tell --volumes-from, so such a container is left alone
        put(engine, "side", "--network", "container:blog-db", "--volumes-from", "blog-db")
    else:
        put(engine, "side", "--network", "container:blog-db")
    plan = blog.client().call("POST", f"{ALL}/redeploy?preview=true", json={})
    assert plan.status_code == 200, plan.text
    names = plan.json["hits"]
    assert set(names) == {"blog-web", "blog-db", "blog-app", "blog-side"}
    assert names.index("blog-app") > max(names.index("blog-web"), names.index("blog-db"))
    assert names.index("blog-side") > names.index("blog-db")
    before = {name: inspected(engine, name)["Id"] for name in names}
    job = done(blog, "POST", f"{ALL}/redeploy", {})
    assert job["state"] == "done", job
    assert {each["name"] for each in job["steps"] if each["state"] == "done"} >= set(names)
    after = {name: inspected(engine, name) for name in names}
    assert all(after[name]["State"]["Running"] and after[name]["Id"] != before[name] for name in names)
    db = after["blog-db"]["Id"]
    assert after["blog-side"]["HostConfig"]["NetworkMode"] == f"container:{db}"
    again = done(blog, "POST", f"{ALL}/redeploy", {})
    assert again["state"] == "done", again
    left = [each for each in engine.cli("ps", "-a", "--format", "{{.Names}}").split() if "-before-" in each]
    assert len(left) <= len(names) + 1, "what was kept goes with the next one"


def test_a_redeploy_stops_at_the_first_that_fails_and_says_which_are_new(
    blog: Installation, engine: ContainerEngine
) -> None:
    """The one in the middle does not start again; what shares its network is made to run as before."""
    fails_later = ("sh", "-c", "test -e /data/seen && exit 3; touch /data/seen; exec sleep 1000")
    after_web = ("--label", "com.docker.compose.depends_on=web:service_started:false")
    put(engine, "mid", *after_web, "--volume", "/data", command=fails_later)
    side = put(engine, "side", "--network", "container:blog-mid")
    web = inspected(engine, "blog-web")["Id"]
    job = done(blog, "POST", f"{ALL}/redeploy", {})
    assert job["state"] == "failed"
    assert "New: blog-web. As before: blog-mid, blog-side." in job["sentence"]
    assert inspected(engine, "blog-web")["Id"] != web
    assert inspected(engine, "blog-side")["Id"] == side
    assert inspected(engine, "blog-side")["State"]["Running"]


def test_a_circle_is_said_and_nothing_is_done(blog: Installation, engine: ContainerEngine) -> None:
    put(engine, "a", "--label", "com.docker.compose.depends_on=b:service_started:false")
    put(engine, "b", "--label", "com.docker.compose.depends_on=a:service_started:false")
    refused = blog.client().call("POST", f"{ALL}/redeploy?preview=true", json={})
    assert refused.status_code == 409
    assert "in a circle" in refused.text
    assert "blog-a" in refused.text


def test_another_services_container_is_not_there_for_any_of_it(blog: Installation, engine: ContainerEngine) -> None:
    engine.run(*STAY, options=["--name", "stranger"])
    stranger = inspected(engine, "stranger")["Id"]
    for name in ("stranger", stranger, f"container.{stranger[:12]}"):
        for method, path, sent in (
            ("PUT", "resources", {"memory_limit": "64Mi"}),
            ("PUT", "restart-policy", {"policy": "always"}),
            ("POST", "rollback", {"revision": 1, "confirm": "true"}),
        ):
            for preview in ("", "?preview=true"):
                answer = blog.client().call(method, f"{ALL}/{name}/{path}{preview}", json=sent)
                assert answer.status_code == 404, (name, path, answer.text)
    assert "stranger" not in blog.client().call("POST", f"{ALL}/redeploy?preview=true", json={}).json["hits"]
    assert inspected(engine, "stranger")["HostConfig"]["Memory"] == 0
