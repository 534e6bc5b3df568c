from __future__ import annotations

import pytest

from runtimes.engine.managers import UNIT_LABEL, Host, facts, fitting, host_of, locked, managed_by, through, unit_of

COMPOSE = {"com.docker.compose.project": "blog"}
PODMAN_COMPOSE = {"io.podman.compose.project": "blog"}
SWARM = {"com.docker.swarm.task.name": "web.1.x", "com.docker.swarm.service.name": "web"}
UNIT = {UNIT_LABEL: "web.service"}
ROOTS, USERS, NONE = Host(there=True), Host(there=True, user="1000"), Host()


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
        ({"com.docker.swarm.task.id": "x1"}, "", "swarm task x1"),
        ({UNIT_LABEL: ""}, "", ""),
    ],
)
def test_the_manager_that_would_act_first_is_named(labels: dict[str, str], pod: str, manager: str) -> None:
    assert managed_by(labels, pod=pod) == manager


@pytest.mark.parametrize("labels", [{}, COMPOSE, PODMAN_COMPOSE])
@pytest.mark.parametrize("host", [ROOTS, NONE])
def test_what_only_the_engine_looks_after_is_not_locked(labels: dict[str, str], host: Host) -> None:
    assert locked(labels, name="web", host=host) is None
    assert through(labels, host=host) == ""


@pytest.mark.parametrize(
    ("host", "verb", "line"),
    [(ROOTS, "restart", "systemctl restart web.service"), (USERS, "stop", "systemctl --user stop web.service")],
)
def test_a_unit_is_changed_through_systemctl_where_there_is_a_host(host: Host, verb: str, line: str) -> None:
    assert locked(UNIT, name="web", host=host, verb=verb) is None
    assert through(UNIT, host=host).replace("{verb}", verb) == line


@pytest.mark.parametrize("verb", ["restart", "stop", "start"])
def test_a_unit_without_a_host_is_locked_with_what_to_do(verb: str) -> None:
    lock = locked(UNIT, name="web", host=NONE, verb=verb)
    assert lock is not None
    assert "runs nothing on the host" in lock.sentence
    assert f"systemctl {verb} web.service (with --user" in lock.hint
    assert "kind ssh" in lock.hint
    assert through(UNIT, host=NONE) == ""


@pytest.mark.parametrize(
    ("verb", "command"),
    [
        ("restart", "docker service update --force web"),
        ("stop", "docker service scale web=0"),
        ("start", "docker service scale web=1"),
    ],
)
@pytest.mark.parametrize("host", [ROOTS, NONE])
def test_a_swarm_task_is_locked_with_the_command_of_its_service(host: Host, verb: str, command: str) -> None:
    lock = locked(SWARM, name="web", host=host, verb=verb)
    assert lock is not None
    assert "swarm task web.1.x" in lock.sentence
    assert lock.hint == f"On a swarm manager: {command}"


@pytest.mark.parametrize(
    "label", ["x; rm -rf /", "-H evil.service", "web.socket", "web", "we b.service", "../x.service"]
)
def test_what_is_no_units_name_is_never_given_to_systemctl_and_quoted_for_people(label: str) -> None:
    labels = {UNIT_LABEL: label}
    lock = locked(labels, name="web", host=ROOTS)
    assert unit_of(labels) == ""
    assert through(labels, host=ROOTS) == ""
    assert lock is not None
    assert "no name of a systemd service" in lock.sentence
    if " " in label:
        assert f"systemctl restart '{label}'" in lock.hint


@pytest.mark.parametrize("unit", ["web.service", "container-web_1.service", "web@a\\x2db.service"])
def test_units_by_their_names(unit: str) -> None:
    assert unit_of({UNIT_LABEL: unit}) == unit


@pytest.mark.parametrize(
    ("socket", "user"),
    [("/run/user/1000/podman/podman.sock", "1000"), ("/run/podman/podman.sock", ""), ("", ""), ("/run/user/x/p", "")],
)
def test_a_users_socket_has_a_users_systemd(socket: str, user: str) -> None:
    assert host_of(socket, there=True) == Host(there=True, user=user)


@pytest.mark.parametrize(
    ("word", "verbs"),
    [
        *((word, ("restart", "stop")) for word in ("running", "starting", "unhealthy", "restarting")),
        ("exited", ("start",)),
        ("created", ("start",)),
        *((word, ()) for word in ("paused", "dead", "removing", "something new")),
    ],
)
def test_verbs_are_those_that_make_sense(word: str, verbs: tuple[str, ...]) -> None:
    assert fitting(word, None) == verbs
    assert fitting(word, locked(SWARM, name="web", host=ROOTS)) == ()


def said(labels: dict[str, str], *, pod: str = "", program: str = "docker", host: Host = NONE) -> dict[str, str]:
    return dict(facts(labels, pod=pod, program=program, host=host))


def test_compose_is_told_with_its_folder_and_what_up_would_do() -> None:
    labels = {
        **COMPOSE,
        "com.docker.compose.service": "web",
        "com.docker.compose.project.working_dir": "/srv/blog",
        "com.docker.compose.project.config_files": "/srv/blog/compose.yaml",
    }
    found = said(labels)
    assert [found[f"Compose {part}"] for part in ("project", "service", "folder", "files")] == [
        "blog",
        "web",
        "/srv/blog",
        "/srv/blog/compose.yaml",
    ]
    assert found["What docker compose up does"].startswith("starts it when it is stopped")
    assert "leaves it alone" in said({**labels, "com.docker.compose.oneoff": "True"})["What docker compose up does"]
    assert "What podman-compose up does" in said(PODMAN_COMPOSE, program="podman")


def test_pods_units_and_tasks_are_told() -> None:
    assert "podman pod restart web" in said({}, pod="web")["Pod"]
    assert said(UNIT, host=USERS)["Systemd unit"] == "web.service: changes go through systemctl --user on the host"
    assert said(UNIT)["Systemd unit"] == "web.service"
    assert said(SWARM)["Swarm task"] == "web.1.x of the service web: read only here"
    assert said({}) == {}


def test_a_lock_of_no_verb_has_the_command_of_each() -> None:
    unit, swarm = (locked(labels, name="web", host=NONE) for labels in (UNIT, SWARM))
    assert unit is not None
    assert swarm is not None
    assert "systemctl restart web.service (with --user for a rootless engine), and stop or start alike." in unit.hint
    for command in ("docker service update --force web", "docker service scale web=0", "docker service scale web=1"):
        assert command in swarm.hint
