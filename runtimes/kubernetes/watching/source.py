"""Lists and watches one collection of any kind for a live collection, decoded into what its readers use.

It refuses to hold more than LIST_MAX_BYTES of JSON of one collection: such a one is asked for when somebody looks.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

from runtimes.errors import Expired, Unsupported
from runtimes.kubernetes.api import answers
from runtimes.kubernetes.api.answers import Asked
from runtimes.kubernetes.api.chunks import Chunks
from runtimes.kubernetes.api.client import PAGE_ITEMS, Client
from runtimes.kubernetes.objects.common import Metadata, OnlyMetadata, Status, WatchEvent
from runtimes.kubernetes.watching.pods import QUIET_S, WATCH_MAX_S, WATCH_MIN_S, lines
from runtimes.replica import Change, Did, Listed
from runtimes.watched import ListPage

T = TypeVar("T")

LIST_MAX_BYTES = 16 * 1024 * 1024
"""JSON of one collection that is kept: some 3,000 workloads. What is held of it takes a fraction of that."""

_EVENT = msgspec.json.Decoder(WatchEvent)
_ONLY = msgspec.json.Decoder(OnlyMetadata)
_STATUS = msgspec.json.Decoder(Status)


class TooLarge(Unsupported):
    """The collection is larger than what may be kept of one."""


class Unfit(TooLarge):
    """The collection holds an object of another shape: whoever lists it anew is told which."""


class KeptSource(Generic[T]):
    """One collection: `what` names it in errors. Used by one thread at a time."""

    def __init__(
        self, client: Client, path: str, kind: type[T], *, what: str, most_bytes: int = LIST_MAX_BYTES
    ) -> None:
        self._client = client
        self._path = path
        self._what = what
        self._asked = Asked(server=client.server, runtime="", what=f"the watch of {what}")
        self._kind: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind)
        self._most_bytes = most_bytes
        self._sizes: dict[str, int] = {}
        self._bytes = 0

    @property
    def held_bytes(self) -> int:
        """Say how much JSON that is which was listed last, with what has changed since."""
        return self._bytes

    def list(self, next_page: str) -> ListPage[T]:
        """Read a page, always of what is true now (never resourceVersion=0). Raise TooLarge, RuntimeProblem."""
        if not next_page:
            self._sizes, self._bytes = {}, 0
        page = self._client.page(self._path, msgspec.Raw, what=self._what, position=next_page, limit=PAGE_ITEMS)
        try:
            items = [self._listed(each) for each in page.items or ()]
        except msgspec.ValidationError as error:
            raise Unfit(f"Some of {self._what} is not as the API describes it.") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise answers.undecodable(b"{", self._asked) from error
        return ListPage(items=items, version=page.metadata.resource_version, next_page=page.metadata.continue_)

    def watch(self, version: str) -> KeptEvents[T]:
        """Open what happens after `version`. Raise RuntimeProblem."""
        query: dict[str, str | int | None] = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": random.randint(WATCH_MIN_S, WATCH_MAX_S),  # noqa: S311  spreads load, no secret
        }
        return KeptEvents(self, self._client.stream(self._path, what=self._asked.what, query=query, quiet_s=QUIET_S))

    def change(self, line: bytes) -> Change[T]:
        """Read one line of a watch. Raise what an ERROR event says, Expired for what cannot be read, TooLarge."""
        try:
            event = _EVENT.decode(line)
            if event.type == "ERROR":
                raise answers.refused(_STATUS.decode(event.object).code or 500, bytes(event.object), self._asked)
            about = _ONLY.decode(event.object).metadata
            if event.type == "BOOKMARK":
                return Change(did=Did.BOOKMARK, version=about.resource_version)
            item = self._kind.decode(event.object)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Expired(f"The API server at {self._asked.server} sent an event that cannot be read.") from error
        gone = event.type == "DELETED"
        self._weigh(_key(about), 0 if gone else len(bytes(event.object)))
        return Change(did=Did.GONE if gone else Did.PUT, version=about.resource_version, key=_key(about), item=item)

    def _listed(self, raw: msgspec.Raw) -> Listed[T]:
        about = _ONLY.decode(raw).metadata
        self._weigh(_key(about), len(bytes(raw)))
        return Listed(key=_key(about), version=about.resource_version, item=self._kind.decode(raw))

    def _weigh(self, key: str, size: int) -> None:
        self._bytes += size - self._sizes.pop(key, 0)
        if size:
            self._sizes[key] = size
        if self._bytes > self._most_bytes:
            raise TooLarge(f"There is more of {self._what} than is kept: over {self._most_bytes:,} bytes.")


class KeptEvents(Generic[T]):
    """The events of one watch. `close()` ends it from any thread."""

    def __init__(self, source: KeptSource[T], chunks: Chunks) -> None:
        self._source = source
        self._chunks = chunks

    def __iter__(self) -> Iterator[Change[T]]:
        for line in lines(self._chunks):
            if line:
                yield self._source.change(line)

    def close(self) -> None:
        self._chunks.close()


def _key(about: Metadata) -> str:
    return f"{about.namespace}/{about.name}"
