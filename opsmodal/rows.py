"""Which rows of a list of instances are on a page: searched, filtered, sorted, cut. Pure.

Works on what the runtime gave, and makes rows only of what is shown: a service may have 5,000 pods, a page has 100.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter

from opsmodal.answers import InstanceRow, counted, instance_row
from opsmodal.listing import ListQuery, Page, SortKey, cut, has_words, sorted_by
from opsmodal.recent import Kept
from runtimes.base import RANK, Instance, Snapshot

BY_NAME = attrgetter("name")
DEFAULT_SORT = "severity"


def page_of(kept: Kept[Snapshot[Instance]], query: ListQuery, now: datetime) -> Page[InstanceRow]:
    """Give the part of a list that is asked for, worst first unless sorted otherwise."""
    snapshot = kept.value
    found = sorted((each for each in snapshot.items if _matches(each, query)), key=BY_NAME)
    ordered = sorted_by(found, query.sort or DEFAULT_SORT, SORTS)
    items, following = cut(ordered, query)
    return Page(
        items=tuple(instance_row(instance, now) for instance in items),
        total=len(ordered),
        next=following,
        as_of=kept.as_of,
        stale=kept.stale or snapshot.stale,
        problem=kept.problem or snapshot.problem,
        counts=counted(snapshot.items),
        notes=tuple(sorted({each.usage.missing_reason for each in found if each.usage.missing_reason})),
    )


def _age(instance: Instance) -> float | None:
    """Rank by age: seconds before now, and the same for those of which only the age is known."""
    if instance.created_at is not None:
        return -instance.created_at.timestamp()
    return None if instance.age_s is None else instance.age_s - time.time()


SORTS: Mapping[str, SortKey] = {
    DEFAULT_SORT: lambda it: RANK[it.severity],
    "name": BY_NAME,
    "status": attrgetter("status"),
    "ready": attrgetter("ready"),
    "restarts": attrgetter("restarts"),
    "age_s": _age,
    "node": attrgetter("node"),
    "image": attrgetter("image"),
    "cpu_cores": attrgetter("usage.cpu_cores"),
    "memory_bytes": attrgetter("usage.memory_bytes"),
    "network_rx_bytes": attrgetter("usage.network_rx_bytes"),
    "network_tx_bytes": attrgetter("usage.network_tx_bytes"),
    "block_read_bytes": attrgetter("usage.block_read_bytes"),
    "block_written_bytes": attrgetter("usage.block_written_bytes"),
}


def _matches(instance: Instance, query: ListQuery) -> bool:
    wanted = query.filters.get("severity")
    if wanted and instance.severity.value not in wanted.split(","):
        return False
    if not query.search:
        return True
    it = instance
    return has_words(f"{it.name} {it.id} {it.status} {it.node} {it.image} {it.reason} {it.pod}", query.search)
