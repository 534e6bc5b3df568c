"""Whatever an API server (or what stands before it) answers becomes one sentence, without traces, HTML or secrets."""

from __future__ import annotations

import json
import socket
import ssl

import pytest
from urllib3 import exceptions as wire

from runtimes.errors import (
    Conflict,
    Denied,
    Disallowed,
    Expired,
    Invalid,
    Missing,
    RuntimeProblem,
    Stale,
    Unavailable,
    Unsupported,
)
from runtimes.kubernetes.api.answers import Asked, refused, seconds, unanswered, undecodable

ASKED = Asked(server="10.0.0.5:6443", runtime="prod", what="pod web-0")
FORBIDDEN = (
    'pods is forbidden: User "system:serviceaccount:shop:ops" cannot list resource "pods" in API group "" '
    'in the namespace "shop"'
)
CLUSTER_WIDE = (
    'namespaces is forbidden: User "alice" cannot list resource "namespaces" in API group "" at the cluster scope'
)


def status(message: str = "", reason: str = "", **details: object) -> bytes:
    return json.dumps({"kind": "Status", "message": message, "reason": reason, "details": details}).encode()


TABLE: list[tuple[int, bytes, type[RuntimeProblem], str]] = [
    (400, status("bad"), Invalid, "refused the request (400)"),
    (401, status("Unauthorized"), Denied, "The API server at 10.0.0.5:6443 refused the credential (401)"),
    (401, b"<html>login</html>", Denied, "(401)"),
    (403, status(FORBIDDEN), Denied, 'does not allow "system:serviceaccount:shop:ops" to list pods in namespace shop'),
    (403, status(CLUSTER_WIDE), Denied, 'does not allow "alice" to list namespaces in the whole cluster'),
    (403, status("denied by a webhook"), Denied, "does not allow to get pod web-0 (403)"),
    (403, status('admission webhook "p.example.com" denied the request: no'), Disallowed, "The admission webhook p.ex"),
    (500, status('failed calling webhook "p.example.com": no route'), Unavailable, "webhook p.example.com of the clus"),
    (403, b"<html>forbidden</html>", Denied, "does not allow to get pod web-0 (403)"),
    (404, status('pods "web-0" not found', "NotFound"), Missing, "Pod web-0 does not exist (any more)"),
    (404, b"<html>nginx</html>", Unavailable, "is not a Kubernetes API server: it answered 404"),
    (405, status(), Unsupported, "does not support"),
    (409, status("", "AlreadyExists"), Conflict, "Pod web-0 exists already"),
    (409, status("", "Conflict"), Stale, "Pod web-0 changed meanwhile"),
    (410, status("too old", "Expired"), Expired, "no longer keeps this position"),
    (412, status(), Stale, "changed meanwhile"),
    (415, status(), Unsupported, "does not support"),
    (422, status("spec.x: invalid"), Invalid, "refused the request (422)"),
    (429, status("", "TooManyRequests", retryAfterSeconds=3), Unavailable, "is busy and asks to wait (429)"),
    (429, b"slow down", Unavailable, "is busy and asks to wait (429)"),
    (500, status("boom"), Unavailable, "failed (500)"),
    (502, b"<html>bad gateway</html>", Unavailable, "failed (502)"),
    (503, b"", Unavailable, "failed (503)"),
    (302, b"", Unavailable, "redirects elsewhere (302)"),
    (418, b"teapot", Unavailable, "is not a Kubernetes API server: it answered 418"),
]


@pytest.mark.parametrize(("code", "body", "kind", "part"), TABLE)
def test_a_refusal_is_translated(code: int, body: bytes, kind: type[RuntimeProblem], part: str) -> None:
    problem = refused(code, body, ASKED)
    assert type(problem) is kind
    assert part in problem.sentence
    assert "<html" not in problem.sentence + problem.hint + problem.detail


def test_a_dead_credential_says_since_when_and_what_to_renew() -> None:
    problem = refused(401, b"", Asked(server="10.0.0.5:6443", runtime="prod", lapsed="It expired 2 hours ago."))
    assert problem.sentence == "The API server at 10.0.0.5:6443 refused the credential (401). It expired 2 hours ago."
    assert problem.hint == "Renew the kubeconfig of runtime prod."


@pytest.mark.parametrize(
    ("header", "said", "wait_s"), [("7", 0, 7), ("", 3, 3), ("", 0, None), ("Fri, 31 Dec", 0, None)]
)
def test_how_long_to_wait_comes_from_header_or_body(header: str, said: int, wait_s: float | None) -> None:
    problem = refused(429, status("", "", retryAfterSeconds=said), ASKED, retry_after=header)
    assert problem.retry_after_s == wait_s


