"""Following and spooling work in a process where gevent has replaced threads, as in the production server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[3]
TIMEOUT_S = 60

PROGRAM = """
import sys
from gevent import monkey
monkey.patch_all()
import threading, time
from datetime import UTC, datetime
from pathlib import Path
from opsmodal.spool import Spool
from runtimes.base import LogLine
from runtimes.errors import Unavailable
from runtimes.follow import follow

COUNT = 500

class Read:
    def __init__(self, instance, since):
        self.instance, self.since, self.closed = instance, since, threading.Event()

    def __iter__(self):
        sent = 0
        for number in range(COUNT):
            at = datetime.fromtimestamp(1_700_000_000 + number, UTC)
            if self.since and at < self.since:
                continue
            if sent == 97:
                raise Unavailable("cut")
            sent += 1
            yield LogLine(at=at, nanoseconds=int(at.timestamp()) * 10**9, instance=self.instance, container="app",
                          stream="stdout", text=str(number))
        self.closed.wait(30)

    def close(self):
        self.closed.set()

def opener(instance):
    return lambda position: Read(instance, position.since)

names = ["web-0", "web-1", "web-2"]
lines = follow(lambda: {(name, "app"): opener(name) for name in names}, rediscover_s=0.05, backoff_first_s=0.01)
spool = Spool(Path(sys.argv[1]) / "job", 10_000_000)

def pump():
    for line in lines:
        spool.append(f"{line.instance} {line.text}".encode())

pumping = threading.Thread(target=pump)
pumping.start()
read, deadline = [], time.monotonic() + 30
while len(read) < COUNT * len(names) and time.monotonic() < deadline:
    spool.wait(len(read), timeout_s=1.0)
    read += [record.decode() for _, record in spool.read(len(read), 100)]
lines.close()
pumping.join(10)
for name in names:
    assert [r for r in read if r.startswith(name)] == [f"{name} {number}" for number in range(COUNT)], name
assert [t.name for t in threading.enumerate() if t.name.startswith("follow")] == []
spool.close()
print("done", len(read))
"""


def test_follow_and_spool_work_under_monkey_patching(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error::ResourceWarning", "-c", PROGRAM, str(tmp_path)]
    result = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert (result.stdout, result.returncode) == ("done 1500\n", 0), result.stderr
