"""Sign in at an SSH server whose host key has been judged already: show one thing after the other until it opens.

What is said when it does not open names what was shown, never its secret half, and what the server would take.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import paramiko

from connectors.errors import LoginRefused, Unreachable
from connectors.options import Hop
from connectors.ssh.carrier import Carrier
from connectors.ssh.identities import Offer

AUTH_S = 15.0
"""A server that asks a directory first takes seconds; one that never answers must not hold up everybody."""
PUBLIC_KEY = "publickey"


def log_in(carrier: Carrier, hop: Hop, offers: Sequence[Offer]) -> None:
    """Show one offer after the other. Raise LoginRefused with what was shown, Unreachable when nobody answers."""
    carrier.auth_timeout = AUTH_S
    shown: list[Offer] = []
    taken: list[str] = []
    for offer in offers:
        if taken and not _is_taken(offer, taken):
            continue
        shown.append(offer)
        try:
            taken = _show(carrier, hop.user, offer) or taken
        except paramiko.BadAuthenticationType as refused:
            taken = list(refused.allowed_types)
        except paramiko.AuthenticationException as refused:
            if "timeout" in str(refused).lower():
                raise _silent(hop) from refused
        except (paramiko.SSHException, EOFError, OSError):
            if carrier.is_active():  # an agent that does not sign
                shown[-1] = dataclasses.replace(offer, name=f"{offer.name} (which did not sign)")
        if carrier.is_authenticated():
            return
        if not carrier.is_active():
            raise _refused(hop, shown, taken, cut=True)
    raise _refused(hop, shown, taken)


def _is_taken(offer: Offer, taken: list[str]) -> bool:
    return offer.method in taken or (offer.method == "password" and "keyboard-interactive" in taken)


def _show(carrier: Carrier, user: str, offer: Offer) -> list[str]:
    """Give what the server takes next, where it wants more than one thing (AuthenticationMethods)."""
    if offer.method == PUBLIC_KEY:
        return list(carrier.auth_publickey(user, offer.key))
    return list(carrier.auth_password(user, offer.password))


def _silent(hop: Hop) -> Unreachable:
    return Unreachable(
        f"{where(hop)} did not answer the login within {AUTH_S:g} s.",
        hint="The host may be overloaded, or wait for a directory that does not answer.",
    )


def _refused(hop: Hop, shown: list[Offer], taken: list[str], *, cut: bool = False) -> LoginRefused:
    said = f"{who(hop)} is refused. Offered: {', '.join(offer.name for offer in shown)}."
    if taken:
        said += f" The server takes {', '.join(taken)}."
    if cut:
        said += " It then ended the connection."
    return LoginRefused(said, hint=_advice(hop, shown, taken))


def _advice(hop: Hop, shown: list[Offer], taken: list[str]) -> str:
    if taken and not any(_is_taken(offer, taken) for offer in shown):
        return f"Register something that it takes: {', '.join(taken)}."
    key = next((offer.key for offer in shown if offer.key is not None), None)
    if key is None:
        return "Register the right password, or a key."
    line = f"{key.get_name()} {key.get_base64()}"
    return f"Put this line into ~/.ssh/authorized_keys of {quoted(hop.user)} on {hop.host}: {line}"


def who(hop: Hop) -> str:
    """Name a login for a sentence: `"ops" at bastion:22`."""
    return f"{quoted(hop.user)} at {where(hop)}"


def where(hop: Hop) -> str:
    """Name a server for a sentence: host:port."""
    return f"[{hop.host}]:{hop.port}" if ":" in hop.host else f"{hop.host}:{hop.port}"


def quoted(text: str) -> str:
    """Write a name in quotes, with everything escaped that would not show as itself."""
    return '"' + text.encode("unicode_escape").decode().replace('"', '\\"')[:80] + '"'
