from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.engines import sshd


def test_lines_carry_in_a_process_that_gevent_has_patched(ssh_host: sshd.Sshd, tmp_path: Path) -> None:
    how = [
        ssh_host.host,
        str(ssh_host.port),
        ssh_host.user,
        str(ssh_host.key),
        str(ssh_host.known_hosts),
        str(tmp_path),
    ]
    program = [sys.executable, "-m", "tests.unit.connectors.ssh.under_gevent", *how]

    ran = subprocess.run(program, check=False, capture_output=True, text=True, timeout=90)

    assert (ran.returncode, ran.stdout) == (0, "fine\n"), ran.stderr[-2000:]
