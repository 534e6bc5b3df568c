"""Fill in what an object leaves out, as the API server's defaulting does.

Source: k8s.io/kubernetes pkg/apis/{core,apps,batch,autoscaling}/v1/defaults.go. Only changes the document it is given.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

from opsmodal.demo import limits
from opsmodal.demo.definitions import reading as definitions
from opsmodal.demo.documents import Obj, dig
from opsmodal.demo.quantities import amount

GRACE_PERIOD_S = 30
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
UNREACHABLE_S = 300
"""How long a pod stays on a node that does not answer (DefaultTolerationSeconds admission)."""


def fill(document: Obj, **values: object) -> None:
    """Set each of `values` that the document does not have."""
    for name, value in values.items():
        if document.get(name) is None:
            document[name] = value


def _container(container: Obj) -> None:
    tag = container.get("image", "").rpartition("/")[2].partition(":")[2]
    fill(
        container,
        imagePullPolicy="Always" if tag in ("", "latest") else "IfNotPresent",
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        resources={},
    )
    for port in container.get("ports") or ():
        fill(port, protocol="TCP")
    for variable in container.get("env") or ():
        if reference := dig(variable, "valueFrom", "fieldRef"):
            fill(reference, apiVersion="v1")
    limits = dig(container, "resources", "limits")
    if limits:
        container["resources"]["requests"] = limits | (container["resources"].get("requests") or {})
    for probe in filter(None, (container.get(name) for name in PROBES)):
        fill(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
        if get := probe.get("httpGet"):
            fill(get, path="/", scheme="HTTP")


def pod_spec(spec: Obj) -> None:
    """Fill in a pod's spec, or that of a template."""
    fill(
        spec,
        restartPolicy="Always",
        terminationGracePeriodSeconds=GRACE_PERIOD_S,
        dnsPolicy="ClusterFirst",
        schedulerName="default-scheduler",
        securityContext={},
    )
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        _container(container)
    for volume in spec.get("volumes") or ():
        for source in ("configMap", "secret", "projected", "downwardAPI"):
            if source in volume:
                fill(volume[source], defaultMode=0o644)


def _pod(document: Obj) -> None:
    spec = document["spec"]
    pod_spec(spec)
    fill(
        spec, serviceAccountName="default", enableServiceLinks=True, priority=0, preemptionPolicy="PreemptLowerPriority"
    )
    spec["serviceAccount"] = spec["serviceAccountName"]
    tolerations = spec.setdefault("tolerations", [])
    for state in ("not-ready", "unreachable"):
        key = f"node.kubernetes.io/{state}"
        if not any(item.get("key") in (key, None) for item in tolerations):
            tolerations.append(
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": UNREACHABLE_S}
            )
    document["status"] = {"phase": "Pending", "qosClass": qos_class(spec)}


def qos_class(spec: Obj) -> str:
    """Tell the QoS class of a pod: Guaranteed, Burstable or BestEffort."""
    resources = [
        container.get("resources") or {}
        for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    ]
    if not any(part.get("limits") or part.get("requests") for part in resources):
        return "BestEffort"
    for part in resources:
        for resource in ("cpu", "memory"):
            limit = dig(part, "limits", resource)
            if limit is None or amount(dig(part, "requests", resource)) != amount(limit):
                return "Burstable"
    return "Guaranteed"


def _template(spec: Obj) -> None:
    template = spec.setdefault("template", {})
    metadata = template.setdefault("metadata", {})
    if metadata.get("creationTimestamp", "") is None:
        del metadata["creationTimestamp"]  # clients of Go write it into templates, and mean nothing by it
    if template.get("spec"):
        pod_spec(template["spec"])


def _deployment(document: Obj) -> None:
    spec = document["spec"]
    _template(spec)
    fill(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600, strategy={})
    fill(spec["strategy"], type="RollingUpdate")
    if spec["strategy"]["type"] == "RollingUpdate":
        fill(spec["strategy"], rollingUpdate={})
        fill(spec["strategy"]["rollingUpdate"], maxSurge="25%", maxUnavailable="25%")


def _replicaset(document: Obj) -> None:
    _template(document["spec"])
    fill(document["spec"], replicas=1)


def _statefulset(document: Obj) -> None:
    spec = document["spec"]
    _template(spec)
    fill(
        spec,
        replicas=1,
        revisionHistoryLimit=10,
        podManagementPolicy="OrderedReady",
        updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        persistentVolumeClaimRetentionPolicy={"whenDeleted": "Retain", "whenScaled": "Retain"},
    )


