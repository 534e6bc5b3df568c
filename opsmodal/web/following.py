"""Send the lines of a job over a socket: batches with offsets, checked rights, one last frame with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from simple_websocket import ConnectionClosed, Server

from opsmodal.access import Access
from opsmodal.job import Job, Shown
from opsmodal.neighbours import AwayJob, Lost
from opsmodal.spool import Gone
from opsmodal.web.ansi import spans
from opsmodal.web.held import GOING_AWAY
from opsmodal.web.marks import Places
from opsmodal.web.sockets import send_frame

BATCH = 200
"""Lines per frame for a page: large enough for a fast log, small enough to show at once."""
RAW_BATCH = 2000
"""Lines per frame for a program; a frame of 20 MB/s holds a fiftieth of a second."""
WAIT_S = 1.0

_SHOWN = msgspec.json.Decoder(Shown)
"""Made once, here: see runtimes.structs."""


def send_lines(
    socket: Server,
    job: Job | AwayJob,
    offset: int,
    *,
    access: Access,
    with_spans: bool,
    places: Places | None,
) -> None:
    """Send frames `{job, offset, lines}`, then `{reason, sentence}`. Raise what `access` says to going on.

    With `places` each frame has marks, too, and the first one `began_at`.
    """
    send_frame(socket, {"job": job.id, "began_at": job.began_at, "offset": offset, "lines": []})
    while True:
        ended = job.ended
        records, offset = _read(socket, job, offset, limit=BATCH if with_spans else RAW_BATCH)
        access.demand()
        if records:
            frame = _frame([record for _, record in records], with_spans=with_spans, places=places)
            send_frame(socket, {"job": job.id, "offset": offset, **frame})
        elif ended:
            break
    send_frame(socket, {"reason": job.reason, "sentence": job.sentence})


def _read(socket: Server, job: Job | AwayJob, offset: int, *, limit: int) -> tuple[Sequence[tuple[int, bytes]], int]:
    try:
        records = job.read(offset, limit=limit, wait_s=WAIT_S)
    except Gone as gone:
        send_frame(socket, {"job": job.id, "offset": gone.first_offset, "lines": [], "lost": True})
        return (), gone.first_offset
    except Lost as lost:  # with its worker; the page comes back and goes on from its marks
        socket.close(GOING_AWAY, "The process that followed has ended.")
        raise ConnectionClosed from lost
    if not socket.connected:
        raise ConnectionClosed
    return records, (records[-1][0] + 1 if records else offset)


def _frame(records: Sequence[bytes], *, with_spans: bool, places: Places | None) -> Mapping[str, Any]:
    """Give lines as they lie in the spool, unless more is wanted: to read them takes longer than to send them."""
    if not with_spans and places is None:
        return {"lines": [msgspec.Raw(record) for record in records]}
    lines = [_SHOWN.decode(record) for record in records]
    marks = {"marks": places.after(lines)} if places else {}
    return {"lines": [_with_spans(line) for line in lines] if with_spans else lines, **marks}


def _with_spans(line: Shown) -> Mapping[str, Any]:
    fields = {"at": line.at, "instance": line.instance, "container": line.container, "stream": line.stream}
    return {**fields, "spans": [(span.text, " ".join(span.classes)) for span in spans(line.text)]}
