"""Where a request comes from: our own pages and programs pass, other sites' pages do not."""

from __future__ import annotations

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from opsmodal.errors import ForeignOrigin
from opsmodal.web.origin import demand_own_origin, host_name

OWN = "http://ops.example:8080"
COOKIE = {"Cookie": "opsmodal=abc"}


def asked(headers: dict[str, str]) -> Request:
    return Request(EnvironBuilder(method="POST", base_url=OWN, headers=headers).get_environ())


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": OWN, **COOKIE},
        {"Origin": OWN, "Sec-Fetch-Site": "same-origin", **COOKIE},
        {"Authorization": "Bearer x"},
        {"Authorization": "Bearer x", **COOKIE},
        {},
        {"Sec-Fetch-Site": "none", **COOKIE},
    ],
)
def test_own_pages_and_programs_pass(headers: dict[str, str]) -> None:
    demand_own_origin(asked(headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example", **COOKIE},
        {"Origin": "null", **COOKIE},
        {"Origin": "https://ops.example:8080", **COOKIE},
        {"Origin": "http://ops.example", **COOKIE},
        {"Origin": "http://ops.example:8080.evil.example", **COOKIE},
        {"Origin": "", **COOKIE},
        {"Sec-Fetch-Site": "cross-site", **COOKIE},
        {"Sec-Fetch-Site": "same-site", **COOKIE},
        {"Origin": OWN, "Sec-Fetch-Site": "cross-site", **COOKIE},
        {"Origin": "http://evil.example", "Authorization": "Bearer x"},
        COOKIE,
    ],
)
def test_other_pages_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ForeignOrigin):
        demand_own_origin(asked(headers))


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("ops.example:8080", "ops.example"),
        ("[::1]:8080", "::1"),
        ("OPS.example", "ops.example"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_the_name_of_a_host(host: str, name: str) -> None:
    assert host_name(host) == name
