"""Write the flag table of kubectl from the help of the program that is here, or say how the two differ.

    python -m tests.unit.guard.tables            says what differs
    python -m tests.unit.guard.tables --write    writes opsmodal/guard/tables/kubectl.json

Help tells names, letters and which flags are booleans. Which of the others take no word of their own is asked of the
parser: `kubectl get --help --output` ends with an error before anything is reached, `kubectl delete --help --cascade`
does not. What help hides, and what only newer releases have, stands here by hand with the reason.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from opsmodal.guard.kubectl.tables import TABLES
from opsmodal.guard.kubectl.verbs import VERBS
from tests.engines.kubectl import find_kubectl

ANSWER_S = 20.0
PATHS = tuple(VERBS)
IMPLIED = {"dry-run": "unchanged", "cascade": "background", "validate": "strict"}
"""What pflag puts for these without a value (NoOptDefVal in kubectl's source); no help tells it."""
HELP = {"name": "help", "short": "h", "takes": "bool", "hand": "cobra gives it to every command"}
NEWER_GLOBALS = [
    {"name": "kuberc", "takes": "value", "hand": "from 1.34"},
    {"name": "as-user-extra", "takes": "value", "hand": "from 1.34"},
]
RECORD = {"name": "record", "takes": "bool", "hand": "deprecated, and left out of help"}
BY_HAND: dict[str, list[dict[str, str]]] = {
    **{verb: [RECORD] for verb in ("scale", "label", "annotate", "patch", "set image", "set resources")},
    "autoscale": [
        RECORD,
        {"name": "cpu", "takes": "value", "hand": "from 1.34"},
        {"name": "memory", "takes": "value", "hand": "from 1.34"},
    ],
}
_FLAG = re.compile(r"^ {4}(?:-(?P<short>\w), )?--(?P<name>[\w-]+)=(?P<default>.*):$", re.MULTILINE)


def main() -> None:
    """Write the table, or say what is different."""
    table = generated()
    text = written(table)
    if "--write" in sys.argv[1:]:
        TABLES.joinpath("kubectl.json").write_text(text)
    elif differences := list(missing(table)):
        sys.exit("\n".join(differences))


def generated() -> dict[str, Any]:
    """Read all of the help, and ask the parser."""
    globals_ = [*flags("options"), *NEWER_GLOBALS, HELP]
    with ThreadPoolExecutor(4) as pool:
        verbs = dict(zip(PATHS, pool.map(flags, PATHS), strict=True))
    return {"globals": globals_, "verbs": {path: [*verbs[path], *BY_HAND.get(path, [])] for path in PATHS}}


def flags(path: str, *, probed: bool = True) -> list[dict[str, str]]:
    """Give the flags that a command's help names, each with its letter and, `probed`, how it comes to its value."""
    words = path.split()
    text = answer(words if path == "options" else [*words, "--help"])
    asked = ["get"] if path == "options" else words
    found = []
    for match in _FLAG.finditer(text):
        flag = {"name": match["name"], "short": match["short"] or "", "takes": takes(asked, match, probed)}
        if flag["takes"] == "implied":
            flag["implied"] = IMPLIED[match["name"]]
        found.append({key: value for key, value in flag.items() if value})
    return found


def takes(words: list[str], match: re.Match[str], probed: bool) -> str:
    """Say how a flag comes to its value."""
    if match["default"] in ("true", "false"):
        return "bool"
    if not probed:
        return ""
    said = answer([*words, "--help", f"--{match['name']}"])
    return "value" if "flag needs an argument" in said else "implied"


def answer(words: list[str]) -> str:
    """Run kubectl where it knows no cluster, and give all that it said."""
    environment = {"PATH": os.environ["PATH"], "KUBECONFIG": os.devnull, "HOME": os.devnull}
    ran = subprocess.run(
        [find(), *words], capture_output=True, text=True, timeout=ANSWER_S, env=environment, check=False
    )
    return ran.stdout + ran.stderr


def find() -> Path:
    """Find kubectl once."""
    return _FOUND[0] if _FOUND else _FOUND.append(find_kubectl()) or _FOUND[0]


_FOUND: list[Path] = []


def missing(table: dict[str, Any]) -> Iterator[str]:
    """Say what the installed program has that the table beside the code has not, or has otherwise."""
    kept = json.loads(TABLES.joinpath("kubectl.json").read_text())
    for where, ours, theirs in [
        ("every command", kept["globals"], table["globals"]),
        *((path, kept["verbs"].get(path, []), found) for path, found in table["verbs"].items()),
    ]:
        known = {flag["name"]: flag for flag in ours}
        for flag in theirs:
            mine = {key: value for key, value in known.get(flag["name"], {}).items() if key != "hand"}
            if mine != {key: value for key, value in flag.items() if key != "hand"}:
                yield f"{where}: {flag} is {known.get(flag['name'], 'not there')} in the table"


def written(table: dict[str, Any]) -> str:
    """Give the table as a file with one flag a line, so that a difference can be read."""

    def lines(flags: list[dict[str, str]], indent: str) -> str:
        return "[\n" + ",\n".join(indent + json.dumps(flag) for flag in flags) + f"\n{indent[:-2]}]"

    verbs = ",\n".join(f'    "{path}": {lines(flags, " " * 6)}' for path, flags in table["verbs"].items())
    return f'{{\n  "globals": {lines(table["globals"], " " * 4)},\n  "verbs": {{\n{verbs}\n  }}\n}}\n'


if __name__ == "__main__":
    main()
