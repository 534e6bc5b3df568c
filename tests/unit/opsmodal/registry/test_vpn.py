"""VPN profiles are judged when they are registered: the entry, its files, and two of them together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from opsmodal.errors import Problem, Rejected
from opsmodal.registry.files import Folder
from opsmodal.registry.registry import Registry
from opsmodal.store import open_store, open_vault
from tests.unit.opsmodal.registry.documents import PLANTED_KEY, WIREGUARD

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
OPENVPN = f"client\nremote vpn.example 1194\nremote-cert-tls server\nauth-user-pass\n<ca>\n{CERTIFICATE}\n</ca>\n"
EVERYTHING = WIREGUARD.replace("10.0.0.0/8", "0.0.0.0/0, ::/0")
MANAGED = {"name": "hq", "kind": "wireguard", "configFile": {"file": "hq.conf"}}
EXTERNAL = {"name": "hq", "kind": "wireguard", "mode": "external", "interface": "wg0"}
OVER_OPENVPN = {"name": "hq", "kind": "openvpn", "configFile": {"file": "hq.ovpn"}}
WITH_LOGIN = {**OVER_OPENVPN, "authFile": {"file": "login"}}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    data = tmp_path_factory.mktemp("data")
    store = open_store(f"sqlite:///{data}/opsmodal.db")
    yield Registry(store, open_vault(store, data_dir=data))
    store.close()


@pytest.mark.parametrize(
    ("entry", "sent"),
    [
        (MANAGED, {"configFile": WIREGUARD}),
        ({**MANAGED, "allowedNetworks": ["0.0.0.0/0"]}, {"configFile": EVERYTHING}),
        (EXTERNAL, {}),
        ({**EXTERNAL, "interface": "", "allowedNetworks": ["10.8.0.0/24", "10.9.9.9", "fd00::/8"]}, {}),
        ({**EXTERNAL, "configFile": {"file": "hq.conf"}}, {"configFile": EVERYTHING}),
        (WITH_LOGIN, {"configFile": OPENVPN, "authFile": "name\npassword\n"}),
        (OVER_OPENVPN, {"configFile": OPENVPN.replace("auth-user-pass", f"<cert>\n{CERTIFICATE}\n</cert>\n<key>\n"
         f"{CERTIFICATE.replace('CERTIFICATE', 'PRIVATE KEY')}\n</key>")}),
    ],
)  # fmt: skip
def test_profiles_that_are_taken(registry: Registry, entry: Mapping[str, Any], sent: Mapping[str, str]) -> None:
    assert registry.problems("vpnProfiles", entry, sent) == ()


@pytest.mark.parametrize(
    ("entry", "sent", "field", "words"),
    [
        ({"name": "hq", "kind": "wireguard"}, {}, "configFile", "has no configFile"),
        ({**EXTERNAL, "interface": ""}, {}, "interface", "Nothing says where"),
        ({**MANAGED, "interface": "wg0"}, {"configFile": WIREGUARD}, "interface", "chooses its interface itself"),
        ({**EXTERNAL, "authFile": {"file": "x"}}, {"authFile": "a\nb"}, "authFile", "no name and password"),
        ({**EXTERNAL, "allowedNetworks": ["10.8.0.1/24"]}, {}, "allowedNetworks[0]", "an address inside of a network"),
        ({**EXTERNAL, "allowedNetworks": ["10.8.0.0/24", "10.8.0/24"]}, {}, "allowedNetworks[1]", "no network"),
        ({**EXTERNAL, "allowedNetworks": ["10.8.0.0/33"]}, {}, "allowedNetworks[0]", "no network"),
        (MANAGED, {"configFile": WIREGUARD + "PostUp = id"}, "configFile", "PostUp"),
        (MANAGED, {"configFile": OPENVPN}, "configFile", "Line 1 of the profile"),
        (MANAGED, {"configFile": EVERYTHING}, "allowedNetworks", "would send everything"),
        (MANAGED, {"configFile": WIREGUARD.replace("10.0.0.0/8", "")}, "allowedNetworks", "names no network"),
        (MANAGED, {"configFile": WIREGUARD.replace("Endpoint", "#")}, "configFile", "nobody to call"),
        (OVER_OPENVPN, {"configFile": OPENVPN}, "authFile", "asks for a name and a password"),
        (OVER_OPENVPN, {"configFile": WIREGUARD}, "configFile", "Line 1 of the profile"),
        (WITH_LOGIN, {"configFile": OPENVPN + "up /x", "authFile": "a\nb"}, "configFile", "run a program"),
        (WITH_LOGIN, {"configFile": OPENVPN, "authFile": "only-a-name"}, "authFile", "a name and a password"),
        (WITH_LOGIN, {"configFile": OPENVPN, "authFile": "a\nb\nc"}, "authFile", "a name and a password"),
        (MANAGED, {}, "configFile", "is not there"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(
    registry: Registry, entry: Mapping[str, Any], sent: Mapping[str, str], field: str, words: str
) -> None:
    found = registry.problems("vpnProfiles", entry, sent)
    assert [one.field for one in found] == [field], found
    assert words in found[0].sentence
    assert found[0].hint
    assert PLANTED_KEY not in found[0].sentence + found[0].hint


def _applied(registry: Registry, folder: Path, document: str) -> tuple[Problem, ...]:
    with pytest.raises(Rejected) as refused:
        registry.apply(document.encode(), Folder(folder))
    return refused.value.problems


def test_a_document_is_refused_with_the_line_of_the_entry_and_that_of_the_profile(
    registry: Registry, tmp_path: Path
) -> None:
    (tmp_path / "bad.conf").write_text(f"{WIREGUARD}\nPreDown = iptables -F\n")
    document = """apiVersion: opsmodal/v1
