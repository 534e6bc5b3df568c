"""What a running openvpn says, as tables of its real lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vpn.openvpn_arguments import arguments, quoted, without_remotes
from connectors.vpn.openvpn_says import REASON_MAX_CHARS, State, pushed_of, reason_of, state_of

STAMP = "2026-11-21 14:18:30 "


@pytest.mark.parametrize(
    ("line", "words", "refused"),
    [
        ("AUTH: Received control message: AUTH_FAILED", "it refuses the name and password", True),
        ("AUTH: Received control message: AUTH_FAILED,locked", "it refuses the name and password (locked)", True),
        (
            "VERIFY ERROR: depth=1, error=self-signed certificate in certificate chain: CN=x, serial=1",
            "its certificate is not accepted (self-signed certificate in certificate chain)",
            False,
        ),
        (
            "VERIFY X509NAME ERROR: CN=server, must be other",
            "its certificate has another name than the profile awaits",
            False,
        ),
        ("VERIFY EKU ERROR", "its certificate is none of a server (remote-cert-tls)", False),
        (
            "OpenSSL: error:0A000418:SSL routines::tlsv1 alert unknown ca",
            "it refuses the certificate of the profile (unknown ca)",
            True,
        ),
        ("Options error: nonsense", "openvpn does not take the profile (nonsense)", True),
    ],
)
def test_reasons(line: str, words: str, *, refused: bool) -> None:
    reason = reason_of(STAMP + line)
    assert reason is not None
    assert (reason.words, reason.refused) == (words, refused)


@pytest.mark.parametrize("line", ["VERIFY OK: depth=0, CN=server", "Initialization Sequence Completed", ""])
def test_other_lines_are_no_reason(line: str) -> None:
    assert reason_of(STAMP + line) is None


@given(st.text())
def test_words_of_the_far_side_are_short_and_printable(said: str) -> None:
    reason = reason_of(f"AUTH_FAILED,{said}")
    assert reason is not None
    assert reason.words.isprintable()
    assert len(reason.words) < REASON_MAX_CHARS + 50


@pytest.mark.parametrize(
    ("options", "networks"),
    [
        ("route 10.222.0.0 255.255.0.0,ifconfig 10.8.0.2 255.255.255.0", ("10.222.0.0/16", "10.8.0.0/24")),
        ("topology net30,ifconfig 10.8.0.6 10.8.0.5", ("10.8.0.5/32",)),
        ("route 10.8.0.1,route-ipv6 fd00:1::/64 fd00::1", ("10.8.0.1/32", "fd00:1::/64")),
        ("ifconfig-ipv6 fd00::2/64 fd00::1,redirect-gateway def1", ("fd00::/64",)),
        ("dhcp-option DNS 1.1.1.1,route nonsense,route 10.0.0.0 mask", ()),
    ],
)
def test_pushed_networks(options: str, networks: tuple[str, ...]) -> None:
    assert pushed_of(f"{STAMP}PUSH: Received control message: 'PUSH_REPLY,{options}'") == networks


def test_other_lines_push_nothing() -> None:
    assert pushed_of("PUSH_REPLY,route 10.0.0.0 255.0.0.0") is None


def test_states() -> None:
    line = ">STATE:1763734710,CONNECTED,SUCCESS,10.8.0.2,127.0.0.1,35434,,"
    assert state_of(line) == State(name="CONNECTED", reason="SUCCESS", address="10.8.0.2", port=35434)
    short = state_of(">STATE:1763734710,RECONNECTING,ping-restart,,,,,")
    assert short == State(name="RECONNECTING", reason="ping-restart", address="", port=0)
    assert state_of(">HOLD:Waiting for hold release:0") is None


@pytest.mark.parametrize(
    ("word", "written"), [("plain", '"plain"'), ('a"b', '"a\\"b"'), ("a\\b", '"a\\\\b"'), ("", '""')]
)
def test_words_for_the_management_socket_are_quoted(word: str, written: str) -> None:
    assert quoted(word) == written


def test_only_the_head_of_a_profile_loses_its_remotes() -> None:
    block = "<auth-user-pass>\nremote a\nsecret\n</auth-user-pass>\n"
    text = f"client\nremote a 1 udp\nremote-random-hostname\nremote-random\n{block}"
    assert without_remotes(text) == f"client\nremote-random\n{block}"


def test_no_server_sets_more_than_the_list_says() -> None:
    given = arguments("tun0", "/run/management", ["127.0.0.1 4000 udp4"], asks=True)
    assert given[-3:] == ["--pull-filter", "ignore", ""]
    assert given[given.index("--script-security") + 1] == "0"
    assert given[given.index("--remote") + 1 :][:3] == ["127.0.0.1", "4000", "udp4"]
    assert {"--route-noexec", "--management-query-passwords"} <= set(given)
    taken = [given[at + 2] for at, word in enumerate(given) if word == "--pull-filter" and given[at + 1] == "accept"]
    assert not {"route ", "redirect-gateway", "dhcp-option", "dns"} & set(taken)
