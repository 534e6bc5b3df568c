"""The kubelet of every simulated node: brings pods up, keeps their containers going, takes them down.

All nodes share one, in memory. What a container does is decided by programs.py; here is what a pod makes of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from opsmodal.demo.clock import stamp
from opsmodal.demo.documents import Obj, dig, is_leaving, name_of, namespace_of, uid_of
from opsmodal.demo.kinds import PODS, Kind
from opsmodal.demo.life.conditions import condition, set_condition
from opsmodal.demo.life.containers import Container, Place
from opsmodal.demo.life.inside import Inside
from opsmodal.demo.life.output import Outputs
from opsmodal.demo.life.programs import is_named, program_of
from opsmodal.demo.life.references import missing_in_environment, missing_volume
from opsmodal.demo.life.reports import Reporter
from opsmodal.demo.life.scripts import words_of
from opsmodal.demo.names import share
from opsmodal.demo.shell.machine import Machine
from opsmodal.demo.storage import Change, Key
from opsmodal.demo.world import World

SANDBOX_S = 0.2
"""How long a pod's network and volumes take."""
MOUNT_RETRY_S = 16.0
ENDED = ("Succeeded", "Failed")
LEFT_OVER = ("registry.example.com/base/debian:12.6", "registry.example.com/shop/shop-web:1.3.9")
"""Images that lie on every node from before, and that nothing uses."""


@dataclass(slots=True)
class Run:
    """A pod on a node."""

    begun: datetime
    due: datetime
    init: list[Container] = field(default_factory=list)
    main: list[Container] = field(default_factory=list)
    set_up: bool = False
    stop_at: datetime | None = None

    def all(self) -> list[Container]:
        """Give every container."""
        return [*self.init, *self.main]


