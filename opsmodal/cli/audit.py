"""`audit`: check that the log is whole, and write it for others, from the machine that the installation runs on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opsmodal import actions
from opsmodal.cli.opened import existing, recorded, with_reason, with_settings
from opsmodal.cli.wording import note, say

if TYPE_CHECKING:
    from opsmodal.settings import Settings

BROKEN = 1
CLEAR_LINE = "\r\x1b[K"
"""Back to the first column, and nothing stands there any more (ECMA-48)."""


@contextmanager
def progress() -> Iterator[Callable[[int, int], None]]:
    """Give what says how far a walk has come, on one line of a terminal; elsewhere nothing is said."""
    watched = sys.stderr.isatty()

    def tell(number: int, last: int) -> None:
        if watched:
            share = f" ({number * 100 // last} %)" if last else ""
            click.echo(f"{CLEAR_LINE}Row {number} of {last}{share}", err=True, nl=False)

    try:
        yield tell
    finally:
        if watched:
            click.echo(CLEAR_LINE, err=True, nl=False)


@click.group()
def audit() -> None:
    """Check and export the audit log."""


@audit.command("verify")
@click.option("--heads", metavar="FILE", help="A copy of the noted heads that was kept elsewhere.")
@with_settings
def verify(settings: Settings, heads: str | None) -> None:
    """Walk the hash chain; name the first row that was changed, moved, removed or put in.

    Compares with the signed head of the store and with the heads that the server notes in its data folder. Exits with
    1 when anything is broken.
    """
    from opsmodal.audit.checking import check

    paths = [settings.audit_heads, *([Path(heads)] if heads else [])]
    with existing(settings) as installation, progress() as tell:
        found = check(installation.store, installation.vault, paths, tell=tell)
    if found.broken is not None:
        say(found.sentence, f"First broken row: {found.broken}. The {found.rows} rows before it are whole.")
        sys.exit(BROKEN)
    click.echo(f"{found.rows} rows are whole; the last is {found.last}, its hash {found.head}.")


@audit.command("export")
@click.option("--since", default="", metavar="WHEN", help="A moment (RFC 3339) or an age such as 7d. [everything]")
@click.option("--format", "kind", type=click.Choice(("jsonl", "csv")), default="jsonl", show_default=True)
@with_reason
@with_settings
def export(settings: Settings, since: str, kind: str) -> None:
    """Print every row as it stands, oldest first."""
    from datetime import UTC, datetime

    from opsmodal.audit.exporting import FORMATS
    from opsmodal.audit.reading import AuditLog
    from opsmodal.durations import moment

    begin = moment(since, now=datetime.now(UTC))
    write, _ = FORMATS[kind]
    count = -1 if kind == "csv" else 0
    with existing(settings) as installation:
        with recorded(installation, actions.AUDIT_EXPORT, kind):
            pass  # what is taken away is written down before it goes
        for line in write(AuditLog(installation.store).rows(since=begin)):
            sys.stdout.buffer.write(line)
            count += 1
    note(f"{count} rows.")
