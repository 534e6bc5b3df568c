"""Translates what comes back from an API server into the errors of `runtimes.errors`, in one place.

Whatever answers may not be an API server at all: a login page, a proxy, half a document. Foreign text goes only into
`detail`, capped, and never when it is HTML; what was sent (a token, a body) never goes into an error. Pure, but for a
look at how the way stands.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass, field

import msgspec
import urllib3
from urllib3 import exceptions as wire

from runtimes.errors import (
    Conflict,
    Denied,
    Expired,
    Invalid,
    Missing,
    RuntimeProblem,
    Stale,
    Unavailable,
    Unsupported,
)
from runtimes.kubernetes.api import refusals
from runtimes.kubernetes.objects.common import Status
from runtimes.way import Standings, told

VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked of whom: `server` is host:port, `runtime` the registered name, `lapsed` a dead credential.

    `standing` says how the way to it is.
    """

    server: str
    runtime: str
    method: str = "GET"
    what: str = "this"
    lapsed: str = ""
    standing: Standings | None = field(default=None, repr=False, compare=False)


def refused(status: int, body: bytes, asked: Asked, *, retry_after: str = "") -> RuntimeProblem:
    """Give the error for an HTTP answer that is not a success. `retry_after` is the header as it came."""
    said = _said(body)
    words = said.message if said else ""
    if status == 401:
        return _unauthenticated(asked)
    if status >= 400 and (by_rule := refusals.by_a_rule(words)):
        return by_rule
    if status == 403:
        return _forbidden(words, asked)
    if 300 <= status < 400:
        return _no_api_server(asked, f"redirects elsewhere ({status})")
    if said is None and status not in {429, 500, 502, 503, 504}:
        return _no_api_server(asked, f"answered {status}")
    return _by_status(status, said, asked, retry_after)


def _by_status(status: int, said: Status | None, asked: Asked, retry_after: str) -> RuntimeProblem:
    at, words = f"The API server at {asked.server}", said.message if said else ""
    if status == 429:
        return _busy(said, asked, retry_after)
    if status >= 500:
        hint = "Try again; if it stays, look at the log of the API server."
        return Unavailable(f"{at} failed ({status}).", hint=hint, detail=words)
    exists = status == 409 and said is not None and said.reason == "AlreadyExists"
    kind, sentence, hint = {
        404: (Missing, f"{asked.what} does not exist (any more)", ""),
        405: (Unsupported, f"{at} does not support this request ({status})", ""),
        406: (Unsupported, f"{at} does not support this request ({status})", ""),
        409: (Stale, f"{asked.what} changed meanwhile", "Read it again, then repeat what you wanted to do."),
        410: (Expired, f"{at} no longer keeps this position of the list", "Read the list again from its start."),
        412: (Stale, f"{asked.what} changed meanwhile", "Read it again, then repeat what you wanted to do."),
        415: (Unsupported, f"{at} does not support this request ({status})", ""),
    }.get(status, (Invalid, f"{at} refused the request ({status})", ""))
    if exists:
        kind, sentence, hint = Conflict, f"{asked.what} exists already", ""
    return kind(f"{sentence[:1].upper()}{sentence[1:]}.", hint=hint, detail=words)


def _busy(said: Status | None, asked: Asked, retry_after: str) -> Unavailable:
    wait_s = seconds(retry_after)
    if wait_s is None and said and said.details and said.details.retry_after_seconds:
        wait_s = float(said.details.retry_after_seconds)
    hint = f"Try again in {wait_s:g} s." if wait_s else "Try again in a moment."
    sentence = f"The API server at {asked.server} is busy and asks to wait (429)."
    return Unavailable(sentence, hint=hint, detail=said.message if said else "", retry_after_s=wait_s)


def _unauthenticated(asked: Asked) -> Denied:
    expired = f" {asked.lapsed}" if asked.lapsed else ""
    hint = f"Renew the kubeconfig of runtime {asked.runtime}."
    return Denied(f"The API server at {asked.server} refused the credential (401).{expired}", hint=hint)


def _forbidden(words: str, asked: Asked) -> Denied:
    if denied := refusals.without_right(words, server=asked.server):
        return denied
    sentence = f"The API server at {asked.server} does not allow to {VERBS.get(asked.method, 'use')} {asked.what}"
    return Denied(f"{sentence} (403).", hint="Ask who runs the cluster for the right.", detail=words)


def _said(body: bytes) -> Status | None:
    """Read a Status object; None for HTML, half a document or anything else."""
    try:
        said = msgspec.json.decode(body, type=Status)
    except (ValueError, RecursionError):
        return None
    return said if said.kind == "Status" else None


def _no_api_server(asked: Asked, does: str) -> Unavailable:
    hint = "Look whether the address in the kubeconfig leads to the API server itself, not to a proxy or a login page."
    return Unavailable(f"What answers at {asked.server} is not a Kubernetes API server: it {does}.", hint=hint)


