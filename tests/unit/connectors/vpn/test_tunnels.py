"""Finding programs and names, without a tunnel."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connectors.errors import NotAvailable
from connectors.options import VpnOptions
from connectors.vpn.connection import VpnConnection
from connectors.vpn.letters import Plan
from connectors.vpn.tunnels import Tunnel, programs

SECRET = "c2VjcmV0"


def executable(folder: Path, *names: str) -> str:
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return str(folder)


def test_an_absent_program_is_named_with_its_package(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match="The program wg") as absent:
        programs("wireguard", executable(tmp_path, "ip"))
    assert "wireguard-tools" in absent.value.hint


def test_wireguard_go_may_be_absent_where_the_kernel_has_it(tmp_path: Path) -> None:
    found = programs("wireguard", executable(tmp_path, "ip", "wg"))
    assert found == {"ip": str(tmp_path / "ip"), "wg": str(tmp_path / "wg")}


def test_a_plan_crosses_whole_and_shows_no_secret() -> None:
    plan = Plan(name="hq", kind="wireguard", config=SECRET, login=SECRET, allowed_networks=("10.0.0.0/8",), idle_s=1)
    sheet = plan.sealed()
    with os.fdopen(sheet, "rb") as file:
        assert Plan.opened(file.read()) == plan
    assert SECRET not in repr(plan)


def connection(folder: Path) -> VpnConnection:
    options = VpnOptions(name="hq", kind="wireguard", config="nonsense")
    return VpnConnection(options, Tunnel(folder, options), folder)


def test_a_vpn_leads_to_no_shell(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match="runs no commands") as refused:
        connection(tmp_path).run(["id"], timeout_s=1)
    assert "ssh" in refused.value.hint


def test_a_vpn_leads_to_no_unix_socket(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match="Unix socket"):
        connection(tmp_path).reach("unix:///run/docker.sock")
    probe = connection(tmp_path).probe("/run/docker.sock", timeout_s=1)
    assert not probe.ok
    assert "Unix socket" in probe.sentence


def test_a_profile_that_is_refused_is_told_by_its_line(tmp_path: Path) -> None:
    probe = connection(tmp_path).probe("tcp://10.0.0.1:80", timeout_s=5)
    assert not probe.ok
    assert "Line 1 of the profile" in probe.sentence
    assert connection(tmp_path).standing().sentence == "The tunnel hq is opened when it is used."
