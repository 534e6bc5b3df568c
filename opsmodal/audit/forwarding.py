"""Forwards the audit log to every target of the settings, and says how far each has got.

Each target has a thread of its own, so that one that hangs holds up no other, and no action ever. Of several workers
one forwards: whoever has the audit duty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from opsmodal.audit.duty import Duty
from opsmodal.audit.forwarder import Forwarder, together
from opsmodal.audit.positions import Positions
from opsmodal.audit.reading import AuditLog
from opsmodal.audit.targets import Address, Target, checked
from opsmodal.audit.to_file import ToFile
from opsmodal.audit.to_syslog import ToSyslog, ToSyslogStream
from opsmodal.audit.to_webhook import ToWebhook
from opsmodal.settings import Settings
from opsmodal.store.errors import StoreProblem
from opsmodal.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """How far a target has got. `behind` counts the numbers of rows that it has not taken yet.

    `taken_at` is when it took the last ones, None before the first. `trouble` says why the last try failed, where this
    worker forwards. Without `confirms`, “taken” means sent.
    """

    target: str
    row_id: int
    behind: int
    taken_at: datetime | None
    confirms: bool
    trouble: str


class Forwarding:
    """The targets of one worker."""

    def __init__(self, store: Store, settings: Settings, duty: Duty) -> None:
        self._audit, self._positions = AuditLog(store), Positions(store)
        self._forwarders = tuple(
            Forwarder(
                opened(checked(address), settings),
                self._audit,
                self._positions,
                may=lambda: duty.is_here,
                heads_every_s=settings.audit_heads_every_s,
            )
            for address in settings.audit_forward
        )

    def start(self) -> None:
        """Begin."""
        for each in self._forwarders:
            each.start()

    def close(self) -> None:
        """End. What was not taken is sent after the next start. May be called twice."""
        together(self._forwarders)

    def state(self) -> tuple[Forwarded, ...]:
        """Say how far each target has got. Raise StoreProblem."""
        if not self._forwarders:
            return ()
        head, positions = self._audit.head(), self._positions.all()
        last = head.id if head else 0
        found = []
        for each in self._forwarders:
            position = positions.get(each.name)
            row_id = position.row_id if position else 0
            found.append(
                Forwarded(
                    target=each.name,
                    row_id=row_id,
                    behind=max(0, last - row_id),
                    taken_at=position.at if position else None,
                    confirms=each.confirms,
                    trouble=each.trouble,
                )
            )
        return tuple(found)


def opened(address: Address, settings: Settings) -> Target:
    """Make the target of an address; it connects with the first batch."""
    if address.kind == "file":
        return ToFile(address)
    if address.kind == "webhook":
        return ToWebhook(address, token=settings.audit_forward_token, ca_file=settings.audit_forward_ca_file)
    if address.kind in ("syslog+tcp", "syslog+tls"):
        return ToSyslogStream(address, ca_file=settings.audit_forward_ca_file)
    return ToSyslog(address)


class ForwardingFigures(Collector):
    """How far behind each target is, for Prometheus. The targets are those of the settings: few, and fixed."""

    def __init__(self, forwarding: Forwarding) -> None:
        self._forwarding = forwarding

    def describe(self) -> Iterable[Metric]:
        """Name nothing before it is asked for."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Give the figures; none while the store does not answer."""
        state: Sequence[Forwarded] = ()
        with suppress(StoreProblem, SQLAlchemyError):
            state = self._forwarding.state()
        behind = GaugeMetricFamily(
            "opsmodal_audit_forward_behind_rows", "Audit rows that a target has not taken", labels=["target"]
        )
        idle = GaugeMetricFamily(
            "opsmodal_audit_forward_idle_seconds", "Since a target took the last rows", labels=["target"]
        )
        for each in state:
            behind.add_metric([each.target], each.behind)
            if each.taken_at is not None:
                idle.add_metric([each.target], max(0.0, (datetime.now(UTC) - each.taken_at).total_seconds()))
        yield from (behind, idle)
