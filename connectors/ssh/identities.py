"""What we may show an SSH server to be let in: keys, certificates, the agent's keys, a password, in this order.

Keys are read from texts and stay in memory: nothing here writes a file or looks for one. What is said about them is
what everybody may know: algorithm and fingerprint of the public half.
"""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from paramiko.agent import AgentSSH
from paramiko.pkey import PublicBlob

from connectors.errors import LoginRefused
from connectors.options import Identity

AGENT_S = 5.0
"""An agent may ask its person for a confirmation that nobody is there to give."""
AGENT_KEYS_MAX = 4
"""sshd ends a login after six refused keys (MaxAuthTries); a password and the key of the registry want their turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One thing to show: how it is called in a sentence, and the key or password itself."""

    method: Literal["publickey", "password"]
    name: str
    key: Any = field(default=None, repr=False)
    password: str = field(default="", repr=False)


class _Agent(AgentSSH):  # type: ignore[misc]  # paramiko has no types
    """The agent at a socket of our own making: paramiko's waits without a deadline, and is never closed."""

    def __init__(self, near: socket.socket) -> None:
        super().__init__()
        self._connect(near)


@contextmanager
def offers(identity: Identity) -> Iterator[list[Offer]]:
    """Read an identity, and keep its agent at hand meanwhile.

    Raise LoginRefused for a key or certificate that cannot be used, and for an identity that has nothing to show.
    """
    with ExitStack() as held:
        made: list[Offer] = []
        if identity.key:
            made += _with_key(identity)
        elif identity.certificate:
            raise LoginRefused("There is a certificate without its key.", hint="Register the key as identityFile.")
        if identity.agent:
            made += _from_agent(held)
        if identity.password:
            made.append(Offer(method="password", name="the password", password=identity.password))
        if not made:
            raise LoginRefused("There is nothing to sign in with.", hint="Register an identityFile, agent or password.")
        yield made


def _with_key(identity: Identity) -> Iterator[Offer]:
    key = private_key(identity.key, passphrase=identity.passphrase)
    if identity.certificate:
        certified = private_key(identity.key, passphrase=identity.passphrase)
        certified.public_blob = certificate(identity.certificate, key)
        yield Offer(method="publickey", name=f"the certificate of {spoken(key)}", key=certified)
    yield Offer(method="publickey", name=spoken(key), key=key)


def private_key(text: str, *, passphrase: str = "") -> paramiko.PKey:
    """Read a private key of OpenSSH or in PEM. Raise LoginRefused with what is wrong with it."""
    loaded = _loaded(text, passphrase.encode() or None)
    kinds: dict[type, Any] = {
        rsa.RSAPrivateKey: paramiko.RSAKey,
        ec.EllipticCurvePrivateKey: paramiko.ECDSAKey,
        ed25519.Ed25519PrivateKey: paramiko.Ed25519Key,
    }
    made = next((reader for kind, reader in kinds.items() if isinstance(loaded, kind)), None)
    if made is None:
        raise LoginRefused("The key is of a kind that cannot sign here.", hint="Use ed25519, ecdsa or rsa.")
    plain = loaded.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    return made.from_private_key(io.StringIO(plain.decode()))


def _loaded(text: str, passphrase: bytes | None) -> Any:
    written = text.strip().replace("\r\n", "\n").encode() + b"\n"
    reader = serialization.load_pem_private_key
    if b"BEGIN OPENSSH PRIVATE KEY" in written:
        reader = serialization.load_ssh_private_key
    elif b"PRIVATE KEY-----" not in written:
        raise _no_key(text)
    try:
        try:
            return reader(written, passphrase)
        except TypeError:
            if passphrase is None:
                raise
            return reader(written, None)  # a passphrase that a plain key does not need
    except TypeError:
        raise LoginRefused("The key is locked with a passphrase.", hint="Register it as passphrase.") from None
    except UnsupportedAlgorithm:
        raise LoginRefused(
            "The key is of a kind that cannot be read here.", hint="Use ed25519, ecdsa or rsa."
        ) from None
    except ValueError:
        if passphrase:
            raise LoginRefused("The passphrase does not open the key.", hint="Register the right one.") from None
        raise LoginRefused("The key is damaged.", hint="Register the whole file, first and last line too.") from None


def _no_key(text: str) -> LoginRefused:
    begin = text.lstrip()[:40]
    if begin.startswith("PuTTY-User-Key-File"):
        hint = "Write it as puttygen key.ppk -O private-openssh -o key does, and register that."
        return LoginRefused("The key is in the format of PuTTY.", hint=hint)
    if begin.startswith(("ssh-", "ecdsa-", "sk-")):
        return LoginRefused("The registered key is the public half.", hint="Register the file without .pub.")
    return LoginRefused("The registered key is no private key.", hint="Register the file that ssh-keygen made.")


def certificate(text: str, key: paramiko.PKey) -> PublicBlob:
    """Read an OpenSSH certificate of `key`. Raise LoginRefused when it is none, or another key's."""
    try:
        blob = PublicBlob.from_string(text.strip())
        certified = serialization.load_ssh_public_identity(text.strip().encode())
        if not isinstance(certified, serialization.SSHCertificate):
            raise LoginRefused("The registered certificate is a public key.", hint="Register the …-cert.pub file.")
        public = certified.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    except (ValueError, UnsupportedAlgorithm, paramiko.SSHException):
        raise LoginRefused("The certificate cannot be read.", hint="Register the …-cert.pub file.") from None
    if public.split()[1].decode() != key.get_base64():
        raise LoginRefused("The certificate is of another key.", hint="Register the certificate made for this key.")
    return blob


def _from_agent(held: ExitStack) -> list[Offer]:
    path = os.environ.get("SSH_AUTH_SOCK", "")
    if not path:
        raise LoginRefused(
            "There is no SSH agent: SSH_AUTH_SOCK is not set for opsmodal.",
            hint="Start opsmodal with it, or register an identityFile.",
        )
    try:
        near = held.enter_context(closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)))
        near.settimeout(AGENT_S)
        near.connect(path)
        keys = _Agent(near).get_keys()
    except (OSError, paramiko.SSHException):
        raise LoginRefused("The SSH agent does not answer.", hint="Look with ssh-add -l what it holds.") from None
    if not keys:
        raise LoginRefused("The SSH agent holds no key.", hint="Give it one with ssh-add.")
    return [Offer(method="publickey", name=f"the agent's {spoken(key)}", key=key) for key in keys[:AGENT_KEYS_MAX]]


def spoken(key: paramiko.PKey) -> str:
    """Name a key by what everybody may know: `ED25519 key SHA256:…`."""
    return f"{key.algorithm_name} key {key.fingerprint}"
