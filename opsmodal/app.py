"""Puts the parts together: the only place that knows all of them. Nothing here decides anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, redirect, send_from_directory
from werkzeug.wrappers import Response as AnyResponse

from connectors import Connectors
from opsmodal.access import Watch
from opsmodal.audit import Audit
from opsmodal.audit.forwarding import ForwardingFigures
from opsmodal.audit.heads import Signer
from opsmodal.audit.keeping import Keeping
from opsmodal.audit.process import this_process
from opsmodal.audit.reading import AuditLog
from opsmodal.choices import Choices
from opsmodal.commands.records import CommandRecords
from opsmodal.favorites import Favorites
from opsmodal.fleet import Fleet
from opsmodal.history.collectors import Collectors
from opsmodal.history.hours import Hours
from opsmodal.history.used import UsedStore
from opsmodal.live import Live
from opsmodal.meter import Meter, Sources
from opsmodal.near import Near
from opsmodal.networks import networks
from opsmodal.opening import CONNECTIONS, Opening
from opsmodal.operations import Beside, Operations, of_clusters, of_people
from opsmodal.operations.auditing import Auditing
from opsmodal.operations.commands import CommandOperations
from opsmodal.operations.connection import ConnectionOperations
from opsmodal.operations.door import Door
from opsmodal.operations.host_keys import HostKeys
from opsmodal.operations.instances import InstanceOperations
from opsmodal.operations.logs import LogOperations
from opsmodal.operations.overview import OverviewOperations
from opsmodal.operations.provider import ProviderRegistration
from opsmodal.operations.reach import Reach
from opsmodal.operations.registration import Registration
from opsmodal.operations.registry_logins import RegistryLoginOperations
from opsmodal.operations.rights import Rights
from opsmodal.operations.services import Services
from opsmodal.operations.timeline import TimelineOperations
from opsmodal.operations.usage import UsageOperations
from opsmodal.operations.vpn_profiles import VpnProfiles
from opsmodal.paths import static_root, template_root
from opsmodal.people import People
from opsmodal.people.standing import Standing
from opsmodal.registry.registry import Registry
from opsmodal.revisions import Revisions
from opsmodal.settings import Settings
from opsmodal.store import Vault, open_vault
from opsmodal.store.store import Store
from opsmodal.switches import Switches
from opsmodal.tabs import TABS
from opsmodal.tabs import commands as commands_tab
from opsmodal.tabs import instances as instances_tab
from opsmodal.tabs import logs as logs_tab
from opsmodal.tasks import TaskRecords, Tasks
from opsmodal.updates import UpdateJournal
from opsmodal.version import installed_version
from opsmodal.versions import Versions
from opsmodal.ways_in import behind_proxy, ways_in
from opsmodal.web import (
    account,
    auditing,
    connection,
    cutting,
    debugging,
    drawing,
    errors,
    filters,
    flashes,
    grants,
    guard,
    headers,
    health,
    host_keys,
    images,
    libpod,
    metrics,
    oidc,
    origin,
    people,
    provider,
    registry,
    registry_filters,
    registry_logins,
    requests,
    rights,
    services,
    signing,
    tasks,
    timeline,
    upkeep,
    usage,
    vpn_profiles,
)
from opsmodal.web.asking import EXTENSION, WATCH
from opsmodal.web.held import Held
from opsmodal.web.openapi import document
from opsmodal.web.proxies import Proxied
from opsmodal.web.respond import json_answer
from opsmodal.web.routes import API, register
from opsmodal.web.sockets import HELD
from opsmodal.web.sockets import register as register_sockets

CLOSING = "opsmodal.closing"
KEEPING = "opsmodal.keeping"
FLEET, LIVE = "opsmodal.fleet", "opsmodal.live"
ROUTES = "opsmodal.routes"
SOCKETS = "opsmodal.sockets"


def create_app(settings: Settings, store: Store) -> Flask:
    """Make the web application over an open store. Close it with `close_app`."""
    app = Flask("opsmodal", template_folder=str(template_root()), static_folder=str(static_root()))
    vault = open_vault(store, data_dir=settings.data_dir, key=settings.key)
    app.secret_key = vault.fingerprint("flash messages")
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    _assemble(app, settings, store, vault, Registry(store, vault, allowed_exec=settings.allowed_exec))
    meter = app.extensions[metrics.METER] = Meter()
    meter.attend(store)
    app.extensions[metrics.TOKEN] = settings.metrics_token
    _protect(app, settings, tell=meter.answered)
    _serve(app, read_only=settings.read_only)
    near: Near = app.extensions[metrics.NEAR]
    fleet, live = app.extensions[FLEET], app.extensions[LIVE]
    meter.ask(Sources(sockets=app.extensions[HELD], fleet=fleet, streams=near.streams, live=live))
    meter.registry.register(ForwardingFigures(app.extensions[KEEPING].forwarding))
    near.begin(meter)
    proxied = Proxied(app.wsgi_app, networks(settings.trusted_proxies))
    app.wsgi_app = behind_proxy(proxied, settings)  # type: ignore[assignment,method-assign]  # as Flask documents it
    return app


def close_app(app: Flask) -> None:
    """End the streams and close the runtimes; the store is its opener's to close."""
    for close in app.extensions[CLOSING]:
        close()


