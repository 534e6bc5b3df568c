"""Reads what rows of domains are made of, all at the same time; what may not be read becomes a note.

A page that asks again and again is given lists that are kept; whatever is to be changed is read as it is now.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from runtimes.base import Scope
from runtimes.config import CertificateFacts
from runtimes.errors import Denied, Malformed, Unavailable
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.api.media import ONLY_METADATA
from runtimes.kubernetes.api.spoiled import HINT, left_out
from runtimes.kubernetes.domains import around as surroundings
from runtimes.kubernetes.domains import ingress, routes
from runtimes.kubernetes.domains.around import Around, Labels
from runtimes.kubernetes.domains.models import EndpointSlice, GatewayObject, Groups, ServiceObject, TlsSecret
from runtimes.kubernetes.domains.rules import Document, Holder
from runtimes.kubernetes.objects.common import OnlyMetadata
from runtimes.kubernetes.objects.workloads import DeployedObject
from runtimes.kubernetes.scoped import checked
from runtimes.kubernetes.selectors import matcher
from runtimes.kubernetes.together import Outcome, Together
from runtimes.kubernetes.watching.kept import KeptLists
from runtimes.kubernetes.watching.live import LivePods

T = TypeVar("T")
Lists = Client | KeptLists
Certificates = Mapping[str, CertificateFacts | None]

GATEWAY_GROUP = "gateway.networking.k8s.io"
GATEWAYS, ALL_INGRESSES = f"/apis/{GATEWAY_GROUP}/v1/gateways", "/apis/networking.k8s.io/v1/ingresses"
ALL_ROUTES, CLASSES = f"/apis/{GATEWAY_GROUP}/v1/httproutes", "/apis/networking.k8s.io/v1/ingressclasses"
GROUPS_KEPT_S = 60.0
"""Whether a cluster has the Gateway API changes when somebody installs it. It is asked, not tried: what answers for a
group that is not there is no API object, and could as well be a proxy."""
CERTIFICATES_KEPT_S = 60.0
"""A certificate is renewed every few weeks; Secrets are not watched, and what is held of them is public."""
NAMESPACES_MAX = 500
MAKERS = ("deployments", "statefulsets", "daemonsets")
"""Whose templates tell which pods there would be: a service scaled to 0 keeps its domains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What was read, with a note for whatever could not be."""

    holders: tuple[Holder, ...]
    around: Around
    as_of: datetime
    notes: tuple[str, ...]


class Reading:
    """Reads the domains of one cluster."""

    def __init__(self, client: Client, together: Together, live: LivePods, kept: KeptLists) -> None:
        self._client = client
        self._together = together
        self._live = live
        self._kept = kept
        self._lock = threading.Lock()
        self._asked = (float("-inf"), False)
        self._certified: OrderedDict[str, tuple[float, Certificates]] = OrderedDict()

    def read(self, scope: Scope, *, now: bool = True) -> Known:
        """Read the rules of a namespace and what stands around them. Raise RuntimeProblem when no rule can be read.

        `now` is for what is to be changed: nothing then comes out of memory.
        """
        has_routes = self._has_routes()
        lists = self._client if now else self._kept
        names = ("Ingresses", "HTTPRoutes", "Services", "endpoints", "TLS Secrets", "ingress classes", "gateways")
        outcomes = self._together.run(
            lambda: _list(lists, scope, "ingresses", Document),
            lambda: _list(lists, scope, "httproutes", Document) if has_routes else [],
            lambda: _list(lists, scope, "services", ServiceObject),
            lambda: _list(lists, scope, "endpointslices", EndpointSlice),
            lambda: self._certificates(scope, now=now),
            lambda: lists.listed(CLASSES, OnlyMetadata, what="ingress classes"),
            lambda: _gateways(lists, scope) if has_routes else [],
            lambda: self._pods(scope, now=now),
            *(_templates(lists, scope, resource) for resource in MAKERS),
        )
        ingresses, http_routes, *_ = outcomes
        if ingresses.problem is not None and (not has_routes or isinstance(ingresses.problem, Unavailable)):
            raise ingresses.problem
        holders, words = _held(ingresses.value or (), http_routes.value or ())
        if now and words:
            raise Malformed(words[0], hint=HINT)
        told = zip(names, outcomes, strict=False)
        notes = [f"The {name} could not be read. {each.problem.sentence}" for name, each in told if each.problem]
        notes += [*words, *(word for each in outcomes for word in left_out(each.value))]
        found = self._around(scope, outcomes[2:], has_routes=has_routes)
        return Known(holders=tuple(holders), around=found, as_of=datetime.now(UTC), notes=tuple(notes))

    def everywhere(self, scope: Scope, known: Known) -> tuple[tuple[Holder, ...], tuple[str, ...]]:
        """Read the rules of all namespaces, as far as they may be read; with a warning where they may not."""
        try:
            ingresses = self._client.listed(ALL_INGRESSES, Document, what="Ingresses")
            has_routes = known.around.has_routes
            http_routes = self._client.listed(ALL_ROUTES, Document, what="HTTPRoutes") if has_routes else ()
        except Denied:
            words = (
                f"Only namespace {scope.namespace} could be looked at: the same host and path may be taken elsewhere."
            )
            return known.holders, (words,)
        held, doubts = _held(ingresses, http_routes)
        return tuple(held), tuple(f"{each} The same host and path may be taken there." for each in doubts)

    def _around(self, scope: Scope, outcomes: Sequence[Outcome], *, has_routes: bool) -> Around:
        services, slices, secrets, classes, gateways, *pods = outcomes
        labels: list[Labels] = [each for outcome in pods for each in outcome.value or ()]
        known = None if services.problem else {each.metadata.name: each for each in services.value}
        return Around(
            namespace=scope.namespace,
            services=known,
            ready=None if slices.problem else surroundings.ready_by_service(slices.value),
            certificates=secrets.value,
            classes=None if classes.problem else tuple(sorted(each.metadata.name for each in classes.value)),
            gateways=None if gateways.problem else surroundings.by_name(gateways.value, scope.namespace),
            has_routes=has_routes,
            pods=labels,
            own=surroundings.own_services((known or {}).values(), labels, matcher(scope.selector)),
        )

    def _has_routes(self) -> bool:
        with self._lock:
            at, known = self._asked
        if time.monotonic() - at < GROUPS_KEPT_S:
            return known
        groups = self._client.get("/apis", Groups, what="the list of API groups").groups or ()
        known = any(each.name == GATEWAY_GROUP for each in groups)
        with self._lock:
            self._asked = (time.monotonic(), known)
        return known

    def _certificates(self, scope: Scope, *, now: bool) -> Certificates:
        """Give what the TLS Secrets say of their certificates; nothing else of a Secret is held, and that briefly."""
        path = paths.collection(checked(scope).namespace, "secrets")
        with self._lock:
            at, known = self._certified.get(scope.namespace, (float("-inf"), {}))
        if not now and time.monotonic() - at < CERTIFICATES_KEPT_S and not self._client.written.lately(path):
            return known
        query = {"fieldSelector": "type=kubernetes.io/tls"}
        found = surroundings.certificates(self._client.listed(path, TlsSecret, what="secrets", query=query))
        with self._lock:
            self._certified.pop(scope.namespace, None)
            self._certified[scope.namespace] = (time.monotonic(), found)
            while len(self._certified) > NAMESPACES_MAX:
                self._certified.popitem(last=False)
        return found

    def _pods(self, scope: Scope, *, now: bool) -> list[Labels]:
        if not scope.selector:
            return []
        if not now:
            snapshot = self._live.read(scope)
            if not snapshot.stale:
                return [each.metadata.labels or {} for each in snapshot.items]
        path = paths.collection(checked(scope).namespace, "pods")
        query = {"labelSelector": scope.selector}
        found = self._client.listed(path, OnlyMetadata, what="pods", query=query, accept=ONLY_METADATA)
        return [each.metadata.labels or {} for each in found]


def _held(ingresses: Iterable[Document], http_routes: Iterable[Document]) -> tuple[list[Holder], list[str]]:
    """Read objects with their rules; give those that can be read, and what is wrong with each other one."""
    held, words = list[Holder](), list[str]()
    for read, documents in ((ingress.holder, ingresses), (routes.holder, http_routes)):
        for raw in documents:
            try:
                held.append(read(raw))
            except Malformed as problem:
                words.append(problem.sentence)
    return held, words


def _gateways(lists: Lists, scope: Scope) -> Sequence[GatewayObject]:
    """Give the gateways of all namespaces, or those of our own where the others may not be listed."""
    try:
        return lists.listed(GATEWAYS, GatewayObject, what="gateways")
    except Denied:
        return _list(lists, scope, "gateways", GatewayObject)


def _templates(lists: Lists, scope: Scope, resource: str) -> Callable[[], list[Labels]]:
    def read() -> list[Labels]:
        if not scope.selector:
            return []
        accepts = matcher(scope.selector)
        found = _list(lists, scope, resource, DeployedObject)
        labels = (each.spec.template.metadata.labels or {} for each in found)
        return [each for each in labels if accepts(each)]

    return read


def _list(lists: Lists, scope: Scope, resource: str, kind: type[T]) -> Sequence[T]:
    path = paths.collection(checked(scope).namespace, resource)
    return lists.listed(path, kind, what=resource, lenient=isinstance(lists, KeptLists))
