"""Debug pods and files over the whole application: by API and as a page, and nothing for who may not."""

from __future__ import annotations

import io
import tarfile
import time
from typing import Any

import pytest
import yaml

from tests.web.conftest import Installation, own_page

PODS = "/services/payments/debug-pods"
WITHIN_S = 15.0


def crashing(installation: Installation) -> str:
    rows = installation.client().get("/services/payments/instances").json["items"]
    return str(next(row["name"] for row in rows if row["severity"] == "error"))


def running(installation: Installation, service: str = "payments") -> dict[str, Any]:
    deadline = time.monotonic() + WITHIN_S
    while True:
        items = installation.client().get(f"/services/{service}/debug-pods").json["items"]
        if items and items[0]["state"] == "Running":
            return dict(items[0])
        assert time.monotonic() < deadline, items
        time.sleep(0.05)


def test_a_pod_that_crashes_is_copied_opened_up_and_removed(changed: Installation) -> None:
    pod, client = crashing(changed), changed.client()
    plan = client.call("POST", f"/services/payments/instances/{pod}/debug", json={"preview": True}).json
    assert plan["command"].startswith(f"kubectl -n payments debug {pod} --copy-to=debug")
    assert any(warning.startswith("By hand it is looser") for warning in plan["warnings"])
    assert {each["what"] for each in plan["differences"]} >= {"labels", "service account"}
    assert client.get(PODS).json["items"] == []
    body = {"reason": "OPS-12", "revision": plan["revision"]}
    made = client.call("POST", f"/services/payments/instances/{pod}/debug", json=body)
    assert made.status_code == 201
    up = running(changed)
    assert (up["copy_of"], up["made_by"]) == (pod, "admin")
    said = client.call("POST", "/services/payments/commands", json={"command": up["command"], "mode": "oneshot"})
    assert (said.status_code, said.json["exit_code"]) == (200, 0)
    names = [row["name"] for row in client.get("/services/payments/instances").json["items"]]
    assert up["pod"] not in names
    assert client.call("DELETE", f"{PODS}/{up['name']}").status_code == 200
    assert client.get(PODS).json["items"] == []
    assert {("admin", "debug.copy", "done"), ("admin", "debug.remove", "done")} <= changed.audited()


def test_what_was_looked_at_must_still_be_the_same_pod(changed: Installation) -> None:
    answer = changed.client().call(
        "POST", f"/services/payments/instances/{crashing(changed)}/debug", json={"revision": "another"}
    )
    assert (answer.status_code, answer.json["code"]) == (412, "changed-meanwhile")
    assert changed.client().get(PODS).json["items"] == []


def test_a_pod_of_an_image_is_run_and_the_commands_tab_points_at_it(changed: Installation) -> None:
    browser = changed.browser()
    page = browser.post(
        "/services/shop/debug-pods", data={"image": "busybox:1.36", "preview": "true"}, headers=own_page()
    )
    assert page.status_code == 200
    assert "Run a pod of busybox:1.36 for an hour?" in page.text
    assert "kubectl -n shop run debug --image=busybox:1.36" in page.text
    assert "data-confirmed" not in page.text
    made = browser.post("/services/shop/debug-pods", data={"image": "busybox:1.36"}, headers=own_page())
    assert made.status_code == 303
    assert made.location.startswith("/services/shop/commands?line=kubectl+-n+shop+exec+debug-busybox-")
    running(changed, "shop")
    listed = browser.get("/services/shop/debug-pods")
    assert "busybox:1.36" in listed.text
    assert "Run in it" in listed.text


def test_nobody_has_more_than_a_few_at_once_and_a_place_is_free_again_when_one_is_removed(
    changed: Installation,
) -> None:
    client, path, body = changed.client(), "/services/shop/debug-pods", {"image": "busybox:1.36"}
    made = [client.call("POST", path, json=body) for _ in range(3)]
    assert [each.status_code for each in made] == [201] * 3
    for more in ({}, {"preview": True}):
        refused = client.call("POST", path, json=body | more)
        assert (refused.status_code, refused.json["code"]) == (429, "too-many"), refused.json
        assert refused.json["detail"] == "You have 3 debug pods on this service already, and 3 is the most."
        assert refused.json["hint"]
    assert ("admin", "debug.run", "refused") in changed.audited()
    assert changed.client("manager").call("POST", path, json=body).status_code == 201, "another has places left"
    assert client.call("DELETE", f"{path}/{made[0].json['name']}").status_code == 200
    assert client.call("POST", path, json=body).status_code == 201


@pytest.mark.parametrize("image", ["", "not an image", "shop/UPPER"])
def test_what_is_no_image_is_refused_in_words(changed: Installation, image: str) -> None:
    answer = changed.client().call("POST", "/services/shop/debug-pods", json={"image": image})
    assert answer.status_code == 422
    assert "image" in answer.json["detail"].lower()


def test_a_quota_says_so_before_anything_is_made(changed: Installation) -> None:
    changed.cluster.create(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "few", "namespace": "shop"},
            "spec": {"hard": {"pods": "1"}},
        }
    )
    answer = changed.client().call("POST", "/services/shop/debug-pods", json={"image": "busybox"})
    assert (answer.status_code, answer.json["code"], answer.json["rule"]) == (422, "disallowed", "quota")
    assert "The quota few is used up" in answer.json["detail"]


