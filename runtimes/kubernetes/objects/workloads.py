"""The parts of workloads, of their revisions and of their runs that the Deployment tab needs, and nothing else.

Like `pods`: decoding skips what is not named here. Environments are left out on purpose: they may hold values that
are not meant to be kept. Source of the fields: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/
"""

from __future__ import annotations

from datetime import datetime

from runtimes.kubernetes.objects.common import Metadata
from runtimes.kubernetes.objects.held import Condition, HeldContainer, HeldSpec, Labels, Model
from runtimes.kubernetes.objects.neighbours import OnlyName
from runtimes.structs import make_ready

Count = int | str
"""A number or a percentage, "25%"."""


class HttpProbe(Model, frozen=True):
    path: str = ""
    port: int | str = ""
    scheme: str = "HTTP"
    host: str = ""


class TcpProbe(Model, frozen=True):
    port: int | str = ""
    host: str = ""


class GrpcProbe(Model, frozen=True):
    port: int = 0
    service: str | None = None


class ExecProbe(Model, frozen=True):
    command: list[str] | None = None


class Probe(Model, frozen=True):
    http_get: HttpProbe | None = None
    tcp_socket: TcpProbe | None = None
    grpc: GrpcProbe | None = None
    exec: ExecProbe | None = None
    initial_delay_seconds: int = 0
    period_seconds: int = 10
    timeout_seconds: int = 1
    success_threshold: int = 1
    failure_threshold: int = 3


class ProbedContainer(HeldContainer, frozen=True):
    startup_probe: Probe | None = None
    readiness_probe: Probe | None = None
    liveness_probe: Probe | None = None


class ProbedSpec(HeldSpec, frozen=True):
    containers: tuple[ProbedContainer, ...] = ()
    init_containers: tuple[ProbedContainer, ...] | None = None


class ProbedTemplate(Model, frozen=True):
    metadata: Metadata = Metadata()
    spec: ProbedSpec = ProbedSpec()


class Rolling(Model, frozen=True):
    max_surge: Count | None = None
    max_unavailable: Count | None = None
    partition: int | None = None


class Strategy(Model, frozen=True):
    type: str = ""
    rolling_update: Rolling | None = None


class JobBody(Model, frozen=True):
    """What a Job asks for, also as a CronJob's template says it."""

    template: ProbedTemplate = ProbedTemplate()
    completions: int | None = None
    parallelism: int | None = None
    backoff_limit: int | None = None
    active_deadline_seconds: int | None = None
    suspend: bool = False


class JobTemplate(Model, frozen=True):
    spec: JobBody = JobBody()


class DeployedSpec(JobBody, frozen=True):
    """The fields of all workload kinds together: each kind has its own part of them."""

    replicas: int | None = None
    paused: bool = False
    strategy: Strategy | None = None
    update_strategy: Strategy | None = None
    min_ready_seconds: int = 0
    progress_deadline_seconds: int | None = None
    revision_history_limit: int | None = None
    pod_management_policy: str = ""
    schedule: str = ""
    time_zone: str | None = None
    concurrency_policy: str = ""
    job_template: JobTemplate = JobTemplate()


class DeployedStatus(Model, frozen=True):
    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    current_revision: str = ""
    update_revision: str = ""
    number_ready: int = 0
    number_available: int = 0
    current_number_scheduled: int = 0
    updated_number_scheduled: int = 0
    desired_number_scheduled: int = 0
    succeeded: int = 0
    failed: int = 0
    active: int | list[OnlyName] | None = None
    """A number on a Job, a list of references on a CronJob."""
    start_time: datetime | None = None
    completion_time: datetime | None = None
    last_schedule_time: datetime | None = None
    last_successful_time: datetime | None = None
    conditions: tuple[Condition, ...] | None = None


class DeployedMetadata(Metadata, frozen=True):
    generation: int = 0


class DeployedObject(Model, frozen=True):
    """A workload of any kind, a ReplicaSet and a Job among them."""

    metadata: DeployedMetadata = DeployedMetadata()
    spec: DeployedSpec = DeployedSpec()
    status: DeployedStatus = DeployedStatus()


class RevisionSpec(Model, frozen=True):
    template: ProbedTemplate = ProbedTemplate()


class RevisionData(Model, frozen=True):
    spec: RevisionSpec = RevisionSpec()


class ControllerRevision(Model, frozen=True):
    """A state that a StatefulSet or a DaemonSet can be taken back to."""

    metadata: Metadata = Metadata()
    revision: int = 0
    data: RevisionData | None = None


def template_of(known: DeployedObject, kind: str) -> ProbedTemplate:
    """Give what a workload makes its pods of."""
    return known.spec.job_template.spec.template if kind == "CronJob" else known.spec.template


def template_labels(known: DeployedObject, kind: str) -> Labels:
    """Give the labels of the pods that a workload makes: those say whose it is."""
    return template_of(known, kind).metadata.labels or {}


make_ready(globals())
