from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from docker.constants import DEFAULT_DOCKER_API_VERSION

from connectors.base import Endpoint
from connectors.direct import Direct
from connectors.errors import LoginRefused, Unreachable
from runtimes.base import Runtime
from runtimes.docker.open import open_docker
from runtimes.engine import TLS
from runtimes.engine.answers import Version
from runtimes.engine.opening import agreed
from runtimes.engine.problems import Place
from runtimes.errors import Denied, Invalid, RuntimeProblem, Unavailable
from runtimes.podman.open import open_podman
from tests.unit.runtimes.engine.strangers import answering, as_json, http
from tests.unit.runtimes.kubernetes.canned import canned

PLACE = Place(kind="docker", address="unix:///x.sock", socket="/x.sock")
BOTH = pytest.mark.parametrize("opener", [open_docker, open_podman])
Opener = Callable[..., Runtime]


@pytest.mark.parametrize(
    ("newest", "oldest", "version"),
    [
        ("1.41", "1.12", "1.41"),
        ("1.43", "1.24", "1.43"),
        ("1.999", "1.24", DEFAULT_DOCKER_API_VERSION),
        ("1.999", "1.990", "1.990"),
        ("1.41", "", "1.41"),
    ],
)
def test_the_newest_version_that_both_know_is_spoken(newest: str, oldest: str, version: str) -> None:
    assert agreed(Version(api_version=newest, min_api_version=oldest), place=PLACE, really="docker") == version


@pytest.mark.parametrize(("newest", "words"), [("1.40", "too old"), ("1.9", "too old"), ("", "not a"), ("v2", "not a")])
def test_an_engine_that_is_too_old_or_none_is_refused(newest: str, words: str) -> None:
    with pytest.raises(Unavailable, match=words) as caught:
        agreed(Version(version="19.03", api_version=newest), place=PLACE, really="docker")
    assert caught.value.hint


NO_ENGINES = {
    "a web page": http(b"<html><body>Welcome to nginx!</body></html>"),
    "a page that is not there": http(b"<h1>Not Found</h1>", status="404 Not Found"),
    "another API": as_json({"hello": "world"}),
    "a list": as_json([1, 2, 3]),
    "wrong types": as_json({"ApiVersion": {"x": 1}}),
    "an SSH server": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    "half an answer": http(b'{"ApiVersion": "1.4', length=500),
    "a redirect": http(b"", status="302 Found"),
    "nothing in the body": http(b""),
    "an endless header": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000,
    "JSON without a bottom": http(b"[" * 100_000),
    "text that is no UTF-8": http(b'{"Version": "\xff"}'),
}


@BOTH
@pytest.mark.parametrize("answer", NO_ENGINES.values(), ids=NO_ENGINES)
def test_what_is_not_an_engine_is_told_apart(tmp_path: Path, opener: Opener, answer: bytes) -> None:
    with answering(tmp_path / "s", answer) as path, pytest.raises(Unavailable) as caught:
        opener("test", socket=str(path), connection=Direct(), timeout_s=3)
    assert str(path) in caught.value.sentence
    assert caught.value.hint
    assert "<" not in caught.value.sentence + caught.value.detail


@BOTH
def test_a_server_that_says_nothing_is_given_up_in_time(tmp_path: Path, opener: Opener) -> None:
    began = time.monotonic()
    with answering(tmp_path / "s", b"") as path:
        with pytest.raises(Unavailable, match=r"did not answer within 0\.5 s"):
            opener("test", socket=str(path), connection=Direct(), timeout_s=0.5)
        assert time.monotonic() - began < 2


def test_a_server_that_dribbles_is_given_up_in_time(tmp_path: Path) -> None:
    began = time.monotonic()
    with answering(tmp_path / "s", http(b" " * 1000), dribble_s=0.05) as path:
        with pytest.raises(Unavailable, match=r"did not answer within 0\.5 s"):
            open_docker("test", socket=str(path), connection=Direct(), timeout_s=0.5)
        assert time.monotonic() - began < 3


@BOTH
def test_a_head_that_dribbles_is_given_up_in_time(tmp_path: Path, opener: Opener) -> None:
    """Each byte would come within the time that one read may take, and a head may be megabytes long."""
    began = time.monotonic()
    with answering(tmp_path / "s", http(b"{}"), dribble_s=0.05, dribble_head=True) as path:
        with pytest.raises(Unavailable, match=r"did not answer within 0\.5 s"):
            opener("test", socket=str(path), connection=Direct(), timeout_s=0.5)
        assert time.monotonic() - began < 2


