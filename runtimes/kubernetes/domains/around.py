"""What rows of domains lead to and stand on: Services and their endpoints, certificates, classes, gateways. Pure.

What could not be read is None, and nothing is concluded from it: a person who may not list Secrets is not told that
one is missing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from runtimes.config import CertificateFacts
from runtimes.domains import DomainChoices
from runtimes.kubernetes.config.certificates import CERTIFICATE, facts_of
from runtimes.kubernetes.domains.models import EndpointSlice, GatewayObject, ServiceObject, TlsSecret
from runtimes.kubernetes.domains.routes import gateway_name
from runtimes.kubernetes.domains.rules import INGRESS, ROUTE, Holder, Rule

SERVICE_LABEL = "kubernetes.io/service-name"
"""By which an EndpointSlice says whose it is."""
EXTERNAL = "ExternalName"

Labels = Mapping[str, str]
Accepts = Callable[[Labels], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What was read beside the rules. `pods` are the labels of the service's pods, or of what makes them."""

    namespace: str
    services: Mapping[str, ServiceObject] | None = None
    ready: Mapping[str, int] | None = None
    certificates: Mapping[str, CertificateFacts | None] | None = None
    classes: tuple[str, ...] | None = None
    gateways: Mapping[str, GatewayObject] | None = None
    has_routes: bool = False
    pods: Sequence[Labels] = ()
    own: frozenset[str] = field(default_factory=frozenset)
    """The Services that belong to the service whose page this is."""


def own_services(services: Iterable[ServiceObject], pods: Sequence[Labels], accepts: Accepts) -> frozenset[str]:
    """Name the Services that are labelled as the service's, or that lead to its pods."""
    return frozenset(
        each.metadata.name
        for each in services
        if accepts(each.metadata.labels or {}) or _leads_to(each.spec.selector or {}, pods)
    )


def _leads_to(selector: Labels, pods: Sequence[Labels]) -> bool:
    return bool(selector) and any(selector.items() <= labels.items() for labels in pods)


def ready_by_service(slices: Iterable[EndpointSlice]) -> dict[str, int]:
    """Count the addresses that are ready, by Service; one that stands in two slices (IPv4, IPv6) counts once."""
    seen: dict[str, set[str]] = {}
    counted: dict[str, dict[str, int]] = {}
    for each in slices:
        name = (each.metadata.labels or {}).get(SERVICE_LABEL, "")
        family = "6" if any(":" in one for e in each.endpoints or () for one in e.addresses or ()) else "4"
        known = seen.setdefault(name, set())
        count = counted.setdefault(name, {})
        for endpoint in each.endpoints or ():
            address = next(iter(endpoint.addresses or ()), "")
            if endpoint.conditions.ready is not False and address not in known:  # nil means ready
                known.add(address)
                count[family] = count.get(family, 0) + 1
    return {name: max(count.values(), default=0) for name, count in counted.items()}


def certificates(secrets: Iterable[TlsSecret]) -> dict[str, CertificateFacts | None]:
    """Read the certificates of TLS Secrets, by name; None where one cannot be read."""
    return {each.metadata.name: _facts(each) for each in secrets}


def _facts(secret: TlsSecret) -> CertificateFacts | None:
    try:
        pem = base64.b64decode(secret.data.certificate if secret.data else "", validate=True)
    except binascii.Error:
        return None
    return facts_of({CERTIFICATE: pem})


def belonging(holders: Sequence[Holder], around: Around, accepts: Accepts) -> list[tuple[Holder, Rule]]:
    """Give the rules that are the service's: of objects labelled so, or that lead to one of its Services.

    A rule that leads nowhere belongs to the object's other rules.
    """
    found = []
    for held in holders:
        labelled = accepts(held.labels)
        mine = [labelled or rule.backend in around.own for rule in held.rules]
        for rule, is_mine in zip(held.rules, mine, strict=True):
            leads_nowhere = around.services is not None and rule.backend not in around.services
            if is_mine or (leads_nowhere and any(mine)):
                found.append((held, rule))
    return found


def choices(around: Around, holders: Sequence[Holder] = ()) -> DomainChoices:
    """Say what a row can be made of; of what may not be listed, what rows of the namespace have already."""
    services, used = around.services or {}, [rule for held in holders for rule in held.rules if rule.kind == INGRESS]
    classes = {rule.class_name for rule in used} if around.classes is None else set(around.classes)
    secrets = {rule.tls_secret for rule in used} if around.certificates is None else set(around.certificates)
    return DomainChoices(
        backends={name: _ports(services[name]) for name in sorted(around.own) if name in services},
        classes=tuple(sorted(classes - {""})),
        gateways=tuple(around.gateways or ()),
        tls_secrets=tuple(sorted(secrets - {""})),
        kinds=(INGRESS, ROUTE) if around.has_routes else (INGRESS,),
    )


def _ports(service: ServiceObject) -> tuple[str, ...]:
    """Give the ports that speak TCP, by number and then by name."""
    ports = [port for port in service.spec.ports or () if port.protocol == "TCP"]
    return (*(str(port.port) for port in ports), *(port.name for port in ports if port.name))


def by_name(gateways: Iterable[GatewayObject], namespace: str) -> dict[str, GatewayObject]:
    """Give gateways by the name they are chosen by, those of the namespace first."""
    found = {gateway_name(each.metadata.namespace, each.metadata.name, namespace): each for each in gateways}
    return dict(sorted(found.items(), key=lambda item: ("/" in item[0], item[0])))
