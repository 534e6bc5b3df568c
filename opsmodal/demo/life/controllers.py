"""All controllers of the simulated cluster, in the order in which they take their turns."""

from __future__ import annotations

from opsmodal.demo.life.autoscaler import Autoscalers
from opsmodal.demo.life.budgets import Budgets, Quotas
from opsmodal.demo.life.cronjob import CronJobs
from opsmodal.demo.life.daemonset import DaemonSets
from opsmodal.demo.life.definitions import Definitions
from opsmodal.demo.life.deployment import Deployments
from opsmodal.demo.life.endpoints import Endpoints
from opsmodal.demo.life.garbage import Garbage
from opsmodal.demo.life.gateways import Gateways
from opsmodal.demo.life.inside import Inside
from opsmodal.demo.life.job import Jobs
from opsmodal.demo.life.kubelet import Kubelet
from opsmodal.demo.life.loop import Controller
from opsmodal.demo.life.namespaces import Namespaces
from opsmodal.demo.life.nodes import Nodes
from opsmodal.demo.life.output import Outputs
from opsmodal.demo.life.registrations import Registrations
from opsmodal.demo.life.replicaset import ReplicaSets
from opsmodal.demo.life.scheduler import Scheduler
from opsmodal.demo.life.statefulset import StatefulSets
from opsmodal.demo.life.volumes import Volumes
from opsmodal.demo.world import World


def all_of(world: World, outputs: Outputs, inside: Inside, authority: str) -> tuple[Controller, ...]:
    """Make every controller. `authority` is the PEM that namespaces get as kube-root-ca.crt."""
    return (
        Definitions(world),
        Nodes(world),
        Deployments(world),
        ReplicaSets(world),
        StatefulSets(world),
        DaemonSets(world),
        Jobs(world),
        CronJobs(world),
        Autoscalers(world),
        Garbage(world),
        Namespaces(world, authority),
        Volumes(world),
        Scheduler(world),
        Kubelet(world, outputs, inside),
        Endpoints(world),
        Registrations(world),
        Gateways(world),
        Quotas(world),
        Budgets(world),
    )
