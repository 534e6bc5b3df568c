"""The Deployment tab of real engines: planned, confirmed, done as a job, undone by itself, found after a crash."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from opsmodal.store.tables import UpdateRow
from opsmodal.updates import STILL_AFTER, UpdateJournal
from opsmodal.web.asking import EXTENSION
from runtimes.updates import Update
from tests.engines.containers import ContainerEngine
from tests.engines.images import IMAGES
from tests.web.conftest import Installation

OLD, NEW = IMAGES
WEB = "/services/blog/deployment/container.blog-web"
PROJECT = ("--label", "com.docker.compose.project=blog", "--label", "com.docker.compose.service=web")
SECRET = "swordfish-in-an-environment"


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> ContainerEngine:
    """Give each real engine in turn."""
    found: ContainerEngine = request.getfixturevalue(f"{request.param}_engine")
    return found


@pytest.fixture
def blog(changed: Installation, engine: ContainerEngine, request: pytest.FixtureRequest) -> Installation:
    """Give an installation that operates a compose project of an engine."""
    run = ("sh", "-c", "grep -q 3 /etc/version && exit 3; exec sleep 1000")
    engine.run(*run, image=OLD, options=["--name", "blog-web", "--env", f"TOKEN={SECRET}", *PROJECT])
    engine.run("sleep", "1000", options=["--name", "stranger"])
    admin, kind = changed.client(), request.node.callspec.params["engine"]
    entry = {"kind": kind, "socket": str(engine.socket)}
    assert admin.call("PUT", "/registry/runtimes/edge", json=entry).status_code == 200
    assert admin.call("POST", "/registry/runtimes/edge/proposals", json={"names": ["blog"]}).json["targets"] == ["blog"]
    updating = changed.app.extensions[EXTENSION].updating
    updating._stays_up_s = 1.0
    return changed


def test_the_tab_lists_the_containers_and_plans_with_the_lines_by_hand(blog: Installation) -> None:
    (row,) = blog.client().get("/services/blog/deployment").json["items"]
    verbs = ["image", "redeploy", "resources", "restart-policy", "rollback"]
    assert (row["id"], row["kind"], row["verbs"]) == ("container.blog-web", "Container", verbs)
    assert blog.client().get("/services/blog/deployment/container.stranger").status_code == 404
    page = blog.browser().get("/services/blog/deployment").text
    assert "Redeploy" in page
    assert "stranger" not in page
    one = blog.browser().get(WEB)
    assert one.status_code == 200, one.text
    assert "Change the image" in one.text
    assert SECRET not in one.text + page
    plan = blog.client().call("PUT", f"{WEB}/image?preview=true", json={"image": NEW, "pull": False})
    assert plan.status_code == 200, plan.text
    assert plan.json["differences"][0]["after"] == NEW
    assert "compose" in plan.json["command"]
    assert "compose" in " ".join(plan.json["warnings"])
    assert SECRET not in plan.text


def test_an_update_is_a_job_and_one_row_of_the_audit_log(blog: Installation, engine: ContainerEngine) -> None:
    begun = blog.client().call("PUT", f"{WEB}/image", json={"image": NEW, "pull": False})
    assert begun.status_code == 202, begun.text
    assert begun.headers["Location"].endswith(begun.json["id"])
    assert (begun.json["kind"], begun.json["target"]) == ("update", "container/blog-web")
    job = over(blog, begun.json["id"])
    assert (job["state"], job["steps"][-1]["state"]) == ("done", "done")
    (row,) = blog.client().get("/services/blog/deployment").json["items"]
    assert next(iter(row["images"].values())).endswith(NEW)
    until(lambda: ("admin", "deployment.image", "done") in blog.audited())
    notes = " ".join(blog.client().get("/services/blog/deployment").json["notes"])
    assert "blog-web-before-" in notes
    again = blog.client().call("POST", f"{WEB}/redeploy", json={})
    assert over(blog, again.json["id"])["state"] == "done"
    kept = [each for each in engine.cli("ps", "-a", "--format", "{{.Names}}").split() if "-before-" in each]
    assert len(kept) == 1, "the one that the update before kept is gone"


def test_one_that_does_not_run_is_undone_and_the_page_says_why(blog: Installation, engine: ContainerEngine) -> None:
    engine.cli("rm", "-f", "blog-web")
    engine.run(
        "sh", "-c", "grep -q 1 /etc/version || exit 3; exec sleep 1000", options=["--name", "blog-web", *PROJECT]
    )
    begun = blog.client().call("PUT", f"{WEB}/image", json={"image": NEW, "pull": False})
    job = over(blog, begun.json["id"])
    assert job["state"] == "failed"
    assert "ended with 3" in job["sentence"]
    assert "as it was before, and runs" in job["sentence"]
    assert "ended with 3" in blog.browser().get("/services/blog/deployment").text
    until(lambda: ("admin", "deployment.image", "failed") in blog.audited())


def test_another_services_container_and_who_may_not(blog: Installation) -> None:
    stranger = "/services/blog/deployment/container.stranger"
    for method, path in (("PUT", f"{stranger}/image"), ("POST", f"{stranger}/redeploy")):
        sent = {"image": NEW, "pull": False} if method == "PUT" else {}
        assert blog.client().call(method, path, json=sent).status_code == 404
        assert blog.client().call(method, f"{path}?preview=true", json=sent).status_code == 404
    blog.registry.put("grants", {"user": "viewer", "role": "viewer", "services": ["blog"]})
    assert blog.client("viewer").call("POST", f"{WEB}/redeploy", json={}).status_code == 403
    assert blog.client("viewer").get("/services/blog/deployment").json["items"][0]["verbs"] == []


def test_what_an_engine_cannot_do_is_said_and_nonsense_refused(blog: Installation) -> None:
    scaled = blog.client().call("PUT", f"{WEB}/replicas", json={"replicas": 2})
    assert scaled.status_code >= 400
    wrong = blog.client().call("PUT", f"{WEB}/image", json={"image": "No Such Image", "pull": False})
    assert wrong.status_code == 422, wrong.text
    absent = blog.client().call("PUT", f"{WEB}/image", json={"image": "no/such:1", "pull": False})
    assert "is not on the engine's host" in absent.text


def test_in_production_it_wants_to_be_confirmed(blog: Installation) -> None:
    service = blog.client().get("/registry/services/blog").json
    entry = {key: value for key, value in service.items() if key in ("runtime", "project", "title")}
    answer = blog.client().call("PUT", "/registry/services/blog", json={**entry, "environment": "production"})
    assert answer.status_code == 200, answer.text
    for method, path, sent in (("PUT", "image", {"image": NEW, "pull": False}), ("POST", "redeploy", {})):
        asked = blog.client().call(method, f"{WEB}/{path}", json=sent)
        assert asked.status_code == 409, asked.text
        assert asked.json["confirm"] == "blog"
    begun = blog.client().call("POST", f"{WEB}/redeploy", json={"confirm": "blog"})
    assert begun.status_code == 202, begun.text
    assert over(blog, begun.json["id"])["state"] == "done"


def test_an_update_whose_server_was_killed_is_found_and_undone(blog: Installation, engine: ContainerEngine) -> None:
    """The old container was stopped and renamed, the new one not made; then everything ended."""
    old = engine.cli("inspect", "--type", "container", "--format", "{{.Id}}", "blog-web")
    journal = UpdateJournal(blog.store)
    mid = Update(id="0badcafe", name="blog-web", old=old, image=NEW, stage="swapping", new="f" * 64)
    journal.open(mid, runtime="edge", service="blog", person="admin")
    engine.cli("stop", "blog-web")
    engine.cli("rename", "blog-web", mid.kept_as)
    updating: Any = blog.app.extensions[EXTENSION].updating
    assert updating.look() == 0, "its worker may still be there"
    with blog.store.writing() as connection:
        earlier = UpdateRow.heard_at
        assert earlier is not None
        row = connection.execute(update(UpdateRow).values(heard_at=_long_ago(journal)))
        assert row.rowcount == 1
    assert updating.look() <= 1, "or another look of this server was first"
    until(lambda: "blog-web" in engine.cli("ps", "--format", "{{.Names}}").split())
    job = next(each for each in blog.client().get("/services/blog/deployment").json["jobs"] if each["kind"] == "update")
    done = over(blog, job["id"])
    assert done["state"] == "failed"
    assert "as it was before, and runs" in done["sentence"]
    assert journal.still() == ()


def _long_ago(journal: UpdateJournal) -> Any:
    return journal._now() - STILL_AFTER - timedelta(seconds=1)


def over(blog: Installation, job: str) -> dict[str, Any]:
    def ended() -> bool:
        return bool(blog.client().get(f"/services/blog/jobs/{job}").json["state"] != "running")

    until(ended)
    found: dict[str, Any] = blog.client().get(f"/services/blog/jobs/{job}").json
    return found


def until(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "not within time"
        time.sleep(0.1)
