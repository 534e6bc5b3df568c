"""The Updates facet: containers that are replaced by others with the same settings, one step at a time.

Nothing makes a container again that is gone, so the one that is replaced is kept until its successor has shown that it
runs. Every step is written down before it is done (`Save`): whoever finds an update that nobody carries on any more
reads there how far it came, looks at what is really there, and finishes or undoes it. It refuses to leave none running.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from runtimes.planning import Progress

if TYPE_CHECKING:
    from runtimes.base import Scope
    from runtimes.changes import Change, RedeployAll, SetResources, SetRestartPolicy

Stage = Literal["pulling", "creating", "stopping", "swapping", "starting", "watching", "tidying", "undoing", "over"]
"""The step that is about to be done, in this order; `undoing` may follow each but the last two."""
REVISION_CHARS = 32
VARIABLE = "variable "
"""How the name of a setting begins that is a variable of the environment: its value may be a secret."""
STAYS_UP_S = 10.0
"""How long a container without a health check has to run before it counts as running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """All that makes a container, as its engine told it: enough to make it again when it is gone.

    `image` is the reference that it was made with, `image_id` what that was. `data` is for the runtime that gave it.
    `settings` are the same in words by name, for a person who compares; {} where only `data` was kept. Both hold the
    values of the environment. `container` is the id of the one that it was read of.
    """

    container: str
    image: str
    image_id: str
    data: bytes = field(repr=False)
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One update as it is written down. It holds no setting of the container: the old one has them, and is kept.

    `image` is the reference as it was asked for, `image_id` what that was when it was looked up. `ran`: the old one was
    running, and so is started when the update is undone. `policy` is its restart policy, where that is switched off
    while it is kept. `before` is the id of the one that an earlier update kept. `why` says why it is undone. `exactly`
    is the id of the only image that will do, "" where any of that name does. `cause` and `reason` are what it is, and
    what somebody gave as why, for its revision. `group` names those that one job does in turn.
    """

    id: str
    name: str
    old: str
    image: str
    stage: Stage = "pulling"
    pull: bool = False
    image_id: str = ""
    new: str = ""
    ran: bool = True
    policy: str = ""
    retries: int = 0
    before: str = ""
    stays_up_s: float = STAYS_UP_S
    why: str = ""
    exactly: str = ""
    cause: str = ""
    reason: str = ""
    group: str = ""

    @property
    def kept_as(self) -> str:
        """The name that the old container is kept under."""
        return f"{self.name}-before-{self.id}"

    @property
    def made_as(self) -> str:
        """The name that the new one is made under, before it takes over."""
        return f"{self.name}-next-{self.id}"


Save = Callable[[Update], None]
"""Writes how far an update is, before that step is done. Raises Superseded when somebody else carries it on."""
Telling = Callable[[Progress], None]
"""Told how far it is; raises what is to end it (see `opsmodal.tasks`). After a container was stopped that undoes it."""


def set_revision(olds: Iterable[str]) -> str:
    """Name the containers that are to be replaced together, by their ids."""
    return hashlib.sha256(" ".join(sorted(olds)).encode()).hexdigest()[:REVISION_CHARS]


class Superseded(Exception):
    """Raised by `Save`: another worker has this update now, and this one is to let go of it."""


class Updates(Protocol):
    """Replace containers."""

    def prepare(self, scope: Scope, change: Change) -> Update:
        """Give the update that a change is, looked up and judged, with nothing done. Raise what it is refused with."""
        ...

    def prepare_all(self, scope: Scope, change: RedeployAll) -> tuple[Update, ...]:
        """Give the updates of all containers of a service in their order, as `prepare` does of one."""
        ...

    def spec_after(self, scope: Scope, change: SetResources | SetRestartPolicy, spec: Spec) -> Spec:
        """Give a spec as a change in place has left it, also where the engine does not show that."""
        ...

    def spec(self, scope: Scope, container: str) -> Spec:
        """Give the spec of a container as it is now. Raise Missing, and Conflict where its image is gone."""
        ...

    def carry_on(
        self, scope: Scope, update: Update, save: Save, tell: Telling, *, again: bool = False, spec: Spec | None = None
    ) -> Update:
        """Do an update from its beginning; with `again` find out how far it is, and finish or undo it.

        With a `spec` the new container gets its settings, instead of those of the one that is replaced.
        The service runs the new container or the old one then. Raise Unavailable where the engine stays silent: it is
        carried on later. Raise Superseded, and whatever `tell` raises once it is undone.
        """
        ...
