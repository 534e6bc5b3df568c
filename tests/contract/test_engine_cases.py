"""What only container engines can be in: health, taken ports, memory, managers, pods, an engine that restarts."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from connectors.direct import Direct
from opsmodal.cli.doctor import behind
from runtimes.base import Instance, LogQuery, Scope, Severity
from runtimes.docker.open import open_docker
from runtimes.errors import Conflict, Missing, Unavailable, Unsupported
from runtimes.records import written
from tests.contract.test_logs import Following
from tests.contract.world_engine import STAY, EngineWorld, exited, opened, running
from tests.contract.worlds import World, settle

pytestmark = pytest.mark.parametrize("engine", ["docker", "podman"], indirect=True)


@pytest.fixture
def box(world: World) -> EngineWorld:
    """Give the world as what it is here."""
    assert isinstance(world, EngineWorld)
    return world


@pytest.fixture
def port() -> str:
    """Give a port that is free just now."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        number = held.getsockname()[1]
    return str(number)


def row(world: World, name: str) -> Instance:
    return next(each for each in world.runtime.instances.list(world.scope).items if each.name == name)


def created(container: dict[str, Any]) -> bool:
    return container["State"]["Status"] in ("created", "configured", "initialized")


def made_in_vain(world: EngineWorld, *options: str, command: tuple[str, ...] = ("sleep", "3600")) -> str:
    """Run what cannot start: the command line fails, the container stays."""
    name = f"vain-{time.monotonic_ns()}"
    label = f"com.docker.compose.project={world.scope.project}"
    image = world.engine.images[0]
    world.engine.cli("run", "-d", "--name", name, "--label", label, *options, image, *command, check=False)
    settle(lambda: created(world.inspect(name)), f"{name} is created")
    return name


def test_an_unhealthy_container_is_an_error_and_its_check_is_quoted(box: EngineWorld) -> None:
    name = box.never_ready()
    found = row(box, name)
    assert (found.status, found.severity, found.ready) == ("unhealthy", Severity.ERROR, False)
    told = box.runtime.instances.cause(box.scope, name)
    assert "health" in told.sentence
    if box.kind == "docker":  # podman 4.3 keeps what a check printed out of its compatible API
        assert "no answer" in repr(told)


def test_a_taken_port_is_named_with_its_holder_inside_the_service(box: EngineWorld, port: str) -> None:
    holder = box.run(STAY, running, "--publish", f"{port}:80")
    name = made_in_vain(box, "--publish", f"{port}:80")
    told = repr(box.runtime.instances.cause(box.scope, name))
    assert port in told
    assert holder in told
    assert row(box, name).ready is False


def test_the_holder_of_a_port_in_another_service_is_not_named(box: EngineWorld, port: str) -> None:
    holder = box.run(STAY, running, "--publish", f"{port}:80", elsewhere=True)
    name = made_in_vain(box, "--publish", f"{port}:80")
    told = repr(box.runtime.instances.cause(box.scope, name))
    assert port in told
    assert "outside this service" in told
    assert holder not in told


def test_a_command_that_is_not_in_the_image_is_explained(box: EngineWorld) -> None:
    if box.kind == "podman":
        box.skip("4.3 keeps no word on why a container did not start")
    name = made_in_vain(box, command=("no-such-program",))
    found = row(box, name)
    assert (found.status, found.severity) == ("created", Severity.ERROR)
    assert "no-such-program" in repr(box.runtime.instances.cause(box.scope, name))


def test_a_path_that_is_not_in_the_image_is_a_command_and_no_mount(box: EngineWorld) -> None:
    name = made_in_vain(box, command=("/nosuch",))
    (cause,) = box.runtime.instances.cause(box.scope, name).causes
    if box.kind == "docker":
        assert cause.kind == "command-not-found"
        assert "/nosuch" in cause.detail
    else:  # 4.3 keeps no word on why a container did not start
        assert cause.kind == "never-started"


