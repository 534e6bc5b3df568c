"""Lines to a real sshd, and the check that no thread of a line outlives its test."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from typing import Any

import paramiko
import pytest

from connectors.options import Hop, Identity
from connectors.ssh.carrier import Carrier
from connectors.ssh.line import Line, Lines
from tests.engines import sshd
from tests.engines.process import CannotStart, wait_for

StartSshd = Callable[..., sshd.Sshd]


@pytest.fixture
def lines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lines]:
    """Give the lines of a process, and see that nothing of them is left."""
    opened = Lines(tmp_path_factory.mktemp("connections"))
    yield opened
    opened.close()
    wait_for(lambda: not threads_of_lines(), "the threads of the lines ended", within_s=15)


@pytest.fixture
def start_sshd() -> Iterator[StartSshd]:
    """Start as many sshd as the test wants."""
    started: list[sshd.Sshd] = []

    def start(*own: str, **how: Any) -> sshd.Sshd:
        try:
            started.append(sshd.start(*own, **how))
        except CannotStart as reason:
            pytest.skip(str(reason))
        return started[-1]

    yield start
    for server in started:
        server.close()


def threads_of_lines() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ssh-")]


def hop_to(server: sshd.Sshd, **other: Any) -> Hop:
    """Give the hop that gets in, with what the test wants otherwise."""
    right = Hop(
        host=server.host,
        port=server.port,
        user=server.user,
        identity=Identity(key=server.key.read_text()),
        known_hosts=server.known_hosts.read_text(),
    )
    return dataclasses.replace(right, **other)


def session(carrier: Carrier, timeout_s: float) -> paramiko.Channel:
    return carrier.open_session(timeout=timeout_s)


def says(line: Line, command: str = "echo hello", *, party: str = "test", timeout_s: float = 20) -> str:
    """Run a command and give what it wrote."""
    channel = line.channel(session, party=party, timeout_s=timeout_s, session=True)
    try:
        channel.settimeout(timeout_s)
        channel.exec_command(command)
        return str(channel.makefile().read().decode())
    finally:
        channel.close()
