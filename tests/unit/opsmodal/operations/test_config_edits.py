"""Edits of keys put onto what there is: mistakes name their row, and a Secret is never compared with what is sent."""

from __future__ import annotations

import pytest

from opsmodal.errors import Rejected
from opsmodal.operations.config_edits import Edit, Edits, Naming, whole

SECRET, OPEN = (Naming(lambda key, value: f"{key}={value!r}", is_secret) for is_secret in (True, False))
NOW = {"password": b"right", "user": b"shop"}


@pytest.mark.parametrize("guess", [b"right", b"wrong"])
@pytest.mark.parametrize(
    "edit",
    [
        Edit(key="password", was="password", seen=SECRET.masked("password", b"right")),
        Edit(key="password", was="password", seen=SECRET.masked("password", b"right"), shown=True),
        Edit(key="password", was="password"),
    ],
)
def test_a_guess_at_a_masked_value_is_set_whether_it_is_right_or_not(edit: Edit, guess: bytes) -> None:
    sent = Edit(key=edit.key, was=edit.was, seen=edit.seen, shown=edit.shown, value=guess)
    merged = Edits((sent,)).onto(NOW, SECRET)
    assert (merged.values["password"], merged.given, merged.clashes) == (guess, {"password"}, ())


@pytest.mark.parametrize("guess", [b"right", b"wrong"])
@pytest.mark.parametrize(("was", "seen"), [("", ""), ("password", "an older one")])
def test_both_sides_of_a_secret_are_asked_about_whatever_is_sent(was: str, seen: str, guess: bytes) -> None:
    merged = Edits((Edit(key="password", was=was, seen=seen, value=guess),)).onto(NOW, SECRET)
    assert [clash.key for clash in merged.clashes] == ["password"]


def test_a_value_that_was_shown_and_came_back_is_no_edit() -> None:
    for naming in (SECRET, OPEN):
        sent = Edit(key="user", was="user", seen=naming.shown("user", b"shop"), value=b"shop", shown=True)
        merged = Edits((sent,)).onto(NOW, naming)
        assert (merged.values, merged.given) == (NOW, frozenset())


def test_the_same_change_of_a_configmap_by_two_is_no_clash() -> None:
    assert Edits((Edit(key="user", was="user", seen="older", value=b"shop"),)).onto(NOW, OPEN).clashes == ()


@pytest.mark.parametrize(
    ("values", "renamed", "given"),
    [
        ({"password": "right", "user": None}, {}, {"password"}),
        ({"password": "wrong", "user": None}, {}, {"password"}),
        ({"password": None, "user": None}, {}, set()),
        ({"password": None, "user": None}, {"password": "user"}, {"user"}),
        ({"password": None, "user": None}, {"password": "other"}, {"other"}),
    ],
)
def test_of_what_a_program_sends_all_counts_but_what_is_kept(
    values: dict[str, str | None], renamed: dict[str, str], given: set[str]
) -> None:
    assert whole(values, {}, renamed).onto(NOW, SECRET).given == given


def test_every_row_without_a_name_of_its_own_is_told() -> None:
    rows = (
        Edit(key="user", was="user"),
        Edit(key="", value=b"1"),
        Edit(key="new", value=b"1"),
        Edit(key="", was="password"),
        Edit(key="new", value=b"2"),
        Edit(key="", was="gone", removed=True),
    )
    with pytest.raises(Rejected) as refused:
        Edits(rows).onto(NOW, OPEN)
    assert [each.field for each in refused.value.problems] == ["key.2", "key.4", "key.5"]
