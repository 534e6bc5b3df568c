"""Who uses a ConfigMap or Secret, key by key, and whether a change is followed while it runs. Pure.

A value in an environment is read once, when a container starts; one in a volume follows within about a minute, unless
the volume is mounted by subPath. Source: https://kubernetes.io/docs/concepts/configuration/configmap/ and …/secret/.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runtimes.base import EVERY
from runtimes.config import Holder, Use
from runtimes.kubernetes.config.using import (
    Container,
    Ingress,
    Projection,
    Spec,
    Users,
    ValueFrom,
    Volume,
)


def uses_of(users: Users, holder: Holder, name: str) -> tuple[Use, ...]:
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
