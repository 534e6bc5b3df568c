"""What of an OpenVPN profile is read, what is refused, and that the real openvpn sees in the rest what we saw."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connectors.vpn.openvpn_directives import LEFT_OUT, SENTENCES, TAKEN
from connectors.vpn.openvpn_profile import OpenVpnProfile, read
from connectors.vpn.openvpn_refused import FILES, PROGRAMS
from connectors.vpn.openvpn_remotes import Remote
from connectors.vpn.profile import BadProfile
from tests.unit.connectors.vpn import openvpn_real
from tests.unit.connectors.vpn.apart import apart, missing

CANARY = "/tmp/canary"
HEX = "00112233445566778899aabbccddeeff"
STATIC = "\n".join([HEX] * 16)
CA, KEY = "@CA@", "@KEY@"
SPAN = "remote-cert-tls server\n"
WHOLE = f"""client
dev tun
proto udp
remote vpn.example.org 1194
{SPAN}verb 3
<ca>
{CA}
</ca>
<cert>
{CA}
</cert>
<key>
{KEY}
</key>
"""
real = pytest.mark.skipif(
    bool(missing()) or not openvpn_real.OPENVPN, reason=missing() or "there is no openvpn on this machine"
)


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Make a certificate and its key."""
    folder: Path = tmp_path_factory.mktemp("pems")
    key, ca = folder / "key", folder / "ca"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    subprocess.run([*made, "-keyout", key, "-out", ca, "-subj", "/CN=ca"], check=True, capture_output=True, timeout=60)
    return {CA: ca.read_text().strip(), KEY: key.read_text().strip()}


@pytest.fixture
def network() -> Iterator[None]:
    """Be in an empty network: what openvpn might dial is nowhere."""
    with apart():
        yield


def filled(text: str, pems: dict[str, str]) -> str:
    for name, pem in pems.items():
        text = text.replace(name, pem)
    return text


def read_with(line: str, pems: dict[str, str]) -> OpenVpnProfile:
    """Read the whole profile with more lines in its midst."""
    return read(filled(WHOLE.replace(SPAN, f"{SPAN}{line}\n"), pems))


def refusal(line: str, pems: dict[str, str]) -> BadProfile:
    with pytest.raises(BadProfile) as caught:
        read_with(line, pems)
    return caught.value


def test_a_whole_profile_is_read_and_written_anew(pems: dict[str, str]) -> None:
    profile = read_with(
        'keepalive 10 60\nverify-x509-name "C=DE, O=Mü # ; ller" subject\nroute 10.8.0.0 255.255.0.0', pems
    )
    assert profile.remotes == (Remote("vpn.example.org", 1194, "udp"),)
    assert profile.routes == ("10.8.0.0/16",)
    assert not profile.needs_login
    assert profile.warnings == ()
    begin = (
        "client\ndev tun\nnobind\nremote vpn.example.org 1194 udp\nremote-cert-tls server\nkeepalive 10 60\n"
        'verify-x509-name "C=DE, O=Mü # ; ller" subject\n<ca>\n'
    )
    assert profile.text.startswith(begin)
    assert profile.text.endswith(f"<key>\n{pems[KEY]}\n</key>\n")
    assert "PRIVATE" not in repr(profile)


@pytest.mark.parametrize(
    ("lines", "remotes"),
    [
        ("remote 192.0.2.1 443 tcp\nremote 2001:DB8::1 443 tcp6-client", ["192.0.2.1 443 tcp", "2001:db8::1 443 tcp6"]),
        ("port 7\nproto tcp-client\nremote a.example", ["a.example 7 tcp"]),
        ("remote a.example\nproto tcp4\nrport 9", ["a.example 9 tcp4"]),
        ("remote a.example 1 udp\nremote b.example 2 tcp\nproto-force tcp", ["b.example 2 tcp"]),
        (
            "<connection>\nremote a 1\n</connection>\n<connection>\nremote b\nproto tcp\nport 2\n</connection>",
            ["a 1 udp", "b 2 tcp"],
        ),
    ],
)
def test_remotes(pems: dict[str, str], lines: str, remotes: list[str]) -> None:
    text = WHOLE.replace("proto udp\nremote vpn.example.org 1194\n", f"{lines}\n")
    assert [f"{one.host} {one.port} {one.proto}" for one in read(filled(text, pems)).remotes] == remotes


@pytest.mark.parametrize(
    ("line", "needs"),
    [
        ("auth-user-pass", True),
        ("<auth-user-pass>\nname\nsecret\n</auth-user-pass>", False),
        ("# auth-user-pass", False),
    ],
)
def test_a_login_is_asked_for_unless_it_stands_there(pems: dict[str, str], line: str, needs: bool) -> None:
    assert read_with(line, pems).needs_login is needs


