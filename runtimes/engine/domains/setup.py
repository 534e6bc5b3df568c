"""A host without a proxy, or with one that does not answer: what to do, and the line that starts one. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from runtimes.caddy.address import AdminAddress
from runtimes.domains import Setup
from runtimes.engine.answers import Inspected
from runtimes.engine.problems import Kind
from runtimes.errors import Lacking

IMAGE = "docker.io/library/caddy:2"
USUAL_PORT = 2019
REGISTER = "Start one on that host, then register its admin address with the runtime: proxyAdmin: http://127.0.0.1:2019"
OPEN = "Caddy's admin API at {} is reached over the network and asks for no credential: let it listen on loopback."
INSIDE = (
    "Caddy runs in the container {}, behind a network of its own: whoever is on a network with it reaches its admin "
    "API, which asks for no credential. Run it in the host's network, with the admin API on loopback."
)


def missing(kind: Kind) -> Setup:
    """Say that no proxy is registered, and how to come to one."""
    return Setup(sentence="No proxy is registered for this host.", hint=f"{REGISTER}.", command=start(kind, None))


def silent(kind: Kind, address: AdminAddress, problem: Lacking) -> Setup:
    """Say why the one that is registered does not answer."""
    hint = f"{problem.hint} Where none runs, this line starts one."
    return Setup(sentence=problem.sentence, hint=hint, command=start(kind, address), broken=True)


def exposed(address: AdminAddress, proxy: Inspected | None) -> Iterator[str]:
    """Say who else reaches the admin API."""
    if address.is_open:
        yield OPEN.format(address.text)
    if proxy is not None:
        yield INSIDE.format(proxy.own_name)


def start(kind: Kind, address: AdminAddress | None) -> str:
    """Give the line that starts Caddy: in the host's network, its admin API on loopback, what it is told kept."""
    words = [kind, "run", "-d", "--name", "caddy", "--restart", "unless-stopped", "--network", "host"]
    words += ["-v", "caddy_data:/data", "-v", "caddy_config:/config"]
    if address is not None and address.socket:
        folder = address.socket.rpartition("/")[0]
        words += ["-v", f"{folder}:{folder}", "-e", f"CADDY_ADMIN=unix/{address.socket}"]
    elif address is not None and address.port != USUAL_PORT and not address.is_open:
        words += ["-e", f"CADDY_ADMIN={address.netloc}"]
    return shlex.join([*words, IMAGE, "caddy", "run", "--resume"])
