"""CronJobs: Jobs by the clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from opsmodal.demo import deletion, writing
from opsmodal.demo.clock import parsed, stamp
from opsmodal.demo.documents import Obj, copied, dig, is_leaving, name_of, namespace_of, owned_by
from opsmodal.demo.kinds import Kind, stored
from opsmodal.demo.life.conditions import is_true
from opsmodal.demo.life.making import noticed
from opsmodal.demo.life.reports import Reporter
from opsmodal.demo.storage import Change, Key
from opsmodal.demo.world import World

CRON_JOBS = stored("cronjobs")
JOBS = stored("jobs")
MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
SEARCH_MINUTES = 366 * 24 * 60


def _field(text: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        start = low if span in ("*", "?") else int(first)
        end = int(last) if last else (high if span in ("*", "?") or step else start)
        found.update(range(start, end + 1, int(step or 1)))
    return frozenset(number % 7 if high == 6 else number for number in found)


def next_time(schedule: str, after: datetime) -> datetime | None:
    """Give the next minute of a cron schedule, None when there is none within a year. Raise ValueError."""
    texts = MACROS.get(schedule, schedule).split()
    if len(texts) != len(LIMITS):
        raise ValueError(f"not a cron schedule: {schedule!r}")
    fields = [_field(text, *limits) for text, limits in zip(texts, LIMITS, strict=True)]
    minutes, hours, days, months, weekdays = fields
    moment = after.replace(second=0, microsecond=0)
    for _ in range(SEARCH_MINUTES):
        moment += timedelta(minutes=1)
        if moment.minute not in minutes or moment.hour not in hours or moment.month not in months:
            continue
        by_day, by_weekday = moment.day in days, (moment.weekday() + 1) % 7 in weekdays
        either = texts[2] != "*" and texts[4] != "*"
        if (by_day or by_weekday) if either else (by_day and by_weekday):
            return moment
    return None


class CronJobs:
    """Make Jobs when they are due."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._storage = world.storage
        self._reports = Reporter(world, "cronjob-controller")

    def notice(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Look at changed CronJobs and at those whose Jobs changed."""
        return noticed(kind, change, CRON_JOBS, (JOBS,))

    def look(self, key: Key) -> datetime | None:
        """Make the Job that is due, forget old ones, and wait for the next."""
        record = self._storage.get(CRON_JOBS, *key)
        if record is None or is_leaving(record.document):
            return None
        owner = record.document
        jobs = [item.document for item in self._storage.owned(JOBS, owner["metadata"]["uid"])]
        self._forget(owner, jobs)
        active = [job for job in jobs if not (is_true(job, "Complete") or is_true(job, "Failed"))]
        now = self._world.clock.now().astimezone(UTC)
        last = dig(owner, "status", "lastScheduleTime") or owner["metadata"]["creationTimestamp"]
        try:
            due = next_time(dig(owner, "spec", "schedule") or "", parsed(last))
        except ValueError as error:
            self._reports.warn(owner, "UnparseableSchedule", f"unparseable schedule: {error}")
            return None
        if due and due <= now and not dig(owner, "spec", "suspend"):
            made = self._make(owner, due, active)
            self._write(key, [*active, made] if made else active, due)
            return self._world.clock.after(0.1)
        self._write(key, active, None)
        return due

    def _make(self, owner: Obj, due: datetime, active: list[Obj]) -> Obj | None:
        policy = dig(owner, "spec", "concurrencyPolicy")
        if active and policy == "Forbid":
            words = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self._reports.normal(owner, "JobAlreadyActive", words)
            return None
        template = copied(owner["spec"]["jobTemplate"])
        metadata = {"name": f"{name_of(owner)}-{int(due.timestamp()) // 60}", "ownerReferences": [owned_by(owner)]}
        metadata |= {part: dig(template, "metadata", part) for part in ("labels",) if dig(template, "metadata", part)}
        manifest: Obj = {"metadata": metadata, "spec": template["spec"]}
        made = writing.create(self._world, JOBS, namespace_of(owner), manifest)
        self._reports.normal(owner, "SuccessfulCreate", f"Created job {name_of(made.document)}")
        return made.document

    def _forget(self, owner: Obj, jobs: list[Obj]) -> None:
        for condition, field in (("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")):
            ended = sorted((job for job in jobs if is_true(job, condition)), key=name_of)
            limit = dig(owner, "spec", field)
            for job in ended[: max(len(ended) - (3 if limit is None else limit), 0)]:
                record = self._storage.get(JOBS, namespace_of(job), name_of(job))
                if record:
                    deletion.delete(self._world, JOBS, record, deletion.Options(propagation="Background"))

    def _write(self, key: Key, active: list[Obj], scheduled: datetime | None) -> None:
        references = [
            {"kind": "Job", "apiVersion": "batch/v1", "namespace": key[0], "name": name_of(job)} for job in active
        ]

        def edit(document: Obj) -> None:
            status = document.setdefault("status", {})
            status.pop("active", None)
            status |= {"active": references} if references else {}
            status |= {"lastScheduleTime": stamp(scheduled)} if scheduled else {}

        self._storage.update(CRON_JOBS, *key, edit)
