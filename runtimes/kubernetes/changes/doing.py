"""Plans a change by a dry run on the server, and applies it: finds the workload, drafts, sends.

Nothing that changed anything is sent again. What the server refused because the object moved is drafted anew only
when nobody but the cluster itself has moved it, and a bounded number of times.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runtimes.base import Scope
from runtimes.changes import Change
from runtimes.errors import Invalid, RuntimeProblem, Stale, Unsupported
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.api.spoiled import known_as
from runtimes.kubernetes.changes.diffing import unified
from runtimes.kubernetes.changes.draft import Asked, Call, Draft, locked, reasoned
from runtimes.kubernetes.changes.found import Found, Obj, find, part, revision_of
from runtimes.kubernetes.changes.table import drafting
from runtimes.kubernetes.managers import managed_by
from runtimes.kubernetes.objects.common import OnlyMetadata
from runtimes.planning import Applied, Plan

DRY_RUN = {"dryRun": "All"}
TRIES = 3
"""A report on the state between reading and writing is rare and passes: twice in a row has not been seen."""
WEBHOOK = "does not support dry run"
"""How the API server words it when an admission webhook has side effects (admission/plugin/webhook/errors)."""
UNTRIED = "The cluster could not try this beforehand: one of its admission webhooks does not take part in dry runs."
UNTAKEN = "The cluster takes this and changes nothing by it: it does not know the field, or a webhook puts it back."
"""Of fields behind a feature gate that is off (a StatefulSet's maxUnavailable) the API server drops without a word."""
WHOLE = 1
"""A draft of one call is done or not; one of several may be done in part."""


def plan(client: Client, scope: Scope, change: Change) -> Plan:
    """Say what a change would do, checked by a dry run. Raise RuntimeProblem for what it would be refused with."""
    found = find(client, scope, change.workload)
    draft = _drafted(client, scope, found, change)
    answers, notes = _tried(client, found, draft)
    diff = "" if draft.diffed is None else unified(found.document, answers or draft.diffed, found)
    return Plan(
        target=found.target,
        summary=draft.summary,
        command=draft.command,
        differences=draft.differences,
        diff=diff,
        warnings=(*draft.warnings, *_managers(found), *notes),
        hits=draft.hits,
        revision=revision_of(found.document),
        unchanged=bool(draft.already) or (draft.diffed is not None and not diff),
    )


def becoming(client: Client, scope: Scope, change: Change) -> tuple[Found, Obj]:
    """Give the workload, and what a change that replaces its template would make of it. Send nothing that changes.

    Raise RuntimeProblem for what it would be refused with.
    """
    found = find(client, scope, change.workload)
    draft = _drafted(client, scope, found, change)
    return found, found.document if draft.diffed is None else draft.diffed


def apply(client: Client, scope: Scope, change: Change, *, revision: str = "") -> Applied:
    """Do a change. Raise Stale when somebody changed the workload since `revision`, and any other RuntimeProblem.

    `revision` is that of a plan or a manifest, or the object's resourceVersion.
    """
    for again in reversed(range(TRIES)):
        found = find(client, scope, change.workload)
        _check(found, revision)
        draft = _drafted(client, scope, found, change)
        if draft.already:
            return Applied(target=found.target, sentence=draft.already, revision=revision_of(found.document))
        try:
            return _done(client, found, draft, is_locked=bool(revision))
        except Stale:
            if not again or not revision or len(draft.calls) > WHOLE:
                raise
    raise Stale(f"{change.workload} keeps changing.", hint="Look at it again, then repeat what you wanted to do.")


def _drafted(client: Client, scope: Scope, found: Found, change: Change) -> Draft:
    draft = drafting(type(change), found)
    return reasoned(draft(Asked(client=client, scope=scope, found=found), change), found, change)


def _check(found: Found, revision: str) -> None:
    if revision and revision not in (revision_of(found.document), found.metadata.get("resourceVersion")):
        hint = "Look at it again, then repeat what you wanted to do."
        raise Stale(f"{found.words} was changed since you looked at it.", hint=hint)


def _tried(client: Client, found: Found, draft: Draft) -> tuple[Obj | None, tuple[str, ...]]:
    """Send the draft as a dry run; give what the workload would become where the server says so, and notes."""
    became: Obj | None = None
    for call in draft.calls:
        if call.method == "DELETE":
            continue
        try:
            answer = _sent(client, call, DRY_RUN)
        except (Invalid, Unsupported) as refused:
            if WEBHOOK not in refused.detail:
                raise
            return None, (UNTRIED,)
        became = answer if call.path == found.path else became
    return became, (UNTAKEN,) if _untaken(found, draft, became) else ()


def _untaken(found: Found, draft: Draft, became: Obj | None) -> bool:
    """Say whether the workload stays as it is though something was to change."""
    return became is not None and not draft.already and bool(draft.differences) and part(became, "spec") == found.spec


def _done(client: Client, found: Found, draft: Draft, *, is_locked: bool) -> Applied:
    became: Obj | None = None
    done = ""
    for place, call in enumerate(draft.calls):
        # What comes before may move the workload itself: an autoscaler that is gone has scaled it a last time.
        sent = locked(call, found) if is_locked and place == 0 else call
        try:
            answer = _sent(client, sent, {})
        except RuntimeProblem as problem:
            problem.sentence = f"{done}{problem.sentence}"
            raise
        done += f"{call.done} " if call.done else ""
        became = answer if answer and call.path == found.path else became
    is_untaken, after = _untaken(found, draft, became), became or found.document
    return Applied(
        target=found.target,
        sentence=UNTAKEN if is_untaken else draft.sentence,
        revision=revision_of(after),
        generation=int(part(after, "metadata").get("generation") or 0),
        lasting=draft.lasting and not is_untaken,
        made=draft.made,
    )


def _sent(client: Client, call: Call, query: Mapping[str, str]) -> Obj:
    """Send one request; give what became of its object, nothing of one that is gone."""
    if call.method == "DELETE":
        client.delete(call.path, what=call.what, uid=call.uid, revision=call.revision)
        return {}
    asked = {**call.query, **query}
    answer: Obj = client.write(call.method, call.path, dict, call.body, what=call.what, query=asked, media=call.media)
    known_as(answer, OnlyMetadata, what=call.what)
    return answer


def _managers(found: Found) -> Iterator[str]:
    owner = found.owner or {}
    said = managed_by(
        found.metadata.get("labels"),
        found.annotations,
        owner=f"{owner.get('kind', '')} {owner.get('name', '')}".strip(),
    )
    if said:
        yield said