def leave_app(app: Flask) -> None:
    """Tell the open pages that this process goes away; they come back by themselves."""
    held: Held = app.extensions[HELD]
    held.leave()


def _assemble(app: Flask, settings: Settings, store: Store, vault: Vault, known: Registry) -> None:
    audit = Audit(store, Signer(vault), process=this_process(serves=True))
    keeping = app.extensions[KEEPING] = Keeping(store, settings, audit)
    door, connectors = _door(settings, known, audit, Choices(store)), Connectors(settings.data_dir / CONNECTIONS)
    opening = Opening(known, connectors, allowed_exec=settings.allowed_exec, kubectl=settings.kubectl)
    switches = Switches(audit, store, known)
    fleet = Fleet(known, opening, tell=switches.note)
    live, people, background = Live(fleet), _people(settings, store), Tasks(TaskRecords(store))
    near = _near(settings, store, vault)
    standing = Standing(store, idle_s=settings.session_idle_s, life_s=settings.session_life_s)
    watch = app.extensions[WATCH] = Watch(standing, known, audit)
    beside = _beside(settings, store, vault, background=background, watch=watch)
    ways = ways_in(settings, store, vault, people=people, registry=known, audit=audit)
    made = app.extensions[EXTENSION] = Operations(
        services=Services(door, fleet, Favorites(store)),
        connection=ConnectionOperations(door, fleet, Choices(store)),
        host_keys=HostKeys(door, known, fleet),
        registry_logins=RegistryLoginOperations(door, known),
        overview=OverviewOperations(door, fleet),
        instances=InstanceOperations(door, fleet, live),
        logs=LogOperations(door, fleet, near.streams, settings, watch=watch, away=near.attach),
        commands=CommandOperations(door, fleet, known, settings, jobs=near.commands, find=near.command, watch=watch),
        registration=Registration(door, known, fleet, opening, Favorites(store)),
        signing=ways.signing,
        oidc=ways.oidc,
        named=ways.named,
        provider=ProviderRegistration(door, known),
        vpn_profiles=VpnProfiles(door, known),
        auditing=Auditing(door, AuditLog(store), keeping.forwarding),
        timeline=TimelineOperations(door, store, collecting=settings.collect),
        usage=UsageOperations(door, fleet, Hours(UsedStore(store)), collecting=settings.collect),
        rights=Rights(door, known, fleet, TABS),
        reach=Reach(door, known, people, standing),
        **of_clusters(door, fleet, known, beside),
        **of_people(door, people, known, takes_passwords=settings.sign_in_password),
    )
    app.extensions |= {health.STORE: store, FLEET: fleet, LIVE: live, metrics.NEAR: near}
    parts = (made.updating, made.debugging, background, live, near, watch, fleet, connectors, switches)
    collectors = Collectors(registry=known, fleet=fleet, store=store)
    _begin(app, settings, collectors, keeping, closing=[part.close for part in parts])


