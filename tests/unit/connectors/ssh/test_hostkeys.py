from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import HostKeyChanged, HostKeyUnknown
from connectors.ssh.hostkeys import algorithms, fingerprint, judge, keys_for, known_keys, line_for, name_of, names_match


def blob(algorithm: str, body: bytes = b"body") -> bytes:
    return len(algorithm).to_bytes(4, "big") + algorithm.encode() + body


def line(names: str, algorithm: str = "ssh-ed25519", body: bytes = b"right", marker: str = "") -> str:
    written = base64.b64encode(blob(algorithm, body)).decode()
    return f"{marker} {names} {algorithm} {written} a comment".strip()


RIGHT, OTHER = blob("ssh-ed25519", b"right"), blob("ssh-ed25519", b"other")


@pytest.mark.parametrize(
    ("patterns", "name", "matches"),
    [
        ("bastion", "bastion", True),
        ("Bastion", "bastion", True),
        ("bastion", "bastion2", False),
        ("a,bastion,b", "bastion", True),
        ("*.example.com", "web.example.com", True),
        ("*.example.com", "example.com", False),
        ("web?", "web1", True),
        ("web?", "web", False),
        ("*,!evil.example.com", "evil.example.com", False),
        ("!evil.example.com,*", "web.example.com", True),
        ("!web", "other", False),  # only what is named is meant
        ("[bastion]:2222", "[bastion]:2222", True),
        ("[bastion]:2222", "b]:2222", False),  # no set of letters
        ("[bastion]:2222", "bastion", False),
        ("[*]:2222", "[bastion]:2222", True),
        ("10.0.0.*", "10.0.0.5", True),
        ("10.0.0.*", "10x0.0.5", False),
        ("|1|broken", "bastion", False),
        ("|2|AAAA|AAAA", "bastion", False),
    ],
)
def test_names_match_as_in_known_hosts(patterns: str, name: str, matches: bool) -> None:
    assert names_match(patterns.split(","), name) is matches


@pytest.mark.parametrize(
    ("known", "host", "port", "problem"),
    [
        (line("bastion"), "bastion", 22, None),
        (line("bastion"), "BASTION", 22, None),
        (line("[bastion]:2222"), "bastion", 2222, None),
        (line("bastion"), "bastion", 2222, None),  # as ssh: the bare name counts where no line names the port
        (line("bastion", body=b"other"), "bastion", 2222, HostKeyChanged),
        (f"{line('[bastion]:2222', body=b'other')}\n{line('bastion')}", "bastion", 2222, HostKeyChanged),
        (line("[::1]:2222"), "::1", 2222, None),
        (line("::1"), "::1", 22, None),
        ("", "bastion", 22, HostKeyUnknown),
        (line("other"), "bastion", 22, HostKeyUnknown),
        (line("bastion", body=b"other"), "bastion", 22, HostKeyChanged),
        (f"{line('bastion', body=b'other')}\n{line('bastion')}", "bastion", 22, None),  # two keys may be right
        (line("bastion", "ssh-rsa"), "bastion", 22, HostKeyChanged),  # another algorithm is no way around the alarm
        (f"{line('bastion')}\n{line('*', marker='@revoked')}", "bastion", 22, HostKeyChanged),
        (line("*", marker="@revoked", body=b"other"), "bastion", 22, HostKeyUnknown),
        (line("*", marker="@cert-authority"), "bastion", 22, HostKeyUnknown),  # it signs keys and is none
        (f"# {line('bastion')}", "bastion", 22, HostKeyUnknown),
        (line("bastion", marker="@strange"), "bastion", 22, HostKeyUnknown),
        ("bastion ssh-ed25519 not*base64", "bastion", 22, HostKeyUnknown),
        ("bastion ssh-ed25519", "bastion", 22, HostKeyUnknown),
        (f"bastion ssh-rsa {line('x').split()[2]}", "bastion", 22, HostKeyUnknown),  # it says it is what it is not
        (f"\n\n  \t{line('bastion')}\r\n", "bastion", 22, None),
    ],
)
def test_a_key_is_judged(known: str, host: str, port: int, problem: type[Exception] | None) -> None:
    def ask() -> None:
        judge(known_keys(known), host=host, port=port, algorithm="ssh-ed25519", blob=RIGHT)

    if problem is None:
        ask()
    else:
        with pytest.raises(problem):
            ask()


