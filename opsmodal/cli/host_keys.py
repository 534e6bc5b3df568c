"""`host-key`: the keys of SSH servers that were trusted by hand, from the machine that the installation runs on.

It asks no question back: whoever types the fingerprint has compared it. Only the key of that fingerprint is trusted,
and only while the server shows it.
"""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from opsmodal import actions
from opsmodal.cli.opened import at_the_machine, existing, recorded, with_reason, with_settings
from opsmodal.errors import NotThere, Problem, Rejected

if TYPE_CHECKING:
    from opsmodal.cli.opened import Installation
    from opsmodal.settings import Settings
    from opsmodal.shown_key import ShownKey

PROBE_S = 10.0
"""As long as opening a runtime may take."""


@click.group("host-key")
def host_key() -> None:
    """List, trust and forget the keys of SSH servers."""


@host_key.command("list")
@with_settings
def list_keys(settings: Settings) -> None:
    """List the keys that were trusted by hand: server, port, algorithm, fingerprint, by whom, when."""
    with existing(settings) as installation:
        for key in installation.registry.state().host_keys:
            when = f"{key.trusted_at:%Y-%m-%d %H:%M} UTC"
            click.echo(f"{key.host}\t{key.port}\t{key.algorithm}\t{key.fingerprint}\t{key.trusted_by}\t{when}")


@host_key.command("trust")
@click.argument("runtime")
@click.argument("connection")
@click.option("--fingerprint", metavar="SHA256:…", help="The one that you have compared; without it, it is shown.")
@with_reason
@with_settings
def trust(settings: Settings, runtime: str, connection: str, fingerprint: str | None) -> None:
    """Show the unknown key of a server on a CONNECTION of a RUNTIME, or trust the one of this fingerprint."""
    from opsmodal.registry.hostkeys import Trusted

    with existing(settings) as installation:
        key = _shown(installation, runtime, connection)
        if fingerprint is None:
            click.echo(f"{key.where} shows {key.algorithm} {key.fingerprint}, which nobody has trusted yet.")
            click.echo(f"{key.advice} Then say so with --fingerprint.")
            return
        if fingerprint != key.fingerprint:
            sentence = f"{key.where} shows another key: {key.fingerprint}."
            raise Rejected("The key was not trusted.", [Problem(field="fingerprint", sentence=sentence)])
        by, now = at_the_machine(), datetime.now(UTC)
        with recorded(installation, actions.HOST_KEY_TRUST, f"runtimes/{runtime}/{connection} {fingerprint}"):
            trusted = Trusted(key.host, key.port, key.algorithm, key.line, key.fingerprint, by, now)
            installation.registry.trust(trusted)
    click.echo(f"The key of {key.where} is trusted: {key.fingerprint}.")


@host_key.command("forget")
@click.argument("host")
@click.option("--port", default=22, show_default=True, help="Of the SSH server.")
@with_reason
@with_settings
def forget(settings: Settings, host: str, port: int) -> None:
    """Forget every key of a HOST that was trusted by hand."""
    with existing(settings) as installation:
        if not installation.registry.host_keys(host, port):
            sentence = f"No key of {host[:80]} port {port} was trusted by hand."
            raise NotThere(sentence, hint="“opsmodal host-key list” shows those that were.")
        with recorded(installation, actions.HOST_KEY_FORGET, f"{host}:{port}"):
            installation.registry.forget_host_keys(host, port)
    click.echo(f"No key of {host} port {port} is trusted by hand any more.")


def _shown(installation: Installation, runtime: str, connection: str) -> ShownKey:
    """Let the server show its key. Raise NotThere when there is none to be trusted."""
    from connectors import Connectors
    from connectors.errors import HostKeyUnknown
    from opsmodal.opening import CONNECTIONS, Opening
    from opsmodal.shown_key import shown_key

    spec = installation.registry.runtime(runtime)
    way = next((each for each in spec.ways() if each.name == connection), None) if spec else None
    if spec is None or way is None:
        raise NotThere(f"There is no connection {connection[:80]!r} of a runtime {runtime[:80]!r}.")
    with closing(Connectors(installation.settings.data_dir / CONNECTIONS)) as connectors:
        opening = Opening(installation.registry, connectors, allowed_exec=installation.settings.allowed_exec)
        with closing(opening.connect(spec, way)) as opened:
            probe = opening.probe(spec, opened, timeout_s=PROBE_S)
    if not isinstance(probe.problem, HostKeyUnknown):
        raise NotThere("No server on this connection shows a key that is unknown.", hint=probe.sentence)
    return shown_key(probe.problem)
