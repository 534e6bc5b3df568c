"""Following a fast log for a minute: what was dropped, what the server's memory and processor did meanwhile."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import Any

from tests.bench.crowd import LINE_BYTES, NAMESPACE
from tests.bench.logs import FILLER, engine
from tests.bench.measure import Figure, Promise
from tests.bench.served import Child, Served, crowded, of_cluster, of_engine, served
from tests.bench.sizes import Size

FLAT_MB = 10.0
"""Not promised in a number: what memory may do in a minute without it growing."""
POD = "crowd-00001"
SAMPLE_S = 0.5
EARLY_S = 10.0
EARLY_PART = 0.25
FLOOD = (
    "awk 'BEGIN {{ while (1) for (i = 1; i <= 999999999; i++) printf(\"GET /api/orders/%09d 200 {filler}\\n\", i) }}'"
)


def following_simulated(size: Size) -> Iterator[Figure]:
    """Follow a log that grows by 20 MB a second."""
    with crowded(pods=2, log_bytes_s=size.follow_bytes_s) as (_, place):
        registry, files = of_cluster("crowded", place["kubeconfig"], [NAMESPACE])
        with served(registry, files) as server:
            with_ = f"simulated, {LINE_BYTES} bytes a line, {size.follow_s:g} s"
            followed = _followed(server, f"services/{NAMESPACE}/logs/follow?instance={POD}&tail=0", size.follow_s)
            yield from _figures(followed, with_, asked_mb_s=size.follow_bytes_s / 1e6)


def following_docker(size: Size) -> Iterator[Figure]:
    """Follow a container that writes as fast as dockerd takes it; `docker logs -f` is the peer, in turn."""
    with engine() as started:
        options = ["--name", "flood", "--log-opt", "max-size=1g"]
        started.run("sh", "-c", FLOOD.format(filler=FILLER), options=options)
        with_ = f"dockerd {started.cli('version', '--format', '{{.Server.Version}}')}, {LINE_BYTES} bytes a line"
        with served(of_engine(started.socket, ["flood"])) as server:
            path = "services/engine/logs/follow?instance=flood&tail=0"
            followed = _followed(server, path, min(size.follow_s, EARLY_S * 2))
        argv = ["docker", "--host", started.url, "logs", "-f", "--tail", "0", "flood"]
        peer_mb_s = _peer_mb_s(argv, min(size.follow_s, EARLY_S))
        yield from _figures(followed, with_, peer_mb_s=peer_mb_s)


def _followed(server: Served, path: str, seconds: float) -> dict[str, Any]:
    """Follow for a while; give what came, and samples of the server's memory."""
    reader = Child("tests.bench.reader")
    with contextlib.closing(_Ending(reader)):
        reader.ask(url=f"ws://127.0.0.1:{server.port}/api/v1/{path}", token=server.tokens[0])
        began, cpu_s, samples = time.monotonic(), server.cpu_s, []
        while (passed := time.monotonic() - began) < seconds:
            samples.append((passed, server.rss_mb))
            time.sleep(SAMPLE_S)
        used_s, took_s = server.cpu_s - cpu_s, time.monotonic() - began
        came: dict[str, Any] = reader.ask(stop=True)
    return {**came, "samples": samples, "cpu": used_s / took_s, "took_s": took_s}


class _Ending:
    def __init__(self, child: Child) -> None:
        self._child = child

    def close(self) -> None:
        self._child.end()


def _figures(
    came: dict[str, Any], with_: str, *, asked_mb_s: float | None = None, peer_mb_s: float | None = None
) -> Iterator[Figure]:
    if not came["lines"]:
        raise RuntimeError(f"no line came: {came['reason']}")
    got_mb_s = came["bytes"] / 1e6 / (came["last_at"] - came["first_at"] or 1)
    said = f"{got_mb_s:.1f} MB/s arrived, the server used {came['cpu']:.0%} of a core. End: {came['reason']}."
    yield Figure(
        name="lines dropped while following",
        ours=came["missing"] + came["told_lost"],
        unit="lines",
        promise=Promise(at_most=0),
        count=came["lines"],
        with_=with_,
        note=said,
    )
    yield Figure(
        name="lines repeated while following",
        ours=came["again"],
        unit="lines",
        promise=Promise(at_most=0) if asked_mb_s else None,
        count=came["lines"],
        with_=with_,
    )
    if asked_mb_s:
        yield Figure(
            name="how much faster the log was than its follower",
            ours=asked_mb_s / got_mb_s,
            unit="times",
            promise=Promise(at_most=1.05),
            count=came["lines"],
            with_=f"{with_}, written at {asked_mb_s:g} MB/s",
            note="More than 1: the page falls behind what is written. 5 % are allowed for the first and last second.",
        )
    if peer_mb_s is not None:
        yield Figure(
            name="time to follow a megabyte of a log that never pauses",
            ours=1000 / got_mb_s,
            unit="ms",
            peer=1000 / peer_mb_s,
            peer_name="docker logs -f",
            count=came["lines"],
            with_=with_,
        )
    yield _memory(came, with_)


def _memory(came: dict[str, Any], with_: str) -> Figure:
    samples: Sequence[tuple[float, float]] = came["samples"]
    early_s = min(EARLY_S, came["took_s"] * EARLY_PART)
    early = [mb for at, mb in samples if at <= early_s]
    late = [mb for at, mb in samples if at > came["took_s"] * (1 - EARLY_PART)]
    return Figure(
        name="growth of memory while following",
        ours=max(0.0, max(late, default=0.0) - max(early)),
        unit="MB",
        promise=Promise(at_most=FLAT_MB),
        count=len(samples),
        with_=with_,
    )


def _peer_mb_s(argv: Sequence[str], seconds: float) -> float:
    """Let a client follow; give how much it was given a second."""
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as client:
        assert client.stdout is not None
        began, got = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            data = client.stdout.read1(1 << 20)  # type: ignore[attr-defined]
            if not data:
                break
            got += len(data)
        took_s = time.monotonic() - began
        client.kill()
    return got / 1e6 / took_s