def test_an_unknown_key_says_what_to_compare_and_the_line_that_would_trust_it() -> None:
    with pytest.raises(HostKeyUnknown) as unknown:
        judge([], host="Bastion", port=2222, algorithm="ssh-ed25519", blob=RIGHT)

    assert (unknown.value.host, unknown.value.port) == ("Bastion", 2222)
    assert unknown.value.fingerprint == fingerprint(RIGHT)
    assert fingerprint(RIGHT) in unknown.value.sentence
    judge(known_keys(unknown.value.line), host="bastion", port=2222, algorithm="ssh-ed25519", blob=RIGHT)


def test_a_changed_key_names_both_fingerprints() -> None:
    with pytest.raises(HostKeyChanged) as changed:
        judge(known_keys(line("bastion")), host="bastion", port=22, algorithm="ssh-ed25519", blob=OTHER)

    assert fingerprint(RIGHT) in changed.value.sentence
    assert fingerprint(OTHER) in changed.value.sentence


SUPPORTED = ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519-cert-v01@openssh.com")


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        ("", SUPPORTED[:4]),
        (line("h", "ssh-rsa"), ("rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519", "ecdsa-sha2-nistp256")),
        (line("h", "ecdsa-sha2-nistp256"), ("ecdsa-sha2-nistp256", "ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256")),
        (line("h", "ssh-dss"), SUPPORTED[:4]),
        (line("h", "ssh-rsa", marker="@revoked"), SUPPORTED[:4]),
        (line("h", "ssh-rsa", marker="@cert-authority"), (SUPPORTED[4], *SUPPORTED[:4])),
    ],
)
def test_the_server_is_asked_first_for_what_is_known(known: str, asked: tuple[str, ...]) -> None:
    assert algorithms(known_keys(known), SUPPORTED) == asked


NAMES = st.text("ab.*?!-", min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(patterns=st.lists(NAMES, min_size=1, max_size=4), name=st.text("ab.-", min_size=1, max_size=5))
def test_names_match_as_ssh_keygen_finds_them(
    tmp_path_factory: pytest.TempPathFactory, patterns: list[str], name: str
) -> None:
    key = real_key(tmp_path_factory)
    found = ssh_finds(tmp_path_factory, f"{','.join(patterns)} {key}", name)

    assert bool(keys_for(known_keys(f"{','.join(patterns)} {key}"), name, 22)) is found


@settings(max_examples=15, deadline=None)
@given(
    host=st.text("abAB.-", min_size=1, max_size=8).filter(lambda name: name[0] not in "-"),
    port=st.sampled_from([22, 2222]),
)
def test_a_name_that_ssh_keygen_hashed_is_found_again(
    tmp_path_factory: pytest.TempPathFactory, host: str, port: int
) -> None:
    path = tmp_path_factory.mktemp("hashed") / "known_hosts"
    path.write_text(f"{name_of(host, port)} {real_key(tmp_path_factory)}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", path], check=True, capture_output=True, timeout=20)
    written = path.read_text()

    assert written.startswith("|1|")
    assert keys_for(known_keys(written), host, port)
    assert not keys_for(known_keys(written), f"{host}x", port)


_made: list[str] = []


def real_key(folders: pytest.TempPathFactory) -> str:
    """Give a public key that ssh-keygen can read, the same for the whole run."""
    if not _made:
        path = folders.mktemp("key") / "key"
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path]
        subprocess.run(make, check=True, capture_output=True, timeout=20)
        _made.append(" ".join(path.with_suffix(".pub").read_text().split()[:2]))
    return _made[0]


def ssh_finds(folders: pytest.TempPathFactory, text: str, name: str) -> bool:
    path: Path = folders.mktemp("known") / "known_hosts"
    path.write_text(f"{text}\n")
    asked = subprocess.run(["ssh-keygen", "-F", name, "-f", path], check=False, capture_output=True, timeout=20)
    return bool(asked.stdout)


@given(
    host=st.from_regex(r"[a-z0-9.:-]{1,20}", fullmatch=True), port=st.integers(1, 65535), body=st.binary(max_size=40)
)
def test_the_line_of_a_key_trusts_exactly_that_key_at_that_host(host: str, port: int, body: bytes) -> None:
    mine = blob("ssh-ed25519", body)
    known = known_keys(line_for(host, port, "ssh-ed25519", mine))

    judge(known, host=host, port=port, algorithm="ssh-ed25519", blob=mine)
    with pytest.raises(HostKeyChanged):
        judge(known, host=host, port=port, algorithm="ssh-ed25519", blob=mine + b"x")
    with pytest.raises(HostKeyUnknown):
        judge(known, host=f"x{host}", port=port, algorithm="ssh-ed25519", blob=mine)


@given(st.text())
def test_no_text_makes_the_reader_stumble(text: str) -> None:
    for known in known_keys(text):
        assert known.patterns
