"""Reads OpenVPN client profiles, and writes anew what of them is harmless.

Pure: nothing is opened, resolved or brought up. A profile can run programs, load libraries and read files in dozens of
ways; here it is taken apart and only directives of a list go on (openvpn_directives), as words of our own quoting. Not
one byte of the profile is passed on as it came, so what some reader sees in it otherwise than we did is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from connectors.vpn import openvpn_blocks as blocks
from connectors.vpn.openvpn_directives import LEFT_OUT, TAKEN, judged
from connectors.vpn.openvpn_refused import file_named, login_file, refused, why
from connectors.vpn.openvpn_remotes import REMOTES_MAX, Remote, demand_tun, keep, one_of, remote_of, route_of
from connectors.vpn.openvpn_words import words_of, written
from connectors.vpn.profile import BadProfile, lines_of, shown

CONNECTION = "connection"
INSIDE_CONNECTION = frozenset({"remote", "proto", "port", "rport"})
EXIT_NOTIFY = "explicit-exit-notify"
NOT_VERIFIED = (
    "The profile has neither remote-cert-tls nor verify-x509-name: everybody with a certificate of the same authority "
    "can pose as the server. Add “remote-cert-tls server”."
)
NO_DEFAULT = (
    "The profile asks for the default route (redirect-gateway), which is not taken from a profile: write 0.0.0.0/0 "
    "into allowedNetworks if everything may go through the tunnel."
)
VERIFYING = frozenset({"remote-cert-tls", "remote-cert-ku", "remote-cert-eku", "verify-x509-name", "peer-fingerprint"})
CRYPTS = ("tls-auth", "tls-crypt", "tls-crypt-v2")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenVpnProfile:
    """A profile: `text` is for openvpn, `routes` are networks that it names, `needs_login` that the server asks."""

    remotes: tuple[Remote, ...]
    text: str = field(repr=False)
    needs_login: bool = False
    routes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Draft:
    """A profile while it is read. `asked` are (line, words) of remotes; `base` what holds where a remote is silent."""

    asked: list[tuple[int, list[str], dict[str, str]]] = field(default_factory=list)
    base: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    blocks: dict[str, list[str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    routes: list[str] = field(default_factory=list)
    only: str = ""
    exit_notify: str = ""


def read(text: str) -> OpenVpnProfile:
    """Read a client profile of openvpn 2.6. Raise BadProfile with the line that is wrong or refused."""
    draft = _Draft()
    lines = lines_of(text)
    for number, line in lines:
        words = words_of(line, number)
        if not words:
            continue
        if len(words) == 1 and words[0].startswith("<"):
            _block(draft, number, words[0], lines)
        else:
            _directive(draft, number, words)
    remotes = _remotes(draft)
    _demand_whole(draft)
    return OpenVpnProfile(
        remotes=remotes,
        text=_text(draft, remotes),
        needs_login="auth-user-pass" in draft.names and "auth-user-pass" not in draft.blocks,
        routes=tuple(draft.routes),
        warnings=tuple(_warnings(draft)),
    )


def _directive(draft: _Draft, line: int, words: list[str]) -> None:
    name, *rest = words
    if name == "setenv" and rest[:1] == ["opt"] and len(rest) > 1:
        return _directive(draft, line, rest[1:])  # as the directive itself, for readers that know it
    draft.names.add(name)
    if name == "remote":
        draft.asked.append((line, rest, {}))
    elif name in {"proto", "port", "rport"}:
        keep(draft.base, line, name, rest)
    elif name in {"dev", "dev-type"}:
        demand_tun(line, rest)
    elif name in {"route", "route-ipv6"}:
        draft.routes.append(route_of(line, name, rest))
    elif name == "proto-force":
        draft.only = one_of(line, name, rest, ("udp", "tcp"))
    elif name == EXIT_NOTIFY:
        draft.exit_notify = one_of(line, name, rest or ["1"], tuple("0123456789"))
    elif name == "auth-user-pass":
        if rest:
            raise login_file(line)
    elif name in blocks.ARMOURED and name not in TAKEN:
        raise file_named(name, line)
    elif judged(name, rest, line):
        draft.lines.append(written(words, line))
    return None


def _block(draft: _Draft, begin: int, opening: str, lines: Iterator[tuple[int, str]]) -> None:
    name = opening.removeprefix("<").removesuffix(">")
    if f"<{name}>" != opening or (name != CONNECTION and name not in blocks.BLOCKS):
        raise _no_block(begin, name)
    inside = list(_inside(name, begin, lines))
    if name == CONNECTION:
        _connection(draft, begin, inside)
        return
    if name in draft.blocks:
        raise BadProfile(
            f"Line {begin} of the profile gives <{name}> a second time.", hint="Keep one of them.", line=begin
        )
    draft.names.add(name)
    draft.blocks[name] = blocks.rewritten(name, inside, begin)


def _no_block(line: int, name: str) -> BadProfile:
    if why(name):
        return refused(name, line)
    return BadProfile(
        f"Line {line} of the profile begins a block that is not taken: {shown(name)}.",
        hint=f"These are: {', '.join(blocks.BLOCKS)}, {CONNECTION}.",
        line=line,
    )


def _inside(name: str, begin: int, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Give the lines up to the end of a block, which is where openvpn sees it: a line that begins with it."""
    end = f"</{name}>"
    for number, line in lines:
        if line.strip(" \t") == end:
            return
        if line.lstrip(" \t").startswith("</"):
            raise BadProfile(
                f"Line {number} of the profile: something stands where {end} is awaited.",
                hint=f"Give {end} a line of its own.",
                line=number,
            )
        yield number, line
    raise BadProfile(f"<{name}> in line {begin} of the profile is never closed.", hint=f"Add {end}.", line=begin)


