"""Lines that make something: a job of a cron job, a config map or a secret out of literals. Manifests are not typed."""

from __future__ import annotations

from dataclasses import replace

from opsmodal.guard.kubectl.formats import check_maskable
from opsmodal.guard.kubectl.kinds import Sort, kind_of
from opsmodal.guard.kubectl.objects import SECRETS, Object, name_of, one_object
from opsmodal.guard.kubectl.rules import Refused
from opsmodal.guard.kubectl.saying import Line, managed
from opsmodal.guard.verdict import Verdict

_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105  (the name of a type)
"""The controller puts a token of the service account into a secret of this type, as `create token` would."""


def job(line: Line) -> Verdict:
    """Judge create job: of a cron job, under a name of its own."""
    if line.has("image") or line.read.dashes is not None:
        raise Refused("kubectl-create", "A job of any image would be a new program.", "Type --from=cronjob/NAME.")
    source = line.read.last("from")
    if source is None:
        raise Refused("kubectl-create", "The job has no cron job to come from.", "Type --from=cronjob/NAME.")
    origin = one_object(source, line.world)
    if origin.sort.custom or origin.sort.plural != "cronjobs":
        raise Refused("kubectl-create", f"A job does not come from {origin.sort.plural}.", "Type --from=cronjob/NAME.")
    made = _made(line, "jobs")
    found = managed(line, (made,))
    return replace(found, kinds=frozenset({"jobs", "cronjobs"}), reason="This runs a cron job now.")


def configmap(line: Line) -> Verdict:
    """Judge create configmap."""
    _literals(line)
    return managed(line, (_made(line, "configmaps"),))


def secret(line: Line) -> Verdict:
    """Judge create secret generic. What it prints is masked as what get prints."""
    _literals(line)
    if any(given.value == _TOKEN for given in line.read.all("type")):
        raise Refused("kubectl-create", "Such a secret would be given a token of a service account.")
    check_maskable(line.read)
    return managed(line, (_made(line, SECRETS),))


def _literals(line: Line) -> None:
    if not line.has("from-literal"):
        raise Refused("kubectl-create", "No value is given.", "Type --from-literal=KEY=VALUE.")


def _made(line: Line, kind: str) -> Object:
    """Resolve what is made: exactly one name."""
    if len(line.words) != 1:
        raise Refused("kubectl-arguments", "One name is wanted for what is made.")
    sort: Sort = kind_of(kind, line.world)
    return Object(sort, name_of(line.words[0]))
