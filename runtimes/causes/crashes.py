"""Why a container's program ended: exit code, signal, memory limit, and what it wrote last."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runtimes.causes.configuration import REASONS as NOT_STARTED
from runtimes.causes.exits import exit_meaning, signal_name
from runtimes.causes.facts import ContainerFacts, Facts, Run
from runtimes.causes.finding import Finding, Weight
from runtimes.causes.words import counted, named, quoted, size

LINES_MAX = 5
LINE_MAX_CHARS = 160
"""The last words of a program: the whole log is one tab away."""

STOPPED = {130, 143}
"""SIGINT and SIGTERM: somebody asked for the end."""

KILLED = 137
"""SIGKILL: how an engine ends what does not stop within its grace time, and the kernel what it has no room for."""

NEVER_RAN = {125, 126, 127, 128}
"""Codes that an engine gives to a container whose program it could not start, next to its error."""

_BACK_OFF = re.compile(r"back-off (\S{1,20}) restarting", re.IGNORECASE)

_HINTS = {
    126: "Set the executable bit in the image, or use an image for this platform.",
    127: "Correct the command: it is not in the image, or not on its PATH.",
    134: "Read the log: a failed assertion or an abort writes its reason there.",
    139: "A fault of the program or of a library for another system: try the image version before.",
}

_FOREGROUND = "A server must stay in the foreground; work that ends belongs into"
_ENDING = {"pod": "a Job", "container": "a restart policy on-failure or no"}

_READ_EARLIER = {
    "pod": "Read the log of its previous run.",
    "container": "Read its log: the lines of earlier runs are in it.",
}
_READ_REST = {
    "pod": "The Logs tab has the rest, also of the previous run.",
    "container": "The Logs tab has the rest.",
}
"""By the kind of instance: an engine keeps one log for each container, across its restarts."""

_LOG_SIGNS = (
    ("wrong-platform", r"exec format error", "its program is built for another platform", "Use an image for this one."),
    (
        "port-in-use",
        r"address already in use|EADDRINUSE",
        "the port it listens on is in use",
        "Change one of the ports.",
    ),
    (
        "dependency-unreachable",
        r"connection refused|ECONNREFUSED|no such host|ENOTFOUND|could not (?:connect|resolve|translate)",
        "something that it needs cannot be reached",
        "Check the address in its configuration, and whether what it names is running.",
    ),
    (
        "out-of-memory-inside",
        r"OutOfMemoryError|heap out of memory|MemoryError|Cannot allocate memory",
        "its program ran out of memory by itself",
        "Give the program more heap within the memory limit, or raise both.",
    ),
    (
        "disk-full",
        r"no space left on device|ENOSPC",
        "there is no space left where it writes",
        "Free or enlarge the disk.",
    ),
    (
        "permission",
        r"permission denied|EACCES|read-only file system|operation not permitted",
        "it may not do what it tries",
        "Check the user it runs as, the owner of its files, and what its security settings allow.",
    ),
)
"""(kind, words, because, hint): what programs themselves write before they end. Never more than likely."""


def findings(facts: Facts) -> Iterator[Finding]:
    """Find how each container that is down, or was restarted, ended."""
    for container in facts.containers:
        run = container.last_run
        if run is None:
            if container.reason == "CrashLoopBackOff" or container.state == "restarting":
                yield _unknown_end(facts, container)
            continue
        if run.reason in NOT_STARTED or (facts.engine_error and run.exit_code in NEVER_RAN):
            continue  # it never ran: what kept it from starting is told elsewhere
        down = container.state != "running"
        if down and not _harmless(facts, container, run):
            yield _ended(facts, container, run)
            yield from _last_lines(facts, container)
        elif not down and container.restarts:
            yield _restarted(facts, container, run)


def _harmless(facts: Facts, container: ContainerFacts, run: Run) -> bool:
    """Whether a container ended as it should: an init container that is done, a job, a sidecar of a finished pod."""
    looping = container.reason == "CrashLoopBackOff" or container.state == "restarting" or _comes_back(facts, container)
    return run.exit_code == 0 and not run.oom and not looping and facts.kind == "pod"


def _comes_back(facts: Facts, container: ContainerFacts) -> bool:
    """Whether the kubelet starts a container again however it ends: between two runs it is Completed for a while."""
    lasting = container.kind in ("container", "sidecar") and container.restart_policy == "Always"
    return facts.kind == "pod" and facts.phase == "Running" and facts.deletion_due is None and lasting


def _ended(facts: Facts, container: ContainerFacts, run: Run) -> Finding:
    name = f"{'init ' if container.kind == 'init' else ''}container {named(container.name)}"
    kind, because, hint, weight = _end(facts, container, run, name)
    found = _BACK_OFF.search(container.message)
    wait = f" It is started again after a pause of up to {found[1]}." if found else ""
    count = f" It was restarted {counted(container.restarts, 'time')} so far." if container.restarts else ""
    detail = because[:1].upper() + because[1:] + "." + count + wait
    what = _what(facts, container, run)
    return Finding(
        kind=kind, what=what, because=because, detail=detail, hint=hint, weight=weight, said=quoted(run.message)
    )


def _what(facts: Facts, container: ContainerFacts, run: Run) -> str:
    if container.reason == "CrashLoopBackOff" or container.state == "restarting":
        return "cannot start" if container.kind == "init" else "keeps restarting"
    if run.exit_code == 0 and not run.oom and _comes_back(facts, container):
        return "keeps restarting" if container.restarts else "is restarted"
    asked_for = run.asked_for or run.exit_code in {0, KILLED, *STOPPED}
    if facts.kind == "container" and asked_for and not run.oom:
        return "is not running"
    return "has failed" if not container.restarts else "keeps failing"


def _end(facts: Facts, container: ContainerFacts, run: Run, name: str) -> tuple[str, str, str, Weight]:
    if run.oom or run.reason == "OOMKilled":
        limit = f"its limit of {size(container.memory_limit_bytes)}" if container.memory_limit_bytes else "its limit"
        because = f"{name} used more memory than {limit} and was killed (OOMKilled, exit code {run.exit_code})"
        if not container.memory_limit_bytes:
            because = f"{name} was killed because memory ran out (OOMKilled, exit code {run.exit_code})"
        return "oom-killed", because, "Raise the memory limit, or find what uses the memory.", Weight.DECISIVE
    code = run.exit_code or (128 + run.signal if run.signal else 0)
    if run.asked_for:
        because = f"{name} was stopped by hand (exit code {code}: {exit_meaning(code)})"
        return "stopped", because, "Start it again if nobody meant to stop it.", Weight.GENERAL
    if code == 0:
        return _finished(facts, container, name)
    if code == KILLED:
        return _killed(facts, container, name)
    if code in STOPPED:
        because = f"{name} was asked to stop and did (exit code {code}, {signal_name(code - 128)})"
        return (
            "stopped",
            because,
            "See the events for who stopped it; start it again if nobody meant to.",
            Weight.GENERAL,
        )
    kind = {126: "command-not-executable", 127: "command-not-found", 139: "segmentation-fault"}.get(code, "exited")
    hint = _HINTS.get(code, "Read the last lines of its log: the program says there why it ended.")
    return kind, f"{name} ended with exit code {code}: {exit_meaning(code)}", hint, Weight.LIKELY


def _killed(facts: Facts, container: ContainerFacts, name: str) -> tuple[str, str, str, Weight]:
    if facts.kind == "pod":
        because = f"{name} was killed with SIGKILL (exit code 137), and not for its own memory limit"
        reasons = "it did not stop within its grace period, a failed liveness probe, or a host out of memory"
        return "killed", because, f"Usual reasons: {reasons}.", Weight.GENERAL
    turns = (event.reason for event in facts.events if event.reason in ("start", "restart", "stop"))
    if next(turns, "") == "stop":  # events come newest first
        because = f"{name} was stopped: it did not end within its grace time and was killed (exit code 137, SIGKILL)"
        hint = "Start it again if nobody meant to stop it. A program that ends on SIGTERM stops without being killed."
        return "stopped", because, hint, Weight.GENERAL
    because = (
        f"{name} was ended with SIGKILL (exit code 137), by a stop after its grace time, by a person, or by the kernel "
        "when memory ran out: its engine does not say which"
    )
    limit = f"its limit is {size(container.memory_limit_bytes)}" if container.memory_limit_bytes else "it has no limit"
    hint = f"The kernel's log on the host (dmesg) says whether memory ran out; {limit}. Start it again if it is needed."
    return "killed", because, hint, Weight.GENERAL


def _finished(facts: Facts, container: ContainerFacts, name: str) -> tuple[str, str, str, Weight]:
    if facts.kind == "pod" or container.state == "restarting":
        because = f"{name} ends by itself without an error (exit code 0) and is started again each time"
        if container.restart_policy:
            again = " again and again" if container.restarts else " by itself"
            because = (
                f"{name} ends{again} with exit code 0 (no error) while its restart policy is {container.restart_policy}"
            )
        return "ends-by-itself", because, f"{_FOREGROUND} {_ENDING[facts.kind]}.", Weight.LIKELY
    because = f"{name} has ended by itself without an error (exit code 0)"
    return "finished", because, "Nothing is wrong if it was meant to end; else start it again.", Weight.GENERAL


def _unknown_end(facts: Facts, container: ContainerFacts) -> Finding:
    return Finding(
        kind="crash-loop",
        what="keeps restarting",
        because=f"container {named(container.name)} ends again and again, and how it ended is not known",
        hint=_READ_EARLIER[facts.kind],
        weight=Weight.GENERAL,
        said=container.message,
    )


def _restarted(facts: Facts, container: ContainerFacts, run: Run) -> Finding:
    oom = " (OOMKilled)" if run.oom or run.reason == "OOMKilled" else ""
    count = counted(container.restarts, "time")
    return Finding(
        kind="restarted",
        what="was restarted",
        because=f"container {named(container.name)} was restarted {count}; its last run ended with exit code "
        f"{run.exit_code}{oom}: {exit_meaning(run.exit_code)}",
        hint=_READ_EARLIER[facts.kind]
        if run.exit_code
        else f"{_READ_EARLIER[facts.kind]} {_FOREGROUND} {_ENDING[facts.kind]}.",
        weight=Weight.CONTEXT,
    )


def _last_lines(facts: Facts, container: ContainerFacts) -> Iterator[Finding]:
    lines = [quoted(line, max_chars=LINE_MAX_CHARS) for line in container.last_lines[-LINES_MAX:]]
    lines = [line for line in lines if line]
    if not lines:
        return
    written = "\n".join(lines)
    for kind, words, because, hint in _LOG_SIGNS:
        if re.search(words, written, re.IGNORECASE):
            clause = f"by its log, {because}"
            yield Finding(kind=kind, what="has failed", because=clause, hint=hint, weight=Weight.GENERAL)
            break
    yield Finding(
        kind="last-log-lines",
        what="has failed",
        because="its log ends so",
        detail=f"The log of container {named(container.name)} ends so:\n{written}",
        hint=_READ_REST[facts.kind],
        weight=Weight.CONTEXT,
    )
