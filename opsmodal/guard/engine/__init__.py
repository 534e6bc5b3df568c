"""The guard of docker and podman lines: what they name is the service's own containers, or they are refused. Pure.

Two programs, two tables: `podman logs -n` is not `docker logs -n`. What was understood is written anew with full ids in
the place of names, so what runs cannot mean another container than the one that was judged. It allows no terminal, no
new container, no image, no file of the server, and no flag that reaches past the containers that a line names.
"""

from opsmodal.guard.engine.inner import judge_in_container
from opsmodal.guard.engine.lines import judge_engine

__all__ = ["judge_engine", "judge_in_container"]
