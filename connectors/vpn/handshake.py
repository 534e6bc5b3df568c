"""Reads when a WireGuard interface of somebody else last heard from a peer, where `wg show` may be asked (wg(8))."""

from __future__ import annotations

import shutil
import subprocess
import time

WG_S = 1.0
"""wg answers in milliseconds; the page does not wait for one that hangs."""


def handshake_age(interface: str) -> str:
    """Say how long ago the latest handshake was; "" where it cannot be known (wg needs CAP_NET_ADMIN)."""
    program = shutil.which("wg")
    if program is None:
        return ""
    try:
        done = subprocess.run(  # noqa: S603  (a program and the name of an interface, no shell)
            [program, "show", interface, "latest-handshakes"], capture_output=True, check=False, timeout=WG_S
        )
    except (subprocess.TimeoutExpired, OSError):
        return ""
    return spoken(done.stdout.decode(errors="replace"), now_s=time.time()) if done.returncode == 0 else ""


def spoken(table: str, *, now_s: float) -> str:
    """Say the youngest handshake of wg's table of (public key, seconds since 1970, 0 for never)."""
    stamps = [int(stamp) for stamp in (line.rpartition("\t")[2] for line in table.splitlines()) if stamp.isdecimal()]
    if not stamps:
        return ""
    if not any(stamps):
        return "never"
    return f"{max(round(now_s - max(stamps)), 0)} s ago"