def _beside(settings: Settings, store: Store, vault: Vault, *, background: Tasks, watch: Watch) -> Beside:
    return Beside(
        background=background,
        journal=UpdateJournal(store),
        revisions=Revisions(store, vault),
        versions=Versions(store, vault),
        watch=watch,
        settings=settings,
    )


def _near(settings: Settings, store: Store, vault: Vault) -> Near:
    keep, days = settings.command_output_keep, settings.command_output_days
    return Near(store, settings, CommandRecords(store, vault, keep=keep, days=days))


def _people(settings: Settings, store: Store) -> People:
    return People(
        store,
        idle_s=settings.session_idle_s,
        life_s=settings.session_life_s,
        failures_per_minute=settings.sign_in_failures_per_minute,
    )


def _door(settings: Settings, known: Registry, audit: Audit, choices: Choices) -> Door:
    read_only, asking = settings.read_only, settings.reason_required
    return Door(registry=known, audit=audit, choices=choices, read_only=read_only, reason_required=asking)


def _begin(
    app: Flask, settings: Settings, collectors: Collectors, keeping: Keeping, *, closing: Sequence[Callable[[], None]]
) -> None:
    """Begin what runs by itself; it is the first and the last to be closed."""
    if settings.collect:
        collectors.start()
    made: Operations = app.extensions[EXTENSION]
    if not settings.read_only:
        made.updating.start()
    keeping.start()
    app.extensions[CLOSING] = (collectors.close, *closing, keeping.close)


def _protect(app: Flask, settings: Settings, *, tell: Callable[[requests.Answered], None]) -> None:
    small, large = settings.body_max_bytes, settings.large_body_max_bytes
    requests.watch(app, body_max_bytes=small, large_body_max_bytes=large, tell=tell)
    app.session_interface = flashes.Flashes()
    headers.protect(app)
    errors.install(app)
    origin.check_hosts(app, frozenset(settings.allowed_hosts))
    origin.check_origins(app)
    signing.demand_sign_in(app)


def _serve(app: Flask, *, read_only: bool) -> None:
    filters.install(app)
    registry_filters.install(app)
    drawing.install(app)
    services.install_frame(app)
    app.register_blueprint(signing.pages)
    app.register_blueprint(oidc.pages)
    app.register_blueprint(health.pages)
    app.register_blueprint(metrics.pages)
    registered = (provider.routes, registry.routes, vpn_profiles.routes, host_keys.routes, registry_logins.routes)
    read = (auditing.routes, timeline.routes, usage.routes, tasks.routes, upkeep.routes, images.routes, libpod.routes)
    nouns = (services.routes, connection.routes, debugging.routes, *registered, *read)
    everybody = (people.routes, rights.routes, grants.routes, account.routes, guard.routes)
    routes = register(app, [*nouns, *everybody, *(tab.routes for tab in TABS)])
    followed = register_sockets(app, [instances_tab.sockets, logs_tab.sockets, commands_tab.sockets, tasks.sockets])
    app.extensions[ROUTES], app.extensions[SOCKETS] = routes, followed
    cutting.install(app, routes)
    described = document(routes, followed, version=installed_version())

    @app.get(f"{API}/openapi.json")
    def openapi() -> Response:
        return json_answer(described)

    @app.get("/")
    def start() -> AnyResponse:
        return redirect("/services", code=303)

    @app.get("/favicon.ico")
    def icon() -> Response:
        return send_from_directory(static_root(), "icon.svg", mimetype="image/svg+xml")

    @app.context_processor
    def everywhere() -> dict[str, Any]:
        now = datetime.now(UTC).isoformat()
        return {"actor": g.get("actor"), "version": installed_version(), "read_only": read_only, "now": now}


__all__ = ["close_app", "create_app"]
