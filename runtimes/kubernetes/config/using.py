"""Reads what can use a ConfigMap or Secret: workloads, bare pods, ingresses and service accounts of its namespace.

What may not be listed is told of in a note: "nobody uses it" is said only by who could look everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runtimes.errors import Denied, Missing
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.objects.held import HeldMetadata, Model
from runtimes.structs import make_ready

PODS_MAX = 500
"""Looked at for bare ones and those of kinds that are not known here: one page of a list."""
MAKERS = ("deployments", "statefulsets", "daemonsets", "replicasets", "cronjobs", "jobs")
MADE = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "CronJob", "Job"})


class Ref(Model, frozen=True):
    name: str = ""
    key: str = ""


class Item(Model, frozen=True):
    key: str = ""


class ValueFrom(Model, frozen=True):
    secret_key_ref: Ref | None = None
    config_map_key_ref: Ref | None = None


class EnvVar(Model, frozen=True):
    name: str = ""
    value_from: ValueFrom | None = None


class EnvFrom(Model, frozen=True):
    prefix: str = ""
    secret_ref: Ref | None = None
    config_map_ref: Ref | None = None


class Mounted(Model, frozen=True):
    name: str = ""
    mount_path: str = ""
    sub_path: str = ""
    sub_path_expr: str = ""


class Container(Model, frozen=True):
    name: str = ""
    env: list[EnvVar] | None = None
    env_from: list[EnvFrom] | None = None
    volume_mounts: list[Mounted] | None = None


class Source(Model, frozen=True):
    """A ConfigMap or Secret in a volume: the one is called by `name`, the other by `secretName` unless projected."""

    name: str = ""
    secret_name: str = ""
    items: list[Item] | None = None


class Projection(Model, frozen=True):
    config_map: Source | None = None
    secret: Source | None = None


class Projected(Model, frozen=True):
    sources: list[Projection] | None = None


class Volume(Model, frozen=True):
    name: str = ""
    config_map: Source | None = None
    secret: Source | None = None
    projected: Projected | None = None


class Spec(Model, frozen=True):
    containers: list[Container] | None = None
    init_containers: list[Container] | None = None
    volumes: list[Volume] | None = None
    image_pull_secrets: list[Ref] | None = None


class Template(Model, frozen=True):
    spec: Spec = Spec()


class JobSpec(Model, frozen=True):
    template: Template = Template()


class JobTemplate(Model, frozen=True):
    spec: JobSpec = JobSpec()


class WorkloadSpec(Spec, frozen=True):
    """Of a pod, or of what makes pods."""

    template: Template = Template()
    job_template: JobTemplate = JobTemplate()


class Workload(Model, frozen=True):
    metadata: HeldMetadata = HeldMetadata()
    spec: WorkloadSpec = WorkloadSpec()


class Tls(Model, frozen=True):
    secret_name: str = ""
    hosts: list[str] | None = None


class IngressSpec(Model, frozen=True):
    tls: list[Tls] | None = None


class Ingress(Model, frozen=True):
    metadata: HeldMetadata = HeldMetadata()
    spec: IngressSpec = IngressSpec()


class Account(Model, frozen=True):
    metadata: HeldMetadata = HeldMetadata()
    image_pull_secrets: list[Ref] | None = None


@dataclass(frozen=True, slots=True)
class Users:
    """Everything of a namespace that can use a ConfigMap or Secret, and in `notes` what could not be listed."""

    specs: Sequence[tuple[str, Spec]] = ()
    ingresses: Sequence[Ingress] = ()
    accounts: Sequence[Account] = ()
    notes: Sequence[str] = ()


def read(client: Client, namespace: str) -> Users:
    """Read what uses ConfigMaps and Secrets in a namespace. Raise RuntimeProblem, but for what is denied."""
    notes: list[str] = []
    specs = [
        (f"{resource.removesuffix('s')}.{each.metadata.name}", _template(resource, each))
        for resource in MAKERS
        for each in _listed(client, namespace, resource, Workload, notes)
        if not _is_made(each)
    ]
    pods = _pods(client, namespace, notes)
    specs += [(f"pod.{each.metadata.name}", each.spec) for each in pods if not _is_made(each)]
    ingresses = _listed(client, namespace, "ingresses", Ingress, notes)
    accounts = _listed(client, namespace, "serviceaccounts", Account, notes)
    return Users(specs, ingresses, accounts, notes)


def _listed(client: Client, namespace: str, resource: str, kind: type, notes: list[str]) -> list:  # type: ignore[type-arg]  # of what `kind` is
    try:
        return client.listed(paths.collection(namespace, resource), kind, what=resource)
    except (Denied, Missing) as problem:
        notes.append(f"Whether {resource} use it is not known: {problem.sentence}")
        return []


def _pods(client: Client, namespace: str, notes: list[str]) -> list[Workload]:
    try:
        page = client.page(paths.collection(namespace, "pods"), Workload, what="pods", limit=PODS_MAX)
    except (Denied, Missing) as problem:
        notes.append(f"Whether bare pods use it is not known: {problem.sentence}")
        return []
    if page.metadata.continue_:
        notes.append(f"Of the pods without a workload only those among the first {PODS_MAX} are named.")
    return page.items or []


def _is_made(each: Workload) -> bool:
    """Tell whether another one made it that is listed itself."""
    owner = each.metadata.controller
    return owner is not None and owner.kind in MADE


def _template(resource: str, each: Workload) -> Spec:
    return each.spec.job_template.spec.template.spec if resource == "cronjobs" else each.spec.template.spec


make_ready(globals())
