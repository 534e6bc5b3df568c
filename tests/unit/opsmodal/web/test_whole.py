"""Whole frames: a large one is sent to its end, side by side they do not mix, and a reader that sleeps is cut off."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading

import pytest

from opsmodal.web import whole
from opsmodal.web.whole import WholeSocket, make_whole

LARGE = 8_000_000


def read_all(end: socket.socket) -> bytes:
    received = bytearray()
    while part := end.recv(65536):
        received += part
    return bytes(received)


def test_frames_from_two_threads_arrive_whole() -> None:
    near, far = socket.socketpair()
    sender = WholeSocket(near)
    threads = [threading.Thread(target=sender.send, args=(bytes([code]) * LARGE,)) for code in (1, 2)]
    for thread in threads:
        thread.start()
    closer = threading.Thread(target=lambda: [thread.join() for thread in threads] and sender.end())
    closer.start()
    received = read_all(far)
    closer.join()
    assert received in (b"\x01" * LARGE + b"\x02" * LARGE, b"\x02" * LARGE + b"\x01" * LARGE)
    near.close()
    far.close()


def test_a_reader_that_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "SEND_MAX_S", 0.2)
    near, far = socket.socketpair()
    with pytest.raises(TimeoutError):
        WholeSocket(near).send(b"x" * LARGE)
    assert len(read_all(far)) < LARGE, "the connection is over: nothing may follow half a frame"
    near.close()
    far.close()


def test_a_request_without_a_socket_stays_as_it_is() -> None:
    environ: dict[str, object] = {"REQUEST_METHOD": "GET"}
    make_whole(environ)
    assert environ == {"REQUEST_METHOD": "GET"}


UNDER_GEVENT = f"""
from gevent import monkey; monkey.patch_all()
import socket, threading
from opsmodal.web.whole import WholeSocket
near, far = socket.socketpair()
threading.Thread(target=lambda: (WholeSocket(near).send(b"x" * {LARGE}), near.shutdown(socket.SHUT_RDWR))).start()
count = 0
while part := far.recv(65536):
    count += len(part)
print(count)
"""


def test_a_large_frame_is_sent_whole_under_gevent() -> None:
    done = subprocess.run([sys.executable, "-c", UNDER_GEVENT], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == str(LARGE)
