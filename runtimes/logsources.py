"""What is special about the logs of a service: which cannot be read, and which are of containers that were replaced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSource:
    """A log that may be asked for by `id`, and what must be known of it.

    `sentence` says why it cannot be read, or (where `readable`) what of it can; "" where there is nothing to say.
    `replaces` is for a container that an update has put aside: "previous" ran before the one that is now called
    `current`, "put-aside" is the new one that did not become well. Both are "" for every other log.
    """

    id: str
    name: str
    driver: str = ""
    readable: bool = True
    sentence: str = ""
    hint: str = ""
    current: str = ""
    replaces: Literal["", "previous", "put-aside"] = ""
    ended_at: datetime | None = None
