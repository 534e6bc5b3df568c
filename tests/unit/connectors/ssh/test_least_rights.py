"""The lines of authorized_keys that docs/connections.md recommends allow what is needed, and nothing beside it."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import paramiko
import pytest

from connectors.errors import Forbidden, Unreachable
from connectors.ssh.carrier import Carrier
from connectors.ssh.line import Line, Lines
from tests.engines import sshd
from tests.unit.connectors.ssh.conftest import StartSshd, hop_to, says
from tests.unit.connectors.ssh.test_line import far_port, to_port

DOCS = (Path(__file__).parents[4] / "docs" / "connections.md").read_text()
LINES = re.findall(r"^(restrict\S*(?: [^\n]*?)?) ssh-ed25519 ", DOCS, re.MULTILINE)
"""The options of each recommended line, in the order of the document."""


def with_options(server: sshd.Sshd, options: str) -> sshd.Sshd:
    public = server.key.with_suffix(".pub")
    public.write_text(f"{options} {public.read_text()}")
    return server


def test_the_document_recommends_three_lines() -> None:
    assert len(LINES) == 3


def test_a_tunnel_to_one_port_leads_to_that_port_only(start_sshd: StartSshd, lines: Lines) -> None:
    with far_port() as port, far_port() as other:
        options = LINES[0].replace("10.0.0.10:6443", f"127.0.0.1:{port}")
        line = lines.line((hop_to(with_options(start_sshd(), options)),))

        assert read(line, port) == b"far"
        with pytest.raises(Forbidden):
            read(line, other)
        assert "hello" not in says(line)  # no command runs


def test_one_fixed_program_is_the_only_one(start_sshd: StartSshd, lines: Lines) -> None:
    options = LINES[1].replace("docker system dial-stdio", "echo dialled")
    line = lines.line((hop_to(with_options(start_sshd(), options)),))

    assert says(line, "id; reboot") == "dialled\n"
    with far_port() as port, pytest.raises(Forbidden):
        read(line, port)


def test_commands_without_tunnels_run(start_sshd: StartSshd, lines: Lines, tmp_path: Path) -> None:
    line = lines.line((hop_to(with_options(start_sshd(), LINES[2])),))

    assert says(line) == "hello\n"
    with far_port() as port, pytest.raises(Forbidden):
        read(line, port)
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(tmp_path / "s"))
        engine.listen()
        with pytest.raises(Unreachable, match="open failed"):  # sshd words it as if the socket were not there
            line.channel(to_socket(str(tmp_path / "s")), party="a", timeout_s=10)


def read(line: Line, port: int) -> bytes:
    channel = line.channel(to_port(port), party="a", timeout_s=10)
    try:
        return bytes(channel.recv(10))
    finally:
        channel.close()


def to_socket(path: str):  # type: ignore[no-untyped-def]
    def ask(transport: Carrier, timeout_s: float) -> paramiko.Channel:
        fields = paramiko.Message()
        for text in (path, ""):
            fields.add_string(text)
        fields.add_int(0)
        return transport.open("direct-streamlocal@openssh.com", extra=fields.asbytes(), timeout_s=timeout_s)

    return ask
