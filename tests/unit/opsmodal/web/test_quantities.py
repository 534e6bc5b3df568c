"""Amounts of CPU and memory: as they are typed, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.errors import BadRequest
from opsmodal.web.quantities import cores, cores_typed, memory_bytes, memory_typed


@pytest.mark.parametrize(
    ("typed", "count"),
    [("", None), ("  ", None), ("250m", 0.25), ("0.5", 0.5), ("2", 2.0), ("1.5", 1.5), ("0", 0.0), (" 100 m ", 0.1)],
)
def test_cores_are_read(typed: str, count: float | None) -> None:
    assert cores(typed, "The CPU limit") == count


@pytest.mark.parametrize(
    ("typed", "count"),
    [("", None), ("512Mi", 512 * 2**20), ("1Gi", 2**30), ("1.5Gi", 3 * 2**29), ("100M", 10**8), ("1000000", 10**6)],
)
def test_memory_is_read(typed: str, count: int | None) -> None:
    assert memory_bytes(typed, "The memory limit") == count


@pytest.mark.parametrize("typed", ["much", "-1", "1e3", "1Q", "1 2", "0x10", "1mm", "٣", "1" * 40, "nan", "1Mi\n2"])
def test_what_is_no_amount_is_refused_with_how_to_type_one(typed: str) -> None:
    for read in (cores, memory_bytes):
        with pytest.raises(BadRequest) as refused:
            read(typed, "The limit")
        assert refused.value.hint


def test_a_unit_of_memory_is_none_of_cpu() -> None:
    with pytest.raises(BadRequest):
        cores("1Mi", "The CPU limit")
    with pytest.raises(BadRequest):
        memory_bytes("100m", "The memory limit")


@given(st.integers(0, 10**6))
def test_thousandths_of_cores_come_back_as_they_were(thousandths: int) -> None:
    count = thousandths / 1000
    assert cores(cores_typed(count), "x") == count


@given(st.integers(0, 2**50))
def test_bytes_come_back_as_they_were(count: int) -> None:
    assert memory_bytes(memory_typed(count), "x") == count


@pytest.mark.parametrize(("count", "typed"), [(0.25, "250m"), (2.0, "2"), (1.5, "1500m"), (0.0005, "0.5m"), (None, "")])
def test_cores_are_written_as_people_type_them(count: float | None, typed: str) -> None:
    assert cores_typed(count) == typed


@pytest.mark.parametrize(
    ("count", "typed"), [(2**30, "1Gi"), (1536 * 2**20, "1536Mi"), (0, "0"), (10, "10"), (None, "")]
)
def test_memory_is_written_in_the_largest_unit_that_loses_nothing(count: int | None, typed: str) -> None:
    assert memory_typed(count) == typed