def test_what_was_killed_after_its_grace_time_was_stopped_and_has_not_failed(box: EngineWorld) -> None:
    name = box.run(f"echo ready; {STAY}", running)  # sleep as the first process ignores SIGTERM
    box.engine.cli("stop", "-t", "1", name)
    settle(lambda: exited(box.inspect(name)), f"{name} has stopped")
    told = box.runtime.instances.cause(box.scope, name)
    assert f"{name} is not running because" in told.sentence
    # Podman 4.3 writes no event of the stop itself: who ended it is not known there.
    assert ("was stopped" if box.kind == "docker" else "by a stop after its grace time") in told.sentence
    assert "137" in told.sentence
    assert "probe" not in repr(told.causes)
    assert "previous" not in repr(told.causes)


def test_a_container_that_ran_out_of_memory_is_told_with_its_limit(box: EngineWorld) -> None:
    hungry = "a=x; while true; do a=$a$a; done"
    limits = ("--memory", "16m", "--memory-swap", "16m")
    name = box.run(hungry, lambda container: container["State"]["Status"] == "exited", *limits)
    if not box.inspect(name)["State"]["OOMKilled"]:
        box.skip("was not told by its runtime that memory ran out")
    found = row(box, name)
    assert (found.status, found.severity) == ("exited (137)", Severity.ERROR)
    told = repr(box.runtime.instances.cause(box.scope, name))
    assert "oom" in told.lower()
    assert "16" in told


@pytest.mark.often("docker")
@pytest.mark.parametrize("code", [0, 1, 137, 143])
def test_an_end_is_judged_by_its_exit_code(box: EngineWorld, code: int) -> None:
    name = box.run(f"exit {code}", exited)
    found = row(box, name)
    assert found.status == f"exited ({code})"
    assert found.severity is (Severity.ERROR if code == 1 else Severity.NEUTRAL)


def test_a_paused_container_is_neutral(box: EngineWorld) -> None:
    name = box.healthy()
    box.engine.cli("pause", name)
    found = row(box, name)
    box.engine.cli("unpause", name)
    assert (found.status, found.severity) == ("paused", Severity.NEUTRAL)


def test_a_restart_loop_is_an_error_at_the_first_look(box: EngineWorld) -> None:
    name = box.run("sleep 0.1; exit 1", lambda each: each["RestartCount"] >= 3, "--restart", "always")
    fresh = opened(box.kind, box.engine, box.connection)
    try:
        (found,) = [each for each in fresh.instances.list(box.scope).items if each.name == name]
        assert found.severity is Severity.ERROR
        assert found.restarts >= 3
    finally:
        fresh.close()


def test_a_container_that_systemd_looks_after_is_not_restarted_behind_its_back(box: EngineWorld) -> None:
    name = box.run(STAY, running, "--label", "PODMAN_SYSTEMD_UNIT=web.service")
    before = box.inspect(name)["State"]["StartedAt"]
    assert row(box, name).managed_by == "systemd unit web.service"
    with pytest.raises(Conflict) as caught:
        box.runtime.instances.restart(box.scope, name)
    assert "systemctl restart web.service" in caught.value.hint
    assert box.inspect(name)["State"]["StartedAt"] == before


def test_deleting_is_refused_and_touches_nothing(box: EngineWorld) -> None:
    name = box.healthy()
    with pytest.raises(Unsupported) as caught:
        box.runtime.instances.delete(box.scope, name, force=True)
    assert caught.value.hint
    assert box.exists(name)


def test_a_restart_that_cannot_succeed_says_why(box: EngineWorld, port: str) -> None:
    box.run(STAY, running, "--publish", f"{port}:80")
    name = made_in_vain(box, "--publish", f"{port}:80")
    with pytest.raises(Conflict) as caught:
        box.runtime.instances.restart(box.scope, name)
    assert caught.value.sentence.startswith(f"{name} could not be started again: ")
    assert port in caught.value.sentence


def test_the_wall_holds_for_full_ids_prefixes_and_names(box: EngineWorld) -> None:
    strange = box.healthy(elsewhere=True)
    full_id = box.inspect(strange)["Id"]
    absent = "f" * 64
    said = set()
    for wanted in (full_id, full_id[:12], strange, absent):
        for ask in (box.runtime.instances.get, box.runtime.instances.cause, box.runtime.instances.restart):
            with pytest.raises(Missing) as caught:
                ask(box.scope, wanted)
            said.add((caught.value.sentence.replace(wanted, "…"), caught.value.hint, caught.value.detail))
    assert len(said) == 1


