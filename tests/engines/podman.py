"""Start a podman service of the tests' own, as root or as an ordinary user: own storage, own network, own socket.

Works without systemd and on hybrid control groups, where crun refuses and runc does not. Rootless runs as the user of
the tests, or, for root, as `nobody` with a single mapped uid: nothing has to be added to /etc/subuid for that.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.engines import bridge as bridges
from tests.engines.activated import Activated
from tests.engines.bridge import Bridge
from tests.engines.containers import ContainerEngine
from tests.engines.process import CannotStart, Daemon, own_folder, sweep

PING_S = 10.0
UNPRIVILEGED = "nobody"
TUN = 'mount -t tmpfs -o mode=755 opsmodal /dev/net && mknod -m 666 /dev/net/tun c 10 200 && exec "$@"'
"""Shows /dev/net/tun to one service, where the machine keeps it for root: slirp4netns, by which containers without root
have networks and published ports, opens it as the user. The podman commands of that user join what the service sees."""
CONTAINERS_CONF = """\
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "{folder}/libpod"

[containers]
log_driver = "k8s-file"
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
{containers}
[network]
network_config_dir = "{folder}/networks"
default_network = "opsmodal"
"""
"""default_ulimits: podman asks for more than a machine without CAP_SYS_RESOURCE gives. journald is not everywhere."""
STORAGE_CONF = """\
[storage]
driver = "{driver}"
graphroot = "{folder}/data"
runroot = "{folder}/run"
[storage.options]
ignore_chown_errors = "{single_uid}"
[storage.options.{driver}]
ignore_chown_errors = "{single_uid}"
"""


class Podman(ContainerEngine):
    """A podman service; `close()` takes its bridge along."""

    remove_now = ("rm", "-f", "-v", "--time", "0")
    kinds = (
        ("pod", ("pod", "ps", "-q", "--no-trunc"), ("pod", "rm", "-f", "--time", "0")),
        ("container", ("ps", "-aq", "--no-trunc"), remove_now),
        *ContainerEngine.kinds[1:],
    )
    bridge: Bridge | None = None

    def activated(self, path: Path, *, idle_s: int) -> Activated:
        """Listen at another socket, at which a service starts when somebody connects and ends after `idle_s`."""
        argv = ["podman", "--log-level", "warn", "system", "service", f"--time={idle_s}"]
        return Activated(path, argv, env={**os.environ, **self._env})

    def empty(self) -> None:
        if os.geteuid() != 0:
            # Storage of several mapped uids belongs to uids that only podman's own user namespace reaches.
            self.cli("unshare", "rm", "-rf", str(self.folder / ".local"), check=False)

    def close(self) -> None:
        super().close()
        if self.bridge:
            self.bridge.remove()


def start() -> Podman:
    """Start a rootful service and give it images; raise CannotStart with the reason."""
    if os.geteuid() != 0:
        raise CannotStart("rootful podman needs root; run the tests as root to include it")
    _programs()
    folder = own_folder("podman")
    bridge = bridges.free(folder.name)
    _network(folder, bridge)
    return _started(folder, name="podman", containers="", single_uid=False, uid=None, bridge=bridge)


def start_rootless() -> Podman:
    """Start a service of an ordinary user and give it images; raise CannotStart with the reason."""
    _programs()
    folder = own_folder("rootless")
    uid = None if os.geteuid() else pwd.getpwnam(UNPRIVILEGED).pw_uid
    return _started(folder, name="podman rootless", containers='netns = "none"', single_uid=True, uid=uid, bridge=None)


def _programs() -> None:
    for program in ("podman", "runc"):
        if not shutil.which(program):
            raise CannotStart(f"no {program} on this machine (package {program})")


def _started(
    folder: Path, *, name: str, containers: str, single_uid: bool, uid: int | None, bridge: Bridge | None
) -> Podman:
    try:
        env = _configured(folder, containers=containers, single_uid=single_uid)
        if uid is not None:
            _hand_over(folder, uid)
        engine = _engine(folder, name, env, uid)
        engine.bridge = bridge
        engine.start()
        engine.load_images()
    except (CannotStart, AssertionError, OSError, subprocess.SubprocessError) as problem:
        sweep(folder)
        raise CannotStart(f"{name}: {problem}") from problem
    return engine


def _engine(folder: Path, name: str, env: Mapping[str, str], uid: int | None) -> Podman:
    socket = folder / "podman.sock"

    def answers() -> bool:
        asked = [
            "curl",
            "--silent",
            "--fail",
            "--max-time",
            str(PING_S),
            "--unix-socket",
            str(socket),
            "http://d/_ping",
        ]
        return subprocess.run(asked, check=False, capture_output=True, timeout=PING_S * 2).returncode == 0

    argv = ["podman", "--log-level", "warn", "system", "service", "--time=0", f"unix://{socket}"]
    if uid is not None:
        becoming = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
        argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", TUN, "sh", *becoming, *argv]
    daemon = Daemon(argv, folder=folder, ready=answers, env=env)
    return Podman(name=name, folder=folder, socket=socket, daemon=daemon, client=["podman"], env=env, uid=uid)


def _configured(folder: Path, *, containers: str, single_uid: bool) -> dict[str, str]:
    networks = folder / "networks"
    for made in (networks, folder / "xdg", folder / "tmp"):
        made.mkdir(exist_ok=True, mode=0o700)
    (folder / "containers.conf").write_text(CONTAINERS_CONF.format(containers=containers, folder=folder))
    driver = "vfs" if single_uid else "overlay"
    storage = STORAGE_CONF.format(driver=driver, folder=folder, single_uid=str(single_uid).lower())
    (folder / "storage.conf").write_text(storage)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "XDG_RUNTIME_DIR": str(folder / "xdg"),
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
    }


def _network(folder: Path, bridge: Bridge) -> None:
    """Write the default network: a bridge without the firewall plugin, so that iptables stays as it is."""
    gateway, _, prefix = bridge.address.partition("/")
    subnet = f"{gateway.rpartition('.')[0]}.0/{prefix}"
    ipam = {
        "type": "host-local",
        "dataDir": str(folder / "addresses"),
        "ranges": [[{"subnet": subnet, "gateway": gateway}]],
    }
    plugin = {"type": "bridge", "bridge": bridge.name, "isGateway": True, "ipMasq": False, "ipam": ipam}
    network = {
        "cniVersion": "0.4.0",
        "name": "opsmodal",
        "plugins": [plugin, {"type": "portmap", "capabilities": {"portMappings": True}}],
    }
    (folder / "networks").mkdir()
    (folder / "networks" / "opsmodal.conflist").write_text(json.dumps(network))


def _hand_over(folder: Path, uid: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, uid)
