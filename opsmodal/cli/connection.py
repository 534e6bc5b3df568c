"""`connection`: what helps to register a way. It prints; nothing is registered and nothing is dialled."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from opsmodal.cli.wording import note


@click.group()
def connection() -> None:
    """Prepare connections for the registry."""


@connection.command("suggest")
def suggest() -> None:
    """Print Docker contexts and Podman connections of your home as runtimes, to be applied by `opsmodal apply -f`."""
    import yaml

    from opsmodal.contexts import suggestions

    entries = []
    for found in suggestions(Path.home()):
        for each in (found.problem, *found.notes):
            if each:
                note(f"{found.source}: {each}")
        if found.entry:
            entries.append(_with_paths(found.entry, found.files))
    if not entries:
        note("No Docker context and no Podman connection leads to an engine.")
        return
    document = {"apiVersion": "opsmodal/v1", "runtimes": entries}
    click.echo(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), nl=False)


def _with_paths(entry: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """Name the files of an entry by their whole paths: `apply` reads them where it stands."""
    made = copy.deepcopy(dict(entry))
    for field, path in files.items():
        section, *_, key = field.split(".")
        holder = made[section] if section == "tls" else made[section][0]
        holder[key] = {"file": path}
    return made


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
