"""Changes a container in place: its limits and its restart policy, without replacing it.

Source: Docker Engine API 1.41, "Update a container"; podman 4.3, pkg/api/handlers/libpod/containers.go, where limits
are those of the running process only: they are not shown, and a restart forgets them. Its restart policy came in 5.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from runtimes.base import Scope
from runtimes.changes import SetRestartPolicy
from runtimes.engine.api import Api, escaped
from runtimes.engine.containers import Containers
from runtimes.engine.managers import SWARM_TASK_LABELS, UNIT_LABEL
from runtimes.engine.scope import first_label
from runtimes.engine.updates import limits
from runtimes.engine.updates.limits import InPlaceChange, Settings
from runtimes.engine.updates.looking import Looking
from runtimes.engine.updates.raw import Raw, id_of, labels_of, name_of, part
from runtimes.engine.updates.rows import name_in
from runtimes.engine.updates.specs import opened, spec_of
from runtimes.errors import Conflict, Stale, Unsupported
from runtimes.planning import Applied, Plan
from runtimes.updates import Spec

LIMITS_SINCE, KEPT_SINCE, POLICY_SINCE = (4, 3), (5, 0), (5, 1)
"""Versions of podman: from when it changes limits, keeps them, and changes the restart policy."""


class InPlace:
    """Change the containers of a service in place."""

    def __init__(self, api: Api, containers: Containers, looking: Looking) -> None:
        self._api = api
        self._containers = containers
        self._looking = looking

    def plan(self, scope: Scope, change: InPlaceChange) -> Plan:
        """Say what would be set. Raise what it is refused with."""
        found, wanted = self._judged(scope, change)
        name, host = name_of(found), part(found, "HostConfig")
        what = "restart policy" if isinstance(change, SetRestartPolicy) else "limits"
        return Plan(
            target=f"container/{name}",
            summary=f"Set the {what} of {name}",
            command=limits.by_hand(name, wanted, really=self._looking.really) if wanted else "",
            differences=limits.differences(name, host, wanted),
            warnings=tuple(self._warnings(found, wanted)),
            revision=limits.revision_of(id_of(found), host),
            unchanged=not wanted,
        )

    def apply(self, scope: Scope, change: InPlaceChange, *, revision: str) -> Applied:
        """Set it. Raise what `plan` raises, and Stale where the container is no longer as at `revision`."""
        found, wanted = self._judged(scope, change)
        name, host = name_of(found), part(found, "HostConfig")
        if revision and revision != limits.revision_of(id_of(found), host):
            raise Stale(f"{name} was changed since you looked at it.", hint="Look at it again.")
        if not wanted:
            return Applied(target=f"container/{name}", sentence=f"{name} is already like that.")
        said = self._set(id_of(found), wanted)
        differing = limits.differences(name, host, wanted)
        words = "; ".join(f"{each.what} is now {each.after}, was {each.before}" for each in differing)
        words = words or f"what was set of {name} is set again"
        return Applied(target=f"container/{name}", sentence=" ".join([f"{words[:1].upper()}{words[1:]}.", *said]))

    def spec_after(self, scope: Scope, change: InPlaceChange, spec: Spec) -> Spec:  # noqa: ARG002  (the contract's shape)
        """Give a spec with what a change sets, also where the engine does not show it."""
        container, image = opened(spec)
        host = part(container, "HostConfig")
        return spec_of({**container, "HostConfig": {**host, **limits.wanted_of(host, change)}}, image)

    def _judged(self, scope: Scope, change: InPlaceChange) -> tuple[Raw, Settings]:
        mine = self._containers.one(scope, name_in(change.workload))
        found = self._looking.container(mine.id)
        self._demand_possible(found, change)
        wanted = limits.wanted_of(part(found, "HostConfig"), change)
        if not isinstance(change, SetRestartPolicy) and self._is_forgetful():
            wanted = {**limits.wanted_of({}, change), **wanted}  # what it shows need not be what holds
        return found, wanted

    def _demand_possible(self, found: Raw, change: InPlaceChange) -> None:
        name, labels = name_of(found), labels_of(found)
        if task := first_label(labels, SWARM_TASK_LABELS):
            raise Conflict(f"{name} is the swarm task {task}.", hint="Update its service on a swarm manager.")
        is_policy = isinstance(change, SetRestartPolicy)
        if is_policy and (unit := labels.get(UNIT_LABEL)):
            hint = "Change Restart= in that unit, and reload systemd."
            raise Conflict(f"{name} belongs to the systemd unit {unit}, which starts it again by itself.", hint=hint)
        if self._looking.really == "docker":
            return
        since = POLICY_SINCE if is_policy else LIMITS_SINCE
        if (version := self._looking.version()) < since:
            raise Unsupported(
                f"Podman {_text(version)} cannot change {'a restart policy' if is_policy else 'limits'} in place.",
                hint=f"Podman {_text(since)} and newer can; until then make the container again with podman run.",
            )
        if not is_policy and not part(found, "State").get("Running"):
            raise Conflict(f"{name} does not run: Podman changes limits of running containers.", hint="Start it first.")

    def _warnings(self, found: Raw, wanted: Settings) -> Iterator[str]:
        if wanted.get("Memory"):
            yield "If it uses more memory than the new limit, the kernel refuses the change or ends processes of it."
        if wanted and self._is_forgetful():
            version, forgets = self._looking.version(), "does not show it, and forgets it when the container restarts"
            yield f"Podman {_text(version)} {forgets}; the next redeploy here keeps it."
        if "RestartPolicy" in wanted and part(found, "HostConfig").get("AutoRemove"):
            yield "It is removed as soon as it stops (--rm): the engine will refuse a restart policy."

    def _is_forgetful(self) -> bool:
        return self._looking.really == "podman" and self._looking.version() < KEPT_SINCE

    def _set(self, container: str, wanted: Settings) -> tuple[str, ...]:
        """Have the engine do it; give what it says beside."""
        if self._looking.really == "docker":
            answer = self._api.make(f"/containers/{escaped(container)}/update", dict[str, Any], wanted)
            return tuple(f"Docker says: {each}" for each in answer.get("Warnings") or ())
        policy = wanted.get("RestartPolicy")
        tries = {"restartRetries": policy["MaximumRetryCount"]} if policy and policy["MaximumRetryCount"] else {}
        query = f"?{urlencode({'restartPolicy': policy['Name'], **tries})}" if policy else ""
        path = f"/libpod/containers/{escaped(container)}/update{query}"
        self._api.send(path, limits.for_podman(wanted))
        return ()


def _text(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
