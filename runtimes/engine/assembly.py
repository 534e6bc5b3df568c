"""Puts the facets of an open engine together: what each may use, and in which order they end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connectors.base import Connection
from runtimes.base import Identity, Runtime
from runtimes.engine.alarms import Alarms
from runtimes.engine.answers import Info
from runtimes.engine.api import Api
from runtimes.engine.changes import Changes
from runtimes.engine.client import Client
from runtimes.engine.commands import Commands
from runtimes.engine.containers import Containers
from runtimes.engine.containerwatch import ContainerSource
from runtimes.engine.dialled import Dialled
from runtimes.engine.discovery import proposals
from runtimes.engine.domains import EngineDomains
from runtimes.engine.events import Events
from runtimes.engine.execs import Execs
from runtimes.engine.history import EngineHistory
from runtimes.engine.images.facet import EngineImages
from runtimes.engine.inside import Inside
from runtimes.engine.instances import Instances
from runtimes.engine.live import LiveContainers
from runtimes.engine.logs import Logs
from runtimes.engine.meter import Meter
from runtimes.engine.onhost import OnHost
from runtimes.engine.overview import Overview
from runtimes.engine.pods import Pods
from runtimes.engine.pool import Pool
from runtimes.engine.problems import Kind
from runtimes.engine.reading import Reader
from runtimes.engine.recent import RecentRestarts
from runtimes.engine.systemd import Units
from runtimes.engine.unkept import Unkept
from runtimes.engine.updates.deployment import EngineDeployment
from runtimes.registries import Logins, no_logins
from runtimes.watched import Pace

LIST_TIMES = 3
"""A list is many questions: all together may take this many times as long as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What an open engine keeps in memory, and how it is read."""

    pool: Pool
    containers: Containers
    events: Events
    live: LiveContainers
    meter: Meter
    reader: Reader
    alarms: Alarms
    pods: Pods
    units: Units
    restarts: RecentRestarts
    really: Kind
    logins: Logins = no_logins
    """What signs in to registries."""

    def close(self) -> None:
        """End what keeps it current. May be called twice."""
        self.live.close()
        self.meter.close()
        self.pool.close()


def kept_live(name: str, api: Api, *, info: Info, really: Kind, pods: Pods, pace: Pace | None, units: Units) -> Kept:
    """Make what keeps the containers of an engine current while somebody looks."""
    pool = Pool(name, timeout_s=api.timeout_s * LIST_TIMES)
    containers, events = Containers(api, pool), Events(api, really=really)
    restarts = RecentRestarts(events)
    source = ContainerSource(api, containers, pool=pool, pods=pods, restarts=restarts, name=name)
    alarms = Alarms(events, heard=lambda: source.heard)

    def forget() -> None:
        meter.forget()
        alarms.forget()

    live = LiveContainers(source, name=name, pace=pace, given_back=forget)
    meter = Meter(name, api, pool, info=info, really=really, told=live.stir)
    reader = Reader(
        live=live, containers=containers, meter=meter, restarts=restarts, pods=pods, node=info.name, host=units.host
    )
    return Kept(
        pool=pool,
        containers=containers,
        events=events,
        live=live,
        meter=meter,
        reader=reader,
        alarms=alarms,
        pods=pods,
        units=units,
        restarts=restarts,
        really=really,
    )


def commands_of(api: Api, dialled: Dialled, connection: Connection, *, kind: Kind, containers: Containers) -> Commands:
    """Make what runs commands: inside the containers, on the host, and by the engine's own program."""
    execs = Execs(api, dialled)
    return Commands(
        kind,
        containers=containers,
        inside=Inside(containers, execs, Unkept(execs, connection)),
        on_host=OnHost(connection),
        client=Client(kind, dialled),
    )


def assembled(
    name: str,
    *,
    api: Api,
    kept: Kept,
    commands: Commands,
    domains: EngineDomains,
    identity: Identity,
    notes: Sequence[str],
    released: Callable[[], None],
) -> Runtime:
    """Give the runtime that a service's page uses; its `close` ends everything, and `released` what others opened."""
    logs = Logs(api, kept.containers)
    instances = _instances(api, kept, logs)
    history = EngineHistory(api, instances)
    deployment = EngineDeployment(api, kept.containers, really=kept.really, logins=kept.logins, after=domains.renew)

    return Runtime(
        name=name,
        kind=api.place.kind,
        identity=identity,
        overview=Overview(
            reader=kept.reader, alarms=kept.alarms, identity=identity, notes=notes, domains=domains.glance
        ),
        instances=instances,
        discover=lambda: proposals(kept.containers.everything(), kept.pods()),
        check=api.ping,
        close=_ending(history.close, commands.close, kept.close, released, api.close),
        logs=logs,
        commands=commands,
        domains=domains,
        deployment=deployment,
        updates=deployment,
        images=EngineImages(api, kept.containers, really=kept.really, logins=kept.logins),
        history=history,
        counts=kept.live.counts,
    )


def _ending(*ends: Callable[[], None]) -> Callable[[], None]:
    def close() -> None:
        for end in ends:
            end()

    return close


def _instances(api: Api, kept: Kept, logs: Logs) -> Instances:
    changes = Changes(api, containers=kept.containers, live=kept.live, units=kept.units, past=kept.restarts)
    return Instances(
        api=api,
        program=api.place.kind,
        host=kept.units.host,
        changes=changes,
        containers=kept.containers,
        reader=kept.reader,
        events=kept.events,
        logs=logs,
    )