@pytest.mark.parametrize(
    ("text", "wait_s"), [("1", 1), ("0", 0), ("-1", None), ("", None), ("1.5", None), ("\u0661", None)]
)
def test_only_plain_seconds_are_read(text: str, wait_s: float | None) -> None:
    assert seconds(text) == wait_s


def test_foreign_text_is_capped() -> None:
    problem = refused(500, status("x" * 100_000), ASKED)
    assert len(problem.sentence + problem.hint + problem.detail) < 1000
    long = status(FORBIDDEN.replace("alice", "a").replace("shop:ops", "y" * 10_000))
    assert len(refused(403, long, ASKED).sentence) < 1000


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"<!DOCTYPE html><h1>Sign in</h1>", "answered with a web page"),
        (b"  <html>", "answered with a web page"),
        (b"", "answered with nothing"),
        (b'{"items": [{"meta', "broken or incomplete"),
        (b'{"items": "x"}', "broken or incomplete"),
    ],
)
def test_an_answer_that_is_none_is_said_without_its_text(body: bytes, part: str) -> None:
    problem = undecodable(body, ASKED)
    assert part in problem.sentence
    assert not problem.detail


def verification(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, "words of OpenSSL"
    return error


def caused(outer: Exception, inner: BaseException) -> Exception:
    outer.__cause__ = inner
    return outer


NEW = wire.NewConnectionError(None, "x")  # type: ignore[arg-type]
SILENT: list[tuple[Exception, type[RuntimeProblem], str]] = [
    (caused(wire.NewConnectionError(None, "x"), ConnectionRefusedError(111, "r")), Unavailable, "connection refused"),  # type: ignore[arg-type]
    (wire.ConnectTimeoutError(None, "x"), Unavailable, "did not answer within 7 s"),
    (wire.ReadTimeoutError(None, "/", "x"), Unavailable, "did not answer within 7 s"),  # type: ignore[arg-type]
    (TimeoutError(), Unavailable, "did not answer within 7 s"),
    (
        caused(wire.NameResolutionError("h", NEW, socket.gaierror(-2, "x")), socket.gaierror(-2, "x")),
        Unavailable,
        "No address is known",
    ),  # type: ignore[arg-type]
    (caused(wire.SSLError("x"), verification(10)), Unavailable, "its certificate has expired"),
    (caused(wire.SSLError("x"), verification(18)), Unavailable, "self-signed"),
    (caused(wire.SSLError("x"), verification(20)), Unavailable, "not signed by the CA"),
    (caused(wire.SSLError("x"), verification(62)), Unavailable, "for another name"),
    (caused(wire.SSLError("x"), verification(64)), Unavailable, "for another address"),
    (caused(wire.SSLError("x"), verification(99)), Unavailable, "words of OpenSSL"),
    (caused(wire.ProtocolError("x"), ConnectionResetError(104, "Connection reset by peer")), Unavailable, "hung up"),
    (wire.IncompleteRead(1, 2), Unavailable, "hung up in the middle"),
    (caused(wire.ProxyError("x", OSError()), OSError(5, "x")), Unavailable, "The proxy on the way"),
    (OSError(113, "No route to host"), Unavailable, "no route to host"),
    (ValueError("token=s3cret"), Unavailable, "valueerror"),
]


@pytest.mark.parametrize(("error", "kind", "part"), SILENT)
def test_silence_is_translated(error: Exception, kind: type[RuntimeProblem], part: str) -> None:
    problem = unanswered(error, ASKED, timeout_s=7)
    assert type(problem) is kind
    assert part in problem.sentence
    assert "10.0.0.5:6443" in problem.sentence
    assert "s3cret" not in problem.sentence + problem.detail


@pytest.mark.parametrize(
    ("reason", "kind", "part"),
    [
        ("WRONG_VERSION_NUMBER", Unavailable, "does not speak TLS"),
        ("TLSV1_ALERT_UNKNOWN_CA", Denied, "refused the client certificate"),
        ("SSLV3_ALERT_CERTIFICATE_EXPIRED", Denied, "refused the client certificate"),
        ("UNSUPPORTED_PROTOCOL", Unavailable, "TLS connection"),
    ],
)
def test_tls_trouble_is_translated(reason: str, kind: type[RuntimeProblem], part: str) -> None:
    error = ssl.SSLError(1, f"[SSL: {reason}] words")
    error.reason = reason
    problem = unanswered(caused(wire.SSLError("x"), error), ASKED, timeout_s=7)
    assert type(problem) is kind
    assert part in problem.sentence
