from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.unit.opsmodal.cli.programs import PROGRAM, Running, answered, asked, environment, run, running

SETTLED_S = 60.0
"""The demo's crashing pod needs some seconds; a machine that runs the other tests at the same time takes longer."""


def test_the_demo_answers_with_three_services_of_which_two_are_in_trouble() -> None:
    """How soon is for `make bench`: the first answer of `opsmodal demo`."""
    with running("demo", "--port", "0", "--json") as demo:
        access = json.loads(demo.line())
        port = int(access["url"].rpartition(":")[2])
        assert access["url"] == f"http://127.0.0.1:{port}"
        deadline, states = time.monotonic() + SETTLED_S, dict[str, str]()
        while states != {"shop": "ok", "payments": "error", "reports": "progress"}:
            assert time.monotonic() < deadline, states
            services = answered(port, "/services", access["token"])
            assert isinstance(services, dict)
            states = {one["name"]: one["status"] for one in services["items"] if one["runtime"] == "demo"}
        ended = demo.end()
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_the_demo_prints_a_link_that_signs_in_once() -> None:
    with running("demo", "--port", "0") as demo:
        address = demo.line().removeprefix("opsmodal demo: ")
        link = demo.line().removeprefix("Sign in once with: ")
        port = int(address.rpartition(":")[2])
        assert link.startswith(f"{address}/sign-in?ticket=")
        path = link.removeprefix(address)
        assert asked(port, "/services")[0] == 303
        status, _, headers = asked(port, path)
        assert (status, headers["Location"]) == (303, "/services")
        assert "HttpOnly" in headers["Set-Cookie"]
        assert asked(port, path)[0] == 401
        demo.end(signal.SIGINT)


def test_nothing_is_open_without_a_token_or_under_another_name() -> None:
    with running("demo", "--port", "0", "--json") as demo:
        port = int(json.loads(demo.line())["url"].rpartition(":")[2])
        assert asked(port, "/api/v1/services")[0] == 401
        assert asked(port, "/api/v1/services", Authorization="Bearer opm_wrong")[0] == 401
        assert asked(port, "/healthz", Host="rebound.example")[0] == 400
        demo.end()


def test_the_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    with running("demo", "--port", "0", "--json", env={"TMPDIR": str(tmp_path)}) as demo:
        demo.line()
        (folder,) = tmp_path.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
        assert demo.end().code == 0
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_said_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = run("demo", "--port", port)
    assert refused.code == 1
    assert refused.err.splitlines() == [
        f"opsmodal: Port {port} of 127.0.0.1 cannot be used: Address already in use.",
        "  Choose another with --port, or any free one with --port 0.",
    ]


@pytest.mark.parametrize("args", [("demo", "--port", "70000"), ("demo", "--prot", "1"), ("dmeo",)])
def test_wrong_usage_exits_with_two(args: tuple[str, ...]) -> None:
    refused = run(*args)
    assert refused.code == 2
    assert "Traceback" not in refused.err


def test_the_version_is_told() -> None:
    from opsmodal.version import installed_version

    assert run("--version").out == f"opsmodal {installed_version()}\n"


def test_enter_on_the_terminal_prints_another_link_when_the_first_has_gone_cold() -> None:
    own, terminal = os.openpty()
    argv = [*PROGRAM, "demo", "--port", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=terminal, stdout=pipe, stderr=pipe, env=environment()) as process:
        os.close(terminal)
        demo = Running(process)
        address = demo.line().removeprefix("opsmodal demo: ")
        first = demo.line()
        os.write(own, b"\n")
        assert process.stderr is not None
        assert b"press Enter" in process.stderr.readline()
        second = demo.line()
        assert second.startswith("Sign in once with: ")
        assert second != first
        path = second.removeprefix(f"Sign in once with: {address}")
        assert asked(int(address.rpartition(":")[2]), path)[0] == 303
        demo.end()
        os.close(own)


def test_without_a_terminal_a_command_prints_another_link() -> None:
    with running("demo", "--port", "0") as demo:
        address, _ = demo.line().removeprefix("opsmodal demo: "), demo.line()
        assert demo.process.stderr is not None
        told = demo.process.stderr.readline().decode()
        assert told.endswith(f" --address {address}\n")
        assert "opsmodal user link demo --data-dir /" in told
        demo.end()
