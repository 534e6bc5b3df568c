"""Tasks: they go on by themselves, every worker reads and stops them, and each comes to an end that is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import pytest

from opsmodal.errors import NotThere, TooMany
from opsmodal.store import Store
from opsmodal.store.errors import Busy
from opsmodal.tasks import Task, TaskRecords, Tasks, Telling
from opsmodal.tasks.task import DEAD_AFTER, LOST
from opsmodal.tasks.tasks import PERSON_MAX, WITH_THE_SERVER
from runtimes.errors import Denied
from runtimes.planning import Progress, Step
from tests.unit.opsmodal.clock import Clock

WAIT_S = 10.0
WORKING = Progress(state="running", sentence="1 of 2 is there.", steps=(Step(name="new", state="running", total=2),))


class Gate:
    """Work that tells how far it is until it is let through."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.told = threading.Event()

    def __call__(self, tell: Telling) -> None:
        tell(WORKING)
        self.told.set()
        while not self.open.wait(0.02):
            tell(WORKING)


@pytest.fixture
def tasks(store: Store) -> Iterator[Tasks]:
    made = Tasks(TaskRecords(store))
    yield made
    made.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("task")]


def until(read: Callable[[], Task], is_so: Callable[[Task], bool]) -> Task:
    deadline = time.monotonic() + WAIT_S
    while not is_so(task := read()):
        assert time.monotonic() < deadline, task
        time.sleep(0.01)
    return task


def started(tasks: Tasks, run: Callable[[Telling], None], **more: Any) -> Task:
    return tasks.start(kind="rollout", service="shop", person="eve", target="deployment/web", run=run, **more)


def ended(tasks: Tasks, task: Task) -> Task:
    return until(lambda: tasks.get(task.id, service="shop"), lambda each: each.is_over)


def test_a_task_goes_on_and_tells_how_far_it_is_to_every_worker(store: Store, tasks: Tasks) -> None:
    gate, other = Gate(), Tasks(TaskRecords(store))
    task = started(tasks, gate, sentence="It begins.")
    assert (task.state, task.sentence, task.person) == ("running", "It begins.", "eve")
    seen = until(lambda: other.get(task.id, service="shop"), lambda each: bool(each.steps))
    assert (seen.state, seen.sentence, seen.steps) == ("running", WORKING.sentence, WORKING.steps)
    gate.open.set()
    assert ended(tasks, task).state == "done"
    assert until(lambda: other.get(task.id, service="shop"), lambda each: each.is_over).ended_at is not None


def test_a_task_of_another_service_is_not_there(tasks: Tasks) -> None:
    gate = Gate()
    task = started(tasks, gate)
    with pytest.raises(NotThere):
        tasks.get(task.id, service="blog")
    with pytest.raises(NotThere):
        tasks.stop(task.id, service="blog", person="mallory")
    gate.open.set()
    assert ended(tasks, task).state == "done"
    with pytest.raises(NotThere):
        tasks.get(task.id, service="blog")


def test_what_it_raises_is_how_it_failed(tasks: Tasks) -> None:
    def refused(_tell: Telling) -> None:
        raise Denied("The cluster refuses that.", hint="Ask for the right.")

    task = ended(tasks, started(tasks, refused))
    assert (task.state, task.error, task.hint) == ("failed", "The cluster refuses that.", "Ask for the right.")


def test_what_nobody_foresaw_is_told_without_its_words(tasks: Tasks, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_tell: Telling) -> None:
        raise ValueError("password=hunter2")

    task = ended(tasks, started(tasks, broken))
    assert task.state == "failed"
    assert "hunter2" not in task.error + task.hint
    assert "task failed" in caplog.text


def test_a_failure_that_it_tells_last_is_its_end(tasks: Tasks) -> None:
    def stuck(tell: Telling) -> None:
        tell(WORKING)
        tell(Progress(state="failed", sentence="web is stuck.", hint="Roll back."))

    task = ended(tasks, started(tasks, stuck))
    assert (task.state, task.error, task.hint) == ("failed", "web is stuck.", "Roll back.")


def test_a_stop_from_another_worker_names_who_asked(store: Store, tasks: Tasks) -> None:
    gate, other = Gate(), Tasks(TaskRecords(store))
    task = started(tasks, gate)
    other.stop(task.id, service="shop", person="alice")
    over = ended(tasks, task)
    assert (over.state, over.sentence) == ("stopped", "Stopped by alice.")
    assert over.steps == WORKING.steps
    assert tasks.stop(task.id, service="shop", person="bob").sentence == "Stopped by alice."


def test_a_server_that_goes_away_stops_its_tasks_and_writes_that(store: Store, tasks: Tasks) -> None:
    gate = Gate()
    task = started(tasks, gate)
    assert gate.told.wait(WAIT_S)
    tasks.close()
    over = Tasks(TaskRecords(store)).get(task.id, service="shop")
    assert (over.state, over.sentence) == ("stopped", WITH_THE_SERVER)
    with pytest.raises(TooMany):
        started(tasks, gate)


