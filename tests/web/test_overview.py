"""The Overview tab, by API and as a page."""

from __future__ import annotations

from tests.web.conftest import Installation


def test_a_healthy_service_at_a_glance(shown: Installation) -> None:
    value = shown.client("viewer").get("/services/shop/overview").json
    assert (value["ready"], value["desired"]) == (4, 4)
    assert value["status"]["severity"] == "ok"
    assert {workload["id"] for workload in value["workloads"]} == {"deployment.web", "statefulset.db"}
    assert value["environment"] == "production"
    assert value["connection"] == {"chosen": "auto", "name": "direct", "kind": "direct"}
    assert value["usage"]["cpu_cores"] > 0
    assert value["usage"]["network_rx_bytes"] is None
    assert "network" in value["usage"]["missing_reason"]
    assert value["requests_and_limits"]["memory_limit_bytes"] > 0
    assert sum(value["qos_classes"].values()) == 4
    assert value["simulated"] is True


def test_a_crashing_service_shows_its_warnings_and_restarts(shown: Installation) -> None:
    value = shown.client().get("/services/payments/overview").json
    assert value["counts"]["error"] >= 1
    assert value["restarts"] >= 3
    assert any(event["reason"] == "BackOff" for event in value["warnings"])


def test_the_page_shows_it_and_says_that_the_cluster_is_simulated(shown: Installation) -> None:
    page = shown.browser("viewer").get("/services/shop/overview")
    assert page.status_code == 200
    assert "imulated" in page.text
    assert "deployment" in page.text.lower()
    assert "production" in page.text


def test_the_tabs_follow_the_permissions(shown: Installation) -> None:
    assert "/services/shop/logs" not in shown.browser("viewer").get("/services/shop/overview").text
    assert "/services/shop/logs" in shown.browser("developer").get("/services/shop/overview").text


def test_containers_without_limits_are_counted_and_draw_no_bar(shown: Installation, changed: Installation) -> None:
    """A bar against a sum that leaves some out would say "nearly full" of a service that has no bound."""
    spec = {"containers": [{"name": "free", "image": "registry.example.org/free:1"}]}
    metadata = {"name": "free", "namespace": "shop", "labels": {"app.kubernetes.io/part-of": "shop"}}
    changed.cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    bounded = shown.browser("viewer").get("/services/shop/overview").text
    assert "without any limit" not in bounded
    assert '<svg class="usage' in bounded
    unbounded = changed.browser("viewer").get("/services/shop/overview").text
    assert "1 container without any limit" in unbounded
    assert '<svg class="usage' not in unbounded
    value = changed.client("viewer").get("/services/shop/overview").json
    assert (value["containers_without_limits"], value["containers_without_requests"]) == (1, 1)
