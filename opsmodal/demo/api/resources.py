"""The verbs on objects: get, list, watch, create, update, patch, delete and deletecollection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import DecodeError

from opsmodal.demo import deletion, patches, problems, tables, writing
from opsmodal.demo.api import protobuf
from opsmodal.demo.api.lists import list_json, page, selection
from opsmodal.demo.api.requests import JSON, Answer, Request, Target
from opsmodal.demo.api.watch import BOOKMARK_S, open_watch
from opsmodal.demo.documents import Obj, decode, encode, is_leaving, name_of, uid_of
from opsmodal.demo.storage import Record
from opsmodal.demo.world import World

TABLE = "as=Table"
PARTIAL = "as=PartialObjectMetadata"
PATCH_TYPES = (patches.JSON_PATCH, patches.MERGE, patches.STRATEGIC)
APPLY = "application/apply-patch+yaml"


def read_body(request: Request) -> Any:
    """Read the JSON or YAML of a request. Raise a 400 Problem when it is neither."""
    if not request.body:
        raise problems.bad_request("the request body is empty")
    try:
        if "yaml" in request.content_type:
            import yaml

            return yaml.safe_load(request.body)
        if protobuf.CONTENT_TYPE in request.content_type:
            return protobuf.decoded(request.body)
        return decode(request.body)
    except (DecodeError, ValueError) as error:
        raise problems.bad_request(f"the object provided is unrecognized (must be of type Object): {error}") from None


def read_object(request: Request) -> Obj:
    """Read the object of a request."""
    document = read_body(request)
    if not isinstance(document, dict):
        raise problems.bad_request("the object provided is unrecognized (must be of type Object)")
    return document


def _options(request: Request) -> deletion.Options:
    body = read_object(request) if request.body else {}
    conditions = body.get("preconditions") or {}
    grace_s = body.get("gracePeriodSeconds", request.number("gracePeriodSeconds"))
    propagation = body.get("propagationPolicy") or request.text("propagationPolicy")
    if body.get("orphanDependents") or request.flag("orphanDependents"):
        propagation = "Orphan"
    return deletion.Options(
        grace_s=grace_s,
        propagation=propagation,
        uid=conditions.get("uid", ""),
        version=conditions.get("resourceVersion", ""),
        dry_run=bool(body.get("dryRun") or request.text("dryRun")),
    )


class Resources:
    """Serve the verbs of every stored kind."""

    def __init__(self, world: World, *, bookmark_s: float = BOOKMARK_S) -> None:
        self._world = world
        self._storage = world.storage
        self._bookmark_s = bookmark_s
        self._verbs: dict[str, Callable[[Request, Target], Answer]] = {
            "get": self._get,
            "list": self._list,
            "watch": self._watch,
            "create": self._create,
            "update": self._update,
            "patch": self._patch,
            "delete": self._delete,
            "deletecollection": self._delete_collection,
        }

    def answer(self, request: Request, target: Target) -> Answer:
        """Do what a request asks. Raise a Problem when it is refused."""
        if target.verb not in target.kind.verbs:
            raise problems.method_not_allowed()
        return self._verbs[target.verb](request, target)

    def find(self, target: Target) -> Record:
        """Give the object that a path names. Raise a 404 Problem when there is none."""
        record = self._storage.get(target.kind, target.space, target.name)
        if record is None:
            raise problems.not_found(target.kind.plural, target.kind.group, target.name)
        return record

    def one(self, request: Request, target: Target, record: Record, status: int = 200) -> Answer:
        """Answer one object in the form that the client wants."""
        if TABLE in request.accept:
            metadata = {"resourceVersion": record.document["metadata"].get("resourceVersion", "")}
            return Answer(status, self._table(request, target, [record], metadata))
        if PARTIAL in request.accept:
            return Answer(status, encode(tables.PARTIAL | {"metadata": record.document["metadata"]}))
        return Answer(status, record.raw)

    def _table(
        self, request: Request, target: Target, records: list[Record], metadata: Obj, *, columns: bool = True
    ) -> bytes:
        return tables.table(
            records,
            plural=target.kind.plural,
            metadata=metadata,
            include=request.text("includeObject", "Metadata"),
            now=self._world.clock.now(),
            columns=columns,
        )

    def _get(self, request: Request, target: Target) -> Answer:
        return self.one(request, target, self.find(target))

    def _list(self, request: Request, target: Target) -> Answer:
        part = page(self._storage, request, target)
        if TABLE in request.accept:
            return Answer(200, self._table(request, target, list(part.records), part.metadata()))
        if PARTIAL in request.accept:
            items = [tables.PARTIAL | {"metadata": record.document["metadata"]} for record in part.records]
            head: Obj = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
            return Answer(200, encode(head | {"metadata": part.metadata(), "items": items}))
        return Answer(200, list_json(target.kind.name, target.kind.api_version, part))

    def _watch(self, request: Request, target: Target) -> Answer:
        form = self._form(request, target)
        return Answer(200, open_watch(self._storage, request, target, form, bookmark_s=self._bookmark_s), JSON)

    def _form(self, request: Request, target: Target) -> Callable[[Record], bytes]:
        if TABLE in request.accept:
            first = [True]

            def row(record: Record) -> bytes:
                columns, first[0] = first[0], False
                metadata = {"resourceVersion": record.document["metadata"]["resourceVersion"]}
                return self._table(request, target, [record], metadata, columns=columns)

            return row
        if PARTIAL in request.accept:
            return lambda record: encode(tables.PARTIAL | {"metadata": record.document["metadata"]})
        return lambda record: record.raw

    def _create(self, request: Request, target: Target) -> Answer:
        document, kind = read_object(request), target.kind
        named = self._world.catalogue.of(document)
        if document.get("kind") and named is not kind:
            given, wanted = document.get("kind"), kind.name
            words = f"{given} in version {document.get('apiVersion')!r} cannot be handled as a {wanted}"
            raise problems.bad_request(words)
        space = str((document.get("metadata") or {}).get("namespace") or target.namespace)
        if kind.namespaced and space != target.namespace:
            raise problems.bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        dry_run = bool(request.text("dryRun"))
        record = writing.create(self._world, kind, target.namespace, document, dry_run=dry_run)
        return self.one(request, target, record, 201)

    def _update(self, request: Request, target: Target) -> Answer:
        document = read_object(request)
        if name_of(document) not in ("", target.name):
            words = f"the name of the object ({name_of(document)}) does not match the name on the URL ({target.name})"
            raise problems.bad_request(words)
        return self._changed(request, target, lambda _: document)

    def _patch(self, request: Request, target: Target) -> Answer:
        content_type = request.content_type.partition(";")[0].strip()
        if content_type == APPLY:
            return self._apply(request, target)
        if content_type not in PATCH_TYPES:
            raise problems.unsupported_media_type((*PATCH_TYPES, APPLY))
        patch = read_body(request)
        return self._changed(request, target, lambda document: patches.apply(content_type, document, patch))

    def _apply(self, request: Request, target: Target) -> Answer:
        """Server-side apply without field ownership: the lists merge, what is left out stays."""
        asked = read_object(request)
        if self._storage.get(target.kind, target.space, target.name) is None:
            return self._create(request, target)
        return self._changed(request, target, lambda document: patches.strategic(document, asked))

    def _changed(self, request: Request, target: Target, edit: Callable[[Obj], Obj]) -> Answer:
        dry_run = bool(request.text("dryRun"))
        with self._storage.lock:
            record = self.find(target)
            record = writing.change(
                self._world, target.kind, record, edit, subresource=target.subresource, dry_run=dry_run
            )
        return self.one(request, target, record)

    def _delete(self, request: Request, target: Target) -> Answer:
        options = _options(request)
        with self._storage.lock:
            record = self.find(target)
            result = deletion.delete(self._world, target.kind, record, options)
        if not result.gone or is_leaving(result.record.document):
            return self.one(request, target, result.record)
        kind = target.kind
        details = {"name": target.name, "kind": kind.plural, "uid": uid_of(record.document)}
        details |= {"group": kind.group} if kind.group else {}
        status: Obj = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        return Answer(200, encode(status))

    def _delete_collection(self, request: Request, target: Target) -> Answer:
        options, select = _options(request), selection(request, target)
        with self._storage.lock:
            part = page(self._storage, request, target)
            for record in part.records:
                if select(record.document):
                    deletion.delete(self._world, target.kind, record, options)
        return Answer(200, list_json(target.kind.name, target.kind.api_version, part))
