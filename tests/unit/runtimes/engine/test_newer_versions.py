"""Answers of engines that are newer than those that the tests can start, written after their public references.

Docker Engine API 1.52 (docs.docker.com/reference/api/engine/version/v1.52) leaves out what earlier ones had, among it
the addresses beside `Networks` of `NetworkSettings`; Podman 5 (docs.podman.io, compatible API) adds fields.
"""

from __future__ import annotations

import msgspec
import pytest
from docker.constants import DEFAULT_DOCKER_API_VERSION

from runtimes.engine.answers import Inspected, Row, Version
from runtimes.engine.detail import facts, ports
from runtimes.engine.drivers import readable
from runtimes.engine.opening import agreed
from runtimes.engine.problems import Kind, Place

PLACE = Place(kind="docker", address="unix:///x.sock", socket="/x.sock")

DOCKER_29 = b"""{"Platform": {"Name": "Docker Engine - Community"}, "Version": "29.0.1", "ApiVersion": "1.52",
 "MinAPIVersion": "1.44", "Os": "linux", "Arch": "amd64", "Components": [{"Name": "Engine", "Version": "29.0.1",
 "Details": {"ApiVersion": "1.52", "MinAPIVersion": "1.44", "Experimental": "false"}}]}"""
DOCKER_28 = DOCKER_29.replace(b"1.52", b"1.51").replace(b'"1.44"', b'"1.24"')
PODMAN_5 = b"""{"Platform": {"Name": "linux/amd64/fedora-42"}, "Version": "5.6.2", "ApiVersion": "1.41",
 "MinAPIVersion": "1.24", "Components": [{"Name": "Podman Engine", "Version": "5.6.2",
 "Details": {"APIVersion": "5.6.2", "MinAPIVersion": "4.0.0", "BuildTime": "Wed Oct  1 00:00:00 2025"}},
 {"Name": "Conmon", "Version": "conmon version 2.1.13", "Details": {"Package": "conmon-2.1.13"}}]}"""


@pytest.mark.parametrize(
    ("answer", "really", "spoken"),
    [
        (DOCKER_29, "docker", DEFAULT_DOCKER_API_VERSION),
        (DOCKER_28, "docker", DEFAULT_DOCKER_API_VERSION),
        (DOCKER_29.replace(b'"1.44"', b'"1.50"'), "docker", "1.50"),
        (PODMAN_5, "podman", "1.41"),
    ],
)
def test_a_newer_engine_is_spoken_to_in_a_version_that_it_still_knows(answer: bytes, really: Kind, spoken: str) -> None:
    assert agreed(msgspec.json.decode(answer, type=Version), place=PLACE, really=really) == spoken


CONTAINER_1_52 = b"""{"Id": "abc", "Name": "/web", "Created": "2026-01-01T00:00:00.1Z", "Path": "nginx", "Args": [],
 "ImageManifestDescriptor": {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:1"},
 "State": {"Status": "running", "Running": true, "OOMKilled": false, "ExitCode": 0, "StartedAt":
 "2026-01-01T00:00:01.000000001Z", "FinishedAt": "0001-01-01T00:00:00Z", "Health": {"Status": "healthy",
 "FailingStreak": 0, "Log": []}}, "RestartCount": 0, "Storage": {"RootFS": {"Snapshot": {"Name": "overlayfs"}}},
 "HostConfig": {"LogConfig": {"Type": "local", "Config": {}}, "RestartPolicy": {"Name": "always",
 "MaximumRetryCount": 0}, "Annotations": {"a": "b"}, "NetworkMode": "bridge"},
 "Config": {"Image": "nginx:1", "Labels": {"team": "a"}, "Healthcheck": {"StartInterval": 5000000000}},
 "NetworkSettings": {"SandboxID": "1", "SandboxKey": "/x", "Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort":
 "8080"}, {"HostIp": "::", "HostPort": "8080"}]}, "Networks": {"bridge": {"IPAMConfig": null, "GwPriority": 0,
 "DNSNames": null, "IPAddress": "172.17.0.2", "MacAddress": "02:42:ac:11:00:02"}}}}"""
ROW_1_52 = b"""{"Id": "abc", "Names": ["/web"], "Image": "nginx:1", "State": "running", "Created": 1767225600,
 "Labels": {"team": "a"}, "Health": {"Status": "healthy", "FailingStreak": 0}, "Ports": [{"IP": "0.0.0.0",
 "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}]}"""


def test_a_container_of_a_newer_engine_is_read() -> None:
    container = msgspec.json.decode(CONTAINER_1_52, type=Inspected)
    assert container.labels == {"team": "a"}
    assert readable(container)
    assert [(port.container_port, port.published) for port in ports(container)] == [(80, "8080")]
    told = dict(facts(container))
    assert told["Health"].startswith("healthy")
    assert told["Log driver"] == "local"
    row = msgspec.json.decode(ROW_1_52, type=Row)
    assert (row.name, row.labels) == ("web", {"team": "a"})
