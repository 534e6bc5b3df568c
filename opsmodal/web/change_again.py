"""Shows the fields of a change of a workload, or of the cleaning of images, again where it was refused.

The page has one form, with all that was typed and the refusal above it; it stands in for the small forms of the
Deployment tab and of the scaling page, which are far apart. What has no field (a restart, say), and programs, are
answered by the table of errors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from opsmodal.web.again import MENDED, grant_of, hint_of
from opsmodal.web.errors import count_refusal, known
from opsmodal.web.plans import LEFT_OUT
from opsmodal.web.respond import wants_json
from runtimes.errors import Missing

LABELS = {
    "replicas": "Pods",
    "min": "Minimum",
    "max": "Maximum",
    "cpu_percent": "CPU target, %",
    "image": "Image",
    "cpu_request": "CPU request",
    "cpu_limit": "CPU limit",
    "memory_request": "Memory request",
    "memory_limit": "Memory limit",
    "kind": "How pods are replaced",
    "max_surge": "Max surge",
    "max_unavailable": "Max unavailable",
    "partition": "Partition",
    "policy": "When it is started again",
    "retries": "Tries after a failure",
    "node": "Node",
}
"""The fields that somebody types into, in the words of their forms; the others are sent on unseen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """One field as it was sent; without a label it is not shown."""

    name: str
    text: str
    label: str = ""


def or_again(back: str, act: Callable[[], AnyResponse]) -> AnyResponse:
    """Act; where that is refused, show what was typed once more. `back` is the page that the form came from."""
    try:
        return act()
    except Missing:  # nothing is left that could be changed
        raise
    except MENDED as problem:
        if wants_json() or not any(name in LABELS for name in request.form):
            raise
        count_refusal(problem)
        fields = tuple(
            Typed(name=name, text=text, label=LABELS.get(name, ""))
            for name, text in request.form.items()
            if name not in LEFT_OUT
        )
        context = {"problem": problem, "hint": hint_of(problem), "grant": grant_of(problem), "fields": fields}
        return Response(render_template("deployment/again.html", back=back, **context), status=known(problem)[0])
