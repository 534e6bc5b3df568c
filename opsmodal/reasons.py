"""Why something is done, in the words of whoever does it: kept in the audit log beside the action, and nowhere else.

Pure. A reason is one line of text; it is never interpreted, and never asked for where it would only be in the way.
"""

from __future__ import annotations

from opsmodal.errors import BadRequest

NEVER, PRODUCTION, ALWAYS = REQUIRED = ("never", "production", "always")
"""Where a reason must be given for what is dangerous: nowhere, on services in production, or everywhere."""
REASON_MAX_CHARS = 500
"""What a row of the audit log holds."""


def checked_reason(text: str) -> str:
    """Give a reason without blanks around it. Raise BadRequest for one that is too long or more than printable text."""
    reason = text.strip()
    if len(reason) > REASON_MAX_CHARS:
        raise BadRequest(
            f"The reason has {len(reason)} characters, at most {REASON_MAX_CHARS} are kept.",
            hint="Nothing was done. Write less, or name a ticket.",
        )
    if not reason.isprintable():
        raise BadRequest(
            "The reason holds characters that cannot be shown, such as line breaks.",
            hint="Nothing was done. Write it on one line.",
        )
    return reason


def is_wanted(required: str, *, dangerous: bool, production: bool) -> bool:
    """Tell whether an action needs a reason, by the setting `reason_required`."""
    return dangerous and (required == ALWAYS or (required == PRODUCTION and production))