def test_a_name_that_another_service_took_over_reaches_nothing(box: EngineWorld) -> None:
    name = box.healthy()
    was = row(box, name).id
    box.remove(name)
    box.run(STAY, running, elsewhere=True, name=name)
    for wanted in (was, name):
        with pytest.raises(Missing):
            box.runtime.instances.restart(box.scope, wanted)


@pytest.mark.often("docker")
@pytest.mark.parametrize("by", ["containers", "labels"])
def test_a_service_may_be_names_or_labels_instead_of_a_project(box: EngineWorld, by: str) -> None:
    name = box.run(STAY, running, "--label", "team=blue", elsewhere=True)
    other = box.run(STAY, running, "--label", "team=blueish", elsewhere=True, name=f"{name}-2")
    scope = (
        Scope(service="s", containers=(name,)) if by == "containers" else Scope(service="s", labels={"team": "blue"})
    )
    assert [each.name for each in box.runtime.instances.list(scope).items] == [name]
    with pytest.raises(Missing):
        box.runtime.instances.get(scope, other)


def test_an_empty_scope_owns_nothing(box: EngineWorld) -> None:
    box.healthy()
    for scope in (Scope(service="s"), Scope(service="s", namespace="default", selector="app=web")):
        assert box.runtime.instances.list(scope).items == ()


def test_details_are_those_of_the_engine(box: EngineWorld, port: str) -> None:
    options = ("--publish", f"127.0.0.1:{port}:80", "--env", "COLOUR=blue", "--memory", "32m", "--cpus", "0.5")
    name = box.run(f"echo ready; {STAY}", running, *options, "--tmpfs", "/scratch", "--label", "team=blue")
    detail = box.runtime.instances.get(box.scope, name)
    assert [(each.container_port, each.published) for each in detail.ports] == [(80, f"127.0.0.1:{port}")]
    assert ("COLOUR", "blue") in [(each.name, each.value) for each in detail.environment]
    assert detail.labels["team"] == "blue"
    resources = detail.instance.containers[0].resources
    assert (resources.memory_limit_bytes, resources.cpu_limit_cores) == (32 * 1024 * 1024, 0.5)
    facts = dict(detail.facts)
    assert facts["State"] == "running"
    assert "sleep 3600" in facts["Command"]
    assert {"start"} <= {event.reason for event in detail.events}
    summary = box.runtime.overview.read(box.scope)
    assert summary.requests_and_limits.memory_limit_bytes == 32 * 1024 * 1024


def test_the_command_lines_of_execs_never_reach_an_event(box: EngineWorld) -> None:
    name = box.healthy()
    box.engine.cli("exec", name, "echo", "password-in-an-exec")
    assert "password-in-an-exec" not in repr(box.runtime.instances.get(box.scope, name).events)


def test_warnings_of_the_last_hour_are_the_services_own(box: EngineWorld) -> None:
    own, strange = box.run("exit 7", exited), box.run("exit 9", exited, elsewhere=True)
    settle(lambda: bool(box.runtime.overview.read(box.scope).warnings), "a warning")
    warnings = box.runtime.overview.read(box.scope).warnings
    assert {event.subject for event in warnings} == {f"container/{own}"}
    assert "exit code 7" in warnings[0].message
    assert strange not in repr(warnings)


def test_what_should_be_ready_is_counted_as_on_the_overview(box: EngineWorld) -> None:
    assert box.runtime.overview.desired(box.scope) == 0
    box.replicas(2)
    box.run("exit 1", exited)
    box.run("exit 0", exited)
    box.run("exit 0", exited, "--label", "com.docker.compose.oneoff=True")
    box.run(STAY, running, elsewhere=True)
    assert box.runtime.overview.desired(box.scope) == box.runtime.overview.read(box.scope).desired == 3


def test_a_busy_container_is_measured(box: EngineWorld) -> None:
    name = box.run("while true; do :; done", running, "--cpus", "0.5")

    def cores() -> float:
        return row(box, name).usage.cpu_cores or 0.0

    # How much of its half core it gets depends on what else this machine does; more than that it cannot have.
    settle(lambda: 0.05 < cores() < 0.6, "some of half a core in use")
    usage = row(box, name).usage
    assert usage.memory_bytes is not None
    assert 0 < usage.memory_bytes < 64 * 1024 * 1024


