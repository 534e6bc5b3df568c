"""Jobs, as people and the API call tasks: each is read, followed and stopped, as page and in the API."""

from __future__ import annotations

import dataclasses

import msgspec
from flask import Response, flash, redirect, url_for
from simple_websocket import Server
from werkzeug.wrappers import Response as AnyResponse

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.tasks import Task
from opsmodal.web.asking import access, actor, operations
from opsmodal.web.respond import done, json_answer, respond, wants_json
from opsmodal.web.routes import API, Routes
from opsmodal.web.sockets import Sockets, send_frame

routes = Routes("jobs")
sockets = Sockets("jobs")
ONE = "/services/<service>/jobs/<job>"
WAIT_S = 1.0
"""How soon a socket whose right has ended sees that."""


@routes.get(ONE, actions.JOB_VIEW, Task)
def one(service: str, job: str) -> AnyResponse:
    """Read how far a job is: `{state: running|done|failed|stopped, sentence, steps, started_at, error, hint}`."""
    value = operations().tasks.get(actor(), service, job)
    may_stop = operations().tasks.may_stop(actor(), service)
    return respond(value, "job.html", service=service, may_stop=may_stop)


@routes.delete(ONE, actions.JOB_STOP, Task)
def stop(service: str, job: str) -> AnyResponse:
    """Stop a job. What it has begun in the cluster may go on."""
    value = operations().tasks.stop(actor(), service, job)
    if wants_json():
        return json_answer(value)
    flash(value.sentence if value.is_over else "It ends with its next step.")
    return redirect(url_for("page.jobs_one", service=service, job=job), code=303)


@sockets.route(f"{ONE}/events", actions.JOB_VIEW)
def events(socket: Server, service: str, job: str) -> None:
    """Follow a job: a frame as `GET` answers whenever something changes; the last is the one that is over."""
    mine = access()
    wait = operations().tasks.follow(mine.basis.actor, service, job)
    task, changes = operations().tasks.get(mine.basis.actor, service, job), mine.changes
    send_frame(socket, _values(task))
    while not task.is_over and socket.connected:
        after = wait(WAIT_S)
        mine.demand()
        if mine.changes != changes:  # what was waited for was seen by rights that are others now
            wait, changes = operations().tasks.follow(mine.basis.actor, service, job), mine.changes
        elif after != task:
            task = after
            send_frame(socket, _values(task))


def begun(value: Done, task: Task | None, *, to: str) -> AnyResponse:
    """Answer a change: 202 with where its job is, for one that goes on; else as `done`. A page goes back `to`."""
    if task is None or not wants_json():
        return done(value, to=to)
    response: Response = json_answer(task, status=202)
    response.headers["Location"] = f"{API}/services/{task.service}/jobs/{task.id}"
    return response


def _values(task: Task) -> dict[str, object]:
    values: dict[str, object] = msgspec.to_builtins(dataclasses.asdict(task))
    return values
