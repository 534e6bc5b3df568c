"""The Overview facet sums up the same on every runtime."""

from __future__ import annotations

from runtimes.base import Severity
from tests.contract.worlds import SECRET_VALUE, World


def test_an_empty_service_is_empty_and_not_an_error(world: World) -> None:
    summary = world.runtime.overview.read(world.scope)
    assert (summary.ready, summary.desired, summary.restarts, summary.workloads) == (0, 0, 0, ())
    assert summary.usage.cpu_cores is None
    assert summary.usage.missing_reason
    assert dict(summary.identity)


def test_ready_and_desired_are_counted_by_workload(world: World) -> None:
    world.replicas(2)
    summary = world.runtime.overview.read(world.scope)
    assert (summary.ready, summary.desired) == (2, 2)
    assert sum(each.desired for each in summary.workloads) == 2
    assert summary.counts[Severity.OK] == 2
    assert len(summary.images) == 1
    assert all(each.id == f"{each.kind.lower()}.{each.name}" or each.kind == "" for each in summary.workloads) or (
        world.kind != "kubernetes"
    )


def test_counts_agree_with_the_list(world: World) -> None:
    world.healthy()
    world.finished()
    world.never_ready()
    listed = [each.severity for each in world.runtime.instances.list(world.scope).items]
    counts = world.runtime.overview.read(world.scope).counts
    assert {severity: listed.count(severity) for severity in Severity} == dict(counts)


def test_restarts_are_summed_up(world: World) -> None:
    world.crashing()
    assert world.runtime.overview.read(world.scope).restarts >= 1


def test_another_service_is_not_counted(world: World) -> None:
    world.healthy(elsewhere=True)
    summary = world.runtime.overview.read(world.scope)
    assert (summary.desired, summary.workloads, summary.images) == (0, (), ())


def test_warnings_are_the_services_own(world: World) -> None:
    if world.kind != "kubernetes":
        world.skip("reports no warning events")
    name = world.pending()
    warnings = world.runtime.overview.read(world.scope).warnings
    assert f"pod/{name}" in {event.subject for event in warnings}
    assert {event.kind for event in warnings} == {"Warning"}
    assert world.runtime.overview.read(world.other_scope).warnings == ()


def test_no_secret_value_is_in_it(world: World) -> None:
    world.secretive()
    assert SECRET_VALUE not in repr(world.runtime.overview.read(world.scope))
