"""Holds a container that was made against the one it is to replace: says which settings it does not have. Pure.

It is asked before anything is stopped. An engine of another version, or one that takes over less than it shows, so
costs an update and never a setting.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from runtimes.engine.problems import Kind
from runtimes.engine.updates.own import IMAGE_ONLY, full_config, own_config, own_hostname
from runtimes.engine.updates.raw import Raw, is_empty, items, part
from runtimes.engine.updates.spec import endpoints_of, host_config, primary

BY_MOUNTS = ("Binds", "Mounts", "VolumesFrom", "Links")
"""Written in other words for the second container: what they lead to is compared."""
SAYING = ("Init", "MemorySwappiness", "OomKillDisable", "PidsLimit")
"""Settings whose false and 0 say something else than null."""
ATTACHING = ("AttachStdin", "AttachStdout", "AttachStderr")
"""How somebody's terminal hung on the first container: podman sets them as it likes."""


def lost(old: Raw, old_image: Raw, new: Raw, new_image: Raw, *, really: Kind = "docker") -> tuple[str, ...]:
    """Name the settings of the old container that the new one has not, as the engine calls them; sorted.

    What podman shows as exposed goes by its networks, and means nothing there.
    """
    own = own_config(old, old_image)
    found = [
        *_config(full_config(own, new_image), full_config(part(new, "Config"), {}), own, part(new, "Config")),
        *_host(host_config(old), host_config(new)),
        *_mounts(old, new, new_image),
        *_networks(old, new),
    ]
    if own_hostname(old) != own_hostname(new):
        found.append("Hostname")
    exposed = {*part(full_config(own, new_image), "ExposedPorts")}
    if really == "docker" and exposed != {*part(new, "Config", "ExposedPorts")}:
        found.append("ExposedPorts")
    return tuple(sorted(set(found)))


def _config(wanted: Raw, has: Raw, own: Raw, shown: Raw) -> Iterator[str]:
    for key in ("Env", "Labels", "Cmd", "Entrypoint", "Healthcheck", "User", "WorkingDir", "Shell"):
        if _plain(wanted.get(key)) != _plain(has.get(key)):
            yield key
    if (wanted.get("StopSignal") or "") != (shown.get("StopSignal") or ""):
        yield "StopSignal"
    for key, value in own.items():
        if key not in (*IMAGE_ONLY, *ATTACHING) and _plain(value) != _plain(shown.get(key)):
            yield key


def _host(wanted: Raw, has: Raw) -> Iterator[str]:
    for key in sorted({*wanted, *has} - set(BY_MOUNTS)):
        if not _alike(key, wanted.get(key), has.get(key)):
            yield key
    if sorted(items(wanted, "Links")) != sorted(items(has, "Links")):
        yield "Links"


def _alike(key: str, wanted: Any, has: Any) -> bool:
    return bool(wanted == has if key in SAYING else _plain(wanted) == _plain(has))


def _mounts(old: Raw, new: Raw, new_image: Raw) -> Iterator[str]:
    wanted, has = mounted(old), mounted(new)
    for path in sorted({*wanted, *has}):
        if path not in wanted and path in part(new_image, "Config", "Volumes"):
            continue  # the new image asks for a volume of its own
        if wanted.get(path) != has.get(path):
            yield f"mount {path}"


def mounted(container: Raw) -> dict[str, tuple[Any, ...]]:
    """Give what is mounted where, and how it was asked for. A tmpfs stands in HostConfig already."""
    asked = {str(each.get("Target")): _options(each) for each in items(part(container, "HostConfig"), "Mounts")}
    there = {
        str(each.get("Destination")): (
            each.get("Type"),
            each.get("Name") or each.get("Source"),
            each.get("RW", True),
            each.get("Propagation"),
        )
        for each in items(container, "Mounts")
        if each.get("Type") != "tmpfs"
    }
    return {path: (there.get(path), asked.get(path)) for path in {*asked, *there}}


def _options(mount: Raw) -> tuple[Any, ...]:
    kept = sorted((key, repr(value)) for key, value in mount.items() if key != "Source" and not is_empty(value))
    return tuple(kept)


def _networks(old: Raw, new: Raw) -> Iterator[str]:
    wanted, has = endpoints_of(old), endpoints_of(new)
    for name in sorted({*wanted, *has}):
        if _plain(wanted.get(name)) != _plain(has.get(name)):
            yield f"network {name}"
    if primary(old) != primary(new):
        yield "NetworkMode"


def _plain(value: Any) -> Any:
    """Give a value in which "not set" is written in one way, and the order of an environment means nothing."""
    if is_empty(value):
        return None
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if not is_empty(each)} or None
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
