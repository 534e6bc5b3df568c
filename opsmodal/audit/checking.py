"""Checks the log of a store against its own signed head and against heads that were noted elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from opsmodal.audit.chain import Verified, verified
from opsmodal.audit.heads import ForgedHead, Signer, noted
from opsmodal.audit.positions import Position, Positions
from opsmodal.audit.reading import AuditLog
from opsmodal.store.store import Store
from opsmodal.store.tables import AuditRow
from opsmodal.store.vault import Vault

TELL_ROWS = 10_000
"""Rows between two signs of life: 0.2 s."""


def check(
    store: Store, vault: Vault, files: Sequence[Path], *, tell: Callable[[int, int], None] = lambda *_: None
) -> Verified:
    """Walk every row; what is broken is in the answer, a head that is not ours too. Raise StoreProblem.

    `tell` is given the number of each TELL_ROWS-th row and that of the last one, as signed.
    """
    log, signer = AuditLog(store), Signer(vault)
    # A server may write meanwhile: what is compared with the rows is read before their end is.
    taken = Positions(store).all()
    try:
        heads = signer.demand_ours(each for path in files for each in noted(path))
        head, last = log.end()
        if head is not None:
            heads |= signer.demand_ours([head])
    except ForgedHead as forged:
        return Verified(rows=0, last=0, head="", broken=0, sentence=forged.sentence)
    found = verified(_told(log.rows(until=last), last, tell), heads)
    if found.broken is not None:
        return found
    if found.rows and head is None:
        return replace(found, broken=last, sentence="The store has rows and no signed head: somebody removed it.")
    if head is not None and head.id != last:
        return replace(found, broken=last, sentence=f"Row {last} was put in after the signed head, row {head.id}.")
    return _ahead(found, taken)


def _ahead(found: Verified, taken: Mapping[str, Position]) -> Verified:
    """Look for a target that is said to have taken what was never written: what is written next would not reach it."""
    for target, position in sorted(taken.items()):
        if position.row_id > found.last:
            sentence = f"{target} is said to have taken row {position.row_id}, which was never written."
            return replace(found, broken=position.row_id, sentence=sentence)
    return found


def _told(rows: Iterable[AuditRow], last: int, tell: Callable[[int, int], None]) -> Iterator[AuditRow]:
    for count, row in enumerate(rows):
        if count % TELL_ROWS == 0:
            tell(row.id, last)
        yield row
