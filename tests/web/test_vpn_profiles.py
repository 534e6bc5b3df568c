"""VPN profiles on pages and by the API: a file goes in by pasting or choosing, and never comes out again."""

from __future__ import annotations

import io
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.unit.opsmodal.registry.documents import PLANTED_KEY, WIREGUARD
from tests.web.conftest import Installation, own_page

ADD = "/registry/add-vpn-profile"
HQ = "/registry/vpn-profiles/hq"
FORM = {"name": "hq", "kind": "wireguard", "mode": "managed"}
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nUExBTlRFRA==\n-----END OPENSSH PRIVATE KEY-----"
WAYS = "- {name: bastion, kind: ssh, host: 10.0.0.5, user: ops, identityFile: ops.key, passphrase: words, jump: [%s]}"
JUMP = "{host: 'edge@10.0.0.4', password: edge.txt}"


def posted(installation: Installation, path: str, **fields: Any) -> TestResponse:
    """Send a form as a browser does, with its line ends."""
    data = {name: text.replace("\n", "\r\n") if isinstance(text, str) else text for name, text in fields.items()}
    return installation.browser("admin").post(path, data=data, headers=own_page(), content_type="multipart/form-data")


def text_of(installation: Installation, field: str = "configFile") -> str | None:
    return installation.registry.credential("vpnProfiles", "hq", field)


def test_a_profile_is_pasted_listed_edited_and_removed(changed: Installation) -> None:
    browser = changed.browser("admin")
    assert "PostUp" in browser.get(ADD).text
    assert posted(changed, ADD, **FORM, configFile=WIREGUARD).status_code == 303
    assert text_of(changed) == WIREGUARD
    page = browser.get("/registry").text
    assert f'href="{HQ}"' in page
    assert "WireGuard" in page
    shown = browser.get(HQ).text
    assert "Stored: hq.conf" in shown
    assert PLANTED_KEY not in page + shown
    edited = {**FORM, "configFile": "", "allowedNetworks": "10.0.0.0/16, 10.9.0.0/16\n10.1.2.3"}
    assert posted(changed, HQ, **edited).status_code == 303
    assert text_of(changed) == WIREGUARD
    profile = changed.registry.vpn_profile("hq")
    assert profile is not None
    assert profile.allowed_networks == ("10.0.0.0/16", "10.9.0.0/16", "10.1.2.3")
    assert posted(changed, f"{HQ}/delete", confirm="true").status_code == 303
    assert changed.registry.vpn_profile("hq") is None
    assert text_of(changed) is None
    assert browser.get(HQ).status_code == 404


def test_a_profile_is_chosen_as_a_file(changed: Installation) -> None:
    upload = (io.BytesIO(b"\xef\xbb\xbf" + WIREGUARD.encode()), "from home.conf")
    assert posted(changed, ADD, **FORM, **{"configFile.upload": upload}).status_code == 303
    assert text_of(changed) == WIREGUARD


def test_a_chosen_file_that_is_no_text_is_refused(shown: Installation) -> None:
    upload = (io.BytesIO(b"\xff\xfe\x00"), "x.conf")
    page = posted(shown, ADD, **FORM, **{"configFile.upload": upload})
    assert page.status_code == 400
    assert "not a text" in page.text


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"configFile": f"{WIREGUARD}PostUp = id"}, "configFile", "Line 8 of the profile, PostUp, would run a program"),
        ({"configFile": ""}, "configFile", "has no configFile"),
        ({"configFile": WIREGUARD, "allowedNetworks": "10.0.0.1/8"}, "allowedNetworks", "inside of a network"),
        ({"configFile": WIREGUARD, "interface": "wg0"}, "interface", "chooses its interface itself"),
        ({"mode": "external", "configFile": ""}, "interface", "Nothing says where"),
        ({"configFile": WIREGUARD, "authFile": "a\nb"}, "authFile", "no name and password"),
        ({"configFile": WIREGUARD, "name": "NO"}, "name", "small letters"),
        ({"configFile": WIREGUARD, "kind": "ipsec"}, "kind", "ipsec"),
    ],
)
def test_a_mistake_stands_at_its_field_and_nothing_is_changed(
    shown: Installation, fields: dict[str, str], field: str, words: str
) -> None:
    page = posted(shown, ADD, **{**FORM, **fields})
    assert page.status_code == 422
    assert words.lower() in page.text.partition(f'id="{field}-problem"')[2].partition("</p>")[0].lower()
    assert PLANTED_KEY not in page.text
    assert shown.registry.vpn_profile("hq") is None


def test_a_form_for_a_new_profile_keeps_no_file_of_an_old_one(changed: Installation) -> None:
    assert posted(changed, ADD, **FORM, configFile=WIREGUARD).status_code == 303
    assert posted(changed, ADD, **FORM, configFile="").status_code == 422
    assert text_of(changed) == WIREGUARD


