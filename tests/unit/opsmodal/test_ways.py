from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.options import Hop, SshOptions
from opsmodal.registry.files import Folder
from opsmodal.registry.hostkeys import Trusted
from opsmodal.registry.registry import Registry
from opsmodal.ways import options_of, split

DOCUMENT = """\
apiVersion: opsmodal/v1
runtimes:
  - name: edge
    kind: docker
    socket: /var/run/docker.sock
    connections:
      - name: far
        kind: ssh
        host: "{host}"
        port: 2222
        user: ops
        identityFile: key
        password: password
        knownHosts: hosts
        jump: [gate@one:23, two, {{host: "me@[2001:db8::1]:24", agent: true, knownHosts: others}}]
"""
FILES = {"key": "KEY\n", "password": "open sesame\nnot this\n", "hosts": "one ssh-ed25519 AAAA\n", "others": "other\n"}


def hops(registry: Registry, folder: Path, host: str = "far.example.com") -> tuple[Hop, ...]:
    for name, text in FILES.items():
        (folder / name).write_text(text)
    registry.apply(DOCUMENT.format(host=host).encode(), Folder(folder))
    return again(registry)


def again(registry: Registry) -> tuple[Hop, ...]:
    spec = registry.runtime("edge")
    assert spec is not None
    options = options_of(registry, spec, spec.connections[0])
    assert isinstance(options, SshOptions)
    return options.hops


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("edge", ("edge", 22, "")),
        ("ops@edge", ("edge", 22, "ops")),
        ("ops@edge:2222", ("edge", 2222, "ops")),
        ("[::1]:2222", ("::1", 2222, "")),
        ("al@[::1]", ("::1", 22, "al")),
        ("2001:db8::1", ("2001:db8::1", 22, "")),
    ],
)
def test_a_jump_host_is_taken_apart(written: str, parts: tuple[str, int, str]) -> None:
    assert split(written) == parts


def test_every_host_is_a_hop_with_its_own_login(registry: Registry, tmp_path: Path) -> None:
    one, two, three, far = hops(registry, tmp_path)

    assert [(hop.host, hop.port, hop.user) for hop in (one, two, three, far)] == [
        ("one", 23, "gate"),
        ("two", 22, "ops"),
        ("2001:db8::1", 24, "me"),
        ("far.example.com", 2222, "ops"),
    ]
    assert one.identity == two.identity == far.identity
    assert (far.identity.key, far.identity.password, far.identity.agent) == ("KEY\n", "open sesame", False)
    assert (three.identity.key, three.identity.agent) == ("", True)
    assert [hop.known_hosts.strip() for hop in (two, three)] == ["one ssh-ed25519 AAAA", "other"]


@pytest.mark.parametrize("host", ["far.example.com", "[::1]"])
def test_a_key_that_was_trusted_by_hand_is_known_under_the_name_that_was_shown(
    registry: Registry, tmp_path: Path, host: str
) -> None:
    far = hops(registry, tmp_path, host)[-1]
    line = "shown ssh-ed25519 BBBB"

    registry.trust(Trusted(far.host, far.port, "ssh-ed25519", line, "SHA256:x", "admin", datetime.now(UTC)))

    assert line in again(registry)[-1].known_hosts.splitlines()