@pytest.mark.parametrize("left_out", sorted(LEFT_OUT - {"client", "tls-client", "pull"}))
def test_what_has_no_use_is_left_out(pems: dict[str, str], left_out: str) -> None:
    assert left_out not in {line.partition(" ")[0] for line in read_with(f"{left_out} 3", pems).text.splitlines()} - {
        "nobind"
    }


@pytest.mark.parametrize(
    ("line", "warning"),
    [
        ("redirect-gateway def1 bypass-dhcp", "default route"),
        ("", ""),
        ("setenv opt redirect-gateway", "default route"),
    ],
)
def test_a_default_route_is_not_taken_from_a_profile(pems: dict[str, str], line: str, warning: str) -> None:
    profile = read_with(line, pems)
    assert "redirect" not in profile.text
    assert (warning in "".join(profile.warnings)) if warning else not profile.warnings


def test_a_server_that_nothing_tells_from_others_is_warned_about(pems: dict[str, str]) -> None:
    text = filled(WHOLE.replace(SPAN, ""), pems)
    assert "remote-cert-tls" in "".join(read(text).warnings)


@pytest.mark.parametrize("name", sorted(PROGRAMS | FILES - {"pkcs12", "dh"}))
@pytest.mark.parametrize(
    "spelling", ["{0} {1}", "--{0} {1}", '"{0}" {1}', "'{0}' '{1}'", "\t {0}\t{1}", "setenv opt {0} {1}"]
)
def test_what_runs_a_program_or_names_a_file_is_refused_by_name(pems: dict[str, str], name: str, spelling: str) -> None:
    problem = refusal(spelling.format(name, CANARY), pems)
    assert problem.line == 6
    assert f": {name} " in problem.sentence
    assert CANARY not in problem.sentence + problem.hint
    assert problem.hint


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("management 127.0.0.1 7505", "control the tunnel"),
        ("management-client", "control the tunnel"),
        ("pkcs11-providers /x.so", "load a library"),
        ("http-proxy proxy 3128", "through a proxy"),
        ("socks-proxy proxy", "through a proxy"),
        ("secret static.key", "static key"),
        ("<secret>\n@STATIC@\n</secret>", "static key"),
        ("setenv LD_PRELOAD /x.so", "sets a variable"),
        ("setenv PATH /x", "sets a variable"),
        ("setenv UV_x;y 1", "sets a variable"),
        ("setenv-safe x y", "sets a variable"),
        ("tls-server", "belongs to a server"),
        ("server 10.0.0.0 255.0.0.0", "belongs to a server"),
        ("ifconfig 10.0.0.1 10.0.0.2", "belongs to a server"),
        ("ca ca.crt", "names a file"),
        ("tls-auth ta.key 1", "names a file"),
        ("crl-verify dir dir", "names a file"),
        ("auth-user-pass /etc/shadow", "names a file"),
        ("ca [inline]", "names a file"),
        ("pkcs12 x.p12", "names a file"),
        ("dh dh.pem", "names a file"),
        ("mark 1", "how the program is run"),
        ("daemon", "how the program is run"),
        ("Up /x", "not among the directives"),
        ("UP /x", "not among the directives"),
        ("up\u00a0/x", "not among the directives"),
        ("\u2003up /x", "not among the directives"),
        ("u\u00adp /x", "not among the directives"),
        ("----up /x", "not among the directives"),
        ("-- up /x", "not among the directives"),
        ('"" up /x', "not among the directives"),
        ('""up /x', "not among the directives"),
        ("future-thing 1", "not among the directives"),
        ("up\\ /x", "backslash"),
        ("\\up /x", "backslash"),
        ("cipher A\\\nup /x", "backslash"),
        ('"up /x', "not closed"),
        ("cipher 'A\nup /x'", "not closed"),
        ("cipher A\rup /x", "control character"),
        ("cipher A\x0bup /x", "control character"),
        ("cipher A\x00", "control character"),
        ("cipher A\x85up /x", "control character"),
        ("cipher A\u2028up /x", "control character"),
        ("cipher none", "unprotected"),
        ("data-ciphers AES-256-GCM:None", "unprotected"),
        ("auth none", "unprotected"),
        ("allow-compression yes", "form that is taken"),
        ("tls-cert-profile insecure", "form that is taken"),
        ("remote-cert-tls client", "form that is taken"),
        ("ping ٣", "form that is taken"),
        ("ping 1e3", "form that is taken"),
        ('cipher ""', "form that is taken"),
        ('cipher "A B"', "form that is taken"),
        ("static-challenge x 1", "asks a person"),
        ("auth-retry interact", "form that is taken"),
        ("dev tap", "routed tunnels"),
        ("dev-type tap", "routed tunnels"),
        ("route 10.0.0.0 255.0.0.0 net_gateway", "no network"),
        ("route shop.example 255.255.255.255", "no network"),
        ("route 10.0.0.1 255.0.0.0", "no network"),
        ("route", "no network"),
        ("remote -o 1", "host port protocol"),
        ("remote $(id) 1", "host port protocol"),
        ("remote a.example ssh", "host port protocol"),
        ("remote a.example 1 sctp", "host port protocol"),
        ("remote a.example 1 udp up", "host port protocol"),
        ("port 0", "no port"),
        ("proto tcp-server", "not taken"),
        ("x" * 300, "a word of 300 characters is not among"),
        (f"verify-x509-name {'x' * 300}", "longer than"),
        (" ".join("x" * 17), "more than 16 words"),
        ("<up>\n/x\n</up>", "would run a program"),
        ("<foo>\n</foo>", "block that is not taken"),
        ("<CA>\n</CA>", "block that is not taken"),
        ("<ca", "block that is not taken"),
        ("<>", "block that is not taken"),
        ("<ca>\n@CA@\n</ca>", "a second time"),
        ("<tls-auth>\n@STATIC@\n", "awaited"),
        ("<tls-auth>\n@STATIC@\n</tls-auth> up", "awaited"),
        ("<tls-auth>\n@STATIC@\n</tls-auth", "awaited"),
        ("<tls-auth>\nx\n</tls-auth>", "holds no"),
        ("<tls-auth>\n-----BEGIN X-----\nAAAA\n-----END X-----\n</tls-auth>", "does not belong"),
        ("<tls-auth>\n-----BEGIN X-----\nAAAA\n</tls-auth>", "cut off"),
        ("<tls-auth>\n-----END X-----\n</tls-auth>", "do not match"),
        (
            "<tls-auth>\n-----BEGIN OpenVPN Static key V1-----\n00\n-----END OpenVPN Static key V1-----\n</tls-auth>",
            "damaged",
        ),
        ("<extra-certs>\n-----BEGIN CERTIFICATE-----\nup /x\n-----END CERTIFICATE-----\n</extra-certs>", "damaged"),
        (
            "<extra-certs>\n-----BEGIN CERTIFICATE-----\n</ca>\nup /x\n-----END CERTIFICATE-----\n</extra-certs>",
            "awaited",
        ),
        ("<tls-auth>\n@STATIC@\n</tls-auth>\n<tls-crypt>\n@STATIC@\n</tls-crypt>", "more than one of"),
        ("<auth-user-pass>\nname\n</auth-user-pass>", "something else"),
        ("<auth-user-pass>\nname\n<up>\n</auth-user-pass>", "cannot stand"),
        ("<peer-fingerprint>\nup /x\n</peer-fingerprint>", "no SHA-256"),
        ("<connection>\nup /x\nremote a\n</connection>", "would run a program"),
        ("<connection>\ncipher AES\nremote a\n</connection>", "not taken inside"),
        ("<connection>\n</connection>", "not one remote"),
        ("<connection>\nremote a\n</connection>", "both inside and outside"),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_what_is_refused_says_why(pems: dict[str, str], line: str, words: str) -> None:
    static = f"-----BEGIN OpenVPN Static key V1-----\n{STATIC}\n-----END OpenVPN Static key V1-----"
    problem = refusal(line.replace("@STATIC@", static), pems)
    assert words in problem.sentence
    assert problem.line >= 6 or "cut off" in words or "both" in words or "more than one of" in words
    assert problem.hint or "more than 16" in words or "quotation" in words


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ("client\n", "profile of a client"),
        ("remote vpn.example.org 1194\n", "names no server"),
        (f"<ca>\n{CA}\n</ca>\n", "no <ca>"),
        (f"<key>\n{KEY}\n</key>\n", "go together"),
        (f"<cert>\n{CA}\n</cert>\n<key>\n{KEY}\n</key>\n", "nothing to sign in with"),
        ("</key>\n", "never closed"),
    ],
)
def test_what_lacks_something_says_what(pems: dict[str, str], gone: str, words: str) -> None:
    with pytest.raises(BadProfile, match=re.escape(words)):
        read(filled(WHOLE.replace(gone, ""), pems))


