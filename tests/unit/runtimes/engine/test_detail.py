from __future__ import annotations

import pytest

from runtimes.base import Mount, Port, Resources
from runtimes.engine.detail import environment, facts, mounts, ports, resources
from tests.unit.runtimes.engine.made import container


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ({}, Resources()),
        ({"NanoCpus": 1_500_000_000, "Memory": 64}, Resources(cpu_limit_cores=1.5, memory_limit_bytes=64)),
        ({"CpuQuota": 50_000}, Resources(cpu_limit_cores=0.5)),
        ({"CpuQuota": 50_000, "CpuPeriod": 25_000}, Resources(cpu_limit_cores=2.0)),
        ({"CpuQuota": -1}, Resources()),
        ({"MemoryReservation": 32}, Resources(memory_request_bytes=32)),
    ],
)
def test_limits_are_read_in_each_way_an_engine_sets_them(host: dict[str, object], expected: Resources) -> None:
    assert resources(container(HostConfig=host).host_config) == expected


def test_ports_are_shown_once_with_where_they_are_published() -> None:
    made = container(
        HostConfig={"PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}},
        NetworkSettings={
            "Ports": {
                "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}],
                "53/udp": [{"HostIp": "127.0.0.1", "HostPort": "53"}],
                "9000/tcp": None,
                "none/tcp": None,
                "\u00b2/tcp": None,
                f"{'9' * 5000}/tcp": None,
            }
        },
    )
    assert ports(made) == (
        Port(container_port=53, protocol="udp", published="127.0.0.1:53"),
        Port(container_port=80, published="8080"),
        Port(container_port=9000),
    )


def test_a_container_that_does_not_run_still_shows_the_ports_it_wants() -> None:
    made = container(HostConfig={"PortBindings": {"80/tcp": [{"HostPort": "8080"}]}}, NetworkSettings={"Ports": {}})
    assert ports(made) == (Port(container_port=80, published="8080"),)


def test_environment_values_are_given_with_whatever_they_hold() -> None:
    made = container(Config={"Env": ["A=1", "B=x=y", "C=", "D"]})
    assert [(each.name, each.value) for each in environment(made)] == [("A", "1"), ("B", "x=y"), ("C", ""), ("D", "")]


def test_mounts_name_the_volume_or_the_path() -> None:
    made = container(
        Mounts=[
            {"Type": "volume", "Name": "data", "Source": "/var/lib/x", "Destination": "/data", "RW": True},
            {"Type": "bind", "Source": "/etc/x", "Destination": "/x", "RW": False},
            {"Type": "tmpfs", "Source": "", "Destination": "/run", "RW": True},
        ],
        HostConfig={"Tmpfs": {"/tmp": "size=1m", "/run": "", "/read": "ro,size=1m"}},
    )
    assert mounts(made) == (
        Mount(kind="volume", source="data", target="/data"),
        Mount(kind="bind", source="/etc/x", target="/x", read_only=True),
        Mount(kind="tmpfs", source="", target="/run"),
        Mount(kind="tmpfs", source="", target="/read", read_only=True),
        Mount(kind="tmpfs", source="", target="/tmp"),
    )


def test_nulls_and_absent_parts_are_nothing() -> None:
    made = container(Mounts=None, NetworkSettings=None, Config={"Env": None, "Labels": None}, Args=None)
    assert (ports(made), mounts(made), environment(made), made.labels) == ((), (), (), {})


def test_facts_say_what_an_exit_code_means_and_leave_out_what_does_not_apply() -> None:
    state = {"Status": "exited", "ExitCode": 137, "OOMKilled": True, "FinishedAt": "2026-01-01T10:00:00Z"}
    found = dict(facts(container(State=state, Path="sh", Args=["-c", "echo 'a b'"])))
    assert found["Exit code"].startswith("137: ")
    assert found["Out of memory"].startswith("yes")
    assert found["Finished"] == "2026-01-01 10:00:00 UTC"
    assert found["Command"] == "sh -c 'echo '\"'\"'a b'\"'\"''"
    assert "Started" not in found
    assert "Health" not in found


def test_a_running_container_has_no_exit_code() -> None:
    state = {"Status": "running", "Running": True, "ExitCode": 0, "FinishedAt": "2026-01-01T10:00:00Z"}
    assert "Exit code" not in dict(facts(container(State=state)))
