from __future__ import annotations

from runtimes.base import Resources
from runtimes.resources import summed


def test_what_every_part_sets_is_added_up() -> None:
    part = Resources(cpu_request_cores=0.5, cpu_limit_cores=1.0, memory_request_bytes=100, memory_limit_bytes=200)
    doubled = Resources(cpu_request_cores=1.0, cpu_limit_cores=2.0, memory_request_bytes=200, memory_limit_bytes=400)
    assert summed([part, part]) == doubled


def test_a_limit_that_one_part_does_not_set_is_no_limit_of_all() -> None:
    every = [Resources(cpu_limit_cores=0.5, memory_limit_bytes=100), Resources(memory_limit_bytes=50)]
    assert summed(every) == Resources(memory_limit_bytes=150)
    assert summed([]) == Resources()
