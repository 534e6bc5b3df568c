"""What goes on by itself when Auto takes another way: live rows and logs, no line lost or repeated."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from opsmodal.live.reading import Feed, Reading
from opsmodal.operations import followed as followed_module
from opsmodal.operations.followed import followed
from runtimes.base import LogLine, LogQuery, Runtime, Stream
from tests.unit.opsmodal.test_fleet_ways import Made, eventually, make, registry

__all__ = ["make", "registry"]
NAMESPACE = "shop"


@contextmanager
def fed(made: Made, *, over: str = "auto") -> Iterator[list[Reading]]:
    """Watch the service as a page would."""
    told: list[Reading] = []

    def tell(reading: Reading | None) -> bool:
        if reading is not None:
            told.append(reading)
        return True

    gone = threading.Event()
    feed = Feed(made.fleet, made.service, over=over, tell=tell, gone=gone.set)
    feed.start()
    try:
        eventually(lambda: told and told[-1].retry_s is None, "it is read")
        yield told
    finally:
        feed.stop()
        feed.join()
        assert gone.wait(5)


def delete_one(made: Made) -> str:
    """Delete a pod over a way that is well; give its uid."""
    runtime = made.fleet.runtime("demo", over="bastion")
    row = next(row for row in runtime.instances.list(made.service.scope()).items if row.ready)
    runtime.instances.delete(made.service.scope(), row.id, force=True, uid=row.uid)
    return row.uid


def test_live_rows_go_on_over_another_way(make: Callable[..., Made]) -> None:
    made = make("lan", "bastion")
    with fed(made) as told:
        made.line["lan"].cut()
        eventually(lambda: made.in_use() == "bastion", "Auto leaves what is lost")
        gone = delete_one(made)

        def is_news() -> bool:
            last = told[-1]
            return last.retry_s is None and gone not in [row.uid for row in last.kept.value.items]

        eventually(is_news, "what happens after the switch is told")


def test_live_rows_over_a_fixed_way_stay_on_it(make: Callable[..., Made]) -> None:
    made = make("lan", "bastion")
    with fed(made, over="lan") as told:
        made.line["lan"].cut()
        eventually(lambda: told[-1].retry_s is not None, "they are old")
        assert made.fleet.connection_in_use("demo", "lan") == "lan"
        assert made.in_use() != "bastion"
        made.line["lan"].mend()
        eventually(lambda: told[-1].retry_s is None, "they are current again")


@contextmanager
def following(made: Made, query: LogQuery, *, over: str = "auto") -> Iterator[list[LogLine]]:
    """Follow as a job would."""

    def ask(runtime: Runtime, wanted: LogQuery) -> Stream[LogLine]:
        assert runtime.logs is not None
        return runtime.logs.follow(made.service.scope(), wanted)

    stream, got = followed(made.fleet, "demo", query, ask, over=over), list[LogLine]()

    def pump() -> None:
        for line in stream:
            got.append(line)

    reader = threading.Thread(target=pump)
    reader.start()
    try:
        yield got
    finally:
        stream.close()
        reader.join(20)
        assert not reader.is_alive()


def test_a_follow_goes_on_over_another_way_and_loses_and_repeats_no_line(
    make: Callable[..., Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followed_module, "LOOK_S", 0.2)
    made = make("lan", "bastion")
    rows = made.fleet.instances(made.service, fresh_s=0).value.items
    pod = next(row for row in rows if row.ready and len(row.containers) == 1)
    container = pod.containers[0].name

    def write(number: int) -> None:
        assert made.cluster.write_log(NAMESPACE, pod.name, container, f"planted {number}".encode())

    with following(made, LogQuery(instance=pod.name, tail=500)) as got:

        def planted() -> list[str]:
            return [line.text for line in got if line.text.startswith("planted")]

        for number in range(20):
            write(number)
        eventually(lambda: len(planted()) == 20, "lines come")
        made.line["lan"].cut()
        for number in range(20, 40):
            write(number)
        eventually(lambda: len(planted()) >= 40, "they go on over the other way")
        assert made.in_use() == "bastion"
        write(40)
        eventually(lambda: len(planted()) >= 41, "and on")
        time.sleep(0.3)  # what would be repeated comes at once
        assert planted() == [f"planted {number}" for number in range(41)]


def test_a_follow_waits_while_no_way_carries_and_goes_on_where_it_stood(
    make: Callable[..., Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followed_module, "LOOK_S", 0.2)
    monkeypatch.setattr(followed_module, "RETRY_S", 0.2)
    made = make("lan", "bastion")
    rows = made.fleet.instances(made.service, fresh_s=0).value.items
    pod = next(row for row in rows if row.ready and len(row.containers) == 1)
    container = pod.containers[0].name
    with following(made, LogQuery(instance="*", tail=500)) as got:
        made.line["lan"].cut()
        made.line["bastion"].cut()
        assert made.cluster.write_log(NAMESPACE, pod.name, container, b"while nobody could hear")
        time.sleep(0.6)
        made.line["bastion"].mend()
        eventually(lambda: [one for one in got if one.text == "while nobody could hear"], "the line comes")
