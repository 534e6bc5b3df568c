"""The images of an engine's host, from the side of one service.

What is deleted goes by its names, one by one and never by force, so that the engine itself refuses whatever a container
has taken since it was looked at.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from runtimes.base import Scope
from runtimes.engine.answers import Inspected
from runtimes.engine.api import Api
from runtimes.engine.containers import Containers
from runtimes.engine.images.reading import Host, Image, Reading, bare
from runtimes.engine.images.tags import LOCAL, digest_in, is_named, known, repository, tagged
from runtimes.engine.images.words import ended, plan_of, revision_of, short, title
from runtimes.engine.problems import Kind
from runtimes.engine.updates.looking import in_path
from runtimes.engine.updates.pulling import authorised, bytes_in_words
from runtimes.engine.updates.pullproblems import Asked, failed_pull
from runtimes.errors import Conflict, Missing, RuntimeProblem, Stale
from runtimes.images import HostImage, HostImages, MovedTag, RegistryTag, Telling
from runtimes.planning import Plan, Progress, Step
from runtimes.registries import Logins, registry_of
from runtimes.structs import make_ready

REGISTRY_S = 30.0
STEPS_MAX = 200
"""Images that a job tells one by one; all are deleted, and counted."""


class Descriptor(msgspec.Struct, frozen=True):
    digest: str = ""


class Distribution(msgspec.Struct, frozen=True):
    """What a registry says of a tag. Source: Docker Engine API 1.41, "Get image information from the registry"."""

    descriptor: Descriptor = msgspec.field(default=Descriptor(), name="Descriptor")


class EngineImages:
    """Look after the images of the host of one engine; see `runtimes.images`."""

    def __init__(self, api: Api, containers: Containers, *, really: Kind, logins: Logins) -> None:
        self._api = api
        self._containers = containers
        self._reading = Reading(api)
        self._really: Kind = really
        self._logins = logins

    def list(self, scope: Scope) -> HostImages:
        """List the images that belong to a service, and count the others."""
        host, mine = self._reading.host(), self._containers.all(scope)
        names = {each.own_name for each in mine}
        repositories = {repository(each.config.image) for each in mine} - {""}
        running = {bare(each.image) for each in mine}
        own = [each for each in host.images if bare(each.id) in running or _is_of(each, repositories)]
        rows = tuple(_row(each, host, names) for each in own)
        return HostImages(
            images=tuple(sorted(rows, key=lambda row: (not row.used_by, row.names, row.id))),
            moved=moved_tags(host, mine),
            others=len(host.images) - len(own),
            unused=len(host.unused),
            unused_bytes=sum(each.size for each in host.unused),
            as_of=datetime.now(UTC),
        )

    def tags(self, scope: Scope) -> tuple[RegistryTag, ...]:
        """Ask the registries what the tags of a service's containers mean there."""
        digests = {bare(each.id): each.repo_digests or () for each in self._reading.host().images}
        mine = sorted(self._containers.all(scope), key=lambda each: each.own_name)
        return tuple(self._asked(each, digests.get(bare(each.image), ())) for each in mine if each.state.running)

    def plan_cleanup(self, scope: Scope, image: str = "") -> Plan:  # noqa: ARG002  (images are the host's)
        """Say which images a cleanup would delete, and how much that frees."""
        found = self._unused(image)
        return plan_of(found, self._reading.disk(), really=self._really, wanted=image)

    def clean(self, scope: Scope, tell: Telling, *, image: str = "", revision: str = "") -> None:  # noqa: ARG002  (images are the host's)
        """Delete them one by one."""
        found = self._unused(image)
        if revision and revision != revision_of(found):
            raise Stale("Other images are unused than you looked at.", hint="Look at the list again.")
        before = self._reading.disk().layers_size
        steps = [Step(name=f"Image {short(each.id)}", state="waiting", detail=_told(each)) for each in found]
        stayed = 0
        for at, each in enumerate(found):
            tell(_progress(steps, at, len(found)))
            is_gone = self._delete(each)
            stayed += not is_gone
            outcome = "deleted" if is_gone else "stays, a container has it"
            steps[at] = replace(steps[at], state="done", detail=f"{_told(each)}: {outcome}")
        room = before - self._reading.disk().layers_size if before else None
        said = ended(len(found) - stayed, stayed, room)
        tell(Progress(state="done", sentence=said, steps=tuple(steps[:STEPS_MAX])))

    def _unused(self, wanted: str) -> tuple[Image, ...]:
        host = self._reading.host()
        if not wanted:
            return host.unused
        found = [each for each in host.images if _is_wanted(each, wanted)]
        if not found:
            raise Missing(
                f"There is no image {wanted[:200]} on the host.", hint="Give its name with its tag, or its id."
            )
        if holders := host.holders.get(bare(found[0].id)):
            count = f"{len(holders)} container{'s' * (len(holders) != 1)}"
            raise Conflict(f"{wanted[:200]} is used by {count}.", hint="Remove those first.")
        return (found[0],)

    def _delete(self, image: Image) -> bool:
        """Delete an image unless a container has it by now; tell whether it is gone."""
        if self._reading.holders().get(bare(image.id)):
            return False
        try:
            names = image.names if self._really == "docker" else image.tags
            for name in names:
                self._reading.untag(name)
            if not names:
                self._reading.remove(image.id)
        except Missing:  # somebody else was faster
            return True
        except Conflict:
            return False
        return True

    def _asked(self, container: Inspected, digests: tuple[str, ...]) -> RegistryTag:
        image = container.config.image
        told = RegistryTag(container=container.own_name, image=image, state="unknown", sentence="")
        has = digest_in(digests, image)
        if not tagged(image):
            return replace(told, sentence="It runs exactly one image, which no tag can change.")
        if not has or registry_of(image) == LOCAL:
            return replace(told, sentence="The host did not get this image from a registry.")
        try:
            found = self._digest(image)
        except RuntimeProblem as problem:
            return replace(told, sentence=problem.sentence, hint=problem.hint)
        if found == has:
            return replace(told, state="same", sentence="The registry has the same image.", digest=found)
        hint = "Pull and redeploy takes it."
        return replace(told, state="moved", sentence="The registry has another image.", hint=hint, digest=found)

    def _digest(self, image: str) -> str:
        host = registry_of(image)
        asked = Asked(image, self._logins(host))
        headers = authorised(asked.login, host) if asked.login else {}
        try:
            path = f"/distribution/{in_path(image)}/json"
            found = self._api.get(path, Distribution, timeout_s=REGISTRY_S, headers=headers)
        except RuntimeProblem as problem:
            if self._really == "podman" and isinstance(problem, Missing):
                hint = "Pull and redeploy takes whatever the registry has."
                raise Missing("Podman asks no registry without pulling.", hint=hint) from problem
            if not problem.detail:
                raise
            raise failed_pull(asked, problem.detail, outcome="could not be asked for") from problem
        return found.descriptor.digest


