"""Versions of ConfigMaps and Secrets: kept sealed, bounded, found again by their place and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from opsmodal import versions
from opsmodal.errors import NotThere
from opsmodal.registry import entries
from opsmodal.store import Store, Vault
from opsmodal.store.errors import WrongKey
from opsmodal.store.tables import ConfigVersionRow, RuntimeEntry
from opsmodal.store.vault import new_key
from opsmodal.versions import By, Content, Place, Versions

HERE = Place(runtime="demo", namespace="shop", holder="secrets", name="db")
AL = By(person="al", service="shop", reason="rotated")
PLANTED = b"xK9-planted-value-77"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def kept(store: Store) -> Versions:
    return Versions(store, Vault(new_key()), now=Clock())


def content(**values: bytes) -> Content:
    return Content(values=values, type="Opaque")


def test_a_version_comes_back_as_it_was(kept: Versions) -> None:
    kept.keep(HERE, content(A=PLANTED, B=b"\xff\x00"), "created", AL)
    (version,) = kept.list(HERE)
    assert (version.person, version.action, version.reason, version.keys) == ("al", "created", "rotated", ("A", "B"))
    assert version.size_bytes == len(PLANTED) + 2
    again, found = kept.get(HERE, version.id)
    assert (again, found.values, found.type) == (version, {"A": PLANTED, "B": b"\xff\x00"}, "Opaque")
    assert "planted" not in repr(found)


def test_nothing_of_a_value_is_in_the_store(kept: Versions, store: Store, tmp_path: Path) -> None:
    kept.keep(HERE, content(A=PLANTED), "saved", AL)
    with store.reading() as session:
        row = session.scalars(select(ConfigVersionRow)).one()
        everything = repr({column.name: getattr(row, column.key) for column in ConfigVersionRow.__table__.columns})
    assert "planted" not in everything


def test_what_was_found_is_kept_once(kept: Versions) -> None:
    for _ in range(2):
        kept.keep(HERE, content(A=b"1"), "found", AL)
    kept.keep(HERE, content(A=b"2"), "saved", AL)
    kept.keep(HERE, content(A=b"2"), "found", AL)
    assert [each.action for each in kept.list(HERE)] == ["saved", "found"]
    kept.keep(HERE, content(A=b"3"), "found", AL)
    assert [each.action for each in kept.list(HERE)] == ["found", "saved", "found"], "somebody else changed it"


@pytest.mark.parametrize("field", ["runtime", "namespace", "holder", "name"])
def test_a_version_is_found_at_its_own_place_only(kept: Versions, field: str) -> None:
    kept.keep(HERE, content(A=b"1"), "saved", AL)
    (version,) = kept.list(HERE)
    places = {each: getattr(HERE, each) for each in ("runtime", "namespace", "holder", "name")}
    elsewhere = Place(**{**places, field: "other"})
    assert kept.list(elsewhere) == ()
    with pytest.raises(NotThere):
        kept.get(elsewhere, version.id)


def test_a_sealed_text_that_was_moved_to_another_version_does_not_open(kept: Versions, store: Store) -> None:
    kept.keep(HERE, content(A=b"1"), "saved", AL)
    kept.keep(HERE, content(A=b"2"), "saved", AL)
    newer, older = kept.list(HERE)
    with store.session() as session:
        sealed = session.get_one(ConfigVersionRow, newer.id).sealed
        session.execute(update(ConfigVersionRow).where(ConfigVersionRow.id == older.id).values(sealed=sealed))
    with pytest.raises(WrongKey):
        kept.get(HERE, older.id)


def test_old_versions_go(kept: Versions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "VERSIONS_MAX", 3)
    for number in range(5):
        kept.keep(HERE, content(A=b"%d" % number), "saved", AL)
    assert [kept.get(HERE, each.id)[1].values["A"] for each in kept.list(HERE)] == [b"4", b"3", b"2"]


def test_a_namespace_takes_only_so_much(kept: Versions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "NAMESPACE_MAX_BYTES", 1_000)
    for name in ("a", "b", "c", "d"):
        place = Place(runtime="demo", namespace="shop", holder="secrets", name=name)
        kept.keep(place, content(A=bytes(range(256))), "saved", AL)
        assert kept.list(place), "the newest stays"
    assert not kept.list(Place(runtime="demo", namespace="shop", holder="secrets", name="a"))


def test_what_was_deleted_is_told_of_until_it_is_made_again(kept: Versions) -> None:
    kept.keep(HERE, content(A=b"1"), "saved", AL)
    assert kept.deleted("demo", "shop") == ()
    kept.keep(HERE, content(A=b"1"), "deleted", AL)
    assert [each.name for each in kept.deleted("demo", "shop")] == ["db"]
    assert kept.deleted("demo", "other") == ()
    kept.keep(HERE, content(A=b"1"), "restored", AL)
    assert kept.deleted("demo", "shop") == ()


def test_a_fingerprint_tells_values_keys_and_places_apart(kept: Versions) -> None:
    told = kept.fingerprint(HERE, "A", b"1")
    assert told == kept.fingerprint(HERE, "A", b"1")
    elsewhere = Place(runtime="demo", namespace="shop", holder="secrets", name="other")
    others = (
        kept.fingerprint(HERE, "A", b"2"),
        kept.fingerprint(HERE, "B", b"1"),
        kept.fingerprint(elsewhere, "A", b"1"),
    )
    assert told not in others


def test_with_its_runtime_a_version_goes(kept: Versions, store: Store) -> None:
    kept.keep(HERE, content(A=b"1"), "saved", AL)
    with store.session() as session:
        session.add(
            RuntimeEntry(
                name="demo", spec={}, position=1, updated_at=datetime(2026, 11, 21, tzinfo=UTC), updated_by="al"
            )
        )
        session.flush()
        entries.remove(session, "runtimes", "demo")
    assert kept.list(HERE) == ()
