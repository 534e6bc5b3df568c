"""Drafts another image for one container, and says what becomes of the digest that it was pinned to. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from runtimes.changes import SetImage
from runtimes.errors import Invalid
from runtimes.kubernetes.api.media import STRATEGIC
from runtimes.kubernetes.changes.draft import Asked, Draft, changed, command, patch
from runtimes.kubernetes.changes.found import Found, Obj, template_of
from runtimes.kubernetes.changes.rollouts import by_hand, pods_of, rolls
from runtimes.reference import Reference, reference

LISTS = ("containers", "initContainers")
LATEST = "latest"


def set_image(asked: Asked, change: SetImage) -> Draft:
    """Draft another image. Raise Invalid for what is none, and for a container that is not there."""
    found = asked.found
    field, container = container_of(found, change.container)
    name, before = str(container["name"]), str(container.get("image") or "")
    after = _pinned(reference(change.image), before)
    return Draft(
        calls=(patch(found, in_container(found, field, name, {"image": str(after)}), media=STRATEGIC),),
        summary=f"Set the image of {name} in {found.words}",
        command=command(found, "set", "image", found.target, f"{name}={after}"),
        sentence=f"The image of {name} in {found.words} was set to {after}.",
        differences=changed(f"image of {name}", before, after),
        warnings=(*_warnings(before, after), *by_hand(found)),
        hits=pods_of(found) if rolls(found) else (),
        already=f"{name} in {found.words} has the image {after} already." if str(after) == before else "",
        lasting=rolls(found),
    )


def container_of(found: Found, name: str) -> tuple[str, Obj]:
    """Give a container of the template and the list that it is in; "" is the only one. Raise Invalid."""
    known = [(field, each) for field in LISTS for each in found.template.get("spec", {}).get(field) or ()]
    lasting = [each for each in known if each[0] == LISTS[0]]
    chosen = [each for each in known if each[1]["name"] == name] if name else lasting
    names = ", ".join(str(each["name"]) for _, each in known)
    if not chosen:
        raise Invalid(f'{found.words} has no container "{name[:100]}".', hint=f"It has: {names}.")
    if len(chosen) > 1:
        raise Invalid(f"{found.words} has {len(chosen)} containers.", hint=f"Say which one: {names}.")
    return chosen[0]


def in_container(found: Found, field: str, name: str, fields: Obj) -> Obj:
    """Give a strategic merge patch of one container."""
    body: Obj = {"spec": {field: [{"name": name} | fields]}}
    for step in reversed(template_of(found.kind)):
        body = {step: body}
    return body


def _pinned(after: Reference, text: str) -> Reference:
    """Keep the digest where name and tag stay as they are: who does not type it has not asked to lose it."""
    before = known(text)
    same = before is not None and (before.name, before.tag) == (after.name, after.tag)
    return replace(after, digest=before.digest) if before and same and not after.digest else after


def known(text: str) -> Reference | None:
    """Read the image that is there; None for one that is none, which a cluster takes and then cannot pull."""
    try:
        return reference(text)
    except Invalid:
        return None


def _warnings(text: str, after: Reference) -> Iterator[str]:
    before = known(text)
    if before and before.name != after.name:
        yield f"This is another repository than before: {before.name} becomes {after.name}."
    if before and before.digest and not after.digest:
        yield "The image before was pinned by its digest; this one is not, and its tag may come to mean another."
    if not after.digest and after.tag in ("", LATEST):
        yield "Without a version in its tag, which image runs depends on when a node pulls it."
