"""Shows a form of the Config tab again where what it sent cannot be: with all that was typed, the mistake beside it.

A right that the cluster's identity lacks is said there too, with the role that would give it. Programs, and what no
form can mend (a permission of the person's own, say), are answered by the table of errors.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from connectors.errors import ConnectionProblem
from opsmodal.operations.config_answers import ConfigAnswer
from opsmodal.operations.config_objects import Target
from opsmodal.web.again import MENDED
from opsmodal.web.asking import actor, operations
from opsmodal.web.config_form import ROWS_SHOWN_MAX, Sent
from opsmodal.web.config_rows import ConfigForm, form_again, form_anew
from opsmodal.web.errors import count_refusal, known
from opsmodal.web.respond import wants_json
from runtimes.errors import Missing, RuntimeProblem


def or_again(service: str, target: Target, sent: Sent | None, act: Callable[[], AnyResponse]) -> AnyResponse:
    """Act; where that cannot be, show the form once more. `sent` is None for what no form sent."""
    try:
        return act()
    except MENDED as problem:
        if sent is None or wants_json():
            raise
        count_refusal(problem)
        is_new = "name" not in (request.view_args or {})
        again = form_anew if isinstance(problem, Missing) and not is_new else form_again
        form = again(sent, request.form, holder=target.holder, name=target.name, error=problem)
        is_new = is_new or again is form_anew
        page = new_page(service, form) if is_new else edit_page(service, form, _now(service, target))
        return Response(page, status=known(problem)[0])


def new_page(service: str, form: ConfigForm) -> str:
    """Render the form of a new one."""
    return render_template("config/new.html", service=service, form=form)


def edit_page(service: str, form: ConfigForm, value: ConfigAnswer | None) -> str:
    """Render the form that changes one; `value` is what there is, None where that cannot be read."""
    return render_template("config/edit.html", service=service, form=form, value=value, rows_max=ROWS_SHOWN_MAX)


def _now(service: str, target: Target) -> ConfigAnswer | None:
    """Read what is said around the form: who uses it and who else writes it, without values."""
    try:
        return operations().config.get(actor(), service, target)
    except (RuntimeProblem, ConnectionProblem):
        return None
