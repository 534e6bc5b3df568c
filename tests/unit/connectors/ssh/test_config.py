from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.errors import NotAvailable
from connectors.ssh.config import Imported, Person, imported

HOME = str(Path.home())
FILES = {f"{HOME}/.ssh/{name}" for name in ("ops", "ops-cert.pub", "edge", "known_hosts", "hosts_edge")}
PLAIN = {"identityFile": f"{HOME}/.ssh/ops", "certificate": f"{HOME}/.ssh/ops-cert.pub"}
KNOWN = {"knownHosts": f"{HOME}/.ssh/known_hosts"}

EDGE = "Host edge\nHostName 10.0.0.1\nUser gate\nIdentityFile ~/.ssh/edge\nUserKnownHostsFile ~/.ssh/hosts_edge"


def read(text: str, alias: str = "web", files: set[str] = FILES) -> Imported:
    return imported(text, alias, person=Person(name="me", home=HOME, is_file=files.__contains__))


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("", {"host": "web", "user": "me", "agent": True, **KNOWN}),
        (
            "Host web\n  HostName 10.0.0.5\n  Port 2222\n  User ops\n  IdentityFile ~/.ssh/ops",
            {"host": "10.0.0.5", "port": 2222, "user": "ops", **PLAIN, **KNOWN},
        ),
        ("Host *\n HostName %h.example.com", {"host": "web.example.com", "user": "me", "agent": True, **KNOWN}),
        ("User=ops\nHost other\nUser not", {"host": "web", "user": "ops", "agent": True, **KNOWN}),
        (
            "Host web\nIdentityFile ~/.ssh/gone\nIdentityFile ~/.ssh/edge",  # the first that is there
            {"host": "web", "user": "me", "identityFile": f"{HOME}/.ssh/edge", **KNOWN},
        ),
        ("HostName ::1", {"host": "[::1]", "user": "me", "agent": True, **KNOWN}),
        ("ProxyCommand none\nProxyJump none", {"host": "web", "user": "me", "agent": True, **KNOWN}),
        ("Host web\nProxyJump edge", {"host": "web", "user": "me", "agent": True, **KNOWN, "jump": ["me@edge"]}),
        (
            "Host web\nProxyJump al@a,b:2222,ssh://bo@[2001:db8::1]:23",
            {
                "host": "web",
                "user": "me",
                "agent": True,
                **KNOWN,
                "jump": ["al@a", "me@b:2222", "bo@[2001:db8::1]:23"],
            },
        ),
        (
            f"Host web\nProxyJump edge\n{EDGE}",
            {
                "host": "web",
                "user": "me",
                "agent": True,
                **KNOWN,
                "jump": [
                    {
                        "host": "gate@10.0.0.1",
                        "identityFile": f"{HOME}/.ssh/edge",
                        "knownHosts": f"{HOME}/.ssh/hosts_edge",
                    }
                ],
            },
        ),
        (
            "Host web\nProxyJump b\nHost b\nProxyJump a",  # a jump host may have jump hosts
            {"host": "web", "user": "me", "agent": True, **KNOWN, "jump": ["me@a", "me@b"]},
        ),
        (
            "Host web\nProxyJump b,c\nHost c\nProxyJump a",  # ssh reaches c through b, whatever c's own entry says
            {"host": "web", "user": "me", "agent": True, **KNOWN, "jump": ["me@b", "me@c"]},
        ),
        ("Match host web\nUser ops", {"host": "web", "user": "ops", "agent": True, **KNOWN}),
        ("Match !host web\nUser ops", {"host": "web", "user": "me", "agent": True, **KNOWN}),
        ("# Match exec evil\n#Include x", {"host": "web", "user": "me", "agent": True, **KNOWN}),
    ],
)
def test_an_entry_goes_the_way_that_ssh_goes(text: str, entry: dict[str, Any]) -> None:
    assert read(text).entry == {"name": "web", "kind": "ssh", **entry}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Host web\nProxyCommand nc %h %p", "reached by a program: proxycommand nc web 22"),
        ("Host edge\nProxyCommand nc %h %p\nHost web\nProxyJump edge", "edge is reached by a program"),
        ("KnownHostsCommand /bin/keys %H", "knownhostscommand"),
        ("PKCS11Provider /usr/lib/token.so", "pkcs11provider"),
        ("PermitLocalCommand yes\nLocalCommand touch {marker}", "LocalCommand"),
        ('Match exec "touch {marker}"\nUser ops', "Match exec, which runs a program"),
        ('Match host web exec "touch {marker}"', "Match exec, which runs a program"),
        ('Match !exec "touch {marker}"', "Match exec"),
        ('match=exec "touch {marker}"', "Match exec"),
        ('Match EXEC "touch {marker}"', "Match exec"),
        ("Match tagged x\nUser root", "Match tagged, which cannot be judged"),
        ('Match host "web', "open quotation mark"),
        ("Include conf.d/*", "includes other files"),
        ("CanonicalizeHostname yes\nCanonicalDomains example.com", "looks names up"),
        ("ProxyJump web", "lead back to themselves"),
        ("Host web\nProxyJump a\nHost a\nProxyJump web", "lead back to themselves"),
        ("Port many", "cannot be read"),
        ("what-is-this", "cannot be read"),
    ],
)
def test_what_would_run_a_program_or_cannot_be_judged_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    marker = tmp_path / "it-ran"

    with pytest.raises(NotAvailable, match=sentence) as refused:
        read(text.replace("{marker}", str(marker)))

    assert refused.value.sentence.isprintable()
    assert not marker.exists()


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("ForwardAgent yes", "the agent is never forwarded"),
        ("StrictHostKeyChecking no", "always checked"),
        ("LocalForward 80 localhost:80", "tunnels are made as they are needed"),
        ("HostKeyAlias x", "under the name or address of the host itself"),
    ],
)
def test_what_is_left_out_is_said(text: str, note: str) -> None:
    assert any(note in each for each in read(text).notes)
    assert not any(note in each for each in read("ForwardAgent no\nStrictHostKeyChecking yes").notes)


def test_what_no_file_says_is_said() -> None:
    notes = read("", files=set()).notes

    assert any("agent" in note for note in notes)
    assert any("trusts each host's key" in note for note in notes)


@pytest.mark.parametrize(
    ("alias", "name"), [("Web.example.com", "web-example-com"), ("x" * 99, "x" * 63), ("…", "ssh")]
)
def test_the_name_is_one_that_the_registry_takes(alias: str, name: str) -> None:
    assert read("", alias).entry["name"] == name
