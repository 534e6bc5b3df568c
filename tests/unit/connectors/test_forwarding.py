"""Local ends carry what comes, for our own user only, and leave nothing behind."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from connectors import forwarding, peers
from connectors.carrying import FarEnd
from connectors.direct import Dial
from connectors.errors import Forbidden, Unreachable
from connectors.forwarding import Forwards
from connectors.sockets import PREFIX, Folder
from tests.engines.process import wait_for

HOUSE = Path(__file__).resolve().parents[3]
SAY_S = 10.0
TCP, UNIX = "tcp://10.0.0.1:6443", "unix:///run/far.sock"
Open = Callable[..., Forwards]
MEGABYTE = 1_000_000


class Far:
    """A far side within reach: each dial gives one end of a pair, and this the other."""

    def __init__(self) -> None:
        self.dialled: list[Dial] = []
        self.ends: list[socket.socket] = []
        self.problem: Unreachable | None = None

    def dial(self, target: Dial) -> FarEnd:
        self.dialled.append(target)
        if self.problem is not None:
            raise self.problem
        near, far = socket.socketpair()
        far.settimeout(SAY_S)
        self.ends.append(far)
        return near

    def last(self) -> socket.socket:
        wait_for(lambda: bool(self.ends), "the far side was dialled", within_s=SAY_S)
        return self.ends[-1]

    def close(self) -> None:
        for end in self.ends:
            end.close()


@pytest.fixture
def far() -> Iterator[Far]:
    made = Far()
    yield made
    made.close()


@pytest.fixture
def forwards(far: Far, tmp_path: Path) -> Iterator[Forwards]:
    """Give forwards to the far side, and see that neither threads nor files nor sockets of them are left."""
    before, open_before = set(threading.enumerate()), _descriptors()
    made = Forwards(tmp_path / "f", far.dial, name="test")
    yield made
    made.close()
    far.close()
    wait_for(lambda: set(threading.enumerate()) <= before, "its threads ended", within_s=SAY_S)
    assert not list((tmp_path / "f").glob("*"))
    wait_for(lambda: _descriptors() <= open_before, "its sockets are closed", within_s=SAY_S)


@pytest.mark.parametrize(
    ("address", "begins"),
    [
        ("https://10.0.0.1:6443", "https://127.0.0.1:"),
        ("https://kube.example/k8s/clusters/c-1", "https://127.0.0.1:"),
        ("http://[fd00::1]:8080", "http://127.0.0.1:"),
        (TCP, "tcp://127.0.0.1:"),
        (UNIX, "unix:///"),
        ("/run/far.sock", "unix:///"),
    ],
)
def test_an_address_has_one_local_end(forwards: Forwards, address: str, begins: str) -> None:
    given = forwards.reach(address)
    assert given.address.startswith(begins)
    assert forwards.reach(address) == given
    assert urlsplit(given.address).path == urlsplit(address).path or begins == "unix:///"


def test_what_is_no_address_has_none(forwards: Forwards) -> None:
    with pytest.raises(Unreachable, match="no address"):
        forwards.reach("far.sock")


@pytest.mark.parametrize("address", [TCP, UNIX])
def test_bytes_go_both_ways_and_each_end_is_passed_on(forwards: Forwards, far: Far, address: str) -> None:
    with _dialled(forwards, address) as near:
        near.sendall(b"question")
        near.shutdown(socket.SHUT_WR)
        end = far.last()
        assert _all(end) == b"question"
        end.sendall(b"answer" * 10_000)
        end.shutdown(socket.SHUT_WR)
        assert _all(near) == b"answer" * 10_000
    assert far.dialled == [forwarding.dial(address)]
    assert forwards.problem is None


@pytest.mark.parametrize("address", [TCP, UNIX])
def test_a_far_side_that_ends_first_may_still_be_told_something(forwards: Forwards, far: Far, address: str) -> None:
    with _dialled(forwards, address) as near:
        far.last().shutdown(socket.SHUT_WR)
        assert _all(near) == b""
        near.sendall(b"late")
        near.shutdown(socket.SHUT_WR)
        assert _all(far.last()) == b"late"


@pytest.mark.parametrize("address", [TCP, UNIX])
def test_a_client_that_leaves_ends_the_far_side(forwards: Forwards, far: Far, address: str) -> None:
    with _dialled(forwards, address) as near:
        near.sendall(b"follow")
        assert far.last().recv(100) == b"follow"
    assert _all(far.last()) == b""
    wait_for(lambda: _is_closed(far.last()), "nobody listens to the far side any more", within_s=SAY_S)


def test_a_client_that_half_closes_and_then_leaves_ends_a_quiet_far_side(forwards: Forwards, far: Far) -> None:
    with _dialled(forwards, TCP) as near:
        near.shutdown(socket.SHUT_WR)
        assert _all(far.last()) == b""
        time.sleep(0.2)
        assert not _is_closed(far.last()), "the client still waits for an answer"
    wait_for(lambda: _is_closed(far.last()), "nobody listens to the far side any more", within_s=SAY_S)


def test_a_loss_is_no_end(forwards: Forwards) -> None:
    class Lost:
        def __init__(self) -> None:
            self.left = [b"half"]

        def recv(self, size: int, /) -> bytes:
            if not self.left:
                raise ConnectionResetError
            return self.left.pop()

        def sendall(self, data: bytes, /) -> None: ...

        def shutdown(self, how: int, /) -> None: ...

        def close(self) -> None: ...

    forwards._dialling = lambda _: Lost()
    with _dialled(forwards, TCP) as near, pytest.raises(ConnectionResetError):
        _all(near)


def test_a_slow_reader_slows_the_far_side_down(forwards: Forwards, far: Far) -> None:
    with _dialled(forwards, TCP) as near:
        end = far.last()
        end.settimeout(0.5)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 200 * MEGABYTE:
                sent += end.send(b"x" * MEGABYTE)
        assert sent < 50 * MEGABYTE, "somebody keeps it in memory"
        end.close()
        assert len(_all(near)) == sent


@pytest.mark.parametrize("address", [TCP, UNIX])
def test_why_a_dial_failed_is_kept_until_one_succeeds(forwards: Forwards, far: Far, address: str) -> None:
    far.problem = Unreachable("The far side is on holiday.")
    with _dialled(forwards, address) as near:
        _ended(near)
    assert forwards.problem is far.problem
    far.problem = None
    with _dialled(forwards, address):
        far.last()
        wait_for(lambda: forwards.problem is None, "the reason is forgotten", within_s=SAY_S)


def test_a_far_side_that_refuses_late_is_told_too(forwards: Forwards) -> None:
    class Refusing:
        def recv(self, size: int, /) -> bytes:
            raise Unreachable("It is not there.")

        def sendall(self, data: bytes, /) -> None: ...

        def shutdown(self, how: int, /) -> None: ...

        def close(self) -> None: ...

    forwards._dialling = lambda _: Refusing()
    with _dialled(forwards, UNIX) as near:
        _ended(near)
    wait_for(lambda: forwards.problem is not None, "the reason is kept", within_s=SAY_S)
    assert str(forwards.problem) == "It is not there."


def test_there_is_a_bound_to_how_many_are_carried(
    forwards: Forwards, far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "CARRIED_MAX", 2)
    with _dialled(forwards, TCP), _dialled(forwards, TCP) as second:
        wait_for(lambda: len(far.ends) == 2, "two are carried", within_s=SAY_S)
        with _dialled(forwards, TCP) as third:
            _ended(third)
        assert isinstance(forwards.problem, Forbidden)
        second.close()
        wait_for(lambda: len(forwards._threads) == 2, "one has gone", within_s=SAY_S)
        with _dialled(forwards, TCP):
            wait_for(lambda: len(far.ends) == 3, "there is room again", within_s=SAY_S)


@pytest.mark.parametrize("address", [TCP, UNIX])
def test_closing_ends_what_is_carried_and_what_is_being_dialled(far: Far, tmp_path: Path, address: str) -> None:
    hanging = threading.Event()

    def dial(target: Dial) -> FarEnd:
        if far.ends:
            hanging.wait(SAY_S)
        return far.dial(target)

    forwards = Forwards(tmp_path, dial, name="test")
    with _dialled(forwards, address) as carried:
        assert far.last().send(b"x") == 1
        assert carried.recv(1) == b"x"
        with _dialled(forwards, address):
            wait_for(lambda: len(forwards._threads) == 3, "the second is being dialled", within_s=SAY_S)
            began = time.monotonic()
            forwards.close()
            forwards.close()
            assert time.monotonic() - began < 3
        _ended(carried)
    hanging.set()
    wait_for(lambda: not forwards._threads, "the last dial is over", within_s=SAY_S)
    with pytest.raises(Unreachable, match="closed"):
        forwards.reach(address)


def test_the_folder_of_the_sockets_is_ours_alone(forwards: Forwards) -> None:
    path = Path(forwards.reach(UNIX).address.removeprefix("unix://"))
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.is_socket()


def test_a_deep_data_folder_still_gives_addresses_that_can_be_dialled(far: Far, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    forwards = Forwards(deep, far.dial, name="test")
    with _dialled(forwards, UNIX):
        far.last()
    path = Path(forwards.reach(UNIX).address.removeprefix("unix://"))
    forwards.close()
    assert not path.parent.exists()


CLIENT = """
import os, socket, sys
os.setgroups([]); os.setgid(int(sys.argv[3])); os.setuid(int(sys.argv[2]))
with socket.socket() as near:
    near.settimeout(10)
    near.connect(("127.0.0.1", int(sys.argv[1])))
    if sys.argv[4] == "stays":
        try:
            near.sendall(b"steal"); print(near.recv(100))
        except ConnectionError:
            print("refused")
    else:
        near.sendall(b"steal")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can dial as somebody else")
