"""What the API says of its fields beyond their types: how lists and maps merge, and which numbers are wide.

Source: the OpenAPI document of a Kubernetes 1.36 API server (x-kubernetes-list-type, list-map-keys, map-type, format).
Names of types stand without their version. What is not listed here is an atomic list, or a map of separate fields.
"""

from __future__ import annotations

from collections.abc import Mapping

CONTAINERS = ("Container", "EphemeralContainer")
WITH_CONDITIONS = (
    *("HorizontalPodAutoscalerStatus", "PodDisruptionBudgetStatus", "DaemonSetStatus", "DeploymentStatus"),
    *("ReplicaSetStatus", "StatefulSetStatus", "PersistentVolumeClaimStatus", "NamespaceStatus", "NodeStatus"),
    *("PodStatus", "ReplicationControllerStatus", "ServiceStatus", "CustomResourceDefinitionStatus"),
)
_BY_NAME = ("containers", "ephemeralContainers", "initContainers", "imagePullSecrets", "volumes", "resourceClaims")

MAP_KEYS: Mapping[tuple[str, str], tuple[str, ...]] = {
    **{(container, "ports"): ("containerPort", "protocol") for container in CONTAINERS},
    **{(container, "env"): ("name",) for container in CONTAINERS},
    **{(container, "volumeDevices"): ("devicePath",) for container in CONTAINERS},
    **{(container, "volumeMounts"): ("mountPath",) for container in (*CONTAINERS, "ContainerStatus")},
    **{("PodSpec", field): ("name",) for field in (*_BY_NAME, "schedulingGates")},
    **{(status, "conditions"): ("type",) for status in WITH_CONDITIONS},
    ("PodSpec", "hostAliases"): ("ip",),
    ("PodSpec", "topologySpreadConstraints"): ("topologyKey", "whenUnsatisfiable"),
    ("PodStatus", "podIPs"): ("ip",),
    ("ResourceRequirements", "claims"): ("name",),
    ("ServiceAccount", "secrets"): ("name",),
    ("ServiceSpec", "ports"): ("port", "protocol"),
    ("NodeStatus", "addresses"): ("type",),
    ("ObjectMeta", "ownerReferences"): ("uid",),
}
"""Lists whose items are told apart by these fields."""
KEY_DEFAULTS: Mapping[str, str] = {"protocol": "TCP"}
"""What a key is when an item leaves it out."""
SETS = (("ObjectMeta", "finalizers"), ("Endpoint", "addresses"), ("NodeSpec", "podCIDRs"))
"""Lists that hold each value once, in which each value is a field of its own."""
ATOMIC_MAPS = (("PodSpec", "nodeSelector"), ("ReplicationControllerSpec", "selector"), ("ServiceSpec", "selector"))
ATOMIC_TYPES = (
    *("ConfigMapKeySelector", "EndpointAddress", "EndpointPort", "FileKeySelector", "LabelSelector", "NodeSelector"),
    *("LocalObjectReference", "NodeSelectorTerm", "ObjectFieldSelector", "ObjectReference", "OwnerReference"),
    *("ResourceFieldSelector", "RoleRef", "ScopeSelector", "SecretKeySelector", "SecretReference"),
    *("ServiceBackendPort", "Subject", "TopologySelectorTerm", "TypedLocalObjectReference"),
)
"""Types that are owned as one."""
WIDE_NUMBERS = (
    *("activeDeadlineSeconds", "deletionGracePeriodSeconds", "expirationSeconds", "fsGroup", "generation"),
    *("observedGeneration", "runAsGroup", "runAsUser", "startingDeadlineSeconds", "terminationGracePeriodSeconds"),
    *("tolerationSeconds", "revision", "maxLength", "minLength", "maxItems", "minItems", "maxProperties"),
    "minProperties",
)
"""Whole numbers of 64 bits; all others have 32."""
EITHER = ("port", "targetPort", "maxSurge", "maxUnavailable", "minAvailable")
"""Fields that take a whole number or a text, where the client library says `object`."""
QUANTITY_MAPS = (
    *("limits", "requests", "hard", "used", "capacity", "allocatable", "allocatedResources", "overhead", "default"),
    *("defaultRequest", "max", "min", "maxLimitRequestRatio"),
)
QUANTITIES = (
    *(("MetricTarget", field) for field in ("value", "averageValue")),
    *(("MetricValueStatus", field) for field in ("value", "averageValue")),
    ("EmptyDirVolumeSource", "sizeLimit"),
    ("ResourceFieldSelector", "divisor"),
)
"""Amounts such as `500m`, which may be written as numbers, too."""
OPEN_TYPES = ("JSONSchemaProps",)
"""Types that hold themselves; what is in them is judged where it is used."""
