"""Keeps what the Metrics API said of a namespace, and renews it behind the back of those who look.

The Metrics API measures every 15 s and takes its time to answer; lists are looked at all the time. So only the first
reader of a namespace waits for it. It refuses to give figures older than OLD_S, and to keep any that nobody asks for.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.figures import metrics
from runtimes.kubernetes.figures.metrics import Figures

FRESH_S = 10.0
FAILED_S = 3.0
"""How soon a Metrics API that did not answer is asked again."""
OLD_S = 60.0
"""Older figures are not shown while new ones are fetched: the reader waits."""
FIRST_MAX_S = 0.25
"""How long a reader waits for the first figures: a list without them beats no list. What comes later is news."""
LATE = "The Metrics API has not answered yet."
JOIN_MAX_S = 15.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Kept:
    figures: Figures = field(default_factory=Figures)
    read_at: float | None = None
    due_at: float = 0.0
    asked_at: float = 0.0
    watchers: int = 0

    @property
    def wanted(self) -> bool:
        """Whether somebody watches, or has asked since they were read."""
        return self.watchers > 0 or self.read_at is None or self.asked_at > self.read_at


class RecentFigures:
    """The latest figures by namespace. Safe to use from several threads.

    `tell` is called with a namespace that has new figures, in the thread that fetched them.
    """

    def __init__(
        self, client: Client, *, name: str, tell: Callable[[str], None] = lambda _: None, idle_s: float = 120.0
    ) -> None:
        self._client = client
        self._name = name
        self._tell = tell
        self._idle_s = idle_s
        self._news = threading.Condition()
        self._kept: dict[str, _Kept] = {}
        self._thread: threading.Thread | None = None
        self._closed = False

    def want(self, namespace: str) -> None:
        """Have the figures fetched, where there are none or only older ones; waits for nothing."""
        with self._news:
            self._asked(namespace)
            self._renewing()

    def read(self, namespace: str) -> Figures:
        """Give the figures: at once those of the last minute, which are then renewed, else new ones. Never raises."""
        with self._news:
            kept = self._asked(namespace)
            self._renewing()
            if kept.read_at is None or monotonic() - kept.read_at > OLD_S:
                before = kept.read_at
                self._news.wait_for(lambda: kept.read_at != before or self._closed, FIRST_MAX_S)
                if kept.read_at == before:
                    return Figures(problem=LATE)
            return kept.figures

    def known(self, namespace: str) -> Figures:
        """Give the last figures without asking, however old."""
        with self._news:
            kept = self._kept.get(namespace)
            return kept.figures if kept else Figures()

    def watch(self, namespace: str) -> None:
        """Renew the figures from now on, until `leave` is called as often."""
        with self._news:
            self._asked(namespace).watchers += 1
            self._renewing()

    def leave(self, namespace: str) -> None:
        """Somebody watches no longer."""
        with self._news:
            self._asked(namespace).watchers -= 1

    def close(self) -> None:
        """End the renewing. May be called twice."""
        with self._news:
            self._closed = True
            self._news.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(JOIN_MAX_S)

    def _asked(self, namespace: str) -> _Kept:
        kept = self._kept.setdefault(namespace, _Kept())
        kept.asked_at = monotonic()
        return kept

    def _renewing(self) -> None:
        """See to it that the thread runs, or that it looks what is due."""
        if self._closed or self._thread is not None:
            self._news.notify_all()
            return
        thread = threading.Thread(target=self._run, name=f"figures: {self._name}", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            _log.warning("no thread left to renew figures with", extra={"runtime": self._name})
            return
        self._thread = thread

    def _run(self) -> None:
        try:
            while (due := self._next()) is not None:
                self._fetch(*due)
        except Exception:  # noqa: BLE001  the top of a thread: the next reader starts another
            _log.exception("renewing figures failed", extra={"runtime": self._name})
        finally:
            with self._news:
                self._thread = None

    def _next(self) -> tuple[str, _Kept] | None:
        """Wait until the figures of a namespace are due; None when nobody wants any."""
        with self._news:
            while not self._closed:
                self._forget()
                if not self._kept:
                    return None
                wanted = {name: kept for name, kept in self._kept.items() if kept.wanted}
                name = min(wanted, key=lambda name: wanted[name].due_at, default="")
                now = monotonic()
                if name and wanted[name].due_at <= now:
                    return name, wanted[name]
                self._news.wait(min(wanted[name].due_at - now, self._idle_s) if name else self._idle_s)
        return None

    def _forget(self) -> None:
        """Give back what nobody has asked for in a while."""
        before = monotonic() - self._idle_s
        for name in [name for name, kept in self._kept.items() if not kept.watchers and kept.asked_at <= before]:
            del self._kept[name]

    def _fetch(self, namespace: str, kept: _Kept) -> None:
        figures = metrics.read(self._client, namespace)
        with self._news:
            news, kept.figures = figures != kept.figures, figures
            kept.read_at = monotonic()
            kept.due_at = kept.read_at + (FAILED_S if figures.problem else FRESH_S)
            self._news.notify_all()
        if news:
            self._tell(namespace)