@pytest.mark.parametrize("how", ["stays", "goes"])
def test_a_connection_of_another_user_is_dropped_before_a_byte(forwards: Forwards, far: Far, how: str) -> None:
    """One that hangs up at once is shown as root's by the kernel: it must be dropped, too."""
    port = urlsplit(forwards.reach(TCP).address).port
    nobody = pwd.getpwnam("nobody")
    argv = [sys.executable, "-c", CLIENT, str(port), str(nobody.pw_uid), str(nobody.pw_gid), how]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=SAY_S)
    assert done.stdout.strip() in ("refused", "b''") if how == "stays" else done.stdout == ""
    with _dialled(forwards, TCP) as ours:
        ours.sendall(b"mine")
        assert far.last().recv(100) == b"mine"
    assert len(far.dialled) == 1, "somebody else's connection was carried"


def test_a_peer_that_has_gone_belongs_to_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
        with accepted:
            assert peers.owner(accepted) == os.geteuid()
            assert not peers.has_left(accepted)
            near.shutdown(socket.SHUT_WR)
            assert not peers.has_left(accepted)
            near.close()
            assert peers.owner(accepted) is None
            assert not peers.is_same_user(accepted)
            assert peers.has_left(accepted)


def test_folders_of_ended_processes_are_swept_and_others_are_not(tmp_path: Path) -> None:
    living = Folder(tmp_path)
    left, foreign, full = (tmp_path / f"{PREFIX}{name}" for name in ("left", "foreign", "full"))
    for each in (left, foreign, full):
        each.mkdir(mode=0o700)
    foreign.chmod(0o755)
    (left / "1").touch()
    (full / "precious").touch()
    again = Folder(tmp_path)
    assert set(tmp_path.iterdir()) == {living.path, again.path, foreign, full}
    living.close()
    living.close()
    again.close()