def test_a_task_of_a_dead_worker_is_told_of_as_failed_with_what_to_do(store: Store) -> None:
    clock = Clock()
    records = TaskRecords(store, now=clock)
    task = Task(id="a", kind="rollout", service="shop", person="eve", started_at=clock())
    records.add(task)
    clock.at += DEAD_AFTER - timedelta(seconds=1)
    assert records.get("a", service="shop") == task
    records.beat(["a"])
    clock.at += DEAD_AFTER
    found = records.get("a", service="shop")
    assert found is not None
    assert (found.state, found.error) == ("failed", LOST)
    assert found.hint
    assert records.count("eve") == 0


def test_an_end_is_not_undone_by_what_was_on_its_way(store: Store) -> None:
    clock = Clock()
    records = TaskRecords(store, now=clock)
    task = Task(id="a", kind="rollout", service="shop", person="eve", started_at=clock())
    records.add(task)
    records.save([Task(id="a", kind="rollout", service="shop", person="eve", state="done", started_at=clock())])
    records.save([task])
    found = records.get("a", service="shop")
    assert found is not None
    assert found.state == "done"


def test_a_person_has_so_many_at_once_and_others_have_theirs(store: Store) -> None:
    clock = Clock()
    records = TaskRecords(store, now=clock)
    for number in range(PERSON_MAX):
        records.add(Task(id=f"{number}", kind="rollout", service="shop", person="eve", started_at=clock()))
    tasks, gate = Tasks(records), Gate()
    with pytest.raises(TooMany, match="already have"):
        started(tasks, gate)
    gate.open.set()
    tasks.start(kind="rollout", service="shop", person="alice", run=gate)
    tasks.close()


def test_a_burst_gets_no_more_room_than_there_is(tasks: Tasks) -> None:
    crowd = 4 * PERSON_MAX
    gate, begin, refused = Gate(), threading.Barrier(crowd), list[TooMany]()

    def one() -> None:
        begin.wait(WAIT_S)
        try:
            started(tasks, gate)
        except TooMany as problem:
            refused.append(problem)

    threads = [threading.Thread(target=one, name=f"burst {number}") for number in range(crowd)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(WAIT_S)
    gate.open.set()
    assert len(refused) == crowd - PERSON_MAX


def test_what_is_held_is_let_go_with_how_it_ended(tasks: Tasks) -> None:
    seen: list[str] = []

    @contextmanager
    def row() -> Iterator[None]:
        try:
            yield
            seen.append("let go")
        except Denied:
            seen.append("let go after a refusal")
            raise

    def refused(_tell: Telling) -> None:
        raise Denied("No.")

    for run in (lambda _tell: None, refused):
        held = ExitStack()
        held.enter_context(row())
        ended(tasks, started(tasks, run, held=held, ended=lambda task: seen.append(task.state)))
    assert seen == ["done", "let go", "let go after a refusal"]


def test_an_end_that_the_store_does_not_take_is_written_later(
    store: Store, tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, refusals = TaskRecords.save, iter((True, True))

    def late(self: TaskRecords, given: Any) -> None:
        if next(refusals, False):
            raise Busy("The store is busy with another change.")
        save(self, given)

    monkeypatch.setattr(TaskRecords, "save", late)
    task = started(tasks, lambda _tell: None)
    assert ended(tasks, task).state == "done"
    other = Tasks(TaskRecords(store))
    assert until(lambda: other.get(task.id, service="shop"), lambda each: each.is_over).state == "done"


def test_who_waits_is_told_as_soon_as_something_changes(tasks: Tasks) -> None:
    gate = Gate()
    task = started(tasks, gate)
    working = tasks.wait(task, WAIT_S)
    assert working.sentence == WORKING.sentence
    assert tasks.wait(working, 0.0) == working
    gate.open.set()
    assert tasks.wait(working, WAIT_S).state == "done"


def test_the_latest_of_a_service_come_first_and_old_ones_are_left_out(store: Store) -> None:
    clock = Clock()
    records = TaskRecords(store, now=clock)
    for task_id, service in (("a", "shop"), ("b", "shop"), ("c", "blog")):
        records.add(Task(id=task_id, kind="rollout", service=service, person="eve", started_at=clock()))
        clock.at += timedelta(minutes=10)
    assert [task.id for task in Tasks(records).latest("shop")] == []
    records.add(Task(id="d", kind="rollout", service="shop", person="eve", started_at=clock()))
    assert [task.id for task in Tasks(records).latest("shop")] == ["d"]
    clock.at += timedelta(days=8)
    records.add(Task(id="e", kind="rollout", service="shop", person="eve", started_at=clock()))
    assert records.get("a", service="shop") is None
