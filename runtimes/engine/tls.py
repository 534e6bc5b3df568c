"""The TLS identity for an engine's TCP port: PEM text in memory, private files only while a runtime is open.

Python's ssl module reads client keys from files only, so the text has to touch the disk. It does so in a folder that
nobody else can enter, and is gone when the runtime is closed. What this module refuses to do: talk TLS without
checking who answers.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

FILE_MODE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class TLS:
    """PEM text: the authority that signed the engine's certificate, our certificate and its key.

    `certificate` and `key` come together or not at all; they are never shown.
    """

    ca: str
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)


class KeyFiles:
    """A TLS identity as files that only this user can read. `close()` removes them and may be called twice."""

    def __init__(self, tls: TLS) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="opsmodal-tls-"))  # mkdtemp makes it 0700
        try:
            self.ca = self._written("ca.pem", tls.ca)
            self.pair = None
            if tls.certificate:
                self.pair = (self._written("cert.pem", tls.certificate), self._written("key.pem", tls.key))
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _written(self, name: str, text: str) -> str:
        path = self._folder / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        with os.fdopen(descriptor, "w", encoding="ascii", errors="replace") as file:
            file.write(text)
        return str(path)
