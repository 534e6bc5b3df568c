"""Logs as only engines have them: drivers that give nothing back, and containers that an update has put aside."""

from __future__ import annotations

import pytest

from runtimes.base import EVERY, LogLine, LogQuery, Logs, LogSource, Scope
from runtimes.errors import Missing, Unsupported
from tests.contract.test_logs import Following
from tests.contract.world_engine import STAY, EngineWorld, running
from tests.contract.worlds import World, settle

pytestmark = pytest.mark.parametrize("engine", ["docker", "podman"], indirect=True)

NOWHERE = ("--log-opt", "syslog-address=udp://127.0.0.1:9")
"""A driver sends to a port at which nobody listens; nothing tells it so."""


@pytest.fixture
def box(world: World) -> EngineWorld:
    """Give the world as what it is here."""
    assert isinstance(world, EngineWorld)
    return world


def logs(box: EngineWorld) -> Logs:
    assert box.runtime.logs is not None
    return box.runtime.logs


def read(box: EngineWorld, scope: Scope | None = None, **query: object) -> list[LogLine]:
    return list(logs(box).read(scope or box.scope, LogQuery(**query)))  # type: ignore[arg-type]


def sources(box: EngineWorld, scope: Scope | None = None) -> dict[str, LogSource]:
    return {each.name: each for each in logs(box).sources(scope or box.scope)}


def silent(box: EngineWorld) -> str:
    return box.run(f"echo hidden; {STAY}", running, "--log-driver", "none")


@pytest.mark.parametrize("driver", ["json-file", "local", "k8s-file", "journald"])
def test_what_a_driver_keeps_is_read(box: EngineWorld, driver: str) -> None:
    if driver == "journald":
        box.skip("has no journal to write to on a machine without systemd")
    if driver == ("k8s-file" if box.kind == "docker" else "local"):
        box.skip(f"has no driver {driver}")
    name = box.run(f"echo kept; {STAY}", running, "--log-driver", driver)
    settle(lambda: [line.text for line in read(box, instance=name)] == ["kept"], "its line")
    assert sources(box) == {}


def test_a_log_that_its_driver_does_not_keep_is_unsupported_in_words(box: EngineWorld) -> None:
    name = silent(box)
    for ask in (logs(box).read, logs(box).follow):
        with pytest.raises(Unsupported) as caught:
            list(ask(box.scope, LogQuery(instance=name)))
        assert name in caught.value.sentence
        assert "log driver none" in caught.value.sentence
        assert caught.value.hint
    found = sources(box)[name]
    assert (found.readable, found.driver) == (False, "none")
    assert "cannot be read" in found.sentence


def test_one_log_that_cannot_be_read_is_said_and_hides_no_other(box: EngineWorld) -> None:
    hidden, shown = silent(box), box.ticking()
    settle(lambda: len(read(box, instance=shown)) > 2, "ticks")
    first, *others = read(box, instance=EVERY, tail=2)
    assert (first.stream, first.instance) == ("notice", hidden)
    assert f"The log of {hidden} cannot be read" in first.text
    assert {(line.stream, line.instance) for line in others} == {("stdout", shown)}
    assert len(others) == 2, "a notice is no line of the tail"
    with Following(box, LogQuery(instance=EVERY, tail=1)) as following:
        following.until(lambda lines: sum(line.instance == shown for line in lines) > 10, "ticks go on")
        late = silent(box)
        following.until(lambda lines: late in {line.instance for line in lines}, "the notice on the new one")
        count = len(following.lines)
        following.until(lambda lines: len(lines) > count + 10, "ticks go on")
    assert following.error is None
    said = [line.instance for line in following.lines if line.stream == "notice"]
    assert sorted(said) == sorted([hidden, late]), "each is said once"


def test_only_logs_that_cannot_be_read_are_no_empty_log(box: EngineWorld) -> None:
    silent(box)
    for ask in (logs(box).read, logs(box).follow):
        with pytest.raises(Unsupported, match="cannot be read"):
            list(ask(box.scope, LogQuery(instance=EVERY)))


