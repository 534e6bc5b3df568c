"""Looks at a domain as somebody outside would: what DNS answers, which certificate is shown, how the ingress answers.

Four checks, each by itself, so that a page can show them as they come. They go through `opsmodal.egress` only; what it
refuses is said as such and is no failure of the domain.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property

from cryptography import x509

from opsmodal.egress import Answer, Egress, EgressProblem, Looked, Shown
from opsmodal.egress.client import HTTPS_PORT
from opsmodal.egress.problems import DISTRUST
from opsmodal.errors import TooMany
from opsmodal.networks import Address
from opsmodal.operations.domain_answers import SOON, DomainAnswer
from runtimes.base import Severity
from runtimes.domains import Answering

CHECKS = ("dns", "certificate", "http", "backend")
CHECKS_MAX = 6
"""That run at once in a process: each holds a line for some seconds, and everybody's clicks add up."""
RETRY_S = 5.0
NAMES_SHOWN = 5
OF_ITS_OWN = frozenset({DISTRUST[number] for number in (18, 19)})
"""What is said of a certificate whose issuer nobody knows."""
Facts = tuple[tuple[str, str], ...]
ENTRIES_MAX = 4
"""Load balancers of an ingress that are resolved: each may take 8 s, and the cluster says how many there are."""
PLAIN_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")
"""What may stand in a request as it is (RFC 3986); a path that is a pattern is asked as /."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What one check found: `name` is of `CHECKS`, `facts` are (name, value) pairs."""

    name: str
    severity: Severity
    sentence: str
    hint: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    not_after: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainCheckAnswer:
    """The checks of a domain that were asked for, in the order of `CHECKS`."""

    id: str
    host: str
    path: str
    checks: tuple[Checked, ...]
    as_of: datetime


