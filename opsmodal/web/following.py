"""Send the lines of a job over a socket: batches with offsets, checked rights, one last frame with the reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simple_websocket import ConnectionClosed, Server

from opsmodal.spool import Gone
from opsmodal.streams import Job
from opsmodal.web.ansi import spans
from opsmodal.web.sockets import send_frame
from runtimes.base import LogLine

BATCH = 200
"""Lines per frame: large enough for a fast log, small enough to show at once."""
WAIT_S = 1.0
RIGHTS_CHECK_S = 2.0
"""How often a running follow asks the door again: a right that ends must end the stream within 5 s."""


def send_lines(socket: Server, job: Job, offset: int, *, go_on: Callable[[], None], with_spans: bool) -> None:
    """Send frames `{job, offset, lines}`, then `{reason, sentence}`. Raise what `go_on` raises."""
    checked = time.monotonic()
    send_frame(socket, {"job": job.id, "offset": offset, "lines": []})
    while True:
        if time.monotonic() - checked > RIGHTS_CHECK_S:
            go_on()
            checked = time.monotonic()
        ended = job.ended
        records, offset = _read(socket, job, offset)
        if records:
            lines = [_line(line, with_spans=with_spans) for _, line in records]
            send_frame(socket, {"job": job.id, "offset": offset, "lines": lines})
        elif ended:
            break
    send_frame(socket, {"reason": job.reason, "sentence": job.sentence})


def _read(socket: Server, job: Job, offset: int) -> tuple[Sequence[tuple[int, LogLine]], int]:
    try:
        records = job.read(offset, limit=BATCH, wait_s=WAIT_S)
    except Gone as gone:
        send_frame(socket, {"job": job.id, "offset": gone.first_offset, "lines": [], "lost": True})
        return (), gone.first_offset
    if not socket.connected:
        raise ConnectionClosed
    return records, (records[-1][0] + 1 if records else offset)


def _line(line: LogLine, *, with_spans: bool) -> Mapping[str, Any]:
    fields = {"at": line.at, "instance": line.instance, "container": line.container, "stream": line.stream}
    if with_spans:
        return {**fields, "spans": [(span.text, " ".join(span.classes)) for span in spans(line.text)]}
    return {**fields, "text": line.text}
