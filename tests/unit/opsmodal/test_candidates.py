"""Tables: what is known of the ways to a runtime → tag, state, sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.base import Phase
from connectors.errors import HostKeyUnknown
from opsmodal.candidates import candidates, explained, label_of, tag
from opsmodal.fleet import WayState

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
KEY = HostKeyUnknown("Unknown.", host="edge", port=22, line="edge ssh-ed25519 AAAAC3", fingerprint="SHA256:abc")


def way(name: str, kind: str, priority: int, phase: Phase = Phase.IDLE) -> WayState:
    return WayState(
        name=name,
        kind=kind,
        priority=priority,
        in_use=False,
        phase=phase,
        latency_ms=None,
        sentence="",
        hint="",
        last_error="",
        checked_at=None,
        since=None,
        facts=(),
        host_key=None,
    )


LAN, VPN, SSH = way("lan", "direct", 10), way("hq-vpn", "vpn", 20), way("bastion", "ssh", 30)


def down(which: WayState) -> WayState:
    return replace(which, phase=Phase.DOWN, sentence="Nobody answers.", last_error="Nobody answers.", checked_at=NOON)


@pytest.mark.parametrize(
    ("name", "kind", "label"),
    [
        ("direct", "direct", "Direct"),
        ("lan", "direct", "Direct lan"),
        ("hq-vpn", "vpn", "VPN hq-vpn"),
        ("bastion", "ssh", "SSH bastion"),
        ("ssh", "ssh", "SSH"),
        ("VPN", "vpn", "VPN"),
    ],
)
def test_a_way_is_called_by_its_kind_and_its_name(name: str, kind: str, label: str) -> None:
    assert label_of(name, kind) == label


@pytest.mark.parametrize(
    ("known", "in_use", "told"),
    [
        (LAN, False, ("neutral", "not in use")),
        (LAN, True, ("ok", "in use")),
        (replace(LAN, phase=Phase.UP), False, ("ok", "up")),
        (replace(LAN, latency_ms=3.0), False, ("ok", "answers")),
        (replace(LAN, phase=Phase.OPENING), True, ("progress", "opening")),
        (down(LAN), True, ("error", "fails")),
        (replace(down(SSH), host_key=KEY), False, ("error", "unknown host key")),
        (replace(down(SSH), alarm=True), False, ("error", "changed host key")),
        (replace(LAN, last_error="Was away.", latency_ms=3.0), False, ("ok", "answers")),
    ],
)
def test_a_state_has_a_severity_and_a_word(known: WayState, in_use: bool, told: tuple[str, str]) -> None:
    found = candidates([known], in_use=known.name if in_use else "")[0]
    assert (found.health, found.word) == told


@pytest.mark.parametrize(
    ("ways", "taken", "sentence"),
    [
        ([LAN, SSH], "lan", "Auto takes Direct lan: it has the highest priority."),
        ([SSH, LAN], "lan", "Auto takes Direct lan: it has the highest priority."),
        ([down(LAN), SSH], "bastion", "Auto takes SSH bastion: Direct lan fails."),
        ([down(LAN), down(VPN), SSH], "bastion", "Auto takes SSH bastion: Direct lan and VPN hq-vpn fail."),
        ([LAN, SSH], "bastion", "Auto stays with SSH bastion while it carries."),
        ([LAN, SSH], "", "Auto has taken none yet: it will try Direct lan first."),
        ([down(LAN), down(SSH)], "", "Auto has no way: all of them fail."),
        ([], "", "There is no connection."),
    ],
)
def test_what_auto_does_is_said_with_its_reason(ways: list[WayState], taken: str, sentence: str) -> None:
    assert explained(candidates(ways, in_use=taken), taken) == sentence


@pytest.mark.parametrize(
    ("ways", "chosen", "in_use", "text", "word"),
    [
        ([LAN], "auto", "lan", "Direct lan", ""),
        ([way("direct", "direct", 100)], "auto", "", "Direct", ""),
        ([down(LAN)], "auto", "", "Direct lan", ""),
        ([LAN, SSH], "auto", "bastion", "Auto → bastion", ""),
        ([LAN, SSH], "auto", "", "Auto", ""),
        ([down(LAN), down(SSH)], "auto", "", "Auto", "no way"),
        ([LAN, SSH], "bastion", "bastion", "SSH bastion", ""),
        ([LAN, down(SSH)], "bastion", "", "SSH bastion", "fails"),
        ([LAN, replace(VPN, phase=Phase.OPENING)], "hq-vpn", "", "VPN hq-vpn", "opening"),
    ],
)
def test_the_tag_says_the_way_and_its_state_when_it_is_not_up(
    ways: list[WayState], chosen: str, in_use: str, text: str, word: str
) -> None:
    shown = tag(candidates(ways, in_use=in_use), chosen=chosen, in_use=in_use)
    assert (shown.text, shown.word) == (text, word)


def test_only_a_chosen_way_that_fails_offers_others() -> None:
    def offered(chosen: str, in_use: str, *ways: WayState) -> list[str]:
        found = candidates(ways, in_use=in_use)
        return [each.name for each in tag(found, chosen=chosen, in_use=in_use).others]

    assert offered("bastion", "", LAN, VPN, down(SSH)) == ["lan", "hq-vpn"]
    assert offered("bastion", "bastion", LAN, VPN, SSH) == []
    assert offered("auto", "bastion", LAN, VPN, down(SSH)) == []


def test_where_there_is_no_choice_nobody_is_asked() -> None:
    assert tag(candidates([LAN], in_use=""), chosen="auto", in_use="", unasked=True).unasked is False
    assert tag(candidates([LAN, SSH], in_use=""), chosen="auto", in_use="", unasked=True).unasked is True


def test_news_are_told_while_auto_is_not_where_it_would_be() -> None:
    ways = candidates([down(LAN), SSH], in_use="bastion")
    assert tag(ways, chosen="auto", in_use="bastion").news == "Auto takes SSH bastion: Direct lan fails."
    assert tag(ways, chosen="bastion", in_use="bastion").news == ""
    assert tag(candidates([LAN, SSH], in_use="lan"), chosen="auto", in_use="lan").news == ""


@pytest.mark.parametrize(
    ("algorithm", "file"),
    [
        ("ssh-ed25519", "ssh_host_ed25519_key.pub"),
        ("ecdsa-sha2-nistp256", "ssh_host_ecdsa_key.pub"),
        ("ssh-rsa", "ssh_host_rsa_key.pub"),
        ("sk-unheard-of", "ssh_host_*_key.pub"),
    ],
)
def test_a_key_is_compared_on_the_server_itself(algorithm: str, file: str) -> None:
    shown = HostKeyUnknown("Unknown.", host="edge", port=22, line=f"edge {algorithm} AAAA", fingerprint="SHA256:abc")
    key = candidates([replace(down(SSH), host_key=shown)], in_use="")[0].host_key
    assert key is not None
    assert (key.where, key.algorithm, key.compare) == ("edge port 22", algorithm, f"ssh-keygen -lf /etc/ssh/{file}")
    assert "SHA256:abc" in key.advice
