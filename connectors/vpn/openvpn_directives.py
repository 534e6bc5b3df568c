"""Which directives of an OpenVPN profile are taken, which are left out because nothing needs them, and why all others
are refused.

The list says what is allowed: a directive that openvpn learns tomorrow is refused until somebody has read what it
does. Names and their meaning as in openvpn(8) of 2.6. Letters count: openvpn knows no `Up`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from connectors.vpn.openvpn_refused import names, refused
from connectors.vpn.profile import BadProfile

NUMBER = "[0-9]{1,9}"
NAMES = r"[A-Za-z0-9:+_@!=,.?-]{1,200}"
HEX = r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){15,63}"
TAKEN: Mapping[str, str] = {
    "allow-compression": "no|asym",
    "auth": NAMES,
    "auth-nocache": "",
    "auth-retry": "none|nointeract",
    "cipher": NAMES,
    "comp-lzo": "|no|yes|adaptive",
    "comp-noadapt": "",
    "compat-mode": r"2\.[0-9]\.[0-9]{1,2}",
    "compress": "|lzo|lz4|lz4-v2|stub|stub-v2|migrate",
    "connect-retry": f"{NUMBER}( {NUMBER})?",
    "connect-retry-max": NUMBER,
    "connect-timeout": NUMBER,
    "data-ciphers": NAMES,
    "data-ciphers-fallback": NAMES,
    "disable-dco": "",
    "ecdh-curve": NAMES,
    "fast-io": "",
    "float": "",
    "fragment": f"{NUMBER}( mtu)?",
    "hand-window": NUMBER,
    "inactive": f"{NUMBER}( {NUMBER})?",
    "keepalive": f"{NUMBER} {NUMBER}",
    "key-direction": "[01]",
    "link-mtu": NUMBER,
    "max-packet-size": NUMBER,
    "mssfix": f"|{NUMBER}( mtu| fixed)?",
    "mtu-disc": "no|maybe|yes",
    "mute-replay-warnings": "",
    "ncp-ciphers": NAMES,
    "passtos": "",
    "peer-fingerprint": HEX,
    "persist-key": "",
    "persist-tun": "",
    "ping": NUMBER,
    "ping-exit": NUMBER,
    "ping-restart": NUMBER,
    "ping-timer-rem": "",
    "push-peer-info": "",
    "rcvbuf": NUMBER,
    "remote-cert-ku": r"([0-9A-Fa-f]{1,4})( [0-9A-Fa-f]{1,4}){0,7}",
    "remote-cert-tls": "server",
    "remote-random": "",
    "remote-random-hostname": "",
    "reneg-bytes": NUMBER,
    "reneg-pkts": NUMBER,
    "reneg-sec": f"{NUMBER}( {NUMBER})?",
    "replay-window": f"{NUMBER}( {NUMBER})?",
    "resolv-retry": f"infinite|{NUMBER}",
    "server-poll-timeout": NUMBER,
    "session-timeout": NUMBER,
    "shaper": NUMBER,
    "sndbuf": NUMBER,
    "socket-flags": "TCP_NODELAY",
    "tls-cert-profile": "legacy|preferred|suiteb",
    "tls-cipher": NAMES,
    "tls-ciphersuites": NAMES,
    "tls-exit": "",
    "tls-groups": NAMES,
    "tls-timeout": NUMBER,
    "tls-version-max": r"1\.[0-3]",
    "tls-version-min": r"1\.[0-3]( or-highest)?",
    "topology": "subnet|net30|p2p",
    "tran-window": NUMBER,
    "tun-mtu": f"{NUMBER}( {NUMBER})?",
    "tun-mtu-extra": NUMBER,
    "tun-mtu-max": NUMBER,
    "txqueuelen": NUMBER,
    "verify-hash": f"{HEX}( [A-Za-z0-9-]{{1,20}})?",
}
"""Directives that are passed on, each with the form of all its words, single spaces between them."""
SENTENCES: Mapping[str, tuple[int, int]] = {
    "verify-x509-name": (1, 2),
    "remote-cert-eku": (1, 1),
}
"""Directives that are passed on and whose words may hold spaces: how many words they have."""
LEFT_OUT = names(
    "allow-pull-fqdn allow-recursive-routing bind block-ipv6 block-outside-dns client dhcp-option dhcp-release "
    "dhcp-renew dns errors-to-stderr group ifconfig-nowarn ignore-unknown-option ip-win32 key-method lport "
    "machine-readable-output max-routes mtu-test mute ncp-disable nobind pause-exit pull pull-filter redirect-gateway "
    "redirect-private register-dns route-delay route-gateway route-method route-metric route-noexec route-nopull "
    "show-net-up suppress-timestamps tap-sleep tls-client user verb windows-driver"
)
"""Directives that do no harm and have no use: a tunnel has its own routes and names, and says itself how it is run.

`pull-filter` too: the first one that fits wins, so a profile could let a server set what a tunnel leaves out.
"""
HARMLESS_ENVIRONMENT = re.compile(
    r"(UV_[A-Za-z0-9_]{1,60}|CLIENT_CERT|FRIENDLY_NAME|FORWARD_COMPATIBLE|GENERIC_CONFIG)\Z"
)
"""What programs with a window read from a profile; they are left out."""
CIPHERS = frozenset({"auth", "cipher", "data-ciphers", "data-ciphers-fallback", "ncp-ciphers"})


def judged(name: str, words: Sequence[str], line: int) -> bool:
    """Tell whether a directive is passed on (else it is left out). Raise BadProfile when it is refused."""
    if name in LEFT_OUT or (name == "setenv" and words and HARMLESS_ENVIRONMENT.match(words[0])):
        return False
    if name in SENTENCES:
        least, most = SENTENCES[name]
        fits = least <= len(words) <= most and all(word and word.isprintable() for word in words)
    elif name in TAKEN:
        plain = not any(" " in word or not word for word in words)
        fits = plain and re.fullmatch(TAKEN[name], " ".join(words)) is not None
    else:
        raise refused(name, line)
    if not fits:
        raise BadProfile(
            f"Line {line} of the profile: {name} is not written in a form that is taken.",
            hint=f"openvpn(8) says what “{name}” takes; delete the line where it is not needed.",
            line=line,
        )
    if name in CIPHERS and "none" in re.split("[:,]", words[0].lower()):
        raise BadProfile(
            f"Line {line} of the profile: {name} none would leave what is sent unprotected.",
            hint="Delete the line, and name a cipher with authentication (AES-256-GCM) on the server.",
            line=line,
        )
    return True
