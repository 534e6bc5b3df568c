"""Reads who serves the Metrics API: what it is registered for, and the pods and the Deployment behind that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from runtimes.errors import Missing
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.objects.common import Metadata
from runtimes.kubernetes.objects.held import Labels, Model
from runtimes.kubernetes.objects.neighbours import WorkloadObject
from runtimes.kubernetes.objects.pods import Pod
from runtimes.kubernetes.upkeep.manifest import MANAGED_BY, NAME, NAMESPACE, OURS, REGISTRATION
from runtimes.structs import make_ready

REGISTRATION_PATH = f"/apis/apiregistration.k8s.io/v1/apiservices/{REGISTRATION}"


class ServiceReference(Model, frozen=True):
    name: str = ""
    namespace: str = ""


class RegistrationSpec(Model, frozen=True):
    service: ServiceReference | None = None


class Available(Model, frozen=True):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""


class RegistrationStatus(Model, frozen=True):
    conditions: tuple[Available, ...] | None = None


class Registration(Model, frozen=True):
    """The APIService of the Metrics API."""

    metadata: Metadata = Metadata()
    spec: RegistrationSpec = RegistrationSpec()
    status: RegistrationStatus = RegistrationStatus()


class ServiceSpec(Model, frozen=True):
    selector: Labels | None = None


class Service(Model, frozen=True):
    metadata: Metadata = Metadata()
    spec: ServiceSpec = ServiceSpec()


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Who serves the Metrics API: `namespace` and `name` of the Service; both "" for the API server itself."""

    namespace: str = ""
    name: str = ""
    message: str = ""
    """Why it does not answer, in the API server's words."""
    made_at: datetime | None = None
    pods: tuple[Pod, ...] = ()
    deployment: WorkloadObject | None = None

    @property
    def is_usual(self) -> bool:
        """Whether it has the name and the place of metrics-server, whoever installed it."""
        return (self.namespace, self.name) == (NAMESPACE, NAME)

    @property
    def ours(self) -> bool:
        """Whether it was installed by our manifest."""
        labels = (self.deployment.metadata.labels if self.deployment else None) or {}
        return self.is_usual and labels.get(MANAGED_BY) == OURS

    @property
    def image(self) -> str:
        """Which image its Deployment runs; "" where none is known."""
        containers = self.deployment.spec.template.spec.containers if self.deployment else ()
        return next((each.image for each in containers), "")


def serving(client: Client) -> Serving | None:
    """Read who serves the Metrics API; None where it is not registered. Raise RuntimeProblem, Denied above all."""
    try:
        known = client.get(REGISTRATION_PATH, Registration, what="the registration of the Metrics API")
    except Missing:
        return None
    reference = known.spec.service
    messages = (each.message for each in known.status.conditions or () if each.status == "False")
    found = Serving(message=next(messages, ""), made_at=known.metadata.creation_timestamp)
    if reference is None:
        return found
    return _looked_into(client, replace(found, namespace=reference.namespace, name=reference.name))


def _looked_into(client: Client, found: Serving) -> Serving:
    try:
        service = client.get(
            paths.single(found.namespace, "services", found.name), Service, what=f"service {found.name}"
        )
    except Missing:
        return found
    selector = ",".join(f"{key}={value}" for key, value in (service.spec.selector or {}).items())
    path = paths.collection(found.namespace, "pods")
    pods = client.listed(path, Pod, what="pods", query={"labelSelector": selector}) if selector else []
    return replace(found, pods=tuple(pods), deployment=_deployment(client, found))


def _deployment(client: Client, found: Serving) -> WorkloadObject | None:
    path = paths.single(found.namespace, "deployments", found.name)
    try:
        return client.get(path, WorkloadObject, what=f"deployment {found.name}")
    except Missing:
        return None


make_ready(globals())
