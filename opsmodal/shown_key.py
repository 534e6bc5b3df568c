"""A host key that a server shows and nobody has trusted yet, and how a person makes sure of it. Pure.

Page, command line and `doctor` put it in the same words. Nothing here trusts anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.errors import HostKeyUnknown

FILES = {"ssh-ed25519": "ed25519", "ssh-rsa": "rsa", "ecdsa": "ecdsa"}
"""What sshd(8) calls its keys on disk, by the beginning of their algorithm."""
ALGORITHM_MAX_CHARS = 64
"""As wide as the table's column: the far side writes what stands there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownKey:
    """A host key as a server shows it; `line` is as in known_hosts, `fingerprint` as ssh-keygen prints it."""

    host: str
    port: int
    algorithm: str
    fingerprint: str
    line: str

    @property
    def where(self) -> str:
        """Name the server."""
        return f"{self.host} port {self.port}"

    @property
    def compare(self) -> str:
        """Give the command that prints the fingerprint on the server itself."""
        name = next((each for start, each in FILES.items() if self.algorithm.startswith(start)), "*")
        return f"ssh-keygen -lf /etc/ssh/ssh_host_{name}_key.pub"

    @property
    def advice(self) -> str:
        """Say how to make sure that this is the right key."""
        return f"Run {self.compare} on {self.host} itself: it must print {self.fingerprint}."


def shown_key(problem: HostKeyUnknown) -> ShownKey:
    """Read the key out of the problem that it is."""
    words = problem.line.split()
    algorithm = words[1] if len(words) > 2 else ""
    return ShownKey(
        host=problem.host,
        port=problem.port,
        algorithm=algorithm[:ALGORITHM_MAX_CHARS],
        fingerprint=problem.fingerprint,
        line=problem.line,
    )
