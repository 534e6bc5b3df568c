from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from runtimes import errors
from runtimes.engine.problems import Place, failed, message, refused

DOCKER = Place(kind="docker", address="unix:///var/run/docker.sock", socket="/var/run/docker.sock")
ROOTLESS = Place(
    kind="podman", address="unix:///run/user/1000/podman/podman.sock", socket="/run/user/1000/podman/podman.sock"
)
REMOTE = Place(kind="docker", address="tcp://10.0.0.5:2376")


def system(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("place", "error", "kind", "sentence", "hint"),
    [
        (
            ROOTLESS,
            system(errno.ENOENT),
            errors.Unavailable,
            "/run/user/1000/podman/podman.sock does not exist.",
            "Start it with: systemctl --user start podman.socket",
        ),
        (
            DOCKER,
            system(errno.ENOENT),
            errors.Unavailable,
            "/var/run/docker.sock does not exist.",
            "Start it with: systemctl start docker.service",
        ),
        (
            DOCKER,
            system(errno.EACCES),
            errors.Denied,
            "/var/run/docker.sock may not be opened by the user that runs opsmodal.",
            "Add that user to the group docker (which equals root on the host) and start opsmodal again.",
        ),
        (
            REMOTE,
            system(errno.ECONNREFUSED),
            errors.Unavailable,
            "Nobody listens at tcp://10.0.0.5:2376.",
            "Check that Docker listens on this address and that no firewall is between.",
        ),
        (
            REMOTE,
            socket.gaierror(-2, "Name or service not known"),
            errors.Unavailable,
            "Docker at tcp://10.0.0.5:2376 cannot be reached: name or service not known.",
            "Check that Docker listens on this address and that no firewall is between.",
        ),
        (
            REMOTE,
            TimeoutError("timed out"),
            errors.Unavailable,
            "Docker at tcp://10.0.0.5:2376 did not answer within 3 s.",
            "The engine or its host may be overloaded. Try again in a moment.",
        ),
    ],
)
def test_a_failure_says_what_happened_and_what_to_do(
    place: Place, error: Exception, kind: type[Exception], sentence: str, hint: str
) -> None:
    problem = failed(error, place=place, timeout_s=3)
    assert (type(problem), problem.sentence, problem.hint) == (kind, sentence, hint)


def test_the_cause_is_found_however_deep_a_library_wraps_it() -> None:
    inner = system(errno.ENOENT)
    wrapped = ConnectionError(RuntimeError("Connection aborted.", inner))
    assert "does not exist" in failed(wrapped, place=DOCKER, timeout_s=3).sentence


def test_a_file_that_is_no_socket_is_called_so(tmp_path: Path) -> None:
    file = tmp_path / "docker.sock"
    file.write_text("")
    place = Place(kind="docker", address=f"unix://{file}", socket=str(file))
    assert failed(system(errno.ECONNREFUSED), place=place, timeout_s=3).sentence == f"{file} is not a socket."


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.Invalid),
        (401, errors.Denied),
        (403, errors.Denied),
        (404, errors.Missing),
        (409, errors.Conflict),
        (418, errors.Unavailable),
        (500, errors.Unavailable),
        (501, errors.Unsupported),
        (503, errors.Unavailable),
    ],
)
def test_an_engines_refusal_becomes_a_problem_of_its_kind(status: int, kind: type[Exception]) -> None:
    problem = refused(status, b'{"message": "no such thing"}', place=DOCKER)
    assert (type(problem), problem.sentence, problem.detail) == (
        kind,
        "Docker answered: no such thing.",
        "no such thing",
    )


def test_what_cannot_be_started_is_a_conflict_and_not_an_engine_that_is_away() -> None:
    body = b'{"message": "port is already allocated"}'
    assert isinstance(refused(500, body, place=DOCKER, acting=True), errors.Conflict)
    assert isinstance(refused(503, body, place=DOCKER, acting=True), errors.Unavailable)


def test_a_plain_request_to_a_tls_port_says_that_it_wants_tls() -> None:
    problem = refused(400, b"Client sent an HTTP request to an HTTPS server.\n", place=REMOTE)
    assert "wants TLS" in problem.sentence


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"message":"a\\n  b"}', "a b"),
        (b"<html><script>alert(1)</script></html>", ""),
        (b'{"error": 1}', ""),
        (b'{"x":' * 5_000, ""),
        (b"\x00\x01", ""),
        (b"", ""),
        (b"plain words\n", "plain words"),
    ],
)
def test_only_words_are_taken_from_a_refusal(body: bytes, words: str) -> None:
    assert message(body) == words or (body.startswith(b"{") and words == "")


def test_foreign_words_are_capped() -> None:
    body = b'{"message": "' + b"x" * 100_000 + b'"}'
    problem = refused(500, body, place=DOCKER)
    assert len(problem.sentence) <= errors.DETAIL_MAX_CHARS
    assert len(problem.detail) <= errors.DETAIL_MAX_CHARS


def test_words_that_would_act_on_a_terminal_are_defused() -> None:
    body = b'{"message": "no\\u001b]0;owned\\u0007 \\u202egnp.exe"}'
    assert refused(500, body, place=DOCKER).sentence.endswith("answered: no\ufffd]0;owned\ufffd \ufffdgnp.exe.")
