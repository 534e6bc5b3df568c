"""Refused logins, remembered for all processes of this installation and over its restarts.

Every worker dials for itself. Without a common memory four workers, or one that is restarted in a loop, would knock
four times as often as one, and fail2ban would shut the whole machine out. Only refused logins are kept: whatever else
fails does so without harm.

A file holds what a person was told, which names keys by fingerprint. Its name is a keyed digest of the hops, so that
it gives no handle to guess a password by.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from connectors.errors import LoginRefused
from connectors.options import Hop
from connectors.ssh.backoff import LOGIN_CAP_S

FOLDER = "ssh-refused"
KEY = "key"
KEY_BYTES = 32
FORGOTTEN_S = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A login that was refused: how often in a row, when it may be tried again (seconds since 1970), what was said."""

    failures: int
    until: float
    sentence: str
    hint: str

    @property
    def pause_s(self) -> float:
        """Say how long to wait yet; a clock that was set back makes it no longer than it can be."""
        return max(0.0, min(self.until - time.time(), LOGIN_CAP_S))

    def problem(self) -> LoginRefused:
        return LoginRefused(self.sentence, hint=self.hint)


class Refusals:
    """The refusals in `folder`, which is private to this installation and shared by its processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self._key = b""

    def find(self, hops: Sequence[Hop]) -> Refusal | None:
        """Give the last refusal of this login, also when its pause is over."""
        try:
            found = Refusal(**json.loads(self._path(hops).read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return found if time.time() - found.until < FORGOTTEN_S else None

    def note(self, hops: Sequence[Hop], problem: LoginRefused, *, failures: int, pause_s: float) -> None:
        """Remember a refusal, for every process. Nothing is raised where the disk takes no more: it is a courtesy."""
        made = Refusal(failures=failures, until=time.time() + pause_s, sentence=problem.sentence, hint=problem.hint)
        with contextlib.suppress(OSError):
            path = self._path(hops)
            self._write(path, json.dumps(asdict(made)).encode())
            self._sweep()

    def forget(self, hops: Sequence[Hop]) -> None:
        """Take a refusal out: the login was let in, or a person asks to try it now."""
        with contextlib.suppress(OSError):
            self._path(hops).unlink(missing_ok=True)

    def _path(self, hops: Sequence[Hop]) -> Path:
        told = json.dumps([_told(hop) for hop in hops]).encode()
        return self._folder / f"{hmac.digest(self._secret(), told, 'sha256').hex()[:40]}.json"

    def _secret(self) -> bytes:
        """Give the key of the digests; the first process makes it."""
        if not self._key:
            path = self._folder / KEY
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                made = self._folder / f"{KEY}.{secrets.token_hex(8)}"
                made.touch(mode=0o600)
                made.write_bytes(secrets.token_bytes(KEY_BYTES))
                try:
                    os.link(made, path)  # whole or not at all, and never over another's
                finally:
                    made.unlink()
            self._key = path.read_bytes()
        return self._key

    def _write(self, path: Path, data: bytes) -> None:
        made = path.with_suffix(f".{secrets.token_hex(8)}")
        made.touch(mode=0o600)
        made.write_bytes(data)
        made.replace(path)

    def _sweep(self) -> None:
        for path in self._folder.glob("*.json"):
            if time.time() - path.stat().st_mtime > FORGOTTEN_S:
                path.unlink(missing_ok=True)


def _told(hop: Hop) -> list[Any]:
    who = hop.identity
    return [hop.host, hop.port, hop.user, who.key, who.certificate, who.passphrase, who.password, who.agent]
