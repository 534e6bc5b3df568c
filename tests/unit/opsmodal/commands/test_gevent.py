"""Fifty commands at once in a process where gevent has replaced threads, as in the production server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[4]
TIMEOUT_S = 90

PROGRAM = """
from gevent import monkey
monkey.patch_all()
import sys, threading, time
from pathlib import Path
from connectors.base import Exit, Output
from opsmodal.commands.jobs import CommandJobs
from opsmodal.commands.records import CommandRecords
from opsmodal.jobs import Jobs, Worker
from opsmodal.store import Vault, open_store
from opsmodal.store.vault import new_key
from runtimes.commands import Started
from tests.unit.opsmodal.commands.conftest import begun
from tests.unit.opsmodal.commands.test_job import all_of

COUNT, LINES = 50, 400

class Talks:
    def __init__(self, number):
        self.number, self.closed = number, threading.Event()

    def __iter__(self):
        for line in range(LINES):
            if self.closed.wait(0.001):
                return
            yield Output("stdout", f"{self.number} {line}\\n".encode())
        yield Exit(code=0)

    def close(self):
        self.closed.set()

folder = Path(sys.argv[1])
store = open_store(f"sqlite:///{folder}/opsmodal.db")
commands = CommandJobs(folder / "streams", records=CommandRecords(store, Vault(new_key())), most=3,
                       limit_bytes_max=100_000, jobs=Jobs(store, Worker()))
jobs = [begun(commands, lambda n=n: Started(stream=Talks(n), identity=""), owner=f"p{n % 20}") for n in range(COUNT)]
stopped = begun(commands, lambda: Started(stream=Talks(99), identity=""), owner="stopped")
assert stopped.end_by("alice").reason == "stopped"
read = {}

def reader(number):
    read[number] = all_of(jobs[number])["stdout"]

readers = [threading.Thread(target=reader, args=(number,)) for number in range(COUNT)]
for each in readers:
    each.start()
for each in readers:
    each.join(60)
for number in range(COUNT):
    assert read[number] == "".join(f"{number} {line}\\n" for line in range(LINES)), number
deadline = time.monotonic() + 30
while commands.running() and time.monotonic() < deadline:
    time.sleep(0.05)
states = {commands.records.get(job.id, service="shop").state for job in jobs}
commands.close()
store.close()
assert [t.name for t in threading.enumerate() if t.name.startswith("command")] == []
print("done", len(read), states)
"""


def test_fifty_commands_are_read_to_their_ends_under_monkey_patching(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error::ResourceWarning", "-c", PROGRAM, str(tmp_path)]
    result = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert (result.stdout, result.returncode) == ("done 50 {'done'}\n", 0), result.stderr
