"""What of a WireGuard profile is read, and what is refused with its line."""

from __future__ import annotations

import base64
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vpn.profile import BadProfile
from connectors.vpn.wireguard_profile import Peer, WireGuardProfile, read

KEY = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
OTHER = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
SHARED = base64.b64encode(bytes(range(32))).decode()
ZERO = base64.b64encode(bytes(32)).decode()
WHOLE = f"""[Interface]
PrivateKey = {KEY}
Address = 10.0.0.2/32, fd00::2/128
DNS = 10.0.0.1, corp.example
MTU = 1420
ListenPort = 51821

[Peer] # the gateway
PublicKey = {OTHER}
PresharedKey = {SHARED}
AllowedIPs = 10.0.0.0/24, 10.1.2.3/16
AllowedIPs = fd00::/64
Endpoint = vpn.example.org:51820
PersistentKeepalive = 25
"""


def with_line(line: str, *, peer: bool = False) -> str:
    """Give the whole profile with one more line in a section."""
    return f"{WHOLE}{line}\n" if peer else WHOLE.replace("[Interface]\n", f"[Interface]\n{line}\n")


def without(key: str) -> str:
    return "".join(line for line in WHOLE.splitlines(keepends=True) if not line.startswith(key))


def refusal(text: str) -> BadProfile:
    with pytest.raises(BadProfile) as caught:
        read(text)
    return caught.value


def test_a_whole_profile_is_read() -> None:
    assert read(WHOLE) == WireGuardProfile(
        private_key=KEY,
        addresses=("10.0.0.2/32", "fd00::2/128"),
        dns=("10.0.0.1",),
        mtu=1420,
        listen_port=51821,
        peers=(
            Peer(
                public_key=OTHER,
                preshared_key=SHARED,
                endpoint="vpn.example.org:51820",
                allowed_ips=("10.0.0.0/24", "10.1.0.0/16", "fd00::/64"),
                keepalive_s=25,
            ),
        ),
    )


def test_no_secret_is_in_what_a_profile_looks_like() -> None:
    shown = repr(read(WHOLE))
    assert KEY not in shown
    assert SHARED not in shown


@pytest.mark.parametrize(
    "text",
    [
        WHOLE.replace("\n", "\r\n"),
        f"\ufeff{WHOLE}",
        WHOLE.lower().replace(KEY.lower(), KEY).replace(OTHER.lower(), OTHER).replace(SHARED.lower(), SHARED),
        WHOLE.replace(" = ", "="),
        WHOLE.replace(" = ", "\t=\t"),
        with_line("Table = off"),
        with_line("FwMark = off"),
        with_line("SaveConfig = false"),
        with_line(f"# PostUp = touch /tmp/x\n#{KEY}"),
    ],
    ids=["crlf", "bom", "lower case", "tight", "tabs", "table off", "no mark", "not saved", "comment"],
)
def test_other_spellings_of_the_same_are_the_same(text: str) -> None:
    assert read(text) == read(WHOLE)


