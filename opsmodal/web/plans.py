"""The plan of a change: JSON for programs, for people a page (or dialog) that asks before it is done.

The form of the plan sends on what was sent, with the revision that was looked at.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from opsmodal.operations.previews import Preview
from opsmodal.web.respond import flag, json_answer, said, wants_json
from opsmodal.web.routes import Parameter

PREVIEW = Parameter(name="preview", description="Only say what would change: a plan", schema={"type": "boolean"})
REVISION = Parameter(name="revision", description="What was looked at: 412 when it has moved since")
LEFT_OUT = frozenset({"preview", "confirm", "reason", "revision"})
"""Fields that a plan asks for anew, or answers itself."""


def is_preview() -> bool:
    """Tell whether only the plan is wanted: said once, in body or query, is enough. What was done stays done."""
    queries = [said(text, "preview") for text in request.args.getlist("preview")]
    return flag("preview") or any(queries)


def planned(
    preview: Preview, *, back: str, sent: Mapping[str, str] | None = None, leaves: bool = False, also: str = ""
) -> AnyResponse:
    """Answer a plan; `back` is where a person goes who does not want it.

    `sent` is what the form sends on, where that is not what came in (a file that was chosen, say). `leaves`: what is
    done leads to another page. `also` says where a reason goes beside the audit log.
    """
    if wants_json():
        return json_answer(preview.plan)
    fields = request.form if sent is None else sent
    kept = {name: value for name, value in fields.items() if name not in LEFT_OUT}
    context = {"preview": preview, "plan": preview.plan, "kept": kept, "back": back, "leaves": leaves, "also": also}
    return Response(render_template("plan.html", **context))
