"""Jobs: pods that run to their end, tried again until there are enough successes or too many failures."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from opsmodal.demo import deletion
from opsmodal.demo.clock import parsed
from opsmodal.demo.documents import Obj, dig, is_leaving, name_of
from opsmodal.demo.kinds import PODS, Kind, stored
from opsmodal.demo.life.conditions import is_true, set_condition
from opsmodal.demo.life.making import Maker, is_active, is_ready, noticed
from opsmodal.demo.storage import Change, Key
from opsmodal.demo.world import World

JOBS = stored("jobs")
FIRST_RETRY_S, LAST_RETRY_S = 10.0, 360.0
"""Back-off between failed pods, doubled each time, at most six minutes."""


class Jobs:
    """Run Jobs to their end."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._storage = world.storage
        self._maker = Maker(world, "job-controller")
        self._not_before: dict[str, datetime] = {}

    def notice(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Look at changed Jobs and at those whose pods changed."""
        return noticed(kind, change, JOBS)

    def look(self, key: Key) -> datetime | None:
        """Make the pods that are missing, or write how the Job ended."""
        record = self._storage.get(JOBS, *key)
        if record is None or is_leaving(record.document):
            return None
        job = record.document
        if is_true(job, "Complete") or is_true(job, "Failed"):
            return self._expire(job)
        pods = [item.document for item in self._storage.owned(PODS, job["metadata"]["uid"])]
        done = sum(dig(pod, "status", "phase") == "Succeeded" for pod in pods)
        failed = sum(dig(pod, "status", "phase") == "Failed" for pod in pods)
        active = [pod for pod in pods if is_active(pod)]
        again = self._fill(job, done, failed, active)
        self._write(key, job, done, failed)
        return again

    def _fill(self, job: Obj, done: int, failed: int, active: list[Obj]) -> datetime | None:
        spec, uid = job["spec"], job["metadata"]["uid"]
        if spec.get("suspend"):
            for pod in active:
                self._maker.delete(job, pod)
            return None
        if failed > spec["backoffLimit"] or done >= spec["completions"]:
            return None
        now = self._world.clock.now()
        if failed and not active:
            retry_s = min(FIRST_RETRY_S * 2 ** (failed - 1), LAST_RETRY_S)
            due = self._not_before.setdefault(f"{uid}/{failed}", self._world.clock.after(retry_s))
            if now < due:
                return due
        for _ in range(min(spec["parallelism"], spec["completions"] - done) - len(active)):
            if self._maker.make(job, spec["template"]):
                return self._world.clock.after(FIRST_RETRY_S)
        return None

    def _write(self, key: Key, job: Obj, done: int, failed: int) -> None:
        stamp, spec = self._world.clock.stamp(), job["spec"]
        pods = [item.document for item in self._storage.owned(PODS, job["metadata"]["uid"])]
        active = [pod for pod in pods if is_active(pod)]
        completed, broken = done >= spec["completions"], failed > spec["backoffLimit"]

        def edit(document: Obj) -> None:
            status = document.setdefault("status", {})
            status.setdefault("startTime", stamp)
            status |= {"active": len(active), "ready": sum(map(is_ready, active))}
            status |= {name: count for name, count in (("succeeded", done), ("failed", failed)) if count}
            if completed:
                status["completionTime"] = stamp
                words = "Reached expected number of succeeded pods"
                set_condition(document, "SuccessCriteriaMet", "True", stamp, reason="CompletionsReached", message=words)
                set_condition(document, "Complete", "True", stamp, reason="CompletionsReached", message=words)
            elif broken:
                words = "Job has reached the specified backoff limit"
                set_condition(document, "FailureTarget", "True", stamp, reason="BackoffLimitExceeded", message=words)
                set_condition(document, "Failed", "True", stamp, reason="BackoffLimitExceeded", message=words)

        self._storage.update(JOBS, *key, edit)
        if completed:
            self._maker.reports.normal(job, "Completed", "Job completed")
        elif broken:
            words = "Job has reached the specified backoff limit"
            self._maker.reports.warn(job, "BackoffLimitExceeded", words)

    def _expire(self, job: Obj) -> datetime | None:
        lasts_s = dig(job, "spec", "ttlSecondsAfterFinished")
        end = dig(job, "status", "completionTime")
        if lasts_s is None or not end:
            return None
        due = parsed(end) + timedelta(seconds=self._world.clock.wait_s(lasts_s))
        if self._world.clock.now() < due:
            return due
        record = self._storage.get(JOBS, job["metadata"]["namespace"], name_of(job))
        if record:
            deletion.delete(self._world, JOBS, record, deletion.Options(propagation="Background"))
        return None
