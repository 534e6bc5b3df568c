"""Podman as podman.socket of systemd starts it: on the first connection, and gone when nobody has asked for a while.

Source: sd_listen_fds(3) for how a socket is handed over, podman-system-service(1) for `--time`.
"""

from __future__ import annotations

import contextlib
import select
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.engines.process import STOP_S

LOOK_S = 0.1
HAND_OVER = 'exec 3<&"$1"; shift; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@"'
"""The first socket that is handed over is always number 3."""


class Activated:
    """Listens at a socket and starts a service when somebody connects. `starts` counts how often it did."""

    def __init__(self, path: Path, argv: Sequence[str], *, env: Mapping[str, str]) -> None:
        self.starts = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(16)
        self._argv, self._env = argv, env
        self._over = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._serve, name="socket-activation")
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the service runs just now."""
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        """End the service and listen no more."""
        self._over.set()
        self._thread.join(STOP_S)
        self._listener.close()
        if self._process is not None and self.running:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_S)
                return
            self._process.kill()
            self._process.wait(STOP_S)

    def _serve(self) -> None:
        while not self._over.wait(LOOK_S):
            if not self.running and select.select([self._listener], [], [], 0.0)[0]:
                self._start()

    def _start(self) -> None:
        number = self._listener.fileno()
        self._process = subprocess.Popen(
            ["bash", "-c", HAND_OVER, "bash", str(number), *self._argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self._env,
            pass_fds=[number],
            start_new_session=True,
        )
        self.starts += 1