def moved_tags(host: Host, containers: list[Inspected]) -> tuple[MovedTag, ...]:
    """Name the tags that mean another image now than what a container runs under them."""
    means = {tagged(name): each.id for each in host.images for name in each.tags if known(name)}
    found = []
    for each in sorted(containers, key=lambda container: container.own_name):
        now = means.get(tagged(each.config.image), "") if each.state.running else ""
        if now and bare(now) != bare(each.image):
            image = each.config.image
            found.append(MovedTag(container=each.own_name, image=image, runs=short(each.image), means=short(now)))
    return tuple(found)


def _is_of(image: Image, repositories: set[str]) -> bool:
    return any(repository(name) in repositories for name in image.names)


def _is_wanted(image: Image, wanted: str) -> bool:
    identity = bare(wanted)
    if len(identity) >= len(short(image.id)) and bare(image.id).startswith(identity):
        return True
    return any(is_named(name, wanted) for name in image.names)


def _row(image: Image, host: Host, mine: set[str]) -> HostImage:
    holders = host.holders.get(bare(image.id), ())
    return HostImage(
        id=short(image.id),
        names=image.names,
        size_bytes=image.size,
        made_at=datetime.fromtimestamp(image.created, UTC) if image.created > 0 else None,
        used_by=tuple(sorted(set(holders) & mine)),
        others=len(set(holders) - mine),
    )


def _told(image: Image) -> str:
    return f"{title(image)}, {bytes_in_words(image.size)}"


def _progress(steps: list[Step], at: int, count: int) -> Progress:
    shown = [*steps[:at], replace(steps[at], state="running"), *steps[at + 1 :]]
    return Progress(state="running", sentence=f"Deleting image {at + 1} of {count}.", steps=tuple(shown[:STEPS_MAX]))


make_ready(globals())
