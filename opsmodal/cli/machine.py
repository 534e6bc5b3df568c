"""What `doctor` looks at on this machine: kubectl, and whether somebody else's packages stand in our place."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

from opsmodal.cli.doctor import Finding

OWN = ("opsmodal", "runtimes", "connectors")
KUBECTL_WAIT_S = 10
SKEW_MAX = 1
"""Kubernetes supports kubectl one minor version older or newer than the server (version skew policy)."""
_MINOR = re.compile(r"v?(\d+)\.(\d+)")


def packages() -> Iterator[Finding]:
    """Tell whether another distribution installs a package under one of our import names."""
    owners = packages_distributions()
    for name in OWN:
        others = sorted(set(owners.get(name, [])) - {"opsmodal"})
        if others:
            sentence = f"{', '.join(others)} installs a package of the same name: which one is used is left to chance."
            yield Finding(ok=False, subject=f"package {name}", sentence=sentence, hint="Use an environment of its own.")
    if all(set(owners.get(name, [])) <= {"opsmodal"} for name in OWN):
        yield Finding(ok=True, subject="packages", sentence="opsmodal, runtimes and connectors are our own.")


def kubectl(program: str, servers: Mapping[str, str]) -> Iterator[Finding]:
    """Tell kubectl's version, how far it is from the clusters', and whether it hands over to another one.

    `servers` are the versions of the clusters by the names of their runtimes. No page needs kubectl yet: what is wrong
    with it is a warning.
    """
    found = shutil.which(program)
    if found is None:
        yield Finding(
            ok=not servers,
            warning=bool(servers),
            subject="kubectl",
            sentence=f"{program} is not installed; typed commands {_on(servers)}will need it.",
            hint="Install kubectl 1.31 or newer, or name it with OPSMODAL_KUBECTL.",
        )
        return
    version = _version(found)
    if not version:
        hint = "Try it by hand: kubectl version --client"
        yield Finding(
            ok=False, warning=True, subject="kubectl", sentence=f"{found} does not tell its version.", hint=hint
        )
        return
    yield Finding(ok=True, subject="kubectl", sentence=f"{found} is {version}.", hint=_handover(found))
    far = {name: server for name, server in servers.items() if _skew(version, server) > SKEW_MAX}
    if far:
        told = ", ".join(f"{name} ({server})" for name, server in far.items())
        sentence = f"{version} is more than {SKEW_MAX} minor version away from {told}."
        hint = "Name a closer one: OPSMODAL_KUBECTL."
        yield Finding(ok=False, warning=True, subject="kubectl", sentence=sentence, hint=hint)


def _on(servers: Mapping[str, str]) -> str:
    return f"on {', '.join(servers)} " if servers else ""


def _version(program: str) -> str:
    argv = [program, "version", "--client", "--output=json"]
    try:
        done = subprocess.run(  # noqa: S603  (the program that the settings name)
            argv, capture_output=True, timeout=KUBECTL_WAIT_S, check=True, stdin=subprocess.DEVNULL
        )
        version = json.loads(done.stdout)["clientVersion"]["gitVersion"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return ""
    return str(version)[:40]


def _handover(program: str) -> str:
    """Some vendors' kubectl is a dispatcher that starts one of its versioned siblings by the server's version."""
    real = Path(program).resolve()
    siblings = sorted(path.name for path in real.parent.glob("kubectl.1.*"))
    if not siblings:
        return ""
    return f"{real} may hand over to {', '.join(siblings[:5])}: name one of them with OPSMODAL_KUBECTL to be sure."


def _skew(client: str, server: str) -> int:
    one, other = _MINOR.match(client), _MINOR.match(server)
    if one is None or other is None or one[1] != other[1]:
        return 0
    return abs(int(one[2]) - int(other[2]))