def test_a_network_that_is_the_hosts_is_none_with_a_reason(box: EngineWorld) -> None:
    usage = row(box, box.run(STAY, running, "--network", "host")).usage
    assert (usage.network_rx_bytes, usage.network_tx_bytes) == (None, None)
    assert "host" in usage.missing_reason
    assert usage.memory_bytes


def test_a_stopped_container_uses_nothing_known(box: EngineWorld) -> None:
    usage = row(box, box.finished()).usage
    assert usage.cpu_cores is None
    assert usage.memory_bytes is None
    assert usage.missing_reason == "Only running containers use anything."


@pytest.mark.often("podman")
def test_many_looks_do_not_wait_for_figures(box: EngineWorld) -> None:
    box.replicas(6)
    box.runtime.instances.list(box.scope)
    began = time.monotonic()
    for _ in range(5):
        items = box.runtime.instances.list(box.scope).items
        assert all(each.usage.memory_bytes for each in items)
    assert time.monotonic() - began < 2.5


def test_a_terminals_lines_are_read(box: EngineWorld) -> None:
    name = box.run(f"echo one; echo two; {STAY}", running, "--tty")
    assert box.runtime.logs is not None
    logs = box.runtime.logs

    def texts() -> list[str]:
        return [line.text for line in logs.read(box.scope, LogQuery(instance=name))]

    settle(lambda: texts() == ["one", "two"], "the lines of a terminal")


def test_a_terminals_log_is_given_byte_for_byte(box: EngineWorld) -> None:
    say = "head -c 100000 /dev/zero | tr '\\0' x; echo; printf 'slow '; sleep 1.2; echo end"
    name = box.run(f"{say}; {STAY}", running, "--tty")
    settle(lambda: box.logged(name).endswith(b"end\r\n"), "its last line")
    assert box.runtime.logs is not None
    lines = box.runtime.logs.read(box.scope, LogQuery(instance=name, tail=None, exact=True))
    assert b"".join(map(written, lines)) == box.logged(name)


def test_a_line_that_was_written_slowly_is_one_line_without_stamps_in_it(box: EngineWorld) -> None:
    name = box.run(f"printf 'slow '; sleep 1.2; echo and steady; {STAY}", running)
    settle(lambda: b"steady" in box.logged(name), "the end of the line")
    assert box.runtime.logs is not None
    lines = box.runtime.logs.read(box.scope, LogQuery(instance=name, tail=None))
    assert [line.text for line in lines] == ["slow and steady"]


def test_stdout_and_stderr_are_told_apart(box: EngineWorld) -> None:
    name = box.run(f"echo out; echo err >&2; {STAY}", running)
    assert box.runtime.logs is not None
    logs = box.runtime.logs

    def streams() -> set[tuple[str, str]]:
        return {(line.stream, line.text) for line in logs.read(box.scope, LogQuery(instance=name))}

    settle(lambda: streams() == {("stdout", "out"), ("stderr", "err")}, "both streams")


def test_a_follow_goes_on_across_a_restart_of_its_container(box: EngineWorld) -> None:
    name = box.run(f"echo run of $(cat /proc/uptime); {STAY}", running)
    with Following(box, LogQuery(instance=name)) as following:
        following.until(lambda lines: len(lines) == 1, "the first run")
        box.runtime.instances.restart(box.scope, name)
        following.until(lambda lines: len(lines) == 2, "the second run")
        time.sleep(1.0)  # a line that is repeated would come now
        assert len(following.lines) == 2
        assert following.lines[0].text != following.lines[1].text


def test_a_follow_goes_on_when_the_engine_was_killed_and_started_again(box: EngineWorld) -> None:
    name = box.ticking()
    with Following(box, LogQuery(instance=name, tail=None)) as following:
        following.until(lambda lines: len(lines) >= 5, "five ticks")
        box.engine.kill()
        with pytest.raises(Unavailable):
            box.runtime.check()
        box.engine.start()
        if box.kind == "docker":  # a killed dockerd takes its containers for ended; podman's go on by themselves
            settle(lambda: bool(box.engine.cli("start", name)), "the container runs again")
        held = len(following.lines)
        following.until(lambda lines: len(lines) >= held + 5, "ticks after the restart")
    numbers = [int(line.text.split()[1]) for line in following.lines]
    begins = [at for at, number in enumerate(numbers) if number == 1]
    for start, end in zip(begins, [*begins[1:], len(numbers)], strict=True):
        assert numbers[start:end] == list(range(1, end - start + 1))
    box.runtime.check()


