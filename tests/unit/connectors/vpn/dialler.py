"""A server of its own, as small as can be: `python -m tests.unit.connectors.vpn.dialler`, told what to do in lines.

Its first line is JSON: the folder, the options, whether it runs under gevent as `opsmodal serve` does. Each further
line is "host port timeout"; it answers "ok", or the class and sentence of the problem with its hint, and holds what it
has dialled until it ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

IDLE_S = 1.5
END_S = 20.0


class Dialler:
    """The handle on such a process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def dial(self, host: str, port: int, *, timeout_s: float = 10) -> str:
        """Have it dial, and give what it answers."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(host, port, timeout_s, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().strip()


@contextmanager
def dialling(
    home: object, options: Mapping[str, object], *, before: Sequence[str] = (), gevent: bool = False
) -> Iterator[Dialler]:
    """Start one, through the words `before`, and end it."""
    argv = [*before, sys.executable, "-W", "error", "-m", "tests.unit.connectors.vpn.dialler"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        print(json.dumps({"home": str(home), "options": options, "gevent": gevent}), file=process.stdin, flush=True)
        try:
            yield Dialler(process)
        finally:
            process.kill()
            process.wait(END_S)


def main() -> None:
    begun = json.loads(sys.stdin.readline())
    if begun["gevent"]:
        from gevent import monkey

        monkey.patch_all()
    _serve(begun)


def _serve(begun: Mapping[str, dict[str, object]]) -> None:
    from pathlib import Path

    from connectors.errors import ConnectionProblem
    from connectors.options import VpnOptions
    from connectors.vpn.tunnels import Tunnel

    options = {**begun["options"], "allowed_networks": tuple(begun["options"].get("allowed_networks", ()))}  # type: ignore[arg-type]  # JSON
    made = Tunnel(Path(str(begun["home"])), VpnOptions(**options), idle_s=IDLE_S)  # type: ignore[arg-type]  # JSON
    held = []
    for line in iter(sys.stdin.readline, ""):
        host, port, timeout_s = line.split()
        try:
            far = made.dial(host, int(port), timeout_s=float(timeout_s))
            far.sendall(b"ping")
            far.settimeout(float(timeout_s))
            print("ok" if far.recv(4) == b"ping" else "nothing came back", flush=True)
            held.append(far)
        except ConnectionProblem as problem:
            print(type(problem).__name__, problem.sentence, problem.hint, flush=True)


if __name__ == "__main__":
    main()
