"""Which action each change of a workload is, and what makes one dangerous that is not always. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from opsmodal import actions
from opsmodal.guard.kubectl.manifests import replicas_in
from opsmodal.permissions import Action
from runtimes.changes import (
    Change,
    Pause,
    Redeploy,
    RedeployAll,
    RemoveAutoscaler,
    Restart,
    Restore,
    Resume,
    Rollback,
    RunNow,
    SetAutoscaler,
    SetImage,
    SetManifest,
    SetReplicas,
    SetResources,
    SetRestartPolicy,
    SetStrategy,
    Suspend,
)

ACTIONS: Mapping[type[Change], Action] = {
    SetReplicas: actions.DEPLOYMENT_SCALE,
    SetAutoscaler: actions.DEPLOYMENT_AUTOSCALE,
    RemoveAutoscaler: actions.DEPLOYMENT_REMOVE_AUTOSCALER,
    SetImage: actions.DEPLOYMENT_IMAGE,
    Redeploy: actions.DEPLOYMENT_REDEPLOY,
    RedeployAll: actions.DEPLOYMENT_REDEPLOY,
    Restore: actions.DEPLOYMENT_ROLLBACK,
    SetRestartPolicy: actions.DEPLOYMENT_RESTART_POLICY,
    SetResources: actions.DEPLOYMENT_RESOURCES,
    SetStrategy: actions.DEPLOYMENT_STRATEGY,
    Restart: actions.DEPLOYMENT_RESTART,
    Pause: actions.DEPLOYMENT_PAUSE,
    Resume: actions.DEPLOYMENT_RESUME,
    Rollback: actions.DEPLOYMENT_ROLLBACK,
    Suspend: actions.DEPLOYMENT_SUSPEND,
    RunNow: actions.DEPLOYMENT_RUN,
    SetManifest: actions.DEPLOYMENT_EDIT,
}


def action_of(change: Change) -> Action:
    """Say which action a change is: scaling to nothing is one of its own."""
    if isinstance(change, SetReplicas) and change.replicas == 0:
        return actions.DEPLOYMENT_REMOVE_PODS
    return ACTIONS[type(change)]


def is_risky(change: Change, *, production: bool, interrupts: bool = False) -> bool:
    """Tell whether a change wants to be confirmed although its action does not always.

    `interrupts`: nothing answers while it is done, as where a container is replaced by another.
    """
    if isinstance(change, SetManifest):
        return replicas_in(change.text) == 0
    return production and (interrupts or isinstance(change, Restart | Redeploy | RedeployAll))


def is_update(change: Change) -> bool:
    """Tell whether a change of a container replaces it: the others are done in place."""
    return isinstance(change, SetImage | Redeploy | RedeployAll | Restore | Rollback)


def target_of(workload: str) -> str:
    """Write a workload's id as kubectl and the audit log do: `deployment/web`. A bare name stays one."""
    kind, dot, name = workload.partition(".")
    return f"{kind}/{name}" if dot else workload
