"""The printed rows of everything that is not a pod or keeps pods alive. Source: printers.go, as for the others."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from opsmodal.demo.documents import Obj, dig, labels_of
from opsmodal.demo.tables.ages import UNKNOWN, since
from opsmodal.demo.tables.columns import NONE, Layout, age, layout, name, selector_text

NODE_ROLE = "node-role.kubernetes.io/"
ACCESS = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def _event(event: Obj, now: datetime) -> list[Any]:
    first = event.get("firstTimestamp") or event.get("eventTime")
    last = event.get("lastTimestamp") or first
    subject = event["involvedObject"]
    source = ", ".join(filter(None, (dig(event, "source", "component"), dig(event, "source", "host"))))
    words = [event.get("type"), event.get("reason"), f"{subject['kind'].lower()}/{subject['name']}"]
    message, count = event.get("message", "").strip(), event.get("count") or 1
    if series := event.get("series"):
        last, count = series["lastObservedTime"], series["count"]
    plain = [since(last, now) if last else UNKNOWN, *words, subject.get("fieldPath", ""), source, message]
    return [*plain, since(first, now), count, name(event)]


def _node(node: Obj, now: datetime) -> list[Any]:
    ready = next((c["status"] for c in dig(node, "status", "conditions") or () if c["type"] == "Ready"), "Unknown")
    word = {"True": "Ready", "False": "NotReady"}.get(ready, "Unknown")
    word += ",SchedulingDisabled" if dig(node, "spec", "unschedulable") else ""
    roles = sorted(key.removeprefix(NODE_ROLE) for key in labels_of(node) if key.startswith(NODE_ROLE))
    addresses = {item["type"]: item["address"] for item in dig(node, "status", "addresses") or ()}
    info = dig(node, "status", "nodeInfo") or {}
    return [
        name(node),
        word,
        ",".join(roles) or NONE,
        age(node, now),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP", NONE),
        addresses.get("ExternalIP", NONE),
        info.get("osImage", UNKNOWN),
        info.get("kernelVersion", UNKNOWN),
        info.get("containerRuntimeVersion", UNKNOWN),
    ]


def _namespace(document: Obj, now: datetime) -> list[Any]:
    return [name(document), dig(document, "status", "phase"), age(document, now)]


def _registration(document: Obj, now: datetime) -> list[Any]:
    service = dig(document, "spec", "service")
    place = f"{service.get('namespace')}/{service.get('name')}" if service else "Local"
    conditions: list[Obj] = dig(document, "status", "conditions") or []
    known = next((each for each in conditions if each["type"] == "Available"), {"status": UNKNOWN})
    state = f"False ({known['reason']})" if known["status"] == "False" else known["status"]
    return [name(document), place, state, age(document, now)]


def _service_ports(document: Obj) -> str:
    ports = dig(document, "spec", "ports") or ()
    parts = []
    for port in ports:
        outside = f":{port['nodePort']}" if port.get("nodePort") else ""
        parts.append(f"{port['port']}{outside}/{port.get('protocol', 'TCP')}")
    return ",".join(parts) or NONE


def _service(document: Obj, now: datetime) -> list[Any]:
    outside = [i.get("ip") or i.get("hostname") for i in dig(document, "status", "loadBalancer", "ingress") or ()]
    external = ",".join(outside) or dig(document, "spec", "externalName") or NONE
    if dig(document, "spec", "type") == "LoadBalancer" and not outside:
        external = "<pending>"
    address = dig(document, "spec", "clusterIP") or NONE
    plain = [name(document), dig(document, "spec", "type"), address, external, _service_ports(document)]
    return [*plain, age(document, now), selector_text(dig(document, "spec", "selector"))]


def _ingress(document: Obj, now: datetime) -> list[Any]:
    hosts = [rule.get("host") or "*" for rule in dig(document, "spec", "rules") or ()]
    outside = [i.get("ip") or i.get("hostname") for i in dig(document, "status", "loadBalancer", "ingress") or ()]
    ports = "80, 443" if dig(document, "spec", "tls") else "80"
    class_ = dig(document, "spec", "ingressClassName") or NONE
    return [name(document), class_, ",".join(hosts) or "*", ",".join(outside), ports, age(document, now)]


def _ingress_class(document: Obj, now: datetime) -> list[Any]:
    parameters = dig(document, "spec", "parameters")
    shown = ".".join(filter(None, (parameters["kind"], parameters.get("apiGroup")))) if parameters else ""
    shown = f"{shown}/{parameters['name']}" if parameters else NONE
    return [name(document), dig(document, "spec", "controller"), shown, age(document, now)]


def _configmap(document: Obj, now: datetime) -> list[Any]:
    count = len(document.get("data") or ()) + len(document.get("binaryData") or ())
    return [name(document), count, age(document, now)]


def _secret(document: Obj, now: datetime) -> list[Any]:
    return [name(document), document.get("type"), len(document.get("data") or ()), age(document, now)]


def _claim(document: Obj, now: datetime) -> list[Any]:
    spec, status = document["spec"], document.get("status") or {}
    modes = ",".join(ACCESS.get(mode, mode) for mode in status.get("accessModes") or ())
    word = "Terminating" if dig(document, "metadata", "deletionTimestamp") else status.get("phase")
    capacity = dig(status, "capacity", "storage") or ""
    return [
        name(document),
        word,
        spec.get("volumeName", ""),
        capacity,
        modes,
        spec.get("storageClassName", ""),
        "<unset>",
        age(document, now),
        spec.get("volumeMode", ""),
    ]


def _volume(document: Obj, now: datetime) -> list[Any]:
    spec = document["spec"]
    claim = spec.get("claimRef")
    return [
        name(document),
        dig(spec, "capacity", "storage"),
        ",".join(ACCESS.get(mode, mode) for mode in spec.get("accessModes") or ()),
        spec.get("persistentVolumeReclaimPolicy"),
        dig(document, "status", "phase"),
        f"{claim['namespace']}/{claim['name']}" if claim else "",
        spec.get("storageClassName", ""),
        "<unset>",
        "",
        age(document, now),
        spec.get("volumeMode", "Filesystem"),
    ]


def _quota(document: Obj, now: datetime) -> list[Any]:
    hard, used = dig(document, "status", "hard") or {}, dig(document, "status", "used") or {}
    pairs = {key: f"{key}: {used.get(key, '0')}/{value}" for key, value in sorted(hard.items())}
    limits = ", ".join(text for key, text in pairs.items() if key.startswith("limits"))
    requests = ", ".join(text for key, text in pairs.items() if not key.startswith("limits"))
    return [name(document), requests, limits, age(document, now)]


def _budget(document: Obj, now: datetime) -> list[Any]:
    spec = document["spec"]
    low, high = (spec.get(part, "N/A") for part in ("minAvailable", "maxUnavailable"))
    return [name(document), str(low), str(high), dig(document, "status", "disruptionsAllowed") or 0, age(document, now)]


def _endpoints(document: Obj, now: datetime) -> list[Any]:
    texts = [
        f"{address['ip']}:{port['port']}"
        for subset in document.get("subsets") or ()
        for port in subset.get("ports") or ()
        for address in subset.get("addresses") or ()
    ]
    more = f" + {len(texts) - 3} more..." if len(texts) > 3 else ""
    return [name(document), ",".join(texts[:3]) + more or NONE, age(document, now)]


def _endpoint_slice(document: Obj, now: datetime) -> list[Any]:
    ports = ",".join(str(port["port"]) for port in document.get("ports") or ()) or "<unset>"
    addresses = [address for endpoint in document.get("endpoints") or () for address in endpoint["addresses"]]
    more = f" + {len(addresses) - 3} more..." if len(addresses) > 3 else ""
    texts = ",".join(addresses[:3]) + more or "<unset>"
    return [name(document), document.get("addressType"), ports, texts, age(document, now)]


def _class(document: Obj, now: datetime) -> list[Any]:
    marks = dig(document, "metadata", "annotations") or {}
    default = " (default)" if marks.get("storageclass.kubernetes.io/is-default-class") == "true" else ""
    mode = document.get("volumeBindingMode", "Immediate")
    grows = str(bool(document.get("allowVolumeExpansion"))).lower()
    parts = [name(document) + default, document["provisioner"], document.get("reclaimPolicy", "Delete"), mode, grows]
    return [*parts, age(document, now)]


def _binding(document: Obj, now: datetime) -> list[Any]:
    role = document["roleRef"]
    plain = [name(document), f"{role['kind']}/{role['name']}", age(document, now)]
    users, groups, accounts = (
        ", ".join(_subject(item) for item in document.get("subjects") or () if item["kind"] == kind)
        for kind in ("User", "Group", "ServiceAccount")
    )
    return [*plain, users, groups, accounts]


def _subject(subject: Obj) -> str:
    is_account = subject["kind"] == "ServiceAccount"
    return f"{subject.get('namespace', '')}/{subject['name']}" if is_account else str(subject["name"])


def _role(document: Obj, _: datetime) -> list[Any]:
    return [name(document), dig(document, "metadata", "creationTimestamp")]


def _revision(document: Obj, now: datetime) -> list[Any]:
    owner = (dig(document, "metadata", "ownerReferences") or [{}])[0]
    group = str(owner.get("apiVersion", "")).partition("/")[0]
    subject = f"{str(owner.get('kind', '')).lower()}.{group}/{owner.get('name')}" if owner else NONE
    return [name(document), subject, document.get("revision"), age(document, now)]


def _lease(document: Obj, now: datetime) -> list[Any]:
    return [name(document), dig(document, "spec", "holderIdentity"), age(document, now)]


def _priority(document: Obj, now: datetime) -> list[Any]:
    default = str(bool(document.get("globalDefault"))).lower()
    policy = document.get("preemptionPolicy", "PreemptLowerPriority")
    return [name(document), document.get("value"), default, age(document, now), policy]


def _named(document: Obj, now: datetime) -> list[Any]:
    return [name(document), age(document, now)]


def _account(document: Obj, now: datetime) -> list[Any]:
    return [name(document), len(document.get("secrets") or ()), age(document, now)]


def _network_policy(document: Obj, now: datetime) -> list[Any]:
    return [name(document), selector_text(dig(document, "spec", "podSelector")), age(document, now)]


VOLUME = "Name|Capacity|Access Modes|Reclaim Policy|Status|Claim|StorageClass|VolumeAttributesClass|Reason|Age"
CLAIM = "Name|Status|Volume|Capacity|Access Modes|StorageClass|VolumeAttributesClass|Age"
NODE = "Internal-IP|External-IP|OS-Image|Kernel-Version|Container-Runtime"
EVENT = "Last Seen|Type|Reason|Object|+Subobject|+Source|Message"
LAYOUTS: dict[str, Layout] = {
    "events": layout(EVENT, "First Seen|Count|Name", _event),
    "nodes": layout("Name|Status|Roles|Age|Version", NODE, _node),
    "namespaces": layout("Name|Status|Age", "", _namespace),
    "services": layout("Name|Type|Cluster-IP|External-IP|Port(s)|Age", "Selector", _service),
    "ingresses": layout("Name|Class|Hosts|Address|Ports|Age", "", _ingress),
    "configmaps": layout("Name|Data|Age", "", _configmap),
    "secrets": layout("Name|Type|Data|Age", "", _secret),
    "persistentvolumeclaims": layout(CLAIM, "VolumeMode", _claim),
    "persistentvolumes": layout(VOLUME, "VolumeMode", _volume),
    "resourcequotas": layout("Name|Request|Limit|Age", "", _quota),
    "limitranges": layout("Name|Created At@", "", _role),
    "poddisruptionbudgets": layout("Name|Min Available|Max Unavailable|Allowed Disruptions#|Age", "", _budget),
    "endpoints": layout("Name|Endpoints|Age", "", _endpoints),
    "endpointslices": layout("Name|AddressType|Ports|Endpoints|Age", "", _endpoint_slice),
    "storageclasses": layout("Name|Provisioner|ReclaimPolicy|VolumeBindingMode|AllowVolumeExpansion|Age", "", _class),
    "rolebindings": layout("Name|Role|Age", "Users|Groups|ServiceAccounts", _binding),
    "clusterrolebindings": layout("Name|Role|Age", "Users|Groups|ServiceAccounts", _binding),
    "roles": layout("Name|Created At@", "", _role),
    "customresourcedefinitions": layout("Name|Created At@", "", _role),
    "clusterroles": layout("Name|Created At@", "", _role),
    "controllerrevisions": layout("Name|Controller|Revision|Age", "", _revision),
    "apiservices": layout("Name|Service|Available|Age", "", _registration),
    "ingressclasses": layout("Name|Controller|Parameters|Age", "", _ingress_class),
    "leases": layout("Name|Holder|Age", "", _lease),
    "priorityclasses": layout("Name|Value#|Global-Default?|Age|PreemptionPolicy", "", _priority),
    "serviceaccounts": layout("Name|Secrets|Age", "", _account),
    "networkpolicies": layout("Name|Pod-Selector|Age", "", _network_policy),
}
PLAIN = layout("Name|Age", "", _named)
