"""All controllers of the simulated cluster, in the order in which they take their turns."""

from __future__ import annotations

from opsmodal.demo.life.daemonset import DaemonSets
from opsmodal.demo.life.deployment import Deployments
from opsmodal.demo.life.garbage import Garbage
from opsmodal.demo.life.inside import Inside
from opsmodal.demo.life.job import Jobs
from opsmodal.demo.life.kubelet import Kubelet
from opsmodal.demo.life.loop import Controller
from opsmodal.demo.life.output import Outputs
from opsmodal.demo.life.replicaset import ReplicaSets
from opsmodal.demo.life.scheduler import Scheduler
from opsmodal.demo.life.statefulset import StatefulSets
from opsmodal.demo.world import World


def all_of(world: World, outputs: Outputs, inside: Inside) -> tuple[Controller, ...]:
    """Make every controller."""
    return (
        Deployments(world),
        ReplicaSets(world),
        StatefulSets(world),
        DaemonSets(world),
        Jobs(world),
        Garbage(world),
        Scheduler(world),
        Kubelet(world, outputs, inside),
    )
