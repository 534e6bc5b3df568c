"""Host keys of real servers: nothing is shown to one that is not who it was."""

from __future__ import annotations

import socket
import subprocess
import threading
from pathlib import Path

import paramiko
import pytest

from connectors.errors import HostKeyChanged, HostKeyUnknown
from connectors.options import Hop, Identity
from connectors.ssh.line import Lines
from tests.engines import sshd
from tests.unit.connectors.ssh.conftest import StartSshd, hop_to, says


def test_an_unknown_host_is_told_with_the_fingerprint_that_ssh_keygen_shows(ssh_host: sshd.Sshd, lines: Lines) -> None:
    shown = ["ssh-keygen", "-lf", ssh_host.folder / "host_key.pub"]
    expected = subprocess.run(shown, check=True, capture_output=True, text=True, timeout=20).stdout.split()[1]

    with pytest.raises(HostKeyUnknown) as unknown:
        says(lines.line((hop_to(ssh_host, known_hosts=""),)))

    assert unknown.value.fingerprint == expected
    assert says(lines.line((hop_to(ssh_host, known_hosts=unknown.value.line),))) == "hello\n"


def test_a_changed_host_key_is_an_alarm(start_sshd: StartSshd, lines: Lines, tmp_path: Path) -> None:
    server = start_sshd()
    other = sshd.make_key(tmp_path / "other").with_suffix(".pub").read_text()

    with pytest.raises(HostKeyChanged, match="another one"):
        says(lines.line((hop_to(server, known_hosts=f"[{server.host}]:{server.port} {other}"),)))


@pytest.mark.parametrize(
    "algorithm", ["rsa", *[pytest.param(other, marks=pytest.mark.exhaustive) for other in ("ed25519", "ecdsa")]]
)
def test_a_host_with_several_keys_is_asked_for_the_one_that_is_known(
    start_sshd: StartSshd, lines: Lines, algorithm: str
) -> None:
    server = start_sshd(host_keys=("ed25519", "ecdsa", "rsa"))
    known = [line for line in server.known_hosts.read_text().splitlines() if algorithm in line]

    assert says(lines.line((hop_to(server, known_hosts=known[0]),))) == "hello\n"


def test_a_host_that_lost_the_known_algorithm_is_no_unknown_host(
    start_sshd: StartSshd, lines: Lines, tmp_path: Path
) -> None:
    server = start_sshd(host_keys=("ecdsa",))
    before = sshd.make_key(tmp_path / "before").with_suffix(".pub").read_text()

    with pytest.raises(HostKeyChanged):
        says(lines.line((hop_to(server, known_hosts=f"[{server.host}]:{server.port} {before}"),)))


def test_an_unknown_host_behind_a_jump_is_told_by_its_own_name(start_sshd: StartSshd, lines: Lines) -> None:
    edge, far = start_sshd(), start_sshd()

    with pytest.raises(HostKeyUnknown) as unknown:
        says(lines.line((hop_to(edge), hop_to(far, known_hosts=""))))

    assert (unknown.value.host, unknown.value.port) == (far.host, far.port)


def test_a_line_says_in_its_standing_which_key_is_unknown(ssh_host: sshd.Sshd, lines: Lines) -> None:
    line = lines.line((hop_to(ssh_host, known_hosts=""),))
    with pytest.raises(HostKeyUnknown) as unknown:
        says(line)

    assert line.standing().problem is unknown.value


def test_nothing_is_shown_to_a_host_that_is_not_known(lines: Lines) -> None:
    with Listening() as server:
        hop = Hop(host="127.0.0.1", port=server.port, user="me", identity=Identity(password="open sesame"))

        with pytest.raises(HostKeyUnknown):
            says(lines.line((hop,)))

    assert server.asked == []


