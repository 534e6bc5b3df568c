"""The Instances facet says and does the same on every runtime."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from runtimes.base import Instance, Severity
from runtimes.errors import Invalid, Missing, RuntimeProblem
from tests.contract.worlds import SECRET_VALUE, World, settle


def row(world: World, name: str) -> Instance:
    return next(each for each in world.runtime.instances.list(world.scope).items if each.name == name)


def test_an_empty_service_has_no_instances(world: World) -> None:
    snapshot = world.runtime.instances.list(world.scope)
    assert snapshot.items == ()
    assert abs(snapshot.as_of - datetime.now(UTC)) < timedelta(minutes=1)
    assert not snapshot.stale


@pytest.mark.smoke
def test_a_running_instance_is_ok(world: World) -> None:
    found = row(world, world.healthy())
    assert found.severity is Severity.OK
    assert found.ready
    assert found.restarts == 0
    assert found.age_s is not None
    assert 0 <= found.age_s < 120
    assert found.image
    assert [container.state for container in found.containers] == ["running"]


def test_figures_are_known_or_say_why_they_are_not(world: World) -> None:
    usage = row(world, world.healthy()).usage
    figures = (usage.cpu_cores, usage.memory_bytes, usage.network_rx_bytes, usage.network_tx_bytes)
    assert None not in figures or usage.missing_reason
    assert usage.memory_bytes is None or usage.memory_bytes > 0


def test_a_crashing_instance_is_an_error_with_its_exit_code(world: World) -> None:
    found = row(world, world.crashing(exit_code=3))
    settle(lambda: row(world, found.name).severity is Severity.ERROR, "severity of a crashing instance")
    assert found.restarts >= 1
    assert not row(world, found.name).ready or found.restarts
    settle(lambda: 3 in [each.exit_code for each in row(world, found.name).containers], "its exit code")


def test_an_instance_that_ended_well_is_neutral(world: World) -> None:
    found = row(world, world.finished())
    assert found.severity is Severity.NEUTRAL
    assert not found.ready


def test_running_but_not_ready_is_never_ok(world: World) -> None:
    found = row(world, world.never_ready())
    assert found.severity in {Severity.PROGRESS, Severity.ERROR}
    assert not found.ready
    assert found.reason


def test_an_instance_no_node_takes_is_in_progress(world: World) -> None:
    found = row(world, world.pending())
    assert (found.status, found.severity) == ("Pending", Severity.PROGRESS)
    assert found.reason


def test_a_missing_image_is_an_error(world: World) -> None:
    found = row(world, world.image_missing())
    assert found.status in {"ImagePullBackOff", "ErrImagePull"}
    assert found.severity is Severity.ERROR


def test_another_services_instances_are_invisible(world: World) -> None:
    own, strange = world.healthy(), world.healthy(elsewhere=True)
    assert [each.name for each in world.runtime.instances.list(world.scope).items] == [own]
    for ask in (world.runtime.instances.get, world.runtime.instances.cause):
        with pytest.raises(Missing):
            ask(world.scope, strange)


def test_another_services_instances_cannot_be_touched(world: World) -> None:
    strange = world.healthy(elsewhere=True)
    for force in (False, True):
        with pytest.raises(Missing):
            world.runtime.instances.delete(world.scope, strange, force=force)
    with pytest.raises(Missing):
        world.runtime.instances.restart(world.scope, strange)
    assert world.exists(strange)


@pytest.mark.often("docker", "simulated")
@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a%2fb", "a?b=c", "no such thing", "ä", "x" * 300, "-x", "X", "a\nb", "a;b"]
)
def test_a_name_that_names_nothing_is_missing(world: World, name: str) -> None:
    with pytest.raises(Missing):
        world.runtime.instances.get(world.scope, name)
    with pytest.raises(Missing):
        world.runtime.instances.delete(world.scope, name, force=True)


@pytest.mark.smoke
def test_details_name_what_the_row_names(world: World) -> None:
    found = row(world, world.healthy())
    detail = world.runtime.instances.get(world.scope, found.id)
    assert detail.instance.name == found.name
    assert detail.facts
    assert all(name and value for name, value in detail.facts)


def test_a_unique_beginning_names_an_instance_and_an_ambiguous_one_does_not(world: World) -> None:
    one, two = world.replicas(2)
    common = one[: next(i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b)]
    assert world.runtime.instances.get(world.scope, one[: len(common) + 1]).instance.name == one
    with pytest.raises(Invalid) as caught:
        world.runtime.instances.get(world.scope, common)
    assert "2" in caught.value.sentence


def test_a_secret_is_named_and_never_shown(world: World) -> None:
    if world.kind != "kubernetes":
        world.skip("has no secrets that are references")
    detail = world.runtime.instances.get(world.scope, world.secretive())
    found = next(each for each in detail.environment if each.name == "PASSWORD")
    assert (found.value, found.source) == (None, "secret bait/password")
    assert SECRET_VALUE not in repr(detail)


def test_why_a_crashing_instance_crashes_quotes_its_last_words(world: World) -> None:
    name = world.crashing(exit_code=3, last_words="no database to talk to")
    # Between two crashes it runs for a moment and all is well, so the answer is asked for until it is the one meant.
    settle(lambda: "no database to talk to" in repr(world.runtime.instances.cause(world.scope, name)), "its last words")
    told = world.runtime.instances.cause(world.scope, name)
    assert told.sentence
    assert told.causes
    assert all(each.detail and each.hint for each in told.causes)
    hidden = world.runtime.instances.cause(world.scope, name, quote_logs=False)
    assert "no database to talk to" not in repr(hidden)


def test_why_an_instance_is_not_placed_says_so(world: World) -> None:
    told = world.runtime.instances.cause(world.scope, world.pending())
    assert told.causes
    assert "opsmodal.dev/no-such" in repr(told) or "node" in told.sentence


@pytest.mark.smoke
def test_delete_takes_one_instance_and_no_other(world: World) -> None:
    if "delete" not in world.runtime.instances.verbs:
        world.skip("makes no instance again that is deleted, so none is")
    doomed, kept = world.healthy(), world.healthy()
    world.runtime.instances.delete(world.scope, doomed, force=False)
    settle(lambda: not world.exists(doomed), "the deletion")
    assert world.exists(kept)


def test_force_delete_takes_it_at_once(world: World) -> None:
    if "force-delete" not in world.runtime.instances.verbs:
        world.skip("has no forced deletion")
    doomed = world.healthy()
    world.runtime.instances.delete(world.scope, doomed, force=True)
    settle(lambda: not world.exists(doomed), "the deletion")


def test_what_was_deleted_between_list_and_click_is_missing(world: World) -> None:
    gone = row(world, world.healthy())
    world.remove(gone.name)
    with pytest.raises(Missing) as caught:
        world.runtime.instances.get(world.scope, gone.id)
    assert caught.value.sentence
    with pytest.raises(Missing):
        world.runtime.instances.delete(world.scope, gone.id, force=False)


def test_pending_ones_are_deleted_together_and_running_ones_stay(world: World) -> None:
    if "delete-pending" not in world.runtime.instances.verbs:
        world.skip("has no pending instances")
    waiting, running = [world.pending(), world.pending()], world.healthy()
    assert sorted(world.runtime.instances.delete_pending(world.scope)) == sorted(waiting)
    settle(lambda: not any(world.exists(each) for each in waiting), "the deletion")
    assert world.exists(running)
    assert list(world.runtime.instances.delete_pending(world.scope)) == []


@pytest.mark.smoke
def test_restart_is_done_or_refused_in_words(world: World) -> None:
    name = world.healthy()
    if "restart" in world.runtime.instances.verbs:
        before = row(world, name).containers[0].started_at
        world.runtime.instances.restart(world.scope, name)
        settle(lambda: row(world, name).containers[0].started_at != before, "a new start")
    else:
        with pytest.raises(RuntimeProblem) as caught:
            world.runtime.instances.restart(world.scope, name)
        assert caught.value.hint
