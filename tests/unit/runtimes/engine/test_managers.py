from __future__ import annotations

import pytest

from runtimes.engine.managers import UNIT_LABEL, check_restart, managed_by
from runtimes.errors import Conflict

COMPOSE = {"com.docker.compose.project": "blog"}
PODMAN_COMPOSE = {"io.podman.compose.project": "blog"}
SWARM = {"com.docker.swarm.task.name": "web.1.x", "com.docker.swarm.service.name": "web"}
UNIT = {UNIT_LABEL: "web.service"}


@pytest.mark.parametrize(
    ("labels", "pod", "manager"),
    [
        ({}, "", ""),
        (COMPOSE, "", "compose project blog"),
        (PODMAN_COMPOSE, "", "compose project blog"),
        (COMPOSE, "web", "compose project blog"),
        ({}, "web", "pod web"),
        (UNIT, "web", "systemd unit web.service"),
        (COMPOSE | UNIT, "", "systemd unit web.service"),
        (SWARM, "", "swarm task web.1.x"),
        ({UNIT_LABEL: ""}, "", ""),
    ],
)
def test_the_manager_that_would_act_first_is_named(labels: dict[str, str], pod: str, manager: str) -> None:
    assert managed_by(labels, pod=pod) == manager


@pytest.mark.parametrize("labels", [{}, COMPOSE, PODMAN_COMPOSE])
def test_what_only_the_engine_looks_after_may_be_restarted(labels: dict[str, str]) -> None:
    check_restart(labels, name="web")


@pytest.mark.parametrize(
    ("labels", "command"),
    [(UNIT, "systemctl restart web.service "), (SWARM, "docker service update --force web")],
)
def test_a_restart_behind_a_managers_back_is_refused_with_what_to_do(labels: dict[str, str], command: str) -> None:
    with pytest.raises(Conflict) as caught:
        check_restart(labels, name="web")
    assert command in caught.value.hint


def test_a_label_is_quoted_in_a_command_that_a_person_may_copy() -> None:
    with pytest.raises(Conflict) as caught:
        check_restart({UNIT_LABEL: "x; rm -rf /"}, name="web")
    assert "systemctl restart 'x; rm -rf /'" in caught.value.hint
