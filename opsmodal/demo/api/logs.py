"""Logs of containers: what pods/log answers, and in whose words it refuses.

Source: k8s.io/kubernetes pkg/registry/core/pod/strategy.go (LogLocation), pkg/kubelet/kubelet_pods.go.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from opsmodal.demo.api.requests import Answer, Request
from opsmodal.demo.clock import Clock, parsed
from opsmodal.demo.documents import Obj, dig, name_of, uid_of
from opsmodal.demo.life.output import NANOSECONDS, Journal, Line, Outputs, nanoseconds
from opsmodal.demo.problems import Cause, Problem, bad_request, invalid

TEXT = "text/plain"
LOOK_UP_S = 0.2
"""How often a followed log looks for new lines, and whether anybody still reads."""
CHUNK_BYTES = 16_384
DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What part of a log is wanted."""

    tail: int | None
    after_ns: int
    limit_bytes: int | None
    timestamps: bool
    follow: bool


def read_wish(request: Request, pod_name: str, now: datetime) -> Wish:
    """Read the parameters of a log request. Raise a 422 Problem for those that contradict."""
    tail, limit = request.number("tailLines"), request.number("limitBytes")
    since_s, since = request.number("sinceSeconds"), request.text("sinceTime")
    causes = []
    if tail is not None and tail < 0:
        causes.append(_bad("tailLines", tail, "must be greater than or equal to 0"))
    if limit is not None and limit < 1:
        causes.append(_bad("limitBytes", limit, "must be greater than 0"))
    if since_s is not None and since:
        words = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
        causes.append(Cause("FieldValueForbidden", "", words))
    if since_s is not None and since_s < 1:
        causes.append(_bad("sinceSeconds", since_s, "must be greater than 0"))
    if causes:
        raise invalid("PodLogOptions", "", pod_name, causes)
    after = nanoseconds(now - timedelta(seconds=since_s)) if since_s else -1
    if since:
        after = nanoseconds(_time(since)) - 1
    return Wish(
        tail=tail,
        after_ns=after,
        limit_bytes=limit,
        timestamps=request.flag("timestamps"),
        follow=request.flag("follow"),
    )


def _time(text: str) -> datetime:
    try:
        return parsed(text)
    except ValueError:
        raise bad_request(f"unable to decode query: parsing time {text!r} as RFC 3339") from None


def _bad(field: str, value: int, words: str) -> Cause:
    return Cause("FieldValueInvalid", field, f"Invalid value: {value}: {words}")


def container_of(pod: Obj, wanted: str) -> Obj:
    """Choose the container of a pod. Raise a 400 Problem when there is no such one, or the choice is open."""
    main, first = dig(pod, "spec", "containers") or [], dig(pod, "spec", "initContainers") or []
    if wanted:
        found = next((container for container in [*main, *first] if container["name"] == wanted), None)
        if found is None:
            raise bad_request(f"container {wanted} is not valid for pod {name_of(pod)}")
        return dict(found)
    if len(main) == 1:
        return dict(main[0])
    names = " ".join(container["name"] for container in main)
    words = f"a container name must be specified for pod {name_of(pod)}, choose one of: [{names}]"
    if first:
        words += f" or one of the init containers: [{' '.join(container['name'] for container in first)}]"
    raise bad_request(words)


def waiting_problem(pod: Obj, container: str) -> Problem:
    """Say why a container has no log yet."""
    name = name_of(pod)
    statuses = [*(dig(pod, "status", "containerStatuses") or ()), *(dig(pod, "status", "initContainerStatuses") or ())]
    status: Obj = next((item for item in statuses if item["name"] == container), {})
    reason = dig(status, "state", "waiting", "reason") or "ContainerCreating"
    head = f'container "{container}" in pod "{name}" is waiting to start: '
    if reason in ("ErrImagePull", "ErrImageNeverPull"):
        return bad_request(head + "image can't be pulled")
    if reason == "ImagePullBackOff":
        return bad_request(head + "trying and failing to pull image")
    return bad_request(head + reason)


def _shown(line: Line, timestamps: bool) -> bytes:
    if not timestamps:
        return line.text + b"\n"
    seconds, rest = divmod(line.nanoseconds, NANOSECONDS)
    moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{rest:09d}Z ".encode() + line.text + b"\n"


def _joined(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Join lines into chunks: a chunk for every line would make a long log slow."""
    chunk = bytearray()
    for piece in pieces:
        chunk += piece
        if len(chunk) >= CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)


def _cut(pieces: Iterable[bytes], limit: int | None) -> Iterator[bytes]:
    left = limit
    for piece in pieces:
        if left is None:
            yield piece
            continue
        yield piece[:left]
        left -= len(piece)
        if left <= 0:
            return


class Logs:
    """Serve pods/log."""

    def __init__(self, outputs: Outputs, clock: Clock) -> None:
        self._outputs = outputs
        self._clock = clock

    def answer(self, request: Request, pod: Obj) -> Answer:
        """Answer a log, or a stream of it. Raise a 400 Problem in the kubelet's words when there is none."""
        wish = read_wish(request, name_of(pod), self._clock.now())
        if not dig(pod, "spec", "nodeName"):
            return Answer(200, b"", TEXT)  # a real API server has nobody to ask yet, and says nothing
        container = str(container_of(pod, request.text("container"))["name"])
        journal = self._journal(pod, container, previous=request.flag("previous"))
        if wish.follow and not request.flag("previous"):
            return Answer(200, _cut(self._followed(journal, wish, request), wish.limit_bytes), TEXT)
        lines = self._lines(journal, wish, nanoseconds(self._clock.now()))
        shown = (_shown(line, wish.timestamps) for line in lines)
        return Answer(200, _joined(_cut(shown, wish.limit_bytes)), TEXT)

    def _journal(self, pod: Obj, container: str, *, previous: bool) -> Journal:
        journal = self._outputs.of(uid_of(pod), container, previous=previous)
        if journal:
            return journal
        if previous and self._outputs.of(uid_of(pod), container):
            raise bad_request(f'previous terminated container "{container}" in pod "{name_of(pod)}" not found')
        raise waiting_problem(pod, container)

    @staticmethod
    def _lines(journal: Journal, wish: Wish, until_ns: int) -> Iterable[Line]:
        if wish.tail is None:
            return journal.between(wish.after_ns, until_ns)
        return [line for line in journal.tail(wish.tail, until_ns) if line.nanoseconds > wish.after_ns]

    def _followed(self, journal: Journal, wish: Wish, request: Request) -> Iterator[bytes]:
        ended = journal.ended
        until_ns = nanoseconds(self._clock.now())
        yield from _joined(_shown(line, wish.timestamps) for line in self._lines(journal, wish, until_ns))
        while not (ended or request.ending() or request.gone()):
            time.sleep(LOOK_UP_S)
            ended, last_ns = journal.ended, until_ns
            until_ns = nanoseconds(self._clock.now())
            yield from _joined(_shown(line, wish.timestamps) for line in journal.between(last_ns, until_ns))