def _connection(draft: _Draft, begin: int, inside: list[tuple[int, str]]) -> None:
    own: dict[str, str] = {}
    remotes: list[tuple[int, list[str]]] = []
    for number, line in inside:
        words = words_of(line, number)
        if not words or words[0] in {*LEFT_OUT, EXIT_NOTIFY}:
            continue
        if words[0] not in INSIDE_CONNECTION:
            raise refused(words[0], number) if words[0] not in TAKEN else _not_inside(words[0], number)
        if words[0] == "remote":
            remotes.append((number, words[1:]))
        else:
            keep(own, number, words[0], words[1:])
    if len(remotes) != 1:
        raise BadProfile(
            f"<connection> in line {begin} of the profile has not one remote.", hint="Give it one.", line=begin
        )
    draft.names.add(CONNECTION)
    draft.asked.append((*remotes[0], own))


def _not_inside(name: str, line: int) -> BadProfile:
    return BadProfile(
        f"Line {line} of the profile: {name} is not taken inside <connection>.", hint="Move it out of it.", line=line
    )


def _remotes(draft: _Draft) -> tuple[Remote, ...]:
    if {"remote", CONNECTION} <= draft.names:
        raise BadProfile("The profile has remote both inside and outside of <connection>.", hint="Keep one way.")
    found = [remote_of(line, words, {**draft.base, **own}) for line, words, own in draft.asked]
    kept = [remote for remote in found if remote.proto.startswith(draft.only)]
    if not kept:
        raise BadProfile("The profile names no server.", hint="Add a line: remote vpn.example.org 1194 udp")
    if len(kept) > REMOTES_MAX:
        raise BadProfile(f"The profile names more than {REMOTES_MAX} servers.", hint="Keep those that are near.")
    return tuple(kept)


def _demand_whole(draft: _Draft) -> None:
    if "client" not in draft.names and not {"tls-client", "pull"} <= draft.names:
        raise BadProfile("It is not the profile of a client.", hint="Give one that has a line: client")
    if "ca" not in draft.blocks and "peer-fingerprint" not in draft.names:
        raise BadProfile(
            "The profile has no <ca>: nobody could tell the server from another.",
            hint="Put the authority's certificate between <ca> and </ca>.",
        )
    if ("cert" in draft.blocks) != ("key" in draft.blocks):
        raise BadProfile("<cert> and <key> go together.", hint="Give both, or neither.")
    if sum(name in draft.blocks for name in CRYPTS) > 1:
        raise BadProfile(f"The profile has more than one of {', '.join(CRYPTS)}.", hint="Keep what the server has.")
    if "cert" not in draft.blocks and "auth-user-pass" not in draft.names:
        raise BadProfile(
            "The profile has nothing to sign in with.", hint="It needs <cert> and <key>, or auth-user-pass."
        )


def _text(draft: _Draft, remotes: tuple[Remote, ...]) -> str:
    lines = ["client", "dev tun", "nobind"]
    lines += [written(["remote", one.host, str(one.port), one.proto], 0) for one in remotes]
    lines += draft.lines
    if draft.exit_notify and all(one.proto.startswith("udp") for one in remotes):
        lines.append(f"{EXIT_NOTIFY} {draft.exit_notify}")  # over TCP openvpn takes it for a mistake
    if "auth-user-pass" in draft.names and "auth-user-pass" not in draft.blocks:
        lines.append("auth-user-pass")
    for name, inside in draft.blocks.items():
        lines += [f"<{name}>", *inside, f"</{name}>"]
    return "".join(f"{line}\n" for line in lines)


def _warnings(draft: _Draft) -> Iterator[str]:
    if draft.names.isdisjoint(VERIFYING):
        yield NOT_VERIFIED
    if "redirect-gateway" in draft.names:
        yield NO_DEFAULT
