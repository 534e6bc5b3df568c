"""What the parts of a simulated cluster share: its memory, its time, its names and its kinds."""

from __future__ import annotations

from dataclasses import dataclass, field

from opsmodal.demo.clock import Clock
from opsmodal.demo.kinds import Catalogue, built_in
from opsmodal.demo.names import Names
from opsmodal.demo.storage import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A simulated cluster without its server and without its life."""

    storage: Storage = field(default_factory=Storage)
    clock: Clock = field(default_factory=Clock)
    names: Names
    catalogue: Catalogue = field(default_factory=built_in)
