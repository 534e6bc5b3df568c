"""The example world of `opsmodal demo`: three services, one well, one crash-looping, one Pending.

Every tab of the page has something to show on them. All names, hosts and images are invented.
"""

from __future__ import annotations

from opsmodal.demo.documents import Obj

NODES = (("demo-control-plane", 4, 8), ("demo-worker-1", 4, 8), ("demo-worker-2", 4, 8))
"""(name, cores, GiB of memory)."""
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
ZONE = "topology.kubernetes.io/zone"
PART_OF, NAME, COMPONENT = (f"app.kubernetes.io/{word}" for word in ("part-of", "name", "component"))
REGISTRY = "registry.example.com"
DOMAIN = "shop.example.com"
LONG_AGO = "2026-09-01T08:00:00Z"


def _node(name: str, cores: int, memory_gib: int, place: int) -> Obj:
    is_control = "control-plane" in name
    room = {"cpu": str(cores), "memory": f"{memory_gib}Gi", "pods": "110", "ephemeral-storage": "50Gi"}
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    labels |= {CONTROL_PLANE: ""} if is_control else {ZONE: f"zone-{'ab'[place % 2]}"}
    spec: Obj = {"podCIDR": f"10.244.{place}.0/24", "providerID": f"simulated://{name}"}
    spec |= {"taints": [{"key": CONTROL_PLANE, "effect": "NoSchedule"}]} if is_control else {}
    pressures = [
        _node_condition(f"{word}Pressure", "False", f"KubeletHasSufficient{word}", f"kubelet has sufficient {words}")
        for word, words in (("Memory", "memory available"), ("Disk", "disk space available"), ("PID", "PID available"))
    ]
    ready = _node_condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")
    info = {"kubeletVersion": "v1.32.5", "osImage": "Simulated Linux", "kernelVersion": "6.12.0-simulated"}
    info |= {"containerRuntimeVersion": "containerd://2.0.5", "operatingSystem": "linux", "architecture": "amd64"}
    info |= {"kubeProxyVersion": "", "bootID": "", "machineID": "", "systemUUID": ""}
    addresses = [{"type": "InternalIP", "address": f"172.18.0.{place + 2}"}, {"type": "Hostname", "address": name}]
    status = {"capacity": room, "allocatable": room, "conditions": [*pressures, ready], "addresses": addresses}
    status |= {"nodeInfo": info, "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}}}
    metadata = {"name": name, "labels": labels}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec, "status": status}


def _node_condition(type_: str, status: str, reason: str, message: str) -> Obj:
    times = {"lastHeartbeatTime": LONG_AGO, "lastTransitionTime": LONG_AGO}
    return {"type": type_, "status": status, "reason": reason, "message": message} | times


def _namespace(name: str) -> Obj:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def base() -> list[Obj]:
    """Give what every cluster has before anything is installed."""
    nodes = [_node(name, cores, memory, place) for place, (name, cores, memory) in enumerate(NODES)]
    spaces = [_namespace(name) for name in ("default", "kube-system", "kube-public", "kube-node-lease")]
    marks = {"storageclass.kubernetes.io/is-default-class": "true"}
    standard: Obj = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass"}
    standard["metadata"] = {"name": "standard", "annotations": marks}
    standard |= {"provisioner": "simulated.opsmodal.dev/local", "reclaimPolicy": "Delete"}
    standard |= {"volumeBindingMode": "WaitForFirstConsumer"}
    return [*nodes, *spaces, standard]


def _labels(service: str, component: str) -> dict[str, str]:
    return {PART_OF: service, NAME: f"{service}-{component}", COMPONENT: component}


def _resources(cpu: str, memory: str, cpu_limit: str = "", memory_limit: str = "") -> Obj:
    limits = {key: value for key, value in (("cpu", cpu_limit), ("memory", memory_limit)) if value}
    return {"requests": {"cpu": cpu, "memory": memory}} | ({"limits": limits} if limits else {})


def _metadata(service: str, component: str, name: str) -> Obj:
    return {"name": name, "namespace": service, "labels": _labels(service, component)}


def _workload(kind: str, service: str, component: str, replicas: int, container: Obj, **more: object) -> Obj:
    labels = _labels(service, component)
    selector = {"matchLabels": {NAME: labels[NAME]}}
    pod_spec: Obj = {"containers": [container]}
    pod_spec |= {key: more.pop(key) for key in ("volumes", "initContainers") if key in more}
    template = {"metadata": {"labels": labels}, "spec": pod_spec}
    spec: Obj = {"replicas": replicas, "selector": selector, "template": template} | more
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": _metadata(service, component, component), "spec": spec}


