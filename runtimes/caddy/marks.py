"""The names by which routes of a service are known in Caddy's configuration: its field `@id`. Pure.

`opsmodal~shop~blog-web-1~8080~3f2a9c01d2`: the service, the container, its port and a digest of what else the route
says. Caddy knows no other place for words of ours: it refuses fields that it does not know.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

ROUTE, TLS, SERVER = "opsmodal", "opsmodal-tls", "opsmodal-server"
DIGEST_CHARS = 10
CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
SERVICE = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
SHAPE = re.compile(
    rf"{ROUTE}~({SERVICE.pattern})~((?:{CONTAINER.pattern})?)~([0-9]{{0,5}})~([0-9a-f]{{{DIGEST_CHARS}}})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What the name of a route says: `container` and `port` are "" for a redirect."""

    service: str
    container: str
    port: str
    digest: str

    @property
    def text(self) -> str:
        """Give the name itself."""
        return f"{ROUTE}~{self.service}~{self.container}~{self.port}~{self.digest}"


def read(text: object) -> Mark | None:
    """Read a name; None for one that opsmodal does not write."""
    found = SHAPE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    service, container, port, digest = found.groups()
    return Mark(service=service, container=container, port=port, digest=digest)


def digest(*words: str) -> str:
    """Give what tells one thing from another."""
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:DIGEST_CHARS]


def policy_mark(service: str, host: str) -> str:
    """Name the entry that holds how the certificate of a host is made."""
    return f"{TLS}~{service}~{digest(host)}"


def policy_service(text: object) -> str:
    """Name the service that made such an entry; "" for one that opsmodal did not make."""
    words = text.split("~") if isinstance(text, str) else []
    return words[1] if len(words) == 3 and words[0] == TLS else ""
