"""What a connection is made of: frozen values that name no file, because whoever registered them has read those.

Secrets are kept out of every representation. Two equal values are the same way: what is open for one serves the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectOptions:
    """The address can be dialled from here; `runs_here`: commands on the host are run on this machine."""

    runs_here: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who we are to an SSH server. Texts as in their files: `key` and `certificate` of OpenSSH, the key also as PEM."""

    key: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    agent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One SSH server. `known_hosts` is the text of such a file (sshd(8)); a key that is not in it is refused."""

    host: str
    port: int = 22
    user: str
    identity: Identity
    known_hosts: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SshOptions:
    """Through one SSH server after the other; the last is the host that commands run on."""

    hops: tuple[Hop, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VpnOptions:
    """Through the tunnel of a VPN profile.

    `config` is its file; `login` are name and password on two lines, where the server asks for them. Only
    `allowed_networks` are sent into the tunnel, what the profile itself names when empty; 0.0.0.0/0 and ::/0 only when
    they stand there. `interface` is where an external tunnel comes out.
    """

    name: str
    kind: Literal["wireguard", "openvpn"]
    mode: Literal["managed", "external"] = "managed"
    config: str = field(default="", repr=False)
    login: str = field(default="", repr=False)
    allowed_networks: tuple[str, ...] = ()
    interface: str = ""


Options = DirectOptions | SshOptions | VpnOptions
