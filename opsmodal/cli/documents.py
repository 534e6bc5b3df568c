"""`apply`, `diff` and `export`: the registry as a document."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opsmodal import actions
from opsmodal.cli.opened import at_the_machine, existing, opened, recorded, with_reason, with_settings
from opsmodal.cli.wording import note, say_rejected
from opsmodal.errors import Rejected

if TYPE_CHECKING:
    from opsmodal.registry.changes import Applied, Change
    from opsmodal.settings import Settings

STANDARD_INPUT = "-"
FAILED = 1
DIFFERS = 1
CANNOT_COMPARE = 2

_FILE = click.option(
    "-f", "--file", "name", required=True, metavar="FILE", help="The document; - reads it from standard input."
)


@click.command()
@_FILE
@with_reason
@with_settings
def apply(settings: Settings, name: str) -> None:
    """Create or replace what a document names: all of it, or nothing.

    What the document does not name stays as it is. Files that it names are read from its own folder.
    """
    from opsmodal.registry.files import Folder

    data, folder = _read(name)
    with opened(settings) as installation, _placed(name), recorded(installation, actions.REGISTRY_CHANGE, _shown(name)):
        applied = installation.registry.apply(data, Folder(folder), by=at_the_machine())
    _tell(applied)
    click.echo(_summary(applied))


@click.command()
@_FILE
@with_settings
def diff(settings: Settings, name: str) -> None:
    """Say what `apply` would change, without changing anything.

    Exits with 0 when nothing would change, 1 when something would, 2 when the two cannot be compared.
    """
    from opsmodal.registry.files import Folder

    data, folder = _read(name)
    with existing(settings) as installation, _placed(name, exit_code=CANNOT_COMPARE):
        applied = installation.registry.diff(data, Folder(folder))
    _tell(applied)
    sys.exit(DIFFERS if applied.differs else 0)


@click.command()
@with_settings
def export(settings: Settings) -> None:
    """Print the registry as a document that `apply` takes again.

    Credentials are named by file and fingerprint; where the file is absent, `apply` keeps the stored one.
    """
    with existing(settings) as installation:
        click.echo(installation.registry.export(), nl=False)


@contextmanager
def _placed(name: str, *, exit_code: int = FAILED) -> Iterator[None]:
    """Say a refused document's problems with its name, and fail."""
    try:
        yield
    except Rejected as rejected:
        say_rejected(rejected, source=_shown(name))
        sys.exit(exit_code)


def _read(name: str) -> tuple[bytes, Path]:
    """Read a document, one byte further than its limit at most; give it with the folder of its files."""
    from opsmodal.registry.tree import DOCUMENT_MAX_BYTES

    if name == STANDARD_INPUT:
        return sys.stdin.buffer.read(DOCUMENT_MAX_BYTES + 1), Path.cwd()
    try:
        with Path(name).open("rb") as file:
            return file.read(DOCUMENT_MAX_BYTES + 1), Path(name).absolute().parent
    except OSError as error:
        raise click.FileError(name, hint=error.strerror or "it cannot be read") from error


def _shown(name: str) -> str:
    return "standard input" if name == STANDARD_INPUT else name


def _tell(applied: Applied) -> None:
    for change in applied.changes:
        if change.action != "unchanged":
            _tell_change(change)
    for warning in applied.warnings:
        note(f"warning: {warning}")


def _tell_change(change: Change) -> None:
    click.echo(f"{change.action} {change.noun} {change.name}")
    for field in change.fields:
        click.echo(f"  {field.path}: {field.old or '(none)'} → {field.new or '(none)'}")


def _summary(applied: Applied) -> str:
    counts = dict.fromkeys(("created", "changed", "unchanged"), 0)
    for change in applied.changes:
        counts[change.action] += 1
    return ", ".join(f"{count} {action}" for action, count in counts.items())
