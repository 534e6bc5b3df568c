"""The process that holds one managed tunnel: `python -m connectors.vpn.keeper`, its plan on the standard input.

It lives in a network namespace of its own with the VPN's program, is shared by all processes of the installation, and
hands out connected sockets over a Unix socket. It ends when nobody has used the tunnel for a while, when the VPN's
program ends, or when it is killed; then the kernel takes interface, routes and namespace away, and its children die
with it. It takes no orders beyond "dial" and "standing", dials nothing outside the allowed networks, and keeps neither
the profile nor a byte of what is carried.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress

from connectors.errors import ConnectionProblem, NotAvailable
from connectors.vpn import letters, namespace
from connectors.vpn.allowed import allowed
from connectors.vpn.inside import Tunnel
from connectors.vpn.letters import Plan
from connectors.vpn.outside import Outside
from connectors.vpn.profile import BadProfile
from connectors.vpn.serving import Serving
from connectors.vpn.tunnels import START_S

BACKLOG = 128


def main() -> None:
    """Leave the process that started us, open the tunnel, say on the standard output whether it is, and keep it."""
    plan = Plan.opened(sys.stdin.buffer.read())
    if os.fork():
        os._exit(0)
    os.setsid()
    os.umask(0o077)
    signal.alarm(START_S)
    report = os.dup(1)
    try:
        serving = _opened(plan)
    except ConnectionProblem as problem:
        os.write(report, json.dumps(letters.problem(problem)).encode())
        os._exit(1)
    signal.alarm(0)
    quiet = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(quiet, number)
    os.write(report, b"{}")
    os.close(report)
    serving.serve()
    os._exit(0)  # threads that still answer have nothing more to say


def _opened(plan: Plan) -> Serving:
    folder = os.open(plan.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    os.chdir("/")
    outside = Outside()
    tunnel = _tunnel(plan, outside)
    namespace.enter()
    namespace.configure(plan.programs["ip"], ["link set dev lo up"])
    try:
        tunnel.start()
    except (OSError, subprocess.SubprocessError) as error:
        raise NotAvailable(f"The tunnel {plan.name} could not be made: {_words(error)}.") from None
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with suppress(FileNotFoundError):
        os.unlink(letters.SOCKET, dir_fd=folder)
    listener.bind(letters.address(folder))
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return Serving(plan, folder, tunnel, outside, listener)


def _tunnel(plan: Plan, outside: Outside) -> Tunnel:
    """Make the tunnel of a profile. Raise NotAvailable for a profile that is refused."""
    try:
        return _openvpn(plan, outside) if plan.kind == "openvpn" else _wireguard(plan, outside)
    except BadProfile as bad:
        raise NotAvailable(bad.sentence, hint=bad.hint) from None


def _wireguard(plan: Plan, outside: Outside) -> Tunnel:
    from connectors.vpn.wireguard import WireGuard
    from connectors.vpn.wireguard_profile import read

    profile = read(plan.config)
    offered = [network for peer in profile.peers for network in peer.allowed_ips]
    may = allowed(plan.name, written=plan.allowed_networks, offered=offered)
    return WireGuard(plan.name, profile, may, outside, plan.programs)


def _openvpn(plan: Plan, outside: Outside) -> Tunnel:
    from connectors.vpn.openvpn import OpenVpn
    from connectors.vpn.openvpn_profile import read

    profile = read(plan.config)
    return OpenVpn(plan.name, profile, outside, plan.programs, login=plan.login, written=plan.allowed_networks)


def _words(error: Exception) -> str:
    return (getattr(error, "strerror", "") or type(error).__name__).lower()


if __name__ == "__main__":
    main()
