"""Where the files that a document names come from: a folder beside it, or what somebody has sent with a form.

What is sent never makes the server read a file of its own; a folder is read by whoever may run `opsmodal apply`.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

CREDENTIAL_MAX_BYTES = 1_000_000
"""A kubeconfig of a thousand clusters is half of this."""


class Files(Protocol):
    """A source of files. `trusted` sources may name programs that an administrator's setting allows."""

    trusted: bool
    missing_hint: str
    """What to do about a file that is not at hand."""

    def read(self, field: str, name: str) -> bytes:
        """Give the content. Raise FileNotFoundError when it is not at hand, OSError when it cannot be read."""
        ...

    def beside(self, name: str) -> Callable[[str], bytes] | None:
        """Give what reads the files that a file itself names; None where that is refused."""
        ...


class Folder:
    """Files by their names, relative to the folder of the document."""

    trusted = True
    missing_hint = "Names are relative to the document's folder."

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, field: str, name: str) -> bytes:  # noqa: ARG002  (a form's files go by field)
        """Read a regular file of at most CREDENTIAL_MAX_BYTES."""
        return _content(self._path / name)

    def beside(self, name: str) -> Callable[[str], bytes]:
        """Read relative to a named file's own folder, as kubectl does."""
        folder = (self._path / name).parent
        return lambda other: _content(folder / other)


class Sent:
    """Texts by the field they are for: `kubeconfig`, `tls.key`, `connections.lan.identityFile`, `configFile`."""

    trusted = False
    missing_hint = "Send it along, or apply the document with “opsmodal apply -f” where the file is."

    def __init__(self, texts: Mapping[str, str] | None = None) -> None:
        self._texts = dict(texts or {})

    def read(self, field: str, name: str) -> bytes:
        """Give the text that was sent for a field."""
        if not self._texts.get(field):
            raise FileNotFoundError(errno.ENOENT, "nothing was sent for it", name)
        return self._texts[field].encode()

    def beside(self, name: str) -> None:
        """Refuse: a form must never make the server read its own files."""


def _content(path: Path) -> bytes:
    # O_NONBLOCK: opening a pipe must not wait for somebody to write into it.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        if status.st_size > CREDENTIAL_MAX_BYTES:
            raise OSError(errno.EFBIG, f"it is larger than {CREDENTIAL_MAX_BYTES // 1_000_000} MB", str(path))
        return file.read(CREDENTIAL_MAX_BYTES)
