"""Who uses a ConfigMap or Secret, key by key: workloads, bare pods, ingresses and service accounts of its namespace.

A value in an environment is read once, when a container starts; one in a volume follows within about a minute, unless
the volume is mounted by subPath. Source: https://kubernetes.io/docs/concepts/configuration/configmap/ and …/secret/.
What may not be listed is told of in a note: "nobody uses it" is said only by who could look everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runtimes.base import EVERY
from runtimes.config import Holder, Use
from runtimes.errors import Denied, Missing
from runtimes.kubernetes import paths
from runtimes.kubernetes.client import Client
from runtimes.kubernetes.held import HeldMetadata, Model
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


def uses(users: Users, holder: Holder, name: str) -> tuple[Use, ...]:
    """List who uses one of them, by workload and key."""
    found = [use for workload, spec in users.specs for use in _of_spec(workload, spec, holder, name)]
    if holder == "secrets":
        found += [use for ingress in users.ingresses for use in _of_ingress(ingress, name)]
        found += [
            Use(workload=f"serviceaccount.{each.metadata.name}", key=EVERY, how="pulls the images of its pods")
            for each in users.accounts
            if any(ref.name == name for ref in each.image_pull_secrets or ())
        ]
    return tuple(sorted(set(found), key=lambda use: (use.workload, use.key, use.how)))


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


def _of_spec(workload: str, spec: Spec, holder: Holder, name: str) -> Iterator[Use]:
    containers = [*(spec.init_containers or ()), *(spec.containers or ())]
    for container in containers:
        yield from _of_environment(workload, container, holder, name)
    for volume in spec.volumes or ():
        for keys in _keys_in(volume, holder, name):
            yield from _of_volume(workload, volume.name, keys, containers)
    if holder == "secrets" and any(ref.name == name for ref in spec.image_pull_secrets or ()):
        yield Use(workload=workload, key=EVERY, how="pulls its images")


def _of_environment(workload: str, container: Container, holder: Holder, name: str) -> Iterator[Use]:
    for variable in container.env or ():
        source = variable.value_from or ValueFrom()
        ref = source.secret_key_ref if holder == "secrets" else source.config_map_key_ref
        if ref is not None and ref.name == name:
            yield Use(workload=workload, key=ref.key, how=f"env {variable.name} of {container.name}")
    for every in container.env_from or ():
        ref = every.secret_ref if holder == "secrets" else every.config_map_ref
        if ref is not None and ref.name == name:
            prefix = f" with the prefix {every.prefix}" if every.prefix else ""
            yield Use(workload=workload, key=EVERY, how=f"environment of {container.name}{prefix}")


def _keys_in(volume: Volume, holder: Holder, name: str) -> Iterator[tuple[str, ...]]:
    """Give the keys that a volume takes of it, once for each place where it does."""
    projections = [Projection(config_map=volume.config_map, secret=volume.secret)]
    projections += (volume.projected.sources or []) if volume.projected else []
    for each in projections:
        source = each.secret if holder == "secrets" else each.config_map
        if source is not None and name in (source.name, source.secret_name):
            yield tuple(item.key for item in source.items) if source.items else (EVERY,)


def _of_volume(workload: str, volume: str, keys: Sequence[str], containers: Sequence[Container]) -> Iterator[Use]:
    mounts = [(each.name, mount) for each in containers for mount in each.volume_mounts or () if mount.name == volume]
    for key in keys:
        if not mounts:
            yield Use(workload=workload, key=key, how=f"volume {volume}, mounted nowhere", live=True)
        for container, mount in mounts:
            part = mount.sub_path or mount.sub_path_expr
            how = f"file at {mount.mount_path} of {container}{' by subPath' if part else ''}"
            yield Use(workload=workload, key=key, how=how, live=not part)


def _of_ingress(ingress: Ingress, name: str) -> Iterator[Use]:
    for tls in ingress.spec.tls or ():
        if tls.secret_name == name:
            hosts = ", ".join((tls.hosts or ())[:5]) or "every host"
            for key in ("tls.crt", "tls.key"):
                yield Use(workload=f"ingress.{ingress.metadata.name}", key=key, how=f"TLS of {hosts}", live=True)


make_ready(globals())
