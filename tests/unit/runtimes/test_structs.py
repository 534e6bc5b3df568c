"""Structs that are made ready can be decoded into by many threads from the first moment on."""

from __future__ import annotations

import subprocess
import sys

TRIALS, THREADS = 40, 6
PROGRAM = f"""
import sys, threading, types
import msgspec
from runtimes.structs import make_ready

SOURCE = '''
from __future__ import annotations
import msgspec
class Inner(msgspec.Struct):
    a: int = 0
class Outer(msgspec.Struct):
    one: Inner | None = None
    many: dict[str, Inner] = {{}}
'''
sys.setswitchinterval(1e-6)
for trial in range({TRIALS}):
    module = types.ModuleType(f"trial{{trial}}")
    sys.modules[module.__name__] = module
    exec(SOURCE, module.__dict__)
    make_ready(module.__dict__)
    start = threading.Barrier({THREADS})
    def first():
        start.wait()
        msgspec.json.decode(b'{{"one": {{"a": 1}}, "many": {{"k": {{}}}}}}', type=module.Outer)
    threads = [threading.Thread(target=first) for _ in range({THREADS})]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""


def test_threads_that_decode_for_the_first_time_together_do_not_crash() -> None:
    """Without `make_ready` this program ends by signal 11 (msgspec 0.22.0)."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM], check=False, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
