"""OpenAPI v3, as kubectl asks for it: what can be written, and the fields of every kind for `kubectl explain`.

Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v3. Built-in kinds are described by the
client library's models, custom ones by their definitions. A document is made when it is first asked for, and kept.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from opsmodal.demo.api.requests import Answer, Request
from opsmodal.demo.documents import Obj, encode
from opsmodal.demo.kinds import Catalogue, Kind
from opsmodal.demo.problems import no_such_resource
from opsmodal.demo.schema import models
from opsmodal.demo.schema.shapes import shape_of

PARAMETERS = ("fieldValidation", "dryRun", "fieldManager", "pretty")
ACTIONS = {"get": "get", "patch": "patch", "post": "post", "put": "put", "delete": "delete"}
VERSION = "v1.32.5"
META = models.reference("V1ObjectMeta")
COMMON = "V1ConfigMap"
"""A kind whose apiVersion, kind and metadata are described as everywhere."""
EMPTY_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
DOCUMENTS_KEPT = 64
"""Documents kept at once: one for each group and version, with room for custom ones."""
Kinds = tuple[Kind, ...]


def _path(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


def _operations(kind: Kind) -> Obj:
    identity = {"group": kind.group, "version": kind.version, "kind": kind.name}
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in PARAMETERS]
    operation = {
        "parameters": parameters,
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-group-version-kind": identity,
    }
    return {
        method: operation | {"operationId": f"{method}{kind.name}", "x-kubernetes-action": action}
        for method, action in ACTIONS.items()
    }


def _schemas(kind: Kind) -> dict[str, Obj]:
    """Give the schema of a kind and of everything that it holds."""
    identity = {"x-kubernetes-group-version-kind": [{"group": kind.group, "version": kind.version, "kind": kind.name}]}
    if kind.custom:
        own = ".".join([*reversed(kind.group.split(".")), kind.version, kind.name])
        shape = dict(kind.custom.shape)
        common = models.schema_of(COMMON)["properties"]
        shape["properties"] = shape["properties"] | {name: common[name] for name in ("apiVersion", "kind", "metadata")}
        return models.closure({META}) | {own: shape | identity}
    name = models.reference(models.model_name(kind))
    if shape_of(kind) is None:
        return {name: {"type": "object", "x-kubernetes-preserve-unknown-fields": True} | identity}
    found = models.closure({name})
    return found | {name: found[name] | identity}


@lru_cache(maxsize=DOCUMENTS_KEPT)
def _document(group: str, version: str, kinds: Kinds) -> bytes:
    paths: Obj = {}
    schemas: Obj = {}
    for kind in kinds:
        space = "/namespaces/{namespace}" if kind.namespaced else ""
        paths[f"/{_path(group, version)}{space}/{kind.plural}/{{name}}"] = _operations(kind)
        for name, schema in _schemas(kind).items():
            # what holds a kind must not replace the kind itself, which carries its identity
            schemas[name] = schemas.get(name, {}) | schema
    info = {"title": "Kubernetes (simulated)", "version": VERSION}
    return encode({"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}})


class OpenAPI:
    """Answer /openapi/v3, and /openapi/v2 with nothing in it: kubectl looks there for kinds that v3 does not have."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def answer(self, request: Request) -> Answer:
        """Answer the index, or the document of one group and version."""
        if request.path == "/openapi/v2":
            return Answer(200, b"", EMPTY_TYPE)  # no bytes are a protobuf message without fields
        wanted = request.path.strip("/").removeprefix("openapi/v3").strip("/")
        if not request.path.startswith("/openapi/v3"):
            raise no_such_resource()
        versions = {_path(group, version): (group, version) for group, version in self._catalogue.versions()}
        if not wanted:
            paths = {path: {"serverRelativeURL": self._address(path, *place)} for path, place in versions.items()}
            return Answer(200, encode({"paths": paths}))
        if wanted not in versions:
            raise no_such_resource()
        group, version = versions[wanted]
        return Answer(200, _document(group, version, self._kinds(group, version)))

    def _kinds(self, group: str, version: str) -> Kinds:
        return tuple(kind for kind in self._catalogue.kinds if (kind.group, kind.version) == (group, version))

    def _address(self, path: str, group: str, version: str) -> str:
        """Name a document so that it can be cached for good: what it describes is in its address."""
        digest = hashlib.sha256()
        for kind in self._kinds(group, version):
            digest.update(encode([kind.plural, dict(kind.custom.shape) if kind.custom else None]))
        return f"/openapi/v3/{path}?hash={digest.hexdigest()[:32].upper()}"
