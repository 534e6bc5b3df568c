"""Opens an engine: finds the way, asks who is there, agrees on an API version.

Everything that can be wrong with a registered socket shows here, within the time limit, as one sentence and what to
do. What this module refuses to do: guess another socket than the one that was registered.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from connectors.base import Connection
from connectors.errors import ConnectionProblem, LoginRefused
from runtimes.base import Identity, Runtime
from runtimes.engine.answers import Info, Version
from runtimes.engine.api import Api
from runtimes.engine.assembly import assembled, commands_of, kept_live
from runtimes.engine.containers import Containers
from runtimes.engine.dialled import Dialled as Dialled  # noqa: PLC0414 - pods are opened with what this module gives
from runtimes.engine.domains import EngineDomains
from runtimes.engine.managers import host_of
from runtimes.engine.pods import Pods, no_pods
from runtimes.engine.pool import THREADS
from runtimes.engine.problems import TITLES, Kind, Place, not_an_engine
from runtimes.engine.systemd import Units
from runtimes.engine.tls import TLS, KeyFiles
from runtimes.errors import Denied, Invalid, RuntimeProblem, Unavailable
from runtimes.libpod import Libpod
from runtimes.registries import Logins, no_logins
from runtimes.watched import Pace

API_MIN = (1, 41)
"""Docker 20.10 and Podman 4.0: the first with one-shot statistics."""
PODMAN_COMPONENT = "Podman Engine"
"""What podman calls itself in GET /version; dockerd says "Engine"."""


@dataclass(frozen=True, slots=True)
class PodSource:
    """Reads pods; `close` gives back what that holds."""

    read: Pods
    close: Callable[[], None]
    own: Callable[[Containers], Libpod] | None = None
    """Makes what reads all else that only Podman's own API tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Who answered at the socket."""

    really: Kind
    version: Version
    info: Info


def open_engine(  # noqa: PLR0913 - what was registered, each by its name
    name: str,
    *,
    kind: Kind,
    socket: str,
    connection: Connection,
    tls: TLS | None,
    timeout_s: float,
    pods: Callable[[Dialled, Version], PodSource] | None = None,
    pace: Pace | None = None,
    proxy_admin: str = "",
    logins: Logins = no_logins,
) -> Runtime:
    """Open the engine at `socket` (a path, `unix:///path` or `tcp://host:port`) within `timeout_s`.

    `logins` gives what signs in to registries, asked at each pull. Raise Invalid for an address that is none, Denied
    without the permission to open it, Unavailable for whatever does not answer as an engine that is new enough.
    """
    dialled = _dialled(kind, socket, connection, tls, timeout_s)
    api = _api(dialled)
    answered, source = _heard(api, dialled, timeout_s, pods)
    notes = _notes(dialled, answered, tls)
    identity = _identity(api, answered, notes)
    really = answered.really
    units = Units(connection, host_of(dialled.place.socket, there=connection.has_host), program=really)
    kept = kept_live(name, api, info=answered.info, really=really, pods=source.read, pace=pace, units=units)
    commands = commands_of(api, dialled, connection, kind=kind, containers=kept.containers)
    rootless = answered.info.is_rootless
    runtime = assembled(
        name,
        api=api,
        kept=replace(kept, logins=logins),
        commands=commands,
        domains=EngineDomains(kind, kept.containers, kept.pods, connection, proxy_admin=proxy_admin, rootless=rootless),
        identity=identity,
        notes=notes,
        released=source.close,
    )
    return replace(runtime, libpod=source.own(kept.containers)) if source.own else runtime


def _heard(
    api: Api, dialled: Dialled, timeout_s: float, pods: Callable[[Dialled, Version], PodSource] | None
) -> tuple[Answered, PodSource]:
    """Hear which engine answers, and open what tells its pods. Whatever goes wrong closes `api`."""
    try:
        answered = _who(api, dialled, timeout_s)
        theirs = pods if answered.really == "podman" else None
        return answered, theirs(dialled, answered.version) if theirs else PodSource(no_pods, _nothing)
    except BaseException:
        api.close()
        raise


