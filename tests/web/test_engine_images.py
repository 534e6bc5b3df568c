"""Images of a real host on the page and by the API: who may see and delete them, and what is told to whom."""

from __future__ import annotations

import pytest

from opsmodal.updates import UpdateJournal
from runtimes.updates import Update
from tests.engines.containers import ContainerEngine
from tests.engines.images import IMAGES, packed
from tests.web.conftest import Installation
from tests.web.test_engine_deployment import blog, engine, over

__all__ = ["blog", "engine"]

HOST = "/services/blog/host-images"
LEFT = "left/over:1"


@pytest.mark.often("docker")
def test_unused_images_are_listed_planned_and_deleted(blog: Installation, engine: ContainerEngine) -> None:
    engine.cli("create", "--name", "holder", IMAGES[1], "sleep", "1")
    engine.cli("import", "-", LEFT, stdin=packed({"a": b"a" * 9_000}))
    blog.registry.put("grants", {"user": "viewer", "role": "viewer", "services": ["blog"]})
    admin, viewer = blog.client(), blog.client("viewer")
    seen = viewer.get(HOST).json
    assert (seen["unused"], LEFT in viewer.get(HOST).text) == (1, False)
    assert viewer.call("POST", f"{HOST}/cleanup?preview=true").status_code == 403
    assert viewer.get(f"{HOST}/tags").status_code == 403
    assert LEFT not in blog.browser("viewer").get(HOST).text
    plan = admin.call("POST", f"{HOST}/cleanup?preview=true").json
    assert LEFT in plan["hits"][0]
    asked = admin.call("POST", f"{HOST}/cleanup")
    assert (asked.status_code, asked.json["confirm"]) == (409, "true")
    journal = UpdateJournal(blog.store)
    going = Update(id="0badcafe", name="blog-other", old="", image=IMAGES[0])
    written = journal.open(going, runtime="edge", service="blog", person="admin")
    busy = admin.call("POST", f"{HOST}/cleanup?confirm=true")
    assert "being updated" in busy.text
    journal.save(written, Update(id="0badcafe", name="blog-other", old="", image=IMAGES[0], stage="over"))
    stale = admin.call("POST", f"{HOST}/cleanup?confirm=true", json={"revision": "other"})
    assert stale.status_code == 412, stale.text
    begun = admin.call("POST", f"{HOST}/cleanup?confirm=true", json={"revision": plan["revision"]})
    assert begun.status_code == 202, begun.text
    job = over(blog, begun.json["id"])
    assert "1 image was deleted" in job["sentence"]
    assert LEFT in job["steps"][0]["detail"]
    assert LEFT not in viewer.get(f"/services/blog/jobs/{begun.json['id']}").text
    assert admin.get(HOST).json["unused"] == 0
    assert ("admin", "images.clean", "done") in blog.audited()
    assert admin.get("/services/shop/host-images").status_code >= 400
