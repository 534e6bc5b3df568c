"""Every change to a workload, as a value: what it is to be, and why. Doing it is the Deployment facet's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtimes.base import Resources
    from runtimes.updates import Spec

MINIMUM, MAXIMUM, CPU_PERCENT = 1, 10, 80
"""What an autoscaler gets where nothing else is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What every change has: which workload, and why (written as change-cause where the kind has one)."""

    workload: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetReplicas(Change):
    """Scale by hand. Refused with AutoscalerActive while an autoscaler owns the workload.

    One that 0 replicas have switched off is switched on again by a number within its bounds, and by no other.
    """

    replicas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAutoscaler(Change):
    """Create an autoscaler on CPU, or set the bounds of the one there is.

    None keeps what that one has; a new one gets MINIMUM, MAXIMUM and CPU_PERCENT.
    """

    minimum: int | None = None
    maximum: int | None = None
    cpu_percent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveAutoscaler(Change):
    """Delete the autoscaler and, with `replicas`, scale by hand at once."""

    replicas: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetImage(Change):
    """Run another image in one container; `container` "" where there is only one.

    `pull`: an engine looks for it at its registry, also where its host has one of that name.
    """

    image: str
    container: str = ""
    pull: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeploy(Change):
    """Replace a container by one with the same settings and image; with `pull` that image is looked for anew."""

    pull: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore(Change):
    """Replace a container by one as it was at a revision; with `pull` its image is fetched where the host lost it."""

    revision: int
    spec: Spec
    pull: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRestartPolicy(Change):
    """Say when an engine starts a container again: no, always, unless-stopped, on-failure (`retries` times)."""

    policy: str
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeployAll(Change):
    """Redeploy the containers of a service one after another, those first that others depend on. `workload` is ""."""

    pull: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetResources(Change):
    """Set requests and limits of one container. None takes a value away."""

    container: str
    resources: Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStrategy(Change):
    """Say how pods are replaced: `kind` as the workload names it. Numbers or percentages as kubectl takes them."""

    kind: str
    max_surge: str = ""
    max_unavailable: str = ""
    partition: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart(Change):
    """Replace all pods, as `kubectl rollout restart` does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Change):
    """Hold a Deployment's rollout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(Change):
    """Go on with a Deployment's rollout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback(Change):
    """Go back to a revision; 0 is the one before the current. `pull`: look for a container's image where it is gone."""

    revision: int = 0
    pull: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspend(Change):
    """Suspend a CronJob or Job, or let it go on."""

    suspended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNow(Change):
    """Make a Job out of a CronJob at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetManifest(Change):
    """Put a whole manifest in place of the workload's own: same kind, name and namespace."""

    text: str


VERBS: Mapping[type[Change], str] = {
    SetReplicas: "scale",
    SetAutoscaler: "autoscale",
    RemoveAutoscaler: "autoscale",
    SetImage: "image",
    Redeploy: "redeploy",
    RedeployAll: "redeploy",
    Restore: "rollback",
    SetRestartPolicy: "restart-policy",
    SetResources: "resources",
    SetStrategy: "strategy",
    Restart: "restart",
    Pause: "pause",
    Resume: "resume",
    Rollback: "rollback",
    Suspend: "suspend",
    RunNow: "run-now",
    SetManifest: "manifest",
}
"""What each change is called among `verbs`."""
