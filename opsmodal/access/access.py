"""The leave of one stream to go on: true until the watch says otherwise, and never true again after that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from opsmodal.access.why import NOTHING_MORE, Ended, Needs
from opsmodal.errors import AccessEnded
from opsmodal.explaining import Basis
from opsmodal.people.standing import Stands
from opsmodal.permissions import Action

Tell = Callable[[Ended], None]


def _nothing() -> None:
    """There is no connection to cut."""


class Access:
    """The leave of one stream to go on. Give it back with `release`, or use it in a `with`."""

    def __init__(
        self,
        basis: Basis,
        action: Action,
        *,
        target: str = "",
        needs: Needs = NOTHING_MORE,
        version: int = 0,
        forget: Callable[[Access], None] = lambda _: None,
        demand_sight: Callable[[], None] = _nothing,
        settle: Callable[[], None] = _nothing,
    ) -> None:
        self.settle = settle
        """Waits until all was looked at anew: for who sees that something has changed before the watch does."""
        self._forget = forget
        self._demand_sight = demand_sight
        self.basis = basis
        self.action = action
        self.target = target
        self.needs = needs
        self.version = version
        self.stands: Stands | None = None
        self.ended: Ended | None = None
        self.ended_at = 0.0
        self.changes = 0
        """How often its service, or what its person may do there, has changed."""
        self.tell: Tell = lambda _: None
        self.cut: Callable[[], None] = _nothing

    def attach(self, tell: Tell, cut: Callable[[], None] = _nothing) -> None:
        """Let the watch end a stream: by `tell`, and by `cut` when it has not ended soon after.

        Neither may wait for anything: everybody else is told after it.
        """
        self.tell, self.cut = tell, cut
        if self.ended is not None:  # between the door and here
            tell(self.ended)

    def demand(self) -> None:
        """Raise AccessEnded when the stream must not go on, Unusable when nobody can tell whether it may."""
        if self.ended is not None:
            raise AccessEnded(self.ended.sentence, hint=self.ended.hint, word=self.ended.word)
        self._demand_sight()

    def release(self) -> None:
        """Say that the stream has ended. May be called twice."""
        self._forget(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


Hold = Callable[[], Access]
"""Begin to watch over a stream that is about to open."""
