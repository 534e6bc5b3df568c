"""Lists: selected, cut into pages and joined out of the JSON that is already there.

A `continue` token names the version of the first page and the last key given. Objects that changed in between show as
they are now (the real server shows the old version for five minutes); a version that is no longer kept is a 410.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from opsmodal.demo import problems
from opsmodal.demo.api.requests import Request, Target
from opsmodal.demo.documents import Obj, decode, encode, labels_of, name_of, namespace_of
from opsmodal.demo.selectors import by_fields, by_labels, everything, exact_name
from opsmodal.demo.storage import Record, Storage

Select = Callable[[Obj], bool]


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


def _read_token(token: str) -> tuple[int, tuple[str, str]]:
    try:
        content = decode(base64.urlsafe_b64decode(token))
        return int(content["rv"]), (content["ns"], content["name"])
    except (ValueError, KeyError, TypeError):
        raise problems.bad_request("continue key is not valid") from None


def _write_token(version: int, last: Obj) -> str:
    content = {"rv": version, "ns": namespace_of(last), "name": name_of(last)}
    return base64.urlsafe_b64encode(encode(content)).decode()


def page(storage: Storage, request: Request, target: Target) -> Page:
    """Read the page that a list request asks for."""
    select, limit = selection(request, target), request.number("limit") or 0
    name = exact_name(request.text("fieldSelector"))
    if name is not None and (target.space or not target.kind.namespaced):
        record = storage.get(target.kind.stored, target.space, name)
        return Page(version=storage.version, records=[record] if record and select(record.document) else [])
    version, records = storage.records(target.kind.stored, target.space)
    if token := request.text("continue"):
        version, after = _read_token(token)
        try:
            storage.since(target.kind.stored, version)
        except problems.Problem:
            raise problems.expired(problems.CONTINUE_EXPIRED) from None
        records = [record for record in records if (namespace_of(record.document), name_of(record.document)) > after]
    if select is not _all:
        records = [record for record in records if select(record.document)]
    if not limit or len(records) <= limit:
        return Page(version=version, records=records)
    rest = len(records) - limit if select is _all else None
    cut = records[:limit]
    return Page(version=version, records=cut, token=_write_token(version, cut[-1].document), remaining=rest)


def list_json(kind_name: str, api_version: str, part: Page) -> bytes:
    """Write a List document, joining the items as they are."""
    head = encode({"kind": f"{kind_name}List", "apiVersion": api_version, "metadata": part.metadata()})
    return b'%b,"items":[%b]}' % (head[:-1], b",".join(record.raw for record in part.records))
