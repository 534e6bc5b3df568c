"""Values of a ConfigMap or Secret: which are text, what a login makes of one, and which keys a change names. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from opsmodal.errors import BadRequest, Problem, Rejected
from runtimes.config import is_key

LOGIN_MAX_CHARS = 1_000
KEYS_TOLD_MAX = 20
NO_KEY = "(a name that no key can have)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The login of one registry."""

    server: str
    user: str
    password: str = field(repr=False)


def is_text(value: bytes) -> bool:
    """Tell whether a value is text that a page can show and send back as it was."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return False
    return "\r" not in text and "\0" not in text


def told(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> str:
    """Say which keys change, for the audit log: names only."""
    groups = (
        ("added", [key for key in after if key not in before]),
        ("changed", [key for key in after if key in before and before[key] != after[key]]),
        ("removed", [key for key in before if key not in after]),
    )
    return "; ".join(f"{word} {_some(keys)}" for word, keys in groups if keys) or "no value changed"


def key_told(key: str) -> str:
    """Name a key for the audit log: what cannot be one may be a value that was typed into the wrong field."""
    return key if is_key(key) else NO_KEY


def _some(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - KEYS_TOLD_MAX} more" if len(keys) > KEYS_TOLD_MAX else ""
    return ", ".join(map(key_told, keys[:KEYS_TOLD_MAX])) + more


def with_login(before: bytes, login: Login) -> bytes:
    """Put the login of one registry into a dockerconfigjson, and leave those of others. Raise Rejected.

    Source: https://kubernetes.io/docs/concepts/containers/images/#config-json
    """
    server = login.server.strip()
    if not server or any(len(part) > LOGIN_MAX_CHARS or not part.isprintable() for part in (server, login.user)):
        problem = Problem(
            field="login.server", sentence="A login needs the name of its registry: ghcr.io, for example."
        )
        raise Rejected(problem.sentence, [problem])
    try:
        document = json.loads(before) if before.strip() else {}
        auths = document.setdefault("auths", {})
        auths[server] = {"username": login.user, "password": login.password, "auth": _basic(login)}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BadRequest("What there is now is no dockerconfigjson.", hint="Replace the whole value.") from error
    return json.dumps(document).encode()


def _basic(login: Login) -> str:
    return base64.b64encode(f"{login.user}:{login.password}".encode()).decode()
