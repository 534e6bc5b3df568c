"""Start and end the programs of the test engines: each in an own folder, found again by that folder, ended by pid.

Nothing here looks for programs by their name: other engines of the same kind may run on the machine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

START_S = 60.0
"""dockerd answers after about 2 s; on a machine busy with a build it has taken 20 s."""
STOP_S = 20.0
POLL_S = 0.05
LOG_TAIL_CHARS = 600


class CannotStart(Exception):
    """This machine cannot start the engine; the text is the reason that the skipped tests show."""


class Daemon:
    """One program in the background, its output in a file; `ready` says when it can be used."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        folder: Path,
        ready: Callable[[], bool],
        env: Mapping[str, str] | None = None,
        uid: int | None = None,
    ) -> None:
        self.argv = [str(part) for part in argv]
        self.log = folder / f"{Path(self.argv[0]).name}.log"
        self._ready, self._uid = ready, uid
        self._env = {**os.environ, **(env or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, *, within_s: float = START_S) -> None:
        """Start it and wait until it is ready; raise CannotStart with the end of its log."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                user=self._uid,
                group=self._uid,
                extra_groups=None if self._uid is None else [],
                start_new_session=True,
            )
        try:
            wait_for(lambda: not self.running or self._ready(), f"{self.argv[0]} ready", within_s=within_s)
        except TimeoutError:
            self.kill()
        if not self.running:
            raise CannotStart(f"{Path(self.argv[0]).name} did not start: {self.last_words()}")

    def stop(self) -> None:
        """Ask it to end, and end it when it does not."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end(signal.SIGKILL)

    def last_words(self) -> str:
        return " ".join(self.log.read_text(errors="replace")[-LOG_TAIL_CHARS:].split())

    def _end(self, how: signal.Signals) -> None:
        if self._process is None or not self.running:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_S)


def wait_for(condition: Callable[[], bool], what: str, *, within_s: float = START_S) -> None:
    """Poll until `condition` holds; raise TimeoutError naming `what`."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {within_s:g} s")
        time.sleep(POLL_S)


def own_folder(name: str) -> Path:
    """Make a folder with a short path (a Unix socket's path ends at 107 bytes) that other users may pass through."""
    folder = Path(tempfile.mkdtemp(prefix=f"opsmodal-{name}-", dir="/tmp"))
    folder.chmod(0o711)
    return folder


def sweep(folder: Path) -> None:
    """End every process that was started for `folder`, unmount what lies in it, and remove it."""
    for pid in processes_of(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not processes_of(folder), f"the processes of {folder} ended", within_s=STOP_S)
    for mount in reversed(mounts_of(folder)):
        subprocess.run(["umount", "-l", mount], check=False, capture_output=True, timeout=STOP_S)
    shutil.rmtree(folder, ignore_errors=True)


def absent(folders: Sequence[Path]) -> list[Path]:
    """Give those that are not there, before an engine makes them; `tidy` takes them away afterwards."""
    return [folder for folder in folders if not folder.exists()]


def tidy(folders: Sequence[Path]) -> None:
    """Remove folders that the engines made beside their own, unless somebody uses them by now."""
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            subprocess.run(["umount", folder], check=False, capture_output=True, timeout=STOP_S)
            with contextlib.suppress(OSError):
                folder.rmdir()


def processes_of(folder: Path) -> list[int]:
    """Give the processes that were started for `folder`: it is in their command line, environment or root mount.

    The root mount finds what runs inside a container, the environment what podman leaves to hold its namespaces.
    """
    return [pid for pid in _pids() if pid != os.getpid() and any(str(folder) in trait for trait in _traits(pid))]


def mounts_of(folder: Path) -> list[str]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [target for target in (line.split()[1] for line in lines) if target.startswith(f"{folder}/")]


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _traits(pid: int) -> Iterator[str]:
    for name in ("cmdline", "environ", "mountinfo"):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace")
            yield _root_mount(text) if name == "mountinfo" else text


def _root_mount(mountinfo: str) -> str:
    return next((line for line in mountinfo.splitlines() if line.split()[4] == "/"), "")
