"""Where the host's Caddy finds a port of a container. Pure.

A published port comes first: it is the same after the container was replaced. Without one the container's own address
is taken, which is another one after each replacement: `renew` mends that. A Caddy that runs in a container of the same
engine, behind a network of its own, reaches addresses of networks that both are in. A container in a pod is found by
the pod's ports and address. One in the host's network is refused: its ports would be any port of the host, the admin
API's among them. What a container that is stopped would publish is not taken: another one may hold it meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address

from runtimes.engine.answers import Binding, Inspected, Network, Row
from runtimes.engine.domains.networks import Net
from runtimes.errors import Conflict, Invalid

LOOPBACK = {4: "127.0.0.1", 6: "::1"}
NOT_OWN = ("host", "container:", "ns:", "pod:")
"""Network modes of containers that have no network of their own."""


def address(net: Net, port: str, *, proxy: Inspected | None = None, rootless: bool = False) -> str:
    """Give what Caddy dials for a port of a container: `127.0.0.1:8080`. Raise Conflict or Invalid when it cannot.

    `proxy` is the container that Caddy runs in, None where it runs on the host.
    """
    name, held = net.container.own_name, _held(net)
    if not (net.container.state.running and held.state.running):
        raise Conflict(f"{name} is not running, so its address is not known.", hint="Start it first.", field="target")
    if proxy is not None:
        return _beside(name, held, port, proxy)
    published = _published(held, port)
    if published:
        return published
    own = next(iter(_addresses(held).values()), "")
    if rootless or not own:
        why = "the networks of a rootless engine are not reached from its host" if rootless else "it has no address"
        what = "of its pod, when that is made" if held is not net.container else "when it is made"
        hint = f"Publish the port {what}: -p 127.0.0.1::{port}."
        raise Conflict(f"Port {port} of {name} is not reached: {why}.", hint=hint, field="target")
    return _joined(own, port)


def ports(net: Net) -> tuple[str, ...]:
    """Give the TCP ports of a container that its engine knows of: exposed ones, and those that are published."""
    container = net.holder or net.container
    network = container.network_settings
    told = [*((network.ports if network else None) or {}), *(container.host_config.port_bindings or {})]
    named = (each.removesuffix("/tcp") for each in told if each.endswith("/tcp"))
    numbers = {int(port) for port in named if port.isdecimal()}
    return tuple(str(number) for number in sorted(numbers))


def is_published(net: Net, port: str) -> bool:
    """Tell whether a port has a number on the host, which stays when the container is replaced."""
    return net.holder is not None and bool(_published(net.holder, port))


def is_reached(net: Net, dial: str) -> bool:
    """Tell whether an address is one of this container: for routes that others made."""
    held = net.holder
    if held is None or held.host_config.network_mode.startswith(NOT_OWN):
        return False
    bound = ((held.network_settings.ports if held.network_settings else None) or {}).values()
    published = {_dialled(each) for bindings in bound for each in bindings or ()}
    host, _, port = dial.replace("localhost", LOOPBACK[4]).rpartition(":")
    return f"{host}:{port}" in published or host.strip("[]") in _addresses(held).values()


def held(rows: Iterable[Row]) -> Iterator[str]:
    """Give what containers are found at: `172.17.0.2` for all ports of an address, `127.0.0.1:8080` for one."""
    for row in rows:
        networks = (row.network_settings.networks if row.network_settings else None) or {}
        yield from (each.ip_address for each in networks.values() if each.ip_address)
        for port in row.ports or ():
            if port.type == "tcp" and port.public_port:
                yield _dialled(Binding(host_ip=port.ip, host_port=str(port.public_port)))


def _held(net: Net) -> Inspected:
    """Give the container whose network is dialled. Raise Invalid where its ports could be somebody else's."""
    name, mode = net.container.own_name, (net.holder or net.container).host_config.network_mode
    if net.holder is None:
        sentence = f"{name} shares its network with a container that may be another service's: so are its ports."
    elif mode.startswith(NOT_OWN):
        whose = "the host's network" if mode == "host" else "the network of something else"
        sentence = f"{name} uses {whose}: its ports are not its own."
    else:
        return net.holder
    hint = "Give it a network of its own and publish the port, or make the route in Caddy's own configuration."
    raise Invalid(sentence, hint=hint, field="target")


def _published(container: Inspected, port: str) -> str:
    network = container.network_settings
    bound: Mapping[str, list[Binding] | None] = (network.ports if network else None) or {}
    return next((_dialled(each) for each in bound.get(f"{port}/tcp") or () if each.host_port not in ("", "0")), "")


def _dialled(binding: Binding) -> str:
    try:
        plain = ip_address(binding.host_ip)
    except ValueError:
        return f"{LOOPBACK[4]}:{binding.host_port}"
    return _joined(LOOPBACK[plain.version] if plain.is_unspecified else str(plain), binding.host_port)


def _beside(name: str, container: Inspected, port: str, proxy: Inspected) -> str:
    own, there = _addresses(container), _addresses(proxy)
    shared = next((own[network] for network in own if network in there), "")
    if shared:
        return _joined(shared, port)
    network = next(iter(own), "")
    hint = f"Connect them: network connect {network or 'NETWORK'} {proxy.own_name}."
    sentence = f"Caddy runs in the container {proxy.own_name}, which shares no network with {name}."
    raise Conflict(sentence, hint=hint, field="target")


def _addresses(container: Inspected) -> dict[str, str]:
    """Give the container's addresses by network, in the order of their names."""
    networks: Iterable[tuple[str, Network]] = sorted(
        ((container.network_settings.networks if container.network_settings else None) or {}).items()
    )
    return {name: each.ip_address for name, each in networks if each.ip_address}


def _joined(host: str, port: str) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