def test_a_key_with_a_passphrase_is_refused(pems: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "key").write_text(pems[KEY])
    for form in (["pkcs8", "-topk8"], ["ec", "-aes256"]):
        made = ["openssl", *form, "-in", tmp_path / "key", "-passout", "pass:secret"]
        locked = subprocess.run(made, check=True, capture_output=True, text=True, timeout=30).stdout
        assert "ENCRYPTED" in locked
        with pytest.raises(BadProfile, match="passphrase"):
            read(filled(WHOLE, {**pems, KEY: locked}))


def test_what_stands_around_a_certificate_is_dropped(pems: dict[str, str]) -> None:
    noisy = f"Certificate:\n  Data:\nup {CANARY}\n{pems[CA]}\nmore"
    assert read(filled(WHOLE, {**pems, CA: noisy})).text == read(filled(WHOLE, pems)).text


def test_a_long_line_in_a_block_cannot_reach_over_what_openvpn_reads_at_once(pems: dict[str, str]) -> None:
    head, *body, foot = pems[CA].splitlines()
    one_line = "\n".join([head, "".join(body), foot])
    assert read(filled(WHOLE, {**pems, CA: one_line})).text == read(filled(WHOLE, pems)).text


def test_crlf_and_a_byte_order_mark_change_nothing(pems: dict[str, str]) -> None:
    text = filled(WHOLE, pems)
    assert read("\ufeff" + text.replace("\n", "\r\n")) == read(text)


