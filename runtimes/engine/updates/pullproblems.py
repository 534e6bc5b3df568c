"""Why a pull failed, out of what an engine quotes of a registry: one sentence, and what to do next. Pure.

Neither engine says it in a code: dockerd answers 500 for nearly everything, Podman 200 with an error line. The words
are those of https://github.com/distribution/distribution/blob/main/docs/content/spec/api.md#errors and of Go's net and
x509 packages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from runtimes.errors import Conflict, Denied, Missing, RuntimeProblem, Unavailable
from runtimes.reference import reference
from runtimes.registries import Login, registry_of

REFUSED = (
    *("unauthorized", "authentication required", "no basic auth credentials", "denied", "forbidden"),
    *("incorrect username or password", "invalid username/password", "status code 401", "status code 403"),
)
LIMITED = ("toomanyrequests", "too many requests", "rate limit", "status code 429")
UNTRUSTED = ("x509:", "certificate signed by unknown authority", "tls: failed to verify certificate")
NOT_THERE = ("manifest unknown", "not found", "name unknown", "no such image", "does not exist")
NO_TLS = ("server gave http response to https client", "first record does not look like a tls handshake")
SILENT = (
    *("connection refused", "no such host", "i/o timeout", "no route to host", "network is unreachable"),
    *("deadline exceeded", "connection reset", "awaiting headers", "server misbehaving", "bad gateway"),
    *("service unavailable", "status code 502", "status code 503", "status code 504"),
)
NO_ROOM = ("no space left on device", "disk quota exceeded")
MASK = "•••"
Told = tuple[type[RuntimeProblem], str, str]
"""The kind of a problem, what happened without its full stop, and what to do next."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of a registry: for which image, and whether with a login."""

    image: str
    login: Login | None

    @property
    def host(self) -> str:
        """The registry."""
        return registry_of(self.image)


def failed_pull(asked: Asked, said: str, *, outcome: str = "was not pulled") -> RuntimeProblem:
    """Turn what an engine said about a pull into a problem. Whatever a registry echoes, no password is in it.

    `outcome` says what became of the image, where it was asked for something else.
    """
    words = " ".join(said.split())
    lower = words.lower()
    if asked.login is not None:
        words = words.replace(asked.login.secret, MASK)
    tell = next((tell for signs, tell in KINDS if any(sign in lower for sign in signs)), _unknown)
    kind, what, hint = tell(asked, words.rstrip("."))
    return kind(f"{asked.image} {outcome}: {what}.", hint=hint, detail=words)


def _no_room(_: Asked, __: str) -> Told:
    hint = "Make room there first: the images that nobody uses are on the Deployment tab."
    return Conflict, "the engine's host has no room for it", hint


def _limited(asked: Asked, _: str) -> Told:
    hint = "Try again later: such a limit is counted by hours."
    if asked.login is None:
        hint = f"Try again later, or store a login for {asked.host} on the runtime's page: with one it allows more."
    return Unavailable, f"{asked.host} lets this host pull no more for now", hint


def _untrusted(asked: Asked, _: str) -> Told:
    hint = f"Put its CA on the engine's host, into /etc/docker/certs.d/{asked.host}/ca.crt, and try again."
    return Unavailable, f"the engine does not trust the certificate of {asked.host}", hint


def _plain(asked: Asked, _: str) -> Told:
    hint = "Let the registry speak TLS, or name it as insecure in the settings of the engine."
    return Unavailable, f"{asked.host} speaks no TLS", hint


def _refused(asked: Asked, _: str) -> Told:
    if asked.login is None:
        hint = f"Store a login for {asked.host} on the runtime's page in the registry, and check the image's name."
        return Denied, f"{asked.host} wants a login, and none is stored for it", hint
    hint = "Store another password on the runtime's page in the registry, and check that this user may read the image."
    return Denied, f"{asked.host} refuses the login of {asked.login.user}", hint


def _silent(asked: Asked, _: str) -> Told:
    hint = f"Check that {asked.host} runs and that the engine's host reaches it; then try again."
    return Unavailable, f"{asked.host} does not answer", hint


def _not_there(asked: Asked, _: str) -> Told:
    wanted = reference(asked.image)
    part = f"digest {wanted.digest}" if wanted.digest else f"tag {wanted.tag or 'latest'}"
    hint = "Check its name and its tag. A registry may also hide what a login may not read."
    return Missing, f"{asked.host} has no {part} of it", hint


def _unknown(asked: Asked, words: str) -> Told:
    return Unavailable, words or "the engine does not say why", f"Check that the engine's host reaches {asked.host}."


KINDS: tuple[tuple[tuple[str, ...], Callable[[Asked, str], Told]], ...] = (
    (NO_ROOM, _no_room),
    (LIMITED, _limited),
    (UNTRUSTED, _untrusted),
    (NO_TLS, _plain),
    (REFUSED, _refused),
    (SILENT, _silent),
    (NOT_THERE, _not_there),
)
"""In this order: a registry that refuses often says "not found" as well."""
