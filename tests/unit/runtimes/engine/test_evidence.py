from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runtimes.base import Scope
from runtimes.engine.evidence import facts, last_run, port_conflict
from tests.unit.runtimes.engine.made import container, event, in_state, row, seen

ENDED = "2026-01-01T10:00:00Z"
WANTS_80 = container(
    Name="/web", State={"Status": "created"}, HostConfig={"PortBindings": {"80/tcp": [{"HostPort": "8080"}]}}
)
HOLDER = {"Ports": [{"PrivatePort": 9, "PublicPort": 8080, "Type": "tcp"}]}
NOW = datetime(2026, 1, 1, 10, 0, 5, tzinfo=UTC)
SCOPE = Scope(service="s", containers=("web", "old"))


def test_the_holder_of_a_port_is_named_inside_the_service() -> None:
    assert port_conflict(WANTS_80, [row("old", **HOLDER)], scope=SCOPE) == (
        "Port 8080/tcp is already allocated: the container old publishes it."
    )


def test_the_holder_of_a_port_is_not_named_across_the_wall() -> None:
    said = port_conflict(WANTS_80, [row("payroll", **HOLDER)], scope=SCOPE)
    assert "payroll" not in said
    assert "outside this service" in said


@pytest.mark.parametrize(
    "holder",
    [
        {"Ports": [{"PrivatePort": 8080, "PublicPort": 0, "Type": "tcp"}]},
        {"Ports": [{"PrivatePort": 8080, "PublicPort": 8080, "Type": "udp"}]},
        {"Ports": None},
        {},
    ],
)
def test_another_protocol_or_an_unpublished_port_is_no_conflict(holder: dict[str, object]) -> None:
    assert port_conflict(WANTS_80, [row("old", **holder)], scope=SCOPE) == ""


def test_a_container_does_not_conflict_with_itself() -> None:
    assert port_conflict(WANTS_80, [row("web", id_=WANTS_80.id, **HOLDER)], scope=SCOPE) == ""


@pytest.mark.parametrize(("code", "signal"), [(0, 0), (1, 0), (128, 0), (137, 9), (143, 15), (192, 64), (255, 0)])
def test_the_signal_is_read_out_of_the_exit_code(code: int, signal: int) -> None:
    run = last_run(in_state("exited", ExitCode=code, FinishedAt=ENDED), [])
    assert run is not None
    assert (run.exit_code, run.signal) == (code, signal)


def test_a_running_containers_last_run_comes_from_the_events() -> None:
    made = in_state("running", FinishedAt=ENDED)
    run = last_run(made, [event("die", exitCode="1"), event("oom"), event("die", exitCode="137")])
    assert run is not None
    assert (run.exit_code, run.signal, run.oom) == (137, 9, True)


def test_a_container_that_never_ended_has_no_last_run() -> None:
    assert last_run(in_state("running", FinishedAt="0001-01-01T00:00:00Z"), []) is None
    assert last_run(in_state("created"), []) is None


def test_the_engines_own_error_and_the_taken_port_are_both_told() -> None:
    made = in_state("created", ExitCode=128, Error="Bind for 0.0.0.0:80 failed: port is already allocated")
    told = facts(seen(made), events=[], last_lines=("bye",), port_conflict="Port 80/tcp is already allocated.", now=NOW)
    assert told.engine_error == (
        "Bind for 0.0.0.0:80 failed: port is already allocated; Port 80/tcp is already allocated."
    )
    assert told.containers[0].last_lines == ("bye",)


@pytest.mark.parametrize(
    ("started", "code", "restarts", "loops"),
    [
        ("2026-01-01T10:00:01Z", 3, 1, True),
        ("2026-01-01T09:59:50Z", 3, 1, False),
        ("2026-01-01T10:00:01Z", 3, 0, False),
        ("2026-01-01T10:00:01Z", 0, 1, False),
        ("2026-01-01T10:00:01Z", 143, 1, False),
    ],
)
def test_one_that_runs_again_since_a_moment_is_told_as_restarting(
    started: str, code: int, restarts: int, loops: bool
) -> None:
    made = in_state("running", StartedAt=started, FinishedAt=ENDED, restarts=restarts)
    told = facts(seen(made), events=[event("die", exitCode=str(code))], last_lines=(), port_conflict="", now=NOW)
    assert (told.status == "restarting") is loops
    assert told.containers[0].ready is not loops