@real
@pytest.mark.usefixtures("network")
def test_the_real_openvpn_would_have_done_harm(pems: dict[str, str]) -> None:
    """Show that the cases below can fail: these texts, unread by us, set what must stay unset."""
    for line in (f"--up {shutil.which('true')}", '"writepid" /dev/null', '"cd" /', "setenv opt\tdev-node /dev/null"):
        text = filled(WHOLE.replace(SPAN, f"{SPAN}script-security 2\n{line}\n"), pems)
        assert openvpn_real.harm(openvpn_real.settings_of(text)), line


SAMPLES = {
    "allow-compression": "no", "auth": "SHA256", "auth-retry": "nointeract", "cipher": "AES-256-GCM",
    "comp-lzo": "no", "compat-mode": "2.5.0", "compress": "stub-v2", "connect-retry": "5 60",
    "data-ciphers": "AES-256-GCM:AES-128-GCM", "data-ciphers-fallback": "AES-256-CBC", "ecdh-curve": "secp384r1",
    "fragment": "1300", "inactive": "100 5000", "keepalive": "10 60", "key-direction": "1", "mssfix": "1400 mtu",
    "mtu-disc": "no", "ncp-ciphers": "AES-256-GCM", "peer-fingerprint": ":".join(["ab"] * 32),
    "remote-cert-eku": '"TLS Web Server Authentication"', "remote-cert-ku": "a0 88", "remote-cert-tls": "server",
    "reneg-sec": "3600 60", "replay-window": "64 15", "resolv-retry": "infinite", "socket-flags": "TCP_NODELAY",
    "tls-cert-profile": "legacy", "tls-cipher": "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384:DEFAULT",
    "tls-ciphersuites": "TLS_AES_256_GCM_SHA384", "tls-groups": "secp384r1:X25519", "tls-version-max": "1.3",
    "tls-version-min": "1.2 or-highest", "topology": "subnet", "tun-mtu": "1400",
    "verify-hash": f"{':'.join(['ab'] * 32)} SHA256", "verify-x509-name": '"C=DE, CN=a" subject',
}  # fmt: skip


@real
@pytest.mark.usefixtures("network")
@pytest.mark.parametrize("name", sorted({*TAKEN, *SENTENCES}))
def test_openvpn_takes_every_directive_that_we_take(pems: dict[str, str], name: str) -> None:
    value = SAMPLES.get(name, "") if name in SAMPLES or not TAKEN[name] else "1000"
    profile = read_with(f"{name} {value}".strip(), pems)
    assert f"\n{name}" in profile.text
    assert openvpn_real.harm(openvpn_real.settings_of(profile.text)) == []


@real
@pytest.mark.usefixtures("network")
def test_openvpn_sees_the_words_that_we_saw(pems: dict[str, str]) -> None:
    static = f"-----BEGIN OpenVPN Static key V1-----\n{STATIC}\n-----END OpenVPN Static key V1-----"
    names = "verify-x509-name 'C=DE, O=Mü # ; l, CN=a' subject"
    profile = read_with(f"{names}\nremote 2001:db8::1 7 tcp\n<tls-crypt>\n{static}\n</tls-crypt>\nauth-user-pass", pems)
    seen = openvpn_real.settings_of(profile.text)
    assert seen["remote"] == [f"'{one.host}'" for one in profile.remotes]
    assert seen["remote_port"] == [f"'{one.port}'" for one in profile.remotes]
    assert seen["verify_x509_name"] == ["'C=DE, O=Mü # ; l, CN=a'"]
    assert seen["tls_crypt_file"] == ["'[INLINE]'", "'[INLINE]'"]
    assert openvpn_real.harm(seen) == []