PROGRAM = """
import sys, socket, threading, time
if sys.argv[2] == "gevent":
    from gevent import monkey
    monkey.patch_all()
from pathlib import Path
from connectors.forwarding import Forwards

def dial(target):
    near, far = socket.socketpair()
    def echo():
        while data := far.recv(65536):
            far.sendall(data)
        far.close()
    threading.Thread(target=echo, daemon=True).start()
    return near

forwards = Forwards(Path(sys.argv[1]), dial, name="test")
sums = []
def client(number):
    near = socket.socket(socket.AF_UNIX)
    near.connect(forwards.reach("unix:///far").address.removeprefix("unix://"))
    got = 0
    def send():
        for _ in range(50):
            near.sendall(b"x" * 100_000)
        near.shutdown(socket.SHUT_WR)
    sender = threading.Thread(target=send); sender.start()
    while data := near.recv(65536):
        got += len(data)
    sender.join(); near.close(); sums.append(got)
threads = [threading.Thread(target=client, args=(n,)) for n in range(20)]
[thread.start() for thread in threads]
[thread.join(30) for thread in threads]
print(set(sums), len(sums), flush=True)
if sys.argv[3] == "stay":
    time.sleep(60)
forwards.close()
print(sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("test")), flush=True)
"""


@pytest.mark.parametrize("threads", ["real", "gevent"])
def test_many_at_once_with_real_and_green_threads(tmp_path: Path, threads: str) -> None:
    argv = [sys.executable, "-c", PROGRAM, tmp_path, threads, "go"]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60, cwd=HOUSE)
    assert done.stdout.splitlines() == ["{5000000} 20", "[]"]
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_swept_by_the_next(tmp_path: Path, far: Far) -> None:
    argv = [sys.executable, "-c", PROGRAM, tmp_path, "real", "stay"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=HOUSE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"{5000000} 20\n"
        os.kill(server.pid, signal.SIGKILL)
    assert len(list(tmp_path.iterdir())) == 1
    next_one = Forwards(tmp_path, far.dial, name="test")
    next_one.reach(UNIX)
    assert len(list(tmp_path.iterdir())) == 1
    next_one.close()
    assert not list(tmp_path.iterdir())


def _dialled(forwards: Forwards, address: str) -> socket.socket:
    given = forwards.reach(address).address
    if given.startswith("unix://"):
        near = socket.socket(socket.AF_UNIX)
        near.settimeout(SAY_S)
        near.connect(given.removeprefix("unix://"))
        return near
    return socket.create_connection(("127.0.0.1", urlsplit(given).port or 0), timeout=SAY_S)


def _all(end: socket.socket) -> bytes:
    parts = []
    while data := end.recv(1 << 20):
        parts.append(data)
    return b"".join(parts)


def _ended(near: socket.socket) -> None:
    """See that nothing comes any more; how that is told depends on what was under way."""
    with contextlib.suppress(ConnectionError):
        assert near.recv(1) == b""


def _is_closed(end: socket.socket) -> bool:
    try:
        end.send(b"")
    except OSError:
        return True
    return False


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
