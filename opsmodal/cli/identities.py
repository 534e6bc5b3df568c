"""`user identity`: who somebody is at the provider, from the machine that the installation runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from opsmodal import actions
from opsmodal.cli.opened import Installation, existing, opened, recorded, with_reason, with_settings
from opsmodal.errors import NotThere

if TYPE_CHECKING:
    from opsmodal.settings import Settings


@click.command("identity")
@click.argument("name")
@click.option("--subject", metavar="ID", help="The provider's own id of this person, its claim “sub”.")
@click.option("--issuer", metavar="URL", help="The provider. [the one that is registered]")
@click.option("--remove", is_flag=True, help="Untie it, and end the sessions that it began.")
@with_reason
@with_settings
def identity(settings: Settings, name: str, *, subject: str | None, issuer: str | None, remove: bool) -> None:
    """Tie somebody to their account at the provider, so that it signs them in. Without --subject list what is tied."""
    from opsmodal.people.identities import Identities

    if subject is None:
        if remove:
            raise click.UsageError("--remove needs --subject.")
        _show(settings, name)
        return
    with opened(settings) as installation:
        from_issuer = issuer or _registered(installation)
        known = Identities(installation.store)
        with recorded(installation, actions.USER_IDENTITY, f"{name}: {subject} of {from_issuer}"):
            (known.untie if remove else known.tie)(name, from_issuer, subject)
    click.echo(f"{name} is {'no longer ' if remove else ''}{subject} of {from_issuer}.")


def _show(settings: Settings, name: str) -> None:
    from opsmodal.people.identities import Identities

    with existing(settings) as installation:
        if installation.people.user(name) is None:
            raise NotThere(f"There is no user {name[:80]!r}.", hint="“opsmodal user list” shows them.")
        for one in Identities(installation.store).identities(name):
            click.echo(f"{one.subject}\t{one.issuer}\t{one.created_at:%Y-%m-%d}")


def _registered(installation: Installation) -> str:
    spec = installation.registry.oidc()
    if spec is None:
        raise NotThere("There is no provider in the registry.", hint="Register one under “oidc”, or give --issuer.")
    return spec.issuer
