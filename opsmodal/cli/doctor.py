"""`doctor`: reaches every runtime over every connection, and says what works, what does not, and what to do."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from opsmodal.cli.opened import Installation, existing, with_settings

if TYPE_CHECKING:
    from connectors.base import Probe
    from opsmodal.opening import Opened, Opening
    from opsmodal.registry.schema import AnyConnection, RuntimeSpec, ServiceSpec
    from opsmodal.settings import Settings
    from runtimes.base import Runtime

BROKEN = 1
PROBE_S = 10.0
"""As long as opening a runtime may take."""
NOTES = {"Note": "", "TLS": "Give its kubeconfig the cluster's certificate-authority-data instead."}
"""Parts of an identity that a person should act on, and how: the other program answers, nobody proves who answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. What is a `warning` is not fine, and breaks nothing by itself."""

    ok: bool
    subject: str
    sentence: str
    hint: str = ""
    warning: bool = False

    @property
    def mark(self) -> str:
        """Give the word that stands before it."""
        return "ok" if self.ok else "warn" if self.warning else "BROKEN"


@click.command()
@click.argument("service", required=False)
@click.option("--rbac", is_flag=True, help="Print the least rights that SERVICE needs on its cluster, as a manifest.")
@click.option("--tab", "tabs", multiple=True, metavar="NAME", help="With --rbac: only for this tab; may be repeated.")
@click.option("--read-only", is_flag=True, help="With --rbac: nothing that changes anything.")
@with_settings
def doctor(settings: Settings, service: str | None, *, rbac: bool, tabs: tuple[str, ...], read_only: bool) -> None:
    """Reach every runtime over every connection, or only those of one SERVICE.

    Exits with 1 when something is broken; a warning is not. With --rbac nothing is reached: a manifest is printed.
    """
    if (tabs or read_only) and not rbac:
        raise click.UsageError("--tab and --read-only go with --rbac.")
    with existing(settings) as installation:
        if rbac:
            from opsmodal.cli.least import least

            click.echo(least(installation.registry, service or "", tabs, changes=not read_only), nl=False)
            return
        counts = Counter(finding.mark for finding in _told(_findings(installation, service)))
    warnings = f", {counts['warn']} to look at" if counts["warn"] else ""
    click.echo(f"{counts['ok']} fine{warnings}, {counts['BROKEN']} broken")
    sys.exit(BROKEN if counts["BROKEN"] else 0)


def _told(findings: Iterator[Finding]) -> Iterator[Finding]:
    for finding in findings:
        click.echo(f"{finding.mark:6} {finding.subject}: {finding.sentence}")
        if finding.hint:
            click.echo(f"       {finding.hint}")
        yield finding


def _findings(installation: Installation, service: str | None) -> Iterator[Finding]:
    from connectors import Connectors
    from opsmodal.cli.machine import kubectl, packages
    from opsmodal.errors import NotThere
    from opsmodal.opening import CONNECTIONS, Opening
    from opsmodal.registry.shape import closest

    registry = installation.registry
    spec = registry.service(service) if service else None
    if service and spec is None:
        known = [one.name for one in registry.services()]
        raise NotThere(f"There is no service {service[:80]!r}.", hint=closest(service, known))
    yield Finding(ok=True, subject="store", sentence=f"{installation.store.engine.dialect.name}, tables up to date.")
    yield from packages()
    if spec is None:
        yield from _provider(installation)
    connectors = Connectors(installation.settings.data_dir / CONNECTIONS)
    opening = Opening(registry, connectors, allowed_exec=installation.settings.allowed_exec)
    versions: dict[str, str] = {}
    with closing(connectors):
        for runtime in registry.runtimes():
            if spec is None or runtime.name == spec.runtime:
                services = [one for one in registry.services() if one.runtime == runtime.name]
                yield from _runtime(opening, runtime, [spec] if spec else services, spec, versions)
    yield from kubectl(installation.settings.kubectl, versions)


def _provider(installation: Installation) -> Iterator[Finding]:
    """Ask the provider that people sign in with, where one is registered, for what it says of itself."""
    from opsmodal.oidc import Client, ProviderAway

    spec = installation.registry.oidc()
    if spec is None:
        return
    subject = f"OpenID provider {spec.issuer}"
    ca = installation.registry.credential("oidc", "oidc", "caFile") if spec.ca_file else None
    try:
        facts = dict(Client.made(spec, ca=ca or "").facts())
    except ProviderAway as problem:
        yield Finding(ok=False, subject=subject, sentence=problem.sentence, hint=problem.hint)
        return
    yield Finding(ok=True, subject=subject, sentence=f"It answers and signs with {facts['Signs with']}.")


def _runtime(
    opening: Opening,
    runtime: RuntimeSpec,
    services: Sequence[ServiceSpec],
    spec: ServiceSpec | None,
    versions: dict[str, str],
) -> Iterator[Finding]:
    """Reach a runtime over each of its connections; what is wrong behind all of them is told once."""
    from opsmodal.cli.proxy import proxy

    told: dict[str, Finding] = {}
    for way in runtime.ways():
        finding, opened = _reached(opening, runtime, way, spec)
        yield finding
        if opened is None:
            continue
        try:
            if runtime.kind == "kubernetes":
                versions[runtime.name] = opened.runtime.identity.version
            told = told or {
                each.sentence: each for each in (*behind(opened.runtime, services), *proxy(opened.runtime, runtime))
            }
        finally:
            opened.runtime.close()
            opened.connection.close()
    yield from told.values()


def behind(runtime: Runtime, services: Sequence[ServiceSpec]) -> Iterator[Finding]:
    """Tell what is not as it should be behind a connection that works."""
    from runtimes.errors import RuntimeProblem

    subject = f"{runtime.kind} {runtime.name}"
    for name, value in runtime.identity.detail:
        if name in NOTES:
            yield Finding(ok=False, warning=True, subject=subject, sentence=sentence_of(value), hint=NOTES[name])
    for (namespace, _), service in {(one.namespace, one.service_account): one for one in services}.items():
        try:
            lacks = runtime.lacks(service.scope()) if runtime.lacks else ()
        except RuntimeProblem as problem:
            yield Finding(ok=False, warning=True, subject=subject, sentence=problem.sentence, hint=problem.hint)
            return
        for lack in lacks:
            where = f"{subject} in {namespace}"
            yield Finding(ok=False, warning=True, subject=where, sentence=lack.sentence, hint=lack.hint)


def sentence_of(words: str) -> str:
    """Make words of an identity a sentence."""
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def _reached(
    opening: Opening, runtime: RuntimeSpec, way: AnyConnection, service: ServiceSpec | None
) -> tuple[Finding, Opened | None]:
    """Try one connection, and open a runtime over it; give what came of it, and it, to be closed, where it works."""
    from connectors.errors import ConnectionProblem
    from runtimes.errors import RuntimeProblem

    subject = f"{runtime.kind} {runtime.name} over {way.name} ({way.kind})"
    try:
        connection = opening.connect(runtime, way)
    except ConnectionProblem as problem:
        return Finding(ok=False, subject=subject, sentence=problem.sentence, hint=problem.hint), None
    probe = opening.probe(runtime, connection, timeout_s=PROBE_S)
    try:
        if not probe.ok:
            connection.close()
            return Finding(ok=False, subject=subject, sentence=probe.sentence, hint=advice(probe)), None
        it = opening.over(runtime, way, connection)
        try:
            it.runtime.check()
            seen = f", {len(it.runtime.instances.list(service.scope()).items)} instances seen" if service else ""
        except BaseException:
            it.runtime.close()
            raise
    except (RuntimeProblem, ConnectionProblem) as problem:
        connection.close()
        return Finding(ok=False, subject=subject, sentence=problem.sentence, hint=problem.hint), None
    identity, facts = it.runtime.identity, connection.standing().facts
    sentence = f"{identity.program} {identity.version}, answers in {spoken_ms(probe.latency_ms)}{seen}."
    return Finding(
        ok=True, subject=subject, sentence=sentence, hint=", ".join(f"{key} {text}" for key, text in facts)
    ), it


def advice(probe: Probe) -> str:
    """Say what to do about a way that does not carry; how to compare a host key that nobody has trusted yet."""
    from connectors.errors import HostKeyUnknown
    from opsmodal.shown_key import shown_key

    if isinstance(probe.problem, HostKeyUnknown):
        return f"{shown_key(probe.problem).advice} Then trust it on the page of the runtime."
    return probe.hint


def spoken_ms(latency_ms: float | None) -> str:
    """Say a time of a round trip as the page does."""
    return "less than 1 ms" if latency_ms is None or latency_ms < 1 else f"{latency_ms:.0f} ms"
