"""The verbs that write: create, update, patch and apply.

Each reads what is sent in the version that the path names, has its fields judged, and hands it to `writing` in the
version that is kept. What is refused leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from opsmodal.demo import patches, problems, writing
from opsmodal.demo.api import fields
from opsmodal.demo.api.bodies import read_body, read_object
from opsmodal.demo.api.requests import Request, Target
from opsmodal.demo.documents import Obj, annotations_of, encode, name_of
from opsmodal.demo.ownership.writes import APPLY, applied
from opsmodal.demo.schema.shapes import shape_of
from opsmodal.demo.storage import Record
from opsmodal.demo.versions import kept, served
from opsmodal.demo.world import World

PATCH_TYPES = (patches.JSON_PATCH, patches.MERGE, patches.STRATEGIC)
CUSTOM_PATCH_TYPES = (patches.JSON_PATCH, patches.MERGE)
APPLY_TYPE = "application/apply-patch+yaml"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
KUBECTL = "kubectl"


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a write: the object, the HTTP status and warnings."""

    record: Record
    status: int = 200
    warnings: Sequence[str] = field(default_factory=tuple)


class Changes:
    """Write objects for clients."""

    def __init__(self, world: World, find: Callable[[Target], Record]) -> None:
        self._world = world
        self._find = find

    def create(self, request: Request, target: Target) -> Written:
        """Create the object that a request carries."""
        document, kind = read_object(request), target.kind
        named = self._world.catalogue.of(document)
        if document.get("kind") and named != kind:
            given, wanted = document.get("kind"), kind.name
            words = f"{given} in version {document.get('apiVersion')!r} cannot be handled as a {wanted}"
            raise problems.bad_request(words)
        document, warnings = fields.accepted(request, kind, document)
        self._check_namespace(target, document)
        record = writing.create(
            self._world,
            kind.stored,
            target.namespace,
            kept(kind, document),
            dry_run=bool(request.text("dryRun")),
            manager=fields.manager_of(request, target),
        )
        return Written(record, 201, warnings)

    @staticmethod
    def _check_namespace(target: Target, document: Obj) -> None:
        space = str((document.get("metadata") or {}).get("namespace") or target.namespace)
        if target.kind.namespaced and space != target.namespace:
            raise problems.bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )

    def update(self, request: Request, target: Target) -> Written:
        """Replace an object by what a request carries."""
        document, warnings = fields.accepted(request, target.kind, read_object(request))
        self._check_name(target, document)
        return self._changed(request, target, lambda _: (document, warnings))

    @staticmethod
    def _check_name(target: Target, document: Obj) -> None:
        if name_of(document) not in ("", target.name):
            words = f"the name of the object ({name_of(document)}) does not match the name on the URL ({target.name})"
            raise problems.bad_request(words)

    def patch(self, request: Request, target: Target) -> Written:
        """Change an object by a patch, or apply a configuration."""
        content_type = request.content_type.partition(";")[0].strip()
        if content_type == APPLY_TYPE:
            return self._apply(request, target)
        known = CUSTOM_PATCH_TYPES if target.kind.custom else PATCH_TYPES
        if content_type not in known:
            raise problems.unsupported_media_type((*known, APPLY_TYPE))
        patch = read_body(request)

        def edit(document: Obj) -> tuple[Obj, Sequence[str]]:
            changed = patches.apply(content_type, document, patch)
            return fields.accepted_patch(request, target.kind, patch, changed)

        return self._changed(request, target, edit)

    def _changed(self, request: Request, target: Target, edit: Callable[[Obj], tuple[Obj, Sequence[str]]]) -> Written:
        warnings: list[str] = []
        kind = target.kind

        def edited(document: Obj) -> Obj:
            changed, warned = edit(served(kind, document))
            warnings.extend(warned)
            return kept(kind, changed)

        with self._world.storage.lock:
            record = writing.change(
                self._world,
                kind.stored,
                self._find(target),
                edited,
                subresource=target.subresource,
                dry_run=bool(request.text("dryRun")),
                manager=fields.manager_of(request, target),
            )
        return Written(record, 200, warnings)

    def _apply(self, request: Request, target: Target) -> Written:
        """Apply a configuration: its manager holds exactly the fields that it names."""
        config, kind = read_object(request), target.kind
        manager = fields.manager_of(request, target, APPLY)
        self._check_config(target, config)
        fields.check_applied(kind, target.space, target.name, config)
        config.setdefault("metadata", {}).setdefault("name", target.name)
        dry_run = bool(request.text("dryRun"))
        with self._world.storage.lock:
            live = self._world.storage.get(kind.stored, target.space, target.name)
            before = served(kind, live.document) if live else None
            if before is None and target.subresource:
                raise problems.not_found(kind.plural, kind.group, target.name)
            result, held = applied(
                shape_of(kind),
                before,
                config,
                manager,
                now=self._world.clock.stamp(),
                status="status" in kind.subresources,
                force=request.flag("force"),
            )
            _note_applied(before, config, result, manager.name)
            if live is None:
                space, made = target.namespace, kept(kind, result)
                record = writing.create(
                    self._world, kind.stored, space, made, dry_run=dry_run, manager=manager, record=held
                )
                return Written(record, 201)
            record = writing.change(
                self._world,
                kind.stored,
                live,
                lambda _: kept(kind, result),
                subresource=target.subresource,
                dry_run=dry_run,
                manager=manager,
                held=lambda: held,
            )
        return Written(record)

    def _check_config(self, target: Target, config: Obj) -> None:
        if (config.get("apiVersion"), config.get("kind")) != (target.kind.api_version, target.kind.name):
            group, _, version = str(config.get("apiVersion", "")).rpartition("/")
            raise problems.bad_request(f"invalid object type: {group}/{version}, Kind={config.get('kind', '')}")
        self._check_name(target, config)
        self._check_namespace(target, config)
        if (config.get("metadata") or {}).get("managedFields"):
            raise problems.bad_request("metadata.managedFields must be nil")


def _note_applied(live: Obj | None, config: Obj, result: Obj, manager: str) -> None:
    """Keep the annotation of client-side apply true where there is one, so that `kubectl apply` can be used again."""
    if live is not None and manager == KUBECTL and LAST_APPLIED in annotations_of(live):
        result["metadata"]["annotations"] = annotations_of(result) | {LAST_APPLIED: encode(config).decode() + "\n"}