def _daemonset(document: Obj) -> None:
    spec = document["spec"]
    _template(spec)
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}
    fill(spec, revisionHistoryLimit=10, updateStrategy=rolling)
    document["metadata"].setdefault("annotations", {}).setdefault("deprecated.daemonset.template.generation", "1")


def job_spec(spec: Obj) -> None:
    """Fill in a Job's spec."""
    _template(spec)
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    fill(spec, parallelism=1, backoffLimit=6, completionMode="NonIndexed", suspend=False)
    fill(spec, podReplacementPolicy="TerminatingOrFailed", manualSelector=False)


def _job(document: Obj) -> None:
    spec = document["spec"]
    job_spec(spec)
    if not spec.get("selector"):
        uid, name = document["metadata"]["uid"], document["metadata"]["name"]
        labels = {"batch.kubernetes.io/controller-uid": uid, "controller-uid": uid}
        spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
        labels |= {"batch.kubernetes.io/job-name": name, "job-name": name}
        template = spec["template"]["metadata"]
        template["labels"] = (template.get("labels") or {}) | labels


def _cronjob(document: Obj) -> None:
    spec = document["spec"]
    fill(spec, concurrencyPolicy="Allow", suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
    _template(spec.setdefault("jobTemplate", {}).setdefault("spec", {}))


def _service(document: Obj) -> None:
    spec = document["spec"]
    fill(spec, type="ClusterIP", sessionAffinity="None", internalTrafficPolicy="Cluster")
    fill(spec, ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
    for port in spec.get("ports") or ():
        fill(port, protocol="TCP", targetPort=port.get("port"))
    if spec["type"] != "ExternalName" and not spec.get("clusterIP"):
        number = int(document["metadata"]["uid"][:8], 16)
        spec["clusterIP"] = f"10.96.{number >> 8 & 0xFF}.{number & 0xFF or 1}"
    if spec.get("clusterIP"):
        spec["clusterIPs"] = [spec["clusterIP"]]
    document.setdefault("status", {"loadBalancer": {}})


def _secret(document: Obj) -> None:
    fill(document, type="Opaque")
    for name, text in (document.pop("stringData", None) or {}).items():
        document.setdefault("data", {})[name] = base64.b64encode(text.encode()).decode()


def _namespace(document: Obj) -> None:
    fill(document, spec={}, status={"phase": "Active"})
    fill(document["spec"], finalizers=["kubernetes"])
    labels = document["metadata"].setdefault("labels", {})
    labels["kubernetes.io/metadata.name"] = document["metadata"]["name"]


def _claim(document: Obj) -> None:
    fill(document["spec"], volumeMode="Filesystem", storageClassName="standard")
    document["status"] = {"phase": "Pending"}


def _autoscaler(document: Obj) -> None:
    average = {"type": "Utilization", "averageUtilization": 80}
    fill(document["spec"], minReplicas=1)
    fill(document["spec"], metrics=[{"type": "Resource", "resource": {"name": "cpu", "target": average}}])


def _ingress(document: Obj) -> None:
    document.setdefault("status", {"loadBalancer": {}})


DEFAULTS: Mapping[str, Callable[[Obj], None]] = {
    "pods": _pod,
    "deployments.apps": _deployment,
    "replicasets.apps": _replicaset,
    "statefulsets.apps": _statefulset,
    "daemonsets.apps": _daemonset,
    "jobs.batch": _job,
    "cronjobs.batch": _cronjob,
    "services": _service,
    "secrets": _secret,
    "namespaces": _namespace,
    "persistentvolumeclaims": _claim,
    "horizontalpodautoscalers.autoscaling": _autoscaler,
    "ingresses.networking.k8s.io": _ingress,
    "limitranges": limits.fill,
    "customresourcedefinitions.apiextensions.k8s.io": definitions.fill,
}


def complete(resource: str, document: Obj, *, fresh: bool) -> None:
    """Fill in an object of `resource`. A changed object (not `fresh`) keeps its status as it is."""
    default = DEFAULTS.get(resource)
    if default is None or ("spec" not in document and resource not in ("secrets", "namespaces")):
        return
    status = document.get("status")
    default(document)
    if not fresh and status is not None:
        document["status"] = status