def _service(service: str, component: str, port: int) -> Obj:
    selector = {NAME: _labels(service, component)[NAME]}
    spec = {"selector": selector, "ports": [{"name": "main", "port": port, "targetPort": port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(service, component, component), "spec": spec}


def _shop_containers() -> tuple[Obj, Obj]:
    """Give the containers of the web server and of the database."""
    password = {"secretKeyRef": {"name": "db-credentials", "key": "password"}}
    web = {
        "name": "web",
        "image": f"{REGISTRY}/shop/shop-web:1.4.2",
        "ports": [{"name": "http", "containerPort": 8080}],
        "envFrom": [{"configMapRef": {"name": "web-settings"}}],
        "env": [{"name": "DB_PASSWORD", "valueFrom": password}],
        "resources": _resources("100m", "128Mi", "500m", "256Mi"),
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "initialDelaySeconds": 1},
    }
    db = {
        "name": "db",
        "image": f"{REGISTRY}/base/postgres:17.2",
        "ports": [{"name": "postgres", "containerPort": 5432}],
        "resources": _resources("250m", "512Mi", "250m", "512Mi"),
        "volumeMounts": [{"name": "data", "mountPath": "/var/lib/postgresql/data"}],
    }
    return web, db


def around_domain(shown: str, key: str) -> list[Obj]:
    """Give what the shop's domain stands on: its class, and the Secret with its certificate and key."""
    controller: Obj = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx"}}
    secret: Obj = {"apiVersion": "v1", "kind": "Secret", "metadata": _metadata("shop", "web", "shop-tls")}
    secret |= {"type": "kubernetes.io/tls", "stringData": {"tls.crt": shown, "tls.key": key}}
    return [controller | {"spec": {"controller": "simulated.opsmodal.dev/ingress"}}, secret]


def _shop_ingress() -> Obj:
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 8080}}}}
    spec: Obj = {"ingressClassName": "nginx", "rules": [{"host": DOMAIN, "http": {"paths": [path]}}]}
    spec["tls"] = [{"hosts": [DOMAIN], "secretName": "shop-tls"}]
    head: Obj = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": _metadata("shop", "web", "web")}
    return head | {"spec": spec}


def _shop() -> list[Obj]:
    """A web shop that is well: three replicas, a database, a domain."""
    web, db = _shop_containers()
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}
    claims = [{"metadata": {"name": "data"}, "spec": claim}]
    settings = {"LOG_LEVEL": "info", "CURRENCY": "EUR", "FEATURE_SEARCH": "on"}
    configmap: Obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _metadata("shop", "web", "web-settings")}
    secret: Obj = {"apiVersion": "v1", "kind": "Secret", "metadata": _metadata("shop", "db", "db-credentials")}
    return [
        _namespace("shop"),
        configmap | {"data": settings},
        secret | {"stringData": {"username": "shop", "password": "demo-only-not-a-secret"}},
        _workload("StatefulSet", "shop", "db", 1, db, serviceName="db", volumeClaimTemplates=claims),
        _workload("Deployment", "shop", "web", 3, web),
        _service("shop", "web", 8080),
        _service("shop", "db", 5432),
        _shop_ingress(),
    ]


def _payments() -> list[Obj]:
    """A payment service whose worker crashes again and again; its API sets no requests, so it is BestEffort."""
    api = {"name": "api", "image": f"{REGISTRY}/payments/payments-api:2.3.0", "ports": [{"containerPort": 8080}]}
    worker = {
        "name": "worker",
        "image": f"{REGISTRY}/payments/payments-worker:2.3.0",
        "resources": _resources("50m", "64Mi", memory_limit="128Mi"),
    }
    return [
        _namespace("payments"),
        _workload("Deployment", "payments", "api", 2, api),
        _workload("Deployment", "payments", "worker", 1, worker),
        _service("payments", "api", 8080),
    ]


def _reports() -> list[Obj]:
    """A report generator that asks for more memory than any node has."""
    generator = {
        "name": "generator",
        "image": f"{REGISTRY}/reports/worker:0.9.1",
        "resources": _resources("500m", "32Gi", "2", "32Gi"),
    }
    return [_namespace("reports"), _workload("Deployment", "reports", "generator", 1, generator)]


def manifests() -> list[Obj]:
    """Give the objects of the three example services."""
    return [*_shop(), *_payments(), *_reports()]


def registry(kubeconfig_file: str, *, user: str = "admin") -> Obj:
    """Give the registry document for the example services: the runtime, the services, and all rights for `user`."""
    services = [
        {
            "name": name,
            "runtime": "demo",
            "namespace": name,
            "selector": f"{PART_OF}={name}",
            "environment": environment,
        }
        for name, environment in (("shop", "production"), ("payments", "production"), ("reports", "staging"))
    ]
    runtime = {
        "name": "demo",
        "kind": "kubernetes",
        "kubeconfig": {"file": kubeconfig_file},
        "connections": [{"name": "direct", "kind": "direct", "priority": 10}],
    }
    grants = [{"user": user, "role": "manager", "all": True}]
    return {"apiVersion": "opsmodal/v1", "runtimes": [runtime], "services": services, "grants": grants}
