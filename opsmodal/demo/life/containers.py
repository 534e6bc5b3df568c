"""One simulated container: pulled, created, started, ended, backed off, started again.

A state machine over time; it reports like a kubelet and gives its status as the API shows it. Sources of the words:
k8s.io/kubernetes pkg/kubelet/{images,kuberuntime,container}.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from opsmodal.demo.clock import Clock, stamp
from opsmodal.demo.documents import Obj, dig
from opsmodal.demo.life.output import NANOSECONDS, Journal, Output, Steady, nanoseconds
from opsmodal.demo.life.programs import Program
from opsmodal.demo.life.scripts import Script, quickly
from opsmodal.demo.names import share
from opsmodal.demo.shell.interpreter import Shell
from opsmodal.demo.shell.machine import Machine

FIRST_BACKOFF_S, LAST_BACKOFF_S = 10.0, 300.0
"""The kubelet's back-off between restarts and between pulls: doubled each time, at most five minutes."""
FORGIVEN_S = 600.0
"""A container that ran this long starts over without back-off."""
CONFIG_RETRY_S = 12.0
SCRIPT_LOOK_S = 0.1
"""How often a running script is looked at."""
KILLED = 137
Stage = Literal[
    "new", "pulling", "pull-failed", "pull-backoff", "pulled", "config", "running", "ended", "backoff", "done"
]
Tell = Callable[[str, str, str], None]
"""Reports an event: (Normal or Warning, reason, message)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a container stands in: `missing` gives the words of a reference that cannot be resolved, or ""."""

    clock: Clock
    pod_name: str
    namespace: str
    uid: str
    restart_policy: str
    tell: Tell
    missing: Callable[[], str]
    machine: Callable[[], Machine]
    on_node: set[str]
    begin: Callable[[Output], Journal]


