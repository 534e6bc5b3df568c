"""No operation changes anything outside of the door: read off the source, call by call."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import opsmodal.operations

FOLDER = Path(opsmodal.operations.__file__).parent
CHANGING = {
    "_registry": {"put", "remove", "apply"},
    "_people": {
        "add",
        "set_password",
        "set_flags",
        "disable",
        "enable",
        "end_session",
        "end_session_of",
        "end_sessions",
        "revoke_token",
        "revoke_tokens",
        "start_session",
        "new_token",
        "issue_ticket",
    },
    "instances": {"delete", "delete_pending", "restart"},
}
CHANGING["people"] = CHANGING["_people"]
WITHIN = {"act", "recorded"}
"""The context managers that write an intent and an outcome."""
ELSEWHERE = {
    ("signing.py", "out"): "giving a right up is never refused because it cannot be recorded",
}


def calls_outside(tree: ast.Module, name: str) -> Iterator[tuple[str, str]]:
    """Give (function, call) for each change that no door stands around; helpers count where they are called."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    bare = {function.name: list(_bare(function, False)) for function in functions}
    inside = {called for function in functions for called in _called_within(function)}
    for function, found in bare.items():
        if found and function not in inside and (name, function) not in ELSEWHERE:
            yield from ((function, call) for call in found)


def _bare(node: ast.AST, is_within: bool) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        opens = isinstance(child, ast.With) and any(_opens(item.context_expr) for item in child.items)
        if isinstance(child, ast.Call) and not is_within and (told := _changes(child)):
            yield told
        yield from _bare(child, is_within or opens)


def _called_within(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.With) and any(_opens(item.context_expr) for item in node.items):
            for call in (each for each in ast.walk(node) if isinstance(each, ast.Call)):
                yield getattr(call.func, "id", "") or getattr(call.func, "attr", "")


def _opens(expression: ast.expr) -> bool:
    if not isinstance(expression, ast.Call):
        return False
    return (getattr(expression.func, "attr", "") or getattr(expression.func, "id", "")) in WITHIN


def _changes(call: ast.Call) -> str:
    if not isinstance(call.func, ast.Attribute):
        return ""
    of = call.func.value
    receiver = of.attr if isinstance(of, ast.Attribute) else getattr(of, "id", "")
    return ast.unparse(call.func) if call.func.attr in CHANGING.get(receiver, ()) else ""


def test_every_change_stands_within_the_door() -> None:
    found = [
        f"{path.name} {function}: {call}"
        for path in sorted(FOLDER.glob("*.py"))
        for function, call in calls_outside(ast.parse(path.read_text()), path.name)
    ]
    assert not found, "\n".join(found)


def test_a_change_outside_is_found() -> None:
    source = """
class Thing:
    def good(self):
        with self._door.act(leave):
            self._registry.put("x")
            self._helper()
    def _helper(self):
        self._people.add("eve")
    def bad(self):
        with self._door.act(leave):
            pass
        self._runtime(leave).instances.delete("x")
"""
    assert list(calls_outside(ast.parse(source), "thing.py")) == [
        ("bad", "self._runtime(leave).instances.delete"),
    ]
    assert sum(1 for path in FOLDER.glob("*.py") for _ in _all(path)) > 20, "the words above are those of the code"


def _all(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and (told := _changes(node)):
            yield told
