"""The verbs on objects: get, list, watch, create, update, patch, delete and deletecollection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from opsmodal.demo import deletion, problems, tables
from opsmodal.demo.api.bodies import read_object
from opsmodal.demo.api.changes import Changes, Written
from opsmodal.demo.api.fields import warning_headers
from opsmodal.demo.api.lists import list_json, page, selection
from opsmodal.demo.api.requests import JSON, Answer, Request, Target
from opsmodal.demo.api.watch import BOOKMARK_S, open_watch
from opsmodal.demo.definitions.printing import layout_of
from opsmodal.demo.documents import Obj, encode, is_leaving, uid_of
from opsmodal.demo.storage import Record
from opsmodal.demo.versions import served_record
from opsmodal.demo.world import World

TABLE = "as=Table"
PARTIAL = "as=PartialObjectMetadata"


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
        self._changes = Changes(world, self.find)
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
        record = self._storage.get(target.kind.stored, target.space, target.name)
        if record is None:
            raise problems.not_found(target.kind.plural, target.kind.group, target.name)
        return record

    def one(self, request: Request, target: Target, record: Record, status: int = 200) -> Answer:
        """Answer one object in the form and the version that the client wants."""
        if TABLE in request.accept:
            metadata = {"resourceVersion": record.document["metadata"].get("resourceVersion", "")}
            return Answer(status, self._table(request, target, [record], metadata))
        record = served_record(target.kind, record)
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
            layout=layout_of(target.kind.custom) if target.kind.custom else None,
            view=lambda record: served_record(target.kind, record),
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
        if target.kind.stored_as:
            part = replace(part, records=[served_record(target.kind, record) for record in part.records])
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
        return lambda record: served_record(target.kind, record).raw

    def _written(self, request: Request, target: Target, written: Written) -> Answer:
        answer = self.one(request, target, written.record, written.status)
        return replace(answer, headers=warning_headers(written.warnings))

    def _create(self, request: Request, target: Target) -> Answer:
        return self._written(request, target, self._changes.create(request, target))

    def _update(self, request: Request, target: Target) -> Answer:
        return self._written(request, target, self._changes.update(request, target))

    def _patch(self, request: Request, target: Target) -> Answer:
        return self._written(request, target, self._changes.patch(request, target))

    def _delete(self, request: Request, target: Target) -> Answer:
        options = _options(request)
        with self._storage.lock:
            record = self.find(target)
            result = deletion.delete(self._world, target.kind.stored, record, options)
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
                    deletion.delete(self._world, target.kind.stored, record, options)
        return Answer(200, list_json(target.kind.name, target.kind.api_version, part))
