"""`connection`: what helps to register a way. It prints; nothing is registered and nothing is dialled."""

from __future__ import annotations

from pathlib import Path

import click

from opsmodal.cli.wording import note


@click.group()
def connection() -> None:
    """Prepare connections for the registry."""


@connection.command("import")
@click.argument("host")
@click.option("--config", metavar="FILE", default="~/.ssh/config", show_default=True, help="An ssh_config(5) file.")
def import_(host: str, config: str) -> None:
    """Print the registry entry that goes the way that `ssh HOST` goes, to paste below a runtime's `connections`.

    What would run a program of this machine (ProxyCommand, Match exec) is refused.
    """
    import getpass

    import yaml

    from connectors.ssh.config import Person, imported

    me = Person(name=getpass.getuser(), home=str(Path.home()), is_file=lambda path: Path(path).is_file())
    found = imported(Path(config).expanduser().read_text(errors="replace"), host, person=me)
    for each in found.notes:
        note(each)
    click.echo(yaml.safe_dump([found.entry], sort_keys=False, allow_unicode=True), nl=False)
