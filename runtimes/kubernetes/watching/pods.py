"""Lists and watches the pods of one namespace for a live collection, decoded straight into what the pages need.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Iterator

import msgspec

from runtimes.errors import Expired, Unavailable
from runtimes.kubernetes.api import answers, paths
from runtimes.kubernetes.api.answers import Asked
from runtimes.kubernetes.api.chunks import Chunks
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.objects.common import OnlyMetadata, Status, WatchEvent
from runtimes.kubernetes.objects.held import Condition, HeldContainer, HeldPod, State
from runtimes.kubernetes.pods.status import all_statuses
from runtimes.replica import Change, Did, Listed
from runtimes.watched import ListPage

QUIET_S = 95.0
"""A watch silent for longer should have been ended by the server: the line is dead."""
WATCH_MIN_S, WATCH_MAX_S = 62, 75
"""How long the server is asked to let a watch last: longer than a minute, so that an idle namespace costs no more than
a request a minute for each kind, and hardly longer, since rights are looked at only when it is opened: those that ended
are seen to have ended within these. A proxy that cuts after 60 s of quiet has it opened again, which is no more."""
PAGE_ITEMS = 2_500
"""Five of kubectl's pages: each request waits for the server. Of a real 1.36, busy as it was, 5,000 pods came in 0.5 s
by 2,000 and in 0.7 s by 500. Larger pages cost memory: one is held as JSON, some 12 MB, while it is read.
"""
EVENT_MAX_BYTES = 16 * 1024 * 1024
"""An object may have 1.5 MB in etcd; as JSON it may be some times that."""

SHARED_MAX = 20_000
"""Different values that are shared at most; then they are collected anew."""
TELLING = ("PodScheduled", "Initialized", "Ready")
"""The conditions that rows and their colours come from."""
HOLDING = {kind: Condition(type=kind, status="True") for kind in TELLING}
NO_STATE = State()

_put = msgspec.structs.force_setattr
_EVENT = msgspec.json.Decoder(WatchEvent)
_POD = msgspec.json.Decoder(HeldPod)
_ONLY = msgspec.json.Decoder(OnlyMetadata)
_STATUS = msgspec.json.Decoder(Status)


class PodSource:
    """The pods of one namespace."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._path = paths.collection(namespace, "pods")
        self._shared = Shared()

    def list(self, next_page: str) -> ListPage[HeldPod]:
        """Read a page, always of what is true now.

        resourceVersion=0 is not used: what it gives may be older than what was shown a moment ago. Servers from 1.31
        on answer the truth from memory as well.
        """
        page = self._client.page(self._path, msgspec.Raw, what="pods", position=next_page, limit=PAGE_ITEMS)
        try:
            listed = [self._listed(each) for each in page.items or ()]
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            asked = Asked(server=self._client.server, runtime="", what="pods")
            raise answers.undecodable(b"{", asked) from error
        return ListPage(items=listed, version=page.metadata.resource_version, next_page=page.metadata.continue_)

    def _listed(self, raw: msgspec.Raw) -> Listed[HeldPod]:
        # One by one: what is shared then leaves its room to the next pod, not holes between those that stay.
        pod = self._shared.pod(_POD.decode(raw))
        return Listed(key=pod.metadata.name, version=pod.metadata.resource_version, item=pod)

    def watch(self, version: str) -> PodEvents:
        """Open what happens to them after `version`."""
        seconds = random.randint(WATCH_MIN_S, WATCH_MAX_S)  # noqa: S311  spreads load, no secret
        query: dict[str, str | int | None] = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": seconds,
        }
        chunks = self._client.stream(self._path, what="the watch of pods", query=query, quiet_s=QUIET_S)
        asked = Asked(server=self._client.server, runtime="", what="the watch of pods")
        return PodEvents(chunks, asked, self._shared)


