"""Servers on a Unix socket that are no engine: each answers every request with the same bytes, or not at all."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

GIVE_UP_S = 10.0


def http(body: bytes, *, status: str = "200 OK", length: int | None = None) -> bytes:
    announced = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {announced}\r\nConnection: close\r\n\r\n".encode() + body


def as_json(body: object, *, status: str = "200 OK") -> bytes:
    return http(json.dumps(body).encode(), status=status)


@contextlib.contextmanager
def answering(
    path: Path, answer: bytes, *, dribble_s: float | None = None, dribble_head: bool = False
) -> Iterator[Path]:
    """Answer whoever connects; b"" is silence; with `dribble_s` a byte at a time after the head, or from the start."""
    over = threading.Event()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(8)
    listener.settimeout(0.05)

    def serve(near: socket.socket) -> None:
        with near, contextlib.suppress(OSError):
            near.settimeout(GIVE_UP_S)
            near.recv(65536)
            if not answer:
                over.wait(GIVE_UP_S)
            elif dribble_s is None:
                near.sendall(answer)
            else:
                whole = 0 if dribble_head else answer.index(b"\r\n\r\n") + 4
                near.sendall(answer[:whole])
                for byte in answer[whole:]:
                    near.sendall(bytes([byte]))
                    if over.wait(dribble_s):
                        return

    def accept() -> None:
        served: list[threading.Thread] = []
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                near, _ = listener.accept()
                served.append(threading.Thread(target=serve, args=(near,), name="stranger-serve"))
                served[-1].start()
        for each in served:
            each.join()

    thread = threading.Thread(target=accept, name="stranger-accept")
    thread.start()
    try:
        yield path
    finally:
        over.set()
        thread.join()
        listener.close()
