"""Run the benchmarks: `make bench`, or `make bench ARGS='--quick --only logs'`.

Each runs in a process of its own with a limit of time: one that fails or hangs is told of, and the others go on.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tests.bench import (
    audit_page,
    audited,
    command_streams,
    commands,
    connections,
    containers,
    depth,
    first_answer,
    following,
    killed,
    logs,
    memory,
    one_shots,
    pages,
    pods,
    screen,
    updating,
)
from tests.bench.keeping import kept
from tests.bench.measure import Failed, Figure
from tests.bench.sizes import FULL, QUICK, TINY, Size
from tests.bench.table import page, verdict
from tests.engines.process import CannotStart

BENCHMARKS: Mapping[str, Callable[[Size], Iterator[Figure]]] = {
    "first-answer": first_answer.first_answer,
    "pods": pods.pods_tab,
    "pods-real": pods.pods_tab_real,
    "containers": containers.containers_tab,
    "memory": memory.cached_pods,
    "storm": memory.storm,
    "pages": pages.many_pages,
    "shared": pages.shared_pages,
    "logs-docker": logs.docker_logs,
    "logs-kubectl": logs.kubectl_logs,
    "logs-real": logs.kubectl_logs_real,
    "following": following.following_simulated,
    "following-docker": following.following_docker,
    "screen": screen.screen_simulated,
    "screen-docker": screen.screen_docker,
    "audit-door": audited.door,
    "audit-killed": killed.killed,
    "audit-page": audit_page.page,
    "ssh-page": connections.page,
    "ssh-streams": connections.streams,
    "ssh-log": connections.log,
    "ssh-cut": connections.cut,
    "auto": connections.auto,
    "commands-docker": commands.container,
    "commands-side-by-side": commands.streams,
    "command-one-shots": one_shots.one_shots,
    "command-stream": command_streams.one,
    "command-streams": command_streams.many,
    "update-port": updating.port,
    "depth-idle": depth.idle,
    "depth-pages": depth.deployment_pages,
    "depth-crowd": depth.crowd,
    "depth-config": depth.large_config,
}
SIZES = {"full": FULL, "quick": QUICK, "tiny": TINY}
LIMIT_S = {"full": 600.0, "quick": 180.0, "tiny": 120.0}
"""How long one benchmark may take."""
REAL_TIMES = 3
"""A real cluster takes minutes to make 5,000 pods and to remove them."""
TIDY_S = 45.0
"""How long one that is stopped may take to end what it started."""
WHY_CHARS = 400


def main() -> int:
    """Measure, print, write where asked; exit 1 when a benchmark failed or a promise was not met."""
    given = _arguments()
    if given.one:
        return _measure_here(given.one, SIZES[given.size])
    found: list[Figure | Failed] = []
    for name in [name for name in BENCHMARKS if given.only in name]:
        began = time.monotonic()
        found += _measured(name, given.size)
        sys.stderr.write(f"{name}: {time.monotonic() - began:.0f} s\n")
    text = page(found, machine=_machine(), quick=given.size != "full")
    sys.stdout.write(text)
    if given.write:
        given.write.write_text(_kept(given, text))
    return 0 if all(isinstance(each, Figure) and each.kept for each in found) else 1


def _kept(given: argparse.Namespace, text: str) -> str:
    """Give what is written: of a run of some benchmarks, their rows within the page that is there."""
    if not given.only or not given.write.exists():
        return text
    return kept(given.write.read_text(), text, only=given.only, machine=_machine())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", dest="size", action="store_const", const="quick", help="everything, but shortened")
    parser.add_argument("--tiny", dest="size", action="store_const", const="tiny", help="only to see that all runs")
    parser.add_argument("--only", default="", help=f"those whose name contains this: {', '.join(BENCHMARKS)}")
    parser.add_argument("--write", type=Path, help="also write the page to this file; with --only, into it")
    parser.add_argument("--one", choices=BENCHMARKS, help=argparse.SUPPRESS)
    parser.set_defaults(size="full")
    given = parser.parse_args()
    if given.only and given.write and given.write.exists() and given.size != "full":
        parser.error("a shortened run of some benchmarks is not written into a page of full ones")
    if not any(given.only in name for name in BENCHMARKS):
        parser.error(f"no benchmark has {given.only!r} in its name")
    return given


def _measured(name: str, size: str) -> list[Figure | Failed]:
    """Run one benchmark in its own process, until its limit; give its figures and what went wrong."""
    argv = [sys.executable, "-m", "tests.bench", "--one", name, *([] if size == "full" else [f"--{size}"])]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    late, limit_s = "", LIMIT_S[size] * (REAL_TIMES if name.endswith("-real") else 1)
    try:
        out, err = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        late = f"not within {limit_s:g} s. "
        process.send_signal(signal.SIGTERM)
        try:
            out, err = process.communicate(timeout=TIDY_S)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
    found: list[Figure | Failed] = []
    for line in out.splitlines():
        found.append(msgspec.json.decode(line, type=Figure))
        _tell(found[-1])
    if process.returncode:
        found.append(Failed(name=name, why=(late + _last_words(err.decode(errors="replace"))).strip()))
        _tell(found[-1])
    return found


def _tell(what: Figure | Failed) -> None:
    if isinstance(what, Failed):
        sys.stderr.write(f"  {what.name} failed: {what.why}\n")
    else:
        beside = f", {what.ratio:.3g} of {what.peer_name}" if what.ratio is not None else ""
        sys.stderr.write(f"  {what.name}: {what.ours:.3g} {what.unit}{beside} {verdict(what)}\n")


def _last_words(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return (lines[-1] if lines else "it ended without a word")[:WHY_CHARS]


def _measure_here(name: str, size: Size) -> int:
    """Measure in this process; each figure is a line of JSON as soon as it is there."""
    signal.signal(signal.SIGTERM, _end)
    try:
        for figure in BENCHMARKS[name](size):
            sys.stdout.buffer.write(msgspec.json.encode(figure) + b"\n")
            sys.stdout.buffer.flush()
    except CannotStart as reason:
        sys.stderr.write(f"{reason}\n")
        return 1
    return 0


def _end(number: int, _frame: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # what was started is being ended: a second signal must not end that
    raise SystemExit("stopped")


def _machine() -> str:
    moment = datetime.now(UTC).strftime("%Y-%m-%d")
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"Measured on {moment} with Python {platform.python_version()} on {system}, {os.cpu_count()} cores, "
        f"{memory_gb:.0f} GB. Load average when all was done: {load}."
    )


if __name__ == "__main__":
    sys.exit(main())
