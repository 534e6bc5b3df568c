"""The audit page, its entries one by one, and its export."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from opsmodal import actions
from opsmodal.audit.exporting import FORMATS
from opsmodal.audit.forwarding import Forwarded
from opsmodal.audit.reading import EXACT, VERDICTS, Entry, EntryQuery
from opsmodal.durations import moment
from opsmodal.listing import ListQuery, Page, parsed
from opsmodal.web.asking import actor, operations
from opsmodal.web.origin import demand_own_visit
from opsmodal.web.respond import respond, wants_json
from opsmodal.web.routes import LIST_PARAMETERS, Parameter, Routes

routes = Routes("audit")
TIMES = ("since", "until")
_MOMENT = "A moment (RFC 3339) or an age such as 7d"
CHOICES = {"action": sorted(actions.KNOWN), "verdict": VERDICTS}
"""What the page offers: asking the log for what is in it would read all of it."""
PARAMETERS = (
    *(each for each in LIST_PARAMETERS if each.name != "sort"),
    *(Parameter(name=name, description=f"Only rows of this {name}") for name in EXACT),
    *(Parameter(name=name, description=f"{_MOMENT}: only rows {name} then") for name in TIMES),
)
SINCE = Parameter(name="since", description=f"{_MOMENT}: only rows since then")
FORMAT = Parameter(name="format", description="How it is written", schema={"type": "string", "enum": list(FORMATS)})


@routes.get("/audit", actions.AUDIT_VIEW, Page[Entry], parameters=PARAMETERS)
def listing() -> AnyResponse:
    """List what was done and refused, newest first."""
    query = parsed(request.args, sorts=(), filters=(*EXACT, *TIMES))
    auditing = operations().auditing
    value = auditing.list(actor(), _wanted(query))
    targets = () if wants_json() else auditing.forwarding(actor()).items
    return respond(value, "audit/audit.html", query=query, choices=CHOICES, targets=targets)


@routes.get(
    "/audit/export",
    actions.AUDIT_EXPORT,
    str,
    parameters=(FORMAT, SINCE),
    media_type="application/x-ndjson",
    other_media_types=("text/csv",),
)
def export() -> AnyResponse:
    """Take every row away, as it stands, with its hash."""
    demand_own_visit(request)
    kind = request.args.get("format", "jsonl")
    lines = operations().auditing.export(actor(), kind, since=_moment("since"))
    answer = Response(lines, mimetype=FORMATS[kind][1])
    answer.headers["Content-Disposition"] = f"attachment; filename=opsmodal-audit.{kind}"
    return answer


@routes.get("/audit/forwarding", actions.AUDIT_VIEW, Page[Forwarded])
def forwarding() -> AnyResponse:
    """List the targets that the audit log is forwarded to, and how far each has got."""
    return respond(operations().auditing.forwarding(actor()), "audit/forwarding.html")


@routes.get("/audit/<number>", actions.AUDIT_VIEW, Entry)
def one(number: str) -> AnyResponse:
    """Read everything about one entry."""
    return respond(operations().auditing.one(actor(), number), "audit/entry.html")


def _wanted(query: ListQuery) -> EntryQuery:
    return EntryQuery(
        **{name: query.filters.get(name, "") for name in EXACT},
        search=query.search,
        since=_moment("since"),
        until=_moment("until"),
        before=query.cursor,
        limit=query.limit,
    )


def _moment(name: str) -> datetime | None:
    """Read a moment of the query: as it is, or an age. Raise BadRequest."""
    return moment(request.args.get(name, ""), now=datetime.now(UTC))
