"""Quantities of Kubernetes as numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.demo.quantities import amount, millicores, whole


@pytest.mark.parametrize(
    ("quantity", "cores_thousandths"),
    [("250m", 250), ("1", 1000), ("0.5", 500), ("1e-1", 100), ("100000000n", 100), ("1u", 1), (2, 2000), (None, 0)],
)
def test_cpu_is_read_in_thousandths_of_a_core(quantity: str | int | None, cores_thousandths: int) -> None:
    assert millicores(quantity) == cores_thousandths


@pytest.mark.parametrize(
    ("quantity", "size_bytes"),
    [("64Mi", 67_108_864), ("1Gi", 2**30), ("1k", 1000), ("1.5Ki", 1536), ("2E", 2 * 10**18), ("12e3", 12_000)],
)
def test_memory_is_read_in_bytes(quantity: str, size_bytes: int) -> None:
    assert whole(quantity) == size_bytes


@pytest.mark.parametrize("quantity", ["", "Mi", "1 Gi", "abc", "1KB", "--1", "1ni"])
def test_what_is_no_quantity_is_refused(quantity: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        amount(quantity)


@given(st.integers(0, 10**9))
def test_thousandths_survive(number: int) -> None:
    assert millicores(f"{number}m") == number