def seconds(retry_after: str) -> float | None:
    """Read Retry-After in seconds (RFC 9110, section 10.2.3); the form with a date is not used by API servers."""
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None


def undecodable(body: bytes | bytearray, asked: Asked) -> Unavailable:
    """Give the error for a successful answer whose body is not what was asked for."""
    start = body[:64].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return _no_api_server(asked, "answered with a web page")
    hint = "Try again; if it stays, look for what stands between opsmodal and the API server."
    if not start:
        return Unavailable(f"The API server at {asked.server} answered with nothing.", hint=hint)
    return Unavailable(f"The API server at {asked.server} sent an answer that is broken or incomplete.", hint=hint)


def unanswered(error: Exception, asked: Asked, *, timeout_s: float) -> RuntimeProblem:
    """Give the error for a request that got no answer: what the way says, or what urllib3's exceptions wrap."""
    return told(_seen(error, asked, timeout_s), asked.standing)


def _seen(error: Exception, asked: Asked, timeout_s: float) -> RuntimeProblem:
    cause = _root(error)
    if isinstance(cause, ssl.SSLError):
        return _untrusted(cause, asked)
    if isinstance(error, wire.ProxyError):
        return Unavailable(f"The proxy on the way to {asked.server} does not answer.", hint="Look at the proxy-url.")
    if isinstance(error, wire.NameResolutionError) or isinstance(cause, socket.gaierror):
        return Unavailable(
            f"No address is known for the API server {asked.server}.", hint="Look at the name and at DNS."
        )
    does, hint = _silence(error, cause, timeout_s)
    return Unavailable(f"The API server at {asked.server} {does}.", hint=hint)


def _silence(error: Exception, cause: BaseException, timeout_s: float) -> tuple[str, str]:
    if isinstance(cause, ConnectionRefusedError):
        return "is not reachable: connection refused", "Is the API server running?"
    if isinstance(cause, TimeoutError) or isinstance(error, wire.TimeoutError):
        hint = "Look whether the way is open (firewall, VPN) and whether the API server is overloaded."
        return f"did not answer within {timeout_s:g} s", hint
    if isinstance(error, wire.ProtocolError | wire.IncompleteRead):
        return "hung up in the middle", "Try again; if it stays, look whether it is being restarted."
    words = (cause.strerror if isinstance(cause, OSError) and cause.strerror else type(cause).__name__).lower()
    return f"is not reachable: {words[:100]}", "Try again; if it stays, look at the way to it."


def _root(error: BaseException) -> BaseException:
    """Dig out what the operating system or TLS said first."""
    seen = 0
    while seen < 10:  # a chain of causes is short; a cycle must not hold us
        inner = error.__cause__ or error.__context__ or next((a for a in error.args if isinstance(a, Exception)), None)
        if not isinstance(inner, OSError | urllib3.exceptions.HTTPError | ssl.SSLError):
            return error
        error, seen = inner, seen + 1
    return error


CERTIFICATE_WORDS = {
    7: (
        "its certificate is signed by another CA of the same name",
        "The cluster may be a new one: get its kubeconfig.",
    ),
    9: ("its certificate is not valid yet", "Look at the clocks of both machines."),
    10: ("its certificate has expired", "Renew the API server's certificate."),
    18: ("its certificate is self-signed", "Put the right certificate-authority-data into the kubeconfig."),
    19: ("its certificate is not signed by the CA", "Put the right certificate-authority-data into the kubeconfig."),
    20: ("its certificate is not signed by the CA", "Put the right certificate-authority-data into the kubeconfig."),
    21: ("its certificate is not signed by the CA", "Put the right certificate-authority-data into the kubeconfig."),
    62: ("its certificate is for another name", "Set tls-server-name in the kubeconfig to a name in the certificate."),
    64: ("its certificate is for another address", "Set tls-server-name in the kubeconfig to a name in it."),
}
"""OpenSSL's X509_V_ERR_* (x509_vfy.h) in words."""


def _untrusted(error: ssl.SSLError, asked: Asked) -> RuntimeProblem:
    at = f"The API server at {asked.server} cannot be trusted"
    if isinstance(error, ssl.SSLCertVerificationError):
        why, hint = CERTIFICATE_WORDS.get(error.verify_code, (f"{error.verify_message}"[:100], ""))
        return Unavailable(f"{at}: {why}.", hint=hint)
    reason = (error.reason or "").upper()
    if "WRONG_VERSION" in reason or "HTTP_REQUEST" in reason or "RECORD_LAYER" in reason:
        return _no_api_server(asked, "does not speak TLS")
    if "ALERT" in reason:
        hint = f"Renew the client certificate in the kubeconfig of runtime {asked.runtime}."
        expired = f" {asked.lapsed}" if asked.lapsed else ""
        return Denied(f"The API server at {asked.server} refused the client certificate.{expired}", hint=hint)
    return Unavailable(f"The TLS connection to {asked.server} failed.", detail=reason.replace("_", " ").lower())