class Lanes:
    """So many checks at once, for everybody together."""

    def __init__(self, count: int = CHECKS_MAX) -> None:
        self._free = threading.Semaphore(count)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold one of the lanes. Raise TooMany while all are taken."""
        if not self._free.acquire(blocking=False):
            raise TooMany("Other domains are being checked just now.", hint="Try again in 5 s.", retry_after_s=RETRY_S)
        try:
            yield
        finally:
            self._free.release()


@dataclass
class Look:
    """One look at one domain: its name is resolved once for all checks of it."""

    row: DomainAnswer
    egress: Egress
    answering: Answering | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def is_route(self) -> bool:
        """Whether it is a proxy of a host that answers, and no controller of a cluster."""
        return self.row.kind == "route"

    @cached_property
    def looked(self) -> Looked | EgressProblem:
        """What DNS says, or why it says nothing."""
        return self._look_up(self.row.host)

    @cached_property
    def entries(self) -> tuple[Address, ...]:
        """Where the ingress answers, as it says itself; names of load balancers are resolved, too."""
        found = (self._look_up(entry) for entry in self.row.entries[:ENTRIES_MAX])
        return tuple(address for each in found if isinstance(each, Looked) for address in each.addresses)

    def _look_up(self, name: str) -> Looked | EgressProblem:
        try:
            return self.egress.look_up(name)
        except EgressProblem as problem:
            return problem

    def way(self, *, by_ingress: bool) -> Address:
        """Choose the address to ask. Raise EgressProblem where there is none, or none that may be asked."""
        told = self.looked.addresses if isinstance(self.looked, Looked) else ()
        wanted = (*self.entries, *told) if by_ingress else (*told, *self.entries)
        allowed = [address for address in wanted if not self.egress.refusal(address)]
        if allowed or wanted:
            return (allowed or list(wanted))[0]  # one that is refused is refused in its own words
        if isinstance(self.looked, EgressProblem):
            raise self.looked
        raise EgressProblem(f"No address of {self.row.host} is known.", kind="no-answer")


def checked(
    row: DomainAnswer, egress: Egress, names: Sequence[str] = CHECKS, *, answering: Answering | None = None
) -> DomainCheckAnswer:
    """Run checks of a domain. `answering` is what its runtime has tried of what is behind it."""
    look = Look(row, egress, answering)
    found = tuple(_run(name, look) for name in CHECKS if name in names)
    return DomainCheckAnswer(id=row.id, host=row.host, path=row.path, checks=found, as_of=look.now)


def _run(name: str, look: Look) -> Checked:
    if "*" in look.row.host and name != "backend":
        sentence = "The host stands for many names: there is no single one to look at."
        return Checked(name=name, severity=Severity.NEUTRAL, sentence=sentence)
    try:
        return RUN[name](look)
    except EgressProblem as problem:
        severity = Severity.NEUTRAL if problem.kind == "refused" else Severity.ERROR
        return Checked(name=name, severity=severity, sentence=problem.sentence, hint=problem.hint)


def _dns(look: Look) -> Checked:
    if isinstance(look.looked, EgressProblem):
        raise look.looked
    looked = look.looked
    shown = ", ".join(str(address) for address in looked.addresses[:NAMES_SHOWN])
    facts = (("Addresses", shown), *((("Stands for", looked.stands_for),) if looked.stands_for else ()))
    if look.entries and not set(look.entries) & set(looked.addresses):
        entries = ", ".join(look.row.entries[:NAMES_SHOWN])
        sentence = f"{looked.name} leads to {shown}, while the ingress answers at {entries}."
        hint = "Right behind a CDN or another load balancer; otherwise change the record."
        return Checked(name="dns", severity=Severity.PROGRESS, sentence=sentence, hint=hint, facts=facts)
    where = ", where the ingress answers" if look.entries else ""
    return Checked(name="dns", severity=Severity.OK, sentence=f"{looked.name} leads to {shown}{where}.", facts=facts)


def _certificate(look: Look) -> Checked:
    if not look.row.tls:
        return Checked(name="certificate", severity=Severity.NEUTRAL, sentence="This row has no TLS set up.")
    address, port = look.way(by_ingress=False), look.row.listen_port or HTTPS_PORT
    shown = look.egress.certificate(address, name=look.row.host, port=port)
    found = judged_certificate(shown, address, look.now)
    if look.row.proxying.tls == "internal" and shown.distrust in OF_ITS_OWN:
        sentence = (
            "The certificate is of the proxy's own authority, as it is set: browsers trust it where that is known."
        )
        return replace(found, severity=Severity.OK, sentence=sentence, hint="")
    if look.is_route and found.severity is not Severity.OK:
        return replace(found, hint="Look at the log of Caddy for what it says about certificates.")
    return found


def judged_certificate(shown: Shown, address: Address, now: datetime) -> Checked:
    """Say what a certificate is worth, and until when."""
    try:
        known = x509.load_der_x509_certificate(shown.certificate)
    except ValueError:
        sentence = f"{address} shows a certificate that cannot be read."
        return Checked(name="certificate", severity=Severity.ERROR, sentence=sentence)
    ends = known.not_valid_after_utc
    facts = (
        ("Names", ", ".join(_names(known)[:NAMES_SHOWN])),
        ("Issuer", known.issuer.rfc4514_string()[:200]),
        ("Shown at", str(address)),
    )
    if shown.distrust:
        sentence, severity = f"Browsers refuse the certificate: {shown.distrust}.", Severity.ERROR
        hint = "Look at the Secret of the row, and at what renews it."
    elif ends - now < SOON:
        sentence, severity = f"The certificate ends in {(ends - now).days} days.", Severity.PROGRESS
        hint = "Look at what renews it."
    else:
        sentence, severity = f"The certificate is trusted, and ends in {(ends - now).days} days.", Severity.OK
        hint = ""
    return Checked(name="certificate", severity=severity, sentence=sentence, hint=hint, facts=facts, not_after=ends)


def _names(known: x509.Certificate) -> list[str]:
    try:
        found = known.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return []
    return found.get_values_for_type(x509.DNSName)


def _http(look: Look) -> Checked:
    row, address = look.row, look.way(by_ingress=True)
    exact = row.path_type in ("Prefix", "Exact") and PLAIN_PATH.fullmatch(row.path)
    path = row.path if exact else "/"
    answer = look.egress.ask(address, name=row.host, path=path, secure=row.tls, port=row.listen_port)
    server = (("Server", answer.server),) if answer.server else ()
    facts = (("Asked", f"GET {path} at {address}"), ("Took", f"{answer.took_ms} ms"), *server)
    severity, sentence, hint = judged_answer(answer, PROXY_HINTS if look.is_route else HINTS)
    return Checked(name="http", severity=severity, sentence=sentence, hint=hint, facts=facts)


HINTS: Mapping[int, str] = {
    404: "The service has nothing there, or the ingress controller knows no rule for this host: look at its class.",
    502: "The ingress reaches no pod, or the port is wrong: look at the Service and at what the pods listen on.",
    503: "No pod is ready behind it: look at the Pods tab.",
    504: "The pods do not answer in time: look at their logs.",
}
PROXY_HINTS: Mapping[int, str] = {
    404: "The container has nothing there: look at its log.",
    502: "Caddy reaches no container, or the port is wrong: look at what is behind it, below.",
    503: "The container turns visitors away, or Caddy knows it as down: look at its log.",
    504: "The container does not answer in time: look at its log.",
}


def judged_answer(answer: Answer, hints: Mapping[int, str] = HINTS) -> tuple[Severity, str, str]:
    """Say what a status means when an ingress or a proxy gives it: severity, sentence, hint."""
    status = answer.status
    if 300 <= status < 400:
        to = f" to {answer.location}" if answer.location else ""
        return Severity.OK, f"It answers {status} and sends visitors on{to}.", ""
    if status in (401, 403):
        return Severity.OK, f"It answers {status}: it is there, and wants to know who asks.", ""
    if status < 400:
        return Severity.OK, f"It answers {status}.", ""
    hint = hints.get(status, "Look at the log of the service behind it." if status >= 500 else "")
    return (Severity.ERROR if status >= 500 else Severity.PROGRESS), f"It answers {status}.", hint


def _backend(look: Look) -> Checked:
    row = look.row
    facts = (("Target", f"{row.target}:{row.port}" if row.port else row.target),)
    if look.answering is not None and look.is_route:
        return _tried(look.answering, row, facts if row.target else ())
    if row.ready is None:
        why = row.problems[0] if row.problems else "How many endpoints are ready is not known."
        severity = Severity.ERROR if row.problems else Severity.NEUTRAL
        return Checked(name="backend", severity=severity, sentence=why, facts=facts)
    if row.ready == 0:
        sentence = f"No endpoint of {row.target} is ready."
        hint = "Look at the Pods tab for why its pods are not ready."
        return Checked(name="backend", severity=Severity.ERROR, sentence=sentence, hint=hint, facts=facts)
    noun = "endpoint is" if row.ready == 1 else "endpoints are"
    return Checked(
        name="backend", severity=Severity.OK, sentence=f"{row.ready} {noun} ready behind {row.target}.", facts=facts
    )


def _tried(answering: Answering, row: DomainAnswer, facts: Facts) -> Checked:
    """Say what came of a connection to a container; what its engine knows to be wrong goes before."""
    severity = Severity.NEUTRAL if answering.ok is None else Severity.OK if answering.ok else Severity.ERROR
    if answering.ok and row.problems:
        sentence, hint = row.problems[0], "Repair it." if row.moved else "Look at the Containers tab."
        return Checked(name="backend", severity=Severity.ERROR, sentence=sentence, hint=hint, facts=facts)
    return Checked(name="backend", severity=severity, sentence=answering.sentence, hint=answering.hint, facts=facts)


RUN: Mapping[str, Callable[[Look], Checked]] = {
    "dns": _dns,
    "certificate": _certificate,
    "http": _http,
    "backend": _backend,
}
