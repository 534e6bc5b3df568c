"""How the command line speaks: results on standard output, problems and hints on standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from opsmodal.errors import Rejected


def say(sentence: str, hint: str = "") -> None:
    """Say a problem, and what to do about it."""
    click.echo(f"opsmodal: {sentence}", err=True)
    if hint:
        click.echo(f"  {hint}", err=True)


def say_rejected(rejected: Rejected, *, source: str) -> None:
    """Say every problem of an input, each with its place, and then what came of it."""
    for problem in rejected.problems:
        place = ":".join(str(part) for part in (source, problem.line or "") if part)
        field = f"{problem.field}: " if problem.field and source else ""
        click.echo(f"{place}: {field}{problem.sentence}" if place else f"opsmodal: {problem.sentence}", err=True)
        if problem.hint:
            click.echo(f"  {problem.hint}", err=True)
    if source:
        say(rejected.sentence, rejected.hint)


def note(sentence: str) -> None:
    """Say something that is worth knowing and no problem."""
    click.echo(sentence, err=True)
