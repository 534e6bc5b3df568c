"""Parts of objects that have a path of their own: scale, eviction, binding, finalize and tokens of service accounts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from opsmodal.demo import deletion, patches, problems, writing
from opsmodal.demo.api.bodies import read_body, read_object
from opsmodal.demo.api.fields import manager_of
from opsmodal.demo.api.requests import Answer, Request, Target
from opsmodal.demo.api.resources import Resources
from opsmodal.demo.api.tokens import TokenRequests
from opsmodal.demo.api.users import Tokens
from opsmodal.demo.definitions.jsonpath import found_at, put_at
from opsmodal.demo.documents import Obj, dig, encode, labels_of, name_of
from opsmodal.demo.kinds import Kind, stored
from opsmodal.demo.selectors import of_object
from opsmodal.demo.storage import Record
from opsmodal.demo.tables.columns import selector_text
from opsmodal.demo.world import World

BUDGETS = stored("poddisruptionbudgets")


REPLICAS: Mapping[str, str] = {
    "specReplicasPath": ".spec.replicas",
    "statusReplicasPath": ".status.replicas",
    "labelSelectorPath": "",
}
"""Where a built-in kind keeps what its Scale shows; custom kinds say so in their definition."""


def scale_of(kind: Kind, document: Obj) -> Obj:
    """Give the Scale of a workload."""
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    metadata = {key: document["metadata"][key] for key in kept if key in document["metadata"]}
    paths = kind.custom.scale if kind.custom else REPLICAS
    wanted, present = (
        next(iter(found_at(document, paths[name])), 0) for name in ("specReplicasPath", "statusReplicasPath")
    )
    status = {"replicas": present}
    if kind.custom is None:
        status["selector"] = selector_text(dig(document, "spec", "selector"))
    elif path := paths.get("labelSelectorPath"):
        status["selector"] = next(iter(found_at(document, path)), "")
    head: Obj = {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata}
    return head | {"spec": {"replicas": wanted}, "status": status}


class Subresources:
    """Serve the subresources that are neither the object itself nor a stream."""

    def __init__(self, world: World, resources: Resources, tokens: Tokens) -> None:
        self._world = world
        self._resources = resources
        self._token_requests = TokenRequests(tokens, world.clock)
        self._served: dict[str, Callable[[Request, Target], Answer]] = {
            "scale": self._scale,
            "eviction": self._evict,
            "binding": self._bind,
            "finalize": self._finalize,
            "token": self._token,
            "portforward": self._forward,
        }

    def serves(self, target: Target) -> bool:
        """Tell whether this path is one of these."""
        return target.subresource in self._served

    def answer(self, request: Request, target: Target) -> Answer:
        """Do what a request asks."""
        return self._served[target.subresource](request, target)

    def _scale(self, request: Request, target: Target) -> Answer:
        record = self._resources.find(target)
        if target.verb in ("update", "patch"):
            body = read_body(request)
            record = self._rescaled(request, target, body)
        elif target.verb != "get":
            raise problems.method_not_allowed()
        return Answer(200, encode(scale_of(target.kind, record.document)))

    def _rescaled(self, request: Request, target: Target, body: Obj) -> Record:
        def edit(document: Obj) -> Obj:
            asked = body
            if target.verb == "patch":
                asked = patches.apply(request.content_type.partition(";")[0], scale_of(target.kind, document), body)
            version = dig(asked, "metadata", "resourceVersion")
            if version:
                document["metadata"]["resourceVersion"] = version
            paths = target.kind.custom.scale if target.kind.custom else REPLICAS
            put_at(document, paths["specReplicasPath"], dig(asked, "spec", "replicas") or 0)
            return document

        with self._world.storage.lock:
            record = self._resources.find(target)
            dry_run = bool(request.text("dryRun"))
            manager = manager_of(request, target)
            return writing.change(self._world, target.kind.stored, record, edit, dry_run=dry_run, manager=manager)

    def _evict(self, request: Request, target: Target) -> Answer:
        with self._world.storage.lock:
            record = self._resources.find(target)
            self._check_budgets(target, record.document)
            asked = read_object(request).get("deleteOptions") or {}
            options = deletion.Options(grace_s=asked.get("gracePeriodSeconds"), dry_run=bool(asked.get("dryRun")))
            deletion.delete(self._world, target.kind, record, options)
        status: Obj = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        return Answer(201, encode(status | {"code": 201}))

    def _check_budgets(self, target: Target, pod: Obj) -> None:
        for budget in self._world.storage.records(BUDGETS, target.namespace)[1]:
            if not of_object(dig(budget.document, "spec", "selector"))(labels_of(pod)):
                continue
            if (dig(budget.document, "status", "disruptionsAllowed") or 0) > 0:
                continue
            healthy, wanted = (dig(budget.document, "status", f"{part}Healthy") or 0 for part in ("current", "desired"))
            name = name_of(budget.document)
            cause = f"The disruption budget {name} needs {wanted} healthy pods and has {healthy} currently"
            message = "Cannot evict pod as it would violate the pod's disruption budget."
            details = {"causes": [{"reason": "DisruptionBudget", "message": cause}]}
            raise problems.Problem(429, "TooManyRequests", message, details=details)

    def _bind(self, request: Request, target: Target) -> Answer:
        node = dig(read_object(request), "target", "name")
        storage = self._world.storage
        storage.update(target.kind, target.namespace, target.name, lambda pod: pod["spec"].update(nodeName=node))
        return Answer(201, encode({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}))

    def _finalize(self, request: Request, target: Target) -> Answer:
        asked = read_object(request)

        def edit(document: Obj) -> None:
            document["spec"]["finalizers"] = dig(asked, "spec", "finalizers") or []

        self._resources.find(target)
        record = self._world.storage.update(target.kind, target.space, target.name, edit)
        return self._resources.one(request, target, record or self._resources.find(target))

    def _token(self, request: Request, target: Target) -> Answer:
        return self._token_requests.answer(request, target, self._resources.find(target).document)

    def _forward(self, _: Request, target: Target) -> Answer:
        self._resources.find(target)
        raise problems.bad_request(f"cannot forward to pod {target.name}: a simulated cluster has no network")
