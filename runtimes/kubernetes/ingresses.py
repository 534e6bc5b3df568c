"""Under which names a service is reached, by the Ingress rules of its namespace. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from runtimes.base import Domain
from runtimes.kubernetes.objects.held import HeldPod
from runtimes.kubernetes.objects.neighbours import Backend, HttpPath, Ingress, ServiceObject

Accepts = Callable[[Mapping[str, str]], bool]


def domains(
    ingresses: Sequence[Ingress], services: Sequence[ServiceObject], pods: Sequence[HeldPod], accepts: Accepts
) -> tuple[Domain, ...]:
    """Give the rules that belong to a service: labelled so themselves, or leading to one of its pods."""
    leading = {each.metadata.name for each in services if _leads_to(each, pods)}
    found = [
        domain
        for ingress in ingresses
        for name, domain in backed(ingress)
        if accepts(ingress.metadata.labels or {}) or name in leading
    ]
    return tuple(dict.fromkeys(found))


def _leads_to(service: ServiceObject, pods: Sequence[HeldPod]) -> bool:
    wanted = (service.spec.selector or {}).items()
    return bool(wanted) and any(wanted <= (pod.metadata.labels or {}).items() for pod in pods)


def backed(ingress: Ingress) -> Iterator[tuple[str, Domain]]:
    """Give each rule with the name of the Service that it leads to, "" where it leads to something else."""
    secure = {host for tls in ingress.spec.tls or () for host in tls.hosts or ()}
    for rule in ingress.spec.rules or ():
        paths = (rule.http.paths if rule.http else None) or [
            HttpPath(backend=ingress.spec.default_backend or Backend())
        ]
        for path in paths:
            target = path.backend.service
            shown = Domain(
                host=rule.host or "*", path=path.path, target=_target(path.backend), tls=_covered(rule.host, secure)
            )
            yield (target.name if target else ""), shown


def _target(backend: Backend) -> str:
    if backend.service is None:
        return ""
    port = backend.service.port.number or backend.service.port.name
    return f"service {backend.service.name}:{port}" if port else f"service {backend.service.name}"


def _covered(host: str, secure: set[str]) -> bool:
    """Say whether TLS is set up for the host, by its name or by a wildcard one label wide (RFC 6125)."""
    return host in secure or f"*.{host.partition('.')[2]}" in secure
