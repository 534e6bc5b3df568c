"""A real OpenVPN server in a network namespace, with an authority of its own, and the profile that leads to it."""

from __future__ import annotations

import datetime
import os
import secrets
import shlex
import shutil
from dataclasses import dataclass
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.engines import netns
from tests.engines.netns import Namespace
from tests.engines.process import CannotStart, Daemon

PORT = 1194
DAY = datetime.timedelta(days=1)
CHECK = '#!/bin/sh\n[ "$(cat "$1")" = "$(printf \'%s\\n%s\' {name} {password})" ]\n'


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, in PEM."""

    certificate: str
    key: str


class Authority:
    """Signs the certificates of one server and its clients."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "opsmodal tests")])
        built = _certificate(self._name, self._name, self._key.public_key())
        built = built.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.certificate = built.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    def signed(self, name: str, use: x509.ObjectIdentifier) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        built = _certificate(subject, self._name, key.public_key())
        built = built.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        built = built.add_extension(_signing(), critical=True)
        certificate = built.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
        return Pair(certificate, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


class OpenVpnServer:
    """The far end. `address` is where it is inside the tunnel; `pushed` are further options for its clients."""

    def __init__(self, host: Namespace, network: str, *, proto: Literal["udp", "tcp"] = "udp") -> None:
        self.host = host
        self.proto = proto
        self.network = f"{network}.0/24"
        self.address = f"{network}.1"
        self._begin = f"{network}.0"
        self.authority = Authority()
        self.client = self.authority.signed("client", ExtendedKeyUsageOID.CLIENT_AUTH)
        self.login: tuple[str, str] | None = None
        self.pushed: list[str] = []
        self.daemon: Daemon | None = None

    def profile(self, *, endpoint: str = "", more: str = "") -> str:
        """Write the client's profile."""
        lines = ["client", "dev tun", f"remote {endpoint or self.host.address} {PORT} {self.proto}", "nobind"]
        lines += ["remote-cert-tls server", *(["auth-user-pass"] if self.login else []), *more.splitlines()]
        blocks = {"ca": self.authority.certificate, "cert": self.client.certificate, "key": self.client.key}
        return "\n".join([*lines, *(f"<{name}>\n{text}</{name}>" for name, text in blocks.items()), ""])

    def start(self) -> None:
        """Bring it up, also again."""
        own = self.authority.signed("server", ExtendedKeyUsageOID.SERVER_AUTH)
        for name, text in {"ca": self.authority.certificate, "cert": own.certificate, "key": own.key}.items():
            (self.host.folder / name).write_text(text)
            (self.host.folder / name).chmod(0o600)
        (self.host.folder / "server.conf").write_text("\n".join(self._config()) + "\n")
        self.daemon = self.host.daemon(["openvpn", "--config", self.host.folder / "server.conf"], ready=self._is_up)

    def rotate(self) -> None:
        """Begin anew with another authority, of which the client knows nothing."""
        self.kill()
        self.authority = Authority()
        self.start()

    def kill(self) -> None:
        """End it as a crash would."""
        if self.daemon is not None:
            self.daemon.kill()
            self.daemon.log.unlink(missing_ok=True)

    def close(self) -> None:
        self.kill()
        self.host.close()

    def _config(self) -> list[str]:
        folder = self.host.folder
        lines = ["dev tun", f"proto {self.proto}", f"port {PORT}", "topology subnet", "dh none", "verb 3"]
        lines += [f"server {self._begin} 255.255.255.0", "keepalive 2 8", "duplicate-cn", "persist-tun"]
        lines += [f"{name} {folder / name}" for name in ("ca", "cert", "key")]
        lines += [f'push "{option}"' for option in self.pushed]
        if self.login:
            check = folder / "check"
            check.write_text(CHECK.format(name=shlex.quote(self.login[0]), password=shlex.quote(self.login[1])))
            check.chmod(0o700)
            lines += ["script-security 2", f"auth-user-pass-verify {check} via-file"]
        return lines

    def _is_up(self) -> bool:
        assert self.daemon is None or self.daemon.log
        log = self.host.folder / "ip.log"  # `ip netns exec` is what was started
        return log.exists() and "Initialization Sequence Completed" in log.read_text(errors="replace")


def start(network: str = "", *, proto: Literal["udp", "tcp"] = "udp", **more: object) -> OpenVpnServer:
    """Start one; `network` are the first three numbers of its tunnel's. Raise CannotStart with the reason."""
    if not shutil.which("openvpn"):
        raise CannotStart("no openvpn on this machine (package openvpn)")
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        raise CannotStart("no /dev/net/tun on this machine")
    host = netns.start("ov")
    chosen = network or f"10.{secrets.randbelow(200) + 20}.{secrets.randbelow(250)}"
    server = OpenVpnServer(host, chosen, proto=proto)
    try:
        for name, value in more.items():
            setattr(server, name, value)
        server.start()
    except BaseException:
        server.close()
        raise
    return server


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    built = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    return built.serial_number(x509.random_serial_number()).not_valid_before(now - DAY).not_valid_after(now + DAY)


def _signing() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_agreement=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
