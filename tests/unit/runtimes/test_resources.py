from __future__ import annotations

from runtimes.base import Resources
from runtimes.resources import summed, without_limits, without_requests


def test_what_every_part_sets_is_added_up() -> None:
    part = Resources(cpu_request_cores=0.5, cpu_limit_cores=1.0, memory_request_bytes=100, memory_limit_bytes=200)
    doubled = Resources(cpu_request_cores=1.0, cpu_limit_cores=2.0, memory_request_bytes=200, memory_limit_bytes=400)
    assert summed([part, part]) == doubled


def test_what_some_parts_set_is_added_up_and_nothing_is_not_zero() -> None:
    every = [Resources(cpu_limit_cores=0.5, memory_limit_bytes=100), Resources(memory_limit_bytes=50), Resources()]
    assert summed(every) == Resources(cpu_limit_cores=0.5, memory_limit_bytes=150)
    assert summed([]) == summed([Resources()]) == Resources()


def test_parts_that_leave_all_of_it_open_are_counted() -> None:
    every = [Resources(memory_limit_bytes=1), Resources(cpu_limit_cores=1.0), Resources(cpu_request_cores=1.0)]
    assert without_limits(every) == 1
    assert without_requests([*every, Resources(memory_request_bytes=1)]) == 2
    assert without_limits([]) == without_requests([]) == 0
