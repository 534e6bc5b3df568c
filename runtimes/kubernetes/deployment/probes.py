"""Says in a sentence what a probe asks, how often, and when it counts as failed. Pure.

A command of a probe is foreign text: it is quoted and capped.
Source: https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from runtimes.causes.words import counted, quoted
from runtimes.kubernetes.objects.workloads import Probe, ProbedContainer

COMMAND_MAX_CHARS = 120


def probes(container: ProbedContainer) -> tuple[tuple[str, str], ...]:
    """Give the probes of a container as (kind, sentence), in the order in which they begin to count."""
    known = (
        ("startup", container.startup_probe),
        ("readiness", container.readiness_probe),
        ("liveness", container.liveness_probe),
    )
    return tuple((kind, sentence(probe)) for kind, probe in known if probe is not None)


def sentence(probe: Probe) -> str:
    """Say what a probe does: `GET / on port 80 every 10 s, answered within 1 s (3 failures in a row).`"""
    return f"{' '.join(_clauses(probe))}."


def _clauses(probe: Probe) -> Iterator[str]:
    first = f", first {probe.initial_delay_seconds} s after the start" if probe.initial_delay_seconds else ""
    yield f"{_question(probe)} every {probe.period_seconds} s, answered within {probe.timeout_seconds} s{first}"
    again = f"; well after {probe.success_threshold}" if probe.success_threshold > 1 else ""
    yield f"({counted(probe.failure_threshold, 'failure')} in a row{again})"


def _question(probe: Probe) -> str:
    if (http := probe.http_get) is not None:
        word = "GET" if http.scheme != "HTTPS" else "GET over TLS"
        at = f" of {quoted(http.host)}" if http.host else ""
        return f"{word} {quoted(http.path or '/', max_chars=COMMAND_MAX_CHARS)} on port {http.port}{at}"
    if (tcp := probe.tcp_socket) is not None:
        return f"A connection to port {tcp.port}{f' of {quoted(tcp.host)}' if tcp.host else ''}"
    if (grpc := probe.grpc) is not None:
        return f"A gRPC health check on port {grpc.port}{f' of {quoted(grpc.service)}' if grpc.service else ''}"
    if probe.exec is not None:
        return f"The command {quoted(shlex.join(probe.exec.command or ()), max_chars=COMMAND_MAX_CHARS)}"
    return "A question of an unknown kind"