def test_a_head_that_dribbles_over_tcp_is_given_up_in_time() -> None:
    def dribble(near: socket.socket) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nServer: " + b"x" * 1000:
            near.sendall(bytes([byte]))
            time.sleep(0.05)

    began = time.monotonic()
    with canned(dribble) as server, pytest.raises(Unavailable, match=r"did not answer within 0\.5 s"):
        open_docker("test", socket=f"tcp://127.0.0.1:{server.port}", connection=Direct(), timeout_s=0.5)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_a_gate_before_the_engine_that_refuses_us_is_denied(tmp_path: Path, status: str) -> None:
    answer = as_json({"message": "authorization denied by plugin"}, status=status)
    with answering(tmp_path / "s", answer) as path, pytest.raises(Denied, match="authorization denied by plugin"):
        open_docker("test", socket=str(path), connection=Direct(), timeout_s=3)


@BOTH
def test_a_socket_that_is_missing_says_how_to_start_the_engine(tmp_path: Path, opener: Opener) -> None:
    with pytest.raises(Unavailable, match="does not exist") as caught:
        opener("test", socket=str(tmp_path / "none.sock"), connection=Direct())
    assert caught.value.hint.startswith("Start it with: systemctl start ")


def test_a_file_is_not_a_socket(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="is not a socket"):
        open_docker("test", socket=str(tmp_path / "file"), connection=Direct())


def test_a_socket_that_nobody_listens_on_says_so(tmp_path: Path) -> None:
    with answering(tmp_path / "s", b"") as path:
        pass
    with pytest.raises(Unavailable, match="Nobody listens"):
        open_docker("test", socket=str(path), connection=Direct())


def test_a_path_that_is_too_long_for_a_socket_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RuntimeProblem) as caught:
        open_docker("test", socket="/" + "x" * 300, connection=Direct())
    assert caught.value.sentence


@BOTH
def test_a_socket_without_permission_is_denied(tmp_path: Path, opener: Opener) -> None:
    with answering(tmp_path / "s", b"") as path:
        path.chmod(0o600)
        tmp_path.chmod(0o711)
        with pytest.raises(RuntimeProblem):  # whatever is imported only now must be, before we are somebody else
            opener("test", socket=str(tmp_path / "none"), connection=Direct())
        with as_nobody(path), pytest.raises(Denied, match="may not be opened") as caught:
            opener("test", socket=str(path), connection=Direct(), timeout_s=3)
    assert caught.value.hint


class as_nobody:  # noqa: N801 - reads as a sentence
    """Become a user who may not open `path`; an ordinary user takes the permission away from himself."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        if os.getuid() == 0:
            os.seteuid(65534)
        else:
            self._path.chmod(0)

    def __exit__(self, *_: object) -> None:
        if os.getuid() == 0:
            os.seteuid(0)


@pytest.mark.parametrize("address", ["", "docker.sock", "http://x", "ssh://host", "unix://relative", "fd://"])
def test_an_address_that_is_none_is_invalid(address: str) -> None:
    with pytest.raises(Invalid) as caught:
        open_docker("test", socket=address, connection=Direct())
    assert caught.value.hint


def test_a_password_in_an_address_is_not_repeated() -> None:
    with pytest.raises(RuntimeProblem) as caught:
        open_docker("test", socket="http://me:hunter2@host:1", connection=Direct())
    assert "hunter2" not in caught.value.sentence + caught.value.detail


class NoWay(Direct):
    def __init__(self, problem: Exception) -> None:
        self._problem = problem

    def reach(self, address: str) -> Endpoint:
        raise self._problem


@pytest.mark.parametrize(
    ("problem", "kind"), [(Unreachable("no way", hint="go"), Unavailable), (LoginRefused("no", hint="go"), Denied)]
)
def test_a_connection_that_does_not_carry_keeps_its_words(problem: Exception, kind: type[RuntimeProblem]) -> None:
    with pytest.raises(kind) as caught:
        open_docker("test", socket="/x.sock", connection=NoWay(problem))
    assert (caught.value.sentence, caught.value.hint) == (str(problem), "go")


def test_no_key_stays_on_disk_when_opening_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(RuntimeProblem):
        open_docker("test", socket="tcp://127.0.0.1:9", connection=Direct(), tls=TLS(ca="x", certificate="y", key="z"))
    assert list(tmp_path.iterdir()) == []


def test_the_environments_proxy_is_never_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with pytest.raises(Unavailable, match=r"Nobody listens at tcp://127\.0\.0\.1:1"):
        open_docker("test", socket="tcp://127.0.0.1:1", connection=Direct(), timeout_s=3)