def test_a_stored_login_is_kept_until_it_is_dropped(changed: Installation) -> None:
    certificate = "<ca>\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n</ca>\n"
    text = f"client\nremote vpn.example\nremote-cert-tls server\nauth-user-pass\n{certificate}"
    form = {**FORM, "kind": "openvpn"}
    assert posted(changed, ADD, **form, configFile=text, authFile="me\nsecret").status_code == 303
    assert posted(changed, HQ, **form, configFile="").status_code == 303
    assert text_of(changed, "authFile") == "me\nsecret"
    page = posted(changed, HQ, **form, **{"drop.authFile": "true"})
    assert page.status_code == 422
    assert "asks for a name and a password" in page.text


def test_a_profile_is_registered_by_the_api_and_kept_while_used(changed: Installation) -> None:
    admin = changed.client()
    entry = {"kind": "wireguard", "configFile": {"file": "hq.conf"}, "files": {"configFile": WIREGUARD}}
    assert admin.call("PUT", HQ, json=entry).status_code == 200
    way = {"name": "hq-vpn", "kind": "vpn", "profile": "hq"}
    runtime = {"kind": "docker", "socket": "tcp://10.0.0.9:2375", "connections": [way]}
    assert admin.call("PUT", "/registry/runtimes/far", json=runtime).status_code == 200
    row = admin.get("/registry/vpn-profiles").json[0]
    assert row["used_by"] == ["far"]
    assert row["mode"] == "managed"
    assert PLANTED_KEY not in admin.get(HQ).text
    assert admin.call("DELETE", f"{HQ}?confirm=true").status_code == 409
    assert admin.call("DELETE", "/registry/runtimes/far?confirm=true").status_code == 200
    assert admin.call("DELETE", HQ).status_code == 409
    assert admin.call("DELETE", f"{HQ}?confirm=true").status_code == 200
    assert ("admin", "registry.remove", "done") in changed.audited()


def _runtime(installation: Installation, path: str, **fields: str) -> TestResponse:
    form = {"name": "far", "kind": "docker", "socket": "/var/run/docker.sock"}
    return posted(installation, path, **{**form, **fields})


def _stored(installation: Installation, field: str) -> str | None:
    return installation.registry.credential("runtimes", "far", f"connections.bastion.{field}")


def test_each_file_that_an_ssh_connection_names_has_a_field_of_its_own(changed: Installation) -> None:
    page = _runtime(changed, "/registry/add-runtime", connections=WAYS % JUMP)
    assert page.status_code == 422
    for label, field in (
        ("Private key, bastion", "connections.bastion.identityFile"),
        ("Passphrase of the key, bastion", "connections.bastion.passphrase"),
        ("Password, jump host 1 of bastion", "connections.bastion.jump.0.password"),
    ):
        assert f'<label for="{field}">{label}' in page.text
        assert f'id="{field}-problem"' in page.text
    sent = {
        "connections.bastion.identityFile": f"{KEY}\n",
        "connections.bastion.passphrase": "pass word",
        "connections.bastion.jump.0.password": "edge word",
        "connections.other.password": "for nobody",
    }
    assert _runtime(changed, "/registry/add-runtime", connections=WAYS % JUMP, **sent).status_code == 303
    assert _stored(changed, "identityFile") == f"{KEY}\n"
    assert _stored(changed, "passphrase") == "pass word"
    assert _stored(changed, "jump.0.password") == "edge word"


def test_what_is_stored_for_a_connection_stays_when_its_field_is_left_empty(changed: Installation) -> None:
    sent = {"connections.bastion.identityFile": KEY, "connections.bastion.passphrase": "one"}
    assert _runtime(changed, "/registry/add-runtime", connections=WAYS % "", **sent).status_code == 303
    page = changed.browser("admin").get("/registry/runtimes/far").text
    assert "Stored: ops.key" in page
    assert "UExBTlRFRA" not in page
    entry = changed.client().get("/registry/runtimes/far").json["entry"]
    fingerprint = entry["connections"][0]["identityFile"]["fingerprint"]
    kept = (WAYS % "").replace("ops.key", f"{{file: ops.key, fingerprint: {fingerprint}}}")
    again = {"connections.bastion.identityFile": "", "connections.bastion.passphrase": "two"}
    assert _runtime(changed, "/registry/runtimes/far", connections=kept, **again).status_code == 303
    assert _stored(changed, "identityFile") == KEY
    assert _stored(changed, "passphrase") == "two"
    refused = _runtime(changed, "/registry/runtimes/far", connections=WAYS % JUMP)
    assert refused.status_code == 422
    assert 'action="/registry/runtimes/far"' in refused.text, "it is still the form of this runtime"
    assert 'id="connections.bastion.jump.0.password-problem"' in refused.text


def test_connections_that_are_none_are_told_and_break_nothing(shown: Installation) -> None:
    several = ("5", "[5]", "[{}]", "[{name: {}}]", "- {name: a, kind: ssh, jump: 5}", "- {name: a, password: [1]}")
    for written in several:
        assert _runtime(shown, "/registry/add-runtime", connections=written).status_code == 422, written
