"""Follows one log over the socket from a process of its own, and counts: lines, bytes, and numbers that are missing.

Goes on until its standard input ends; then it says what came, in one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import Any

from websockets.asyncio.client import connect

NUMBER = re.compile(r"GET /api/orders/(\d{9}) ")
MESSAGE_MAX_BYTES = 256 * 1024 * 1024


class Count:
    """What came. A log may begin anew: numbers then start again at their least."""

    def __init__(self) -> None:
        self.lines = self.bytes = self.missing = self.again = self.told_lost = 0
        self.first_at = self.last_at = 0.0
        self._next: int | None = None

    def take(self, frame: dict[str, Any]) -> None:
        """Take a frame into account."""
        self.told_lost += bool(frame.get("lost"))
        for line in frame.get("lines", ()):
            found = NUMBER.match(line["text"])
            if found is None:
                continue
            number = int(found[1])
            if self._next is not None and number > self._next:
                self.missing += number - self._next
            self.again += self._next is not None and number < self._next
            self._next = number + 1
            self.lines += 1
            self.bytes += len(line["text"]) + 1
        self.last_at = time.monotonic()
        self.first_at = self.first_at or self.last_at


async def run() -> None:
    """Follow; `url` and `token` come in the first line of the standard input."""
    loop = asyncio.get_running_loop()
    told = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    count = Count()
    headers = {"Authorization": f"Bearer {told['token']}"}
    reason = "stopped"
    async with connect(told["url"], additional_headers=headers, max_size=MESSAGE_MAX_BYTES, compression=None) as socket:
        sys.stdout.write("{}\n")
        sys.stdout.flush()
        ended = loop.run_in_executor(None, sys.stdin.readline)
        while not ended.done():
            try:
                frame = json.loads(await asyncio.wait_for(socket.recv(), 1.0))
            except TimeoutError:
                continue
            if "reason" in frame:
                reason = f"{frame['reason']}: {frame.get('sentence')}"
                break
            count.take(frame)
        await ended
    said = {name: value for name, value in vars(count).items() if not name.startswith("_")}
    sys.stdout.write(json.dumps({**said, "reason": reason}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(run())
