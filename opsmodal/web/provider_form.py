"""Turns the form of the OpenID provider into its entry as it stands in a document, and back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TEXTS = ("issuer", "clientId", "name", "userClaim", "groupsClaim")
LINES = ("scopes", "adminGroups", "auditorGroups", "allowedDomains")
FILES = {"clientSecretFile": "oidc.secret", "caFile": "oidc-ca.pem"}
ARROW = "="


def provider_entry(form: Mapping[str, str], before: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Read the form. A file that is left empty keeps the one that `before` names, unless it is ticked to be dropped."""
    entry: dict[str, Any] = {key: form[key].strip() for key in TEXTS if form.get(key, "").strip()}
    entry |= {key: lines for key in LINES if (lines := _lines(form.get(key, "")))}
    groups = dict(_pair(line) for line in _lines(form.get("groups", "")))
    if groups:
        entry["groups"] = groups
    if form.get("create"):
        entry["create"] = True
    sent: dict[str, str] = {}
    for key, file_name in FILES.items():
        if form.get(key, "").strip():
            entry[key], sent[key] = {"file": file_name}, form[key]
        elif key in before and not form.get(f"drop-{key}"):
            entry[key] = before[key]
    return entry, sent


def fields_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Flatten an entry into the fields of its form; a file is named, never shown."""
    fields: dict[str, Any] = {key: entry.get(key, "") for key in TEXTS}
    fields |= {key: "\n".join(entry.get(key) or ()) for key in LINES}
    fields["groups"] = "\n".join(f"{theirs} {ARROW} {ours}" for theirs, ours in (entry.get("groups") or {}).items())
    fields["create"] = bool(entry.get("create"))
    return fields


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _pair(line: str) -> tuple[str, str]:
    """Take `theirs = ours` apart at the last sign: a provider's group may hold one, a group here may not."""
    theirs, _, ours = line.rpartition(ARROW)
    return theirs.strip(), ours.strip()
