"""`user` and `token`: people and what they carry, from the machine that the installation runs on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from opsmodal import actions
from opsmodal.cli.opened import Installation, existing, opened, recorded, with_reason, with_settings
from opsmodal.cli.wording import note
from opsmodal.errors import NotThere, Refusal

if TYPE_CHECKING:
    from opsmodal.settings import Settings

PASSWORD_READ_CHARS = 2000
PERMISSIONS = ("view", "logs", "exec", "manage")
_FROM_STDIN = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@click.group()
def user() -> None:
    """Add, list and disable people."""


@user.command("add")
@click.argument("name")
@click.option("--admin", is_flag=True, help="May do everything: registry, people, audit, every service.")
@click.option("--auditor", is_flag=True, help="May read the audit log, and nothing else.")
@_FROM_STDIN
@with_reason
@with_settings
def add(settings: Settings, name: str, *, admin: bool, auditor: bool, password_stdin: bool) -> None:
    """Add somebody. Without a password they sign in by a link: opsmodal user link NAME."""
    password = _password(from_stdin=password_stdin)
    with opened(settings) as installation, recorded(installation, actions.USER_ADD, name):
        installation.people.add(name, password=password, admin=admin, auditor=auditor)
    flags = ", ".join(word for word, given in (("admin", admin), ("auditor", auditor)) if given)
    click.echo(f"Added {name}{f' ({flags})' if flags else ''}.")
    if password is None:
        note(f"{name} has no password: “opsmodal user password {name}” gives one, “opsmodal user link {name}” a link.")


@user.command("password")
@click.argument("name")
@_FROM_STDIN
@with_reason
@with_settings
def password(settings: Settings, name: str, *, password_stdin: bool) -> None:
    """Give somebody another password, and end their sessions."""
    given = _password(from_stdin=password_stdin)
    if given is None:
        raise click.UsageError("Give the password with --password-stdin, or run this in a terminal.")
    with opened(settings) as installation, recorded(installation, actions.USER_PASSWORD, name):
        installation.people.set_password(name, given)
    click.echo(f"{name} has another password; their sessions have ended.")


@user.command("link")
@click.argument("name")
@click.option("--address", metavar="URL", help="Where the installation is reached. [http:// and the setting bind]")
@with_reason
@with_settings
def link(settings: Settings, name: str, address: str | None) -> None:
    """Print a link to hand to somebody: it signs them in once, within an hour."""
    from opsmodal.people.links import INVITATION, INVITATION_S, invitation_link

    with opened(settings) as installation:
        found = installation.people.user(name)
        if found is None or found.disabled:
            raise NotThere(f"There is no active user {name[:80]!r}.", hint="“opsmodal user list” shows them.")
        with recorded(installation, actions.USER_LINK, name):
            ticket = installation.people.issue_ticket(name, INVITATION_S, purpose=INVITATION)
    click.echo(invitation_link(address or f"http://{settings.bind}", ticket))


@user.command("disable")
@click.argument("name")
@with_reason
@with_settings
def disable(settings: Settings, name: str) -> None:
    """Shut somebody out: sessions and links end, tokens no longer work."""
    with opened(settings) as installation, recorded(installation, actions.USER_DISABLE, name):
        installation.people.disable(name)
    click.echo(f"Disabled {name}.")


@user.command("enable")
@click.argument("name")
@with_reason
@with_settings
def enable(settings: Settings, name: str) -> None:
    """Let somebody in again."""
    with opened(settings) as installation, recorded(installation, actions.USER_ENABLE, name):
        installation.people.enable(name)
    click.echo(f"Enabled {name}.")


@user.command("flags")
@click.argument("name")
@click.option("--admin/--no-admin", default=None, help="May do everything: registry, people, audit, every service.")
@click.option("--auditor/--no-auditor", default=None, help="May read the audit log, and nothing else.")
@with_reason
@with_settings
def flags(settings: Settings, name: str, *, admin: bool | None, auditor: bool | None) -> None:
    """Make somebody an administrator or auditor, or no longer."""
    wanted = {flag: given for flag, given in (("admin", admin), ("auditor", auditor)) if given is not None}
    if not wanted:
        raise click.UsageError("Give --admin, --no-admin, --auditor or --no-auditor.")
    with opened(settings) as installation:
        for flag, given in wanted.items():
            action = actions.USER_GIVE_FLAG if given else actions.USER_TAKE_FLAG
            with recorded(installation, action, f"{name}: {flag}"):
                installation.people.set_flags(name, **{flag: given})
            click.echo(
                f"{name} is {'now' if given else 'no longer'} an {'administrator' if flag == 'admin' else flag}."
            )


@user.command("list")
@with_settings
def list_users(settings: Settings) -> None:
    """List everybody: name, flags, since when."""
    with existing(settings) as installation:
        for one in installation.people.users():
            states = (("admin", one.admin), ("auditor", one.auditor), ("disabled", one.disabled))
            flags = [word for word, given in (*states, ("no password", not one.has_password)) if given]
            click.echo(f"{one.name}\t{', '.join(flags) or '-'}\t{one.created_at:%Y-%m-%d}")


@click.group()
def token() -> None:
    """Create, list and revoke API tokens."""


@token.command("create")
@click.argument("name", metavar="USER")
@click.option("--expires", metavar="SPAN", help="When it stops to work: 12h, 30d. Never unless given.")
@click.option("--service", "services", multiple=True, metavar="NAME", help="Only for this service. May be repeated.")
@click.option(
    "--permission", "permissions", multiple=True, type=click.Choice(PERMISSIONS), help="Only for this. May be repeated."
)
@click.option("--label", default="", help="What it is for.")
@with_reason
@with_settings
def create(
    settings: Settings,
    name: str,
    *,
    expires: str | None,
    services: tuple[str, ...],
    permissions: tuple[str, ...],
    label: str,
) -> None:
    """Create a token and print it, once. It can do what its user can, or less."""
    from opsmodal.permissions import Permission

    lifetime_s = _span_s(expires)
    with opened(settings) as installation:
        for service in services:
            _demand_service(installation, service)
        with recorded(installation, actions.TOKEN_CREATE, name):
            secret = installation.people.new_token(
                name,
                label=label,
                lifetime_s=lifetime_s,
                services=services or None,
                permissions=[Permission(word) for word in permissions] or None,
            ).secret
    click.echo(secret)
    note("This is the only time that the token is shown.")


@token.command("list")
@click.argument("name", metavar="[USER]", required=False)
@with_settings
def list_tokens(settings: Settings, name: str | None) -> None:
    """List tokens: id, user, label, expiry, last use."""
    with existing(settings) as installation:
        for one in installation.people.tokens(name):
            expiry = f"{one.expires_at:%Y-%m-%d %H:%M} UTC" if one.expires_at else "never"
            used = f"{one.last_used_at:%Y-%m-%d %H:%M} UTC" if one.last_used_at else "never"
            click.echo(f"{one.id}\t{one.user.name}\t{one.label or '-'}\texpires {expiry}\tused {used}")


@token.command("revoke")
@click.argument("token_id", metavar="ID")
@with_reason
@with_settings
def revoke(settings: Settings, token_id: str) -> None:
    """End a token by its id."""
    with opened(settings) as installation, recorded(installation, actions.TOKEN_REVOKE, token_id):
        installation.people.revoke_token(token_id)
    click.echo(f"Revoked {token_id}.")


def _password(*, from_stdin: bool) -> str | None:
    if from_stdin:
        given = sys.stdin.read(PASSWORD_READ_CHARS)
        return given.removesuffix("\n").removesuffix("\r")
    if sys.stdin.isatty():
        given = click.prompt("Password (empty for none)", hide_input=True, default="", show_default=False)
        if given:
            click.prompt("Again", hide_input=True, value_proc=lambda again: _same(given, again))
        return given or None
    return None


def _same(given: str, again: str) -> str:
    if given != again:
        raise click.UsageError("The two are not the same.")
    return given


def _span_s(expires: str | None) -> float | None:
    from opsmodal.durations import span_s

    if expires is None:
        return None
    try:
        return span_s(expires)
    except Refusal as refusal:
        raise click.BadParameter(f"{refusal.sentence} {refusal.hint}", param_hint="--expires") from refusal


def _demand_service(installation: Installation, name: str) -> None:
    from opsmodal.registry.shape import closest

    if installation.registry.service(name) is None:
        known = [service.name for service in installation.registry.services()]
        raise NotThere(
            f"There is no service {name[:80]!r}.", hint=closest(name, known) or "“opsmodal export” lists them."
        )