class Kubelet:
    """Run the pods of all nodes."""

    def __init__(self, world: World, outputs: Outputs, inside: Inside) -> None:
        self._world = world
        self._storage = world.storage
        self._outputs = outputs
        self._inside = inside
        self._reports = Reporter(world, "kubelet")
        self._runs: dict[str, Run] = {}
        self._images: dict[str, set[str]] = {}
        self._addresses = 1

    def notice(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Look at pods that have a node, when they appear there or begin to leave."""
        if kind is not PODS:
            return []
        pod = change.record.document
        if change.type == "DELETED":
            if run := self._runs.pop(uid_of(pod), None):
                # whoever follows a log must see its end, also when the pod was deleted by force
                for container in run.all():
                    container.kill(self._world.clock.now())
            self._outputs.forget(uid_of(pod))
            self._inside.forget(uid_of(pod))
            return []
        if not dig(pod, "spec", "nodeName"):
            return []
        if uid_of(pod) in self._runs and not is_leaving(pod) and not _new_image(change):
            return []
        return [(namespace_of(pod), name_of(pod))]

    def look(self, key: Key) -> datetime | None:
        """Do what is due for a pod."""
        record = self._storage.get(PODS, *key)
        if record is None or not dig(record.document, "spec", "nodeName"):
            return None
        pod, now = record.document, self._world.clock.now()
        run = self._runs.get(uid_of(pod))
        if is_leaving(pod):
            return self._end(key, pod, run, now)
        if dig(pod, "status", "phase") in ENDED:
            return None
        if run is None:
            run = self._begin(pod, now)
        elif now < run.due:
            return run.due
        return self._go_on(key, pod, run, now)

    def _begin(self, pod: Obj, now: datetime) -> Run:
        run = Run(begun=now, due=now)
        images = self._images.setdefault(pod["spec"]["nodeName"], set(LEFT_OVER))
        for part, containers in (("initContainers", run.init), ("containers", run.main)):
            for spec in dig(pod, "spec", part) or ():
                place = self._place(pod, spec, images)
                is_init = part == "initContainers" and spec.get("restartPolicy") != "Always"
                words = () if is_named(pod, spec) else tuple(words_of(spec))
                containers.append(Container(spec, program_of(pod, spec), place, is_init=is_init, words=words))
        self._runs[uid_of(pod)] = run
        return run

    def _place(self, pod: Obj, container: Obj, images: set[str]) -> Place:
        part = "initContainers" if container in (dig(pod, "spec", "initContainers") or ()) else "containers"
        field_path = f"spec.{part}{{{container['name']}}}"
        node = pod["spec"]["nodeName"]

        def tell(type_: str, reason: str, message: str) -> None:
            report = self._reports.normal if type_ == "Normal" else self._reports.warn
            report(pod, reason, message, field=field_path, host=node)

        return Place(
            clock=self._world.clock,
            pod_name=name_of(pod),
            namespace=namespace_of(pod),
            uid=uid_of(pod),
            restart_policy=container.get("restartPolicy") or dig(pod, "spec", "restartPolicy") or "Always",
            tell=tell,
            missing=lambda: missing_in_environment(self._storage, pod, container),
            on_node=images,
            machine=lambda: self._machine(pod, container),
            begin=lambda output: self._outputs.begin(uid_of(pod), container["name"], output),
        )

    def _machine(self, pod: Obj, container: Obj) -> Machine:
        """Make the machine of a container; one that may do everything on its node can clean the images there."""
        machine = self._inside.machine(pod, container)
        if not dig(container, "securityContext", "privileged"):
            return machine
        node = pod["spec"]["nodeName"]
        return replace(machine, clean=lambda image: self._clean(node, image))

    def _clean(self, node: str, image: str) -> list[str]:
        there = self._images.setdefault(node, set(LEFT_OVER))
        pods = (record.document for record in self._storage.placed(PODS, node))
        parts = (
            part for pod in pods for kind in ("initContainers", "containers") for part in dig(pod, "spec", kind) or ()
        )
        used = {str(part["image"]) for part in parts}
        if image and image not in there:
            return [f"This node does not have {image}."]
        if image in used:
            return [f"{image} is in use on this node and stays."]
        gone = sorted({image} if image else there - used)
        there.difference_update(gone)
        return [f"Deleted: {each}" for each in gone]

    def _go_on(self, key: Key, pod: Obj, run: Run, now: datetime) -> datetime | None:
        if not run.set_up and not self._set_up(pod, run, now):
            self._write(key, run, now)
            return run.due
        _take_new_images(pod, run)
        for container in _may_go(run):
            container.advance(now)
        for container in _may_go(run):
            if container.stage == "new":
                container.advance(now)
        self._write(key, run, now)
        dues = [due for container in _may_go(run) if (due := container.next_due())]
        if not dues:
            return None
        run.due = min(dues)
        return run.due

    def _set_up(self, pod: Obj, run: Run, now: datetime) -> bool:
        """Mount and connect; tell whether the containers may start."""
        clock = self._world.clock
        if problem := missing_volume(self._storage, pod):
            self._reports.warn(pod, "FailedMount", problem, host=pod["spec"]["nodeName"])
            run.due = clock.after(MOUNT_RETRY_S)
            return False
        if run.begun == now:
            run.due = clock.after(SANDBOX_S)
            return False
        run.set_up = True
        return True

    def _end(self, key: Key, pod: Obj, run: Run | None, now: datetime) -> datetime | None:
        if run is None or dig(pod, "status", "phase") in ENDED:
            self._remove(key, pod)
            return None
        if run.stop_at is None:
            running = [container for container in run.all() if container.stage == "running"]
            for container in running:
                container.place.tell("Normal", "Killing", f"Stopping container {container.name}")
            needed_s = max((container.program.stop_s for container in running), default=0.0)
            grace_s = float(pod["metadata"].get("deletionGracePeriodSeconds") or 0)
            run.stop_at = self._world.clock.after(min(needed_s, grace_s))
        if now < run.stop_at:
            return run.stop_at
        for container in run.all():
            container.kill(now)
        self._write(key, run, now)
        self._remove(key, pod)
        return None

    def _remove(self, key: Key, pod: Obj) -> None:
        if not pod["metadata"].get("finalizers"):
            self._storage.remove(PODS, *key)

    def _write(self, key: Key, run: Run, now: datetime) -> None:
        self._storage.update(PODS, *key, lambda pod: self._status(pod, run, now))

    def _address(self, pod: Obj, run: Run) -> str:
        known = dig(pod, "status", "podIP")
        if known or not run.set_up:
            return known or ""
        self._addresses += 1
        return f"10.244.{self._addresses // 250 % 250}.{self._addresses % 250 + 1}"

    def _status(self, pod: Obj, run: Run, now: datetime) -> None:
        """Write what the pod's containers make of it into its status."""
        status, moment = pod["status"], stamp(now)
        status.setdefault("startTime", stamp(run.begun))
        if address := self._address(pod, run):
            status |= {"podIP": address, "podIPs": [{"ip": address}]}
        host = f"172.18.0.{2 + int(share(pod['spec']['nodeName']) * 200)}"
        status |= {"hostIP": host, "hostIPs": [{"ip": host}]}
        initialized = all(_passed(container) for container in run.init)
        for container in run.main:
            if container.stage == "new" and run.init and not initialized:
                container.waiting = ("PodInitializing", "")
        if run.init:
            status["initContainerStatuses"] = [container.status() for container in run.init]
        status["containerStatuses"] = [container.status() for container in run.main]
        status["phase"] = _phase(run, initialized)
        _conditions(pod, run, moment, initialized=initialized)


def _new_image(change: Change) -> bool:
    before = change.before.document if change.before else {}
    return bool(dig(before, "spec", "containers") != dig(change.record.document, "spec", "containers"))


def _take_new_images(pod: Obj, run: Run) -> None:
    """Restart containers whose image was changed in place."""
    for container, spec in zip(run.main, pod["spec"]["containers"], strict=False):
        if container.spec["image"] != spec["image"]:
            container.spec, container.program = spec, program_of(pod, spec)
            container.stage, container.due = "new", None


def _passed(container: Container) -> bool:
    if container.is_init:
        return container.stage == "done" and bool(dig(container.ended, "exitCode") == 0)
    return container.stage == "running"


def _may_go(run: Run) -> list[Container]:
    """Give the containers whose turn it is: init containers one after the other, then all the others."""
    turn: list[Container] = []
    for container in run.init:
        turn.append(container)
        if not _passed(container):
            return turn
    return turn + run.main


def _phase(run: Run, initialized: bool) -> str:
    if any(c.is_init and c.stage == "done" and dig(c.ended, "exitCode") for c in run.init):
        return "Failed"
    if not initialized or any(c.started is None and c.stage != "done" for c in run.main):
        return "Pending"
    if all(container.stage == "done" for container in run.main):
        return "Failed" if any(dig(c.ended, "exitCode") for c in run.main) else "Succeeded"
    return "Running"


def _conditions(pod: Obj, run: Run, moment: str, *, initialized: bool) -> None:
    done = pod["status"]["phase"] == "Succeeded"
    unready = [container.name for container in run.main if not container.ready]
    words = f"containers with unready status: [{' '.join(unready)}]"
    reason = "PodCompleted" if done else "ContainersNotReady"
    pending = [container.name for container in run.init if not _passed(container)]
    over = pod["status"]["phase"] in ENDED
    set_condition(pod, "PodReadyToStartContainers", str(run.set_up and not over), moment)
    if initialized:
        set_condition(pod, "Initialized", "True", moment, reason="PodCompleted" if done else "")
    else:
        why = f"containers with incomplete status: [{' '.join(pending)}]"
        set_condition(pod, "Initialized", "False", moment, reason="ContainersNotInitialized", message=why)
    gates = [gate["conditionType"] for gate in dig(pod, "spec", "readinessGates") or ()]
    for type_ in ("Ready", "ContainersReady"):
        if unready or done:
            set_condition(pod, type_, "False", moment, reason=reason, message="" if done else words)
        elif type_ == "Ready" and (closed := [g for g in gates if condition(pod, g).get("status") != "True"]):
            why = f'the status of pod readiness gate "{closed[0]}" is not "True", but False'
            set_condition(pod, type_, "False", moment, reason="ReadinessGatesNotReady", message=why)
        else:
            set_condition(pod, type_, "True", moment)
    pod["status"]["conditions"].sort(key=lambda item: item["type"] == "PodScheduled")
