"""The timeline and the figures, as pages and in the API, over a cluster that is really collected from."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.web.conftest import Installation

COLLECTED_S = 60.0
"""A lease is taken at once, the first figures and events come within seconds."""


def eventually(found: Callable[[], Any], *, within_s: float = COLLECTED_S) -> Any:
    deadline = time.monotonic() + within_s
    while not (answer := found()):
        assert time.monotonic() < deadline, "it was not collected in time"
        time.sleep(0.2)
    return answer


def timeline(installation: Installation, service: str, query: str = "", token: str = "admin") -> dict[str, Any]:
    answer = installation.client(token).get(f"/services/{service}/timeline{query}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def test_events_and_restarts_are_there_though_nobody_looked(shown: Installation) -> None:
    found = eventually(lambda: timeline(shown, "payments", "?kind=restart")["items"])
    assert found[0]["message"].startswith("Container worker ended with exit code 1")
    whole = timeline(shown, "payments", "?limit=500")
    assert {each["title"] for each in whole["items"]} >= {"BackOff", "Scheduled", "ScalingReplicaSet"}
    moments = [datetime.fromisoformat(each["at"]) for each in whole["items"]]
    assert moments == sorted(moments, reverse=True)


def test_of_another_service_nothing_is_told(shown: Installation) -> None:
    eventually(lambda: timeline(shown, "payments")["items"])
    eventually(lambda: timeline(shown, "shop")["items"])
    assert not [each for each in timeline(shown, "shop", "?limit=500")["items"] if "worker" in each["subject"]]


def test_it_is_searched_filtered_and_paged(shown: Installation) -> None:
    eventually(lambda: timeline(shown, "payments", "?search=backoff")["items"])
    found = timeline(shown, "payments", "?search=backoff&kind=event")
    assert {each["title"] for each in found["items"]} == {"BackOff"}
    first = timeline(shown, "payments", "?limit=2")
    second = timeline(shown, "payments", f"?limit=2&cursor={first['next']}")
    assert len(first["items"]) == len(second["items"]) == 2
    assert first["counts"].keys() == {"event", "restart", "rollout", "change"}
    assert timeline(shown, "payments", "?until=2000-01-01T00:00:00Z")["items"] == []


@pytest.mark.parametrize("query", ["kind=nothing", "since=yesterday", "limit=0", "until=x", "cursor=-1"])
def test_what_cannot_be_asked_is_refused_in_words(shown: Installation, query: str) -> None:
    answer = shown.client().get(f"/services/shop/timeline?{query}")
    assert (answer.status_code, bool(answer.json["detail"])) == (400, True)


def test_the_hour_of_an_instance_has_a_figure_every_half_minute(shown: Installation) -> None:
    def usage(path: str) -> Any:
        return shown.client("viewer").get(f"/services/shop/{path}").json

    one = eventually(lambda: (got := usage("instances/db-0/usage"))["series"][0]["last"] is not None and got)
    assert one["step_s"] == 30
    assert [series["name"] for series in one["series"]] == [
        "cpu_cores",
        "memory_bytes",
        "network_rx_bytes_per_s",
        "network_tx_bytes_per_s",
        "block_read_bytes_per_s",
        "block_written_bytes_per_s",
    ]
    assert {len(series["values"]) for series in one["series"]} == {120}
    assert one["note"] == "The Metrics API has no network figures."
    whole = usage("usage")
    assert whole["series"][1]["last"] > one["series"][1]["last"]


def test_pages_draw_it_and_say_it(shown: Installation) -> None:
    eventually(lambda: shown.client().get("/services/shop/usage").json["series"][0]["last"] is not None)
    browser = shown.browser()
    for path in ("overview", "instances/db-0"):
        page = browser.get(f"/services/shop/{path}").text
        assert "CPU in the last hour: last " in page
        assert "Figures of the last hour" in page
    page = browser.get("/services/shop/timeline").text
    assert "Scheduled" in page
    assert "history.css" in page


def test_without_events_the_page_says_so(shown: Installation) -> None:
    page = shown.browser().get("/services/shop/timeline?search=nothing-like-it").text
    assert "Nothing of this kind happened" in page


def test_what_somebody_did_is_in_it(changed: Installation) -> None:
    assert changed.client().call("DELETE", "/services/shop/instances/db-0?confirm=shop").status_code == 200
    (found,) = timeline(changed, "shop", "?kind=change")["items"]
    assert (found["actor"], found["title"], found["subject"], found["message"]) == (
        "admin",
        "Delete",
        "pod/db-0",
        "Done.",
    )
    assert timeline(changed, "shop", "?kind=change", token="viewer")["items"][0]["actor"] == "admin"
