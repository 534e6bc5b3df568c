"""How values look on a page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.web.filters import age, changed, cores, image, middle, percent, plural, shape, size, summed, utc
from runtimes.base import Container, Resources


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "–"),
        (-5, "0 s"),
        (0, "0 s"),
        (119, "119 s"),
        (120, "2 m"),
        (7199, "119 m"),
        (7200, "2 h"),
        (172799, "47 h"),
        (172800, "2 d"),
        (187200, "2 d 4 h"),
        (10 * 86400 + 7200, "10 d"),
    ],
)
def test_ages(seconds: float | None, expected: str) -> None:
    assert age(seconds) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (None, "–"),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (512 * 1024**2, "512 MiB"),
        (3 * 1024**3, "3 GiB"),
        (5 * 1024**5, "5120 TiB"),
    ],
)
def test_sizes(count: float | None, expected: str) -> None:
    assert size(count) == expected


@pytest.mark.parametrize(
    ("count", "expected"), [(None, "–"), (0, "0 m"), (0.25, "250 m"), (0.0004, "0 m"), (1, "1"), (1.5, "1.5")]
)
def test_cores(count: float | None, expected: str) -> None:
    assert cores(count) == expected


@pytest.mark.parametrize(
    ("severity", "expected"), [("ok", "●"), ("progress", "◐"), ("error", "▲"), ("neutral", "○"), ("unknown", "○")]
)
def test_every_state_has_a_shape(severity: str, expected: str) -> None:
    assert shape(severity) == expected


@given(st.text(max_size=300), st.integers(8, 80))
def test_a_shortened_name_fits_and_keeps_its_ends(text: str, width: int) -> None:
    short = middle(text, width)
    assert len(short) <= max(width, len(text) if len(text) <= width else width)
    if len(text) > width:
        assert short.startswith(text[: (width - 1) // 4])
        assert short.endswith(text[-(width - 1) // 2 :])


def test_moments_images_and_plurals() -> None:
    assert utc(datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)) == "2026-11-21 03:04:05 UTC"
    assert utc(None) == ""
    assert image("registry/web:1@sha256:" + "a" * 64) == "registry/web:1@aaaaaaaaaaaa"
    assert [plural(count, "pod") for count in (0, 1, 2)] == ["0 pods", "1 pod", "2 pods"]


@pytest.mark.parametrize(
    ("changes", "query"),
    [
        ({"sort": "-restarts"}, "?search=web&severity=error&sort=-restarts"),
        ({"severity": ""}, "?search=web"),
        ({"search": None, "severity": None}, "?"),
        ({"search": "a&b c"}, "?search=a%26b+c&severity=error"),
        ({"cursor": 100}, "?search=web&severity=error&cursor=100"),
    ],
)
def test_a_query_string_is_changed_in_its_place(changes: dict[str, str | int | None], query: str) -> None:
    assert changed({"search": "web", "severity": "error"}, **changes) == query


def _container(kind: str, limit: int | None) -> Container:
    return Container(name=kind, image="web:1", kind=kind, resources=Resources(memory_limit_bytes=limit))


@pytest.mark.parametrize(
    ("containers", "total"),
    [
        ([], None),
        ([("container", 100)], 100),
        ([("container", 100), ("sidecar", 50), ("init", 900)], 150),
        ([("container", 100), ("container", None)], None),
        ([("container", 100), ("ephemeral", None)], 100),
    ],
)
def test_limits_are_summed_over_what_runs_side_by_side(
    containers: list[tuple[str, int | None]], total: float | None
) -> None:
    assert summed([_container(*each) for each in containers], "memory_limit_bytes") == total


@pytest.mark.parametrize(
    ("part", "whole", "share"),
    [(1, 4, 25.0), (None, 4, None), (1, None, None), (1, 0, None), (3, 2, 150.0)],
)
def test_a_share_is_known_only_when_both_are(part: float | None, whole: float | None, share: float | None) -> None:
    assert percent(part, whole) == share
