"""What a streaming command costs: 5 MB of one beside the CLI, and fifty at once, none of which may starve."""

from __future__ import annotations

import http.client
import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import websocket

from tests.bench.crowd import LINE_BYTES, NAMESPACE
from tests.bench.measure import Figure, Promise, in_turns, median
from tests.bench.served import ANSWER_S, Served, crowded, of_cluster, served
from tests.bench.sizes import Size
from tests.engines.kubectl import find_kubectl
from tests.engines.sshd import HOST

CLI_TIMES = 1.5
STREAM_MB = 8.0
STARVED_TIMES = 1.5
"""Not promised in a number: how much more than the slowest the median stream may get."""
LINES = 24_500
"""4.9 MB: what a streaming command may write, and no more, so that it ends by itself."""
STREAMS = 50
LINE_BYTES_S = 10_000
"""Of each of the fifty: fifty lines a second."""
BEGUN_S = 120.0
POD, FLOWING = "crowd-00000", "crowd-00001"


def one(size: Size) -> Iterator[Figure]:
    """Read 5 MB of a command's output to the end, beside the CLI piped to a file."""
    lines = min(LINES, size.log_lines)
    with crowded(pods=2, log_lines=lines) as (_, place), tempfile.TemporaryDirectory() as folder:
        kubeconfig = Path(folder, "kubeconfig")
        kubeconfig.write_text(place["kubeconfig"])
        client = [str(find_kubectl()), "--kubeconfig", str(kubeconfig), "--cache-dir", folder]
        client += ["logs", "-n", NAMESPACE, POD, f"--tail={lines}"]
        with _served(place) as server:
            ours, peer = in_turns(
                lambda: _read_s(server, f"kubectl logs {POD} --tail={lines}", lines * LINE_BYTES),
                lambda: _piped_s(client, Path(folder, "out")),
                rounds=size.rounds,
            )
    yield Figure(
        name=f"{lines * LINE_BYTES / 1e6:g} MB of a streaming command delivered",
        ours=median(ours),
        unit="s",
        peer=median(peer),
        peer_name="kubectl, piped to a file",
        promise=Promise(at_most=CLI_TIMES, of="ratio"),
        count=len(ours),
        with_="simulated, from the request that starts it to its last frame",
    )


def many(size: Size) -> Iterator[Figure]:
    """Watch fifty commands at once for a while."""
    count = min(STREAMS, size.sockets)
    with crowded(pods=2, log_bytes_s=LINE_BYTES_S) as (_, place), _served(place) as server:
        warm = _started(server, f"kubectl logs {POD}")
        _watched(server, warm, lambda _: True)
        before_mb = server.rss_mb
        commands = [_started(server, f"kubectl logs -f {FLOWING} --tail=0") for _ in range(count)]
        got = _side_by_side(server, commands, max(size.streamed_s, 2.0))
        used_mb = (server.rss_mb - before_mb) / count
    with_ = f"simulated, {count} kubectls on the same machine, {LINE_BYTES_S / 1000:g} KB/s each"
    sizes = [each["bytes"] for each in got]
    yield Figure(
        name="the median of many streaming commands beside the slowest",
        ours=median([float(each) for each in sizes]) / max(min(sizes), 1),
        unit="times",
        promise=Promise(at_most=STARVED_TIMES),
        count=count,
        with_=with_,
        note=f"Longest silence of any: {max(each['silent_s'] for each in got):.2f} s.",
    )
    yield Figure(
        name="memory of a streaming command, many at once",
        ours=max(used_mb, 0.0),
        unit="MB",
        promise=Promise(at_most=STREAM_MB),
        count=count,
        with_=f"{with_}, resident memory of the worker",
    )


def _served(place: Mapping[str, str]) -> Any:
    registry, files = of_cluster("crowded", place["kubeconfig"], [NAMESPACE])
    settings = {"OPSMODAL_KUBECTL": str(find_kubectl()), "OPSMODAL_COMMAND_STREAMING_COUNT": "100"}
    program = ("-c", f"import os; os.environ.update({settings!r}); from opsmodal.cli import main; main()")
    return served(registry, files, program=program)


def _started(server: Served, line: str) -> str:
    """Start a streaming command and give its id."""
    connection = http.client.HTTPConnection(HOST, server.port, timeout=ANSWER_S)
    try:
        headers = {"Authorization": f"Bearer {server.tokens[0]}", "Content-Type": "application/json"}
        body = json.dumps({"command": line, "mode": "streaming"})
        connection.request("POST", f"/api/v1/services/{NAMESPACE}/commands", body, headers)
        response = connection.getresponse()
        said = json.loads(response.read())
    finally:
        connection.close()
    if response.status != 201:
        raise RuntimeError(f"{line} was answered {response.status}: {said}")
    return str(said["id"])


def _watched(server: Served, command: str, is_over: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Read a command's frames until one says that it has ended, or `is_over` of what came so far."""
    url = f"ws://{HOST}:{server.port}/api/v1/services/{NAMESPACE}/commands/{command}/output"
    watching = websocket.create_connection(
        url,
        header=[f"Authorization: Bearer {server.tokens[0]}"],
        timeout=ANSWER_S,
        suppress_origin=True,
        skip_utf8_validation=True,  # in Python it takes 200 ms a megabyte, which json does again anyway
    )
    came: dict[str, Any] = {"bytes": 0, "silent_s": 0.0}
    last_at = time.monotonic()
    try:
        while True:
            frame = json.loads(watching.recv())
            now = time.monotonic()
            came["silent_s"], last_at = max(came["silent_s"], now - last_at), now
            if "reason" in frame:
                return {**came, "reason": frame["reason"]}
            came["bytes"] += len(frame["data"])
            if is_over(came):
                return came
    finally:
        watching.close()


def _read_s(server: Served, line: str, expected: int) -> float:
    began = time.perf_counter()
    came = _watched(server, _started(server, line), lambda _: False)
    took_s = time.perf_counter() - began
    if (came["bytes"], came.get("reason")) != (expected, "exited"):
        raise RuntimeError(f"{expected} bytes were to come: {came}")
    return took_s


def _piped_s(argv: list[str], path: Path) -> float:
    began = time.perf_counter()
    with path.open("wb") as file:
        subprocess.run(argv, check=True, stdout=file, timeout=ANSWER_S)
    return time.perf_counter() - began


def _side_by_side(server: Served, commands: list[str], seconds: float) -> list[dict[str, Any]]:
    """Watch all at once, from when the last of them has written; give what came of each in the same time."""
    got: dict[str, dict[str, Any]] = {}
    flowing, ends_at = threading.Barrier(len(commands) + 1), threading.Event()

    def watch(command: str) -> None:
        together = threading.Event()

        def is_over(came: dict[str, Any]) -> bool:
            if not together.is_set():
                flowing.wait(BEGUN_S)
                together.set()
                came.update(bytes=0, silent_s=0.0)
            return ends_at.is_set()

        got[command] = _watched(server, command, is_over)

    threads = [threading.Thread(target=watch, args=(command,), name=f"watch-{command}") for command in commands]
    for thread in threads:
        thread.start()
    flowing.wait(BEGUN_S)
    time.sleep(seconds)
    ends_at.set()
    for thread in threads:
        thread.join(ANSWER_S)
    return [got[command] for command in commands]
