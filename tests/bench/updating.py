"""What an update costs whoever is served: how long a healthy container's port is unanswered, beside stop and start."""

from __future__ import annotations

import http.client
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from typing import Any

from tests.bench.logs import engine
from tests.bench.measure import Figure, Promise, in_turns, median
from tests.bench.served import ANSWER_S, Served, of_engine, served
from tests.bench.sizes import Size
from tests.engines.containers import ContainerEngine
from tests.engines.process import wait_for
from tests.engines.sshd import free_port

NAME = "bench-web"
SCRIPT = "trap 'exit 0' TERM; httpd -f -p 80 -h /www & wait"
CHECK = ("--health-cmd", "wget -q -O /dev/null http://127.0.0.1/", "--health-interval", "1s")
EVERY_S = 0.005
QUIET_S = 0.5
TIMES = 1.2
ROUNDS_MIN = 5


def port(size: Size) -> Iterator[Figure]:
    """Redeploy a container through the API, and stop and start it by hand, in turns."""
    number = free_port()
    with engine() as started:
        options = ["--name", NAME, "--publish", f"127.0.0.1:{number}:80", *CHECK]
        started.run("sh", "-c", SCRIPT, options=options)
        wait_for(lambda: _healthy(started), "the container is healthy", within_s=ANSWER_S)
        with served(of_engine(started.socket, [NAME]), collecting=False) as serving:
            ours, peer = in_turns(
                lambda: _unanswered_s(number, lambda: _redeploy(serving)),
                lambda: _unanswered_s(number, lambda: _by_hand(started)),
                rounds=max(size.rounds, ROUNDS_MIN),
            )
    yield Figure(
        name="an update of a healthy container: its port is unanswered",
        ours=median(ours),
        unit="s",
        peer=median(peer),
        peer_name="stop, start by hand",
        promise=Promise(at_most=TIMES, of="ratio"),
        count=len(ours),
        with_="dockerd, a web server that ends at once, asked every 5 ms",
        note="From the last answer before to the first one after, the container's own end and start included.",
    )


def _unanswered_s(number: int, act: Callable[[], None]) -> float:
    """Ask a port all the time while something is done; give the longest time between two answers."""
    answered: list[float] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            if _answers(number):
                answered.append(time.perf_counter())
            time.sleep(EVERY_S)

    asking = threading.Thread(target=ask, name="asking", daemon=True)
    asking.start()
    time.sleep(QUIET_S)
    act()
    wait_for(lambda: bool(answered) and _answers(number), "the port answers again", within_s=ANSWER_S)
    time.sleep(QUIET_S)
    over.set()
    asking.join(ANSWER_S)
    return max(later - earlier for earlier, later in pairwise(answered))


def _answers(number: int) -> bool:
    line = http.client.HTTPConnection("127.0.0.1", number, timeout=1)
    try:
        with closing(line):
            line.request("GET", "/")
            return line.getresponse().status == 200
    except (TimeoutError, OSError, http.client.HTTPException):
        return False


def _redeploy(serving: Served) -> None:
    """Begin an update and wait until its job is through."""
    job = _called(serving, "POST", f"/api/v1/services/engine/deployment/{NAME}/redeploy")
    path = f"/api/v1/services/engine/jobs/{job['id']}"
    wait_for(lambda: _called(serving, "GET", path)["state"] != "running", "the update is over", within_s=ANSWER_S)
    if (ended := _called(serving, "GET", path))["state"] != "done":
        raise RuntimeError(f"the update ended so: {ended['sentence']}")


def _called(serving: Served, method: str, path: str) -> dict[str, Any]:
    line = http.client.HTTPConnection("127.0.0.1", serving.port, timeout=ANSWER_S)
    headers = {"Authorization": f"Bearer {serving.tokens[0]}", "Content-Type": "application/json"}
    with closing(line):
        line.request(method, path, "{}" if method == "POST" else None, headers)
        answer = line.getresponse()
        body = answer.read()
    if answer.status >= 300:
        raise RuntimeError(f"{method} {path} was answered {answer.status}: {body[:300]!r}")
    found: dict[str, Any] = json.loads(body)
    return found


def _by_hand(started: ContainerEngine) -> None:
    client = f"docker --host {started.url}"
    subprocess.run(["sh", "-c", f"{client} stop {NAME} && {client} start {NAME}"], check=True, capture_output=True)


def _healthy(started: ContainerEngine) -> bool:
    return started.cli("inspect", "--format", "{{.State.Health.Status}}", NAME) == "healthy"
