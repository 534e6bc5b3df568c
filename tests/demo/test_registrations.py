"""The Metrics API comes and goes with its registration, and answers while the pods behind it are ready."""

from __future__ import annotations

from typing import Any

import pytest

from tests.demo.conftest import Client, Kubectl, deployment, settle

MEASURED = "/apis/metrics.k8s.io/v1beta1/nodes"
REGISTRATION = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io"
ALL = "/apis/apiregistration.k8s.io/v1/apiservices"
SYSTEM = "kube-system"


def registration(**service: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {"group": "metrics.k8s.io", "version": "v1beta1"}
    spec |= {"groupPriorityMinimum": 100, "versionPriority": 100} | ({"service": service} if service else {})
    head = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService"}
    return head | {"metadata": {"name": "v1beta1.metrics.k8s.io"}, "spec": spec}


@pytest.fixture(autouse=True)
def _registered_again(client: Client) -> Any:
    yield
    client.answer("DELETE", REGISTRATION)
    client.answer("POST", ALL, registration())


def available(client: Client) -> tuple[str, str]:
    conditions = client.get(REGISTRATION).get("status", {}).get("conditions") or [{}]
    return conditions[0].get("status", ""), conditions[0].get("reason", "")


def test_the_cluster_measures_by_itself(client: Client, admin: Kubectl) -> None:
    assert client.answer("GET", MEASURED)[0] == 200
    settle(lambda: available(client), lambda found: found == ("True", "Local"))
    assert admin.said("get apiservices --no-headers").split()[:3] == ["v1beta1.metrics.k8s.io", "Local", "True"]


def test_without_its_registration_nothing_is_measured(client: Client) -> None:
    assert client.answer("DELETE", REGISTRATION)[0] == 200
    assert client.answer("GET", MEASURED)[0] == 404
    assert client.answer("GET", "/apis/metrics.k8s.io/v1beta1")[0] == 404
    assert client.answer("POST", ALL, registration())[0] == 201
    assert client.answer("GET", MEASURED)[0] == 200


def test_another_server_answers_as_soon_as_one_of_its_pods_is_ready(client: Client) -> None:
    client.answer("DELETE", REGISTRATION)
    client.answer("POST", ALL, registration(namespace=SYSTEM, name="measuring", port=443))
    settle(lambda: available(client), lambda found: found == ("False", "ServiceNotFound"))
    assert client.answer("GET", MEASURED)[0] == 503
    spec = {"selector": {"app": "measuring"}, "ports": [{"port": 443, "targetPort": 4443}]}
    client.answer("POST", f"/api/v1/namespaces/{SYSTEM}/services", {"metadata": {"name": "measuring"}, "spec": spec})
    settle(lambda: available(client), lambda found: found == ("False", "MissingEndpoints"))
    client.answer("POST", f"/apis/apps/v1/namespaces/{SYSTEM}/deployments", deployment("measuring", 1, SYSTEM))
    settle(lambda: available(client), lambda found: found == ("True", "Passed"))
    assert client.answer("GET", MEASURED)[0] == 200
    client.answer("DELETE", f"/apis/apps/v1/namespaces/{SYSTEM}/deployments/measuring")
    settle(lambda: client.answer("GET", MEASURED)[0], lambda status: status == 503)


def test_an_autoscaler_says_that_nobody_measures(client: Client) -> None:
    client.answer("DELETE", REGISTRATION)
    client.answer("POST", "/apis/apps/v1/namespaces/default/deployments", deployment("measured", 1))
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "measured"}
    scalers = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 3}
    client.answer("POST", scalers, {"metadata": {"name": "measured"}, "spec": spec})

    def words() -> str:
        return repr(client.get(f"{scalers}/measured").get("status", {}).get("conditions"))

    settle(words, lambda found: "unable to fetch metrics from resource metrics API" in found)


def test_a_tag_that_no_image_has_is_not_found(client: Client) -> None:
    client.answer("POST", "/apis/apps/v1/namespaces/default/deployments", deployment("mistyped", 1, image="nginx:bbb"))

    def waiting() -> str:
        pods = client.get("/api/v1/namespaces/default/pods?labelSelector=app%3Dmistyped")["items"]
        return repr([pod["status"].get("containerStatuses") for pod in pods])

    settle(waiting, lambda found: "ErrImagePull" in found)
