"""Find a kubectl that is new enough and is kubectl itself. Runs by itself too: prints the path, or why there is none.

Some vendors put a dispatcher on the PATH, which hands over to an older kubectl when the server is older; it calls
itself a pre-release (`v1.32.4-dispatcher`) and keeps the real ones beside it as `kubectl.1.33`. Uses the standard
library only, because the setup asks it before anything is installed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

OLDEST = (1, 31)
"""`kubectl exec` over WebSockets, which newer API servers expect, is on by default from here."""
ANSWER_S = 20.0
SETTING = "OPSMODAL_KUBECTL"


class NoKubectl(Exception):
    """No usable kubectl; the text says what was looked at and what to do."""


def find_kubectl() -> Path:
    """Give the newest usable kubectl; OPSMODAL_KUBECTL names one and is then the only one looked at."""
    seen: dict[Path, str] = {}
    usable: list[tuple[tuple[int, int], Path]] = []
    for path in _candidates():
        if path not in seen:
            seen[path] = _git_version(path)
            version = release(seen[path])
            if version and version >= OLDEST:
                usable.append((version, path))
    if not usable:
        looked = ", ".join(f"{path} ({version or 'does not answer'})" for path, version in seen.items()) or "nothing"
        raise NoKubectl(f"no kubectl 1.31 or newer; found {looked}. Install one or name it in {SETTING}.")
    return max(usable)[1]


def release(git_version: str) -> tuple[int, int] | None:
    """Read `v1.32.3` or `v1.31.0+k3s1` as (1, 32); None for pre-releases, which is how dispatchers name themselves."""
    match = re.fullmatch(r"v(\d+)\.(\d+)\.\d+(\+.*)?", git_version)
    return (int(match[1]), int(match[2])) if match else None


def _candidates() -> Iterator[Path]:
    if named := os.environ.get(SETTING):
        yield Path(named)
        return
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        here = Path(folder or ".") / "kubectl"
        if os.access(here, os.X_OK):
            real = here.resolve()
            yield real
            yield from sorted(real.parent.glob("kubectl.1.*"))


def _git_version(path: Path) -> str:
    try:
        answer = subprocess.run(
            [path, "version", "--client", "-o", "json"], capture_output=True, timeout=ANSWER_S, check=True
        )
        return str(json.loads(answer.stdout)["clientVersion"]["gitVersion"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        return ""


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{find_kubectl()}\n")
    except NoKubectl as none:
        sys.exit(f"kubectl: {none}")
