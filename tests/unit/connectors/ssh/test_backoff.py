from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import ConnectionProblem, Forbidden, HostKeyChanged, LoginRefused, Unreachable
from connectors.ssh.backoff import CAP_S, LOGIN_CAP_S, pause_s

FAIL2BAN_FAILURES, FAIL2BAN_WINDOW_S = 5, 600.0
"""jail.conf: so many failures within so long shut an address out."""


@pytest.mark.parametrize(
    ("problem", "failures", "pause"),
    [
        (Unreachable("."), 1, 0.25),
        (Unreachable("."), 2, 0.5),
        (Unreachable("."), 3, 1.0),
        (Unreachable("."), 4, 2.0),
        (Unreachable("."), 1_000_000, 2.0),
        (Forbidden("."), 1, 0.25),
        (HostKeyChanged("."), 4, 2.0),
        (LoginRefused("."), 1, 60.0),
        (LoginRefused("."), 2, 120.0),
        (LoginRefused("."), 5, 600.0),
        (LoginRefused("."), 1_000_000, 600.0),
    ],
)
def test_the_pause_grows_up_to_its_cap(problem: ConnectionProblem, failures: int, pause: float) -> None:
    assert pause_s(problem, failures, 0.0) == pause


@given(failures=st.integers(1, 10_000), chance=st.floats(0, 1), login=st.booleans())
def test_a_pause_is_never_nothing_and_never_longer_than_its_cap(failures: int, chance: float, login: bool) -> None:
    problem = LoginRefused(".") if login else Unreachable(".")

    assert 0.1 < pause_s(problem, failures, chance) <= (LOGIN_CAP_S if login else CAP_S)


@given(chances=st.lists(st.floats(0, 1), min_size=12, max_size=12))
def test_refused_logins_never_come_as_often_as_fail2ban_counts(chances: list[float]) -> None:
    tried, at = [0.0], 0.0
    for failures, chance in enumerate(chances, start=1):
        at += pause_s(LoginRefused("."), failures, chance)
        tried.append(at)

    for begin in tried:
        assert sum(begin <= each < begin + FAIL2BAN_WINDOW_S for each in tried) < FAIL2BAN_FAILURES
