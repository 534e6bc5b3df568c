"""Where an engine was reached, for all that talks to it beside its plain requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runtimes.engine.problems import Place
from runtimes.engine.tls import KeyFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialled:
    """Where an engine was reached: for what its Docker-compatible API does not show."""

    address: str
    files: KeyFiles | None
    place: Place
    timeout_s: float
    tls_name: str = ""
    """What the certificate is checked against where a tunnel ends at another address than the registered one."""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path of the Unix socket to dial; "" for TCP."""
        return self.address.removeprefix("unix://") if self.address.startswith("unix://") else ""
