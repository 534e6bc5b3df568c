"""Makes rows of the Deployment tab out of the containers of a service. Pure."""

from __future__ import annotations

from runtimes.deployment import Deployed, DeployedContainer
from runtimes.engine.answers import Inspected, moment
from runtimes.engine.detail import resources
from runtimes.engine.managers import managed_by
from runtimes.engine.scope import PROJECT_LABELS, first_label
from runtimes.engine.states import condition

KIND = "container"
VERBS = frozenset({"image", "redeploy", "resources", "restart-policy", "rollback"})
ALWAYS = ("", "no")
"""Restart policies that start nothing."""


def name_in(workload: str) -> str:
    """Give the name of a container: `container.web` and `container/web` name web; so does web itself."""
    for start in (f"{KIND}.", f"{KIND}/"):
        if workload.startswith(start):
            return workload.removeprefix(start)
    return workload


def _manager(container: Inspected) -> str:
    words = managed_by(container.labels, pod="")
    if first_label(container.labels, PROJECT_LABELS):
        return f"It belongs to the {words}: what is changed here does not change its file."
    return f"It belongs to the {words}." if words else ""


def row_of(container: Inspected, digests: str) -> Deployed:
    stands = condition(container, recent_restarts=0)
    host, name = container.host_config, container.own_name
    return Deployed(
        id=f"{KIND}.{name}",
        kind="Container",
        name=name,
        desired=1 if container.state.running or host.restart_policy.name not in ALWAYS else 0,
        ready=1 if stands.ready else 0,
        containers=(DeployedContainer(name=name, image=container.config.image, resources=resources(host)),),
        strategy_facts=_facts(container, digests),
        conditions=(("State", f"{stands.status} {stands.reason}".strip()),),
        managed_by=_manager(container),
        verbs=VERBS,
        made_at=moment(container.created),
    )


def _facts(container: Inspected, digests: str) -> dict[str, str]:
    policy = container.host_config.restart_policy
    tries = f", at most {policy.maximum_retry_count} times" if policy.maximum_retry_count else ""
    at = moment(container.created)
    found = {
        "restart_policy": f"{policy.name or 'no'}{tries}",
        "image_id": container.image,
        "digest": digests,
        "created_at": at.isoformat(timespec="seconds") if at else "",
    }
    return {name: text for name, text in found.items() if text}
