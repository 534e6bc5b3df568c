"""How long until `opsmodal demo` answers, from a cold process; the peer is a bare Flask application's process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.measure import Figure, Promise, in_turns, median
from tests.bench.sizes import Size
from tests.engines.process import wait_for
from tests.engines.sshd import HOST, free_port

ANSWER_S = 60.0
PROMISED_S = 3.0
BARE = "import flask, sys; flask.Flask('bare').run('127.0.0.1', int(sys.argv[1]))"


def first_answer(size: Size) -> Iterator[Figure]:
    """Start both programs in turns."""
    ours, peer = in_turns(demo_s, bare_flask_s, rounds=size.rounds)
    yield Figure(
        name="first answer of `opsmodal demo`",
        ours=median(ours),
        unit="s",
        peer=median(peer),
        peer_name="bare Flask",
        promise=Promise(at_most=PROMISED_S),
        count=len(ours),
        with_="cold processes",
    )


def demo_s() -> float:
    """Start the demo and give the seconds until its first answer."""
    port = free_port()
    return _first_answer_s([str(Path(sys.executable).with_name("opsmodal")), "demo", "--port", str(port)], port)


def bare_flask_s() -> float:
    """Start an application of one line and give the seconds until its first answer."""
    port = free_port()
    return _first_answer_s([sys.executable, "-c", BARE, str(port)], port)


def _first_answer_s(argv: Sequence[str], port: int) -> float:
    with tempfile.TemporaryDirectory() as home:
        began = time.monotonic()
        process = subprocess.Popen(
            argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": home}
        )
        try:
            wait_for(lambda: process.poll() is not None or _answers(port), argv[0], within_s=ANSWER_S)
            took_s, alive = time.monotonic() - began, process.poll() is None
        finally:
            process.terminate()
            process.wait(ANSWER_S)
    if not alive:
        raise RuntimeError(f"{' '.join(argv)} ended with {process.returncode} before it answered")
    return took_s


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/healthz", timeout=ANSWER_S):
            return True
    except urllib.error.HTTPError:
        return True  # a refusal is an answer
    except OSError:
        return False
