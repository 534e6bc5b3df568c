"""Everything about one pod for its own page: facts, conditions, ports, mounts, environment. Pure.

A variable that comes from a Secret is named with its source and never resolved: nothing here reads a Secret.
"""

from __future__ import annotations

from collections.abc import Iterator

from runtimes.base import Event, Instance, InstanceDetail, Mount, Port, Variable
from runtimes.kubernetes.objects.pods import ContainerSpec, EnvFrom, EnvVar, Pod, Volume


def detail(pod: Pod, row: Instance, events: tuple[Event, ...]) -> InstanceDetail:
    """Give the page of a pod whose row is `row`."""
    specs = [*pod.spec.containers, *(pod.spec.init_containers or ()), *(pod.spec.ephemeral_containers or ())]
    volumes = {volume.name: volume for volume in pod.spec.volumes or ()}
    return InstanceDetail(
        instance=row,
        facts=tuple(_facts(pod)),
        labels=dict(pod.metadata.labels or {}),
        conditions=tuple((known.type, _condition(known.status, known.reason)) for known in pod.status.conditions or ()),
        ports=tuple(port for spec in pod.spec.containers for port in _ports(spec)),
        mounts=tuple(mount for spec in specs for mount in _mounts(spec, volumes)),
        environment=tuple(variable for spec in specs for variable in _environment(spec)),
        events=events,
    )


def _facts(pod: Pod) -> Iterator[tuple[str, str]]:
    owner, grace_s = pod.metadata.controller, pod.spec.termination_grace_period_seconds
    found = (
        ("Namespace", pod.metadata.namespace),
        ("Node", pod.spec.node_name),
        ("Phase", pod.status.phase),
        ("Pod address", pod.status.pod_ip),
        ("Node address", pod.status.host_ip),
        ("Controlled by", f"{owner.kind} {owner.name}" if owner else ""),
        ("QoS class", pod.status.qos_class),
        ("Restart policy", pod.spec.restart_policy),
        ("Service account", pod.spec.service_account_name),
        ("Priority class", pod.spec.priority_class_name),
        ("Grace period", f"{grace_s} s" if grace_s is not None else ""),
        ("Started", pod.status.start_time.isoformat() if pod.status.start_time else ""),
        ("Deleted", pod.metadata.deletion_timestamp.isoformat() if pod.metadata.deletion_timestamp else ""),
        ("Finalizers", ", ".join(pod.metadata.finalizers or ())),
        ("Message", pod.status.message),
    )
    yield from ((name, value) for name, value in found if value)


def _condition(status: str, reason: str) -> str:
    return f"{status} ({reason})" if reason else status


def _ports(spec: ContainerSpec) -> Iterator[Port]:
    for port in spec.ports or ():
        yield Port(
            container_port=port.container_port,
            protocol=port.protocol.lower(),
            published=f"node port {port.host_port}" if port.host_port else "",
            name=port.name,
        )


def _mounts(spec: ContainerSpec, volumes: dict[str, Volume]) -> Iterator[Mount]:
    for mount in spec.volume_mounts or ():
        kind, source, fixed = _volume(volumes.get(mount.name))
        shown = source or mount.name
        shown = f"{shown} ({mount.sub_path})" if mount.sub_path else shown
        yield Mount(kind=kind, source=shown, target=mount.mount_path, read_only=mount.read_only or fixed)


def _volume(volume: Volume | None) -> tuple[str, str, bool]:
    """Give (kind, source, whether it is read-only by its nature)."""
    if volume is None:
        return "volume", "", False
    kinds = (
        (volume.secret, "secret", volume.secret.secret_name if volume.secret else "", True),
        (volume.config_map, "configmap", volume.config_map.name if volume.config_map else "", True),
        (volume.persistent_volume_claim, "claim", _claim(volume), _claim_fixed(volume)),
        (volume.host_path, "bind", volume.host_path.path if volume.host_path else "", False),
        (volume.empty_dir, "tmpfs" if volume.empty_dir and volume.empty_dir.medium == "Memory" else "empty", "", False),
        (volume.projected, "projected", "", True),
    )
    return next(((kind, source, fixed) for there, kind, source, fixed in kinds if there is not None), _other(volume))


def _claim(volume: Volume) -> str:
    return volume.persistent_volume_claim.claim_name if volume.persistent_volume_claim else ""


def _claim_fixed(volume: Volume) -> bool:
    return volume.persistent_volume_claim is not None and volume.persistent_volume_claim.read_only


def _other(volume: Volume) -> tuple[str, str, bool]:
    return "volume", volume.name, False


def _environment(spec: ContainerSpec) -> Iterator[Variable]:
    for source in spec.env_from or ():
        yield Variable(container=spec.name, name=f"{source.prefix}*", value=None, source=_all_of(source))
    for variable in spec.env or ():
        known = _source(variable)
        yield Variable(container=spec.name, name=variable.name, value=None if known else variable.value, source=known)


def _all_of(source: EnvFrom) -> str:
    if source.secret_ref is not None:
        return f"secret {source.secret_ref.name}"
    return f"configmap {source.config_map_ref.name}" if source.config_map_ref is not None else ""


def _source(variable: EnvVar) -> str:
    origin = variable.value_from
    if origin is None:
        return ""
    if origin.secret_key_ref is not None:
        return f"secret {origin.secret_key_ref.name}/{origin.secret_key_ref.key}"
    if origin.config_map_key_ref is not None:
        return f"configmap {origin.config_map_key_ref.name}/{origin.config_map_key_ref.key}"
    if origin.field_ref is not None:
        return f"field {origin.field_ref.field_path}"
    return f"resource {origin.resource_field_ref.resource}" if origin.resource_field_ref is not None else "elsewhere"
