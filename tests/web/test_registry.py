"""The registry's pages and API: register, edit, test, find, take over and remove, with the same validation."""

from __future__ import annotations

from tests.web.conftest import Installation, own_page


def test_a_runtime_is_registered_tested_searched_and_removed_by_api(changed: Installation) -> None:
    admin = changed.client()
    entry = {
        "kind": "kubernetes",
        "kubeconfig": {"file": "two.yaml"},
        "files": {"kubeconfig": changed.cluster.kubeconfig()},
    }
    assert admin.call("PUT", "/registry/runtimes/two", json=entry).status_code == 200
    tested = admin.call("POST", "/registry/runtimes/two/test").json
    assert tested["ok"] is True, tested
    proposed = {row["name"]: row for row in admin.get("/registry/runtimes/two/proposals").json}
    assert {"shop", "payments", "reports"} <= set(proposed)
    assert admin.call("DELETE", "/registry/runtimes/two").status_code == 409
    assert admin.call("DELETE", "/registry/runtimes/two?confirm=true").status_code == 200
    assert admin.get("/registry/runtimes/two").status_code == 404


def test_proposals_are_taken_over_by_name(changed: Installation) -> None:
    admin = changed.client()
    assert admin.call("DELETE", "/registry/services/payments?confirm=payments").status_code == 200
    assert admin.get("/services/payments").status_code == 404
    wanted = {"names": ["payments", "shop"], "environment": "staging"}
    done = admin.call("POST", "/registry/runtimes/demo/proposals", json=wanted)
    assert done.json["targets"] == ["payments"], "what is registered already stays as it is"
    service = admin.get("/services/payments").json
    assert (service["environment"], service["ready"], service["total"]) == ("staging", 2, 3)


def test_a_runtime_in_use_is_not_removed(changed: Installation) -> None:
    answer = changed.client().call("DELETE", "/registry/runtimes/demo?confirm=true")
    assert answer.status_code == 409
    assert "shop" in answer.json["detail"]


def test_the_form_of_a_runtime_keeps_the_stored_kubeconfig(changed: Installation) -> None:
    browser = changed.browser("admin")
    page = browser.get("/registry/runtimes/demo")
    assert page.status_code == 200
    assert "current-context" not in page.text, "a credential is never shown again"
    saved = browser.post("/registry/runtimes/demo", data={"kind": "kubernetes", "context": ""}, headers=own_page())
    assert saved.status_code == 303, saved.text
    assert changed.client().get("/services/shop/overview").status_code == 200


def test_a_wrong_form_comes_back_with_its_problem_and_its_fields(changed: Installation) -> None:
    browser = changed.browser("admin")
    data = {"name": "Edge!", "kind": "docker", "socket": "relative.sock"}
    page = browser.post("/registry/add-runtime", data=data, headers=own_page())
    assert page.status_code == 422
    assert "relative.sock" in page.text
    assert "This cannot be saved yet." in page.text


def test_a_kubeconfig_that_would_run_a_program_or_read_a_file_is_refused(changed: Installation) -> None:
    for user in (
        "exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: [-c, 'touch /tmp/pwned']}",
        "tokenFile: /etc/shadow",
    ):
        text = (
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
            "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n"
            f"users: [{{name: u, user: {{{user}}}}}]\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n"
        )
        entry = {"kind": "kubernetes", "kubeconfig": {"file": "x.yaml"}, "files": {"kubeconfig": text}}
        answer = changed.client().call("PUT", "/registry/runtimes/evil", json=entry)
        assert answer.status_code == 422, answer.text
        assert answer.json["problems"]
    assert changed.client().get("/registry/runtimes/evil").status_code == 404


def test_a_document_is_applied_whole_or_not_at_all(changed: Installation) -> None:
    admin = changed.client()
    wrong = (
        "apiVersion: opsmodal/v1\nservices:\n"
        "  - {name: one, runtime: demo, namespace: shop}\n  - {name: two, runtime: absent, namespace: shop}\n"
    )
    answer = admin.call("POST", "/registry/document", data=wrong)
    assert answer.status_code == 422
    assert answer.json["problems"][0]["line"] == 4
    assert "one" not in {row["name"] for row in admin.get("/services").json["items"]}
    right = wrong.replace("absent", "demo")
    assert admin.call("POST", "/registry/document?dry_run=true", data=right).status_code == 200
    assert "one" not in {row["name"] for row in admin.get("/services").json["items"]}
    assert admin.call("POST", "/registry/document", data=right).status_code == 200
    assert {"one", "two"} <= {row["name"] for row in admin.get("/services").json["items"]}


def test_the_export_applies_again_and_holds_no_credential(changed: Installation) -> None:
    text = changed.client().get("/registry/document").text
    assert "fingerprint" in text
    assert "token" not in text
    again = changed.client().call("POST", "/registry/document", data=text)
    assert again.status_code == 200
    assert {change["action"] for change in again.json["changes"]} == {"unchanged"}


def test_a_connection_that_cannot_carry_is_accepted_and_its_test_says_why(changed: Installation) -> None:
    ssh = {"kind": "ssh", "name": "bastion", "host": "10.0.0.5", "user": "ops", "priority": 1}
    entry = {"kind": "docker", "socket": "/var/run/docker.sock", "connections": [ssh]}
    assert changed.client().call("PUT", "/registry/runtimes/far", json=entry).status_code == 200
    tested = changed.client().call("POST", "/registry/runtimes/far/test").json
    assert tested["ok"] is False
    assert tested["sentence"] == "There is nothing to sign in with."


PAGES = (
    "",
    "/add-runtime",
    "/runtimes/demo",
    "/runtimes/demo/proposals",
    "/add-service",
    "/services/shop",
    "/add-vpn-profile",
)


def test_every_page_of_the_registry_opens(shown: Installation) -> None:
    browser = shown.browser("admin")
    for path in PAGES:
        page = browser.get(f"/registry{path}")
        assert page.status_code == 200, path
        assert "<h1>" in page.text


def test_the_form_of_a_service_takes_an_account_and_leaves_the_policy(changed: Installation) -> None:
    policy = {"verbs": {"operator": ["get", "logs"]}}
    entry = {"runtime": "demo", "namespace": "shop", "policy": policy}
    admin, browser = changed.client(), changed.browser("admin")
    assert admin.call("PUT", "/registry/services/shop", json=entry).status_code == 200
    form = {"runtime": "demo", "namespace": "shop", "serviceAccount": "shop-operator"}
    assert browser.post("/registry/services/shop", data=form, headers=own_page()).status_code == 303
    stored = admin.get("/registry/services/shop").json
    assert (stored["policy"], stored["serviceAccount"]) == (policy, "shop-operator")
    assert 'value="shop-operator"' in browser.get("/registry/services/shop").text
