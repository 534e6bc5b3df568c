"""From a registered connection to what the connector needs: every named file as its text, every jump host a hop.

Nothing is dialled here, and no rule about keys is made: which host keys are trusted is what the registry says.
"""

from __future__ import annotations

from collections.abc import Callable

from connectors.errors import NotAvailable
from connectors.options import DirectOptions, Hop, Identity, Options, SshOptions, VpnOptions
from opsmodal.registry.registry import Registry
from opsmodal.registry.schema import (
    AnyConnection,
    EngineSpec,
    JumpSpec,
    RuntimeSpec,
    SshConnection,
    VpnConnection,
    VpnProfile,
)

SSH_PORT = 22
Text = Callable[[str], str]


def options_of(registry: Registry, spec: RuntimeSpec, way: AnyConnection) -> Options:
    """Give what `way` of the runtime `spec` is made of. Raise NotAvailable for a profile that has gone."""
    if isinstance(way, SshConnection):
        return _ssh(registry, spec, way)
    if isinstance(way, VpnConnection):
        return _vpn(registry, way.profile)
    return DirectOptions(runs_here=isinstance(spec, EngineSpec) and spec.host == "local")


def _ssh(registry: Registry, spec: RuntimeSpec, way: SshConnection) -> SshOptions:
    def text(field: str) -> str:
        return registry.credential("runtimes", spec.name, f"connections.{way.name}.{field}") or ""

    mine = _identity(way, text)
    known = text("knownHosts")
    hops = [_jump(registry, way, number, jump, mine, known, text) for number, jump in enumerate(way.jump)]
    last = _hop(registry, way.host, way.port, way.user, mine, known)
    return SshOptions(hops=(*hops, last))


def _jump(
    registry: Registry, way: SshConnection, number: int, jump: str | JumpSpec, mine: Identity, known: str, text: Text
) -> Hop:
    if isinstance(jump, str):
        host, port, user = split(jump)
        return _hop(registry, host, port, user or way.user, mine, known)
    host, port, user = split(jump.host)

    def own(field: str) -> str:
        return text(f"jump.{number}.{field}")

    return _hop(registry, host, port, user or way.user, _identity(jump, own), own("knownHosts") or known)


def split(written: str) -> tuple[str, int, str]:
    """Take [user@]host[:port] apart; an IPv6 address with a port stands in brackets. Gives (host, port, user)."""
    user, _, rest = written.rpartition("@")
    if rest.startswith("["):
        host, _, port = rest[1:].partition("]")
        return host, int(port.removeprefix(":") or SSH_PORT), user
    host, colon, port = rest.partition(":")
    if ":" in port or not port.isdigit():
        return (rest if colon else host), SSH_PORT, user
    return host, int(port), user


def _hop(registry: Registry, host: str, port: int, user: str, identity: Identity, known: str) -> Hop:
    host = host.removeprefix("[").removesuffix("]")  # as an unknown key names it, and so as it is trusted
    trusted = "".join(f"{line}\n" for line in registry.host_keys(host, port))
    return Hop(host=host, port=port, user=user, identity=identity, known_hosts=f"{known.rstrip()}\n{trusted}".lstrip())


def _identity(login: SshConnection | JumpSpec, text: Text) -> Identity:
    return Identity(
        key=text("identityFile"),
        certificate=text("certificate"),
        passphrase=_first_line(text("passphrase")),
        password=_first_line(text("password")),
        agent=login.agent,
    )


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else ""


def _vpn(registry: Registry, name: str) -> VpnOptions:
    profile = registry.vpn_profile(name)
    if profile is None:
        raise NotAvailable(f"The VPN profile {name} is not registered any more.")
    return options_of_profile(registry, profile)


def options_of_profile(registry: Registry, profile: VpnProfile) -> VpnOptions:
    """Give what a VPN profile is made of."""
    return VpnOptions(
        name=profile.name,
        kind=profile.kind,
        mode=profile.mode,
        config=registry.credential("vpnProfiles", profile.name, "configFile") or "",
        login=registry.credential("vpnProfiles", profile.name, "authFile") or "",
        allowed_networks=profile.allowed_networks,
        interface=profile.interface,
    )
