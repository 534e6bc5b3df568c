"""How openvpn is run here: what overrules every profile and every server, in its own words (openvpn(8) of 2.6).

Pure. A profile has been judged before; this is the second wall: whatever it says, no program is run, no route, name or
gateway is taken from a server, and nobody is called but the ports that are carried to the profile's servers.
"""

from __future__ import annotations

from collections.abc import Sequence

PULLED = (
    *("ifconfig", "ifconfig-ipv6", "topology", "route-gateway", "tun-ipv6", "tun-mtu", "peer-id", "cipher"),
    *("key-derivation", "protocol-flags", "auth-token", "ping", "compress", "comp-lzo", "explicit-exit-notify"),
)
"""What a server may set, ping-restart with ping; all else (routes, DNS, gateways, time limits) is left out."""
CONNECT_S = 10
RETRY_S = (1, 16)
"""Between two tries, doubling: openvpn's own back-off."""


def arguments(interface: str, management: str, remotes: Sequence[str], *, asks: bool) -> list[str]:
    """Give the arguments that follow the profile's: later ones win. `asks`: the login comes by the management socket.

    `remotes` are as `remote` takes them: address, port, protocol.
    """
    lines = [f"dev {interface}", "dev-type tun", "route-noexec", "script-security 0", "verb 3", "persist-tun"]
    lines += [f"management {management} unix", "management-hold", "auth-retry none", f"connect-timeout {CONNECT_S}"]
    lines += [f"connect-retry {RETRY_S[0]} {RETRY_S[1]}"]
    lines += ["management-query-passwords"] if asks else []
    lines += [f"remote {remote}" for remote in remotes]
    words = [word for line in lines for word in f"--{line}".split()]
    for option in PULLED:
        words += ["--pull-filter", "accept", option]
    return [*words, "--pull-filter", "ignore", ""]


def without_remotes(text: str) -> str:
    """Leave out whom the profile calls: openvpn calls ports of the namespace. Blocks hold keys and stay as they are."""
    head, begin, blocks = text.partition("\n<")
    kept = [line for line in head.split("\n") if line.split(" ")[0] not in {"remote", "remote-random-hostname"}]
    return "\n".join(kept) + begin + blocks


def quoted(word: str) -> str:
    """Quote a word for the management socket, whose lexer takes a backslash before a quote or another."""
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