vpnProfiles:
- {name: fine, kind: wireguard, mode: external, interface: wg1}
- name: hq
  kind: wireguard
  configFile: bad.conf
"""
    found = _applied(registry, tmp_path, document)
    assert [(one.line, one.field) for one in found] == [(6, "vpnProfiles[1].configFile")]
    assert "Line 9 of the profile, PreDown, would run a program" in found[0].sentence
    assert "iptables" not in found[0].sentence
    assert registry.vpn_profile("fine") is None


def test_a_kept_file_is_judged_again_when_its_kind_changes(registry: Registry) -> None:
    registry.put("vpnProfiles", MANAGED, {"configFile": WIREGUARD})
    kept = registry.vpn_profile("hq")
    assert kept is not None
    assert kept.config_file is not None
    ref = {"file": "hq.conf", "fingerprint": kept.config_file.fingerprint}
    assert registry.problems("vpnProfiles", {**MANAGED, "configFile": ref}) == ()
    found = registry.problems("vpnProfiles", {**MANAGED, "kind": "openvpn", "configFile": ref})
    assert [one.field for one in found] == ["configFile"]
    registry.remove("vpnProfiles", "hq")


@pytest.mark.parametrize(
    ("mode", "networks", "told"),
    [
        ("external", ["10.0.0.0/8"], "10.1.0.0/16"),
        ("external", ["10.1.2.0/24"], "10.1.2.0/24"),
        ("external", ["10.2.0.0/16", "fd00::/8"], ""),
        ("managed", ["10.1.0.0/16"], ""),
    ],
)
def test_external_tunnels_to_the_same_addresses_are_warned_about(
    registry: Registry, tmp_path: Path, mode: str, networks: list[str], told: str
) -> None:
    (tmp_path / "hq.conf").write_text(WIREGUARD)
    second = "interface: wg2" if mode == "external" else "configFile: hq.conf"
    document = f"""apiVersion: opsmodal/v1
vpnProfiles:
- {{name: one, kind: wireguard, mode: external, interface: wg1, allowedNetworks: [10.1.0.0/16]}}
- {{name: two, kind: wireguard, mode: {mode}, {second}, allowedNetworks: {networks}}}
"""
    warnings = registry.diff(document.encode(), Folder(tmp_path)).warnings
    found = [one for one in warnings if "both lead to" in one]
    assert bool(found) is bool(told)
    assert not told or f"one and two both lead to {told}:" in found[0]


def test_a_server_that_anybody_could_pose_as_is_warned_about(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "hq.ovpn").write_text(OPENVPN.replace("remote-cert-tls server\n", ""))
    (tmp_path / "login").write_text("name\npassword\n")
    document = "apiVersion: opsmodal/v1\nvpnProfiles: [{name: hq, kind: openvpn, configFile: hq.ovpn, authFile: login}]"
    warnings = registry.diff(document.encode(), Folder(tmp_path)).warnings
    assert ["remote-cert-tls" in one for one in warnings] == [True]


@pytest.mark.parametrize(("network", "told"), [("10.1.0.0/16", False), ("0.0.0.0/0", False), ("172.16.0.0/12", True)])
def test_networks_that_no_peer_carries_are_warned_about(
    registry: Registry, tmp_path: Path, network: str, told: bool
) -> None:
    (tmp_path / "hq.conf").write_text(WIREGUARD)
    entry = f"{{name: hq, kind: wireguard, configFile: hq.conf, allowedNetworks: [{network}]}}"
    warnings = registry.diff(f"apiVersion: opsmodal/v1\nvpnProfiles: [{entry}]".encode(), Folder(tmp_path)).warnings
    assert ["AllowedIPs" in one for one in warnings] == [True] * told
