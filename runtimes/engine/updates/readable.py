"""The settings of a container by name, in words: for a person who compares two of them, and to tell whether both are
the same. Pure.

What comes from the image is not among them, nor what only one container can have. Values of the environment are given
as they are: the layer above masks them.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from runtimes.engine.updates.own import own_config
from runtimes.engine.updates.raw import SHORT_ID_CHARS, Raw, is_empty, items, pairs, part
from runtimes.engine.updates.same import mounted
from runtimes.engine.updates.spec import endpoints_of, host_config, primary
from runtimes.planning import Difference
from runtimes.updates import VARIABLE

NANO = 1_000_000_000
TAKEN_AWAY = "(taken away from the image's)"
COMMANDS = {"Cmd": "command", "Entrypoint": "entrypoint"}
SIZES = {
    "Memory": "memory limit",
    "MemoryReservation": "memory reservation",
    "MemorySwap": "memory and swap",
    "ShmSize": "size of /dev/shm",
}
APART = ("RestartPolicy", "NanoCpus", "PortBindings", "NetworkMode", "Binds", "Mounts", *SIZES)
UNITS = ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"))


def settings_of(container: Raw, image: Raw) -> dict[str, str]:
    """Give the settings of a container that runs this image, by name and sorted."""
    found = {
        "image": str(part(container, "Config").get("Image") or ""),
        "image id": short_id(str(container.get("Image") or "")),
        **dict(_config(own_config(container, image))),
        **dict(_host(host_config(container))),
        **{f"mount {path}": _mount(*each) for path, each in mounted(container).items()},
        **{f"network {name}": _text(each) or "joined" for name, each in endpoints_of(container).items()},
        "network mode": primary(container) or str(part(container, "HostConfig").get("NetworkMode") or ""),
    }
    return {name: found[name] for name in sorted(found) if found[name]}


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Difference, ...]:
    """Give what differs between two such settings, by name."""
    return tuple(
        Difference(what=name, before=before.get(name, ""), after=after.get(name, ""))
        for name in sorted({*before, *after})
        if before.get(name, "") != after.get(name, "")
    )


def short_id(image: str) -> str:
    """Give the beginning of an image's id, as both engines' programs show it."""
    return image.removeprefix("sha256:")[:SHORT_ID_CHARS]


def size_text(size: int) -> str:
    """Write a size in the largest unit that it is whole in; -1 is without end."""
    if size < 0:
        return "without end"
    return next((f"{size // unit} {name}" for unit, name in UNITS if size >= unit and size % unit == 0), f"{size} B")


def policy_text(policy: Raw) -> str:
    """Write a restart policy as both engines' programs take it."""
    name, count = str(policy.get("Name") or "no"), int(policy.get("MaximumRetryCount") or 0)
    return f"{name}:{count}" if count else name


def _config(own: Raw) -> Iterator[tuple[str, str]]:
    for name, value in pairs(items(own, "Env")).items():
        yield f"{VARIABLE}{name}", TAKEN_AWAY if value is None else value or '""'
    for name, value in part(own, "Labels").items():
        yield f"label {name}", str(value) or '""'
    for key, word in COMMANDS.items():
        if key in own:
            yield word, shlex.join(map(str, items(own, key)))
    for key, value in part(own, "Healthcheck").items():
        yield f"health check {key}", _text(value)
    for key, value in own.items():
        if key not in ("Env", "Labels", "Healthcheck", *COMMANDS) and not is_empty(value):
            yield key, _text(value)


def _host(host: Raw) -> Iterator[tuple[str, str]]:
    yield "restart policy", policy_text(part(host, "RestartPolicy"))
    if nano := int(host.get("NanoCpus") or 0):
        yield "CPU limit", f"{nano / NANO:g} cores"
    for key, word in SIZES.items():
        if size := int(host.get(key) or 0):
            yield word, size_text(size)
    for port, binds in part(host, "PortBindings").items():
        yield f"port {port}", ", ".join(_binding(each or {}) for each in binds or ())
    for key, value in host.items():
        if key not in APART and not is_empty(value):
            yield key, _text(value)


def _binding(bind: Raw) -> str:
    return f"{bind.get('HostIp') or '*'}:{bind.get('HostPort') or 'any'}"


def _mount(there: tuple[Any, ...] | None, asked: tuple[Any, ...] | None) -> str:
    kind, source, writable, _ = there or ("tmpfs", "", True, None)
    words = [f"{kind} {source}".strip(), "" if writable else "read-only"]
    options = {name: value for name, value in asked or () if name not in ("Type", "Target", "ReadOnly")}
    return ", ".join([word for word in words if word] + [f"{name} {value}" for name, value in options.items()])


def _text(value: Any) -> str:
    if is_empty(value):
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
