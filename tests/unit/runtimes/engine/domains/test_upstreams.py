"""Where Caddy finds a port of a container: published first, its own address else, and never a port of the host."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from runtimes.caddy.address import address as admin
from runtimes.engine.answers import Inspected, Row
from runtimes.engine.domains.networks import Net
from runtimes.engine.domains.setup import missing, start
from runtimes.engine.domains.upstreams import address, held, is_reached, ports
from runtimes.errors import Conflict, Invalid


def container(
    *published: tuple[str, str], networks: dict[str, str] | None = None, mode: str = "bridge", running: bool = True
) -> Inspected:
    bindings: dict[str, Any] = {}
    for port, place in published:
        host, _, number = place.rpartition(":")
        bindings.setdefault(f"{port}/tcp", []).append({"HostIp": host.strip("[]"), "HostPort": number})
    held = {name: {"IPAddress": text} for name, text in (networks or {}).items()}
    plain = {
        "Id": "a" * 64,
        "Name": "/web",
        "State": {"Running": running},
        "HostConfig": {"NetworkMode": mode, "PortBindings": bindings},
        "NetworkSettings": {"Ports": bindings if running else {}, "Networks": held if running else {}},
    }
    return msgspec.convert(plain, Inspected)


def alone(found: Inspected) -> Net:
    return Net(container=found, holder=found)


@pytest.mark.parametrize(
    ("found", "dial"),
    [
        (container(("80", "127.0.0.1:8080"), networks={"bridge": "172.17.0.2"}), "127.0.0.1:8080"),
        (container(("80", "0.0.0.0:8080")), "127.0.0.1:8080"),
        (container(("80", ":8080")), "127.0.0.1:8080"),
        (container(("80", "[::]:8080")), "[::1]:8080"),
        (container(("80", "10.0.0.5:8080")), "10.0.0.5:8080"),
        (container(("81", "127.0.0.1:8080"), networks={"bridge": "172.17.0.2"}), "172.17.0.2:80"),
        (container(networks={"b": "172.18.0.2", "a": "172.17.0.2"}), "172.17.0.2:80"),
    ],
)
def test_a_published_port_comes_before_the_containers_own_address(found: Inspected, dial: str) -> None:
    assert address(alone(found), "80") == dial
    assert is_reached(alone(found), dial)


@pytest.mark.parametrize("mode", ["host", f"container:{'b' * 64}", "ns:/proc/1/ns/net", "pod:x"])
def test_a_container_without_a_network_of_its_own_is_no_way_to_other_ports(mode: str) -> None:
    with pytest.raises(Invalid, match="its ports are not its own"):
        address(alone(container(("80", "127.0.0.1:8080"), mode=mode)), "2019")
    assert not is_reached(alone(container(("80", "127.0.0.1:8080"), mode=mode)), "127.0.0.1:8080")


def test_a_container_in_a_pod_is_found_by_the_pods_port_and_address() -> None:
    infra = container(("80", "127.0.0.1:8080"), networks={"podman": "10.88.0.2"})
    member = Net(container=container(mode=f"container:{'b' * 64}"), holder=infra)
    assert address(member, "80") == "127.0.0.1:8080"
    assert address(member, "81") == "10.88.0.2:81"
    assert (ports(member), is_reached(member, "10.88.0.2:81")) == (("80",), True)
    with pytest.raises(Conflict) as refused:
        address(Net(container=member.container, holder=infra), "81", rootless=True)
    assert "of its pod" in refused.value.hint


def test_a_network_that_others_may_be_in_is_no_way_to_its_ports() -> None:
    shared = Net(container=container(("80", "127.0.0.1:8080")), holder=None)
    with pytest.raises(Invalid, match="may be another service's"):
        address(shared, "80")
    assert not is_reached(shared, "127.0.0.1:8080")


def test_a_pod_in_the_hosts_network_is_no_way_to_the_hosts_ports() -> None:
    with pytest.raises(Invalid, match="uses the host's network"):
        address(Net(container=container(mode=f"container:{'b' * 64}"), holder=container(mode="host")), "2019")


@pytest.mark.parametrize(
    ("found", "rootless", "words"),
    [
        (container(running=False), False, "is not running"),
        (container(), False, "it has no address"),
        (container(networks={"podman": "10.88.0.2"}), True, "a rootless engine"),
        (container(("2019", "127.0.0.1:2019"), running=False), False, "is not running"),
    ],
)
def test_what_is_not_reached_says_why(found: Inspected, rootless: bool, words: str) -> None:
    with pytest.raises(Conflict, match=words):
        address(alone(found), "80", rootless=rootless)


def test_a_caddy_in_a_container_reaches_what_shares_a_network_with_it() -> None:
    proxy = container(("2019", "127.0.0.1:2019"), networks={"edge": "172.20.0.2"})
    web = container(("80", "127.0.0.1:8080"), networks={"own": "172.19.0.3", "edge": "172.20.0.3"})
    assert address(alone(web), "80", proxy=proxy) == "172.20.0.3:80"
    with pytest.raises(Conflict, match="shares no network") as refused:
        address(alone(container(networks={"own": "172.19.0.3"})), "80", proxy=proxy)
    assert refused.value.hint == "Connect them: network connect own web."


def test_ports_are_those_that_the_engine_knows() -> None:
    assert ports(alone(container(("80", ":8080"), ("443", ":8443")))) == ("80", "443")
    assert not is_reached(alone(container(("80", "127.0.0.1:8080"))), "127.0.0.1:22")


def test_where_others_are_is_known_by_their_addresses_and_ports() -> None:
    ports = [{"IP": "0.0.0.0", "PublicPort": 8080, "Type": "tcp"}, {"IP": "::", "PublicPort": 53, "Type": "udp"}]
    networks = {"NetworkSettings": {"Networks": {"bridge": {"IPAddress": "172.17.0.9"}}}}
    row = msgspec.convert({"Id": "b", "Ports": ports, **networks}, Row)
    assert set(held([row])) == {"172.17.0.9", "127.0.0.1:8080"}


def test_the_line_that_starts_a_proxy_keeps_its_admin_api_on_loopback() -> None:
    assert "-p " not in missing("docker").command
    assert missing("podman").command.startswith("podman run -d --name caddy")
    assert "-e CADDY_ADMIN=127.0.0.1:2020" in start("docker", admin("http://127.0.0.1:2020"))
    assert "CADDY_ADMIN=unix//run/caddy/a.sock" in start("docker", admin("unix:///run/caddy/a.sock"))
    assert "CADDY_ADMIN" not in start("docker", admin("http://10.0.0.5:2020"))
