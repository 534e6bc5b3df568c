"""Which hosts of an Ingress have TLS, and with which Secret: read, and changed for one host at a time. Pure.

TLS holds for a host, not for a path. An entry that names several hosts keeps the others. Source:
https://kubernetes.io/docs/concepts/services-networking/ingress/#tls
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runtimes.errors import Conflict
from runtimes.kubernetes.domains.models import IngressTls
from runtimes.kubernetes.domains.rules import ANY_HOST, Document


@dataclass(frozen=True, slots=True)
class Cover:
    """How a host is covered: by an entry that names it (`exact`), by a wildcard, or by one that names no host."""

    secret: str
    exact: bool


def cover(entries: Iterable[IngressTls], host: str) -> Cover | None:
    """Say how a host is covered; an entry that names it comes first. None: it has no TLS."""
    wildcard = f"*.{host.partition('.')[2]}"  # one label wide, RFC 6125
    for wanted in (host, wildcard):
        for entry in entries:
            if wanted in (entry.hosts or ()):
                return Cover(entry.secret_name, wanted == host)
    return next((Cover(each.secret_name, host == ANY_HOST) for each in entries if not each.hosts), None)


def with_secret(entries: Sequence[Document], host: str, secret: str) -> list[Document]:
    """Give the entries with the host covered by this Secret; those of other hosts stay as they are."""
    left = without(entries, host)
    for entry in left:
        if entry.get("secretName") == secret and entry.get("hosts") and host != ANY_HOST:
            entry["hosts"] = [*entry["hosts"], host]
            return left
    return [*left, {"hosts": [host], "secretName": secret} if host != ANY_HOST else {"secretName": secret}]


def without(entries: Sequence[Document], host: str) -> list[Document]:
    """Give the entries without the host; one that named nothing else goes."""
    left = []
    for entry in entries:
        hosts = entry.get("hosts") or []
        if host == ANY_HOST and not hosts:
            continue
        rest = [each for each in hosts if each != host]
        if rest or not hosts:
            left.append({**entry, **({"hosts": rest} if hosts else {})})
    return left


def wanted(entries: Sequence[Document], known: Sequence[IngressTls], host: str, secret: str) -> list[Document]:
    """Give the entries as a change wants them for its host. Raise Conflict where only others' entries could do it."""
    covered = cover(known, host)
    if secret:
        return list(entries) if covered and covered.secret == secret else with_secret(entries, host, secret)
    if covered is None or (covered.exact and not covered.secret):
        return list(entries)
    if not covered.exact:
        sentence = f"TLS of {host} comes from an entry of the same Ingress that holds for other hosts as well."
        raise Conflict(sentence, hint="Keep its Secret, or make a rule in an object of its own.")
    return without(entries, host)
