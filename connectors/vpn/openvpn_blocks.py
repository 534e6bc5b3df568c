"""Reads what stands inside an OpenVPN profile between <ca> and </ca>, and writes it anew.

A block is read by openvpn in pieces of 256 bytes and ends at the first line that begins with its end: so nothing of
its bytes is passed on. Keys and certificates are taken out of their armour and put into a new one, with short lines;
what stands around them is dropped.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from connectors.vpn.openvpn_words import LINE_MAX_BYTES
from connectors.vpn.profile import BadProfile

ARMOUR = re.compile(r"-----(BEGIN|END) ([A-Za-z0-9 -]{1,60})-----\Z")
BASE64_LINE = 64
HEX_LINE = 32
STATIC_KEY_DIGITS = 512
"""A static key of OpenVPN has 2048 bits."""
STATIC_KEY = "OpenVPN Static key V1"
PRIVATE_KEYS = ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY")
IGNORED = ("EC PARAMETERS", "DH PARAMETERS")
ENCRYPTED = "ENCRYPTED"
LOGIN_LINES = 2
FINGERPRINT = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){31}\Z")
ARMOURED: Mapping[str, tuple[str, ...]] = {
    "ca": ("CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"),
    "cert": ("CERTIFICATE", "X509 CERTIFICATE"),
    "extra-certs": ("CERTIFICATE", "X509 CERTIFICATE"),
    "key": PRIVATE_KEYS,
    "crl-verify": ("X509 CRL",),
    "tls-auth": (STATIC_KEY,),
    "tls-crypt": (STATIC_KEY,),
    "tls-crypt-v2": ("OpenVPN tls-crypt-v2 client key",),
}
"""Blocks that hold keys or certificates, and what these are called."""
SINGLE = ("key", "tls-auth", "tls-crypt", "tls-crypt-v2", "crl-verify")
FINGERPRINTS = "peer-fingerprint"
LOGIN = "auth-user-pass"
BLOCKS = (*ARMOURED, FINGERPRINTS, LOGIN)

Lines = Sequence[tuple[int, str]]


def rewritten(name: str, lines: Lines, begin: int) -> list[str]:
    """Give the lines of a block, written anew. Raise BadProfile for what it must not hold."""
    if name == FINGERPRINTS:
        return _fingerprints(lines)
    if name == LOGIN:
        return _login(lines, begin)
    found = [line for piece in _pieces(name, lines) for line in piece]
    if not found:
        raise BadProfile(
            f"<{name}> in line {begin} of the profile holds no {ARMOURED[name][0].lower()}.",
            hint=f"It is found between -----BEGIN {ARMOURED[name][0]}----- and its end.",
            line=begin,
        )
    if name in SINGLE and found.count(found[0]) > 1:
        raise BadProfile(f"<{name}> in line {begin} of the profile holds two.", hint="Keep one.", line=begin)
    return found


def _pieces(name: str, lines: Lines) -> list[list[str]]:
    pieces: list[list[str]] = []
    label, body = "", list[tuple[int, str]]()
    for number, whole in lines:
        line = whole.strip(" \t")
        armour = ARMOUR.match(line)
        if armour is None:
            if label and not (label == STATIC_KEY and line.startswith("#")):
                body.append((number, line))
            continue
        word: Literal["BEGIN", "END"] = "BEGIN" if armour[1] == "BEGIN" else "END"
        if (word == "END") != bool(label) or (word == "END" and armour[2] != label):
            raise BadProfile(
                f"Line {number} of the profile: the beginning and the end of a key do not match.",
                hint="Copy the file again as a whole.",
                line=number,
            )
        if word == "BEGIN":
            label, body = armour[2], []
            continue
        if label not in IGNORED:
            pieces.append(_piece(name, label, body, number))
        label = ""
    if label:
        raise BadProfile(f"<{name}> is cut off inside -----BEGIN {label}-----.", hint="Copy the file as a whole.")
    return pieces


def _piece(name: str, label: str, body: Lines, line: int) -> list[str]:
    if ENCRYPTED in label or any(ENCRYPTED in text for _, text in body):
        raise BadProfile(
            f"The key in <{name}> has a passphrase, and nobody is there to type it.",
            hint="Take it off: openssl pkey -in client.key -out plain.key. The profile is stored encrypted.",
            line=line,
        )
    if label not in ARMOURED[name]:
        raise BadProfile(
            f"<{name}> holds a {label.lower()}, which does not belong there.",
            hint=f"Put a {ARMOURED[name][0].lower()} there.",
            line=line,
        )
    text = "".join(part for _, part in body)
    width = HEX_LINE if label == STATIC_KEY else BASE64_LINE
    fits = _is_static(text) if label == STATIC_KEY else _is_base64(text)
    if not fits:
        raise BadProfile(
            f"The {label.lower()} in <{name}> is damaged.", hint="Copy the file again as a whole.", line=line
        )
    wrapped = [text[at : at + width] for at in range(0, len(text), width)]
    return [f"-----BEGIN {label}-----", *wrapped, f"-----END {label}-----"]


def _is_static(text: str) -> bool:
    return re.fullmatch(f"[0-9A-Fa-f]{{{STATIC_KEY_DIGITS}}}", text) is not None


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return False


def _fingerprints(lines: Lines) -> list[str]:
    found = []
    for number, whole in lines:
        line = whole.partition("#")[0].strip(" \t")
        if not line:
            continue
        if not FINGERPRINT.match(line):
            raise BadProfile(
                f"Line {number} of the profile is no SHA-256 fingerprint.",
                hint="It has 32 pairs of digits with colons between them.",
                line=number,
            )
        found.append(line)
    return found


def _login(lines: Lines, begin: int) -> list[str]:
    given = [(number, line) for number, line in lines if line]
    if len(given) != LOGIN_LINES:
        raise BadProfile(
            f"<{LOGIN}> in line {begin} of the profile holds something else than a name and a password.",
            hint="Give two lines, or take it out and give them as authFile.",
            line=begin,
        )
    for number, line in given:
        if line.lstrip().startswith("<") or len(line.encode()) > LINE_MAX_BYTES:
            raise BadProfile(
                f"Line {number} of the profile cannot stand inside <{LOGIN}>.",
                hint="Take the block out and give name and password as authFile.",
                line=number,
            )
    return [line for _, line in given]
