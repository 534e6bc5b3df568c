"""Takes samples of many containers' counters at once, in the way that is quickest on each engine.

dockerd collects all figures once a second and hands them to whoever listens; even its one-shot answer waits for the
next collection (measured on 20.10: 1.0 s each, 7 s for 50 containers in 8 threads). So all containers are listened to
at the same time, and read one after the other: 50 containers then take one collection together. Podman answers a
one-shot question at once (5 ms), and its stream comes every 5 s.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Protocol

import msgspec

from runtimes.engine.answers import Stats
from runtimes.engine.api import UNREADABLE, Api, Download, escaped
from runtimes.engine.measures import Sample, sample
from runtimes.engine.pool import Pool
from runtimes.engine.problems import Kind, not_an_engine
from runtimes.errors import Conflict, Missing, RuntimeProblem

LISTENED_MAX = 256
"""Containers that are listened to at the same time: a socket each."""
FRAME_MAX_BYTES = 256 * 1024
"""One set of figures is about 2 KB; a machine with hundreds of CPUs and disks has some 50 KB."""
SPAN_S = 0.5
"""How long an engine that answers at once is left alone between two samples: 50 scheduler ticks."""

NOT_RUNNING = "Only running containers use anything."
NO_FIGURES = "The engine has no figures for it."

Taken = tuple[list[Sample], str]
"""Samples, oldest first, and where there is none, why."""


class Sampler(Protocol):
    """Takes two samples of each container in `twice`, one of each other; gives them by container id."""

    def __call__(self, containers: Sequence[str], twice: frozenset[str]) -> dict[str, Taken]: ...


def sampler(api: Api, pool: Pool, *, really: Kind, pause: Callable[[float], object]) -> Sampler:
    """Choose the way of the engine that answers. `pause` waits, and is cut short when the runtime is closed."""
    if really == "docker":
        return lambda containers, twice: _listened(api, pool, containers, twice)
    return lambda containers, twice: _asked(api, pool, containers, twice, pause=pause)


def _listened(api: Api, pool: Pool, containers: Sequence[str], twice: frozenset[str]) -> dict[str, Taken]:
    taken: dict[str, Taken] = {}
    for start in range(0, len(containers), LISTENED_MAX):
        with _listening(api, pool, containers[start : start + LISTENED_MAX]) as streams:
            for container, stream in streams:
                if isinstance(stream, RuntimeProblem):
                    taken[container] = [], _why(stream)
                    continue
                with contextlib.closing(_figures(stream, api)) as figures:
                    taken[container] = _first(figures, 2 if container in twice else 1, by_system=True)
    return taken


@contextlib.contextmanager
def _listening(
    api: Api, pool: Pool, containers: Sequence[str]
) -> Iterator[Sequence[tuple[str, Download | RuntimeProblem]]]:
    """Begin to listen to many at the same time: on a busy host each begins late, and all waited for one another."""
    bodies: list[Download] = []
    over = threading.Event()

    def begin(container: str) -> tuple[str, Download | RuntimeProblem]:
        try:
            body = api.download(_path(container), {"stream": "true"}, quiet_s=api.timeout_s)
        except RuntimeProblem as problem:
            return container, problem
        bodies.append(body)
        if over.is_set():  # it came too late, and nobody else will close it
            body.close()
        return container, body

    try:
        yield pool.each(begin, containers)
    finally:
        over.set()
        for body in [*bodies]:
            body.close()


def _asked(
    api: Api, pool: Pool, containers: Sequence[str], twice: frozenset[str], *, pause: Callable[[float], object]
) -> dict[str, Taken]:
    def once(container: str) -> tuple[str, Taken]:
        try:
            figures = api.get(_path(container), Stats, {"stream": "false", "one-shot": "true"})
        except RuntimeProblem as problem:
            return container, ([], _why(problem))
        return container, _first(iter([figures]), 1, by_system=False)

    taken = dict(pool.each(once, containers))
    again = [container for container in containers if container in twice and taken[container][0]]
    if again:
        pause(SPAN_S)
        for container, (later, reason) in pool.each(once, again):
            taken[container] = (taken[container][0] + later, reason)
    return taken


def _first(figures: Iterator[Stats], count: int, *, by_system: bool) -> Taken:
    samples: list[Sample] = []
    try:
        for each in figures:
            found = sample(each, by_system=by_system)
            if found is None:
                return samples, NO_FIGURES
            samples.append(found)
            if len(samples) == count:
                return samples, ""
    except RuntimeProblem as problem:
        return samples, _why(problem)
    return samples, NOT_RUNNING


def _figures(body: Download, api: Api) -> Generator[Stats, None, None]:
    """Read the figures of a stream: one JSON object on each line."""
    held = b""
    try:
        for chunk in body:
            *lines, held = (held + chunk).split(b"\n")
            for line in lines:
                yield msgspec.json.decode(line, type=Stats, strict=False)
            if len(held) > FRAME_MAX_BYTES:
                raise not_an_engine(api.place)
    except UNREADABLE as error:
        raise not_an_engine(api.place) from error
    finally:
        body.close()


def _path(container: str) -> str:
    return f"/containers/{escaped(container)}/stats"


def _why(problem: RuntimeProblem) -> str:
    return NOT_RUNNING if isinstance(problem, Missing | Conflict) else problem.sentence