def _dialled(kind: Kind, socket: str, connection: Connection, tls: TLS | None, timeout_s: float) -> Dialled:
    asked = f"unix://{socket}" if socket.startswith("/") else socket
    if not asked.startswith(("unix:///", "tcp://")):
        raise Invalid(
            f'"{asked.rpartition("@")[2][:200]}" is no address of {TITLES[kind]}.',
            hint="Write the path of its API socket, unix:///path or tcp://host:port.",
        )
    try:
        address = connection.reach(asked).address
    except ConnectionProblem as problem:
        refusal = Denied if isinstance(problem, LoginRefused) else Unavailable
        raise refusal(problem.sentence, hint=problem.hint) from problem
    path = asked.removeprefix("unix://") if asked.startswith("unix://") else ""
    place = Place(kind=kind, address=asked, socket=path, standing=connection.standing)
    wanted = urlsplit(asked)
    tunnelled = wanted.scheme == "tcp" and urlsplit(address).netloc != wanted.netloc
    return Dialled(
        address=address,
        files=KeyFiles(tls) if tls else None,
        place=place,
        timeout_s=timeout_s,
        tls_name=(wanted.hostname or "") if tunnelled else "",
        headers={"Host": wanted.netloc} if tunnelled else {},
    )


def _api(dialled: Dialled) -> Api:
    import docker  # takes 150 ms: only when an engine is really used

    from runtimes.engine.heads import TCPAdapter
    from runtimes.engine.unix import SocketAdapter

    files = dialled.files
    released = files.close if files else _nothing
    try:
        client = docker.APIClient(
            base_url=dialled.address,
            version=".".join(map(str, API_MIN)),  # a fixed one keeps the constructor from asking; see _who
            timeout=dialled.timeout_s,
            tls=docker.tls.TLSConfig(client_cert=files.pair, ca_cert=files.ca, verify=True) if files else False,
            max_pool_size=THREADS,
        )
    except docker.errors.DockerException as error:
        released()
        raise Invalid(f"{dialled.place} cannot be used as an engine's address.", detail=str(error)) from error
    tcp = TCPAdapter(pool_maxsize=THREADS, tls_name=dialled.tls_name)
    client.mount(client.base_url, SocketAdapter(dialled.path, kept=THREADS) if dialled.path else tcp)
    client.headers.update(dialled.headers)
    return Api(client, place=dialled.place, timeout_s=dialled.timeout_s, released=released)


def _who(api: Api, dialled: Dialled, timeout_s: float) -> Answered:
    deadline = time.monotonic() + timeout_s
    try:
        version = api.get("/version", Version, timeout_s=timeout_s)
    except (Denied, Unavailable):
        raise
    except RuntimeProblem as problem:  # it speaks HTTP, and does not know what every engine knows
        raise not_an_engine(dialled.place) from problem
    podman = any(component.name == PODMAN_COMPONENT for component in version.components or ())
    api.version = agreed(version, place=dialled.place, really="podman" if podman else "docker")
    info = api.get("/info", Info, timeout_s=max(deadline - time.monotonic(), 0.1))
    return Answered(really="podman" if podman else "docker", version=version, info=info)


def agreed(version: Version, *, place: Place, really: Kind) -> str:
    """Choose the API version: the newest that the client library was written for and the engine still speaks.

    Raise Unavailable for an engine that is too old, or that is none.
    """
    from docker.constants import DEFAULT_DOCKER_API_VERSION

    newest, oldest = _numbers(version.api_version), _numbers(version.min_api_version or version.api_version)
    if newest is None or oldest is None:
        raise not_an_engine(place)
    if newest < API_MIN:
        raise Unavailable(
            f"{TITLES[really]} {version.version} at {place} is too old: it speaks API {version.api_version}, and "
            f"{'.'.join(map(str, API_MIN))} is needed.",
            hint="Update to Docker 20.10, Podman 4.0 or newer.",
        )
    known = _numbers(DEFAULT_DOCKER_API_VERSION) or API_MIN
    return ".".join(map(str, max(oldest, min(newest, known))))


def _numbers(text: str) -> tuple[int, ...] | None:
    parts = text.split(".")
    return tuple(map(int, parts)) if len(parts) == 2 and all(part.isdecimal() for part in parts) else None


def _identity(api: Api, answered: Answered, notes: Sequence[str]) -> Identity:
    info = answered.info
    detail = [
        ("Host", info.name),
        ("Operating system", info.operating_system),
        ("API version", api.version),
        ("Rootless", "yes" if info.is_rootless else ""),
        *(("Note", note) for note in notes),
    ]
    return Identity(
        program=f"{TITLES[answered.really]} Engine",
        version=answered.version.version,
        detail=tuple((name, value) for name, value in detail if value),
    )


def _notes(dialled: Dialled, answered: Answered, tls: TLS | None) -> tuple[str, ...]:
    place, notes = dialled.place, []
    if answered.really != place.kind:
        other = TITLES[answered.really]
        notes.append(
            f"Registered as {place.title}, but {other} {answered.version.version} answers at {place}: "
            f"register it as {other} to see everything."
        )
    if not place.socket and tls is None:
        notes.append(f"The connection to {place} is neither encrypted nor authenticated.")
    return tuple(notes)


def _nothing() -> None:
    """Give nothing back: nothing was taken."""
