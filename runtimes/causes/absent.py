"""What an engine's container needs and is not there any more: its image, a volume, the files of a volume."""

from __future__ import annotations

from collections.abc import Iterator

from runtimes.causes.facts import Absent, ContainerFacts, Facts
from runtimes.causes.finding import Finding, Weight
from runtimes.causes.words import named

WHAT = "cannot start"
FILES_HINT = "Restore the folder from a backup; or remove the volume and the container, and make both anew."


def findings(facts: Facts) -> Iterator[Finding]:
    """Find what the engine itself says that it does not have for a container that is down."""
    for container in facts.containers:
        if facts.kind == "container" and container.state != "running":
            yield from (_missing(container, each) for each in container.absent)


def of_volume(found: Finding | None, container: ContainerFacts, error: str) -> Finding | None:
    """Name the volume where a path that the engine misses is one of a volume: nobody knows those by their folder."""
    for name, folder in container.volumes:
        if found is not None and found.kind == "mount-source-missing" and folder and folder in error:
            because = f"the files of its volume {named(name)} are gone from the host: {named(folder)}"
            return Finding(kind="volume-missing", what=WHAT, because=because, hint=FILES_HINT, said=error)
    return found


def _missing(container: ContainerFacts, each: Absent) -> Finding:
    if each.kind == "volume":
        ran = container.last_run is not None
        return Finding(
            kind="volume-missing",
            what=WHAT,
            because=f"the volume {named(each.name)} that it mounts does not exist",
            hint="Create the volume and restore its data, or make the container anew with a volume that exists.",
            weight=Weight.CONTEXT if ran else Weight.DECISIVE,
            said=each.said,
        )
    return Finding(
        kind="image-missing",
        what=WHAT,
        because=f"the image {named(each.name)} that it was made of is not on the host any more",
        hint="Pull or load the image: without it the container cannot be made anew (compose up, an update).",
        weight=Weight.CONTEXT,  # engines keep the layers for as long as a container stands on them
        said=each.said,
    )
