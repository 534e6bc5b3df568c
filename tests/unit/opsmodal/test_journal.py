"""The log of the process: one line a record, keyed fields, and nothing that a stranger sent can forge a line."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from flask import Flask, g

from opsmodal.journal import FIELD_MAX_CHARS, keep_journal

log = logging.getLogger("opsmodal.test")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def kept(form: str) -> io.StringIO:
    stream = io.StringIO()
    keep_journal(form, stream=stream)
    return stream


def test_a_record_is_one_json_object_with_its_fields() -> None:
    stream = kept("auto")
    log.info("asked", extra={"path": "/a\nb", "count": 3, "empty": "", "long": "x" * 10_000, "odd": "\ud800"})
    (line,) = stream.getvalue().splitlines()
    told = json.loads(line)
    assert (told["message"], told["level"], told["path"], told["count"]) == ("asked", "info", "/a\nb", 3)
    assert "empty" not in told
    assert len(told["long"]) <= FIELD_MAX_CHARS + 1


def test_an_error_has_its_trace_on_the_same_line() -> None:
    stream = kept("json")
    try:
        raise ValueError("broken")
    except ValueError:
        log.exception("failed")
    (line,) = stream.getvalue().splitlines()
    assert "ValueError: broken" in json.loads(line)["trace"]


def test_for_people_no_value_makes_a_line_or_steers_the_terminal() -> None:
    stream = kept("text")
    log.warning("asked", extra={"path": "/a\nforged \x1b[31m"})
    (line,) = stream.getvalue().splitlines()
    assert "asked path='/a\\nforged \\x1b[31m'" in line


def test_within_a_request_each_line_has_its_id() -> None:
    stream = kept("json")
    with Flask("test").test_request_context("/"):
        g.request_id = "id-of-this-one"
        log.info("inside")
    log.info("outside")
    inside, outside = map(json.loads, stream.getvalue().splitlines())
    assert inside["request_id"] == "id-of-this-one"
    assert "request_id" not in outside


def test_libraries_say_only_what_is_wrong() -> None:
    stream = kept("json")
    logging.getLogger("some.library").info("chatter")
    logging.getLogger("some.library").warning("wrong")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["wrong"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_secrets_are_masked_wherever_they_are_given(form: str) -> None:
    stream = kept(form)
    try:
        raise ValueError("postgresql://joe:planted-1@db/shop is away")
    except ValueError:
        extra = {"why": "Authorization: Bearer planted-2", "token": "planted-3", "path": "/a?ticket=planted-4"}
        log.exception("asked with --password planted-5", extra=extra)
    text = stream.getvalue()
    assert "planted" not in text
    assert "joe" in text
