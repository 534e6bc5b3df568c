"""What the API server says of the fields of a request: unknown ones, wrong types, and who sets them.

`fieldValidation` decides: Strict refuses what is unknown, Warn (the default) drops it with a Warning header, Ignore
drops it in silence. Custom kinds are judged by their schema where they are stored; here only their
unknown fields are found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opsmodal.demo import patches, problems
from opsmodal.demo.api import protobuf
from opsmodal.demo.api.requests import Request, Target
from opsmodal.demo.documents import Obj, encode
from opsmodal.demo.kinds import Kind
from opsmodal.demo.ownership.writes import APPLY, UPDATE, Manager
from opsmodal.demo.problems import Cause, Problem
from opsmodal.demo.schema.shapes import shape_of
from opsmodal.demo.schema.strictness import Mistyped, check_types, pruned, unknown, warning, words_of

STRICT, WARN = "Strict", "Warn"
CHOICES = ("", "Ignore", STRICT, WARN)
OPTIONS = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions"}
META_GROUP = "meta.k8s.io"
WARNINGS_MAX = 20
"""Warnings that one answer carries: a header line has its limits."""


def refused_option(request: Request, cause: Cause) -> Problem:
    """Word what is wrong with a parameter of a request."""
    return problems.invalid(OPTIONS.get(request.method, "Options"), META_GROUP, "", [cause])


def mode_of(request: Request) -> str:
    """Give how unknown fields are treated. Raise a 422 Problem for a way that there is not."""
    mode = request.text("fieldValidation")
    if mode not in CHOICES:
        words = ", ".join(f'"{choice}"' for choice in CHOICES)
        cause = Cause(
            "FieldValueNotSupported", "fieldValidation", f'Unsupported value: "{mode}": supported values: {words}'
        )
        raise refused_option(request, cause)
    return mode or WARN


def check_dry_run(request: Request) -> None:
    """Raise a 422 Problem for a dry run that is none: whoever misspells it must not write."""
    given = list(request.params.get("dryRun", ()))
    if [value for value in given if value not in ("", "All")]:
        words = f'Unsupported value: {encode(given).decode()}: supported values: "All"'
        raise refused_option(request, Cause("FieldValueNotSupported", "dryRun", words))


def manager_of(request: Request, target: Target, operation: str = UPDATE) -> Manager:
    """Give who writes: the fieldManager of the request, or the program that its User-Agent names."""
    name = request.text("fieldManager")
    if not name:
        if operation == APPLY:
            cause = Cause("FieldValueRequired", "fieldManager", "Required value: is required for apply patch")
            raise refused_option(request, cause)
        agent = str(request.environ.get("HTTP_USER_AGENT") or "unknown")
        name = agent.partition("/")[0]
    return Manager(name=name, operation=operation, api_version=target.kind.api_version, subresource=target.subresource)


def accepted(request: Request, kind: Kind, document: Obj) -> tuple[Obj, Sequence[str]]:
    """Give a new object without unknown fields, and warnings. Raise a 400 Problem in the decoder's words."""
    mode, shape = mode_of(request), shape_of(kind)
    if shape is None or protobuf.CONTENT_TYPE in request.content_type:
        return document, ()
    words = f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: '
    try:
        if kind.custom is None:
            check_types(shape, document)
    except Mistyped as error:
        raise problems.bad_request(f"{words}{error}") from None
    paths = list(unknown(shape, document))
    if paths and mode == STRICT:
        raise problems.bad_request(words + words_of(paths))
    return (pruned(shape, document) if paths else document), _warned(paths, mode)


def accepted_patch(request: Request, kind: Kind, patch: Any, document: Obj) -> tuple[Obj, Sequence[str]]:
    """Give a patched object without unknown fields, and warnings. Raise a 422 Problem that shows the patch."""
    mode, shape = mode_of(request), shape_of(kind)
    if shape is None:
        return document, ()
    is_strategic = request.content_type.partition(";")[0].strip() == patches.STRATEGIC
    given = go_text(patch) if is_strategic else encode(document).decode()
    try:
        if kind.custom is None:
            check_types(shape, document)
    except Mistyped as error:
        raise _refused_patch(
            given, f"unrecognized {error.wanted}".replace("type ", "type: ") if is_strategic else str(error)
        ) from None
    paths = list(unknown(shape, document))
    if paths and mode == STRICT:
        raise _refused_patch(given, words_of(paths))
    return (pruned(shape, document) if paths else document), _warned(paths, mode)


def _refused_patch(given: str, why: str) -> Problem:
    return problems.invalid(
        "", "", "", [Cause("FieldValueInvalid", "patch", f"Invalid value: {_quoted(given)}: {why}")]
    )


def _quoted(text: str) -> str:
    return encode(text).decode()


def _warned(paths: Sequence[str], mode: str) -> Sequence[str]:
    return [warning(path) for path in paths[:WARNINGS_MAX]] if mode == WARN else ()


def warning_headers(warnings: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Give the headers that carry warnings (RFC 7234, code 299)."""
    return tuple(("Warning", f"299 - {_quoted(text)}") for text in warnings)


def go_text(value: Any) -> str:
    """Write a value as Go prints it: `map[spec:map[replicas:2]]`."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{name}:{go_text(part)}' for name, part in sorted(value.items()))}]"
    if isinstance(value, list):
        return f"[{' '.join(map(go_text, value))}]"
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_applied(kind: Kind, space: str, name: str, config: Obj) -> None:
    """Raise the Problem of an applied configuration that does not fit its schema: 500, as there."""
    shape = shape_of(kind)
    head = f"failed to create typed patch object ({space}/{name}; {kind.api_version}, Kind={kind.name}): "
    for path in sorted(unknown(shape, config)):
        raise Problem(500, "", f"{head}.{path}: field not declared in schema")
    try:
        if kind.custom is None:
            check_types(shape, config)
    except Mistyped as error:
        raise Problem(500, "", head + _applied_words(error)) from None


def _applied_words(error: Mistyped) -> str:
    wanted = error.wanted.removeprefix("type ")
    words = {"int32": "numeric (int or float)", "int64": "numeric (int or float)", "bool": "boolean"}
    kind = "list" if wanted.startswith("[]") else "map" if wanted.startswith(("map", "v1.")) else "string"
    return f".{error.path}: expected {words.get(wanted, kind)}, got {error.given}"
