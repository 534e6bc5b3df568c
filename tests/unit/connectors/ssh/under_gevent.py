"""What a worker of `opsmodal serve` does with a line: run as a program, everything patched by gevent. Prints one word.

Its arguments are host, port, user, the files of the key and of known_hosts, and a folder; the hop is its own jump host.
"""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402  (after the patch, as gunicorn does it)
import threading  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402

from connectors.errors import Unreachable  # noqa: E402
from connectors.options import Hop, Identity  # noqa: E402
from connectors.ssh.line import Line, Lines  # noqa: E402
from tests.unit.connectors.ssh.conftest import says, threads_of_lines  # noqa: E402

BUSY_S = 0.5


def main(host: str, port: str, user: str, key: str, known_hosts: str, folder: str) -> None:
    """Share a line among many, see the others go on meanwhile, lose it, and use it again."""
    mine = Identity(key=Path(key).read_text())
    hop = Hop(host=host, port=int(port), user=user, identity=mine, known_hosts=Path(known_hosts).read_text())
    lines, gaps = Lines(Path(folder)), [0.0]
    watching = gevent.spawn(watch, gaps)
    line = lines.line((hop, hop))
    share(line)
    line._trunk._carrier.sock.close()
    until = time.monotonic() + 15
    while not works(line):
        assert time.monotonic() < until
        time.sleep(0.05)
    lines.close()
    watching.kill()
    assert not threads_of_lines(), threads_of_lines()
    assert max(gaps) < BUSY_S, f"nobody else ran for {max(gaps):.1f} s"
    sys.stdout.write("fine\n")


def share(line: Line) -> None:
    said: list[str] = []
    people = [threading.Thread(target=lambda: said.append(says(line))) for _ in range(20)]
    for person in people:
        person.start()
    for person in people:
        person.join(60)
    assert said == ["hello\n"] * 20, said


def works(line: Line) -> bool:
    try:
        return says(line) == "hello\n"
    except Unreachable:
        return False


def watch(gaps: list[float]) -> None:
    """Note for how long at most the loop of the process stood still."""
    before = time.monotonic()
    while True:
        gevent.sleep(0.01)
        now = time.monotonic()
        gaps.append(now - before)
        before = now


if __name__ == "__main__":
    main(*sys.argv[1:])
