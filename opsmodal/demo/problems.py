"""What the simulated API server answers when it refuses, in the words of the real one.

Sources: k8s.io/apimachinery/pkg/api/errors, apiserver's responsewriters/errors.go, registry/core/pod/strategy.go.
Every refusal becomes a `Status` document; kubectl and client libraries read its reason and details, people its message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from opsmodal.demo.documents import Obj

CONTINUE_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class Cause:
    """One field that is wrong: `reason` is e.g. FieldValueInvalid."""

    reason: str
    field: str
    message: str


class Problem(Exception):
    """A refusal of the API server: an HTTP code, a machine-readable reason, a sentence and details."""

    def __init__(
        self, code: int, reason: str, message: str, *, details: Obj | None = None, metadata: Obj | None = None
    ) -> None:
        super().__init__(message)
        self.metadata = metadata or {}
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details or {}

    def status(self) -> Obj:
        """Give the Status document of this refusal."""
        document: Obj = {"kind": "Status", "apiVersion": "v1", "metadata": self.metadata, "status": "Failure"}
        document |= {"message": self.message} | ({"reason": self.reason} if self.reason else {})
        if self.details:
            document["details"] = self.details
        return document | {"code": self.code}


def named(plural: str, group: str) -> str:
    """Name a resource as refusals do: `pods`, `deployments.apps`."""
    return f"{plural}.{group}" if group else plural


def _details(name: str, group: str, kind: str) -> Obj:
    parts = {"name": name, "group": group, "kind": kind}
    return {key: value for key, value in parts.items() if value}


def not_found(plural: str, group: str, name: str) -> Problem:
    """Answer that an object does not exist."""
    message = f'{named(plural, group)} "{name}" not found'
    return Problem(404, "NotFound", message, details=_details(name, group, plural))


def no_such_resource() -> Problem:
    """Answer that the server does not serve such a resource."""
    return Problem(404, "NotFound", "the server could not find the requested resource")


def already_exists(plural: str, group: str, name: str) -> Problem:
    """Answer that a name is taken."""
    message = f'{named(plural, group)} "{name}" already exists'
    return Problem(409, "AlreadyExists", message, details=_details(name, group, plural))


def conflict(plural: str, group: str, name: str, why: str = "") -> Problem:
    """Answer that an object changed since it was read, or is in the way."""
    changed = "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {named(plural, group)} "{name}": {why or changed}'
    return Problem(409, "Conflict", message, details=_details(name, group, plural))


def invalid(kind: str, group: str, name: str, causes: Sequence[Cause]) -> Problem:
    """Answer that fields of an object are wrong."""
    lines = [f"{cause.field}: {cause.message}" for cause in causes]
    words = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
    details = _details(name, group, kind)
    details["causes"] = [{"reason": c.reason, "message": c.message, "field": c.field} for c in causes]
    return Problem(422, "Invalid", f'{named(kind, group)} "{name}" is invalid: {words}', details=details)


def forbidden(plural: str, group: str, name: str, why: str) -> Problem:
    """Answer that this is not allowed, with the authorizer's or admission's words."""
    subject = f'{named(plural, group)} "{name}"' if name else named(plural, group)
    return Problem(403, "Forbidden", f"{subject} is forbidden: {why}", details=_details(name, group, plural))


def unauthorized() -> Problem:
    """Answer that the bearer token is not known."""
    return Problem(401, "Unauthorized", "Unauthorized")


def bad_request(message: str) -> Problem:
    """Answer that the request makes no sense."""
    return Problem(400, "BadRequest", message)


def method_not_allowed() -> Problem:
    """Answer that the resource has no such verb."""
    return Problem(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")


def unsupported_media_type(accepted: Sequence[str]) -> Problem:
    """Answer that a body's content type is not one of `accepted`."""
    words = "the body of the request was in an unknown format - accepted media types include: " + ", ".join(accepted)
    return Problem(415, "UnsupportedMediaType", words)


def expired(message: str, *, token: str = "") -> Problem:
    """Answer that a position in a list or a watch is too old; `token` goes on with the list as it is now."""
    return Problem(410, "Expired", message, metadata={"continue": token} if token else None)


def too_large(asked: int, current: int) -> Problem:
    """Answer that a version is asked for that has not been reached."""
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    message = f"Timeout: Too large resource version: {asked}, current: {current}"
    return Problem(504, "Timeout", message, details={"causes": causes, "retryAfterSeconds": 1})


def too_old(asked: int, oldest: int) -> Problem:
    """Answer that a watch starts before what is kept."""
    return expired(f"too old resource version: {asked} ({oldest})")


def too_many_requests(message: str, retry_after_s: int) -> Problem:
    """Answer that the client should come back later."""
    return Problem(429, "TooManyRequests", message, details={"retryAfterSeconds": retry_after_s})


def internal(message: str) -> Problem:
    """Answer that the server failed."""
    return Problem(
        500, "InternalError", f"Internal error occurred: {message}", details={"causes": [{"message": message}]}
    )