def test_a_file_comes_as_an_archive_and_is_on_record(changed: Installation) -> None:
    client = changed.client("operator")
    answer = client.get("/services/shop/instances/db-0/files?path=/etc/hostname")
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/x-tar"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''hostname.tar"
    with tarfile.open(fileobj=io.BytesIO(answer.data)) as archive:
        [member] = archive.getmembers()
        content = archive.extractfile(member)
        assert member.name == "etc/hostname"
        assert content is not None
        assert content.read().strip() == b"db-0"
    [entry] = changed.client().get("/audit?action=file.fetch").json["items"]
    assert (entry["actor"], entry["outcome"], entry["bytes"]) == ("operator", "done", len(answer.data))
    assert "kubectl exec db-0 -c db -- tar chf - /etc/hostname" in entry["target"]


@pytest.mark.parametrize(
    ("path", "status", "part"),
    [
        ("/no/such/file", 404, "There is no /no/such/file"),
        ("", 400, "whole path"),
        ("etc/hostname", 400, "whole path"),
        ("/var/../../etc/hostname", 400, "leads up"),
        ("/a\nb", 400, "whole path"),
        ("/" + "a" * 5000, 400, "whole path"),
    ],
)
def test_what_is_no_file_is_refused_before_a_byte(shown: Installation, path: str, status: int, part: str) -> None:
    answer = shown.client().get("/services/shop/instances/db-0/files", query_string={"path": path})
    assert answer.status_code == status, answer.text
    assert part in answer.json["detail"]


@pytest.mark.parametrize("path", ["/etc/passwd; id", "/$(id)", "/--to-command=id", "/-I sh"])
def test_a_path_is_one_word_and_no_flag(shown: Installation, path: str) -> None:
    answer = shown.client().get("/services/shop/instances/db-0/files", query_string={"path": path})
    assert answer.status_code == 404, answer.text


def test_a_container_that_the_pod_has_not_is_not_found(shown: Installation) -> None:
    answer = shown.client().get("/services/shop/instances/db-0/files?path=/etc/hostname&container=x;id")
    assert answer.status_code == 404
    assert "It has: db" in answer.json["hint"]


def test_pods_of_another_service_are_not_found(shown: Installation) -> None:
    foreign, client = crashing(shown), shown.client("manager")
    assert client.get(f"/services/shop/instances/{foreign}/files?path=/etc/hostname").status_code == 404
    assert client.call("POST", f"/services/shop/instances/{foreign}/debug").status_code == 404
    assert client.call("POST", f"/services/payments/instances/{foreign}/debug").status_code == 404
    assert client.get(PODS).status_code == 404


def test_who_may_not_sees_no_button_and_is_refused(shown: Installation) -> None:
    viewer, operator, manager = (shown.browser(name) for name in ("viewer", "operator", "manager"))
    page = "/services/shop/instances/db-0"
    assert "Look inside" not in viewer.get(page).text
    seen = operator.get(page).text
    assert "Fetch" in seen
    assert "Debug copy" not in seen
    assert "Debug copy" in manager.get(page).text
    assert shown.client("operator").call("POST", f"{page}/debug").status_code == 403
    assert shown.client("developer").get(f"{page}/files?path=/etc/hostname").status_code == 403


def test_a_link_of_another_site_fetches_nothing(shown: Installation) -> None:
    browser = shown.browser("manager")
    path = "/services/shop/instances/db-0/files?path=/etc/hostname"
    assert browser.get(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert browser.get(path, headers=own_page()).status_code == 200


def test_a_policy_of_programs_holds_for_files_too(changed: Installation) -> None:
    changed.registry.put(
        "services",
        {
            "name": "shop",
            "runtime": "demo",
            "namespace": "shop",
            "selector": "app.kubernetes.io/part-of=shop",
            "policy": {"programs": ["ls"]},
        },
    )
    answer = changed.client("operator").get("/services/shop/instances/db-0/files?path=/etc/hostname")
    assert (answer.status_code, answer.json["code"]) == (422, "command-refused")
    assert ("operator", "file.fetch", "refused") in changed.audited()


def test_a_right_that_the_services_account_lacks_is_shown_as_a_role_to_copy(changed: Installation) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "blind", "namespace": "shop"}}
    changed.cluster.create(account)
    assert changed.client().get("/services/shop/instances").json["total"] == 4
    service = {"name": "shop", "runtime": "demo", "namespace": "shop", "serviceAccount": "blind"}
    changed.registry.put("services", service)
    answer = changed.client().get("/services/shop/instances")
    assert (answer.status_code, answer.json["code"]) == (502, "runtime-denied")
    assert "system:serviceaccount:shop:blind" in answer.json["detail"]
    role, binding = yaml.safe_load_all(answer.json["grant"])
    assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "blind", "namespace": "shop"}]
    page = changed.browser().get("/services/shop/instances").text
    assert "Copy the role" in page
    assert "kind: RoleBinding" in page