def test_a_driver_that_sends_elsewhere_is_read_from_the_engines_copy_where_it_has_one(box: EngineWorld) -> None:
    if box.kind == "podman":
        box.skip("has no driver that sends elsewhere")
    name = box.run(f"echo copied; {STAY}", running, "--log-driver", "syslog", *NOWHERE)
    settle(lambda: [line.text for line in read(box, instance=name)] == ["copied"], "its line")
    assert (sources(box)[name].readable, sources(box)[name].driver) == (True, "syslog")
    assert "sends its lines elsewhere" in sources(box)[name].sentence
    bare = box.run(STAY, running, "--log-driver", "syslog", *NOWHERE, "--log-opt", "cache-disabled=true")
    with pytest.raises(Unsupported, match="log driver syslog sends it elsewhere and keeps nothing"):
        read(box, instance=bare)


def replaced(box: EngineWorld, *, word: str, mark: str, how: str = "before") -> str:
    """Make what an update leaves: the old container stopped, under another name."""
    name = box.run(f"echo {word}; {STAY}", running)
    settle(lambda: bool(read(box, instance=name)), "its line")
    box.engine.cli("stop", name)
    box.engine.cli("rename", name, f"web-{how}-{mark}")
    return f"web-{how}-{mark}"


@pytest.mark.parametrize("by", ["project", "name", "label"])
def test_the_log_of_a_replaced_container_is_the_previous_one_while_it_is_kept(box: EngineWorld, by: str) -> None:
    project = {"com.docker.compose.project": box.scope.project}
    scope = {
        "project": box.scope,
        "name": Scope(service="own", containers=("web",)),
        "label": Scope(service="own", labels=project),
    }[by]
    older, kept = replaced(box, word="older", mark="0000000a"), replaced(box, word="old", mark="0000000b")
    failed = replaced(box, word="failed", mark="0000000c", how="next")
    box.run(f"echo new; {STAY}", running, name="web")
    settle(lambda: bool(read(box, scope, instance="web")), "its line")
    assert [line.text for line in read(box, scope, instance=EVERY)] == ["new"]
    for wanted in ("web", kept, EVERY):
        assert [line.text for line in read(box, scope, instance=wanted, previous=True)] == ["old"], wanted
    for wanted, word in ((older, "older"), (kept, "old"), (failed, "failed")):
        assert [line.text for line in read(box, scope, instance=wanted)] == [word]
        assert [line.text for line in logs(box).follow(scope, LogQuery(instance=wanted))] == [word]
    found = sources(box, scope)
    assert {name: (each.current, each.replaces) for name, each in found.items()} == {
        older: ("web", "previous"),
        kept: ("web", "previous"),
        failed: ("web", "put-aside"),
    }
    assert all(each.ended_at for each in found.values())
    box.engine.cli("rm", kept, older)
    with pytest.raises(Unsupported, match="no container that an update has replaced"):
        read(box, scope, instance="web", previous=True)


def test_what_was_put_aside_of_another_service_is_not_there(box: EngineWorld) -> None:
    name = box.run(f"echo theirs; {STAY}", running, elsewhere=True)
    box.engine.cli("stop", name)
    box.engine.cli("rename", name, "web-before-0000000a")
    box.run(STAY, running, name="web")
    others = Scope(service="own", containers=("we", "web-before"))
    for scope in (box.scope, others):
        assert sources(box, scope) == {}
        with pytest.raises(Missing):
            read(box, scope, instance="web-before-0000000a")


def test_a_running_container_is_never_one_that_was_put_aside(box: EngineWorld) -> None:
    box.run(f"echo mine; {STAY}", running, name="web-before-0000000a")
    by_name = Scope(service="own", containers=("web",))
    assert sources(box, by_name) == {}
    with pytest.raises(Missing):
        read(box, by_name, instance="web-before-0000000a")
