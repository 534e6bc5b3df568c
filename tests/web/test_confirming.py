"""Everything dangerous asks first: for the service's name in production, for `true` elsewhere; and why, if it must."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from opsmodal import actions
from opsmodal.demo.cluster import Cluster
from opsmodal.registry.hostkeys import Trusted
from opsmodal.registry.logins import KnownLogin
from opsmodal.registry.rights import name_of
from opsmodal.web.errors import MEDIA_TYPE
from tests.web.conftest import Caller, Installation, Seed, closed, installed, own_page

ELSEWHERE = {
    *("instance.restart", "instance.stop", "instance.start"),
    *("host-key.trust", "command.destroy", "command.runbook"),
    *("deployment.rollback", "deployment.remove-autoscaler", "metrics-server.replace"),
}
"""Only containers are restarted, stopped and started, and only a key that a server shows is trusted:
tests/web/test_engines.py and tests/web/test_host_keys.py ask for them. For typed lines see tests/web/test_commands.py,
for what wants a second revision, an autoscaler or somebody else's Metrics Server tests/web/test_rollout_story.py and
test_scaling.py."""
BODIES: dict[str, dict[str, object]] = {"deployment.remove-pods": {"replicas": 0}}
"""What an action sends beside its confirmation."""
KEY = Trusted("bastion", 22, "ssh-ed25519", "bastion ssh-ed25519 AAAA", "SHA256:known", "admin", datetime.now(UTC))


@pytest.fixture(scope="module", params=["never", "production", "always"])
def strict(
    request: pytest.FixtureRequest, example_cluster: Cluster, seed: Seed, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Installation, str]]:
    """Give an installation that wants a reason, or none; nothing in it is ever confirmed."""
    made = installed(tmp_path_factory.mktemp("strict"), seed, example_cluster, reason_required=request.param)
    made.registry.put("services", {"name": "old", "runtime": "demo", "namespace": "old"})
    made.registry.put(
        "services", {"name": "old-prod", "runtime": "demo", "namespace": "p", "environment": "production"}
    )
    made.registry.trust(KEY)
    made.registry.put("runtimes", {"name": "box", "kind": "docker", "socket": "/run/none.sock"})
    made.registry.logins.put(KnownLogin("box", "quay.io", "ci", "admin", datetime.now(UTC)), "x")
    made.registry.put("groups", {"name": "oncall", "users": ["viewer"]})
    made.registry.put("grants", {"group": "oncall", "role": "viewer", "services": ["shop"]})
    yield made, request.param
    closed(made)


def asked(made: Installation) -> dict[tuple[str, str], tuple[str, str, str]]:
    """Give for each dangerous action (and what it is on) how it is asked for and the word that it wants."""
    client = made.client()
    pending = client.get("/services/reports/instances").json["items"][0]["name"]
    token, own = (made.people.new_token(name).id for name in ("viewer", "admin"))
    domain = client.get("/services/shop/domains").json["items"][0]["id"]
    grant = next(name_of(one.spec) for one in made.registry.granted() if one.spec.group == "oncall")
    return {
        ("instance.delete", "production"): ("DELETE", "/services/shop/instances/db-0", "shop"),
        ("instance.force-delete", "production"): ("DELETE", "/services/shop/instances/db-0?force=true", "shop"),
        ("instance.delete", ""): ("DELETE", f"/services/reports/instances/{pending}", "true"),
        ("instance.force-delete", ""): ("DELETE", f"/services/reports/instances/{pending}?force=true", "true"),
        ("instances.delete-pending", ""): ("POST", "/services/reports/instances/delete-pending", "true"),
        ("deployment.remove-pods", "production"): ("PUT", "/services/shop/deployment/deployment.web/replicas", "shop"),
        ("config.delete", "production"): ("DELETE", "/services/shop/config/configmaps/web-settings", "shop"),
        ("domain.remove", "production"): ("DELETE", f"/services/shop/domains/{domain}", "shop"),
        ("metrics-server.remove", "production"): ("DELETE", "/services/shop/metrics-server", "shop"),
        ("images.clean", "production"): ("POST", "/services/shop/images/cleanup", "shop"),
        ("registry.remove", "production"): ("DELETE", "/registry/services/old-prod", "old-prod"),
        ("registry.remove", ""): ("DELETE", "/registry/services/old", "true"),
        ("host-key.forget", ""): ("DELETE", f"/registry/host-keys/{KEY.host}/{KEY.port}", "true"),
        ("registry-login.remove", ""): ("DELETE", "/registry/runtimes/box/logins/quay.io", "true"),
        ("user.disable", ""): ("POST", "/people/viewer/disable", "true"),
        ("user.take-flag", ""): ("DELETE", "/people/auditor/flags/auditor", "true"),
        ("token.revoke", ""): ("DELETE", f"/people/viewer/tokens/{token}", "true"),
        ("group.remove", ""): ("DELETE", "/groups/oncall", "true"),
        ("grant.remove", ""): ("DELETE", f"/grants/{quote(grant, safe='')}", "true"),
        ("account.revoke-token", ""): ("DELETE", f"/account/tokens/{own}", "true"),
    }


def test_everything_dangerous_asks_and_says_what_it_hits(strict: tuple[Installation, str]) -> None:
    made, required = strict
    client, known = made.client(), asked(made)
    dangerous = {name for name, action in actions.KNOWN.items() if action.dangerous}
    assert {name for name, _ in known} | ELSEWHERE == dangerous
    for (name, environment), (method, path, word) in known.items():
        body = BODIES.get(name, {})
        question = sent(client, method, path, **body)
        told = f"{name} {environment} {question}"
        assert (question["code"], question["confirm"]) == ("confirmation-required", word), told
        assert question["hits"], told
        wanted = required == "always" or (required == "production" and environment == "production")
        assert question.get("reason_wanted", False) is wanted, told
        for wrong in ("yes", word.upper(), f"{word} ", "true" if word != "true" else "shop"):
            assert sent(client, method, path, confirm=wrong, **body)["code"] == "confirmation-required", (
                f"{told} {wrong!r}"
            )
        if wanted:
            unsaid = sent(client, method, path, confirm=word, **body)
            assert (unsaid["code"], "needs a reason" in unsaid["detail"]) == ("confirmation-required", True), told


def sent(client: Caller, method: str, path: str, **body: object) -> dict[str, object]:
    answer = client.call(method, path, json=body)
    assert answer.content_type == MEDIA_TYPE, f"{path} {body} was done: {answer.text[:200]}"
    found: dict[str, object] = answer.json
    return found


def test_the_dialog_marks_a_reason_that_is_missing_and_keeps_the_name(strict: tuple[Installation, str]) -> None:
    made, required = strict
    browser, path = made.browser(), "/services/shop/instances/db-0/delete"
    page = browser.post(path, headers=own_page()).text
    field = page[page.index('<input id="reason"') :].partition(">")[0]
    assert ("required" in field) is (required != "never")
    if required == "never":
        return
    again = browser.post(path, data={"confirm": "shop", "reason": ""}, headers=own_page())
    assert again.status_code == 409
    assert 'value="shop"' in again.text, "the name need not be typed again"
    assert "this installation asks why" in again.text
    assert 'aria-invalid="true"' in again.text[again.text.index('<input id="reason"') :].partition(">")[0]
