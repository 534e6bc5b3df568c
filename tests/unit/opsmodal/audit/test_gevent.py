"""Forwarding works in a process where gevent has replaced sockets and threads, as in the production server."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

PROGRAM = """
import sys
from gevent import monkey
monkey.patch_all()
import pytest
options = ["-q", "-n0", "-p", "no:cacheprovider", "--basetemp", sys.argv[2], "-k", sys.argv[3]]
sys.exit(pytest.main([*options, sys.argv[1]]))
"""
CASES = "collector_over or closes_before or webhook_gets or hang or reset or datagrams or machine"


@pytest.mark.exhaustive
def test_every_kind_of_target_is_served_under_monkey_patching() -> None:
    cases = Path(__file__).with_name("test_forwarding.py")
    with tempfile.TemporaryDirectory() as short:  # a socket's path has 107 bytes at most (unix(7))
        argv = [sys.executable, "-c", PROGRAM, str(cases), f"{short}/inner", CASES]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
