"""The longest lines there can be, made to be slow, have a verdict soon: nobody stops a worker by typing."""

from __future__ import annotations

import time

import pytest

from opsmodal.guard.judge import judge
from opsmodal.guard.line import LINE_MAX_BYTES
from opsmodal.guard.masking import masked
from opsmodal.guard.world import Asked, Known, Mode

SOON_S = 2.0
"""Of processor time: a busy machine counts for nothing. The slowest took a tenth; what backtracks takes minutes."""
WORLD = Known(own={"web": "a" * 64}, other={"pay-db": "b" * 64})
CLUSTER = Asked(kind="kubernetes", mode=Mode.ONESHOT, world=WORLD, namespace="shop")
ENGINE = Asked(kind="docker", mode=Mode.ONESHOT, world=WORLD)


def filled(head: str, unit: str, tail: str) -> str:
    room = LINE_MAX_BYTES - len((head + tail).encode())
    return head + unit * (room // len(unit.encode())) + tail


@pytest.mark.parametrize(
    "line",
    [
        filled("ps -o '", "pid=a   ", "!'"),
        filled("ps -o '", "pid,   ", "!'"),
        filled("ps -p '", "1   ", "!'"),
        filled("ps --sort=", "c,", "!"),
        filled("ps ", "-e ", "-u x"),
        filled("ps ", "e ", " x"),
        filled("ss '", "a", "!'"),
        filled("lsof -i", "4", "!"),
        filled("date -d '", "a ", "'"),
        filled("a", " ", ";"),
        filled("a ", "a ", "|"),
        filled("kubectl exec x", " -- ", "|"),
        filled("", "''", ""),
        filled("", '"\\\\"', "'"),
        filled("kubectl get pods ", "–", ""),
        filled("kubectl get pods -", "w", ""),
        filled("kubectl get pods ", "-n x ", ""),
        filled("kubectl get ", "a,", ""),
        filled("kubectl patch deploy x -p '", "{a: ", "'"),
        filled("kubectl patch deploy x -p '", "[", "'"),
        filled("kubectl set env deploy/x ", "A=b ", ""),
        filled("docker logs ", "a ", ""),
        filled("docker ps ", "-f name=a ", ""),
        filled("docker exec ", "-a  ", "| x"),
        filled("sudo ", "sudo ", "ps"),
    ],
    ids=lambda line: line[:24],
)
def test_a_long_line_has_a_verdict_soon(line: str) -> None:
    began = time.process_time()
    for asked in (CLUSTER, ENGINE):
        judge(line, asked)
    masked(line)
    assert time.process_time() - began < SOON_S
