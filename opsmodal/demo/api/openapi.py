"""OpenAPI, as far as kubectl asks: which kinds can be written, and that the server checks fields itself.

The schemas are open: the simulation takes any field. `kubectl explain` therefore knows kinds but not their fields.
"""

from __future__ import annotations

from opsmodal.demo.api.requests import Answer, Request
from opsmodal.demo.documents import Obj, encode
from opsmodal.demo.kinds import Catalogue, Kind
from opsmodal.demo.problems import no_such_resource

PARAMETERS = ("fieldValidation", "dryRun", "fieldManager", "pretty")
WRITES = {"patch": "patch", "post": "post", "put": "put"}


def _path(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


def _operations(kind: Kind) -> Obj:
    identity = {"group": kind.group, "version": kind.version, "kind": kind.name}
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in PARAMETERS]
    operation = {
        "operationId": f"write{kind.name}",
        "parameters": parameters,
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-group-version-kind": identity,
    }
    return {method: operation | {"x-kubernetes-action": action} for method, action in WRITES.items()}


class OpenAPI:
    """Answer /openapi/v3."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def answer(self, request: Request) -> Answer:
        """Answer the index, or the document of one group and version."""
        wanted = request.path.strip("/").removeprefix("openapi/v3").strip("/")
        if not request.path.startswith("/openapi/v3"):
            raise no_such_resource()
        versions = {_path(group, version): (group, version) for group, version in self._catalogue.versions()}
        if not wanted:
            paths = {path: {"serverRelativeURL": f"/openapi/v3/{path}"} for path in versions}
            return Answer(200, encode({"paths": paths}))
        if wanted not in versions:
            raise no_such_resource()
        return Answer(200, encode(self._document(*versions[wanted])))

    def _document(self, group: str, version: str) -> Obj:
        kinds = [kind for kind in self._catalogue.kinds if (kind.group, kind.version) == (group, version)]
        paths, schemas = {}, {}
        for kind in kinds:
            space = "/namespaces/{namespace}" if kind.namespaced else ""
            paths[f"/{_path(group, version)}{space}/{kind.plural}/{{name}}"] = _operations(kind)
            identity = {"group": group, "version": version, "kind": kind.name}
            schemas[f"io.k8s.{group or 'core'}.{version}.{kind.name}"] = {
                "type": "object",
                "x-kubernetes-preserve-unknown-fields": True,
                "x-kubernetes-group-version-kind": [identity],
            }
        info = {"title": "Kubernetes (simulated)", "version": "v1.32.5"}
        return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}}
