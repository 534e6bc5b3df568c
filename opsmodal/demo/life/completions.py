"""Which pods a Job still needs: by number, by index, or until one succeeds. Pure.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/#parallel-jobs.
"""

from __future__ import annotations

from dataclasses import dataclass

from opsmodal.demo.documents import Obj, annotations_of, copied, dig, name_of
from opsmodal.demo.life.making import is_active

INDEX = "batch.kubernetes.io/job-completion-index"
INDEX_VARIABLE = "JOB_COMPLETION_INDEX"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The pods of a Job, counted. `indexes` are those that succeeded, `busy` those under way."""

    succeeded: int
    failed: int
    active: tuple[Obj, ...]
    indexes: frozenset[int]
    busy: frozenset[int]

    def complete(self, job: Obj) -> bool:
        """Tell whether enough pods have succeeded."""
        wanted = dig(job, "spec", "completions")
        if wanted is None:
            return self.succeeded > 0 and not self.active
        return bool((len(self.indexes) if is_indexed(job) else self.succeeded) >= wanted)

    def missing(self, job: Obj) -> list[int | None]:
        """Give the pods to make now: their indexes, or None for each where they have none."""
        most = dig(job, "spec", "parallelism") - len(self.active)
        wanted = dig(job, "spec", "completions")
        if is_indexed(job):
            free = [place for place in range(wanted) if place not in self.indexes | self.busy]
            return list(free[: max(most, 0)])
        left = most if wanted is None else min(most, wanted - self.succeeded - len(self.active))
        if wanted is None and self.succeeded:
            left = 0  # a queue of work that one pod has found empty
        return [None] * max(left, 0)


def is_indexed(job: Obj) -> bool:
    """Tell whether each pod of a Job has a number of its own."""
    return bool(dig(job, "spec", "completionMode") == "Indexed")


def _index(pod: Obj) -> int:
    return int(annotations_of(pod).get(INDEX, -1))


def tally(pods: list[Obj]) -> Tally:
    """Count the pods of a Job."""
    phases = [dig(pod, "status", "phase") for pod in pods]
    active = tuple(pod for pod in pods if is_active(pod))
    return Tally(
        succeeded=phases.count("Succeeded"),
        failed=phases.count("Failed"),
        active=active,
        indexes=frozenset(_index(pod) for pod, phase in zip(pods, phases, strict=True) if phase == "Succeeded"),
        busy=frozenset(map(_index, active)),
    )


def indexed_template(job: Obj, index: int) -> Obj:
    """Give the template of the pod with an index: it finds its number in labels, annotations and environment."""
    template = copied(job["spec"]["template"])
    metadata = template.setdefault("metadata", {})
    for part in ("labels", "annotations"):
        metadata[part] = (metadata.get(part) or {}) | {INDEX: str(index)}
    source = {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{INDEX}']"}}
    for container in template["spec"]["containers"]:
        container["env"] = [*(container.get("env") or ()), {"name": INDEX_VARIABLE, "valueFrom": source}]
    template["spec"]["hostname"] = f"{name_of(job)}-{index}"
    return template


def spans(indexes: frozenset[int]) -> str:
    """Write indexes as the status does: `0-2,5`."""
    found: list[list[int]] = []
    for index in sorted(indexes):
        if found and found[-1][1] == index - 1:
            found[-1][1] = index
        else:
            found.append([index, index])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in found)