@pytest.mark.parametrize("key", ["PreUp", "PostUp", "PreDown", "PostDown", "postup", "POSTUP", "PostUp\t", " PostUp "])
def test_lines_for_a_shell_are_refused_by_name_and_line(key: str) -> None:
    problem = refusal(with_line(f"{key}= iptables -A FORWARD -i %i -j ACCEPT"))
    assert problem.line == 2
    assert key.strip().lower() in problem.sentence.lower()
    assert "would run a program" in problem.sentence
    assert "iptables" not in problem.sentence + problem.hint
    assert problem.hint


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (with_line("SaveConfig = true"), 2, "SaveConfig"),
        (with_line("Table = 1234"), 2, "Table"),
        (with_line("FwMark = 0xca6c"), 2, "FwMark"),
        (with_line("Jc = 3"), 2, "Jc is no key of [Interface]"),
        (with_line("PublicKey = x"), 2, "PublicKey is no key of [Interface]"),
        (with_line("PostUp = x", peer=True), 15, "would run a program"),
        (with_line("Address", peer=True), 15, "not of the form"),
        (with_line(f"PrivateKey = {KEY}"), 3, "a second time"),
        (with_line(f"PublicKey = {OTHER}", peer=True), 15, "a second time"),
        (with_line("[Interface]", peer=True), 15, "one [Interface]"),
        (with_line("[Peer]", peer=True), 15, "[Peer] has no PublicKey"),
        (with_line(f"[Peer]\nPublicKey = {OTHER}", peer=True), 15, "same PublicKey"),
        (with_line("[Service]", peer=True), 15, "none of that name"),
        (with_line("[Interface", peer=True), 15, "section"),
        (f"PrivateKey = {KEY}\n{WHOLE}", 1, "inside a section"),
        (WHOLE.replace("10.0.0.2/32", KEY), 3, "a word of 44 characters"),
        (WHOLE.replace(f"PrivateKey = {KEY}", f"{KEY} = x"), 2, "a word of 43 characters is no key"),
        (without("PrivateKey"), 1, "no PrivateKey"),
        (without("Address"), 1, "no Address"),
        (without("PublicKey"), 8, "no PublicKey"),
        (WHOLE.partition("[Peer]")[0], 0, "no [Peer]"),
        ("", 0, "one [Interface]"),
        (WHOLE.replace(KEY, KEY[:-2]), 2, "32 bytes"),
        (WHOLE.replace(KEY, KEY[:-2] + "l="), 2, "32 bytes"),
        (WHOLE.replace(KEY, ZERO), 2, "all zero"),
        (WHOLE.replace(KEY, base64.b64encode(bytes(range(31))).decode()), 2, "32 bytes"),
        (WHOLE.replace(KEY, f"{KEY}\u2028"), 2, "control character"),
        (WHOLE.replace(KEY, f"{KEY}\x00"), 2, "control character"),
        (WHOLE.replace(KEY, f"{KEY}\x0bPostUp = x"), 2, "control character"),
        (WHOLE.replace(KEY, f"{KEY}\rPostUp = x"), 2, "control character"),
        (WHOLE.replace(KEY, f"{KEY}\x85PostUp = x"), 2, "control character"),
        (WHOLE.replace(KEY, f"\u00a0{KEY}"), 2, "no value"),
        (with_line("\u00a0PostUp = x"), 2, "no key"),
        (with_line("Post\u00adUp = x"), 2, "no key"),
        (WHOLE.replace("10.0.0.2/32", "10.0.0.2/33"), 3, "Address"),
        (WHOLE.replace("10.0.0.2/32", "10.0.0.2/255.255.255.0"), 3, "Address"),
        (WHOLE.replace("10.0.0.2/32", "fe80::1%eth0/64"), 3, "Address"),
        (WHOLE.replace("10.0.0.0/24", "+10.0.0.0/24"), 11, "AllowedIPs"),
        (WHOLE.replace("10.0.0.0/24", "all"), 11, "AllowedIPs"),
        (WHOLE.replace("10.0.0.1,", "10.0.0.1; rm,"), 4, "DNS"),
        (WHOLE.replace("1420", "1e3"), 5, "MTU"),
        (WHOLE.replace("1420", "٣٤٥"), 5, "no value"),
        (WHOLE.replace("51821", "70000"), 6, "ListenPort"),
        (WHOLE.replace("org:51820", "org"), 13, "Endpoint"),
        (WHOLE.replace("org:51820", "org:ssh"), 13, "Endpoint"),
        (WHOLE.replace("vpn.example.org:", "-o.example.org:"), 13, "Endpoint"),
        (WHOLE.replace("vpn.example.org:", "$(id):"), 13, "Endpoint"),
        (WHOLE.replace("vpn.example.org:", "2001:db8::1:"), 13, "Endpoint"),
        (WHOLE.replace("= 25", "= -1"), 14, "PersistentKeepalive"),
        ("a" * 1_000_001, 0, "megabyte"),
        ("\n" * 10_001, 0, "lines"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 40 else "",
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, words: str) -> None:
    problem = refusal(text)
    assert words in problem.sentence
    assert problem.line == line
    assert KEY not in problem.sentence + problem.hint


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("[2001:db8::1]:1", "[2001:db8::1]:1"),
        ("192.0.2.1:65535", "192.0.2.1:65535"),
        ("a_b.example.:7", "a_b.example.:7"),
    ],
)
def test_endpoints_are_hosts_and_ports(written: str, read_as: str) -> None:
    assert read(WHOLE.replace("vpn.example.org:51820", written)).peers[0].endpoint == read_as


def test_a_preshared_key_of_zeros_is_none() -> None:
    assert read(WHOLE.replace(SHARED, ZERO)).peers[0].preshared_key == ""


@given(st.text(alphabet=st.sampled_from([*"[]=# \t\n\r\0%\\\"'", *"PostUpInterfaceKy", "é", "\u2028"]), max_size=300))
def test_no_text_is_worse_than_refused(text: str) -> None:
    with pytest.raises(BadProfile) as caught:
        read(f"{text}")
    assert 0 <= caught.value.line <= text.count("\n") + 1


@given(st.binary(min_size=32, max_size=32).filter(any), st.integers(0, 43), st.sampled_from("AB+/=-_ é"))
def test_a_key_is_taken_exactly_when_it_is_one(raw: bytes, at: int, letter: str) -> None:
    whole = base64.b64encode(raw).decode()
    broken = f"{whole[:at]}{letter}{whole[at + 1 :]}"
    assert read(WHOLE.replace(KEY, whole)).private_key == whole
    text = WHOLE.replace(KEY, broken)
    if _wg_takes(broken):
        assert read(text).private_key == broken
    else:
        refusal(text)


def _wg_takes(key: str) -> bool:
    """Ask wg(8) itself whether this is a key."""
    done = subprocess.run(["wg", "pubkey"], input=key.encode(), capture_output=True, check=False, timeout=10)
    return done.returncode == 0