def test_pods_are_named_and_proposed_and_their_infra_container_is_not(box: EngineWorld) -> None:
    if box.kind != "podman":
        box.skip("has no pods")
    box.engine.cli(
        "pod", "create", "--name", "blog", "--infra-image", box.engine.images[0], "--infra-command", "sleep 3600"
    )
    try:
        for name in ("front", "back"):
            box.engine.run("sleep", "3600", options=["--pod", "blog", "--name", name])
        (proposal,) = [each for each in box.runtime.discover() if each.evidence == "pod blog"]
        assert (proposal.name, proposal.instances) == ("blog", 2)
        found = box.runtime.instances.list(proposal.scope).items
        assert {(each.name, each.pod, each.managed_by) for each in found} == {
            ("front", "blog", "pod blog"),
            ("back", "blog", "pod blog"),
        }
        assert all("shares the network" in each.usage.missing_reason for each in found)
    finally:
        box.engine.cli("pod", "rm", "-f", "-t", "1", "blog")


def test_an_engine_registered_as_the_other_says_so(box: EngineWorld) -> None:
    wrong = opened("podman" if box.kind == "docker" else "docker", box.engine, box.connection)
    try:
        wrong.check()
        notes = wrong.overview.read(box.scope).notes
        assert "Registered as" in notes[0]
        assert dict(wrong.identity.detail)["Note"] == notes[0]
        assert [finding.sentence for finding in behind(wrong, [])] == [notes[0]], "doctor says it as well"
        assert wrong.identity.program == f"{box.kind.title()} Engine"
    finally:
        wrong.close()
    assert box.runtime.overview.read(box.scope).notes == ()


def test_nothing_is_left_when_a_runtime_is_closed(box: EngineWorld) -> None:
    name = box.healthy()
    before = {thread.ident for thread in threading.enumerate()}
    open_files = len(list(Path("/proc/self/fd").iterdir()))
    fresh = opened(box.kind, box.engine, box.connection)
    fresh.instances.list(box.scope)
    fresh.instances.cause(box.scope, name)
    fresh.close()
    settle(
        lambda: not {thread.ident for thread in threading.enumerate()} - before, "the end of its threads", within_s=15
    )
    settle(lambda: len(list(Path("/proc/self/fd").iterdir())) <= open_files, "the end of its files", within_s=15)


GREEN = """
from gevent import monkey; monkey.patch_all()
import json, sys, gevent
from connectors.direct import Direct
from runtimes.base import LogQuery, Scope
from tests.contract.world_engine import open_docker, open_podman
kind, socket, project = sys.argv[1:]
runtime = (open_docker if kind == "docker" else open_podman)("green", socket=socket, connection=Direct())
scope = Scope(service="own", project=project)
beats = []
def beat():
    while True:
        beats.append(1); gevent.sleep(0.05)
heart = gevent.spawn(beat)
names = [each.name for each in runtime.instances.list(scope).items]
stream = runtime.logs.follow(scope, LogQuery(tail=None))
lines = [line.text for line, _ in zip(stream, range(10))]
gevent.spawn_later(0.5, stream.close)
rest = sum(1 for _ in stream)
runtime.close(); heart.kill()
print(json.dumps({"names": names, "lines": lines, "beats": len(beats)}))
"""


def test_everything_works_on_green_threads(box: EngineWorld) -> None:
    name = box.ticking()
    command = ["-W", "ignore", "-c", GREEN, box.kind, str(box.engine.socket), box.scope.project]
    house = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=house,
        env={**os.environ, "PYTHONPATH": str(house)},
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["names"] == [name]
    assert said["lines"] == [f"tick {number}" for number in range(1, 11)]
    assert said["beats"] > 10


def test_opening_over_the_engines_own_socket_needs_no_relay(box: EngineWorld) -> None:
    if box.kind == "docker":
        runtime = open_docker("test", socket=f"unix://{box.engine.socket}", connection=Direct())
        runtime.check()
        runtime.close()
    else:
        runtime = opened("podman", box.engine)
        assert runtime.identity.version.startswith("4.")
        runtime.close()
