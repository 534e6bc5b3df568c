"""Lists: what can be asked for, in what order, in what parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.errors import BadRequest
from opsmodal.listing import LIMIT_DEFAULT, ListQuery, cut, has_words, parsed, sorted_by


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({}, ListQuery()),
        ({"limit": "5", "cursor": "10"}, ListQuery(limit=5, cursor=10)),
        ({"search": "  web "}, ListQuery(search="web")),
        ({"sort": "-name"}, ListQuery(sort="-name")),
        ({"severity": "error", "other": "x"}, ListQuery(filters={"severity": "error"})),
        ({"limit": ""}, ListQuery(limit=LIMIT_DEFAULT)),
    ],
)
def test_a_query_is_read(args: dict[str, str], expected: ListQuery) -> None:
    assert parsed(args, sorts=("name",), filters=("severity",)) == expected


@pytest.mark.parametrize(
    "args",
    [
        {"limit": "0"},
        {"limit": "1001"},
        {"limit": "-1"},
        {"limit": "ten"},
        {"limit": "٣"},
        {"limit": "9" * 5000},
        {"cursor": "-1"},
        {"cursor": "x"},
        {"sort": "secret"},
        {"sort": "--name"},
    ],
)
def test_a_wrong_query_is_refused_with_a_sentence(args: dict[str, str]) -> None:
    with pytest.raises(BadRequest) as refused:
        parsed(args, sorts=("name",))
    assert refused.value.sentence


def test_unknown_values_come_last_in_either_direction() -> None:
    rows = [3, None, 1, 2]
    keys = {"self": lambda row: row}
    assert sorted_by(rows, "self", keys) == [1, 2, 3, None]
    assert sorted_by(rows, "-self", keys) == [3, 2, 1, None]


@given(items=st.lists(st.integers(), max_size=50), limit=st.integers(1, 20))
def test_the_pages_of_a_list_are_the_list(items: list[int], limit: int) -> None:
    seen: list[int] = []
    cursor: str | None = "0"
    while cursor is not None:
        part, cursor = cut(items, ListQuery(limit=limit, cursor=int(cursor)))
        seen.extend(part)
    assert seen == items


@pytest.mark.parametrize(
    ("search", "expected"),
    [("", True), ("WEB", True), ("nginx web", True), ("web  1.2", True), ("web redis", False), ("webnginx", False)],
)
def test_a_search_wants_every_word_in_any_order(search: str, expected: bool) -> None:
    assert has_words("Web nginx:1.25", search) is expected
