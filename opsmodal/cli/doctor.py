"""`doctor`: reaches every runtime over every connection, and says what works, what does not, and what to do."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from opsmodal.cli.opened import Installation, existing, with_settings

if TYPE_CHECKING:
    from opsmodal.opening import Opening
    from opsmodal.registry.schema import AnyConnection, RuntimeSpec, ServiceSpec
    from opsmodal.settings import Settings

BROKEN = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    ok: bool
    subject: str
    sentence: str
    hint: str = ""


@click.command()
@click.argument("service", required=False)
@with_settings
def doctor(settings: Settings, service: str | None) -> None:
    """Reach every runtime over every connection, or only those of one SERVICE.

    Exits with 1 when something is broken.
    """
    with existing(settings) as installation:
        findings = list(_told(_findings(installation, service)))
    broken = sum(1 for finding in findings if not finding.ok)
    click.echo(f"{len(findings) - broken} fine, {broken} broken")
    sys.exit(BROKEN if broken else 0)


def _told(findings: Iterator[Finding]) -> Iterator[Finding]:
    for finding in findings:
        click.echo(f"{'ok    ' if finding.ok else 'BROKEN'} {finding.subject}: {finding.sentence}")
        if finding.hint:
            click.echo(f"       {finding.hint}")
        yield finding


def _findings(installation: Installation, service: str | None) -> Iterator[Finding]:
    from opsmodal.cli.machine import kubectl, packages
    from opsmodal.errors import NotThere
    from opsmodal.opening import Opening
    from opsmodal.registry.shape import closest

    registry = installation.registry
    spec = registry.service(service) if service else None
    if service and spec is None:
        known = [one.name for one in registry.services()]
        raise NotThere(f"There is no service {service[:80]!r}.", hint=closest(service, known))
    yield Finding(ok=True, subject="store", sentence=f"{installation.store.engine.dialect.name}, tables up to date.")
    yield from packages()
    runtimes = [one for one in registry.runtimes() if spec is None or one.name == spec.runtime]
    opening = Opening(registry, allowed_exec=installation.settings.allowed_exec)
    versions = []
    for runtime in runtimes:
        for way in runtime.ways():
            finding, version = _reached(opening, runtime, way, spec)
            yield finding
            versions += [version] if runtime.kind == "kubernetes" and version else []
    yield from kubectl(installation.settings.kubectl, versions)


def _reached(
    opening: Opening, runtime: RuntimeSpec, way: AnyConnection, service: ServiceSpec | None
) -> tuple[Finding, str]:
    """Open a runtime over one connection alone; give what came of it, and the version that answered."""
    import msgspec

    from connectors.errors import ConnectionProblem
    from runtimes.errors import RuntimeProblem

    subject = f"{runtime.kind} {runtime.name} over {way.name} ({way.kind})"
    started = time.monotonic()
    try:
        it = opening.open_spec(msgspec.structs.replace(runtime, connections=(way,)))
        try:
            it.runtime.check()
            seen = f", {len(it.runtime.instances.list(service.scope()).items)} instances seen" if service else ""
        finally:
            it.runtime.close()
            it.connection.close()
    except (RuntimeProblem, ConnectionProblem) as problem:
        return Finding(ok=False, subject=subject, sentence=problem.sentence, hint=problem.hint), ""
    took_ms = int((time.monotonic() - started) * 1000)
    identity = it.runtime.identity
    sentence = f"{identity.program} {identity.version}, {took_ms} ms{seen}."
    return Finding(ok=True, subject=subject, sentence=sentence), identity.version
