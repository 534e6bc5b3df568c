"""The Logs tab: a snapshot as page, text or JSON lines, a download, and the socket that follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
from flask import Response, request
from simple_websocket import Server
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from opsmodal import actions
from opsmodal.answers import InstanceRow
from opsmodal.durations import moment
from opsmodal.errors import BadRequest
from opsmodal.listing import ListQuery
from opsmodal.operations.logs import LogRequest, Primed
from opsmodal.web.ansi import spans
from opsmodal.web.asking import access, actor, operations
from opsmodal.web.following import send_lines
from opsmodal.web.logfile import joined, log_file, prefix
from opsmodal.web.marks import Places, receive_left
from opsmodal.web.origin import demand_own_visit
from opsmodal.web.respond import flag, respond, wants_json
from opsmodal.web.routes import Parameter, Routes
from opsmodal.web.sockets import Sockets
from runtimes.base import LogLine, LogQuery, LogSource

routes = Routes("logs")
sockets = Sockets("logs")

INSTANCES_OFFERED = 1000
OFFSET_MAX_DIGITS = 15
"""A line every microsecond for thirty years; Python itself refuses to read numbers of thousands of digits."""
NDJSON = "application/x-ndjson"
PARAMETERS = (
    Parameter(name="instance", description="An instance, or * for all merged by time"),
    Parameter(name="container", description="A container; empty for the first, * for all"),
    Parameter(name="tail", description="The last N lines", schema={"type": "integer", "minimum": 0}),
    Parameter(name="since", description="A span (10m, 1h30m) or a moment (RFC 3339)"),
    Parameter(name="previous", description="The run before the last restart", schema={"type": "boolean"}),
    Parameter(name="timestamps", description="Put the time before each line", schema={"type": "boolean"}),
    Parameter(name="search", description="Only lines that contain this text"),
    Parameter(
        name="download", description="All lines, as a file; of one instance to the byte", schema={"type": "boolean"}
    ),
)
FOLLOW_PARAMETERS = (
    *(each for each in PARAMETERS if each.name not in ("previous", "timestamps", "download")),
    Parameter(name="job", description="Go on with this follow"),
    Parameter(name="offset", description="From this offset on: the last one received", schema={"type": "integer"}),
    Parameter(name="marks", description="Say with each frame how far each log has come", schema={"type": "boolean"}),
    Parameter(name="resume", description="Go on from the marks in the first message", schema={"type": "boolean"}),
    Parameter(name="spans", description="Lines as spans with colour classes", schema={"type": "boolean"}),
)


@routes.get("/services/<service>/logs", actions.LOGS_READ, LogLine, parameters=PARAMETERS, media_type="text/plain")
def read(service: str) -> AnyResponse:
    """Read log lines: text, or JSON lines when asked for by Accept."""
    wanted = _wanted(request.args)
    if not wants_json() and not wanted.download:
        return _page(service, wanted)
    if wanted.download:
        demand_own_visit(request)
    if request.method == "HEAD":  # nobody reads what would be opened for it, and so nobody would close it
        operations().logs.demand(actor(), service)
        return Response(mimetype="text/plain")
    response = _streamed(operations().logs.read(actor(), service, wanted), wanted)
    if wanted.download:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        response.headers["Content-Disposition"] = f'attachment; filename="{service}-{stamp}.log"'
    return response


@routes.get("/services/<service>/logs/sources", actions.LOGS_READ, tuple[LogSource, ...], page=None)
def sources(service: str) -> AnyResponse:
    """List logs that cannot be read or only in part, each with why, and those of replaced containers that are kept."""
    return respond(operations().logs.sources(actor(), service), "logs/logs.html")


@sockets.route("/services/<service>/logs/follow", actions.LOGS_FOLLOW, parameters=FOLLOW_PARAMETERS)
def follow(socket: Server, service: str) -> None:
    """Follow: JSON frames `{job, offset, lines}`; come back with `job` and `offset` to go on where it stopped.

    With `marks` each frame says how far each log has come, too. With `resume` the first message must be `{began_at,
    marks}`, all that were received by then: the follow goes on there even if its job is gone.
    """
    args, logs, who = request.args, operations().logs, actor()
    left, offset = receive_left(socket) if flag("resume") else None, _offset(args.get("offset", ""))
    job = logs.job(who, service, args["job"], demanded=left is None) if args.get("job") else None
    if job is None:
        wanted, offset = _wanted(args), 0
        job = logs.follow(who, service, replace(wanted, query=left.going_on(wanted.query)) if left else wanted)
    send_lines(
        socket,
        job,
        offset,
        access=access(),
        with_spans=flag("spans"),
        places=Places(left.marks if left else {}) if left or flag("marks") else None,
    )


def _page(service: str, wanted: LogRequest) -> AnyResponse:
    operations().logs.demand(actor(), service)
    offered = operations().instances.list(actor(), service, ListQuery(limit=INSTANCES_OFFERED, sort="name")).items
    special = operations().logs.sources(actor(), service)
    query = wanted.query
    silent = next((each for each in special if not each.readable and query.instance in (each.id, each.name)), None)
    asked = bool(request.args.get("instance") or request.args.get("view")) and silent is None
    lines = list(operations().logs.read(actor(), service, wanted)) if asked else None
    return respond(
        lines,
        "logs/logs.html",
        service=service,
        wanted=wanted,
        stamps=flag("timestamps"),
        instances=offered,
        containers=_containers(offered),
        sources=_many(wanted),
        spans=spans,
        asked=asked,
        special=special,
        silent=silent,
    )


def _streamed(lines: Primed, wanted: LogRequest) -> Response:
    if _as_json_wanted():
        response = Response(joined(_as_json(lines)), mimetype=NDJSON)
    else:
        written = log_file if wanted.download else _as_text
        text = written(lines, stamps=flag("timestamps"), sources=_many(wanted))
        response = Response(joined(text), mimetype="text/plain")
    response.call_on_close(lines.close)
    return response


def _as_json_wanted() -> bool:
    offered = ["text/plain", NDJSON, "application/json"]
    return request.accept_mimetypes.best_match(offered) in (NDJSON, "application/json")


def _containers(offered: Iterable[InstanceRow]) -> list[str]:
    return sorted({container.name for row in offered for container in row.containers})


def _many(wanted: LogRequest) -> bool:
    return wanted.query.instance == "*" or wanted.query.container == "*"


def _wanted(args: MultiDict[str, str]) -> LogRequest:
    download = flag("download")
    tail = args.get("tail", "")
    if tail and not (tail.isascii() and tail.isdigit() and len(tail) < 10):
        raise BadRequest("tail must be a whole number of lines.")
    query = LogQuery(
        instance=args.get("instance") or "*",
        container=args.get("container", ""),
        tail=int(tail) if tail else (None if download else operations().logs.lines_default),
        since=moment(args.get("since", ""), now=datetime.now(UTC)),
        previous=flag("previous"),
    )
    exact = download and query.since is None and not flag("timestamps") and not _as_json_wanted()
    return LogRequest(query=replace(query, exact=exact), search=args.get("search", ""), download=download)


def _offset(text: str) -> int:
    """Read where to go on; from the start for anything that was never an offset."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= OFFSET_MAX_DIGITS else 0


def _as_text(lines: Iterable[LogLine], *, stamps: bool, sources: bool) -> Iterator[bytes]:
    for line in lines:
        yield f"{prefix(line, stamps=stamps, sources=sources)}{line.text}\n".encode()


def _as_json(lines: Iterable[LogLine]) -> Iterator[bytes]:
    encode = msgspec.json.Encoder().encode
    for line in lines:
        yield encode(line) + b"\n"
