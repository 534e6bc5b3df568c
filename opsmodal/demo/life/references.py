"""ConfigMaps, Secrets and keys that a pod refers to and that are not there, in the kubelet's words."""

from __future__ import annotations

from opsmodal.demo.documents import Obj, dig, namespace_of
from opsmodal.demo.kinds import Kind, stored
from opsmodal.demo.storage import Storage

CONFIG_MAPS = stored("configmaps")
SECRETS = stored("secrets")
CLAIMS = stored("persistentvolumeclaims")
ENV_SOURCES: tuple[tuple[str, str, Kind], ...] = (
    ("configMapKeyRef", "configMapRef", CONFIG_MAPS),
    ("secretKeyRef", "secretRef", SECRETS),
)


def missing_in_environment(storage: Storage, pod: Obj, container: Obj) -> str:
    """Say which reference of a container's environment leads nowhere, "" when all are there."""
    namespace = namespace_of(pod)
    for source in container.get("envFrom") or ():
        for _, whole, kind in ENV_SOURCES:
            reference = source.get(whole)
            if reference and not reference.get("optional") and not storage.get(kind, namespace, reference["name"]):
                return f'{kind.singular} "{reference["name"]}" not found'
    for variable in container.get("env") or ():
        for one, _, kind in ENV_SOURCES:
            reference = dig(variable, "valueFrom", one)
            if not reference or reference.get("optional"):
                continue
            found = storage.get(kind, namespace, reference["name"])
            if found is None:
                return f'{kind.singular} "{reference["name"]}" not found'
            if reference["key"] not in (found.document.get("data") or {}):
                return f"couldn't find key {reference['key']} in {kind.name} {namespace}/{reference['name']}"
    return ""


def missing_volume(storage: Storage, pod: Obj) -> str:
    """Say which volume cannot be mounted, "" when all can."""
    namespace = namespace_of(pod)
    for volume in dig(pod, "spec", "volumes") or ():
        for field, name_field, kind in (("configMap", "name", CONFIG_MAPS), ("secret", "secretName", SECRETS)):
            source = volume.get(field)
            if not source or source.get("optional"):
                continue
            found = storage.get(kind, namespace, source[name_field])
            head = f'MountVolume.SetUp failed for volume "{volume["name"]}" : '
            if found is None:
                return f'{head}{kind.singular} "{source[name_field]}" not found'
            for item in source.get("items") or ():
                if item["key"] not in (found.document.get("data") or {}):
                    what = "config" if field == "configMap" else "secret"
                    return f"{head}references non-existent {what} key: {item['key']}"
    return ""
