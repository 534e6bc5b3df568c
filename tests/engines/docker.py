"""Start a dockerd of the tests' own: own data, own sockets, own bridge; iptables and forwarding stay as they are."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from functools import partial
from pathlib import Path

from tests.engines.bridge import Bridge
from tests.engines.containers import ContainerEngine
from tests.engines.process import STOP_S, CannotStart, Daemon, own_folder, sweep, wait_for

PING_S = 10.0
STOP_CONTAINERS_S = "2"
CGROUPS = Path("/sys/fs/cgroup")


class Docker(ContainerEngine):
    """A dockerd; `close()` takes its bridge and control groups along."""

    bridge: Bridge

    def kill(self) -> None:
        """Let dockerd crash, and the containerd that it owns with it; the containers' shims live on, as they would."""
        super().kill()
        # A dockerd that starts while its old containerd is still dying takes it for a living one and waits in vain.
        for pidfile in self.folder.glob("exec/containerd/containerd.pid"):
            containerd = int(pidfile.read_text())
            with contextlib.suppress(ProcessLookupError):
                os.kill(containerd, signal.SIGKILL)
            wait_for(partial(_gone, containerd), "containerd ended", within_s=STOP_S)

    def empty(self) -> None:
        """Remove the sockets of shims that outlived their dockerd; containerd puts them outside of the folder."""
        for address in self.folder.glob("exec/containerd/daemon/io.containerd.runtime.v2.task/*/*/address"):
            Path(address.read_text().removeprefix("unix://")).unlink(missing_ok=True)

    def close(self) -> None:
        super().close()
        self.bridge.remove()
        for top in (*CGROUPS.glob(self.folder.name), *CGROUPS.glob(f"*/{self.folder.name}")):
            for group in sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True):
                group.rmdir()
            top.rmdir()


def start() -> Docker:
    """Start dockerd and give it images; raise CannotStart with the reason."""
    for program in ("dockerd", "docker"):
        if not shutil.which(program):
            raise CannotStart(f"no {program} on this machine (package docker.io)")
    if os.geteuid() != 0:
        raise CannotStart("dockerd needs root; run the tests as root to include it")
    folder = own_folder("docker")
    bridge = Bridge.made(folder.name)
    try:
        engine = _engine(folder, bridge)
        engine.start()
        engine.load_images()
    except (CannotStart, AssertionError, OSError, subprocess.SubprocessError) as problem:
        sweep(folder)
        bridge.remove()
        raise CannotStart(f"dockerd: {problem}") from problem
    return engine


def _engine(folder: Path, bridge: Bridge) -> Docker:
    socket = folder / "docker.sock"
    (folder / "client").mkdir()
    client = ["docker", "--host", f"unix://{socket}"]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "DOCKER_CONFIG": str(folder / "client")}

    def answers() -> bool:
        try:
            asked = subprocess.run([*client, "version"], check=False, capture_output=True, env=env, timeout=PING_S)
        except subprocess.TimeoutExpired:
            return False
        return asked.returncode == 0

    daemon = Daemon(_argv(folder, socket, bridge), folder=folder, ready=answers)
    engine = Docker(name="docker", folder=folder, socket=socket, daemon=daemon, client=client, env=env)
    engine.bridge = bridge
    return engine


def _argv(folder: Path, socket: Path, bridge: Bridge) -> list[str | Path]:
    (folder / "daemon.json").write_text("{}")
    return [
        *("dockerd", "--config-file", folder / "daemon.json", "--host", f"unix://{socket}", "--group", "root"),
        *("--data-root", folder / "data", "--exec-root", folder / "exec", "--pidfile", folder / "dockerd.pid"),
        *("--bridge", bridge.name, "--iptables=false", "--ip-masq=false", "--ip-forward=false"),
        *("--cgroup-parent", f"/{folder.name}", "--shutdown-timeout", STOP_CONTAINERS_S, "--log-level", "warn"),
    ]


def _gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()
