"""The parts of what stands around a pod that the pages need: workloads, events, claims, ingresses, metrics.

Like `pods`: decoding skips what is not named here. Source of the fields:
https://kubernetes.io/docs/reference/kubernetes-api/
"""

from __future__ import annotations

from datetime import datetime

from runtimes.kubernetes.objects.common import Metadata
from runtimes.kubernetes.objects.held import Labels, Model, Quantities
from runtimes.kubernetes.objects.pods import PodSpec


class Template(Model, frozen=True):
    metadata: Metadata = Metadata()
    spec: PodSpec = PodSpec()


class JobTemplateSpec(Model, frozen=True):
    template: Template = Template()


class JobTemplate(Model, frozen=True):
    spec: JobTemplateSpec = JobTemplateSpec()


class WorkloadSpec(Model, frozen=True):
    """The fields of all workload kinds together: each kind has its own part of them."""

    replicas: int | None = None
    template: Template = Template()
    completions: int | None = None
    suspend: bool = False
    schedule: str = ""
    job_template: JobTemplate = JobTemplate()


class OnlyName(Model, frozen=True):
    name: str = ""


class WorkloadStatus(Model, frozen=True):
    replicas: int = 0
    ready_replicas: int = 0
    number_ready: int = 0
    current_number_scheduled: int = 0
    desired_number_scheduled: int = 0
    succeeded: int = 0
    active: int | list[OnlyName] | None = None
    """A number on a Job, a list of references on a CronJob."""


class WorkloadObject(Model, frozen=True):
    metadata: Metadata = Metadata()
    spec: WorkloadSpec = WorkloadSpec()
    status: WorkloadStatus = WorkloadStatus()


class ObjectReference(Model, frozen=True):
    kind: str = ""
    name: str = ""
    namespace: str = ""
    uid: str = ""
    field_path: str = ""


class EventSeries(Model, frozen=True):
    count: int = 0
    last_observed_time: datetime | None = None


class EventObject(Model, frozen=True):
    metadata: Metadata = Metadata()
    involved_object: ObjectReference = ObjectReference()
    type: str = "Normal"
    reason: str = ""
    message: str = ""
    count: int | None = None
    last_timestamp: datetime | None = None
    event_time: datetime | None = None
    series: EventSeries | None = None


class ClaimSpec(Model, frozen=True):
    storage_class_name: str | None = None


class ClaimStatus(Model, frozen=True):
    phase: str = ""


class Claim(Model, frozen=True):
    metadata: Metadata = Metadata()
    spec: ClaimSpec = ClaimSpec()
    status: ClaimStatus = ClaimStatus()


class Taint(Model, frozen=True):
    key: str = ""
    value: str = ""
    effect: str = ""


class NodeSpec(Model, frozen=True):
    taints: list[Taint] | None = None


class NodeStatus(Model, frozen=True):
    allocatable: Quantities | None = None


class Node(Model, frozen=True):
    metadata: Metadata = Metadata()
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class ServicePort(Model, frozen=True):
    number: int | None = None
    name: str = ""


class ServiceBackend(Model, frozen=True):
    name: str = ""
    port: ServicePort = ServicePort()


class Backend(Model, frozen=True):
    service: ServiceBackend | None = None


class HttpPath(Model, frozen=True):
    path: str = ""
    backend: Backend = Backend()


class HttpPaths(Model, frozen=True):
    paths: list[HttpPath] | None = None


class IngressRule(Model, frozen=True):
    host: str = ""
    http: HttpPaths | None = None


class IngressTls(Model, frozen=True):
    hosts: list[str] | None = None


class IngressSpec(Model, frozen=True):
    rules: list[IngressRule] | None = None
    tls: list[IngressTls] | None = None
    default_backend: Backend | None = None


class Ingress(Model, frozen=True):
    metadata: Metadata = Metadata()
    spec: IngressSpec = IngressSpec()


class BackendReference(Model, frozen=True):
    name: str = ""
    kind: str = "Service"
    namespace: str = ""


class RouteRule(Model, frozen=True):
    backend_refs: list[BackendReference] | None = None


class RouteSpec(Model, frozen=True):
    hostnames: list[str] | None = None
    rules: list[RouteRule] | None = None


class HttpRoute(Model, frozen=True):
    """Of the Gateway API: https://gateway-api.sigs.k8s.io/reference/spec/#httproute"""

    metadata: Metadata = Metadata()
    spec: RouteSpec = RouteSpec()


class ServiceSpec(Model, frozen=True):
    selector: Labels | None = None


class ServiceObject(Model, frozen=True):
    metadata: Metadata = Metadata()
    spec: ServiceSpec = ServiceSpec()


class ContainerMetrics(Model, frozen=True):
    name: str
    usage: Quantities | None = None


class PodMetrics(Model, frozen=True):
    metadata: Metadata = Metadata()
    timestamp: datetime | None = None
    containers: list[ContainerMetrics] | None = None
