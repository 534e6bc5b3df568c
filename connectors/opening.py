"""Makes connections, from an explicit table, and owns what they share: one SSH transport, one tunnel for many.

Equal options give connections over the same transport or tunnel, whoever asks and however often.
"""

from __future__ import annotations

import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.base import Connection
from connectors.direct import Direct
from connectors.options import DirectOptions, Options, SshOptions
from connectors.vpn.connection import VpnConnection
from connectors.vpn.external import External
from connectors.vpn.tunnels import Tunnel

if TYPE_CHECKING:
    from connectors.ssh.line import Lines


class Connectors:
    """Open connections; `folder` is private to this installation and may be shared by its processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._lines: Lines | None = None
        self._open: weakref.WeakSet[Connection] = weakref.WeakSet()

    def open(self, options: Options) -> Connection:
        """Make a connection, without dialling anything. Raise NotAvailable for what this machine cannot do."""
        connection = self._made(options)
        with self._lock:
            self._open.add(connection)
        return connection

    def close(self) -> None:
        """Take down what is still up. May be called twice."""
        with self._lock:
            left, lines, self._lines = list(self._open), self._lines, None
        for connection in left:
            connection.close()
        if lines is not None:
            lines.close()

    def _made(self, options: Options) -> Connection:
        if isinstance(options, DirectOptions):
            return Direct(runs_here=options.runs_here)
        if isinstance(options, SshOptions):
            return self._ssh(options)
        if options.mode == "external":
            return External(options, self._folder)
        return VpnConnection(options, Tunnel(self._folder / "vpn", options), self._folder)

    def _ssh(self, options: SshOptions) -> Connection:
        from connectors.ssh.connection import SshConnection  # takes 200 ms, and the demo has no use for it
        from connectors.ssh.line import Lines

        with self._lock:
            if self._lines is None:
                self._lines = Lines(self._folder)
            line = self._lines.line(options.hops)
        return SshConnection(options, line, self._folder)
