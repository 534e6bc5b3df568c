r"""What a route may be made of: every word that somebody typed, held against a list of what is allowed. Pure.

Caddy replaces `{…}` in hosts, paths, headers and addresses: with environment variables (`{env.TOKEN}`), in later
versions with files. `*` in a path matches, `\` and `%` escape. So nothing of that is taken: a word stays a word.
Source: https://caddyserver.com/docs/conventions#placeholders
"""

from __future__ import annotations

import re
from dataclasses import replace

from runtimes.caddy.config import spelled
from runtimes.causes.words import quoted
from runtimes.domains import DomainChange, Headers, Proxying
from runtimes.errors import Invalid

HOST = re.compile(r"(?:\*\.)?[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)*")
HOST_MAX_CHARS = 253
PATH = re.compile(r"/[A-Za-z0-9._~!$&'()+,;=:@/-]{0,1023}")
LOST_IN_PATHS = ("//", "/./", "/../")
"""What no path holds when it is matched: Caddy cleans it first."""
PORT = re.compile(r"[1-9][0-9]{0,4}")
PORT_MAX = 65535
HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
HEADER_VALUE = re.compile(r"[\x20-\x5b\x5d-\x7a|~]{0,1024}")
"""Printable ASCII without backslash and braces."""
HEADERS_MAX = 20
FRAMING = frozenset(
    [
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
    ]
)
"""What frames a message (RFC 9110, 7.6.1), or says who asked: the proxy's own."""
REDIRECT = re.compile(
    r"https?://[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::[1-9][0-9]{0,4})?(/[A-Za-z0-9._~!$&'()+,;=:@/-]{0,1023})?"
)
STATUSES = (301, 302, 307, 308)
TIME_MAX_S = 3600
TLS = ("", "automatic", "internal", "none")
PATH_TYPES = ("Prefix", "Exact")
HOST_HINT = "It reads like shop.example.com, or *.example.com for all names one step below."
SIGNS_HINT = "Letters, digits and signs stand for themselves; braces and backslashes are Caddy's own and not taken."


def normal(change: DomainChange) -> DomainChange:
    """Give a change without what is only spelling: capital letters, blanks around, a last slash of a prefix."""
    path = change.path.strip() or "/"
    if change.path_type == "Prefix":
        path = path.rstrip("/") or "/"
    proxying = replace(change.proxying, redirect=change.proxying.redirect.strip())
    return replace(change, host=change.host.strip().lower(), path=path, port=change.port.strip(), proxying=proxying)


def demand_possible(change: DomainChange) -> None:
    """Raise Invalid, with the field, for what is not taken."""
    if change.kind not in ("route", "Ingress"):
        raise Invalid(f'"{quoted(change.kind[:40])}" is no kind of domain here.', hint="There is: route.")
    if change.tls_secret:
        raise Invalid("A route has no TLS Secret.", hint="Choose how the host gets its certificate.", field="tls")
    _demand_host(change.host)
    _demand_path(change)
    _demand_options(change.proxying)
    if change.proxying.redirect:
        return
    if not PORT.fullmatch(change.port) or int(change.port) > PORT_MAX:
        raise Invalid(f'"{quoted(change.port[:20])}" is no port.', hint="It is a number up to 65535.", field="target")


def _demand_host(host: str) -> None:
    if HOST.fullmatch(host) and len(host) <= HOST_MAX_CHARS:
        return
    if host in ("", "*"):
        hint = "A route for every host would catch what belongs to others: name the host."
        raise Invalid("The host is missing.", hint=hint, field="host")
    raise Invalid(f'"{quoted(host[:100])}" is no host name.', hint=_in_ascii(host) or HOST_HINT, field="host")


def _in_ascii(host: str) -> str:
    written = spelled(host)
    return f"DNS has it as {written}: write it like that." if written != host and HOST.fullmatch(written) else ""


def _demand_path(change: DomainChange) -> None:
    if change.path_type not in PATH_TYPES:
        hint = f"There are: {', '.join(PATH_TYPES)}."
        raise Invalid(f'"{quoted(change.path_type[:40])}" is no path type here.', hint=hint, field="path_type")
    path = change.path
    lost = any(part in path for part in LOST_IN_PATHS) or path.endswith(("/.", "/.."))
    if not PATH.fullmatch(path) or lost:
        hint = "It begins with / and is made of letters, digits and signs, without *, %, braces, // and /../."
        raise Invalid(f'"{quoted(path[:100])}" is no path that is taken.', hint=hint, field="path")


def _demand_options(options: Proxying) -> None:
    if options.tls not in TLS:
        raise Invalid(
            f'"{quoted(options.tls[:40])}" is no way to TLS.', hint=f"There are: {', '.join(TLS[1:])}.", field="tls"
        )
    _demand_headers(options.request_headers, "request_headers")
    _demand_headers(options.response_headers, "response_headers")
    for name in ("connect_timeout_s", "answer_timeout_s"):
        if not 0 <= getattr(options, name) <= TIME_MAX_S:
            raise Invalid("A time is 1 to 3600 s, or 0 for Caddy's own.", field=name)
    if options.redirect and not REDIRECT.fullmatch(options.redirect):
        hint = "It reads like https://www.example.com, or https://www.example.com/there for one single address."
        raise Invalid(
            f'"{quoted(options.redirect[:100])}" is no address to send visitors to.', hint=hint, field="redirect"
        )
    if options.redirect_status not in STATUSES:
        hint = f"There are: {', '.join(map(str, STATUSES))}."
        raise Invalid(f"{options.redirect_status} is no status of a redirect.", hint=hint, field="redirect_status")
    if options.redirect and options != Proxying(
        tls=options.tls, redirect=options.redirect, redirect_status=options.redirect_status
    ):
        raise Invalid("A redirect has no headers and times of its own.", hint="Leave them out.", field="redirect")


def _demand_headers(headers: Headers, field: str) -> None:
    names = [name.lower() for name, _ in headers]
    if len(headers) > HEADERS_MAX or len(set(names)) != len(names):
        raise Invalid(f"There are {HEADERS_MAX} headers at most, each once.", field=field)
    for name, value in headers:
        if not HEADER_NAME.fullmatch(name):
            hint = "It is made of letters, digits and dashes."
            raise Invalid(f'"{quoted(name[:64])}" is no name of a header.', hint=hint, field=field)
        if name.lower() in FRAMING:
            raise Invalid(f"{name} is Caddy's own to set.", hint="Leave it out.", field=field)
        if not HEADER_VALUE.fullmatch(value):
            raise Invalid(f"The value of {name} is not taken.", hint=SIGNS_HINT, field=field)