class Listening(paramiko.ServerInterface):
    """A server that notes every attempt to sign in."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="listening")
        self._transport: paramiko.Transport | None = None

    def __enter__(self) -> Listening:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(20)
        if self._transport is not None:
            self._transport.close()
        self._socket.close()

    def get_allowed_auths(self, username: str) -> str:
        self.asked.append(username)
        return "password,publickey"

    def check_auth_password(self, username: str, password: str) -> int:
        self.asked.append(password)
        return paramiko.AUTH_FAILED

    def _serve(self) -> None:
        near, _ = self._socket.accept()
        self._transport = paramiko.Transport(near)
        self._transport.add_server_key(paramiko.RSAKey.generate(2048))
        self._transport.start_server(event=threading.Event(), server=self)
        self._transport.join(20)


class TestAuthority:
    """Host certificates, and the @cert-authority line."""

    @pytest.mark.parametrize(
        "algorithm", ["ed25519", *[pytest.param(other, marks=pytest.mark.exhaustive) for other in ("ecdsa", "rsa")]]
    )
    def test_a_host_that_the_authority_vouches_for_is_known(
        self, start_sshd: StartSshd, lines: Lines, tmp_path: Path, algorithm: str
    ) -> None:
        server, authority = self.certified(start_sshd, tmp_path, algorithm=algorithm)

        assert says(lines.line((hop_to(server, known_hosts=f"@cert-authority 127.0.0.* {authority}"),))) == "hello\n"

    @pytest.mark.parametrize(
        ("signing", "fault"),
        [
            (["-h", "-n", "elsewhere"], "other names"),
            (["-h"], "other names"),  # good for every name, says the format; for none, say ssh and we
            (["-n", "127.0.0.1"], "another use"),  # a user's certificate
            (["-h", "-n", "127.0.0.1", "-V", "20200101:20200102"], "it holds from 2020-01-01"),
            (["-h", "-n", "127.0.0.1", "-V", "20990101:20990102"], "it holds from 2099-01-01"),
        ],
    )
    def test_a_certificate_that_does_not_hold_is_an_alarm(
        self, start_sshd: StartSshd, lines: Lines, tmp_path: Path, signing: list[str], fault: str
    ) -> None:
        server, authority = self.certified(start_sshd, tmp_path, signing=signing)

        with pytest.raises(HostKeyChanged, match=fault):
            says(lines.line((hop_to(server, known_hosts=f"@cert-authority * {authority}"),)))

    def test_another_authority_is_an_alarm(self, start_sshd: StartSshd, lines: Lines, tmp_path: Path) -> None:
        server, _ = self.certified(start_sshd, tmp_path)
        other = sshd.make_key(tmp_path / "other").with_suffix(".pub").read_text()

        with pytest.raises(HostKeyChanged, match="does not name for this host"):
            says(lines.line((hop_to(server, known_hosts=f"@cert-authority * {other}"),)))

    def test_a_revoked_authority_is_an_alarm(self, start_sshd: StartSshd, lines: Lines, tmp_path: Path) -> None:
        server, authority = self.certified(start_sshd, tmp_path)
        known = f"@cert-authority * {authority}@revoked * {authority}"

        with pytest.raises(HostKeyChanged):
            says(lines.line((hop_to(server, known_hosts=known),)))

    def test_a_host_that_hides_its_certificate_is_no_unknown_host(
        self, ssh_host: sshd.Sshd, lines: Lines, tmp_path: Path
    ) -> None:
        authority = sshd.make_key(tmp_path / "authority").with_suffix(".pub").read_text()

        with pytest.raises(HostKeyChanged, match="an authority should vouch"):
            says(lines.line((hop_to(ssh_host, known_hosts=f"@cert-authority * {authority}"),)))

    def certified(
        self,
        start: StartSshd,
        tmp_path: Path,
        *,
        algorithm: str = "ed25519",
        signing: list[str] | None = None,
    ) -> tuple[sshd.Sshd, str]:
        """Start a server whose host key an authority has signed; give it and the authority's public key."""
        authority = sshd.make_key(tmp_path / "authority")
        server = start("HostCertificate {folder}/host_key-cert.pub", host_keys=(algorithm,))
        how = signing or ["-h", "-n", "127.0.0.1"]
        public = server.folder / "host_key.pub"
        sign = ["ssh-keygen", "-q", "-s", authority, "-I", "host", *how, public]
        subprocess.run(sign, check=True, capture_output=True, timeout=20)
        server.restart()
        return server, authority.with_suffix(".pub").read_text()
