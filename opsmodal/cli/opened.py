"""What most commands need: the settings, and what they lead to, opened for as long as the command runs."""

from __future__ import annotations

import functools
import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from opsmodal.errors import BadRequest, Rejected

if TYPE_CHECKING:
    from opsmodal.audit import Audit
    from opsmodal.operations.recording import Outcome
    from opsmodal.people import People
    from opsmodal.permissions import Action
    from opsmodal.registry.registry import Registry
    from opsmodal.settings import Settings
    from opsmodal.store import Store, Vault

F = TypeVar("F", bound=Callable[..., Any])
REASON = "opsmodal.reason"
"""Where a command keeps what --reason said."""


class WrongSettings(Exception):
    """The settings hold mistakes: the command was called in a wrong way, so it exits with 2."""

    def __init__(self, rejected: Rejected) -> None:
        super().__init__(str(rejected))
        self.rejected = rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """The open parts of an installation."""

    settings: Settings
    store: Store
    registry: Registry
    people: People
    audit: Audit
    vault: Vault


def with_settings(command: F) -> F:
    """Give a command --data-dir and --database-url, and the settings as its first argument."""

    @click.option("--data-dir", metavar="DIR", help="Where opsmodal keeps its data. [OPSMODAL_DATA_DIR]")
    @click.option("--database-url", metavar="URL", help="SQLite in --data-dir unless given. [OPSMODAL_DATABASE_URL]")
    @functools.wraps(command)
    def wrapped(*args: Any, data_dir: str | None, database_url: str | None, **options: Any) -> Any:
        return command(settings_of(data_dir=data_dir, database_url=database_url), *args, **options)

    return cast(F, wrapped)


def settings_of(**options: object) -> Settings:
    """Read the settings. Raise WrongSettings."""
    from opsmodal.settings import load_settings

    try:
        return load_settings(os.environ, **options)
    except Rejected as rejected:
        raise WrongSettings(rejected) from rejected


@contextmanager
def existing(settings: Settings) -> Iterator[Installation]:
    """Open an installation that is there already, for commands that only read. Raise Unusable where there is none."""
    from opsmodal.store.address import checked, demand_file

    demand_file(checked(settings.store_url))
    with opened(settings) as installation:
        yield installation


@contextmanager
def opened(settings: Settings) -> Iterator[Installation]:
    """Open an installation, making it where there is none, and close it afterwards."""
    from opsmodal.audit import Audit
    from opsmodal.audit.heads import Signer
    from opsmodal.people import People
    from opsmodal.registry.registry import Registry
    from opsmodal.store import open_store, open_vault

    store = open_store(settings.store_url)
    try:
        vault = open_vault(store, data_dir=settings.data_dir, key=settings.key)
        yield Installation(
            settings=settings,
            store=store,
            registry=Registry(store, vault, allowed_exec=settings.allowed_exec),
            people=People(store, idle_s=settings.session_idle_s, life_s=settings.session_life_s),
            audit=Audit(store, Signer(vault)),
            vault=vault,
        )
    finally:
        store.close()


def with_reason(command: F) -> F:
    """Give a command that changes something --reason; `recorded` finds it there."""

    def keep(ctx: click.Context, _option: click.Parameter, value: str) -> None:
        from opsmodal.reasons import checked_reason

        try:
            ctx.meta[REASON] = checked_reason(value)
        except BadRequest as refusal:
            raise click.BadParameter(refusal.sentence) from refusal

    about = "Why; kept in the audit log."
    return click.option("--reason", default="", metavar="TEXT", expose_value=False, callback=keep, help=about)(command)


@contextmanager
def recorded(installation: Installation, action: Action, target: str) -> Iterator[Outcome]:
    """Write the intent of a change before it is made and its outcome after, in the name of the system's user."""
    from opsmodal.audit import Row
    from opsmodal.operations.recording import recorded as written
    from opsmodal.permissions import Actor

    ctx = click.get_current_context(silent=True)
    reason = ctx.meta.get(REASON, "") if ctx else ""
    actor = Actor(name=at_the_machine(), admin=True, via="command line")
    with written(installation.audit, Row(actor=actor, action=action.name, target=target, reason=reason)) as outcome:
        yield outcome


def at_the_machine() -> str:
    """Name who runs this command, as the audit log and the registry's entries do."""
    return f"cli:{_system_user()}"


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
