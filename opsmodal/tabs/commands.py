"""The Commands tab: lines are checked, run, followed, stopped and read again, as page and in the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, redirect, render_template, request, url_for
from simple_websocket import Server
from werkzeug.wrappers import Response as AnyResponse

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.commands.job import Readable
from opsmodal.errors import CommandNotPermitted, CommandRefused
from opsmodal.guard.verdict import Decision
from opsmodal.guard.world import Mode
from opsmodal.listing import parsed
from opsmodal.operations.command_answers import (
    CheckAnswer,
    CommandAnswer,
    CommandBody,
    CommandRequest,
    CommandsAnswer,
    Completions,
    OneShotAnswer,
    StreamingAnswer,
)
from opsmodal.operations.command_past import HistoryQuery
from opsmodal.web.asking import REFRESH, access, actor, operations
from opsmodal.web.bodies import sent_as
from opsmodal.web.command_output import send_output
from opsmodal.web.errors import count_refusal, known
from opsmodal.web.leaving import leaving
from opsmodal.web.origin import demand_own_visit
from opsmodal.web.respond import consent, done, flag, json_answer, wants_json
from opsmodal.web.routes import LIST_PARAMETERS, Parameter, Routes
from opsmodal.web.sockets import Sockets

routes = Routes("commands")
sockets = Sockets("commands")
ALL = "/services/<service>/commands"
ONE = f"{ALL}/<command>"
NUMBER_MAX_DIGITS = 15
"""Python itself refuses to read numbers of thousands of digits."""
LINE_MAX_CHARS = 4096
HISTORY_PARAMETERS = tuple(each for each in LIST_PARAMETERS if each.name != "sort")
COMPLETION_PARAMETERS = (
    Parameter(name="line", description="The line as it stands"),
    Parameter(name="at", description="Where the cursor is; the end without it", schema={"type": "integer"}),
    Parameter(name="instance", description="The container that was chosen, on engines"),
    Parameter(name="mode", description="How it is to run", schema={"enum": ["oneshot", "streaming"]}),
)
OUTPUT_PARAMETERS = (
    Parameter(name="offset", description="From this offset on: that of the last frame", schema={"type": "integer"}),
    Parameter(name="spans", description="Output as spans with colour classes", schema={"type": "boolean"}),
)


@routes.get(ALL, actions.COMMANDS_VIEW, CommandsAnswer, parameters=HISTORY_PARAMETERS)
def read(service: str) -> AnyResponse:
    """Read what can be typed here, within which limits, and what you typed before."""
    return _shown(service)


@routes.post(ALL, actions.COMMAND_RUN, OneShotAnswer, body=CommandBody, other_answers=[(201, StreamingAnswer)])
def run(service: str) -> AnyResponse:
    """Run a line: once, with its output in the answer; or as a stream, which answers 201 with its id."""
    wanted = _wanted()
    act = _start if wanted.mode is Mode.STREAMING else _run
    return _or_refused(service, wanted, lambda: act(service, wanted))


@routes.post(f"{ALL}/check", actions.COMMANDS_VIEW, CheckAnswer, body=CommandBody)
def check(service: str) -> AnyResponse:
    """Say whether a line may run, by which rule, and what would run; nothing does."""
    wanted = _wanted()
    value = operations().commands.check(actor(), service, wanted)
    return json_answer(value) if wants_json() else _shown(service, typed=wanted, check=value)


@routes.get(f"{ALL}/completions", actions.COMMANDS_VIEW, Completions, parameters=COMPLETION_PARAMETERS, page=None)
def completions(service: str) -> AnyResponse:
    """Give the words that fit into a line where the cursor is."""
    args = request.args
    line = args.get("line", "")[:LINE_MAX_CHARS]
    mode = Mode.STREAMING if args.get("mode") == Mode.STREAMING else Mode.ONESHOT
    wanted = CommandRequest(command=line, instance=args.get("instance", ""), mode=mode)
    at = _number(args.get("at", ""), default=len(line))
    return json_answer(operations().commands.complete(actor(), service, wanted, at))


@routes.get(ONE, actions.COMMANDS_VIEW, CommandAnswer)
def one(service: str, command: str) -> AnyResponse:
    """Read one command with its output, as far as it has come or is kept."""
    # A page asks for itself every few seconds, and has the output by its socket.
    value = operations().commands.record(actor(), service, command, with_output=REFRESH not in request.headers)
    return json_answer(value) if wants_json() else _shown(service, record=value)


@routes.get(f"{ONE}/text", actions.COMMANDS_VIEW, str, media_type="text/plain")
def text(service: str, command: str) -> AnyResponse:
    """Take the output of a command away as a file."""
    demand_own_visit(request)
    response = Response(operations().commands.text(actor(), service, command), mimetype="text/plain")
    response.headers["Content-Disposition"] = f'attachment; filename="{service}-{command}.txt"'
    return response


@routes.delete(ONE, actions.COMMAND_STOP, Done)
def stop(service: str, command: str) -> AnyResponse:
    """Stop a command."""
    value = operations().commands.stop(actor(), service, command)
    return done(value, to=url_for("page.commands_one", service=service, command=command))


@sockets.route(f"{ONE}/output", actions.COMMANDS_VIEW, parameters=OUTPUT_PARAMETERS)
def output(socket: Server, service: str, command: str) -> None:
    """Follow a command: frames `{offset, stream, data}`, then `{exit_code, reason, sentence, duration_ms, bytes}`."""
    mine = access()
    offset = _number(request.args.get("offset", ""), default=0)

    def find() -> Readable:
        return operations().commands.output(mine.basis.actor, service, command)

    send_output(socket, find, offset, access=mine, with_spans=flag("spans"))


def _number(given: str, *, default: int) -> int:
    """Read a place; anything that was never one is the default."""
    return int(given) if given.isascii() and given.isdigit() and len(given) <= NUMBER_MAX_DIGITS else default


def _run(service: str, wanted: CommandRequest) -> AnyResponse:
    is_gone = leaving(request.environ)
    value = operations().commands.run(actor(), service, wanted, consent=consent(), is_gone=is_gone)
    return json_answer(value) if wants_json() else _shown(service, typed=wanted, result=value)


def _start(service: str, wanted: CommandRequest) -> AnyResponse:
    value = operations().commands.start(actor(), service, wanted, consent=consent())
    if wants_json():
        return json_answer(value, status=201)
    return redirect(url_for("page.commands_one", service=service, command=value.id), code=303)


def _wanted() -> CommandRequest:
    body = sent_as(CommandBody)
    return CommandRequest(command=body.command, instance=body.instance or "", mode=body.mode)


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
    query = _query()
    value = operations().commands.read(actor(), service, query)
    if wants_json():
        return json_answer(value)
    page = render_template("commands/commands.html", value=value, service=service, query=query, **context)
    return Response(page, status=status)


def _query() -> HistoryQuery:
    """Read which part of the history is wanted; its cursor is a place and no number."""
    args = request.args.to_dict()
    cursor = args.pop("cursor", "")
    query = parsed(args, sorts=())
    return HistoryQuery(limit=query.limit, search=query.search, cursor=cursor)
