"""When a WireGuard interface last heard from a peer, as far as wg says."""

from __future__ import annotations

import shutil
import subprocess
import time

import pytest

from connectors.vpn.handshake import handshake_age, spoken
from tests.unit.connectors.vpn.apart import apart, missing

PEER = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
UP_S = 10


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", ""),
        ("a\t0\n", "never"),
        ("a\t100\n", "20 s ago"),
        ("a\t0\nb\t90\nc\t118\n", "2 s ago"),
        ("a\t500\n", "0 s ago"),
        ("nonsense\n", ""),
        ("a\t-5\n", ""),
    ],
)
def test_the_youngest_handshake_is_said(table: str, said: str) -> None:
    assert spoken(table, now_s=120.0) == said


def test_an_interface_that_is_none_has_no_handshake() -> None:
    assert handshake_age("absent0") == ""


@pytest.mark.skipif(
    bool(missing()) or not shutil.which("wireguard-go") or not shutil.which("wg"),
    reason=missing() or "there is no wireguard-go or no wg on this machine",
)
def test_a_real_interface_is_asked() -> None:
    with apart(), subprocess.Popen(["wireguard-go", "-f", "wgage0"], stderr=subprocess.DEVNULL) as running:
        try:
            deadline = time.monotonic() + UP_S
            while subprocess.run(["wg", "set", "wgage0", "peer", PEER], capture_output=True, check=False).returncode:
                assert time.monotonic() < deadline, "wireguard-go did not come up"
                time.sleep(0.02)
            assert handshake_age("wgage0") == "never"
        finally:
            running.terminate()
