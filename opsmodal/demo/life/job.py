"""Jobs: pods that run to their end, tried again until there are enough successes, too many failures, or too much time.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/. Pod failure policies are not played.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from opsmodal.demo import deletion
from opsmodal.demo.clock import parsed
from opsmodal.demo.documents import Obj, dig, is_leaving, name_of
from opsmodal.demo.kinds import PODS, Kind, stored
from opsmodal.demo.life.completions import Tally, indexed_template, is_indexed, spans, tally
from opsmodal.demo.life.conditions import condition, is_true, set_condition
from opsmodal.demo.life.making import Maker, is_ready, noticed
from opsmodal.demo.storage import Change, Key
from opsmodal.demo.world import World

JOBS = stored("jobs")
FIRST_RETRY_S, LAST_RETRY_S = 10.0, 360.0
"""Back-off between failed pods, doubled each time, at most six minutes."""
COMPLETE = ("CompletionsReached", "Reached expected number of succeeded pods")
TOO_OFTEN = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
TOO_LONG = ("DeadlineExceeded", "Job was active longer than specified deadline")
Reason = tuple[str, str]


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
        if dig(job, "spec", "suspend"):
            self._suspend(key, job)
            return None
        counts = self._count(job)
        broken = self._broken(job, counts)
        if broken or counts.complete(job):
            self._finish(key, job, counts, broken)
            return self._world.clock.now()
        again = self._fill(job, counts)
        self._storage.update(JOBS, *key, lambda document: self._running(document, self._count(job)))
        due = self._deadline(job)
        return min(filter(None, (again, due)), default=None)

    def _count(self, job: Obj) -> Tally:
        return tally([item.document for item in self._storage.owned(PODS, job["metadata"]["uid"])])

    def _deadline(self, job: Obj) -> datetime | None:
        limit_s = dig(job, "spec", "activeDeadlineSeconds")
        if limit_s is None:
            return None
        start = dig(job, "status", "startTime")
        begin = parsed(start) if start else self._world.clock.now()
        return begin + timedelta(seconds=self._world.clock.wait_s(limit_s))

    def _broken(self, job: Obj, counts: Tally) -> Reason | None:
        due = self._deadline(job)
        if due and dig(job, "status", "startTime") and self._world.clock.now() >= due:
            return TOO_LONG
        return TOO_OFTEN if counts.failed > job["spec"]["backoffLimit"] else None

    def _fill(self, job: Obj, counts: Tally) -> datetime | None:
        """Make what is missing; give when to try again."""
        now = self._world.clock.now()
        if counts.failed and not counts.active:
            retry_s = min(FIRST_RETRY_S * 2 ** (counts.failed - 1), LAST_RETRY_S)
            identity = f"{job['metadata']['uid']}/{counts.failed}"
            due = self._not_before.setdefault(identity, self._world.clock.after(retry_s))
            if now < due:
                return due
        for index in counts.missing(job):
            template = job["spec"]["template"] if index is None else indexed_template(job, index)
            if self._maker.make(job, template, stem="" if index is None else f"{name_of(job)}-{index}"):
                return self._world.clock.after(FIRST_RETRY_S)
        return None

    def _running(self, document: Obj, counts: Tally) -> None:
        stamp = self._world.clock.stamp()
        status = document.setdefault("status", {})
        status.setdefault("startTime", stamp)
        if is_true(document, "Suspended"):
            set_condition(document, "Suspended", "False", stamp, reason="JobResumed", message="Job resumed")
            status["startTime"] = stamp
        self._numbers(document, counts, len(counts.active))

    @staticmethod
    def _numbers(document: Obj, counts: Tally, active: int) -> None:
        status = document["status"]
        ready = sum(map(is_ready, counts.active)) if active else 0
        status |= {"active": active, "ready": ready, "terminating": 0, "uncountedTerminatedPods": {}}
        if not active:
            del status["active"]
        for name, count in (("succeeded", counts.succeeded), ("failed", counts.failed)):
            status |= {name: count} if count else {}
        if is_indexed(document) and counts.indexes:
            status["completedIndexes"] = spans(counts.indexes)

    def _suspend(self, key: Key, job: Obj) -> None:
        for pod in self._count(job).active:
            self._maker.delete(job, pod)
        stamp, known = self._world.clock.stamp(), condition(job, "Suspended").get("status") == "True"

        def edit(document: Obj) -> None:
            set_condition(document, "Suspended", "True", stamp, reason="JobSuspended", message="Job suspended")
            document["status"].pop("startTime", None)
            document["status"] |= {"ready": 0, "terminating": 0, "uncountedTerminatedPods": {}}
            document["status"].pop("active", None)

        self._storage.update(JOBS, *key, edit)
        if not known:
            self._maker.reports.normal(job, "Suspended", "Job suspended")

    def _finish(self, key: Key, job: Obj, counts: Tally, broken: Reason | None) -> None:
        """Write how a Job ended; what still runs of a broken one is ended, and counts as failed."""
        for pod in counts.active:
            self._maker.delete(job, pod)
        stamp, killed = self._world.clock.stamp(), len(counts.active)
        first, last = ("FailureTarget", "Failed") if broken else ("SuccessCriteriaMet", "Complete")
        reason, words = broken or COMPLETE

        def edit(document: Obj) -> None:
            status = document.setdefault("status", {})
            status.setdefault("startTime", stamp)
            self._numbers(document, counts, 0)
            if killed and broken:
                status["failed"] = counts.failed + killed
            if not broken:
                status["completionTime"] = stamp
            for type_ in (first, last):
                set_condition(document, type_, "True", stamp, reason=reason, message=words)

        self._storage.update(JOBS, *key, edit)
        if broken:
            self._maker.reports.warn(job, reason, words)
        else:
            self._maker.reports.normal(job, "Completed", "Job completed")

    def _expire(self, job: Obj) -> datetime | None:
        lasts_s = dig(job, "spec", "ttlSecondsAfterFinished")
        end = dig(job, "status", "completionTime") or condition(job, "Failed").get("lastTransitionTime")
        if lasts_s is None or not end:
            return None
        due = parsed(end) + timedelta(seconds=self._world.clock.wait_s(lasts_s))
        if self._world.clock.now() < due:
            return due
        record = self._storage.get(JOBS, job["metadata"]["namespace"], name_of(job))
        if record:
            deletion.delete(self._world, JOBS, record, deletion.Options(propagation="Background"))
        return None
