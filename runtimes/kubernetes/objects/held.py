"""What is held in memory of every pod that is watched: what rows, sums and links need, and nothing else.

Everything else is left out when a list is read, not dropped afterwards: of 5,000 pods (19 MB of JSON) these structs are
decoded in 43 ms, the whole ones of `pods` in 125 ms. Environments, mounts and annotations, half of what a pod takes
in memory, may hold values that are not meant to be kept.
Source of the fields: https://kubernetes.io/docs/reference/kubernetes-api/
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from runtimes.structs import make_ready

Quantities = dict[str, str | int | float]
Labels = dict[str, str]


class Model(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Field names in camelCase; no cycles, so the garbage collector need not look (a list holds 100,000 of these)."""


class OwnerReference(Model, frozen=True):
    kind: str
    name: str
    uid: str = ""
    controller: bool = False


class HeldMetadata(Model, frozen=True):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    labels: Labels | None = None
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    """When the grace period is over: the time of the deletion plus that period."""
    owner_references: tuple[OwnerReference, ...] | None = None
    finalizers: tuple[str, ...] | None = None

    @property
    def controller(self) -> OwnerReference | None:
        """The object that would make this one again."""
        for owner in self.owner_references or ():
            if owner.controller:
                return owner
        return None


class ResourceList(Model, frozen=True):
    requests: Quantities | None = None
    limits: Quantities | None = None


class HeldContainer(Model, frozen=True):
    name: str
    image: str = ""
    resources: ResourceList = ResourceList()
    restart_policy: str = ""
    """"Always" on an init container makes it a sidecar."""


class Gate(Model, frozen=True):
    name: str = ""


class HeldSpec(Model, frozen=True):
    containers: tuple[HeldContainer, ...] = ()
    init_containers: tuple[HeldContainer, ...] | None = None
    ephemeral_containers: tuple[HeldContainer, ...] | None = None
    node_name: str = ""
    restart_policy: str = "Always"
    scheduling_gates: tuple[Gate, ...] | None = None


class Waiting(Model, frozen=True):
    reason: str = ""
    message: str = ""


class Running(Model, frozen=True):
    started_at: datetime | None = None


class Terminated(Model, frozen=True):
    exit_code: int = 0
    signal: int = 0
    reason: str = ""
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


class State(Model, frozen=True):
    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class HeldContainerStatus(Model, frozen=True):
    name: str
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    state: State = State()
    last_state: State = State()


class Condition(Model, frozen=True):
    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None


class HeldStatus(Model, frozen=True):
    phase: str = ""
    reason: str = ""
    message: str = ""
    qos_class: str = ""
    start_time: datetime | None = None
    conditions: tuple[Condition, ...] | None = None
    container_statuses: tuple[HeldContainerStatus, ...] | None = None
    init_container_statuses: tuple[HeldContainerStatus, ...] | None = None
    ephemeral_container_statuses: tuple[HeldContainerStatus, ...] | None = None


class HeldPod(Model, frozen=True):
    metadata: HeldMetadata = HeldMetadata()
    spec: HeldSpec = HeldSpec()
    status: HeldStatus = HeldStatus()


make_ready(globals())
