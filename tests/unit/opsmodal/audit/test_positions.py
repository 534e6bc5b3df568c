"""Where each target has got to is kept by either database, and moves forward only."""

from __future__ import annotations

from pathlib import Path

from opsmodal.audit import Audit, Row
from opsmodal.audit.forwarder import Forwarder
from opsmodal.audit.heads import Signer
from opsmodal.audit.positions import Positions
from opsmodal.audit.reading import AuditLog
from opsmodal.audit.targets import checked
from opsmodal.audit.to_file import ToFile
from opsmodal.permissions import Actor
from opsmodal.store import Store, Vault
from tests.unit.opsmodal.audit.receivers import until


def test_a_position_never_moves_back_but_can_be_taken_away(store: Store) -> None:
    positions = Positions(store)
    assert positions.of("file:/a") == 0
    for number in (5, 9, 3):
        positions.move("file:/a", number)
    positions.move("file:/b", 1)
    assert {name: position.row_id for name, position in positions.all().items()} == {"file:/a": 9, "file:/b": 1}
    positions.put_back("file:/a")
    positions.put_back("file:/a")
    assert positions.of("file:/a") == 0


def test_rows_are_forwarded_from_either_database(store: Store, vault: Vault, tmp_path: Path) -> None:
    path, audit, positions = tmp_path / "audit.jsonl", Audit(store, Signer(vault)), Positions(store)
    for _ in range(3):
        audit.event(Row(actor=Actor(name="alice"), action="sign-in"), outcome="done")
    made = Forwarder(ToFile(checked(f"file:{path}")), AuditLog(store), positions, may=lambda: True, heads_every_s=3600)
    made.start()
    until(lambda: positions.of(made.name) == 6, "all rows are taken")
    made.close()
    made.join()
    assert len([line for line in path.read_bytes().splitlines() if b'"head"' not in line]) == 6
