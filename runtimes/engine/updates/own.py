"""What of a container's Config somebody set, and what it has from its image. Pure.

An engine shows both in one: what is as in the old image is taken to come from it, and so follows the new image. That
somebody set the very value that the image has cannot be seen, and makes no difference until the image changes.

Source: Docker Engine API 1.41, "Create a container"; what an image gives is merged in daemon/commit.go of moby.
"""

from __future__ import annotations

from typing import Any

from runtimes.engine.updates.raw import SHORT_ID_CHARS, Raw, id_of, is_empty, items, pairs, part, written

FOLLOWING = ("User", "WorkingDir", "StopSignal", "Shell")
"""Single values that an image may give."""
SETS = ("ExposedPorts", "Volumes")
IMAGE_ONLY = ("Image", "OnBuild", "Hostname", "Env", "Labels", "Cmd", "Entrypoint", "Healthcheck", *FOLLOWING, *SETS)
"""What is not taken over as it stands."""


def own_config(container: Raw, image: Raw) -> dict[str, Any]:
    """Give a container's Config without what its image gives, as an engine takes it; without Image."""
    has, given = part(container, "Config"), part(image, "Config")
    config = {key: value for key, value in has.items() if key not in IMAGE_ONLY}
    config |= {key: has[key] for key in FOLLOWING if not is_empty(has.get(key)) and has[key] != given.get(key)}
    config |= {key: mine for key in SETS if (mine := _without(part(has, key), part(given, key)))}
    config["Env"] = written(_own_env(has, given))
    config["Labels"] = {k: v for k, v in part(has, "Labels").items() if part(given, "Labels").get(k) != v}
    config |= _own_command(has, given)
    if check := _own_check(part(has, "Healthcheck"), part(given, "Healthcheck")):
        config["Healthcheck"] = check
    if hostname := own_hostname(container):
        config["Hostname"] = hostname
    return config


def own_hostname(container: Raw) -> str:
    """Give the hostname where somebody set one: an engine takes the beginning of the id, or the host's own."""
    hostname = str(part(container, "Config").get("Hostname") or "")
    mode = str(part(container, "HostConfig").get("NetworkMode") or "")
    is_shared = mode == "host" or mode.startswith("container:")
    is_shared = is_shared or part(container, "HostConfig").get("UTSMode") == "host"
    return "" if is_shared or hostname == id_of(container)[:SHORT_ID_CHARS] else hostname


def full_config(own: Raw, image: Raw) -> dict[str, Any]:
    """Give the Config that a container has with these own settings on an image: what an engine should then show."""
    given = part(image, "Config")
    full: dict[str, Any] = {key: value for key, value in own.items() if key not in IMAGE_ONLY}
    full |= {key: own.get(key) or given.get(key) for key in FOLLOWING}
    full |= {"ExposedPorts": {**part(given, "ExposedPorts"), **part(own, "ExposedPorts")}}
    full["Env"] = {**pairs(items(given, "Env")), **pairs(items(own, "Env"))}
    full["Env"] = {name: value for name, value in full["Env"].items() if value is not None}
    full["Labels"] = {**part(given, "Labels"), **part(own, "Labels")}
    full |= _full_command(own, given)
    full["Healthcheck"] = {**part(given, "Healthcheck"), **part(own, "Healthcheck")}
    return full


def _own_env(has: Raw, given: Raw) -> dict[str, str | None]:
    mine, images = pairs(items(has, "Env")), pairs(items(given, "Env"))
    own = {name: value for name, value in mine.items() if images.get(name, object()) != value}
    return own | {name: None for name in images if name not in mine}  # one that was taken away by a bare name


def _own_command(has: Raw, given: Raw) -> dict[str, Any]:
    """Give Entrypoint and Cmd as they were set: an entrypoint of one's own takes the image's command away."""
    entrypoint, command = list(items(has, "Entrypoint")), list(items(has, "Cmd"))
    images = list(items(given, "Cmd"))
    if entrypoint == list(items(given, "Entrypoint")) and (command or not images):
        return {} if command == images else {"Cmd": command}
    return {"Entrypoint": entrypoint or [""], **({"Cmd": command} if command else {})}


def _full_command(own: Raw, given: Raw) -> dict[str, Any]:
    if "Entrypoint" in own:
        entrypoint = list(items(own, "Entrypoint"))
        return {"Entrypoint": [] if entrypoint == [""] else entrypoint, "Cmd": list(items(own, "Cmd"))}
    command = own["Cmd"] if "Cmd" in own else given.get("Cmd")
    return {"Entrypoint": list(items(given, "Entrypoint")), "Cmd": list(command or ())}


def _own_check(has: Raw, given: Raw) -> dict[str, Any]:
    """Give the fields of a health check that are not the image's: an engine fills in the others from there."""
    return {key: value for key, value in has.items() if not is_empty(value) and given.get(key) != value}


def _without(has: Raw, given: Raw) -> dict[str, Any]:
    return {key: value for key, value in has.items() if key not in given}
