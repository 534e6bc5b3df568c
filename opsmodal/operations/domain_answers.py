"""The values that the Domains tab hands to the page and to the API, and how its rows are searched and sorted. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from opsmodal.answers import counted
from opsmodal.listing import ListQuery, Page, SortKey, part_of
from opsmodal.recent import Kept
from runtimes.base import RANK, Severity
from runtimes.domains import DomainChoices, DomainList, DomainRow, Proxying, Setup

SOON = timedelta(days=21)
"""A certificate of 90 days is renewed when a third is left; one that has less than three weeks was not."""
SORTS: Mapping[str, SortKey] = {
    "host": lambda row: (row.host, row.path),
    "target": lambda row: (row.target, row.port),
    "object": lambda row: (row.object, row.host),
    "class": lambda row: row.class_name,
    "expiry": lambda row: row.certificate_not_after,
    "ready": lambda row: row.ready,
    "state": lambda row: (RANK[row.severity], row.host, row.path),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainAnswer:
    """One host and path. `target` is the Service (or container) and `port` its number or name.

    `ready` counts what of the target is ready, None where that is not known; `problems` are what the runtime itself
    knows to be wrong. `fixed` is why the row is not changed here. `address` is what a browser would be sent to.
    `proxying` is what a proxy does beside leading on, `upstream` where it finds the target, `moved` that the target is
    elsewhere by now; `listen_port` is where it answers, 0 at the usual port.
    """

    id: str
    kind: str
    object: str
    host: str
    path: str
    path_type: str
    target: str
    port: str
    class_name: str
    tls: bool
    tls_secret: str
    certificate_not_after: datetime | None
    certificate_names: tuple[str, ...]
    ready: int | None
    entries: tuple[str, ...]
    problems: tuple[str, ...]
    severity: Severity
    managed_by: str
    editable: bool
    fixed: str
    revision: str
    address: str
    proxying: Proxying
    upstream: str
    moved: bool
    listen_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainsAnswer(Page[DomainAnswer]):
    """The rows of a service, and what new ones can be made of, for who may change them.

    `setup` is what is missing before there can be any; `others` are hosts and paths of the same proxy that are no
    service's here, for who may change something.
    """

    choices: DomainChoices
    may_change: bool = False
    setup: Setup | None = None
    others: tuple[str, ...] = ()


def domain_answer(row: DomainRow, now: datetime) -> DomainAnswer:
    """Make the answer of a row."""
    return DomainAnswer(
        id=row.id,
        kind=row.kind,
        object=row.object,
        host=row.host,
        path=row.path,
        path_type=row.path_type,
        target=row.backend,
        port=row.port,
        class_name=row.class_name,
        tls=row.tls,
        tls_secret=row.tls_secret,
        certificate_not_after=row.certificate_not_after,
        certificate_names=row.certificate_names,
        ready=row.ready,
        entries=row.entries,
        problems=row.problems,
        severity=_severity(row, now),
        managed_by=row.managed_by,
        editable=row.editable,
        fixed=row.fixed,
        revision=row.revision,
        address=_address(row),
        proxying=row.proxying,
        upstream=row.address,
        moved=row.moved,
        listen_port=row.listen_port,
    )


def _severity(row: DomainRow, now: datetime) -> Severity:
    if row.problems:
        return Severity.ERROR
    ends = row.certificate_not_after
    return Severity.PROGRESS if ends is not None and ends - now < SOON else Severity.OK


def _address(row: DomainRow) -> str:
    """Give what a browser would open, "" for a host that stands for many."""
    if "*" in row.host:
        return ""
    path = row.path if row.path_type in ("Prefix", "Exact") else "/"
    port = f":{row.listen_port}" if row.listen_port else ""
    return f"http{'s' if row.tls else ''}://{row.host}{port}{path}"


def page_of(kept: Kept[DomainList], query: ListQuery, now: datetime, *, may_change: bool) -> DomainsAnswer:
    """Search, sort and cut; what is in trouble comes first unless it is sorted otherwise."""
    rows = [domain_answer(row, now) for row in kept.value.items]
    part = part_of(rows, query, SORTS, first="state", text=_text)
    return DomainsAnswer(
        items=part.items,
        total=part.total,
        next=part.next,
        as_of=kept.as_of,
        stale=kept.stale,
        problem=kept.problem,
        counts=counted(rows),
        notes=kept.value.notes,
        choices=kept.value.choices if may_change else _seen(kept.value.choices),
        may_change=may_change,
        setup=kept.value.setup,
        others=kept.value.others if may_change else (),
    )


def _seen(choices: DomainChoices) -> DomainChoices:
    """Give what there is to choose for who chooses nothing: gateways are the cluster's, Secrets whoever's is there."""
    return DomainChoices(backends=choices.backends, kinds=choices.kinds, any_port=choices.any_port)


def _text(row: DomainAnswer) -> str:
    words = (row.host, row.path, row.target, row.port, row.object, row.class_name, row.tls_secret, *row.problems)
    return " ".join(words)
