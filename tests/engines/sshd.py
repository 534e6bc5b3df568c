"""Start an sshd of the tests' own on a loopback port: own host key, one authorised key, no passwords, no PAM."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.engines.process import CannotStart, Daemon, own_folder, sweep

HOST = "127.0.0.1"
SEPARATION = Path("/run/sshd")
"""sshd as root refuses to start without this empty folder; the package's start script would make it."""
ANSWER_S = 20.0
CONFIG = """\
ListenAddress {host}
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/client_key.pub
PidFile {folder}/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowTcpForwarding yes
AllowStreamLocalForwarding yes
MaxStartups 100
"""


@dataclass(frozen=True, kw_only=True)
class Sshd:
    """A running sshd: who may sign in where, with which key, and the host key to expect (`known_hosts` format)."""

    host: str
    port: int
    user: str
    key: Path
    known_hosts: Path
    folder: Path
    made_separation: bool
    daemon: Daemon

    def restart(self) -> None:
        self.daemon.stop()
        self.daemon.start()

    def kill(self) -> None:
        """End the listener and every open connection, as a crash of the host would."""
        sweep_connections(self.daemon)
        self.daemon.kill()

    def close(self) -> None:
        """End it and its connections and leave nothing of it."""
        self.kill()
        sweep(self.folder)
        if self.made_separation:
            SEPARATION.rmdir()


def start() -> Sshd:
    """Start sshd; raise CannotStart with the reason. Only the user of the tests can sign in."""
    program = shutil.which("sshd")
    if not program or not shutil.which("ssh-keygen"):
        raise CannotStart("no sshd on this machine (package openssh-server)")
    folder = own_folder("sshd")
    for key in ("host_key", "client_key"):
        made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "opsmodal-test", "-f", str(folder / key)]
        subprocess.run(made, check=True, capture_output=True, timeout=ANSWER_S)
    made_separation = os.geteuid() == 0 and not SEPARATION.exists()
    if made_separation:
        SEPARATION.mkdir(mode=0o755)
    try:
        return _listening(program, folder, made_separation)
    except CannotStart:
        sweep(folder)
        raise


def _listening(program: str, folder: Path, made_separation: bool) -> Sshd:
    port = free_port()
    (folder / "sshd_config").write_text(CONFIG.format(host=HOST, port=port, folder=folder))
    (folder / "known_hosts").write_text(f"[{HOST}]:{port} {(folder / 'host_key.pub').read_text()}")
    daemon = Daemon([program, "-D", "-e", "-f", folder / "sshd_config"], folder=folder, ready=lambda: _greets(port))
    daemon.start()
    return Sshd(
        host=HOST,
        port=port,
        user=pwd.getpwuid(os.geteuid()).pw_name,
        key=folder / "client_key",
        known_hosts=folder / "known_hosts",
        folder=folder,
        made_separation=made_separation,
        daemon=daemon,
    )


def sweep_connections(daemon: Daemon) -> None:
    """End the children of the listener: one for each open connection."""
    if daemon.running:
        children = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text().split()
        for child in map(int, children):
            os.kill(child, 9)


def free_port() -> int:
    """Give a loopback port that was free a moment ago."""
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])


def _greets(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
