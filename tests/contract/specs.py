"""Containers with many settings, made up by hypothesis and made by a real engine, past the code under test."""

from __future__ import annotations

import http.client
import json
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.engines import images
from tests.engines.containers import ContainerEngine

OLD, NEW = "opsmodal-test/spec:1", "opsmodal-test/spec:2"
CHANGES = {
    OLD: (
        "ENV FROM=image",
        "ENV LEVEL=1",
        "LABEL made=one",
        "LABEL keep=no",
        'CMD ["sleep", "1"]',
        "EXPOSE 7000",
        "WORKDIR /srv",
        "VOLUME /var/data",
    ),
    NEW: (
        "ENV FROM=image2",
        "ENV LEVEL=2",
        "LABEL made=two",
        'CMD ["sleep", "2"]',
        "EXPOSE 7001",
        "WORKDIR /opt",
        "VOLUME /var/data",
    ),
}
NETWORKS = ("spec-a", "spec-b")
TRIES = 20
Body = dict[str, Any]


class Socket(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(str(self._path))


def ask(engine: ContainerEngine, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Ask an engine something past everything that is tested here."""
    line = Socket(engine.socket)
    sent = None if body is None else json.dumps(body)
    line.request(method, f"/v1.41{path}", sent, {"Content-Type": "application/json"})
    answer = line.getresponse()
    said = answer.read()
    line.close()
    return answer.status, json.loads(said) if said.lstrip()[:1] in (b"{", b"[") else said.decode()


def furnish(engine: ContainerEngine) -> dict[str, str]:
    """Give an engine the two images and two networks; give the networks with how their addresses begin."""
    for number, (name, changes) in enumerate(CHANGES.items(), start=1):
        options = [part for change in changes for part in ("-c", change)]
        engine.cli("import", *options, "-", name, stdin=images.archive(str(number)))
    return {name: _network(engine, name) for name in NETWORKS}


def _network(engine: ContainerEngine, name: str) -> str:
    """Make a network with addresses that nobody on this machine uses."""
    for _ in range(TRIES):
        start = f"10.{secrets.randbelow(100) + 90}.{secrets.randbelow(250)}"
        engine.cli("network", "create", "--subnet", f"{start}.0/24", name, check=False)
        if name in engine.cli("network", "ls", "--format", "{{.Name}}").split():
            return start
    raise AssertionError(f"no addresses are free for {name}")


words = st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
values = st.text(alphabet="abc XYZ=:/$\"'é\\", max_size=12)
env = st.dictionaries(st.sampled_from(["A", "B_2", "FROM", "LEVEL", "PASSWORD"]), values, max_size=4)
labels = st.dictionaries(st.sampled_from(["x", "a.b/c", "made", "keep"]), values, max_size=3)
command = st.lists(st.sampled_from(["sleep", "100", "-c", "a b", "$X", "'"]), min_size=1, max_size=3)
seconds = st.integers(1, 90).map(lambda count: count * 1_000_000_000)
ports = st.dictionaries(
    st.sampled_from(["80/tcp", "53/udp", "7000/tcp"]),
    st.fixed_dictionaries(
        {"HostIp": st.sampled_from(["", "127.0.0.1"]), "HostPort": st.integers(20_000, 29_999).map(str)}
    ).map(lambda each: [each]),
    max_size=2,
)
check = st.one_of(
    st.just({"Test": ["NONE"]}),
    st.fixed_dictionaries(
        {"Test": st.sampled_from([["CMD", "true"], ["CMD-SHELL", "exit 0"]]), "Interval": seconds, "Timeout": seconds},
        optional={"Retries": st.integers(1, 9), "StartPeriod": seconds},
    ),
)
restart = st.one_of(
    st.sampled_from(["no", "always", "unless-stopped"]).map(lambda name: {"Name": name}),
    st.integers(1, 9).map(lambda count: {"Name": "on-failure", "MaximumRetryCount": count}),
)
CONFIG: Mapping[str, st.SearchStrategy[Any]] = {
    "Env": env.map(lambda found: [f"{name}={value}" for name, value in found.items()]),
    "Labels": labels,
    "Cmd": command,
    "User": st.sampled_from(["1000", "1000:1000", "0"]),
    "WorkingDir": st.sampled_from(["/srv", "/tmp/a"]),
    "Hostname": words,
    "StopSignal": st.sampled_from(["SIGINT", "SIGQUIT"]),
    "StopTimeout": st.integers(1, 60),
    "Tty": st.booleans(),
    "OpenStdin": st.booleans(),
    "Healthcheck": check,
    "Entrypoint": st.sampled_from([["sh", "-c"], ["sleep"]]),
    "Volumes": st.sampled_from([{"/anon": {}}, {"/anon": {}, "/other": {}}]),
}
HOST: Mapping[str, st.SearchStrategy[Any]] = {
    "Binds": st.lists(
        st.sampled_from(["/tmp:/host:ro", "named:/named", "named2:/ro:ro", "/tmp:/host2:rw"]), unique=True, max_size=3
    ),
    "PortBindings": ports,
    "RestartPolicy": restart,
    "Memory": st.sampled_from([64, 128]).map(lambda mib: mib * 1024**2),
    "MemoryReservation": st.just(32 * 1024**2),
    "NanoCpus": st.sampled_from([250_000_000, 1_500_000_000]),
    "CpuShares": st.sampled_from([128, 512]),
    "CpusetCpus": st.sampled_from(["0", "0-1"]),
    "PidsLimit": st.integers(10, 500),
    "Ulimits": st.just([{"Name": "nofile", "Soft": 100, "Hard": 200}, {"Name": "nproc", "Soft": 300, "Hard": 400}]),
    "CapAdd": st.lists(st.sampled_from(["NET_ADMIN", "SYS_TIME"]), unique=True, min_size=1),
    "CapDrop": st.lists(st.sampled_from(["CHOWN", "KILL"]), unique=True, min_size=1),
    "Devices": st.just([{"PathOnHost": "/dev/null", "PathInContainer": "/dev/x", "CgroupPermissions": "rw"}]),
    "Tmpfs": st.just({"/run/t": "size=1m"}),
    "SecurityOpt": st.just(["no-new-privileges"]),
    "Init": st.booleans(),
    "ShmSize": st.sampled_from([32, 128]).map(lambda mib: mib * 1024**2),
    "ExtraHosts": st.just(["db:10.1.2.3", "cache:10.1.2.4"]),
    "Dns": st.just(["10.9.9.9"]),
    "DnsSearch": st.just(["example.test"]),
    "DnsOptions": st.just(["ndots:2"]),
    "GroupAdd": st.just(["100", "200"]),
    "ReadonlyRootfs": st.booleans(),
    "OomScoreAdj": st.integers(1, 500),
}
DOCKER_CONFIG: Mapping[str, st.SearchStrategy[Any]] = {
    "Domainname": words,
    "StdinOnce": st.booleans(),
    "MacAddress": st.just("02:42:0a:01:02:03"),
}
DOCKER_HOST: Mapping[str, st.SearchStrategy[Any]] = {
    "Mounts": st.lists(
        st.sampled_from(
            [
                {"Type": "tmpfs", "Target": "/mt", "TmpfsOptions": {"SizeBytes": 1048576}},
                {"Type": "volume", "Target": "/mv"},
                {"Type": "volume", "Source": "third", "Target": "/mv2", "ReadOnly": True},
                {"Type": "bind", "Source": "/tmp", "Target": "/mb", "BindOptions": {"Propagation": "rslave"}},
            ]
        ),
        unique_by=lambda each: each["Target"],
        max_size=3,
    ),
    "LogConfig": st.sampled_from(
        [{"Type": "json-file", "Config": {"max-size": "1m", "max-file": "3"}}, {"Type": "none", "Config": {}}]
    ),
    "DeviceRequests": st.just([{"Driver": "nvidia", "Count": -1, "Capabilities": [["gpu"]], "Options": {}}]),
    "DeviceCgroupRules": st.just(["c 42:* rmw"]),
    "Sysctls": st.just({"net.ipv4.ip_forward": "1", "net.core.somaxconn": "99"}),
    "MemorySwappiness": st.sampled_from([0, 60]),
    "OomKillDisable": st.booleans(),
    "IpcMode": st.sampled_from(["host", "private", "shareable"]),
    "PidMode": st.just("host"),
    "CgroupParent": st.just("/spec"),
    "BlkioWeight": st.just(300),
    "PublishAllPorts": st.booleans(),
    "Privileged": st.booleans(),
}


@st.composite
def bodies(draw: st.DrawFn, kind: str, networks: Mapping[str, str]) -> tuple[Body, dict[str, Body]]:
    """Make up what creates a container, and what joins it to further networks."""
    is_docker = kind == "docker"
    config = draw(st.fixed_dictionaries({}, optional={**CONFIG, **(DOCKER_CONFIG if is_docker else {})}))
    host = draw(st.fixed_dictionaries({}, optional={**HOST, **(DOCKER_HOST if is_docker else {})}))
    body = {**config, "Image": OLD, "HostConfig": host}
    mode = draw(st.sampled_from(["bridge", "none", *NETWORKS]))
    host["NetworkMode"] = mode
    joins: dict[str, Body] = {}
    if mode in NETWORKS:
        body["NetworkingConfig"] = {"EndpointsConfig": {mode: draw(endpoints(networks[mode], is_docker))}}
        other = next(name for name in NETWORKS if name != mode)
        joins = {other: draw(endpoints(networks[other], is_docker))} if draw(st.booleans()) else {}
    return body, joins


def endpoints(start: str, is_docker: bool) -> st.SearchStrategy[Body]:
    """Make up what is asked of a network."""
    address = st.integers(10, 200).map(lambda number: {"IPv4Address": f"{start}.{number}"})
    asked: dict[str, st.SearchStrategy[Any]] = {"Aliases": st.lists(words, min_size=1, max_size=2, unique=True)}
    return st.fixed_dictionaries({}, optional={**asked, **({"IPAMConfig": address} if is_docker else {})})
