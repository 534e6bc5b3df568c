"""What is kept of an output: masked, in the pieces in which it came, compressed and sealed; and reading it again.

A secret may stand across two pieces, so each stream is masked as a whole, in blocks that end where no secret can stand:
redaction takes a second for 2 MB, and a worker must breathe meanwhile. A Secret of Kubernetes is known by its kind,
which may stand far from its data: of an output with one in it that is longer than a block nothing is kept.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from opsmodal.audit.redaction import redacted
from opsmodal.commands.ending import Ending
from opsmodal.commands.pieces import Source, packed
from runtimes.structs import make_ready

BLOCK_CHARS = 8 * 1024
"""Some 5 ms of redaction: what other people's requests may wait."""
BLOCK_MAX_CHARS = 256 * 1024
KEPT_MAX_CHARS = 10_000_000
"""More is never kept of one output: twice what it may be at most by default."""
ALONE_MAX = 5_000
"""Pieces of one stream that are masked one by one as well, to keep them apart where that comes to the same."""
LEVEL = 6
_BORDER = re.compile(r"\n(?=\S)")
"""A line that is not indented begins: the end of a document's item."""
_BREAK = re.compile(r"[\s,;]")
_PEM = re.compile(r"-----(BEGIN|END) [A-Z0-9 ]{0,40}PRIVATE KEY")
_SECRET = re.compile(r"""kind\\?["']?\s*:\s*\\?["']?Secret\b""", re.IGNORECASE)

Frame = tuple[Source, str]
Rest = Callable[[float], object]
"""Let others have their turn, after so many seconds of work."""


def at_once(_worked_s: float) -> None:
    """Rest for no longer than it takes to let others have their turn."""
    time.sleep(0)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """An output as it is kept. `masked`: something was taken out; `cut`: it was longer than what is kept."""

    frames: list[Frame]
    masked: bool = False
    cut: bool = False


class TooSecret(Exception):
    """The output cannot be masked for certain, so nothing of it is kept."""


def pack(frames: Iterable[Frame], rest: Rest = at_once) -> bytes:
    """Mask and compress an output, with a rest after each block. Raise TooSecret."""
    taken, cut = _within(frames)
    kept = Kept(frames=(safe := _masked(taken, rest)), masked=safe != taken, cut=cut)
    return _compressed(msgspec.json.encode(kept), rest)


def unpack(data: bytes) -> Kept:
    """Read what `pack` wrote."""
    return _KEPT.decode(zlib.decompress(data))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCommand:
    """A command that is over, out of its record: its pieces have the numbers that they had while it ran.

    `frames` is empty where nothing is kept.
    """

    id: str
    began_at: datetime
    ending: Ending
    frames: Sequence[Frame] = ()

    def read(self, offset: int, *, limit: int, wait_s: float) -> Sequence[tuple[int, bytes]]:  # noqa: ARG002  (there is nothing to wait for)
        """Give pieces from `offset` on."""
        part = self.frames[offset : offset + limit]
        return [(at, packed(source, text.encode())) for at, (source, text) in enumerate(part, start=offset)]


def _within(frames: Iterable[Frame]) -> tuple[list[Frame], bool]:
    taken: list[Frame] = []
    count = 0
    for source, text in frames:
        if count + len(text) > KEPT_MAX_CHARS:
            return [*taken, (source, text[: KEPT_MAX_CHARS - count])], True
        taken.append((source, text))
        count += len(text)
    return taken, False


def _masked(frames: list[Frame], rest: Rest) -> list[Frame]:
    """Mask each stream; where a secret stands across pieces, the last one of that stream has all of it."""
    result = list(frames)
    sources: tuple[Source, ...] = ("stdout", "stderr")
    for source in sources:
        places = [place for place, frame in enumerate(frames) if frame[0] == source]
        whole = "".join(frames[place][1] for place in places)
        safe = mask(whole, rest)
        if safe == whole:
            continue
        alone = [mask(frames[place][1], rest) for place in places] if len(places) <= ALONE_MAX else []
        if "".join(alone) != safe:
            alone = [""] * (len(places) - 1) + [safe]
        for place, text in zip(places, alone, strict=True):
            result[place] = (source, text)
    return result


def mask(text: str, rest: Rest = at_once) -> str:
    """Mask what looks like a secret, a block at a time. Raise TooSecret where that is not safe."""
    if _SECRET.search(text):
        if len(text) > BLOCK_MAX_CHARS:
            raise TooSecret
        return redacted(text)
    safe = []
    for block in _blocks(text):
        began = time.monotonic()
        safe.append(redacted(block))
        rest(time.monotonic() - began)
    return "".join(safe)


def _blocks(text: str) -> Iterator[str]:
    """Cut a text where no secret stands across: at lines that are not indented, and never within a private key."""
    at = 0
    while len(text) - at > BLOCK_CHARS:
        end = _border(text, at)
        yield text[at:end]
        at = end
    yield text[at:]


def _border(text: str, at: int) -> int:
    border = _BORDER.search(text, at + BLOCK_CHARS, at + BLOCK_MAX_CHARS)
    if border is None:
        border = _BREAK.search(text, at + BLOCK_MAX_CHARS)
    end = border.end() if border else len(text)
    marks = [found[1] for found in _PEM.finditer(text, at, end)]
    if marks and marks[-1] == "BEGIN":
        closing = next((found for found in _PEM.finditer(text, end) if found[1] == "END"), None)
        line = text.find("\n", closing.end()) if closing else -1
        end = line + 1 if line >= 0 else len(text)
    return end


def _compressed(data: bytes, rest: Rest) -> bytes:
    squeeze, parts = zlib.compressobj(LEVEL), []
    for start in range(0, len(data), BLOCK_MAX_CHARS):
        began = time.monotonic()
        parts.append(squeeze.compress(data[start : start + BLOCK_MAX_CHARS]))
        rest(time.monotonic() - began)
    return b"".join(parts) + squeeze.flush()


make_ready(globals())
_KEPT: msgspec.json.Decoder[Kept] = msgspec.json.Decoder(Kept)
