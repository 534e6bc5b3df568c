"""The Commands tab: lines are checked, run, followed, stopped and read again, as page and in the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from opsmodal import actions
from opsmodal.errors import CommandNotPermitted, CommandRefused
from opsmodal.guard.verdict import Decision
from opsmodal.listing import parsed
from opsmodal.operations.command_answers import (
    CheckAnswer,
    CommandBody,
    CommandRequest,
    CommandsAnswer,
    OneShotAnswer,
)
from opsmodal.web.asking import actor, operations
from opsmodal.web.bodies import sent_as
from opsmodal.web.errors import count_refusal, known
from opsmodal.web.leaving import leaving
from opsmodal.web.respond import consent, json_answer, wants_json
from opsmodal.web.routes import LIST_PARAMETERS, Routes

routes = Routes("commands")
ALL = "/services/<service>/commands"
ONE = f"{ALL}/<command>"
HISTORY_PARAMETERS = tuple(each for each in LIST_PARAMETERS if each.name != "sort")


@routes.get(ALL, actions.COMMANDS_VIEW, CommandsAnswer, parameters=HISTORY_PARAMETERS)
def read(service: str) -> AnyResponse:
    """Read what can be typed here, within which limits, and what you typed before."""
    return _shown(service)


@routes.post(ALL, actions.COMMAND_RUN, OneShotAnswer, body=CommandBody)
def run(service: str) -> AnyResponse:
    """Run a line: once, with its output in the answer; or as a stream, which answers 201 with its id."""
    wanted = _wanted()
    return _or_refused(service, wanted, lambda: _run(service, wanted))


@routes.post(f"{ALL}/check", actions.COMMANDS_VIEW, CheckAnswer, body=CommandBody)
def check(service: str) -> AnyResponse:
    """Say whether a line may run, by which rule, and what would run; nothing does."""
    wanted = _wanted()
    value = operations().commands.check(actor(), service, wanted)
    return json_answer(value) if wants_json() else _shown(service, typed=wanted, check=value)


def _run(service: str, wanted: CommandRequest) -> AnyResponse:
    is_gone = leaving(request.environ)
    value = operations().commands.run(actor(), service, wanted, consent=consent(), is_gone=is_gone)
    return json_answer(value) if wants_json() else _shown(service, typed=wanted, result=value)


def _wanted() -> CommandRequest:
    body = sent_as(CommandBody)
    return CommandRequest(command=body.command, instance=body.instance, mode=body.mode)


def _or_refused(service: str, wanted: CommandRequest, act: Callable[[], AnyResponse]) -> AnyResponse:
    """Act; a refused line is shown on its page with the reason. Programs are answered by the table of errors."""
    try:
        return act()
    except (CommandRefused, CommandNotPermitted) as refused:
        if wants_json():
            raise
        count_refusal(refused)
        check = CheckAnswer(
            decision=Decision.REFUSE,
            rule=refused.rule,
            reason=refused.sentence,
            hint=refused.hint,
            suggestion=getattr(refused, "suggestion", ""),
        )
        return _shown(service, status=known(refused)[0], typed=wanted, check=check)


def _shown(service: str, *, status: int = 200, **context: Any) -> AnyResponse:
    """Show the tab, with what became of a line."""
    query = parsed(request.args, sorts=())
    value = operations().commands.read(actor(), service, query)
    if wants_json():
        return json_answer(value)
    page = render_template("commands/commands.html", value=value, service=service, query=query, **context)
    return Response(page, status=status)
