"""What a command costs beside the program that people type instead: in a container, as 5 MB, fifty at a time."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from connectors.base import Exit
from connectors.direct import Direct
from runtimes.base import Scope
from runtimes.commands import Command, Commands
from runtimes.docker.open import open_docker
from tests.bench.logs import engine
from tests.bench.measure import Figure, Promise, in_turns, median
from tests.bench.sizes import Size
from tests.engines.containers import ContainerEngine

EXEC_TIMES = 1.2
BYTES_TIMES = 1.5
FAIR_TIMES = 2.0
STREAM_BYTES = 8_000_000
STREAMS = 50
BIG = 5_000_000
LIMIT_S = 120.0
NAME = "busy"
SCOPE = Scope(service="bench", containers=(NAME,))
WRITER = f"yes {'x' * 63} | head -c {BIG}"
TICKER = "while :; do echo {line}; done"
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def container(size: Size) -> Iterator[Figure]:
    """Run something short in a container, and 5 MB of output, beside docker exec."""
    with _opened() as (started, commands, own):
        client = ["docker", "--host", started.url, "exec", NAME]
        with_ = f"dockerd {started.cli('version', '--format', '{{.Server.Version}}')}"
        ours, peer = in_turns(
            lambda: _ours_s(commands, own, ("true",)), lambda: _peer_s([*client, "true"]), rounds=size.requests
        )
        yield Figure(
            name="a short command in a container",
            ours=median(ours),
            unit="s",
            peer=median(peer),
            peer_name="docker exec",
            promise=Promise(at_most=EXEC_TIMES, of="ratio"),
            count=len(ours),
            with_=with_,
            note="Ours ends what the command leaves behind, which docker exec does not.",
        )
        writer = ("sh", "-c", WRITER)
        ours, peer = in_turns(
            lambda: _ours_s(commands, own, writer, expected=BIG),
            lambda: _peer_s([*client, *writer], expected=BIG),
            rounds=size.rounds,
        )
        yield Figure(
            name=f"{BIG / 1e6:.0f} MB of output of a command in a container",
            ours=median(ours),
            unit="s",
            peer=median(peer),
            peer_name="docker exec > file",
            promise=Promise(at_most=BYTES_TIMES, of="ratio"),
            count=len(ours),
            with_=with_,
        )


def streams(size: Size) -> Iterator[Figure]:
    """Let fifty commands write as fast as they can."""
    with _opened() as (_, commands, own):
        before = _rss_bytes()
        got, most = _side_by_side(commands, own, size.streamed_s)
    yield Figure(
        name=f"{STREAMS} commands that write at once, the fastest beside the slowest",
        ours=max(got) / max(min(got), 1),
        unit="times",
        promise=Promise(at_most=FAIR_TIMES),
        count=STREAMS,
        with_=f"dockerd, {size.streamed_s:g} s",
        note=f"{sum(got) / size.streamed_s / 1e6:.1f} MB/s together. The first second is not counted.",
    )
    yield Figure(
        name="memory of each of them",
        ours=max(most - before, 0) / STREAMS / 1e6,
        unit="MB",
        promise=Promise(at_most=STREAM_BYTES / 1e6),
        count=STREAMS,
        with_="the server's own; without a spool, which is a file",
    )


@contextlib.contextmanager
def _opened() -> Iterator[tuple[ContainerEngine, Commands, str]]:
    with engine() as started:
        started.run("sleep", "100000", options=["--name", NAME])
        runtime = open_docker("bench", socket=str(started.socket), connection=Direct())
        try:
            assert runtime.commands is not None
            yield started, runtime.commands, runtime.commands.containers(SCOPE).own[NAME]
        finally:
            runtime.close()


def _ours_s(commands: Commands, own: str, argv: tuple[str, ...], *, expected: int = 0) -> float:
    began, size = time.perf_counter(), 0
    command = Command(argv=argv, limit_s=LIMIT_S, where="container", container=own)
    for said in commands.run(SCOPE, command).stream:
        if isinstance(said, Exit):
            if said.code != 0:
                raise RuntimeError(f"it ended with {said}")
        else:
            size += len(said.data)
    if size != expected:
        raise RuntimeError(f"{size} of {expected} bytes came")
    return time.perf_counter() - began


def _peer_s(argv: Sequence[str], *, expected: int = 0) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "output")
        with path.open("wb") as file:
            began = time.perf_counter()
            subprocess.run(argv, check=True, stdout=file, timeout=LIMIT_S)
            took_s = time.perf_counter() - began
        if path.stat().st_size != expected:
            raise RuntimeError(f"{path.stat().st_size} of {expected} bytes came")
    return took_s


def _side_by_side(commands: Commands, own: str, during_s: float) -> tuple[list[int], int]:
    """Give how many bytes each stream brought in the same time, and how large this process became."""
    argv = ("sh", "-c", TICKER.format(line="x" * 200))
    command = Command(argv=argv, limit_s=LIMIT_S, where="container", container=own)
    opened = [commands.run(SCOPE, command).stream for _ in range(STREAMS)]
    got, counting, over = [0] * STREAMS, threading.Event(), threading.Event()

    def read(number: int) -> None:
        for said in opened[number]:
            if counting.is_set() and not isinstance(said, Exit):
                got[number] += len(said.data)
            if over.is_set():
                return

    threads = [threading.Thread(target=read, args=(number,), name=f"stream {number}") for number in range(STREAMS)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    counting.set()
    time.sleep(during_s)
    counting.clear()
    most = _rss_bytes()
    over.set()
    for stream in opened:
        stream.close()
    for thread in threads:
        thread.join(LIMIT_S)
    return got, most


def _rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES
