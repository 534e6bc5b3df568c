from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runtimes.engine.answers import Info, moment
from tests.unit.runtimes.engine.made import row


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-21T03:13:06.699793655Z", datetime(2026, 11, 21, 3, 13, 6, 699793, UTC)),
        ("2026-11-21T05:13:06+02:00", datetime(2026, 11, 21, 3, 13, 6, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("2026-11-21T03:13:06", None),
        ("", None),
        ("yesterday", None),
    ],
)
def test_an_engines_time_stamp_is_read_and_its_zero_is_never(text: str, at: datetime | None) -> None:
    assert moment(text) == at


def test_a_link_of_another_container_is_not_the_name() -> None:
    linked = row("x", Names=["/web/db", "/db"])
    assert linked.name == "db"


def test_a_container_without_a_name_is_called_by_its_id() -> None:
    assert row("x", id_="f" * 64, Names=None).name == "f" * 12


@pytest.mark.parametrize(
    ("info", "rootless"),
    [
        (Info(), False),
        (Info(rootless=True), True),
        (Info(security_options=["name=seccomp,profile=default", "name=rootless"]), True),
        (Info(security_options=["name=seccomp"]), False),
    ],
)
def test_both_engines_ways_of_saying_rootless_are_known(info: Info, rootless: bool) -> None:
    assert info.is_rootless is rootless
