"""What discovery offers for registration. Part of `runtimes.base`, which is where to import it from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtimes.base import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A service that discovery found. `evidence` says by what: `label app.kubernetes.io/part-of`, `compose project`."""

    name: str
    scope: Scope
    evidence: str
    instances: int
