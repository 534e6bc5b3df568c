"""The audit page over a million rows: its first screen, its filters, its next page; and checking all of the chain."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from tests.bench.killed import verified
from tests.bench.many_rows import RARE
from tests.bench.measure import Figure, Promise, percentile
from tests.bench.served import REGISTRY, Served, served, told
from tests.bench.sizes import Size

PAGE_MS = 100.0
FILL_S = 300.0
LOOKS: Mapping[str, str] = {
    "first screen": "",
    "second screen": "cursor={}",
    "of one service": "service=shop-3",
    "of one person": "actor=user1",
    "refusals": "verdict=refuse",
    "since a day": "since=1d",
    "with a frequent text": "search=web",
    "with a rare text": f"search={RARE}",
    "with two texts that nobody wrote": "search=neither+nor",
}
VERIFY_S = 60.0


def page(size: Size) -> Iterator[Figure]:
    """Fill the log, ask for each look in turn, and check the chain."""

    def fill(data: object) -> None:
        told("tests.bench.many_rows", data=str(data), rows=size.audit_rows, within_s=FILL_S)

    with_ = f"SQLite, {size.audit_rows:,} rows, HTML, a hundred entries, one after the other"
    with served(REGISTRY, collecting=False, prepare=fill) as server:
        for name, query in LOOKS.items():
            took_ms = _took_ms(server, f"/audit?{query.format(size.audit_rows - 200)}", size.requests)
            yield Figure(
                name=f"audit page, {name}, p50",
                ours=percentile(took_ms, 50),
                unit="ms",
                promise=Promise(at_most=PAGE_MS),
                count=len(took_ms),
                with_=with_,
                note="A look for a text goes back 100,000 rows; “Older” goes on." if name == "with a rare text" else "",
            )
        server.daemon.stop()
        began = time.perf_counter()
        broken, said = verified(server)
        if broken:
            raise RuntimeError(said)
        yield Figure(
            name="`opsmodal audit verify` of the whole log",
            ours=time.perf_counter() - began,
            unit="s",
            promise=Promise(at_most=VERIFY_S),
            with_=f"SQLite, {size.audit_rows:,} rows, the command with its start",
        )


def _took_ms(server: Served, path: str, count: int) -> list[float]:
    """Ask so often, after once that is not counted."""
    return [server.timed_s(path, accept="text/html") * 1000 for _ in range(count + 1)][1:]