@dataclass(slots=True)
class Container:
    """A container of a pod on a node."""

    spec: Obj
    program: Program
    place: Place
    is_init: bool = False
    stage: Stage = "new"
    due: datetime | None = None
    restarts: int = 0
    backoff_s: float = 0.0
    started: datetime | None = None
    ready: bool = False
    waiting: tuple[str, str] = ("ContainerCreating", "")
    ended: Obj | None = None
    last: Obj | None = None
    journal: Journal | None = None
    output: Steady | None = None
    words: tuple[str, ...] = ()
    """The command if it is a script for the interpreter, which then runs instead of the program."""
    script: Script | None = None
    _probe_due: datetime | None = field(default=None)

    @property
    def name(self) -> str:
        """Give the container's name."""
        return str(self.spec["name"])

    def advance(self, now: datetime) -> None:
        """Do what is due at `now`."""
        if self.due and now < self.due and not (self._probe_due and now >= self._probe_due):
            return
        steps: dict[str, Callable[[datetime], None]] = {
            "new": self._pull,
            "pulling": self._pulled,
            "pull-failed": self._back_off_pull,
            "pull-backoff": self._pull,
            "pulled": self._create,
            "config": self._create,
            "running": self._run,
            "ended": self._restart,
            "backoff": self._start_again,
        }
        if self.stage in steps:
            steps[self.stage](now)

    def next_due(self) -> datetime | None:
        """Give when something will be due."""
        return min((moment for moment in (self.due, self._probe_due) if moment), default=None)

    def _after(self, now: datetime, simulated_s: float) -> datetime:
        return now + timedelta(seconds=self.place.clock.wait_s(simulated_s))

    def _grown(self) -> float:
        self.backoff_s = min(max(self.backoff_s * 2, FIRST_BACKOFF_S), LAST_BACKOFF_S)
        return self.backoff_s

    def _pull(self, now: datetime) -> None:
        image = self.spec["image"]
        is_here = image in self.place.on_node and not self.program.pull_problem
        if self.spec.get("imagePullPolicy") != "Always" and is_here:
            self.place.tell("Normal", "Pulled", f'Container image "{image}" already present on machine')
            self._create(now)
            return
        if self.spec.get("imagePullPolicy") == "Never":
            words = f'Container image "{image}" is not present with pull policy of Never'
            self.waiting = ("ErrImageNeverPull", words)
            self.place.tell("Warning", "ErrImageNeverPull", words)
            self.stage, self.due = "pull-backoff", self._after(now, self._grown())
            return
        self.place.tell("Normal", "Pulling", f'Pulling image "{image}"')
        seconds = self.program.pull_s * (0.7 + 0.6 * share(self.place.uid, self.name, "pull"))
        self.stage, self.due = "pulling", self._after(now, seconds)

    def _pulled(self, now: datetime) -> None:
        image = self.spec["image"]
        if self.program.pull_problem:
            self._pull_failed(now)
            return
        took = f"{self.program.pull_s:.3f}s"
        size = 20_000_000 + int(share(image) * 80_000_000)
        words = f'Successfully pulled image "{image}" in {took} ({took} including waiting). Image size: {size} bytes.'
        self.place.tell("Normal", "Pulled", words)
        self.place.on_node.add(image)
        self.backoff_s = 0.0
        self._create(now)

    def _pull_failed(self, now: datetime) -> None:
        image, problem = self.spec["image"], pull_words(self.spec["image"], self.program.pull_problem)
        self.place.tell("Warning", "Failed", f'Failed to pull image "{image}": {problem}')
        self.place.tell("Warning", "Failed", "Error: ErrImagePull")
        self.waiting = ("ErrImagePull", problem)
        self.stage, self.due = "pull-failed", self._after(now, 1.0)

    def _back_off_pull(self, now: datetime) -> None:
        image, problem = self.spec["image"], self.waiting[1]
        self.place.tell("Normal", "BackOff", f'Back-off pulling image "{image}"')
        self.place.tell("Warning", "Failed", "Error: ImagePullBackOff")
        self.waiting = ("ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {problem}')
        self.stage, self.due = "pull-backoff", self._after(now, self._grown())

    def _create(self, now: datetime) -> None:
        if missing := self.place.missing():
            self.waiting = ("CreateContainerConfigError", missing)
            self.place.tell("Warning", "Failed", f"Error: {missing}")
            self.stage, self.due = "config", self._after(now, CONFIG_RETRY_S)
            return
        self.place.tell("Normal", "Created", f"Created container: {self.name}")
        if self.program.start_problem:
            self._cannot_start(now)
            return
        self.place.tell("Normal", "Started", f"Started container {self.name}")
        self._begin(now)

    def _cannot_start(self, now: datetime) -> None:
        command = (self.spec.get("command") or ["/entrypoint"])[0]
        problem = (
            "failed to create containerd task: failed to create shim task: OCI runtime create failed: "
            f'runc create failed: unable to start container process: error during container init: exec: "{command}": '
            "stat " + command + ": no such file or directory: unknown"
        )
        self.place.tell("Warning", "Failed", f"Error: {problem}")
        self._finish(now, now, 128, "StartError", problem)

    def _begin(self, now: datetime) -> None:
        self.started, self.ended, self.ready = now, None, False
        self.stage = "running"
        if self.words:
            self._begin_script(now)
        else:
            self._begin_program(now)
        probe = self.spec.get("readinessProbe") or self.spec.get("livenessProbe")
        if not probe:
            self.ready, self._probe_due = True, None
            return
        first_s = max(probe.get("initialDelaySeconds", 0), self.program.ready_s or 0) or 1.0
        self._probe_due = self._after(now, first_s)

    def _begin_script(self, now: datetime) -> None:
        clock = self.place.clock
        running = Shell(self.place.machine()).call(self.words)
        self.script = Script(running=running, started_ns=nanoseconds(now), pace=clock.wait_s(1.0))
        self.journal = self.place.begin(self.script)
        self.due = self._after(now, SCRIPT_LOOK_S)

    def _run_script(self, script: Script, now: datetime) -> None:
        script.advance(nanoseconds(now))
        if script.exit_code is not None:
            reason = "Error" if script.exit_code else "Completed"
            self._finish(self.started or now, now, script.exit_code, reason)
            return
        asleep_s = (script.now_ns - nanoseconds(now)) / NANOSECONDS
        self.due = now + timedelta(seconds=min(max(asleep_s, SCRIPT_LOOK_S), LAST_BACKOFF_S))

    def _begin_program(self, now: datetime) -> None:
        program = self.program
        self.output = Steady(
            identity=f"{self.place.uid}/{self.name}/{self.restarts}",
            started_ns=nanoseconds(now),
            opening=program.opening,
            period_s=program.period_s if program.write else 0.0,
            write=program.write or (lambda _, place, __: str(place)),
        )
        self.journal = self.place.begin(self.output)
        spread = 0.9 + 0.2 * share(self.place.uid, self.name, self.restarts)
        self.due = None if program.runs_s is None else self._after(now, program.runs_s * spread)

    def _run(self, now: datetime) -> None:
        if self.script and self.due and now >= self.due:
            self._run_script(self.script, now)
        elif self.due and now >= self.due:
            program = self.program
            reason = "OOMKilled" if program.oom else ("Error" if program.exit_code else "Completed")
            self._finish(self.started or now, now, program.exit_code, reason)
        elif self._probe_due and now >= self._probe_due:
            self._probe(now)

    def _probe(self, now: datetime) -> None:
        readiness, liveness = self.spec.get("readinessProbe"), self.spec.get("livenessProbe")
        if readiness and (words := dig(readiness, "exec", "command")):
            self._probe_by_command(now, readiness, words)
            return
        if self.program.ready_s is not None:
            self.ready, self._probe_due = True, None
            return
        self.ready = not readiness
        if readiness:
            self.place.tell("Warning", "Unhealthy", f"Readiness probe failed: {self.program.probe_message}")
        probe = readiness or liveness or {}
        self._probe_due = self._after(now, probe.get("periodSeconds", 10))
        if not liveness or self.program.alive:
            return
        self.place.tell("Warning", "Unhealthy", f"Liveness probe failed: {self.program.probe_message}")
        allowed_s = liveness.get("failureThreshold", 3) * liveness.get("periodSeconds", 10)
        if self.started and now - self.started >= timedelta(seconds=self.place.clock.wait_s(allowed_s)):
            words = f"Container {self.name} failed liveness probe, will be restarted"
            self.place.tell("Normal", "Killing", words)
            self._finish(self.started, now, KILLED, "Error")

    def _probe_by_command(self, now: datetime, probe: Obj, words: list[str]) -> None:
        """Run the probe's command in memory: it sees the container's files as they are now."""
        code, output = quickly(Shell(self.place.machine()).call(words), self.place.clock.wait_s(1.0))
        self.ready = code == 0
        if code:
            self.place.tell("Warning", "Unhealthy", f"Readiness probe failed: {output.decode(errors='replace')}")
        self._probe_due = self._after(now, probe.get("periodSeconds", 10))

    def _finish(self, started: datetime, now: datetime, code: int, reason: str, message: str = "") -> None:
        self.ended = {"exitCode": code, "reason": reason, "startedAt": stamp(started), "finishedAt": stamp(now)}
        self.ended |= {"message": message} if message else {}
        self.ended |= {"containerID": self.container_id()}
        self.ready, self._probe_due, self.due = False, None, None
        if self.script:
            self.script.cut(nanoseconds(now))
        if self.output:
            self.output.closing, self.output.ended_ns = self.program.closing, nanoseconds(now)
        if self.journal:
            self.journal.ended = True
        again = self.place.restart_policy == "Always" or (self.place.restart_policy == "OnFailure" and code != 0)
        if self.is_init:
            again = code != 0 and self.place.restart_policy != "Never"
        if not again:
            self.stage = "done"
            return
        if now - started > timedelta(seconds=self.place.clock.wait_s(FORGIVEN_S)):
            self.backoff_s = 0.0
        self.stage, self.due = "ended", self._after(now, 1.0)

    def _restart(self, now: datetime) -> None:
        first = self.restarts == 0 and self.backoff_s == 0
        self.last, self.ended = self.ended, None
        if first:
            self.backoff_s = FIRST_BACKOFF_S / 2
            self._start_again(now)
            return
        delay_s = self._grown()
        where = f"container={self.name} pod={self.place.pod_name}_{self.place.namespace}({self.place.uid})"
        shown = f"{int(delay_s) // 60}m{int(delay_s) % 60}s" if delay_s >= 60 else f"{int(delay_s)}s"
        self.waiting = ("CrashLoopBackOff", f"back-off {shown} restarting failed {where}")
        pod = f"{self.place.pod_name}_{self.place.namespace}({self.place.uid})"
        self.place.tell("Warning", "BackOff", f"Back-off restarting failed container {self.name} in pod {pod}")
        self.stage, self.due = "backoff", self._after(now, delay_s)

    def _start_again(self, now: datetime) -> None:
        self.restarts += 1
        self._pull(now)

    def kill(self, now: datetime) -> None:
        """End the container because its pod goes."""
        if self.stage == "running" and self.started:
            self._finish(self.started, now, 0 if self.program.stop_s < 1 else KILLED, "Completed")
        self.stage = "done"

    def container_id(self) -> str:
        """Give the id of the present run."""
        identity = f"{self.place.uid}/{self.name}/{self.restarts}".encode()
        return "containerd://" + hashlib.sha256(identity).hexdigest()

    def status(self) -> Obj:
        """Give the container's status as the API shows it."""
        image = self.spec["image"]
        running = self.stage == "running"
        held = self.stage in ("running", "ended", "done", "backoff") and self.started is not None
        status: Obj = {"name": self.name, "image": image, "imageID": _image_id(image) if held else ""}
        status |= {"ready": self.ready or (self.is_init and dig(self.ended, "exitCode") == 0), "started": running}
        status["restartCount"] = self.restarts
        status["state"] = self._state()
        status["lastState"] = {"terminated": self.last} if self.last else {}
        if held:
            status["containerID"] = self.container_id()
        return status

    def _state(self) -> Obj:
        if self.stage == "running" and self.started:
            return {"running": {"startedAt": stamp(self.started)}}
        if self.ended:
            return {"terminated": self.ended}
        reason, message = self.waiting
        return {"waiting": {"reason": reason} | ({"message": message} if message else {})}


def _image_id(image: str) -> str:
    return f"{image.partition('@')[0].partition(':')[0]}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"


def pull_words(image: str, problem: str) -> str:
    """Say why an image could not be pulled, as containerd does."""
    name = image if "/" in image else f"library/{image}"
    name = name if "." in name.partition("/")[0] else f"docker.io/{name}"
    name = name if ":" in name.rpartition("/")[2] else f"{name}:latest"
    head = f'failed to pull and unpack image "{name}": failed to resolve reference "{name}": '
    if problem == "unauthorized":
        repository = name.partition("/")[2].rpartition(":")[0]
        denied = "pull access denied, repository does not exist or may require authorization"
        return (
            f"rpc error: code = Unknown desc = {head}{denied}: authorization failed: no basic auth credentials "
            f"({repository})"
        )
    return f"rpc error: code = NotFound desc = {head}{name}: not found"
