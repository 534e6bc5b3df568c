"""`registry-login`: what runtimes sign in to image registries with, from the machine that the installation runs on."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from opsmodal import actions
from opsmodal.cli.opened import at_the_machine, existing, recorded, with_reason, with_settings

if TYPE_CHECKING:
    from opsmodal.settings import Settings

PASSWORD_READ_CHARS = 10_000


@click.group("registry-login")
def registry_login() -> None:
    """List, add and remove logins for image registries."""


@registry_login.command("list")
@click.argument("runtime")
@with_settings
def list_logins(settings: Settings, runtime: str) -> None:
    """List the logins of a RUNTIME, without passwords: registry, user, by whom, when."""
    with existing(settings) as installation:
        for each in installation.registry.logins.known(runtime):
            click.echo(f"{each.host}\t{each.user}\t{each.given_by}\t{each.given_at:%Y-%m-%d %H:%M} UTC")


@registry_login.command("add")
@click.argument("runtime")
@click.argument("registry")
@click.option("--user", required=True, help="As whom to sign in.")
@click.option("--password-stdin", is_flag=True, help="Read the password or token from standard input.")
@with_reason
@with_settings
def add(settings: Settings, runtime: str, registry: str, *, user: str, password_stdin: bool) -> None:
    """Store the login of a RUNTIME for a REGISTRY, in place of the one there is."""
    from opsmodal.operations.registry_logins import checked
    from opsmodal.registry.logins import KnownLogin

    secret = _password(from_stdin=password_stdin)
    with existing(settings) as installation:
        host = checked(installation.registry, runtime, registry, user, secret)
        known = KnownLogin(runtime, host, user, at_the_machine(), datetime.now(UTC))
        with recorded(installation, actions.REGISTRY_LOGIN_PUT, f"runtimes/{runtime} {host}"):
            installation.registry.logins.put(known, secret)
    click.echo(f"Images of {host} are pulled as {user}.")


@registry_login.command("remove")
@click.argument("runtime")
@click.argument("registry")
@with_reason
@with_settings
def remove(settings: Settings, runtime: str, registry: str) -> None:
    """Forget the login of a RUNTIME for a REGISTRY."""
    from runtimes.registries import typed_registry

    host = typed_registry(registry)
    target = f"runtimes/{runtime} {host}"
    with existing(settings) as installation, recorded(installation, actions.REGISTRY_LOGIN_REMOVE, target):
        installation.registry.logins.remove(runtime, host)
    click.echo(f"Images of {host} are pulled without a login.")


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.read(PASSWORD_READ_CHARS).rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("Give the password with --password-stdin, or run this in a terminal.")
    given: str = click.prompt("Password or access token", hide_input=True)
    return given
