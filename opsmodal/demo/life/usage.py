"""What running containers use: invented, but steady, swinging slowly, and the same for the same pod and moment."""

from __future__ import annotations

import math
from datetime import datetime

from opsmodal.demo.clock import parsed
from opsmodal.demo.documents import Obj, dig, uid_of
from opsmodal.demo.life.programs import program_of
from opsmodal.demo.names import share

FIRST_SAMPLE_S = 15.0
"""metrics-server knows nothing of a container before its first scrape."""
WAVE_S = 600.0
"""How long one swing takes."""


def _wave(identity: str, now: datetime) -> float:
    """Give a factor around 1 that swings slowly, each container in its own time."""
    phase = share(identity) * 2 * math.pi
    return 1 + 0.35 * math.sin(2 * math.pi * now.timestamp() / WAVE_S + phase) + 0.1 * share(identity, now.minute)


def usage_of(pod: Obj, now: datetime) -> list[tuple[str, float, int]]:
    """Give (container, CPU cores, memory bytes) of each running container that was measured."""
    specs = {container["name"]: container for container in dig(pod, "spec", "containers") or ()}
    found = []
    for status in dig(pod, "status", "containerStatuses") or ():
        started = dig(status, "state", "running", "startedAt")
        if not started or (now - parsed(started)).total_seconds() < FIRST_SAMPLE_S:
            continue
        program = program_of(pod, specs[status["name"]])
        swing = _wave(f"{uid_of(pod)}/{status['name']}", now)
        memory = int(program.memory_bytes * (0.9 + 0.1 * swing))
        found.append((status["name"], program.cpu_cores * swing, memory))
    return found
