"""A container seen from inside: the invented machine on which its scripts and `kubectl exec` commands run."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator

from opsmodal.demo.documents import Obj, dig, name_of, namespace_of, uid_of
from opsmodal.demo.kinds import Kind, stored
from opsmodal.demo.life.output import Outputs, nanoseconds
from opsmodal.demo.shell.machine import Machine, Process, usual_files
from opsmodal.demo.shell.runs import Runs
from opsmodal.demo.world import World

CONFIG_MAPS = stored("configmaps")
SECRETS = stored("secrets")
LOG_LINES = 100
FIELDS = {
    "metadata.name": ("metadata", "name"),
    "metadata.namespace": ("metadata", "namespace"),
    "metadata.uid": ("metadata", "uid"),
    "spec.nodeName": ("spec", "nodeName"),
    "spec.serviceAccountName": ("spec", "serviceAccountName"),
    "status.podIP": ("status", "podIP"),
    "status.hostIP": ("status", "hostIP"),
}


class Inside:
    """Give the machine of a container; its files stay as long as its pod."""

    def __init__(self, world: World, outputs: Outputs) -> None:
        self._world = world
        self._outputs = outputs
        self._lock = threading.Lock()
        self._files: dict[tuple[str, str], dict[str, bytes]] = {}
        self._runs: dict[tuple[str, str], Runs] = {}

    def machine(self, pod: Obj, container: Obj) -> Machine:
        """Make the machine that a command in `container` sees."""
        key = (uid_of(pod), str(container["name"]))
        with self._lock:
            if key not in self._files:
                address = dig(pod, "status", "podIP") or "127.0.0.1"
                self._files[key] = usual_files(name_of(pod), address, dict(self._mounted(pod, container)))
                self._runs[key] = Runs()
            files, runs = self._files[key], self._runs[key]
        command = [*(container.get("command") or ()), *(container.get("args") or ())]
        main = " ".join(command) or f"/usr/local/bin/{container['name']}"
        return Machine(
            hostname=dig(pod, "spec", "hostname") or name_of(pod),
            environment=self.environment(pod, container),
            now=self._world.clock.now,
            files=files,
            runs=runs,
            processes=[Process(1, "root", main)],
            folder=container.get("workingDir") or "/",
            folders=frozenset(mount["mountPath"].rstrip("/") for mount in container.get("volumeMounts") or ()),
            log=lambda: self._log(*key),
        )

    def forget(self, uid: str) -> None:
        """Forget the files of a pod."""
        with self._lock:
            for key in [key for key in self._files if key[0] == uid]:
                del self._files[key]
                self._runs.pop(key).kill(lambda _: True)

    def _log(self, uid: str, container: str) -> bytes:
        journal = self._outputs.of(uid, container)
        if journal is None:
            return b""
        lines = journal.tail(LOG_LINES, nanoseconds(self._world.clock.now()))
        return b"".join(line.text + b"\n" for line in lines)

    def _data(self, kind: Kind, namespace: str, name: str) -> dict[str, bytes]:
        record = self._world.storage.get(kind, namespace, name)
        data: dict[str, str] = dig(record.document, "data") or {} if record else {}
        if kind is SECRETS:
            return {key: base64.b64decode(value) for key, value in data.items()}
        return {key: value.encode() for key, value in data.items()}

    def environment(self, pod: Obj, container: Obj) -> dict[str, str]:
        """Give the variables of a container, references resolved."""
        found = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/home/app"}
        found |= {"HOSTNAME": name_of(pod), "KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}
        namespace = namespace_of(pod)
        for source in container.get("envFrom") or ():
            for field, kind in (("configMapRef", CONFIG_MAPS), ("secretRef", SECRETS)):
                if field in source:
                    data = self._data(kind, namespace, source[field]["name"])
                    prefix = source.get("prefix", "")
                    found |= {prefix + key: value.decode(errors="replace") for key, value in data.items()}
        for variable in container.get("env") or ():
            found[variable["name"]] = self._value(pod, variable)
        return found

    def _value(self, pod: Obj, variable: Obj) -> str:
        source = variable.get("valueFrom") or {}
        for field, kind in (("configMapKeyRef", CONFIG_MAPS), ("secretKeyRef", SECRETS)):
            if field in source:
                data = self._data(kind, namespace_of(pod), source[field]["name"])
                return data.get(source[field]["key"], b"").decode(errors="replace")
        if path := dig(source, "fieldRef", "fieldPath"):
            return str(dig(pod, *FIELDS.get(path, ("",))) or "")
        return str(variable.get("value") or "")

    def _mounted(self, pod: Obj, container: Obj) -> Iterator[tuple[str, bytes]]:
        volumes = {volume["name"]: volume for volume in dig(pod, "spec", "volumes") or ()}
        for mount in container.get("volumeMounts") or ():
            volume, path = volumes.get(mount["name"], {}), mount["mountPath"].rstrip("/")
            for field, name_field, kind in (("configMap", "name", CONFIG_MAPS), ("secret", "secretName", SECRETS)):
                if field in volume:
                    for key, value in self._data(kind, namespace_of(pod), volume[field][name_field]).items():
                        yield f"{path}/{key}", value
            for source in dig(volume, "projected", "sources") or ():
                yield from ((f"{path}/{name}", value) for name, value in self._projected(pod, source))

    def _projected(self, pod: Obj, source: Obj) -> Iterator[tuple[str, bytes]]:
        """Give the files of one source of a projected volume. The token is one that no server knows."""
        if token := source.get("serviceAccountToken"):
            yield token["path"], f"simulated.{uid_of(pod)}.token".encode()
        for field, kind in (("configMap", CONFIG_MAPS), ("secret", SECRETS)):
            if part := source.get(field):
                data = self._data(kind, namespace_of(pod), part["name"])
                items = part.get("items") or [{"key": key, "path": key} for key in data]
                yield from ((item["path"], data[item["key"]]) for item in items if item["key"] in data)
        for item in dig(source, "downwardAPI", "items") or ():
            if path := dig(item, "fieldRef", "fieldPath"):
                yield item["path"], str(dig(pod, *FIELDS.get(path, ("",))) or "").encode()
