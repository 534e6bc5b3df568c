"""Finds the one workload of a service that is to be changed, and says what of it somebody has looked at.

Another service's workload is Missing, in the same words as one that is not there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from runtimes.base import Scope
from runtimes.errors import Denied, Invalid, Missing
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.api.spoiled import known_as
from runtimes.kubernetes.objects.held import Labels, Model
from runtimes.kubernetes.objects.workloads import DeployedObject, DeployedSpec
from runtimes.kubernetes.scoped import checked
from runtimes.kubernetes.selectors import matcher
from runtimes.kubernetes.workloads.summary import KINDS
from runtimes.structs import make_ready

Obj = dict[str, Any]
RESOURCES: Mapping[str, str] = {kind.lower(): resource for resource, kind in KINDS.items()}
OWN = frozenset({"managedFields", "resourceVersion", "generation", "selfLink"})
"""What the server keeps in the metadata of an object; it moves without anybody's doing."""
KEPT = frozenset({"deployment.kubernetes.io/revision"})
"""Annotations that a controller writes on a workload itself."""


class _Expression(Model, frozen=True):
    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: list[str] | None = None


class _Selector(Model, frozen=True):
    match_labels: Labels | None = None
    match_expressions: list[_Expression] | None = None


class _ShapeSpec(DeployedSpec, frozen=True):
    selector: _Selector | None = None


class Shape(DeployedObject, frozen=True):
    """What is demanded of the document of a workload before anything is made of it."""

    spec: _ShapeSpec = _ShapeSpec()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One workload as it is now: `kind` is "Deployment", `resource` "deployments", `document` all of it."""

    kind: str
    resource: str
    namespace: str
    name: str
    document: Obj

    @property
    def target(self) -> str:
        return f"{self.kind.lower()}/{self.name}"

    @property
    def words(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def path(self) -> str:
        return paths.single(self.namespace, self.resource, self.name)

    @property
    def metadata(self) -> Obj:
        return part(self.document, "metadata")

    @property
    def spec(self) -> Obj:
        return part(self.document, "spec")

    @property
    def annotations(self) -> Obj:
        return part(self.document, "metadata", "annotations")

    @property
    def template(self) -> Obj:
        """Give the template of its pods."""
        return part(self.document, *template_of(self.kind))

    @property
    def owner(self) -> Obj | None:
        """Give the reference to what made it and would put back what is changed here."""
        owners = self.metadata.get("ownerReferences") or ()
        return next((each for each in owners if each.get("controller")), None)


def template_of(kind: str) -> tuple[str, ...]:
    """Say where a kind keeps the template of its pods."""
    return ("spec", "jobTemplate", "spec", "template") if kind == "CronJob" else ("spec", "template")


def part(document: Obj, *steps: str) -> Obj:
    """Give a mapping deep inside a document, an empty one where there is none."""
    here: Any = document
    for step in steps:
        here = here.get(step) if isinstance(here, dict) else None
    return here if isinstance(here, dict) else {}


def find(client: Client, scope: Scope, workload: str) -> Found:
    """Read the workload with this id (`deployment.web`), or with this bare name where it is unique.

    Raise Missing when the service has none, Invalid when it has several of that name, and any other RuntimeProblem.
    """
    accepts = matcher(checked(scope).selector)
    kind, _, name = workload.replace("/", ".", 1).partition(".")
    known = [*_read(client, scope, {kind: RESOURCES[kind]}, name)] if kind in RESOURCES else []
    own = [each for each in known if accepts(_labels(each))]
    if not own and kind in RESOURCES and "/" in workload:
        raise _missing(scope, workload)
    own = own or [each for each in _read(client, scope, RESOURCES, workload) if accepts(_labels(each))]
    if not own:
        raise _missing(scope, workload)
    if len(own) > 1:
        ids = ", ".join(f"{each.kind.lower()}.{each.name}" for each in own)
        raise Invalid(f'{len(own)} workloads are called "{workload[:100]}".', hint=f"They are: {ids}.")
    return own[0]


def revision_of(document: Obj) -> str:
    """Say what of an object was looked at: it stays the same until somebody changes something.

    It is no resourceVersion, since that moves with every report on the state: while a rollout goes on, nobody could
    confirm anything before it has moved.
    """
    metadata = {key: value for key, value in part(document, "metadata").items() if key not in OWN}
    marks = {key: value for key, value in (metadata.get("annotations") or {}).items() if key not in KEPT}
    looked = {key: value for key, value in document.items() if key != "status"}
    looked["metadata"] = metadata | {"annotations": marks}
    data = msgspec.json.encode(looked, order="deterministic")
    return hashlib.blake2b(data, digest_size=12).hexdigest()


def _read(client: Client, scope: Scope, resources: Mapping[str, str], name: str) -> Iterator[Found]:
    """Read what there is of this name; a kind that may not be read is only told of where nothing else is found."""
    refused: Denied | None = None
    found = False
    for resource in resources.values():
        kind = KINDS[resource]
        try:
            path = paths.single(scope.namespace, resource, name)
            document: Obj = client.get(path, dict, what=f"{kind} {name}")
        except Missing:
            continue
        except Denied as denied:
            refused = refused or denied
            continue
        found = True
        known_as(document, Shape, what=f"{kind} {name[:100]}")
        yield Found(kind=kind, resource=resource, namespace=scope.namespace, name=name, document=document)
    if refused is not None and not found:
        raise refused


def _labels(found: Found) -> Mapping[str, str]:
    return part(found.template, "metadata", "labels")


def _missing(scope: Scope, workload: str) -> Missing:
    hint = "It may have been deleted since; go back to the list."
    return Missing(f'There is no workload "{workload[:100]}" in service {scope.service}.', hint=hint)


make_ready(globals())
