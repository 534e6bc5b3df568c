"""The kinds of the Gateway API, as the definitions by which a cluster gets them, and the class that is served here.

Source of fields and columns: https://gateway-api.sigs.k8s.io/reference/spec/ (v1). Descriptions are not taken over, and
filters are kept as they are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opsmodal.demo.documents import Obj

GROUP, VERSION = "gateway.networking.k8s.io", "v1"
API_VERSION = f"{GROUP}/{VERSION}"
CONTROLLER = "simulated.opsmodal.dev/gateway"
CLASS = "simulated"
PORT_MAX = 65535
TEXT: Obj = {"type": "string"}
NUMBER: Obj = {"type": "integer", "format": "int32"}
PORT: Obj = NUMBER | {"minimum": 1, "maximum": PORT_MAX}
OPEN: Obj = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def _fields(*required: str, **properties: Obj) -> Obj:
    found: Obj = {"type": "object", "properties": properties}
    return found | ({"required": list(required)} if required else {})


def _list(items: Obj, *keys: str, **more: Any) -> Obj:
    merging = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)} if keys else {}
    return {"type": "array", "items": items} | merging | more


def _choice(*words: str, **more: Any) -> Obj:
    return {"type": "string", "enum": list(words)} | more


CONDITION = _fields(
    "type",
    "status",
    "reason",
    "message",
    "lastTransitionTime",
    type=TEXT,
    status=_choice("True", "False", "Unknown"),
    reason=TEXT,
    message=TEXT,
    lastTransitionTime=TEXT | {"format": "date-time"},
    observedGeneration={"type": "integer", "format": "int64"},
)
CONDITIONS = _list(CONDITION, "type", maxItems=8)
REFERENCE = {"group": TEXT, "kind": TEXT, "name": TEXT, "namespace": TEXT}
PARENT = _fields("name", **REFERENCE, sectionName=TEXT, port=PORT)
KIND = _fields("kind", group=TEXT, kind=TEXT)
BACKEND = _fields("name", **REFERENCE, port=PORT, weight=NUMBER | {"minimum": 0, "default": 1}, filters=_list(OPEN))
MATCHED = _fields("name", "value", type=_choice("Exact", "RegularExpression", default="Exact"), name=TEXT, value=TEXT)
PATH = _fields(
    type=_choice("Exact", "PathPrefix", "RegularExpression", default="PathPrefix"), value=TEXT | {"default": "/"}
)
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
MATCH = _fields(path=PATH, headers=_list(MATCHED), queryParams=_list(MATCHED), method=_choice(*METHODS))
RULE = _fields(
    name=TEXT,
    matches=_list(MATCH, maxItems=64),
    filters=_list(OPEN, maxItems=16),
    backendRefs=_list(BACKEND, maxItems=16),
    timeouts=_fields(request=TEXT, backendRequest=TEXT),
)
ROUTES = _fields(
    namespaces=_fields(**{"from": _choice("All", "Selector", "Same", "None", default="Same"), "selector": OPEN}),
    kinds=_list(KIND, maxItems=8),
)
LISTENER = _fields(
    "name",
    "port",
    "protocol",
    name=TEXT,
    hostname=TEXT,
    port=PORT,
    protocol=TEXT,
    tls=_fields(
        mode=_choice("Terminate", "Passthrough", default="Terminate"), certificateRefs=_list(OPEN), options=OPEN
    ),
    allowedRoutes=ROUTES,
)
LISTENER_STATUS = _fields(name=TEXT, attachedRoutes=NUMBER, supportedKinds=_list(KIND), conditions=CONDITIONS)
ADDRESS = _fields(type=TEXT, value=TEXT)
SHAPES: dict[str, tuple[Obj, Obj]] = {
    "GatewayClass": (
        _fields("controllerName", controllerName=TEXT, description=TEXT | {"maxLength": 64}, parametersRef=OPEN),
        _fields(conditions=CONDITIONS, supportedFeatures=_list(_fields("name", name=TEXT))),
    ),
    "Gateway": (
        _fields(
            "gatewayClassName",
            "listeners",
            gatewayClassName=TEXT | {"minLength": 1},
            listeners=_list(LISTENER, "name", minItems=1, maxItems=64),
            addresses=_list(ADDRESS, maxItems=16),
            infrastructure=OPEN,
        ),
        _fields(addresses=_list(ADDRESS), conditions=CONDITIONS, listeners=_list(LISTENER_STATUS, "name")),
    ),
    "HTTPRoute": (
        _fields(
            parentRefs=_list(PARENT, maxItems=32), hostnames=_list(TEXT, maxItems=16), rules=_list(RULE, maxItems=16)
        ),
        _fields(parents=_list(_fields(parentRef=PARENT, controllerName=TEXT, conditions=CONDITIONS))),
    ),
}
"""Kind: the schemas of its spec and its status."""


def _column(name: str, path: str, type_: str = "string", **more: Any) -> Obj:
    return {"name": name, "type": type_, "jsonPath": path} | more


AGE = _column("Age", ".metadata.creationTimestamp", "date")


def _state(name: str) -> Obj:
    return _column(name, f'.status.conditions[?(@.type=="{name}")].status')


def _definition(kind: str, plural: str, short: Sequence[str], columns: Sequence[Obj], scope: str) -> Obj:
    spec, status = SHAPES[kind]
    names: Obj = {"kind": kind, "plural": plural, "categories": ["gateway-api"]}
    names |= {"shortNames": list(short)} if short else {}
    schema = _fields("spec", spec=spec, status=status)
    version: Obj = {"name": VERSION, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    version |= {"subresources": {"status": {}}, "additionalPrinterColumns": list(columns)}
    metadata = {"name": f"{plural}.{GROUP}"}
    head: Obj = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": metadata}
    return head | {"spec": {"group": GROUP, "scope": scope, "names": names, "versions": [version]}}


def definitions() -> list[Obj]:
    """Give the definitions of GatewayClass, Gateway and HTTPRoute."""
    classes = [
        _column("Controller", ".spec.controllerName"),
        _state("Accepted"),
        AGE,
        _column("Description", ".spec.description", priority=1),
    ]
    gateways = [
        _column("Class", ".spec.gatewayClassName"),
        _column("Address", ".status.addresses[*].value"),
        _state("Programmed"),
        AGE,
    ]
    return [
        _definition("GatewayClass", "gatewayclasses", ["gc"], classes, "Cluster"),
        _definition("Gateway", "gateways", ["gtw"], gateways, "Namespaced"),
        _definition("HTTPRoute", "httproutes", [], [_column("Hostnames", ".spec.hostnames"), AGE], "Namespaced"),
    ]


def standard_class() -> Obj:
    """Give the GatewayClass that the simulated cluster serves."""
    spec = {"controllerName": CONTROLLER, "description": "Gateways of the simulated cluster"}
    return {"apiVersion": API_VERSION, "kind": "GatewayClass", "metadata": {"name": CLASS}, "spec": spec}
