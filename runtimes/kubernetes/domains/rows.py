"""Makes rows out of rules and what stands around them, and says what is wrong with each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from runtimes.config import CertificateFacts
from runtimes.domains import DomainRow
from runtimes.kubernetes.domains.around import EXTERNAL, Around
from runtimes.kubernetes.domains.models import GatewayObject, Listener, Parent, ServiceObject
from runtimes.kubernetes.domains.routes import gateway_name, parents
from runtimes.kubernetes.domains.rules import ANY_HOST, INGRESS, ROUTE, Holder, Rule
from runtimes.kubernetes.managers import managed_by

SECURE = frozenset({"HTTPS", "TLS"})


def row(held: Holder, rule: Rule, around: Around, *, now: datetime | None = None) -> DomainRow:
    """Make the row of a rule."""
    known = _of_gateway(held, rule, around) if rule.kind == ROUTE else rule
    facts = (around.certificates or {}).get(known.tls_secret) if known.tls_secret else None
    manager = managed_by(held.labels, held.annotations)
    return DomainRow(
        id=rule.id,
        kind=rule.kind,
        object=rule.object,
        host=rule.host,
        path=rule.path,
        path_type=rule.path_type,
        backend=rule.backend,
        port=rule.port,
        class_name=rule.class_name,
        tls_secret=known.tls_secret,
        tls=known.tls,
        certificate_not_after=facts.not_after if facts else None,
        certificate_names=facts.names if facts else (),
        ready=_ready(rule, around),
        entries=known.entries,
        problems=tuple(_problems(known, around, facts, now or datetime.now(UTC))),
        managed_by=manager,
        editable=not rule.fixed,
        fixed=rule.fixed,
        revision=held.revision,
    )


def _ready(rule: Rule, around: Around) -> int | None:
    service = (around.services or {}).get(rule.backend)
    if around.ready is None or service is None or service.spec.type == EXTERNAL:
        return None
    return around.ready.get(rule.backend, 0)


def _problems(rule: Rule, around: Around, facts: CertificateFacts | None, now: datetime) -> Iterator[str]:
    yield from rule.problems
    if around.services is not None and rule.backend and " " not in rule.backend and not _leads_away(rule):
        service = around.services.get(rule.backend)
        if service is None:
            yield f"There is no Service {rule.backend}."
        else:
            yield from _service_problems(rule, service, around)
    yield from _tls_problems(rule, around, facts, now)
    classes = around.classes
    if rule.kind == INGRESS and classes is not None and rule.class_name and rule.class_name not in classes:
        yield f"There is no ingress class {rule.class_name}: no controller serves it."


def _leads_away(rule: Rule) -> bool:
    """A backend in another namespace is not among the Services that were read."""
    return rule.fixed.endswith("elsewhere: change it in its YAML.")


def _service_problems(rule: Rule, service: ServiceObject, around: Around) -> Iterator[str]:
    if service.spec.type == EXTERNAL:
        return
    ports = {word for port in service.spec.ports or () for word in (str(port.port), port.name) if word}
    if rule.port and rule.port not in ports:
        yield f"Service {rule.backend} has no port {rule.port}."
    if _ready(rule, around) == 0:
        yield f"No endpoint of Service {rule.backend} is ready."


def _tls_problems(rule: Rule, around: Around, facts: CertificateFacts | None, now: datetime) -> Iterator[str]:
    if rule.kind == INGRESS and rule.tls_secret and around.certificates is not None:
        if rule.tls_secret not in around.certificates:
            yield f"There is no TLS Secret {rule.tls_secret}: the ingress answers with a certificate of its own."
        elif facts is None:
            yield f"Secret {rule.tls_secret} holds no certificate that can be read."
    if facts is None:
        return
    if facts.not_after <= now:
        yield f"The certificate in {rule.tls_secret} expired on {facts.not_after:%Y-%m-%d}."
    if rule.host != ANY_HOST and facts.names and not is_for(facts.names, rule.host):
        yield f"The certificate in {rule.tls_secret} is not for {rule.host}, but for {', '.join(facts.names[:3])}."


def is_for(names: Iterable[str], host: str) -> bool:
    """Tell whether a certificate with these names is for a host."""
    return any(covers(name, host) for name in names)


def covers(name: str, host: str) -> bool:
    """Tell whether a name of a certificate, a wildcard one label wide among them, is for a host (RFC 6125)."""
    name, host = name.lower(), host.lower()
    return name == host or (name.startswith("*.") and name[2:] == host.partition(".")[2] and not host.startswith("*."))


def _of_gateway(held: Holder, rule: Rule, around: Around) -> Rule:
    """Give the rule with what the listeners of its gateways say: TLS and addresses."""
    listening = [
        (gateway, listener)
        for parent in parents(held.raw)
        for gateway in [_gateway(parent, around)]
        if gateway is not None
        for listener in gateway.spec.listeners or ()
        if _hears(parent, listener, rule.host)
    ]
    entries = [address.value for gateway, _ in listening for address in gateway.status.addresses or ()]
    secure = [listener for _, listener in listening if listener.protocol in SECURE]
    return replace(rule, entries=tuple(dict.fromkeys(entries)), tls=bool(secure), tls_secret=_secret(listening, around))


def _gateway(parent: Parent, around: Around) -> GatewayObject | None:
    name = gateway_name(parent.namespace or around.namespace, parent.name, around.namespace)
    return (around.gateways or {}).get(name)


def _hears(parent: Parent, listener: Listener, host: str) -> bool:
    if parent.section_name and parent.section_name != listener.name:
        return False
    wild = listener.hostname.startswith("*.") and host.endswith(listener.hostname[1:])
    return not listener.hostname or host in (ANY_HOST, listener.hostname) or wild


def _secret(listening: list[tuple[GatewayObject, Listener]], around: Around) -> str:
    """Name the certificate of a gateway of this very namespace; those of others are not ours to look at."""
    for gateway, listener in listening:
        if gateway.metadata.namespace == around.namespace and listener.tls:
            for reference in listener.tls.certificate_refs or ():
                return reference.name
    return ""
