"""The parts of Ingresses, HTTPRoutes and what stands around them that rows of domains are made of.

Decoding skips what is not named here; what is sent back is never made of these, but of the object as it was read, so
that nothing is lost that this program does not know. Source of the fields:
https://kubernetes.io/docs/reference/kubernetes-api/service-resources/ingress-v1/ and
https://gateway-api.sigs.k8s.io/reference/spec/
"""

from __future__ import annotations

import msgspec

from runtimes.kubernetes.objects.common import Metadata
from runtimes.kubernetes.objects.held import Condition, Labels, Model
from runtimes.structs import make_ready


class BackendPort(Model, frozen=True):
    number: int | None = None
    name: str = ""


class ServiceBackend(Model, frozen=True):
    name: str = ""
    port: BackendPort = BackendPort()


class OnlyReference(Model, frozen=True):
    kind: str = ""
    name: str = ""


class IngressBackend(Model, frozen=True):
    service: ServiceBackend | None = None
    resource: OnlyReference | None = None


class IngressPath(Model, frozen=True):
    path: str = ""
    path_type: str = "ImplementationSpecific"
    backend: IngressBackend = IngressBackend()


class IngressPaths(Model, frozen=True):
    paths: tuple[IngressPath, ...] | None = None


class IngressRule(Model, frozen=True):
    host: str = ""
    http: IngressPaths | None = None


class IngressTls(Model, frozen=True):
    hosts: tuple[str, ...] | None = None
    secret_name: str = ""


class IngressSpec(Model, frozen=True):
    ingress_class_name: str | None = None
    default_backend: IngressBackend | None = None
    rules: tuple[IngressRule, ...] | None = None
    tls: tuple[IngressTls, ...] | None = None


class Entry(Model, frozen=True):
    ip: str = ""
    hostname: str = ""


class LoadBalancer(Model, frozen=True):
    ingress: tuple[Entry, ...] | None = None


class IngressStatus(Model, frozen=True):
    load_balancer: LoadBalancer = LoadBalancer()


class IngressObject(Model, frozen=True):
    metadata: Metadata = Metadata()
    spec: IngressSpec = IngressSpec()
    status: IngressStatus = IngressStatus()


class Parent(Model, frozen=True):
    """What a route is attached to; another kind than a Gateway is a mesh, where nothing comes in from outside."""

    name: str = ""
    namespace: str = ""
    kind: str = "Gateway"
    section_name: str = ""


class PathMatch(Model, frozen=True):
    type: str = "PathPrefix"
    value: str = "/"


class RouteMatch(Model, frozen=True):
    path: PathMatch = PathMatch()
    headers: tuple[object, ...] | None = None
    query_params: tuple[object, ...] | None = None
    method: str = ""


class BackendReference(Model, frozen=True):
    name: str = ""
    kind: str = "Service"
    namespace: str = ""
    port: int | None = None


class RouteFilter(Model, frozen=True):
    type: str = ""


class RouteRule(Model, frozen=True):
    matches: tuple[RouteMatch, ...] | None = None
    filters: tuple[RouteFilter, ...] | None = None
    backend_refs: tuple[BackendReference, ...] | None = None


class RouteSpec(Model, frozen=True):
    parent_refs: tuple[Parent, ...] | None = None
    hostnames: tuple[str, ...] | None = None
    rules: tuple[RouteRule, ...] | None = None


class ParentStatus(Model, frozen=True):
    parent_ref: Parent = Parent()
    conditions: tuple[Condition, ...] | None = None


class RouteStatus(Model, frozen=True):
    parents: tuple[ParentStatus, ...] | None = None


class RouteObject(Model, frozen=True):
    metadata: Metadata = Metadata()
    spec: RouteSpec = RouteSpec()
    status: RouteStatus = RouteStatus()


class ListenerTls(Model, frozen=True):
    certificate_refs: tuple[OnlyReference, ...] | None = None


class Listener(Model, frozen=True):
    name: str = ""
    hostname: str = ""
    protocol: str = ""
    tls: ListenerTls | None = None


class GatewayAddress(Model, frozen=True):
    value: str = ""


class GatewaySpec(Model, frozen=True):
    listeners: tuple[Listener, ...] | None = None


class GatewayStatus(Model, frozen=True):
    addresses: tuple[GatewayAddress, ...] | None = None


class GatewayObject(Model, frozen=True):
    metadata: Metadata = Metadata()
    spec: GatewaySpec = GatewaySpec()
    status: GatewayStatus = GatewayStatus()


class ServicePort(Model, frozen=True):
    port: int = 0
    name: str = ""
    protocol: str = "TCP"


class ServiceSpec(Model, frozen=True):
    type: str = "ClusterIP"
    selector: Labels | None = None
    ports: tuple[ServicePort, ...] | None = None


class ServiceObject(Model, frozen=True):
    metadata: Metadata = Metadata()
    spec: ServiceSpec = ServiceSpec()


class EndpointConditions(Model, frozen=True):
    ready: bool | None = None


class Endpoint(Model, frozen=True):
    addresses: tuple[str, ...] | None = None
    conditions: EndpointConditions = EndpointConditions()


class EndpointSlice(Model, frozen=True):
    metadata: Metadata = Metadata()
    endpoints: tuple[Endpoint, ...] | None = None


class CertificateData(Model, frozen=True):
    """Only the certificate: the private key beside it is never decoded."""

    certificate: str = msgspec.field(name="tls.crt", default="")


class TlsSecret(Model, frozen=True):
    metadata: Metadata = Metadata()
    data: CertificateData | None = None


class Group(Model, frozen=True):
    name: str = ""


class Groups(Model, frozen=True):
    groups: tuple[Group, ...] | None = None


make_ready(globals())
