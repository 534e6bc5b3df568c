"""`session`: who is signed in, from the machine that the installation runs on. It shows no secret of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from opsmodal import actions
from opsmodal.cli.opened import existing, recorded, with_reason, with_settings
from opsmodal.errors import NotThere

if TYPE_CHECKING:
    from opsmodal.settings import Settings


@click.group()
def session() -> None:
    """List and end the sessions of people who are signed in."""


@session.command("list")
@click.argument("name", metavar="[USER]", required=False)
@with_settings
def list_sessions(settings: Settings, name: str | None) -> None:
    """List sessions: id, user, how they signed in, address, browser, start, last use, end."""
    from opsmodal.operations.carried import browser_of

    with existing(settings) as installation:
        for one in installation.people.sessions(name):
            moments = (("started", one.created_at), ("used", one.seen_at), ("ends", one.ends_at))
            told = "\t".join(f"{word} {at:%Y-%m-%d %H:%M} UTC" for word, at in moments)
            click.echo(
                f"{one.id}\t{one.user.name}\tby {one.how or '-'}\t{one.address or '-'}"
                f"\t{browser_of(one.agent) or '-'}\t{told}"
            )


@session.command("end")
@click.argument("session_id", metavar="[ID]", required=False)
@click.option("--user", "name", metavar="NAME", help="All sessions of this user, and their one-time links.")
@with_reason
@with_settings
def end(settings: Settings, session_id: str | None, name: str | None) -> None:
    """End one session by its id, or all of a user."""
    if (session_id is None) == (name is None):
        raise click.UsageError("Give the id of a session, or --user NAME.")
    with existing(settings) as installation:
        people = installation.people
        if name is not None:
            if people.user(name) is None:
                raise NotThere(f"There is no user {name[:80]!r}.", hint="“opsmodal user list” shows them.")
            with recorded(installation, actions.SESSION_END, f"{name}: all"):
                count = people.end_sessions(name)
            click.echo(f"Ended {count} {'session' if count == 1 else 'sessions'} of {name}.")
            return
        owner = next((one.user.name for one in people.sessions() if one.id == session_id), None)
        if owner is None or session_id is None:
            raise NotThere("There is no such session.", hint="“opsmodal session list” shows them.")
        with recorded(installation, actions.SESSION_END, f"{owner}: {session_id}"):
            people.end_session_of(owner, session_id)
        click.echo(f"Ended the session {session_id} of {owner}.")
