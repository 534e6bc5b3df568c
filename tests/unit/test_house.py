"""The rules of the house that a program can judge. Each gives what breaks it, so a failure is a list to work off."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[2]
PACKAGES = ("opsmodal", "runtimes", "connectors")
MODULE_MAX_LINES = 400
FUNCTION_MAX_LINES = 40
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:root|work)/")
INVENTED = {Path("opsmodal/demo/shell/machine.py")}
"""The files of a container that does not exist: its root has a home, too."""
SENTENCES = frozenset({"sentence", "missing_reason"})
SIMULATED = Path("opsmodal/demo")
"""It words its answers as Kubernetes does."""
IGNORED = re.compile(r"# (?:noqa\b(?:: [A-Z0-9, ]+)?|type: ignore\b(?:\[[\w, -]+\])?)\s*$")
PROMISE = re.compile(r"\b(?:TODO|FIXME|XXX)\b")

Rule = Callable[[], Iterator[str]]


def modules_without_a_docstring() -> Iterator[str]:
    for path, tree in modules():
        if not ast.get_docstring(tree):
            yield str(path)


def modules_too_long() -> Iterator[str]:
    for path, _ in modules():
        if (lines := len((HOUSE / path).read_text().splitlines())) > MODULE_MAX_LINES:
            yield f"{path}: {lines} lines"


def functions_too_long() -> Iterator[str]:
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_MAX_LINES:
                    yield f"{path}:{node.lineno} {node.name}: {lines} lines"


def ignored_without_a_reason() -> Iterator[str]:
    return (line for line in lines_with(IGNORED) if not line.startswith("tests/"))


def lines_that_name_a_machine() -> Iterator[str]:
    return lines_with(MACHINE_PATH, leaving_out=INVENTED)


def lines_that_promise_later_work() -> Iterator[str]:
    return lines_with(PROMISE)


def sentences_without_an_end() -> Iterator[str]:
    """What is said to a person is a sentence: first argument of every error, and every `sentence=`."""
    parsed = list(modules())
    errors = {
        node.name
        for path, tree in parsed
        if path.name == "errors.py"
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }
    for path, tree in parsed:
        if path.is_relative_to(SIMULATED):
            continue
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            said = [keyword.value for keyword in call.keywords if keyword.arg in SENTENCES]
            said += call.args[:1] if name in errors else []
            yield from (f"{path}:{each.lineno} {ast.unparse(each)}" for each in said if lacks_an_end(each))


def lacks_an_end(text: ast.expr) -> bool:
    """Tell whether a text that is written out here ends otherwise than a sentence; a name may hold anything."""
    if isinstance(text, ast.IfExp):
        return lacks_an_end(text.body) or lacks_an_end(text.orelse)
    if isinstance(text, ast.Constant):
        return isinstance(text.value, str) and text.value[-1:] not in ("", ".", "?")
    if not isinstance(text, ast.JoinedStr):
        return False
    *before, last = text.values
    if isinstance(last, ast.Constant):
        return lacks_an_end(last)
    holds_one = isinstance(last, ast.FormattedValue) and getattr(last.value, "attr", "") == "sentence"
    follows_one = bool(before) and isinstance(before[-1], ast.Constant) and not lacks_an_end(before[-1])
    return not (holds_one or follows_one)


RULES: tuple[Rule, ...] = (
    modules_without_a_docstring,
    modules_too_long,
    functions_too_long,
    sentences_without_an_end,
    ignored_without_a_reason,
    lines_that_name_a_machine,
    lines_that_promise_later_work,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_nothing_breaks_the_rule(rule: Rule) -> None:
    broken = list(rule())
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize(
    ("line", "pattern", "breaks"),
    [
        ('KEY = "/root/.ssh/id"', MACHINE_PATH, True),
        ("cd /work/main", MACHINE_PATH, True),
        ("docs/root/index", MACHINE_PATH, False),
        ("# TODO later", PROMISE, True),
        ("todo_count", PROMISE, False),
        ("name = 1  # noqa: E501", IGNORED, True),
        ("name = 1  # type: ignore[misc]", IGNORED, True),
        ("name = 1  # noqa: E501  (a table)", IGNORED, False),
        ("name = 1  # type: ignore[misc]  # gunicorn has no types", IGNORED, False),
    ],
)
def test_the_patterns_find_what_they_forbid(line: str, pattern: re.Pattern[str], breaks: bool) -> None:
    assert bool(pattern.search(line)) is breaks


@pytest.mark.parametrize(
    ("written", "breaks"),
    [
        ('"It is gone."', False),
        ('"It is gone"', True),
        ('""', False),
        ('f"{name} is gone."', False),
        ('f"There is no {name}"', True),
        ('f"There is no {name}."', False),
        ('f"Not read: {problem.sentence}"', False),
        ('f"It was refused.{since}"', False),
        ('"Why?" if known else "It is gone"', True),
        ("words", False),
    ],
)
def test_an_end_is_found_where_a_text_is_written_out(written: str, breaks: bool) -> None:
    assert lacks_an_end(ast.parse(written, mode="eval").body) is breaks


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in tracked():
        if path.parts[0] in PACKAGES and path.suffix == ".py":
            yield path, ast.parse((HOUSE / path).read_text(), filename=str(path))


def lines_with(pattern: re.Pattern[str], *, leaving_out: Iterable[Path] = ()) -> Iterator[str]:
    here = Path(__file__).relative_to(HOUSE)  # what is forbidden has to be written down somewhere
    for path in tracked():
        if path in {here, *leaving_out} or path.suffix == ".png":  # pixels hold any letters
            continue
        for number, line in enumerate((HOUSE / path).read_text(errors="replace").splitlines(), start=1):
            if pattern.search(line):
                yield f"{path}:{number} {line.strip()}"


def tracked() -> list[Path]:
    """Give the files under version control that are still there, relative to the house."""
    listed = subprocess.run(
        ["git", "-C", HOUSE, "ls-files", "-z"], check=False, capture_output=True, text=True, timeout=30
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout: what belongs to the house is not known")
    return [Path(name) for name in listed.stdout.split("\0") if name and (HOUSE / name).is_file()]
