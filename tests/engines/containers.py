"""What a started container engine gives to a test, the same for dockerd and podman.

An engine has an own folder, own sockets and an own data root; nothing of it is shared with an engine of the machine.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.engines import images
from tests.engines.process import Daemon, absent, sweep, tidy

CLI_S = 60.0
SHARED = tuple(
    Path("/run", name)
    for name in ("netns", "runc", "containerd/s", "containerd/fifo", "containerd", "docker/plugins", "docker")
)
"""What engines make outside of their own folders, whatever they are told; inner folders first."""


class ContainerEngine:
    """A running engine: `socket` is the path of its API, `images` what it has. Made by docker.start or podman.start."""

    remove_now: Sequence[str] = ("rm", "-f", "-v")
    """How containers are removed without waiting for them to stop."""
    kinds: Sequence[tuple[str, Sequence[str], Sequence[str]]] = (
        ("container", ("ps", "-aq", "--no-trunc"), remove_now),
        ("volume", ("volume", "ls", "-q"), ("volume", "rm", "-f")),
        ("network", ("network", "ls", "--format", "{{.Name}}"), ("network", "rm")),
        ("image", ("images", "-q", "--no-trunc"), ("rmi", "-f")),
    )
    """What a test may make: its name, the listing of ids, the removal. In the order in which it can be removed."""

    def __init__(
        self,
        *,
        name: str,
        folder: Path,
        socket: Path,
        daemon: Daemon,
        client: Sequence[str],
        env: Mapping[str, str],
        uid: int | None = None,
    ) -> None:
        self.name, self.folder, self.socket = name, folder, socket
        self.images = images.IMAGES
        self._not_there_before = absent(SHARED)
        self._daemon, self._client, self._env, self._uid = daemon, [*client], {**env}, uid

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def running(self) -> bool:
        return self._daemon.running

    def start(self) -> None:
        """Start it again, on the same socket and data."""
        self._daemon.start()

    def stop(self) -> None:
        """End it orderly. dockerd stops its containers then; podman's service leaves them running."""
        self._daemon.stop()

    def restart(self) -> None:
        self.stop()
        self.start()

    def kill(self) -> None:
        """Let it crash. Containers may go on running; `start()` brings it back."""
        self._daemon.kill()

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """Let it be there and say nothing meanwhile, as on a host that is out of memory."""
        os.kill(self._daemon.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._daemon.pid, signal.SIGCONT)

    def cli(self, *args: str, check: bool = True, timeout_s: float = CLI_S, stdin: bytes | None = None) -> str:
        """Run the engine's own command line against it and give what it prints; its errors are in the exception."""
        done = self._call(args, timeout_s=timeout_s, stdin=stdin)
        if check and done.returncode != 0:
            raise AssertionError(f"{self.name} {' '.join(args)}: exit {done.returncode}: {done.stderr.decode()}")
        return done.stdout.decode(errors="replace").strip()

    def output(self, *args: str) -> bytes:
        """Run the engine's own command line against it and give the very bytes of its standard output."""
        return self._call(args, timeout_s=CLI_S, stdin=None).stdout

    def run(self, *command: str, image: str = images.IMAGES[0], options: Sequence[str] = ()) -> str:
        """Run a container in the background and give its full id; `options` as on the command line.

        A first process without a handler for SIGTERM ignores it: stopping one need not take the usual ten seconds.
        """
        return self.cli("run", "-d", "--stop-timeout", "1", *options, image, *command)

    @contextlib.contextmanager
    def cleaned(self) -> Iterator[ContainerEngine]:
        """Give the engine up and running, and remove what was made meanwhile."""
        if not self.running:
            self.start()
        before = {kind: self._ids(listing) for kind, listing, _ in self.kinds}
        yield self
        if not self.running:
            self.start()
        for kind, listing, removal in self.kinds:
            if made := sorted(self._ids(listing) - before[kind]):
                self.cli(*removal, *made)

    def close(self) -> None:
        """Remove every container, end the engine and leave nothing of it; a killed engine too."""
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            if left := sorted(self._ids(("ps", "-aq", "--no-trunc"))):
                self.cli(*self.remove_now, *left)
        self._daemon.stop()
        self.empty()
        sweep(self.folder)
        tidy(self._not_there_before)

    def empty(self) -> None:
        """Remove what the user of the tests may not remove from the folder, before the rest goes."""

    def load_images(self) -> None:
        changes = [part for change in images.CHANGES for part in ("-c", change)]
        for tag, name in zip(images.TAGS, images.IMAGES, strict=True):
            self.cli("import", *changes, "-", name, stdin=images.archive(tag))

    def _ids(self, listing: Sequence[str]) -> set[str]:
        return set(self.cli(*listing).split())

    def _call(
        self, args: Sequence[str], *, timeout_s: float, stdin: bytes | None
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*self._client, *args],
            check=False,
            capture_output=True,
            timeout=timeout_s,
            input=stdin if stdin is not None else b"",
            env=self._env,
            cwd=self.folder,
            user=self._uid,
            group=self._uid,
            extra_groups=None if self._uid is None else [],
        )
