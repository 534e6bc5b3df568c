"""What people carry, as rows: browsers told apart, secrets in no representation."""

from __future__ import annotations

import pytest

from opsmodal.operations.carried import IssuedToken, browser_of
from opsmodal.operations.people_changes import Invited, UserToAdd
from opsmodal.people.tokens import Issued
from opsmodal.web.once import Once
from opsmodal.web.people import Invitation

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)
PLANTED = "PLANTED-SECRET"


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
        (CHROME, "Chrome on Windows"),
        (f"{CHROME} Edg/130.0.0.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/18.0 Safari/605.1.15", "Safari on macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/130.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("x" * 300, "x" * 40),
        ("", ""),
    ],
)
def test_a_browser_is_told_by_what_it_says_of_itself(agent: str, told: str) -> None:
    assert browser_of(agent) == told


@pytest.mark.parametrize(
    "value",
    [
        IssuedToken(id="1", token=PLANTED, sentence=""),
        Issued(id="1", secret=PLANTED),
        Invited(user="alice", sentence="", ticket=PLANTED),
        UserToAdd(name="alice", password=PLANTED),
        Once(kind="token", secret=PLANTED, sentence=""),
        Invitation(name="alice", sentence="", url=PLANTED, ends_at=None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_writes_values_down_writes_no_secret(value: object) -> None:
    assert PLANTED not in f"{value!r} {value}"
