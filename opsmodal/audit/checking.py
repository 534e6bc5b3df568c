"""Checks the log of a store against its own signed head and against heads that were noted elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from opsmodal.audit.chain import Verified, verified
from opsmodal.audit.heads import ForgedHead, Signer, noted
from opsmodal.audit.reading import AuditLog
from opsmodal.store.store import Store
from opsmodal.store.vault import Vault


def check(store: Store, vault: Vault, files: Sequence[Path]) -> Verified:
    """Walk every row; what is broken is in the answer, a head that is not ours too. Raise StoreProblem."""
    log, signer = AuditLog(store), Signer(vault)
    head = log.head()
    try:
        heads = signer.demand_ours(each for path in files for each in noted(path))
        if head is not None:
            heads |= signer.demand_ours([head])
    except ForgedHead as forged:
        return Verified(rows=0, last=0, head="", broken=0, sentence=forged.sentence)
    found = verified(log.rows(), heads)
    if found.broken is None and found.rows and head is None:
        sentence = "The store has rows and no signed head: somebody removed it."
        return Verified(rows=found.rows, last=found.last, head=found.head, broken=found.last, sentence=sentence)
    if found.broken is None and head is not None and head.id != found.last:
        sentence = f"Row {found.last} was put in after the signed head, row {head.id}."
        return Verified(rows=found.rows, last=found.last, head=found.head, broken=found.last, sentence=sentence)
    return found