NASTY = st.sampled_from(
    [
        *(
            "\n",
            "\r",
            "\r\n",
            "\t",
            " ",
            '"',
            "'",
            "\\",
            "#",
            ";",
            "--",
            "-",
            "<",
            ">",
            "</",
            "/",
            "\0",
            "\x0b",
            "\x0c",
        ),
        *("\ufeff", "\u00a0", "\u2028", "\x85", "é", "[inline]", "<ca>", "</ca>", "<connection>", "</connection>"),
        *("<auth-user-pass>", "</auth-user-pass>", "setenv opt", "remote", "verify-x509-name", "pull-filter ignore"),
        *("script-security 2", f"up {CANARY}", f"--up {CANARY}", f"plugin {CANARY}", f"log {CANARY}", "management"),
        *(f"config {CANARY}", f"cd {CANARY}", f"tls-verify {CANARY}", f"ca {CANARY}", f"auth-user-pass {CANARY}"),
        *(
            "auth-user-pass",
            "proto tcp",
            "x" * 240,
            "cipher",
            "AES-256-GCM",
            "keepalive 1 2",
            "-----BEGIN CERTIFICATE-----",
        ),
    ]
)
WORDS = st.lists(NASTY, min_size=1, max_size=6).map("".join)
LINES = st.sampled_from(
    [
        *("# {}", "; {}", "verify-x509-name '{}'", 'pull-filter ignore "{}"', "cipher AES-256-GCM # {}", "verb {}"),
        *(
            "dhcp-option {}",
            "<auth-user-pass>\n{}\n{}\n</auth-user-pass>",
            "setenv FRIENDLY_NAME {}",
            "remote {} 1 udp",
        ),
        *('"verb" {}', "--mute {}", "setenv opt verb {}", "remote-cert-eku '{}'", "ping 1{}", "auth-user-pass #{}"),
    ]
)
"""Frames in which much may stand that is harmless there, and would not be one word or line further."""
FRAMED = st.builds(lambda line, words: line.replace("{}", words), LINES, WORDS)
PLACES = st.lists(st.tuples(st.floats(0, 1), st.one_of(WORDS, FRAMED.map("\n{}\n".format))), min_size=1, max_size=3)
FIXED = {"client", "dev", "nobind", "remote", "auth-user-pass", "explicit-exit-notify"}


def spoiled(text: str, places: list[tuple[float, str]]) -> str:
    """Put texts into a profile: whole lines between its lines, all else anywhere."""
    for where, what in places:
        at = int(where * len(text))
        if what.startswith("\n"):
            at = text.rfind("\n", 0, at) + 1
            what = what.removeprefix("\n")  # noqa: PLW2901
        text = f"{text[:at]}{what}{text[at:]}"
    return text


def _harmless(places: list[tuple[float, str]], pems: dict[str, str]) -> None:
    try:
        profile = read(spoiled(filled(WHOLE, pems), places))
    except BadProfile:
        return
    outside = re.sub(r"(?ms)^<([a-z0-9-]+)>$.*?^</\1>$", "", profile.text)
    assert {line.partition(" ")[0] for line in outside.split("\n") if line} <= {*FIXED, *TAKEN, *SENTENCES}
    try:
        seen = openvpn_real.settings_of(profile.text)
    except openvpn_real.NotRead:
        return
    assert openvpn_real.harm(seen) == []
    assert seen["remote"] == [f"'{one.host}'" for one in profile.remotes]


FUZZ = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@real
@pytest.mark.usefixtures("network")
@FUZZ
@given(places=PLACES)
@example(places=[(0.0, f'verify-x509-name "a\nup {CANARY}"\n')])
@example(places=[(0.0, f"verify-x509-name 'a' # up {CANARY}\n")])
@example(places=[(0.0, f'pull-filter ignore "{"x" * 200} up"\n')])
def test_what_is_accepted_never_does_harm(pems: dict[str, str], places: list[tuple[float, str]]) -> None:
    _harmless(places, pems)


@real
@pytest.mark.exhaustive
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("network")
@settings(FUZZ, max_examples=5000)
@given(places=PLACES)
def test_what_is_accepted_never_does_harm_at_length(pems: dict[str, str], places: list[tuple[float, str]]) -> None:
    _harmless(places, pems)
