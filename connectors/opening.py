"""Makes connections, from an explicit table, and owns what they share: one SSH transport, one tunnel for many.

Equal options give connections over the same transport or tunnel, whoever asks and however often.
"""

from __future__ import annotations

from pathlib import Path

from connectors.base import Connection
from connectors.direct import Direct
from connectors.errors import NotAvailable
from connectors.options import DirectOptions, Options, VpnOptions
from connectors.vpn.external import External


class Connectors:
    """Open connections; `folder` is private to this installation and may be shared by its processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, options: Options) -> Connection:
        """Make a connection, without dialling anything. Raise NotAvailable for what this machine cannot do."""
        if isinstance(options, DirectOptions):
            return Direct()
        if isinstance(options, VpnOptions) and options.mode == "external":
            return External(options, self._folder)
        raise NotAvailable("This kind of connection cannot be used here.", hint="Register one of kind direct.")

    def close(self) -> None:
        """Take down what is still up. May be called twice."""
