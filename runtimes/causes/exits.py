"""What an exit code says, and why a container's last run ended.

Codes above 128 are read as shells and engines write them: 128 plus the signal. A code is only ever a hint (a program
may exit with any number it likes), so the wording never claims more than the convention.
"""

from __future__ import annotations

import signal

CODES = {
    0: "finished without an error",
    1: "general error of the program",
    2: "wrong usage, or a shell that met a syntax error",
    64: "wrong usage (EX_USAGE)",
    65: "wrong input data (EX_DATAERR)",
    66: "no input (EX_NOINPUT)",
    69: "a service it needs is unavailable (EX_UNAVAILABLE)",
    70: "internal software error (EX_SOFTWARE)",
    73: "cannot create a file (EX_CANTCREAT)",
    74: "input or output error (EX_IOERR)",
    75: "temporary failure (EX_TEMPFAIL)",
    77: "permission denied (EX_NOPERM)",
    78: "configuration error (EX_CONFIG)",
    125: "the engine itself failed to run the container",
    126: "the command was found but cannot be run: not executable, or for another platform",
    127: "the command was not found in the image",
    128: "the container could not be started, or the program gave an invalid exit code",
    255: "general error, or an exit code out of range",
}
"""By convention: POSIX shells (126, 127, 128+n), `docker run` (125), the kubelet's StartError (128), and sysexits.h."""

SIGNALS = {
    1: "hang-up",
    2: "interrupted",
    3: "asked to quit",
    4: "illegal instruction, often a build for another kind of processor",
    5: "trace trap",
    6: "aborted by itself, for example a failed assertion",
    7: "bus error",
    8: "arithmetic error, for example a division by zero",
    9: "killed: out of memory, a stop that took too long, or a person",
    11: "segmentation fault: the program touched memory that is not its own",
    13: "broken pipe",
    14: "alarm clock",
    15: "asked to stop: the usual way",
    24: "CPU time limit exceeded",
    25: "file size limit exceeded",
    31: "forbidden system call, often a seccomp profile",
}

_SIGNAL_BASE = 128
_SIGNAL_MAX = 64
"""Linux has signals 1 to 64, the upper half of them for programs' own use (signal(7))."""


def signal_name(number: int) -> str:
    """Give the name of a Linux signal, or its number in words."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def exit_meaning(code: int) -> str:
    """Say in a few words what an exit code means by convention: `killed by SIGKILL (killed: …)`."""
    if code in CODES:
        return CODES[code]
    number = -code if code < 0 else code - _SIGNAL_BASE
    if 0 < number <= _SIGNAL_MAX:
        meaning = SIGNALS.get(number)
        return f"ended by {signal_name(number)}" + (f" ({meaning})" if meaning else "")
    return "an error that the program defines itself"
