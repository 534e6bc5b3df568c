"""Where Caddy and containers are: on the host, far away, in containers, in pods, without root. Answers are fetched."""

from __future__ import annotations

import contextlib
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors import Connectors
from connectors.base import Connection
from connectors.options import SshOptions, VpnOptions
from runtimes.errors import Conflict, Invalid
from tests.contract.relay import Relay, listening
from tests.contract.routing import PROJECT, SERVE, Host
from tests.contract.test_domains_caddy import typed
from tests.contract.ways import connected
from tests.engines import caddy as caddies
from tests.engines import wireguard as wireguards
from tests.engines.caddy import Caddy, Contained
from tests.engines.containers import ContainerEngine
from tests.engines.process import CannotStart
from tests.engines.sshd import Sshd
from tests.unit.connectors.ssh.conftest import hop_to

OWN = ("--label", f"{PROJECT}=own")


def test_a_published_port_is_the_same_after_a_replacement(docker_engine: ContainerEngine, caddy: Caddy) -> None:
    published = ("--publish", f"127.0.0.1:{free_port()}:8080")
    with contextlib.closing(Host("docker", docker_engine, caddy)) as host:
        host.serve("web", *published)
        host.facet.save(host.scope, host.change("a.example.com"))
        assert host.rows()["a.example.com/"].address.startswith("127.0.0.1:")
        assert host.caddy.fetched("a.example.com").body == "version 1\n"
        host.replace("web", *published)
        assert not host.rows()["a.example.com/"].moved
        assert host.caddy.fetched("a.example.com").body == "version 2\n"


def free_port() -> int:
    """Find a port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


@pytest.fixture
def far(ssh_host: Sshd, tmp_path: Path) -> Iterator[Connection]:
    """Give a connection through a real sshd, whose loopback and sockets are the far host's."""
    with contextlib.closing(Connectors(tmp_path)) as connectors:
        connection = connectors.open(SshOptions(hops=(hop_to(ssh_host),)))
        yield connection
        connection.close()


def test_a_proxy_that_is_not_there_at_the_far_end_is_said_as_such(
    docker_engine: ContainerEngine, caddy: Caddy, far: Connection
) -> None:
    with contextlib.closing(Host("docker", docker_engine, caddy, over=far, admin="http://127.0.0.1:1")) as host:
        found = host.facet.list(host.scope)
        assert found.setup is not None
        assert "does not answer" in found.setup.sentence
        assert "does not reach 127.0.0.1:1: connection refused" in found.setup.sentence


@pytest.mark.parametrize("by", ["port", "socket"])
def test_the_admin_api_is_reached_through_ssh_on_the_far_hosts_own_ground(
    docker_engine: ContainerEngine, caddy: Caddy, far: Connection, by: str
) -> None:
    with (
        caddy.on_socket() if by == "socket" else contextlib.nullcontext(caddy.admin) as admin,
        contextlib.closing(Host("docker", docker_engine, caddy, over=far, admin=admin)) as host,
    ):
        host.serve("web")
        plan = host.facet.plan(host.scope, host.change("a.example.com"))
        typed(plan.command)
        assert caddy.fetched("a.example.com").body == "version 1\n"
        row = host.rows()["a.example.com/"]
        assert host.facet.answering(host.scope, row.id).ok
        host.facet.delete(host.scope, row.id)
        assert host.rows() == {}


@pytest.mark.exhaustive
def test_the_admin_api_is_reached_through_a_vpn(docker_engine: ContainerEngine) -> None:
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(contextlib.closing(wireguards.start()))
            there = server.host
            caddy = caddies.start(at=there.address, within=("ip", "netns", "exec", there.name))
        except CannotStart as reason:
            pytest.skip(str(reason))
        stack.callback(caddy.close)
        relay = Relay(docker_engine.socket, (server.address, 0), binding=lambda at: there.inside(lambda: listening(at)))
        stack.callback(relay.close)
        connectors = stack.enter_context(connected())
        vpn = connectors.open(VpnOptions(name="hq", kind="wireguard", config=server.profile()))
        stack.callback(vpn.close)
        admin = f"http://{server.address}:{caddy.admin_port}"
        far = Host("docker", docker_engine, caddy, over=vpn, admin=admin, socket=relay.url)
        host = stack.enter_context(contextlib.closing(far))
        host.serve("web", "--publish", f"{there.machine}:{free_port()}:8080")
        host.facet.save(host.scope, host.change("a.example.com"))
        assert caddy.fetched("a.example.com").body == "version 1\n"
        assert host.facet.list(host.scope).notes, "it is no loopback that it listens on"


