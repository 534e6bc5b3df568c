"""The open runtimes: one for each runtime and connection, opened when first needed, shared by everyone."""

from opsmodal.choices import AUTO
from opsmodal.fleet.courses import Switched
from opsmodal.fleet.fleet import Fleet
from opsmodal.fleet.glances import GLANCE_THREADS, Glance
from opsmodal.fleet.slots import Figures
from opsmodal.fleet.ways import WayState

__all__ = ["AUTO", "GLANCE_THREADS", "Figures", "Fleet", "Glance", "Switched", "WayState"]
