"""The bytes of an answer that goes on for as long as somebody listens: a log that is followed, a watch."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import urllib3
from urllib3 import exceptions as wire

from runtimes.bodies import arriving
from runtimes.kubernetes.api import answers
from runtimes.kubernetes.api.answers import Asked


class Chunks:
    """The bytes of a stream as they come. `close()` ends it from any thread, also while it waits."""

    def __init__(self, response: urllib3.BaseHTTPResponse, asked: Asked, quiet_s: float) -> None:
        self._response = response
        self._asked = asked
        self._quiet_s = quiet_s
        self._lock = threading.Lock()
        self._closed = False
        self._reading = False

    def __iter__(self) -> Iterator[bytes]:
        with self._lock:
            if self._closed:
                return
            self._reading = True
        try:
            yield from arriving(self._response)
        except (wire.HTTPError, OSError, ValueError, AttributeError) as error:
            # Closing under a waiting read ends it with whatever the layer below happens to say.
            if not self._closed:
                raise answers.unanswered(error, self._asked, timeout_s=self._quiet_s) from error
        finally:
            self._response.close()

    def close(self) -> None:
        with self._lock:
            self._closed, reading = True, self._reading
        with contextlib.suppress(wire.HTTPError, OSError, ValueError, AttributeError, RuntimeError):
            self._response.shutdown()  # wakes the reader, who then closes
        if not reading:
            self._response.close()
