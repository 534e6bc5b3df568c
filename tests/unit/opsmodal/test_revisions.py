"""Revisions of containers in the store: the last ten, each once, none readable without the key."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from opsmodal.errors import NotThere
from opsmodal.operations.container_revisions import masked
from opsmodal.revisions import FOUND, FOUND_CHANGED, KEPT_MAX, By, Container, Revisions
from opsmodal.store import Store, Vault
from opsmodal.store.tables import RevisionRow
from opsmodal.store.vault import new_key
from runtimes.planning import Difference, Plan
from runtimes.updates import Spec

WEB = Container(runtime="edge", service="shop", name="web")
OTHER = Container(runtime="edge", service="blog", name="web")


@pytest.fixture
def revisions(store: Store) -> Revisions:
    return Revisions(store, Vault(new_key()))


def spec(number: int, container: str = "c1") -> Spec:
    return Spec(
        container=container,
        image=f"web:{number}",
        image_id=f"sha256:{number}",
        data=f"swordfish {number}".encode(),
        settings={"variable TOKEN": f"swordfish {number}"},
    )


def test_the_last_ten_are_kept_and_opened_by_their_numbers(revisions: Revisions) -> None:
    for number in range(1, 14):
        revisions.keep(WEB, spec(number), By(person="al", cause="another image", reason="r", id=f"u{number}"))
    kept = revisions.list(WEB)
    assert [each.number for each in kept] == list(range(13, 13 - KEPT_MAX, -1))
    assert revisions.get(WEB, 5)[1].data == b"swordfish 5"
    assert revisions.get(WEB, 0)[0].number == 12
    for gone in (1, 14):
        with pytest.raises(NotThere):
            revisions.get(WEB, gone)
    assert revisions.list(OTHER) == ()
    with pytest.raises(NotThere):
        revisions.get(OTHER, 5)
    assert revisions.newest("edge", "shop") == {"web": 13}


def test_what_an_update_made_is_kept_once_and_what_is_found_only_where_it_is_new(revisions: Revisions) -> None:
    revisions.keep(WEB, spec(1), By())
    revisions.keep(WEB, spec(1), By())
    revisions.keep(WEB, spec(2), By(cause="redeploy", id="u1"))
    revisions.keep(WEB, spec(2), By(cause="redeploy", id="u1"))
    revisions.keep(WEB, spec(2), By())
    revisions.keep(WEB, spec(3), By())
    assert [each.cause for each in revisions.list(WEB)] == [FOUND_CHANGED, "redeploy", FOUND]


def test_what_an_engine_does_not_show_stays_the_newest_until_the_container_is_another(revisions: Revisions) -> None:
    revisions.keep(WEB, spec(1), By(cause="settings"), unshown=True)
    revisions.keep(WEB, spec(2), By())
    assert len(revisions.list(WEB)) == 1
    found = revisions.unshown(WEB, "c1")
    assert found is not None
    assert found.data == b"swordfish 1"
    assert revisions.unshown(WEB, "c2") is None
    revisions.keep(WEB, spec(2, "c2"), By())
    assert revisions.unshown(WEB, "c1") is None


def test_nothing_of_a_spec_is_readable_in_the_store(revisions: Revisions, store: Store) -> None:
    revisions.keep(WEB, spec(1), By())
    with store.reading() as session:
        row = session.scalars(select(RevisionRow)).one()
        said = " ".join(str(getattr(row, column.name)) for column in RevisionRow.__table__.columns)
    assert "swordfish" not in said
    assert "swordfish" not in repr(revisions.get(WEB, 1))


def test_values_that_look_like_secrets_are_masked_in_a_comparison() -> None:
    rows = (
        Difference(what="variable DB_PASSWORD", before="hunter2-and-more", after="hunter3-and-more"),
        Difference(what="variable URL", before="postgres://al:hunter2@db/x", after="postgres://al:hunter3@db/x"),
        Difference(what="variable MODE", before="fast", after="slow"),
        Difference(what="variable API_TOKEN", before="", after="hunter4"),
    )
    plan = masked(Plan(target="container/web", summary="Roll back", command="", differences=rows))
    assert "hunter" not in repr(plan)
    assert [(each.before, each.after) for each in plan.differences][2:] == [("fast", "slow"), ("", "•••")]
    assert all(each.before != each.after for each in plan.differences)
