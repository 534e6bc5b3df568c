"""What an update would do, in words, and the lines that do it by hand. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from runtimes.base import Scope
from runtimes.engine.problems import Kind
from runtimes.engine.scope import PROJECT_LABELS, SERVICE_LABELS, first_label
from runtimes.engine.updates.raw import Raw, labels_of, part
from runtimes.planning import Difference, Plan
from runtimes.updates import Update, set_revision

SHORT = 19
"""Of an image's id: "sha256:" and 12 digits."""


def plan_of(
    update: Update, old: Raw, *, really: Kind, local: str = "", differing: tuple[Difference, ...] | None = None
) -> Plan:
    """Give the plan of an update. `local` is the id of the image where the host has it, "" where it has not.

    `differing` are the settings that change, where they are not those of the old container.
    """
    now, before = str(part(old, "Config").get("Image") or ""), str(old.get("Image") or "")
    moved = local and local != before and not update.pull
    differences = []
    if update.image != now:
        differences.append(Difference(what=f"image of {update.name}", before=now, after=update.image))
    if moved:
        differences.append(Difference(what="image id", before=before[:SHORT], after=local[:SHORT]))
    return Plan(
        target=f"container/{update.name}",
        summary=f"{_verb(update)} the container {update.name}",
        command=by_hand(update, old, really=really),
        differences=tuple(differences) if differing is None else differing,
        warnings=tuple(_warnings(update, old, really=really, changed=update.image != now)),
        hits=(update.name,),
        revision=update.old,
    )


def plan_of_all(prepared: Sequence[tuple[Update, Raw]], *, scope: Scope, pull: bool, really: Kind) -> Plan:
    """Give the plan of the updates of a service, in their order."""
    names = tuple(update.name for update, _ in prepared)
    projects = {first_label(labels_of(old), PROJECT_LABELS) for _, old in prepared} - {""}
    lines = [by_hand(update, old, really=really) for update, old in prepared]
    if len(projects) == 1:
        fetched = " --pull always" if pull else ""
        lines = [f"{really} compose -p {shlex.quote(projects.pop())} up -d --force-recreate{fetched}"]
    return Plan(
        target=f"service/{scope.service}",
        summary=f"Redeploy {len(names)} containers of {scope.service}" if len(names) > 1 else f"Redeploy {names[0]}",
        command="; ".join(lines),
        warnings=(
            f"One after another, those first that others depend on: {', '.join(names)}.",
            "It stops at the first that does not run, puts that one back and says which are new.",
            "What uses the network or volumes of another one follows it, and does not answer in between.",
        ),
        hits=names,
        revision=set_revision(update.old for update, _ in prepared),
    )


def _verb(update: Update) -> str:
    return "Roll back" if update.exactly else "Replace"


def by_hand(update: Update, old: Raw, *, really: Kind) -> str:
    """Write what does the same by hand. The options of `run` are those that it was made with: nobody shows them all."""
    labels, name = labels_of(old), shlex.quote(update.name)
    image = shlex.quote(update.image)
    project, service = first_label(labels, PROJECT_LABELS), first_label(labels, SERVICE_LABELS)
    if project and service and not update.exactly:  # its file does not know what a revision was
        pull = " --pull always" if update.pull else ""
        told = f"{shlex.quote(project)} up -d --no-deps --force-recreate{pull} {shlex.quote(service)}"
        return f"{really} compose -p {told}  # with image: {image} in its file"
    first = f"{really} pull {image} && " if update.pull else ""
    aside = f"{really} stop {name} && {really} rename {name} {shlex.quote(f'{update.name}-before')}"
    return f"{first}{aside} && {really} run -d --name {name} … {image}  # … are the options that it was made with"


def _warnings(update: Update, old: Raw, *, really: Kind, changed: bool) -> Iterator[str]:
    host = part(old, "HostConfig")
    if update.ran:
        yield f"{update.name} does not answer while it is stopped and its successor starts."
    else:
        yield f"{update.name} does not run now; its successor is started."
    if changed and first_label(labels_of(old), PROJECT_LABELS):
        yield "Its compose file still names the image of before: change it there too, or docker compose up goes back."
    if any(not (bind or {}).get("HostPort") for binds in part(host, "PortBindings").values() for bind in binds or ()):
        yield "A port of it has no fixed number on the host: its successor gets another one."
    if really == "podman" and not old.get("CreateCommand"):
        yield "It was not made by podman run: Podman does not tell sysctls and fixed addresses, so these would be lost."
