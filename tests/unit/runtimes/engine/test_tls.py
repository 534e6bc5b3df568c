from __future__ import annotations

import stat
from pathlib import Path

from runtimes.engine import TLS
from runtimes.engine.tls import KeyFiles

PAIR = TLS(ca="CA", certificate="CERT", key="KEY")


def test_keys_are_private_files_while_open_and_gone_afterwards() -> None:
    files = KeyFiles(PAIR)
    assert files.pair is not None
    paths = [Path(files.ca), *map(Path, files.pair)]
    assert [path.read_text() for path in paths] == ["CA", "CERT", "KEY"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    assert stat.S_IMODE(paths[0].parent.stat().st_mode) == 0o700
    files.close()
    assert not paths[0].parent.exists()
    files.close()


def test_an_authority_alone_is_enough() -> None:
    files = KeyFiles(TLS(ca="CA"))
    assert files.pair is None
    files.close()


def test_the_key_is_not_in_what_is_printed() -> None:
    assert "KEY" not in repr(PAIR)
    assert "CERT" not in repr(PAIR)
