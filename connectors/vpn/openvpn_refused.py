"""Says why a directive of an OpenVPN profile is refused, and what to do about it.

It decides nothing: what is refused is all that is not in the list of openvpn_directives. Here the best known of them
get their reason; those that run a program, openvpn(8) names under "Scripting and Environmental Variables".
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.vpn.profile import BadProfile, shown

DELETE = "Delete the line."


def names(text: str) -> frozenset[str]:
    """Make a set of the words of a text."""
    return frozenset(text.split())


PROGRAMS = names(
    "auth-user-pass-verify client-connect client-crresponse client-disconnect down down-pre engine ipchange iproute "
    "learn-address plugin providers route-pre-down route-up script-security tls-crypt-v2-verify tls-export-cert "
    "tls-verify up up-delay up-restart win-sys"
)
FILES = names(
    "askpass capath ccd-exclusive cd chroot client-config-dir config dev-node dh ifconfig-pool-persist log log-append "
    "memstats pkcs12 replay-persist status tmp-dir writepid"
)
RUN_BY_US = names("bind-dev daemon echo inetd local mark mlock nice remap-usr1 service setcon syslog vlan-tagging")
SERVERS = names(
    "client-to-client duplicate-cn ifconfig ifconfig-ipv6 ifconfig-noexec ifconfig-pool ifconfig-push iroute mode "
    "port-share push server server-bridge server-ipv6 tls-server"
)
REASONS: Mapping[frozenset[str], tuple[str, str]] = {
    PROGRAMS: (
        "would run a program or load code on this machine; profiles never do",
        "Delete the line. Routes and names of a tunnel are set without it.",
    ),
    FILES: ("names a file or a folder of this machine; profiles read and write none", DELETE),
    RUN_BY_US: ("says how the program is run, which is not for a profile to say", DELETE),
    SERVERS: ("belongs to a server or to a tunnel without one", "Give the profile of a client: client, remote, <ca>."),
    names("secret"): (
        "makes a tunnel with one static key for ever, which openvpn 2.6 gives up",
        "Use certificates: <ca>, <cert> and <key>.",
    ),
    names("setenv setenv-safe"): ("sets a variable for programs that a profile would run", DELETE),
    names("ns-cert-type"): ("is gone from openvpn", "Write: remote-cert-tls server"),
    names("static-challenge"): ("asks a person something, and nobody is there to answer", DELETE),
}
BEGINNINGS: Mapping[str, str] = {
    "management": "would open a way to control the tunnel",
    "pkcs11": "would load a library of this machine",
    "cryptoapicert": "is for Windows only",
    "http-proxy": "would send the tunnel through a proxy",
    "socks-proxy": "would send the tunnel through a proxy",
    "genkey": "is no part of a profile",
    "show-": "is no part of a profile",
}


def refused(name: str, line: int) -> BadProfile:
    """Say why a directive is refused."""
    reason, hint = why(name) or (
        "is not among the directives that are taken",
        f"{DELETE} docs/connections.md lists what is taken.",
    )
    return BadProfile(f"Line {line} of the profile: {shown(name)} {reason}.", hint=hint, line=line)


def why(name: str) -> tuple[str, str] | None:
    """Give reason and hint for what is known to do harm; None for what nobody has thought of."""
    for known, answer in REASONS.items():
        if name in known:
            return answer
    return next(((reason, DELETE) for begin, reason in BEGINNINGS.items() if name.startswith(begin)), None)


def file_named(name: str, line: int) -> BadProfile:
    """Say that a file belongs into the profile."""
    return BadProfile(
        f"Line {line} of the profile: {name} names a file of this machine; a profile reads none.",
        hint=f"Put the file's content into the profile, between <{name}> and </{name}>.",
        line=line,
    )


def login_file(line: int) -> BadProfile:
    """Say that name and password are given beside the profile."""
    return BadProfile(
        f"Line {line} of the profile: auth-user-pass names a file of this machine; a profile reads none.",
        hint="Write auth-user-pass alone, and give name and password as authFile.",
        line=line,
    )