class PodEvents:
    """The events of one watch. `close()` ends it from any thread."""

    def __init__(self, chunks: Chunks, asked: Asked, shared: Shared) -> None:
        self._chunks = chunks
        self._asked = asked
        self._shared = shared

    def __iter__(self) -> Iterator[Change[HeldPod]]:
        for line in lines(self._chunks):
            if line:
                yield change(line, self._asked, self._shared)

    def close(self) -> None:
        self._chunks.close()


def lines(chunks: Iterable[bytes], *, max_bytes: int = EVENT_MAX_BYTES) -> Iterator[bytes]:
    """Put lines together out of pieces of any size; what has no end is dropped. Raise Unavailable for too long ones."""
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        *whole, rest = chunk.split(b"\n")
        for piece in whole:
            yield b"".join((*parts, piece))
            parts.clear()
            size = 0
        parts.append(rest)
        size += len(rest)
        if size > max_bytes:
            raise Unavailable(f"The API server sent an event of more than {max_bytes:,} bytes.")


def change(line: bytes, asked: Asked, shared: Shared) -> Change[HeldPod]:
    """Read one line of a watch. Raise what an ERROR event says, Expired for what cannot be read."""
    try:
        event = _EVENT.decode(line)
        if event.type == "ERROR":
            raise answers.refused(_STATUS.decode(event.object).code or 500, bytes(event.object), asked)
        if event.type == "BOOKMARK":
            return Change(did=Did.BOOKMARK, version=_ONLY.decode(event.object).metadata.resource_version)
        pod = _POD.decode(event.object)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Expired(f"The API server at {asked.server} sent an event that cannot be read.") from error
    did = Did.GONE if event.type == "DELETED" else Did.PUT
    return Change(did=did, version=pod.metadata.resource_version, key=pod.metadata.name, item=shared.pod(pod))


class Shared:
    """Lets pods that say the same hold the same objects: labels, requests, images, nodes and owners repeat endlessly.

    Used by one thread. 5,000 pods of 50 Deployments take 5 MB so, and 13 MB where each holds its own.
    """

    def __init__(self) -> None:
        self._known: dict[object, object] = {}

    def pod(self, pod: HeldPod) -> HeldPod:
        """Replace what is known already, before anybody else has seen the pod."""
        if len(self._known) > SHARED_MAX:
            self._known.clear()
        metadata, spec, status = pod.metadata, pod.spec, pod.status
        _put(metadata, "namespace", sys.intern(metadata.namespace))
        if metadata.labels:
            _put(metadata, "labels", self._same((*metadata.labels.items(),), metadata.labels))
        if metadata.owner_references:
            _put(metadata, "owner_references", self._same(metadata.owner_references, metadata.owner_references))
        _put(spec, "node_name", sys.intern(spec.node_name))
        _put(status, "phase", sys.intern(status.phase))
        _put(status, "qos_class", sys.intern(status.qos_class))
        if status.conditions:
            told = tuple([_condition(each) for each in status.conditions if each.type in TELLING])
            _put(status, "conditions", self._same(told, told))
        for container in (*spec.containers, *(spec.init_containers or ()), *(spec.ephemeral_containers or ())):
            self._container(container)
        for each in all_statuses(pod):
            _put(each, "name", sys.intern(each.name))
            if each.last_state == NO_STATE:
                _put(each, "last_state", NO_STATE)
        return pod

    def _container(self, container: HeldContainer) -> None:
        _put(container, "name", sys.intern(container.name))
        _put(container, "image", sys.intern(container.image))
        asked = container.resources
        key = (*(asked.requests or {}).items(), None, *(asked.limits or {}).items())
        _put(container, "resources", self._same(key, asked))

    def _same(self, key: object, value: object) -> object:
        return self._known.setdefault(key, value)


def _condition(known: Condition) -> Condition:
    """Leave out of a condition that holds since when and why: nothing is made of it."""
    return HOLDING[known.type] if known.status == "True" else known
