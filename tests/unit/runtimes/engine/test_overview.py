from __future__ import annotations

import pytest

from runtimes.engine.answers import Inspected
from runtimes.engine.overview import is_desired, workloads
from tests.unit.runtimes.engine.made import container, in_state, seen

COMPOSE = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
ONE_OFF = {"com.docker.compose.oneoff": "True"}
RUNNING = {"Status": "running", "Running": True}


def policy(name: str) -> dict[str, object]:
    return {"RestartPolicy": {"Name": name}}


def test_replicas_of_a_compose_service_are_one_workload() -> None:
    made = [
        container(Name="/shop-web-1", State=RUNNING, Config={"Labels": COMPOSE, "Image": "web:1"}),
        container(Name="/shop-web-2", State={"Status": "exited", "ExitCode": 1}, Config={"Labels": COMPOSE}),
        container(
            Name="/shop-web-run-1", State=RUNNING, Config={"Labels": {**COMPOSE, "com.docker.compose.oneoff": "True"}}
        ),
        container(Name="/shop-web-1-before-0badcafe", State={"Status": "exited"}, Config={"Labels": COMPOSE}),
        container(Name="/db-before-0badcafe", State={"Status": "exited", "ExitCode": 137}),
        container(Name="/db", State=RUNNING),
    ]
    found = [(each.id, each.kind, each.ready, each.desired) for each in workloads(map(seen, made))]
    assert found == [("db", "container", 1, 1), ("web", "compose service", 1, 2)]


@pytest.mark.parametrize(
    ("made", "desired"),
    [
        (in_state("running"), True),
        (in_state("exited", ExitCode=0), False),
        (container(State={"Status": "exited"}, HostConfig=policy("on-failure")), False),
        (container(State={"Status": "exited"}, HostConfig=policy("always")), True),
        (container(State={"Status": "exited"}, HostConfig=policy("unless-stopped")), True),
        (in_state("exited", ExitCode=1), True),
        (in_state("exited", ExitCode=143), True),
        (in_state("created"), True),
        (container(Name="/db-before-0badcafe", State={"Status": "exited", "ExitCode": 137}), False),
        (container(Name="/db-before-0badcafe", State=RUNNING), True),
        (container(Name="/db-before-now", State={"Status": "exited", "ExitCode": 137}), True),
        (in_state("exited", ExitCode=0, Error="no such volume"), True),
    ],
)
def test_what_has_done_its_work_is_not_missed(made: Inspected, desired: bool) -> None:
    assert is_desired(seen(made)) is desired
