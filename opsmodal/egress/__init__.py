"""Asks addresses out in the world for somebody: the only client that goes where data of a cluster says.

A name is resolved once, every address is judged, and only the address that was judged is connected to: there is no
second look-up that could answer otherwise. It never follows a redirect, reads no body, sends nothing that is secret,
and refuses this machine, its links, metadata services, and private networks that no administrator allowed.
"""

from opsmodal.egress.client import Answer, Egress, Shown
from opsmodal.egress.names import Looked
from opsmodal.egress.problems import EgressProblem
from opsmodal.egress.reach import refusal

__all__ = ["Answer", "Egress", "EgressProblem", "Looked", "Shown", "refusal"]
