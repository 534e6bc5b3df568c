"""Drafts how pods are replaced, in the words of each kind of workload. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from runtimes.changes import SetStrategy
from runtimes.errors import Invalid
from runtimes.kubernetes.changes.draft import Asked, Draft, changed, patch, patch_command
from runtimes.kubernetes.changes.found import Found, Obj, part
from runtimes.planning import Difference

ROLLING, RECREATE, ON_DELETE = "RollingUpdate", "Recreate", "OnDelete"
FIELDS: Mapping[str, str] = {"Deployment": "strategy", "StatefulSet": "updateStrategy", "DaemonSet": "updateStrategy"}
KINDS: Mapping[str, tuple[str, ...]] = {
    "Deployment": (ROLLING, RECREATE),
    "StatefulSet": (ROLLING, ON_DELETE),
    "DaemonSet": (ROLLING, ON_DELETE),
}
PARTS: Mapping[str, Mapping[str, str]] = {
    "Deployment": {"maxSurge": "max. extra pods", "maxUnavailable": "max. unavailable pods"},
    "StatefulSet": {"partition": "partition", "maxUnavailable": "max. unavailable pods"},
    "DaemonSet": {"maxSurge": "max. extra pods", "maxUnavailable": "max. unavailable pods"},
}
"""What a rolling update can be told, by kind, and its name in words."""
_NUMBER = re.compile(r"[0-9]{1,9}")
_SHARE = re.compile(r"[0-9]{1,3}%")


def set_strategy(asked: Asked, change: SetStrategy) -> Draft:
    """Draft another strategy; what is "" or None stays as it is. Raise Invalid for what this kind does not know."""
    found = asked.found
    before, wanted = part(found.spec, FIELDS[found.kind]), _wanted(found, change)
    kind = change.kind or str(before.get("type") or ROLLING)
    body = {"spec": {FIELDS[found.kind]: {"type": kind, "rollingUpdate": wanted if kind == ROLLING else None}}}
    if kind == ROLLING and not wanted:
        body["spec"][FIELDS[found.kind]].pop("rollingUpdate")
    differences = (*changed("strategy", before.get("type"), kind), *_parts(found, before, wanted))
    return Draft(
        calls=(patch(found, body),),
        summary=f"Set how {found.words} replaces its pods",
        command=patch_command(found, body),
        sentence=f"How {found.words} replaces its pods was set.",
        differences=differences,
        warnings=_warnings(kind),
        already="" if differences else f"{found.words} replaces its pods like this already.",
    )


def amount(text: str, what: str) -> int | str:
    """Read a number of pods or a share of them, as kubectl takes it. Raise Invalid."""
    if _NUMBER.fullmatch(text):
        return int(text)
    if _SHARE.fullmatch(text) and int(text[:-1]) <= 100:
        return text
    raise Invalid(f'"{text[:50]}" is no value for {what}.', hint="Give a number of pods, or a share such as 25%.")


def _wanted(found: Found, change: SetStrategy) -> Obj:
    known, kinds = PARTS[found.kind], KINDS[found.kind]
    if change.kind and change.kind not in kinds:
        raise Invalid(f'A {found.kind} has no strategy "{change.kind[:50]}".', hint=f"It has: {', '.join(kinds)}.")
    given = {"maxSurge": change.max_surge, "maxUnavailable": change.max_unavailable}
    wanted: Obj = {name: amount(text.strip(), known.get(name, name)) for name, text in given.items() if text.strip()}
    wanted |= {} if change.partition is None else {"partition": change.partition}
    for name in wanted:
        if name not in known:
            raise Invalid(f"A {found.kind} has no {name}.", hint=f"It has: {', '.join(known)}.")
    rolling = (change.kind or part(found.spec, FIELDS[found.kind]).get("type") or ROLLING) == ROLLING
    if wanted and not rolling:
        raise Invalid(f"{', '.join(wanted)} go only with {ROLLING}.", hint=f"Choose {ROLLING}, or leave them out.")
    _demand_moving(found, wanted)
    return wanted


def _demand_moving(found: Found, wanted: Obj) -> None:
    """Refuse a rolling update that may neither add a pod nor take one away: it could never begin."""
    now = part(found.spec, FIELDS[found.kind], "rollingUpdate")
    both = [str(wanted.get(name, now.get(name, ""))) for name in ("maxSurge", "maxUnavailable")]
    if "maxSurge" in PARTS[found.kind] and wanted and all(each in {"0", "0%"} for each in both):
        raise Invalid(
            "With no pod extra and none unavailable nothing could be replaced.", hint="Allow at least one of the two."
        )
    if wanted.get("partition", 0) < 0:
        raise Invalid("The partition is the number of a pod: 0 or more.")


def _parts(found: Found, before: Obj, wanted: Obj) -> tuple[Difference, ...]:
    now = part(before, "rollingUpdate")
    return tuple(
        one
        for name, words in PARTS[found.kind].items()
        if name in wanted
        for one in changed(words, now.get(name), wanted[name])
    )


def _warnings(kind: str) -> tuple[str, ...]:
    return {
        RECREATE: ("With Recreate all pods are ended before new ones start: each rollout is an outage.",),
        ON_DELETE: ("With OnDelete a pod gets a new template only when it is deleted by hand.",),
    }.get(kind, ())
