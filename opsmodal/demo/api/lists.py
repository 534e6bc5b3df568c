"""Lists: selected, cut into pages and joined out of the JSON that is already there.

A `continue` token names the version of the first page and the last key given: every page shows that version, out of
the history of changes. One that is no longer kept is a 410, whose own token goes on with the list as it is now.
Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from opsmodal.demo import problems
from opsmodal.demo.api.requests import Request, Target
from opsmodal.demo.documents import Obj, decode, encode, labels_of, name_of, namespace_of
from opsmodal.demo.problems import Cause, Problem
from opsmodal.demo.selectors import by_fields, by_labels, everything, exact_name
from opsmodal.demo.storage import Key, Record, Storage

Select = Callable[[Obj], bool]
EXACT, NOT_OLDER = "Exact", "NotOlderThan"
INCONSISTENT = -1
"""The version in a token that goes on with the list as it is now."""
TOKEN_FORM = "meta.k8s.io/v1"  # noqa: S105 - the name of a format
OPTIONS = ("ListOptions", "meta.k8s.io", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Part of a list. `token` continues it, empty at the end; `remaining` is None when it cannot be known."""

    version: int
    records: Sequence[Record]
    token: str = ""
    remaining: int | None = None

    def metadata(self) -> Obj:
        """Give the metadata of the list."""
        metadata: Obj = {"resourceVersion": str(self.version)}
        if self.token:
            metadata["continue"] = self.token
        if self.remaining:
            metadata["remainingItemCount"] = self.remaining
        return metadata


def selection(request: Request, target: Target) -> Select:
    """Read the selectors of a request. Raise a 400 Problem for what they cannot say."""
    labels = by_labels(request.text("labelSelector"))
    fields_text = request.text("fieldSelector")
    if target.name:
        fields_text = f"metadata.name={target.name}"
    if not fields_text:
        if labels is everything:
            return _all
        return lambda document: labels(labels_of(document))
    fields = by_fields(fields_text, target.kind.plural)
    return lambda document: labels(labels_of(document)) and fields(document)


def _all(_: Obj) -> bool:
    return True


def _read_token(token: str) -> tuple[int, Key]:
    try:
        content = decode(base64.urlsafe_b64decode(token))
        if content["v"] != TOKEN_FORM:
            raise ValueError(content["v"])
        namespace, _, name = content["start"].removesuffix("\0").rpartition("/")
        return int(content["rv"]), (namespace, name)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise problems.bad_request("continue key is not valid: illegal base64 data or version") from None


def _write_token(version: int, last: Key) -> str:
    content = {"v": TOKEN_FORM, "rv": version, "start": "/".join(filter(None, last)) + "\0"}
    return base64.urlsafe_b64encode(encode(content)).decode()


def version_asked(request: Request) -> int:
    """Read the resourceVersion of a request, 0 when it has none. Raise a 400 Problem when it is no number."""
    text = request.text("resourceVersion")
    if text and not text.isdigit():
        raise problems.bad_request(
            f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        )
    return int(text or 0)


def _check(request: Request) -> None:
    """Refuse what contradicts. Source: apimachinery pkg/apis/internalversion/validation/validation.go."""
    match, causes = request.text("resourceVersionMatch"), []
    field = "resourceVersionMatch"
    if match and request.text("continue"):
        causes.append(
            Cause("FieldValueForbidden", field, _forbidden(f"{field} is forbidden when continue is provided"))
        )
    if match and not request.text("resourceVersion"):
        words = f"{field} is forbidden unless resourceVersion is provided"
        causes.append(Cause("FieldValueForbidden", field, _forbidden(words)))
    if match not in ("", EXACT, NOT_OLDER):
        words = f'Unsupported value: "{match}": supported values: "{EXACT}", "{NOT_OLDER}", ""'
        causes.append(Cause("FieldValueNotSupported", field, words))
    if match == EXACT and request.text("resourceVersion") == "0":
        words = f'{field} "exact" is forbidden for resourceVersion "0"'
        causes.append(Cause("FieldValueForbidden", field, _forbidden(words)))
    if request.flag("sendInitialEvents"):
        words = _forbidden("sendInitialEvents is forbidden for list")
        causes.append(Cause("FieldValueForbidden", "sendInitialEvents", words))
    if causes:
        raise problems.invalid(*OPTIONS, causes)


def _forbidden(words: str) -> str:
    return f"Forbidden: {words}"


def _held(storage: Storage, request: Request, target: Target) -> tuple[int, list[Record]]:
    """Give the version and the objects that a request without a token is about."""
    asked, match = version_asked(request), request.text("resourceVersionMatch")
    with storage.lock:
        if asked > storage.version:
            raise problems.too_large(asked, storage.version)
        if asked and (match == EXACT or (not match and request.number("limit"))):
            return asked, storage.snapshot(target.kind.stored, target.space, asked)
        return storage.records(target.kind.stored, target.space)


def _continued(storage: Storage, request: Request, target: Target, token: str) -> tuple[int, list[Record]]:
    """Give the version and what is left of the list that a token goes on with."""
    version, after = _read_token(token)
    if request.text("resourceVersion") not in ("", "0"):
        raise problems.bad_request("specifying resource version is not allowed when using continue")
    try:
        if version == INCONSISTENT:
            version, records = storage.records(target.kind.stored, target.space)
        else:
            records = storage.snapshot(target.kind.stored, target.space, version)
    except Problem:
        raise problems.expired(problems.CONTINUE_EXPIRED, token=_write_token(INCONSISTENT, after)) from None
    return version, [record for record in records if _key(record, target) > after]


def _key(record: Record, target: Target) -> Key:
    """Give where a record lies in the list: lists of one namespace leave it out of their tokens."""
    return ("" if target.space else namespace_of(record.document)), name_of(record.document)


def page(storage: Storage, request: Request, target: Target) -> Page:
    """Read the page that a list request asks for."""
    _check(request)
    select, limit = selection(request, target), request.number("limit") or 0
    name, token = exact_name(request.text("fieldSelector")), request.text("continue")
    if name is not None and not token and (target.space or not target.kind.namespaced):
        record = storage.get(target.kind.stored, target.space, name)
        return Page(version=storage.version, records=[record] if record and select(record.document) else [])
    if token:
        version, records = _continued(storage, request, target, token)
    else:
        version, records = _held(storage, request, target)
    if select is not _all:
        records = [record for record in records if select(record.document)]
    if not limit or len(records) <= limit:
        return Page(version=version, records=records)
    rest = len(records) - limit if select is _all else None
    cut = records[:limit]
    return Page(version=version, records=cut, token=_write_token(version, _key(cut[-1], target)), remaining=rest)


def list_json(kind_name: str, api_version: str, part: Page) -> bytes:
    """Write a List document, joining the items as they are."""
    head = encode({"kind": f"{kind_name}List", "apiVersion": api_version, "metadata": part.metadata()})
    return b'%b,"items":[%b]}' % (head[:-1], b",".join(record.raw for record in part.records))
