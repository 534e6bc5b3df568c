"""Which containers an update has put aside, or made and not yet put in place. They are no replica of anything. Pure."""

from __future__ import annotations

import re

from runtimes.engine.answers import Inspected

KEPT = re.compile(r"(?P<name>.+)-(before|next)-[0-9a-f]{8}")
"""See `runtimes.updates.Update.kept_as` and `made_as`."""


def is_put_aside(container: Inspected) -> bool:
    """Tell whether a container is one of those: by its name, and because it does not run."""
    return bool(KEPT.fullmatch(container.own_name)) and not container.state.running
