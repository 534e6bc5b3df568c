"""From what an engine says of a container to the request that makes the same one again, on another image. Pure.

HostConfig is carried over whole: what is shown there is what was asked for. Volumes without a name get the one that
they have, so that their data stays. What only the first container could have (its id as an alias) is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runtimes.engine.updates.own import own_config
from runtimes.engine.updates.raw import SHORT_ID_CHARS, Raw, id_of, is_empty, items, name_of, part

BRIDGES = ("default", "bridge", "")
"""How the network mode of the engine's default network is written."""
ENDPOINT = ("IPAMConfig", "Links", "DriverOpts", "GwPriority")
"""What an endpoint was asked for; the rest is what it got."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What makes a container: the body of POST /containers/create, and networks to join before it starts, by name."""

    body: Mapping[str, Any] = field(repr=False)
    joins: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def request_of(container: Raw, image: Raw, *, wanted: str, several: bool = False) -> Request:
    """Give what makes a container like this one, which runs on `image`, with the image `wanted`.

    `several`: the engine takes several networks at once.
    """
    host = host_config(container)
    body: dict[str, Any] = {**own_config(container, image), "Image": wanted, "HostConfig": host}
    volumes = {path for path in part(body, "Volumes") if path not in _targets(container)}
    body["Volumes"] = {path: {} for path in volumes}
    endpoints = endpoints_of(container)
    first = primary(container)
    if first in endpoints:
        at_once = endpoints if several else {first: endpoints[first]}
        body["NetworkingConfig"] = {"EndpointsConfig": at_once}
        return Request(body=body, joins={} if several else {k: v for k, v in endpoints.items() if k != first})
    return Request(body=body, joins=endpoints)


def host_config(container: Raw) -> dict[str, Any]:
    """Give the HostConfig to ask for: as it is shown, with names for volumes that have none."""
    host = dict(part(container, "HostConfig"))
    host.pop("ContainerIDFile", None)
    host["Links"] = [_link(each, name_of(container)) for each in items(host, "Links")] or None
    host["Mounts"] = [_with_source(each, container) for each in items(host, "Mounts")] or None
    host["Binds"] = [*items(host, "Binds"), *_unnamed(container)] or None
    return {key: value for key, value in host.items() if value is not None}


def endpoints_of(container: Raw) -> dict[str, dict[str, Any]]:
    """Give the networks with what was asked of each: addresses, aliases, links, options of the driver.

    None for one that lives in another's: podman shows that one's as its own.
    """
    if str(part(container, "HostConfig").get("NetworkMode") or "").startswith("container:"):
        return {}
    return {name: _endpoint(found or {}, container) for name, found in part(_settings(container), "Networks").items()}


def primary(container: Raw) -> str:
    """Name the network that the container is made in; "" where it has none of its own."""
    mode = str(part(container, "HostConfig").get("NetworkMode") or "")
    networks = part(_settings(container), "Networks")
    if mode in networks:
        return mode
    by_id = next((name for name, found in networks.items() if mode and found.get("NetworkID") == mode), "")
    if by_id or mode not in BRIDGES:
        return by_id
    return "bridge" if "bridge" in networks else next(iter(sorted(networks)), "")  # podman says so of any network


def _settings(container: Raw) -> Raw:
    return part(container, "NetworkSettings")


def _endpoint(found: Raw, container: Raw) -> dict[str, Any]:
    asked = {key: found[key] for key in ENDPOINT if not is_empty(found.get(key))}
    own_id = id_of(container)[:SHORT_ID_CHARS]
    aliases = [each for each in items(found, "Aliases") if each != own_id]
    return {**asked, **({"Aliases": aliases} if aliases else {})}


def _targets(container: Raw) -> set[str]:
    return {str(mount.get("Destination")) for mount in items(container, "Mounts")}


def _with_source(mount: Raw, container: Raw) -> dict[str, Any]:
    """Give a mount with the name of its volume, where it was asked for without one."""
    if mount.get("Type") != "volume" or mount.get("Source"):
        return dict(mount)
    target = mount.get("Target")
    found: Raw = next((each for each in items(container, "Mounts") if each.get("Destination") == target), {})
    return {**mount, **({"Source": found["Name"]} if found.get("Name") else {})}


def _unnamed(container: Raw) -> list[str]:
    """Give as binds the volumes that neither a bind nor a mount names: of the image, and of `-v /path`."""
    host = part(container, "HostConfig")
    named = {str(bind).split(":")[1] for bind in items(host, "Binds") if ":" in str(bind)}
    named |= {str(mount.get("Target")) for mount in items(host, "Mounts")}
    volumes = [each for each in items(container, "Mounts") if each.get("Type") == "volume" and each.get("Name")]
    return [
        f"{each['Name']}:{each['Destination']}{'' if each.get('RW', True) else ':ro'}"
        for each in volumes
        if each.get("Destination") not in named
    ]


def _link(link: str, own: str) -> str:
    """Write a legacy link as it is asked for: shown is "/db:/web/alias"."""
    other, colon, alias = link.partition(":")
    return f"{other.removeprefix('/')}{colon}{alias.removeprefix(f'/{own}/')}"
