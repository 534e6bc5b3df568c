"""Start an sshd of the tests' own on a loopback port: own host key, one authorised key, no PAM.

As many as a test wants, each with its own lines of sshd_config. Passwords are asked only of accounts that a test makes
up: without PAM sshd looks into /etc/shadow itself, so it runs in a mount namespace with account files of its own.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shlex
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tests.engines.process import CannotStart, Daemon, own_folder, sweep

HOST = "127.0.0.1"
SEPARATION = Path("/run/sshd")
"""sshd as root refuses to start without this empty folder; the package's start script would make it."""
ANSWER_S = 20.0
RSA_BITS = 2048
"""The smallest that sshd takes without a word: 3,072, as ssh-keygen has it, take seconds on a busy machine."""
ACCOUNTS = ("/etc/passwd", "/etc/shadow")
HELD = Path("/run/lock/opsmodal-sshd")
"""Locked by every sshd of every worker while it runs; not empty where one of them made the folder above."""
CONFIG = """\
{own}
ListenAddress {host}
Port {port}
{host_keys}
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
    held: TextIO | None
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
        _let_go(self.held)


def start(
    *own: str,
    host_keys: Sequence[str] = ("ed25519",),
    passwords: Mapping[str, str] | None = None,
    shell: str = "/bin/sh",
) -> Sshd:
    """Start sshd with these lines before all others; the first one that sshd finds for a word counts.

    `{folder}` in a line is the server's own. `host_keys` are algorithms of ssh-keygen. The user of the tests signs in
    with the client key, `passwords` makes up accounts by name, with this login shell and `home_of` as their home. Raise
    CannotStart with the reason.
    """
    program = shutil.which("sshd")
    if not program or not shutil.which("ssh-keygen"):
        raise CannotStart("no sshd on this machine (package openssh-server)")
    folder = own_folder("sshd")
    make_key(folder / "client_key")
    for number, algorithm in enumerate(host_keys):
        make_key(folder / host_key_name(number), algorithm)
    held = _hold()
    try:
        accounts = _accounts(folder, passwords or {}, shell)
        return _listening(program, folder, held, own, len(host_keys), accounts)
    except CannotStart:
        sweep(folder)
        _let_go(held)
        raise


def _hold() -> TextIO | None:
    """See that sshd finds its empty folder, and that no other worker takes it away meanwhile."""
    if os.geteuid() != 0:
        return None
    held = HELD.open("a+")
    fcntl.flock(held, fcntl.LOCK_SH)
    if not SEPARATION.exists():
        SEPARATION.mkdir(mode=0o755, exist_ok=True)
        held.write("made")
        held.flush()
    return held


def _let_go(held: TextIO | None) -> None:
    """Take the folder away if nobody uses it any more and the tests made it."""
    if held is None:
        return
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        held.seek(0)
        if held.read() and SEPARATION.is_dir():
            SEPARATION.rmdir()
        held.truncate(0)


def make_key(path: Path, algorithm: str = "ed25519", *, passphrase: str = "", bits: int = 0) -> Path:
    """Make a key pair; the public half is beside it as .pub."""
    bits = bits or RSA_BITS * (algorithm == "rsa")
    size = ["-b", str(bits)] if bits else []
    made = ["ssh-keygen", "-q", "-t", algorithm, *size, "-N", passphrase, "-C", "opsmodal-test", "-f", str(path)]
    subprocess.run(made, check=True, capture_output=True, timeout=ANSWER_S)
    return path


def host_key_name(number: int) -> str:
    return f"host_key{number or ''}"


def home_of(folder: Path, name: str) -> Path:
    """Give the home of an account that a server's test made up; it is empty."""
    return folder / "home" / name


def _listening(
    program: str, folder: Path, held: TextIO | None, own: Sequence[str], keys: int, accounts: Mapping[str, str]
) -> Sshd:
    port = free_port()
    names = [host_key_name(number) for number in range(keys)]
    config = CONFIG.format(
        own="\n".join(line.format(folder=folder) for line in own),
        host=HOST,
        port=port,
        folder=folder,
        host_keys="\n".join(f"HostKey {folder}/{name}" for name in names),
    )
    (folder / "sshd_config").write_text(config)
    known = [f"[{HOST}]:{port} {(folder / f'{name}.pub').read_text()}" for name in names]
    (folder / "known_hosts").write_text("".join(known))
    argv = [program, "-D", "-e", "-f", str(folder / "sshd_config")]
    daemon = Daemon(_among(argv, folder, accounts), folder=folder, ready=lambda: _greets(port))
    daemon.start()
    return Sshd(
        host=HOST,
        port=port,
        user=pwd.getpwuid(os.geteuid()).pw_name,
        key=folder / "client_key",
        known_hosts=folder / "known_hosts",
        folder=folder,
        held=held,
        daemon=daemon,
    )


def _accounts(folder: Path, passwords: Mapping[str, str], shell: str) -> dict[str, str]:
    """Write the machine's account files with these accounts in addition; none when there are no such accounts."""
    if not passwords:
        return {}
    if os.geteuid() != 0 or not shutil.which("unshare"):
        raise CannotStart("accounts of the tests' own need root and unshare")
    texts = {path: Path(path).read_text() for path in ACCOUNTS}
    for uid, (name, password) in enumerate(passwords.items(), start=64_000):
        home = home_of(folder, name)
        home.mkdir(parents=True)
        os.chown(home, uid, uid)
        hashing = ["openssl", "passwd", "-6", "-stdin"]
        made = subprocess.run(hashing, check=True, input=password, capture_output=True, text=True, timeout=ANSWER_S)
        hashed = made.stdout.strip()
        texts["/etc/passwd"] += f"{name}:x:{uid}:{uid}::{home}:{shell}\n"
        texts["/etc/shadow"] += f"{name}:{hashed}:19000:0:99999:7:::\n"
    return texts


def _among(argv: list[str], folder: Path, accounts: Mapping[str, str]) -> list[str]:
    """Give the command that runs `argv` where the account files are these."""
    if not accounts:
        return argv
    mounts = []
    for path, text in accounts.items():
        copy = folder / Path(path).name
        copy.write_text(text)
        copy.chmod(Path(path).stat().st_mode & 0o777)
        mounts.append(f"mount --bind {copy} {path}")
    # The mounts are private to the namespace, and gone with its last process.
    return ["unshare", "--mount", "sh", "-c", f"{' && '.join(mounts)} && exec {shlex.join(argv)}"]


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