def test_caddy_in_a_container_leads_to_what_shares_a_network_with_it_and_never_to_itself(
    docker_engine: ContainerEngine,
) -> None:
    if not shutil.which("caddy"):
        pytest.skip("no caddy on this machine (package caddy)")
    caddy = Contained(docker_engine, *OWN)
    with contextlib.closing(Host("docker", docker_engine, caddy)) as host:
        host.serve("web", "--publish", f"127.0.0.1:{free_port()}:8080")
        host.facet.save(host.scope, host.change("a.example.com"))
        row = host.rows()["a.example.com/"]
        assert row.address.endswith(":8080")
        assert not row.address.startswith("127."), "its own loopback is not the host's"
        assert caddy.fetched("a.example.com").body == "version 1\n"
        assert any("in the container caddy" in each for each in host.facet.list(host.scope).notes)
        before = caddy.call("GET", "/config/")
        with pytest.raises(Invalid, match="opens its admin API"):
            host.facet.save(host.scope, host.change("b.example.com", "caddy"))
        docker_engine.cli("network", "create", "apart")
        host.serve("alone", "--network", "apart")
        with pytest.raises(Conflict, match="shares no network with alone") as refused:
            host.facet.save(host.scope, host.change("b.example.com", "alone"))
        assert caddy.call("GET", "/config/") == before
        docker_engine.cli(*refused.value.hint.removeprefix("Connect them: ").rstrip(".").split())
        host.facet.save(host.scope, host.change("b.example.com", "alone"))
        assert caddy.fetched("b.example.com").body == "version 1\n"


def test_a_pod_is_reached_while_all_of_it_is_the_services(podman_engine: ContainerEngine, caddy: Caddy) -> None:
    podman_engine.cli("pod", "create", "--name", "shop")
    with contextlib.closing(Host("podman", podman_engine, caddy)) as host:
        host.serve("web", "--pod", "shop")
        podman_engine.run("sleep", "100", options=["--name", "side", "--pod", "shop", *OWN])
        host.facet.save(host.scope, host.change("a.example.com"))
        assert caddy.fetched("a.example.com").body == "version 1\n"
        assert host.rows()["a.example.com/"].problems == ()
        theirs = ("--label", f"{PROJECT}=other")
        podman_engine.run("sleep", "100", options=["--name", "guest", "--pod", "shop", *theirs])
        assert "may be another service's" in host.rows()["a.example.com/"].problems[0]
        for name, scope in (("web", host.scope), ("guest", host.other)):
            with pytest.raises(Invalid, match="may be another service's"):
                host.facet.save(scope, host.change("b.example.com", name))


def test_containers_that_share_a_network_on_docker_are_one_services_or_no_target(
    docker_engine: ContainerEngine, caddy: Caddy
) -> None:
    with contextlib.closing(Host("docker", docker_engine, caddy)) as host:
        docker_engine.run("sleep", "100", options=["--name", "vpn", *OWN])
        host.serve("web", "--network", "container:vpn")
        host.facet.save(host.scope, host.change("a.example.com"))
        assert caddy.fetched("a.example.com").body == "version 1\n"
        theirs = ("--label", f"{PROJECT}=other")
        docker_engine.run("sleep", "100", options=["--name", "guest", "--network", "container:vpn", *theirs])
        for name, scope in (("web", host.scope), ("vpn", host.scope), ("guest", host.other)):
            with pytest.raises(Invalid, match="may be another service's"):
                host.facet.save(scope, host.change("b.example.com", name))


def test_a_host_without_root_is_served_by_published_ports_alone(rootless_engine: ContainerEngine, caddy: Caddy) -> None:
    if not shutil.which("slirp4netns"):
        pytest.skip("no slirp4netns on this machine: containers without root have no networks (package slirp4netns)")
    network = ("--network", "slirp4netns")
    podded, alone = free_port(), free_port()
    rootless_engine.cli("pod", "create", "--name", "shop", *network, "--publish", f"127.0.0.1:{podded}:8080")
    with contextlib.closing(Host("podman", rootless_engine, caddy)) as host:
        host.serve("web", *network, "--publish", f"127.0.0.1:{alone}:8080")
        host.serve("api", "--pod", "shop")
        for name in ("web", "api"):
            host.facet.save(host.scope, host.change(f"{name}.example.com", name))
            assert caddy.fetched(f"{name}.example.com").body == "version 1\n"
        rows = host.rows()
        assert rows["api.example.com/"].address == f"127.0.0.1:{podded}"
        assert host.facet.answering(host.scope, rows["api.example.com/"].id).ok
        rootless_engine.cli("rm", "-f", "--time", "0", "api")
        host.serve("api", "--pod", "shop", image=rootless_engine.images[1])
        assert not host.rows()["api.example.com/"].moved
        assert caddy.fetched("api.example.com").body == "version 2\n"
        rootless_engine.run(*SERVE, options=["--name", "lone", *OWN])
        with pytest.raises(Conflict, match="rootless engine") as refused:
            host.facet.save(host.scope, host.change("lone.example.com", "lone"))
        assert refused.value.hint.startswith("Publish the port")
