"""A server that answers what a test tells it to, word for word: also what no API server should ever answer."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import yaml

READ_S = 10.0


@dataclass
class Heard:
    """One request as it came."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


Answer = bytes | Callable[[socket.socket], None]


def http(status: int, body: object = b"", *headers: str) -> bytes:
    """Give a whole answer; anything but bytes is sent as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(data)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + data


def failure(status: int, message: str = "", reason: str = "", *headers: str) -> bytes:
    return http(status, {"kind": "Status", "message": message, "reason": reason}, *headers)


@dataclass
class Canned:
    """Answers requests in turn, the last answer again and again; what came is in `heard`."""

    answers: Sequence[Answer]
    context: ssl.SSLContext | None = None
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, name="canned", daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    def kubeconfig(self, *, cluster: dict[str, object] | None = None, user: dict[str, object] | None = None) -> str:
        return yaml.safe_dump(
            {
                "current-context": "t",
                "contexts": [{"name": "t", "context": {"cluster": "t", "user": "t"}}],
                "clusters": [{"name": "t", "cluster": {"server": self.url, **(cluster or {})}}],
                "users": [{"name": "t", "user": {"token": "t0ken"} if user is None else user}],
            }
        )

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(READ_S)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(near,), name="canned-serve", daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, near: socket.socket) -> None:
        with contextlib.closing(near), contextlib.suppress(OSError, ValueError):
            near.settimeout(READ_S)
            if self.context is not None:
                near = self.context.wrap_socket(near, server_side=True)
            with contextlib.closing(near), near.makefile("rb") as lines:
                while request := lines.readline():
                    method, target, _ = request.decode().split()
                    pairs = [line.decode().strip() for line in iter(lines.readline, b"\r\n")]
                    headers = [(key, value.strip()) for key, _, value in (pair.partition(":") for pair in pairs)]
                    length = next((int(value) for key, value in headers if key.lower() == "content-length"), 0)
                    self.heard.append(Heard(method, target, headers, lines.read(length)))
                    answer = self.answers[min(len(self.heard), len(self.answers)) - 1]
                    if isinstance(answer, bytes):
                        near.sendall(answer)
                    else:
                        answer(near)
                        return


@contextlib.contextmanager
def canned(*answers: Answer, context: ssl.SSLContext | None = None) -> Iterator[Canned]:
    server = Canned(answers, context)
    try:
        yield server
    finally:
        server.close()
