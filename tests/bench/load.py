"""A thousand people who look: opens live sockets from a process of its own and notes when which change arrives.

Told by lines of JSON. Each socket does what a page does: it says what it has, and reads what comes.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

MARK = re.compile(r"Mark(\d+)")
AT_ONCE = 50
"""Sockets that are being opened at the same time."""
OPEN_S = 120.0
MESSAGE_MAX_BYTES = 64 * 1024 * 1024


class Crowd:
    """The sockets, and when each of them first showed which mark, or a newer one."""

    def __init__(self, url: str, tokens: Sequence[str], count: int) -> None:
        self._url, self._tokens, self._count = url, tokens, count
        self.seen: dict[int, list[float]] = {}
        self.frames = self.bytes = self.opened = 0
        self.ended: list[str] = []
        self._places = asyncio.Semaphore(AT_ONCE)
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Open them all; return when each has had its first frame, or has failed."""
        self._tasks = [asyncio.create_task(self._look(number)) for number in range(self._count)]
        deadline = time.monotonic() + OPEN_S
        while self.opened + len(self.ended) < self._count and time.monotonic() < deadline:
            await asyncio.sleep(0.1)

    async def close(self) -> None:
        """Close them all."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _look(self, number: int) -> None:
        headers = {"Authorization": f"Bearer {self._tokens[number % len(self._tokens)]}"}
        try:
            async with self._places:
                socket = await connect(
                    self._url, additional_headers=headers, open_timeout=OPEN_S, max_size=MESSAGE_MAX_BYTES
                )
                await socket.send(json.dumps({"have": [], "shape": None}))
                newest = self._note(await asyncio.wait_for(socket.recv(), OPEN_S), 0)
                self.opened += 1
            await self._read(socket, newest)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  whatever ends one of a thousand is counted and told
            self.ended.append(f"{type(error).__name__}: {error}"[:200])

    async def _read(self, socket: ClientConnection, newest: int) -> None:
        async with socket:
            async for message in socket:
                newest = self._note(message, newest)
        self.ended.append("closed by the server")

    def _note(self, message: str | bytes, newest: int) -> int:
        """Note which changes a page shows now: a newer one says that those before it need not come any more."""
        at = time.monotonic()
        self.frames += 1
        self.bytes += len(message)
        text = message if isinstance(message, str) else message.decode()
        marks = [int(found) for found in MARK.findall(text)]
        for mark in range(newest + 1, max(marks, default=0) + 1):
            self.seen.setdefault(mark, []).append(at)
        return max([newest, *marks])


async def run() -> None:
    """Do what the standard input says until it ends."""
    loop = asyncio.get_running_loop()
    crowd: Crowd | None = None
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        told: dict[str, Any] = json.loads(line)
        if told["do"] == "open":
            crowd = Crowd(told["url"], told["tokens"], told["count"])
            await crowd.open()
        elif told["do"] == "close" and crowd:
            await crowd.close()
        assert crowd is not None
        answer: dict[str, Any] = {"opened": crowd.opened, "ended": crowd.ended[:5], "ends": len(crowd.ended)}
        answer |= {"frames": crowd.frames, "bytes": crowd.bytes}
        if told["do"] == "close":
            answer["seen"] = crowd.seen
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(run())
