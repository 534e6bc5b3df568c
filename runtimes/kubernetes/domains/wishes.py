"""What a row may be made of: the words of a change, held against what Kubernetes and DNS take. Pure.

The API server judges the same again; here it is said in words, for the field that is wrong, before anything is sent.
Source: RFC 1123, and https://kubernetes.io/docs/concepts/services-networking/ingress/#path-types
"""

from __future__ import annotations

import re
from dataclasses import replace

from runtimes.causes.words import quoted
from runtimes.domains import PLAIN, DomainChange
from runtimes.errors import Invalid
from runtimes.kubernetes.domains.rules import ANY_HOST, RESOURCES, ROUTE, Rule

HOST = re.compile(r"(?:\*\.)?[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)*")
HOST_MAX_CHARS = 253
NUMBER = re.compile(r"[1-9][0-9]{0,4}")
PATH = re.compile(r"/[^\s\x00-\x1f\x7f]{0,1023}")
LOST_IN_PATHS = ("//", "/./", "/../", "%2f", "%2F")
"""What no path may hold that is matched by its parts; at its end neither `/.` nor `/..`."""
CODE = frozenset('{};"#`')
"""What ends a directive, a string or a rule in the configuration of nginx or Traefik, into which controllers write
paths as they are (CVE-2021-25745, CVE-2021-25748, CVE-2022-4886); so does a backslash at the end."""
PATH_TYPES = ("Prefix", "Exact", "ImplementationSpecific")
HOST_HINT = "It reads like shop.example.com, or *.example.com for all names one step below."


def normal(change: DomainChange) -> DomainChange:
    """Give a change without what is only spelling: capital letters and blanks around."""
    host = change.host.strip().lower() or ANY_HOST
    return replace(change, host=host, path=change.path.strip() or "/", port=change.port.strip())


def demand_possible(change: DomainChange, row: Rule | None) -> None:
    """Raise Invalid for what no rule can say. `row` is the one that is changed: what it has already may stay."""
    if change.kind not in RESOURCES:
        raise Invalid(f'"{quoted(change.kind[:40])}" is no kind of domain.', hint=f"There are: {', '.join(RESOURCES)}.")
    if change.proxying != PLAIN:
        hint = "Leave it out: headers, times and redirects are the ingress controller's, by annotations of the object."
        raise Invalid(f"{change.kind} {change.object}".rstrip() + " takes no options of a proxy here.", hint=hint)
    if change.port.isdigit() and not NUMBER.fullmatch(change.port):  # "²" is a digit, too, and none that int() reads
        raise Invalid(f'"{quoted(change.port[:20])}" is no port.', hint="It is a number of 65535 at most, or a name.")
    if row is None or change.host != row.host:
        _demand_host(change.host)
    if row is None or (change.path, change.path_type) != (row.path, row.path_type):
        _demand_path(change)


def _demand_host(host: str) -> None:
    if host == ANY_HOST:
        hint = "A rule for every host would catch what belongs to others: name the host."
        raise Invalid("The host is missing.", hint=hint, field="host")
    if HOST.fullmatch(host) and len(host) <= HOST_MAX_CHARS:
        return
    raise Invalid(f'"{quoted(host[:100])}" is no host name.', hint=_ascii(host) or HOST_HINT, field="host")


def _ascii(host: str) -> str:
    """Say how DNS has a name of another script (RFC 5890): what is matched are those letters."""
    try:
        written = host.encode("idna").decode()
    except UnicodeError:
        return ""
    return "" if host.isascii() or not HOST.fullmatch(written) else f"DNS has it as {written}: write it like that."


def _demand_path(change: DomainChange) -> None:
    types = PATH_TYPES[:2] if change.kind == ROUTE else PATH_TYPES
    if change.path_type not in types:
        hint = f"There are: {', '.join(types)}."
        raise Invalid(f'"{quoted(change.path_type[:40])}" is no path type.', hint=hint, field="path_type")
    path = change.path
    if not PATH.fullmatch(path):
        raise Invalid(f'"{quoted(path[:100])}" is no path.', hint="It begins with / and has no blanks.", field="path")
    if CODE & set(path) or path.endswith("\\"):
        sentence = f'"{quoted(path[:100])}" would be read as configuration by some ingress controllers.'
        raise Invalid(sentence, hint=f"Leave out {' '.join(sorted(CODE))}, and a backslash at the end.")
    lost = any(part in path for part in LOST_IN_PATHS) or path.endswith(("/.", "/.."))
    if lost and change.path_type != "ImplementationSpecific":
        hint = "Write it as it arrives: without //, /./, /../ and %2f."
        raise Invalid(f'"{quoted(path[:100])}" would match nothing.', hint=hint, field="path")
