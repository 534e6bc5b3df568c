"""`opsmodal user identity`: tied to the registered provider or a named one, listed, untied, and audited."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.opsmodal.cli.programs import Done, run

Call = Callable[..., Done]
ISSUER = "https://login.example.org"
DOCUMENT = f"apiVersion: opsmodal/v1\noidc: {{issuer: '{ISSUER}', clientId: opsmodal}}\n"


@pytest.fixture
def call(tmp_path: Path) -> Call:
    def called(*args: str, given: bytes = b"") -> Done:
        return run(*args, "--data-dir", tmp_path, given=given)

    assert called("user", "add", "alice").code == 0
    return called


def test_somebody_is_tied_listed_and_untied(call: Call) -> None:
    assert call("apply", "-f", "-", given=DOCUMENT.encode()).code == 0
    assert call("user", "identity", "alice").out == ""
    assert call("user", "identity", "alice", "--subject", "42").out == f"alice is 42 of {ISSUER}.\n"
    assert call("user", "identity", "alice", "--subject", "7", "--issuer", "https://other.example").code == 0
    listed = call("user", "identity", "alice").out.splitlines()
    assert [line.split("\t")[:2] for line in listed] == [["42", ISSUER], ["7", "https://other.example"]]
    assert (
        call("user", "identity", "alice", "--subject", "42", "--remove").out == f"alice is no longer 42 of {ISSUER}.\n"
    )
    assert len(call("user", "identity", "alice").out.splitlines()) == 1
    told = call("audit", "export").out
    assert told.count('"user.identity"') == 6
    assert f"alice: 42 of {ISSUER}" in told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("alice", "--subject", "42"), "no provider in the registry"),
        (("bob", "--subject", "42", "--issuer", ISSUER), "no user 'bob'"),
        (("bob",), "no user 'bob'"),
        (("alice", "--subject", "42", "--issuer", ISSUER, "--remove"), "has no such identity"),
        (("alice", "--remove"), "--remove needs --subject"),
    ],
)
def test_what_cannot_be_done_is_said(call: Call, arguments: tuple[str, ...], words: str) -> None:
    done = call("user", "identity", *arguments)
    assert done.code in (1, 2)
    assert words in done.err
