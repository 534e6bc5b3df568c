"""What a real tar writes passes as it is; what is no file, too large or no archive is refused before any byte."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal import archive
from opsmodal.archive import FETCH_MAX_BYTES, Passing
from runtimes.errors import Conflict, Invalid, Unavailable


def packed(path: str) -> bytes:
    return subprocess.run(["tar", "chf", "-", path], capture_output=True, check=False, timeout=20).stdout


def passed(data: bytes, *, piece_bytes: int = 700, path: str = "/f") -> tuple[bytes, Passing]:
    passing = Passing(path)
    pieces = [data[at : at + piece_bytes] for at in range(0, len(data), piece_bytes)]
    return b"".join(passing.look(piece) for piece in pieces), passing


@pytest.mark.parametrize("name", ["short", "n" * 200, "ü" * 90], ids=["short", "long", "wide"])
@pytest.mark.parametrize("count", [0, 9, 100_000])
def test_a_file_passes_to_the_byte(tmp_path: Path, name: str, count: int) -> None:
    content = os.urandom(count)
    (tmp_path / name).write_bytes(content)
    data = packed(str(tmp_path / name))
    out, passing = passed(data)
    assert out == data
    assert passing.is_whole
    assert passing.size_bytes == len(content)


def test_a_link_is_followed_and_a_folder_passes(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"there")
    (tmp_path / "link").symlink_to("target")
    assert passed(packed(str(tmp_path / "link")))[1].size_bytes == 5
    out, passing = passed(packed(str(tmp_path)))
    assert out == packed(str(tmp_path))
    assert passing.is_whole


@pytest.mark.parametrize("size", [-1, -512, -1024, -(2**70)])
@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.REGTYPE, tarfile.DIRTYPE])
def test_a_size_below_nothing_is_no_archive(size: int, kind: bytes) -> None:
    """A container that answered so had a worker read one header for ever."""
    header = tarfile.TarInfo("x")
    header.type, header.size = kind, size
    with pytest.raises(Unavailable):
        passed(header.tobuf(tarfile.GNU_FORMAT) + bytes(1024))


def test_what_was_cut_off_is_not_whole(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 10_000)
    _, passing = passed(packed(str(tmp_path / "file"))[:5_000])
    assert not passing.is_whole
    assert not Passing("/f").is_whole


@pytest.mark.parametrize(("path", "words"), [("/dev/zero", "a device"), ("/dev/urandom", "a device")])
def test_a_device_is_named_and_not_read(path: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        passed(packed(path), path=path)


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Invalid, match="a pipe"):
        passed(packed(str(tmp_path / "pipe")))


def test_what_is_too_large_is_refused_by_its_header(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(FETCH_MAX_BYTES + 1)
    with subprocess.Popen(["tar", "chf", "-", str(large)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as tar:
        assert tar.stdout is not None
        with pytest.raises(Invalid, match="100 MB"):
            Passing("/large").look(tar.stdout.read(4096))
        tar.kill()


def test_a_folder_that_is_too_much_ends_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "FETCH_MAX_BYTES", 50_000)
    for number in range(20):
        (tmp_path / str(number)).write_bytes(b"x" * 40_000)
    with pytest.raises(Conflict, match="cut off"):
        passed(packed(str(tmp_path)))


@given(st.binary(min_size=512, max_size=4096).filter(lambda data: any(data[:512])))
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises((Unavailable, Invalid)):
        passed(data)


def test_of_a_file_that_is_not_there_nothing_passes() -> None:
    data = packed("/no/such/file")
    assert data.count(0) == len(data) > 0
    out, passing = passed(data)
    assert out == b""
    assert not passing.is_whole


def test_names_without_end_are_no_archive() -> None:
    header = bytearray(packed("/etc/hostname")[:512])
    name = tarfile.TarInfo("././@LongLink")
    name.type, name.size = tarfile.GNUTYPE_LONGNAME, 10 * 1024 * 1024
    data = name.tobuf() + b"n" * 100_000 + bytes(header)
    with pytest.raises(Unavailable):
        passed(data)
