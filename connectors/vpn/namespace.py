"""A network namespace of our own for this process, and what is set inside it: addresses, routes, interfaces.

Entering makes nothing outside: no interface, route or rule of the machine is touched, and all that is made inside goes
away with the last process in it. It needs either CAP_SYS_ADMIN and CAP_NET_ADMIN, or a machine that lets ordinary users
make user namespaces (user_namespaces(7)); where neither is there, it says which right is missing and how to give it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from connectors.errors import NotAvailable

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
MS_REC, MS_SLAVE = 0x4000, 0x80000
"""linux/sched.h and linux/mount.h. A slave follows the machine's unmounts, so that we keep no disk of it busy."""
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
NEEDED = {12: "CAP_NET_ADMIN", 21: "CAP_SYS_ADMIN"}
"""linux/capability.h: addresses and routes; making the namespace."""
RUN = Path("/var/run")
TUN = Path("/dev/net/tun")
IP_S = 10.0
WORDS_MAX_CHARS = 200
GIVE_RIGHTS = (
    "Give the server both (systemd: AmbientCapabilities=CAP_NET_ADMIN CAP_SYS_ADMIN; Docker: --cap-add NET_ADMIN "
    "--cap-add SYS_ADMIN --device /dev/net/tun), or bring the tunnel up by other means and register the profile with "
    "mode: external."
)


def enter() -> None:
    """Leave the machine's network for an empty one, with loopback up and a /run of our own.

    Raise NotAvailable naming the right that is missing. To be called before the first thread is started.
    """
    missing = _missing()
    user, group = os.geteuid(), os.getegid()
    try:
        _call("unshare", CLONE_NEWNET | CLONE_NEWNS | (CLONE_NEWUSER if missing else 0))
        if missing:
            _become_root_inside(user, group)
        _call("mount", b"none", b"/", None, MS_REC | MS_SLAVE, None)
        _call("mount", b"tmpfs", bytes(RUN.resolve()), b"tmpfs", 0, b"mode=0700")
    except OSError as error:
        raise _refused(missing, error) from None


def configure(ip: str, lines: Sequence[str]) -> None:
    """Give lines to `ip -batch` (ip(8)). Raise NotAvailable with its last words."""
    done = subprocess.run(  # noqa: S603  (ip, by the path that the server found)
        [ip, "-batch", "-"],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        check=False,
        timeout=IP_S,
    )
    if done.returncode:
        words = " ".join(done.stderr.split())[:WORDS_MAX_CHARS]
        if "Operation not permitted" in words:
            raise _refused(list(NEEDED.values()), PermissionError(errno.EPERM, os.strerror(errno.EPERM)))
        raise NotAvailable(f"The tunnel's network could not be set up: {words or 'ip failed'}.")


def need_tun() -> None:
    """Raise NotAvailable where this process cannot make tunnel interfaces."""
    try:
        os.close(os.open(TUN, os.O_RDWR | os.O_CLOEXEC))
    except PermissionError:
        raise NotAvailable(
            f"The user running opsmodal may not open {TUN}.", hint=f"Allow it to read and write {TUN} (udev, ACL)."
        ) from None
    except OSError:
        raise NotAvailable(
            f"There is no {TUN} here.",
            hint="Load the kernel's module (modprobe tun); in Docker: --device /dev/net/tun.",
        ) from None


def die_with_parent() -> None:
    """Let the kernel end this process with its parent, however that ends, and never gain a right (prctl(2))."""
    _call("prctl", PR_SET_PDEATHSIG, 9, 0, 0, 0)
    _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def has_ipv6() -> bool:
    """Tell whether this kernel has IPv6 switched on."""
    return Path("/proc/sys/net/ipv6").is_dir()


def _become_root_inside(user: int, group: int) -> None:
    """Name ourselves root of the new user namespace; groups must be given up first (user_namespaces(7))."""
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")


def _missing() -> list[str]:
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    effective = int(found[1], 16) if found else 0
    return [name for bit, name in NEEDED.items() if not effective >> bit & 1]


def _refused(missing: Sequence[str], error: OSError) -> NotAvailable:
    if not missing:
        return NotAvailable(f"A network namespace could not be made: {(error.strerror or str(error)).lower()}.")
    lacks = " and ".join(missing)
    why = "and this machine lets no ordinary user make user namespaces"
    if error.errno == errno.ENOSPC:
        with suppress(OSError):
            most = Path("/proc/sys/user/max_user_namespaces").read_text().strip()
            why = f"and no user namespace can be made (user.max_user_namespaces is {most})"
    return NotAvailable(f"A VPN tunnel cannot be made here: the server lacks {lacks}, {why}.", hint=GIVE_RIGHTS)


def _call(name: str, *arguments: object) -> None:
    """Call a function of the C library; raise OSError with its errno."""
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    if function(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
