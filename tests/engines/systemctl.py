"""A systemctl that records how it was called, for hosts without systemd: a script, to be put on the PATH.

It stands for the program alone. What it says of a unit, and with which code it ends, a test puts ready.
"""

from __future__ import annotations

from pathlib import Path

SCRIPT = """\
#!/bin/sh
folder={folder}
for word in "$@"; do printf '%s\\037' "$word"; done >> "$folder/calls"; printf '\\n' >> "$folder/calls"
case " $* " in *" show "*) cat "$folder/shown";; *) cat "$folder/said" >&2; exit "$(cat "$folder/code")";; esac
"""
SHOWN = """\
LoadState=loaded
ExecStart={{ path=/usr/bin/{program} ; argv[]=/usr/bin/{program} run --name={name} --replace --rm -d image ; \
ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }}
"""


class Systemctl:
    """The script in `folder`, which goes before everything else on the PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        program = folder / "systemctl"
        program.write_text(SCRIPT.format(folder=folder))
        program.chmod(0o755)
        self.says("", "")

    def knows(self, program: str, name: str) -> None:
        """Let every unit be one that starts the container of this name with this engine's program."""
        (self.folder / "shown").write_text(SHOWN.format(program=program, name=name))

    def says(self, shown: str, said: str = "", *, code: int = 0) -> None:
        """Put ready what is shown of a unit, and what comes of a change."""
        for file, text in (("shown", shown), ("said", said), ("code", str(code))):
            (self.folder / file).write_text(text)

    @property
    def calls(self) -> list[list[str]]:
        """How it was called, in order; those that only show something left out."""
        file = self.folder / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        calls = [line.split("\037")[:-1] for line in lines]
        return [call for call in calls if "show" not in call]
