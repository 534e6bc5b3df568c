"""What is hit with containers that are restarted, out of recorded shapes of answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from runtimes.base import Resources, Severity, Usage
from runtimes.engine.answers import Inspected, Row
from runtimes.engine.blast import touched
from runtimes.engine.reading import Seen
from runtimes.engine.states import Condition

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
DEPENDS = "com.docker.compose.depends_on"


def container(name: str, *, service: str = "", depends: str = "", network: str = "", **more: Any) -> Inspected:
    labels = {PROJECT: "blog", SERVICE: service, DEPENDS: depends} if service else {}
    return msgspec.convert(
        {
            "Id": f"id-{name}",
            "Name": f"/{name}",
            "State": {"Status": "running", "Running": True},
            "Config": {"Labels": labels},
            "HostConfig": {"NetworkMode": network},
            **more,
        },
        Inspected,
    )


def seen(of: Inspected, *, ready: bool = True) -> Seen:
    condition = Condition(word="running", status="running", severity=Severity.OK, ready=ready, reason="")
    return Seen(container=of, condition=condition, usage=Usage(), pod="", limits=Resources())


DB = container("blog-db-1", service="db")
PUBLISHED = {"Ports": {"5432/tcp": [{"HostIp": "0.0.0.0", "HostPort": "5432"}], "9000/tcp": None}}
MOUNTS = [
    {"Type": "volume", "Name": "blog_data", "Destination": "/data"},
    {"Type": "bind", "Source": "/etc/x", "Destination": "/x"},
    {"Type": "tmpfs", "Destination": "/run"},
]


@pytest.mark.parametrize(
    ("doomed", "beside", "told"),
    [
        pytest.param(container("alone"), [], [], id="made by hand"),
        pytest.param(DB, [], ["the last ready container of compose service db"], id="the last one"),
        pytest.param(DB, [seen(container("blog-db-2", service="db"))], [], id="another is ready"),
        pytest.param(
            DB,
            [seen(container("blog-db-2", service="db"), ready=False)],
            ["the last ready container of compose service db"],
            id="another is not",
        ),
        pytest.param(
            container("x", NetworkSettings=PUBLISHED, Mounts=MOUNTS),
            [],
            ["port 5432 does not answer meanwhile", "volume blog_data stays", "what is in memory at /run is lost"],
            id="ports and volumes",
        ),
        pytest.param(
            container("x", network="host"),
            [seen(container("side", network="container:id-x")), seen(container("y", network="container:id-z"))],
            ["side lives in its network and will have to follow"],
            id="shared network",
        ),
    ],
)
def test_it_says_what_is_hit(doomed: Inspected, beside: Sequence[Seen], told: list[str]) -> None:
    assert list(touched([doomed], [seen(doomed), *beside], [])) == told


@pytest.mark.parametrize(
    ("depends", "counts"),
    [
        ("db:service_started:false", True),
        ("cache:service_healthy:true,db:service_healthy:false", True),
        ("db", True),
        ("dbx:service_started:false", False),
        ("", False),
    ],
)
def test_dependants_are_named_in_the_service_and_counted_elsewhere(depends: str, counts: bool) -> None:
    web = container("blog-web-1", service="web", depends=depends)
    mine = list(touched([DB], [seen(DB), seen(container("blog-db-2", service="db")), seen(web)], []))
    assert mine == (["blog-web-1 depends on it"] if counts else [])
    strange = [Row(id="1", names=["/secret-name"], labels=web.labels), Row(id="2", labels={DEPENDS: "db"}), Row(id="3")]
    told = list(touched([DB], [seen(DB), seen(container("blog-db-2", service="db"))], strange))
    assert told == (["1 container of other services depends on it"] if counts else [])
