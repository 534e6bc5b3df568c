"""Looks at the first header of a tar archive while it passes, and bounds the rest. Pure: nothing is unpacked or kept.

tar names a device, a pipe or a socket and does not read it, so none is endless; and it says the size of a file before
its bytes. A folder has no size beforehand: what is too much ends in the middle.
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass, field

from runtimes.errors import Conflict, Invalid, Unavailable

BLOCK_BYTES = 512
FETCH_MAX_BYTES = 100 * 1024 * 1024
"""A promise of the page; what is larger is fetched with the tools that are made for it."""
PACKING_BYTES = 64 * 1024
"""What an archive adds around one file: headers, padding, and its end filled up to a record."""
HEADERS_MAX_BYTES = 64 * 1024
"""Names longer than 100 characters and other extras stand before the header; what is longer is no name."""
EXTRAS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
FOLDER = tarfile.DIRTYPE
FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE, tarfile.GNUTYPE_SPARSE)


@dataclass(slots=True)
class Passing:
    """An archive that passes: `look` at each piece before it is given on. `path` is what was asked for."""

    path: str
    passed_bytes: int = 0
    kind: bytes = b""
    size_bytes: int = 0
    _held: bytearray = field(default_factory=bytearray)
    _until: int = 0
    _is_empty: bool = False
    """Of a file that is not there, tar writes an archive of nothing, and says why beside it."""

    @property
    def is_whole(self) -> bool:
        """Whether all of the one file has passed; of a folder nobody can tell."""
        return bool(self.kind) and (self.kind == FOLDER or self.passed_bytes >= self._until)

    def look(self, piece: bytes) -> bytes:
        """Take in a piece, give what may go on: nothing until the header has been seen, then all that was held.

        Raise Invalid for what is no file or too large, Conflict when it becomes too much, Unavailable for no archive.
        """
        self.passed_bytes += len(piece)
        if self.passed_bytes > FETCH_MAX_BYTES + PACKING_BYTES:
            raise Conflict(f"{self.path} is more than 100 MB: it was cut off.", hint="Fetch parts of it.")
        if self.kind or self._is_empty:
            return piece if self.kind else b""
        self._held += piece
        if not self._found():
            return b""
        held, self._held = bytes(self._held), bytearray()
        return held

    def _found(self) -> bool:
        """Read headers until that of what was asked for."""
        place = 0
        self._is_empty = bytes(self._held[:BLOCK_BYTES]) == bytes(BLOCK_BYTES)
        while not self._is_empty and len(self._held) >= place + BLOCK_BYTES:
            header = self._header(bytes(self._held[place : place + BLOCK_BYTES]))
            place += BLOCK_BYTES
            if header.type not in EXTRAS:
                self._judge(header, place)
                return True
            place += _padded(header.size)
            if place > HEADERS_MAX_BYTES:
                raise _no_archive()
        return False

    def _header(self, block: bytes) -> tarfile.TarInfo:
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise _no_archive() from error
        if header.size < 0:  # base 256 has negative numbers: the next header would be this one, for ever
            raise _no_archive()
        return header

    def _judge(self, header: tarfile.TarInfo, place: int) -> None:
        if header.type not in (*FILES, FOLDER):
            sentence = f"{self.path} is no file: it is {_KINDS.get(header.type, 'something else')}."
            raise Invalid(sentence, hint="Name a file or a folder.")
        if header.type != FOLDER and header.size > FETCH_MAX_BYTES:
            size = f"{header.size / 1024 / 1024:,.0f} MB"
            hint = "At most 100 MB are fetched. See parts of it: kubectl exec POD -- tail -c 1000000 FILE"
            raise Invalid(f"{self.path} is {size} large.", hint=hint)
        self.kind, self.size_bytes = header.type, header.size
        self._until = place + (0 if header.type == FOLDER else header.size)


_KINDS = {
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.SYMTYPE: "a link to nothing",
    tarfile.LNKTYPE: "a link",
}


def _padded(size: int) -> int:
    return -(-size // BLOCK_BYTES) * BLOCK_BYTES


def _no_archive() -> Unavailable:
    hint = "Look whether the container's tar is a usual one, or read the file: kubectl exec POD -- cat FILE"
    return Unavailable("What came out of the container is no archive.", hint=hint)
