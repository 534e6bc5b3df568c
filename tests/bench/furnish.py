"""Make an installation for a benchmark: a registry, people who may do everything, a token for each."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from opsmodal.cli.opened import opened
from opsmodal.registry.files import Folder
from opsmodal.settings import Settings

PEOPLE = 20
"""One person may hold 100 sockets; a thousand pages are those of several people."""
TICKET_S = 1800


def main() -> None:
    """Read what is wanted from the standard input; print the tokens and a ticket that signs in once."""
    wanted = json.load(sys.stdin)
    with opened(Settings(data_dir=Path(wanted["data"]))) as installation:
        names = [f"person{number}" for number in range(PEOPLE)]
        for name in names:
            installation.people.add(name, password=None, admin=True)
        installation.registry.apply(json.dumps(wanted["document"]).encode(), Folder(Path(wanted["folder"])))
        tokens = [installation.people.new_token(name).secret for name in names]
        ticket = installation.people.issue_ticket(names[0], TICKET_S)
    sys.stdout.write(json.dumps({"tokens": tokens, "ticket": ticket}))


if __name__ == "__main__":
    main()
