"""The ConfigMaps and Secrets of a service's namespace, as operations reach them: read, saved, and kept as versions.

What is saved is kept twice: what was there before, and that before anything is sent; and what there is then. Nothing
here permits anything: who calls it has entered by the door.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from opsmodal.errors import BadRequest, NotThere
from opsmodal.fleet import Fleet
from opsmodal.operations.config_answers import KINDS, ConfigDone
from opsmodal.operations.config_edits import Merged, Naming, Wish
from opsmodal.operations.config_values import told
from opsmodal.operations.door import Door, Pass
from opsmodal.operations.facets import Facets
from opsmodal.operations.guards import Consent, Guard
from opsmodal.store.errors import StoreProblem
from opsmodal.versions import By, Came, Content, Place, Versions
from runtimes.base import Runtime, Scope
from runtimes.config import Config, ConfigChange, ConfigContent, Holder, is_name
from runtimes.errors import Missing, Stale, Unsupported
from runtimes.planning import Applied, Plan

log = logging.getLogger(__name__)

RESTARTS_MAX = 50
"""Of one save; each asks the cluster some times, and all of them within one request."""
NO_HOLDER, NO_NAME = "(of no such kind)", "(a name that none can have)"
NAME_MAX_CHARS = 300
"""Longer than the id of any workload: kind, dot and a name of 253."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which ConfigMap or Secret."""

    holder: Holder
    name: str

    @property
    def told(self) -> str:
        """The name as plans have it: secret/db."""
        return f"{self.holder.removesuffix('s')}/{self.name}"

    @property
    def recorded(self) -> str:
        """The same for audit rows: what cannot be a name may be a value that was typed into the wrong field."""
        return named(self.holder, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredConfig:
    """What somebody wants of one: its keys, whether it can be changed later, and its type where it is created.

    `revision` is what was looked at; "" takes what there is now. `restart` names workloads to restart afterwards.
    """

    wish: Wish
    restart: tuple[str, ...] = ()
    revision: str = ""
    immutable: bool | None = None
    type: str = ""

    def __post_init__(self) -> None:
        """Raise BadRequest for restarts that no page asks for: each is an action of its own, with a row of its own."""
        names = self.restart
        is_long = any(len(name) > NAME_MAX_CHARS for name in names)
        if len(names) > RESTARTS_MAX or len(set(names)) < len(names) or is_long:
            hint = f"At most {RESTARTS_MAX}, each named once, like deployment.web."
            raise BadRequest("Those are no workloads to restart.", hint=hint)


def named(holder: str, name: str) -> str:
    """Name one for an audit row, out of an address: secret/db."""
    known = holder.removesuffix("s") if holder in KINDS else NO_HOLDER
    return f"{known}/{name if is_name(name) or not name else NO_NAME}"


def target_of(holder: str, name: str) -> Target:
    """Name one out of an address. Raise NotThere for another holder."""
    for known in KINDS:
        if holder == known:
            return Target(holder=holder, name=name)  # type: ignore[arg-type]  # one of the two
    raise NotThere("There are configmaps and secrets here, and nothing else.")


def change_of(
    target: Target, wanted: DesiredConfig, merged: Merged, content: ConfigContent | None = None
) -> ConfigChange:
    """Give what is sent: all keys as they are to be. `content` is what was looked at, None where it is created."""
    return ConfigChange(
        holder=target.holder,
        name=target.name,
        values=merged.values,
        revision=content.about.revision if content else "",
        type=content.about.type if content else wanted.type,
        immutable=wanted.immutable if content else wanted.immutable or None,
        # Whatever is stored, what was sent for a Secret counts as changed; those of a ConfigMap anybody may compare.
        given=merged.given if target.holder == "secrets" else frozenset(),
    )


class ConfigObjects:
    """Reach the ConfigMaps and Secrets of services."""

    def __init__(self, door: Door, fleet: Fleet, versions: Versions) -> None:
        self.door = door
        self.facets = Facets(fleet, _facet)
        self.versions = versions

    def save(
        self,
        leave: Pass,
        target: Target,
        change: ConfigChange,
        content: ConfigContent | None,
        action: Came,
        consent: Consent,
        guards: Sequence[Guard] = (),
    ) -> ConfigDone:
        """Save one through the door, once; `content` is what was looked at, None for a new one.

        What was there is kept as a version before anything is sent. Raise StoreProblem where it cannot be.
        """
        before = content.values if content else {}
        with self.door.act(leave, target=target.recorded, consent=consent, guards=guards) as outcome:
            outcome.detail = told(before, change.values)
            if content is not None and not content.about.locked:  # one that is locked is refused next
                self.keep(leave, target, held(content), "found", consent)
            applied = self.facets.changing(leave).save(leave.service.scope(), change)
            immutable = bool(content.about.immutable if content and change.immutable is None else change.immutable)
            after = Content(values=change.values, type=_type(change, content), immutable=immutable)
            notes = self.kept(leave, target, after, action, consent)
        return ConfigDone(
            sentence=_said(applied, action), targets=(target.told,), revision=applied.revision, notes=notes
        )

    def kept(self, leave: Pass, target: Target, held: Content, action: Came, consent: Consent) -> tuple[str, ...]:
        """Keep a version of what is done already: an error of the store must not say that it was not done."""
        try:
            self.keep(leave, target, held, action, consent)
        except StoreProblem as problem:
            log.warning("version of a config object not kept", extra={"target": target.told, "why": problem.sentence})
            return (f"It is not in the history: {problem.sentence}",)
        return ()

    def keep(self, leave: Pass, target: Target, held: Content, action: Came, consent: Consent) -> None:
        """Keep a version. Raise StoreProblem."""
        by = By(person=leave.actor.name, service=leave.service.name, reason=consent.reason)
        self.versions.keep(place_of(leave, target), held, action, by)

    def naming(self, leave: Pass, target: Target) -> Naming:
        """Give what names the values of one for a page."""
        place = place_of(leave, target)
        return Naming(lambda key, value: self.versions.fingerprint(place, key, value), target.holder == "secrets")

    def plan(self, leave: Pass, change: ConfigChange) -> Plan:
        """Say what saving would do, by the runtime's dry run."""
        return self.facets.read(leave, lambda config, scope: config.plan(scope, change))

    def content(self, leave: Pass, target: Target, *, with_uses: bool = False) -> ConfigContent:
        """Read one with its values. Raise Missing where there is none."""
        if not is_name(target.name):  # the cluster is not asked, and its words would be on record
            sentence = f"{KINDS[target.holder]} {target.name[:100]} does not exist (any more)."
            raise Missing(sentence, recorded=f"There is no {KINDS[target.holder]} of such a name.")

        def ask(config: Config, scope: Scope) -> ConfigContent:
            return config.get(scope, target.holder, target.name, with_uses=with_uses)

        return self.facets.read(leave, ask)

    def content_or_none(self, leave: Pass, target: Target) -> ConfigContent | None:
        """Read one with its values, None where there is none."""
        try:
            return self.content(leave, target)
        except Missing:
            return None


def _facet(runtime: Runtime) -> Config:
    """Give the facet. Raise Unsupported where the runtime has none."""
    if runtime.config is None:
        raise Unsupported(f"{runtime.kind.capitalize()} has no ConfigMaps and Secrets.")
    return runtime.config


def demand_revision(target: Target, content: ConfigContent, revision: str) -> None:
    """Raise Stale where it is no longer at a revision, when one is given."""
    if revision and revision != content.about.revision:
        what = f"{KINDS[target.holder]} {target.name}"
        raise Stale(f"{what} changed meanwhile.", hint="Nothing was done. Read it again, then repeat what you wanted.")


def held(content: ConfigContent) -> Content:
    """Give what it holds, as a version keeps it."""
    return Content(values=content.values, type=content.about.type, immutable=content.about.immutable)


def _type(change: ConfigChange, content: ConfigContent | None) -> str:
    if change.holder == "configmaps":
        return ""
    return content.about.type if content else change.type or "Opaque"


def _said(applied: Applied, action: Came) -> str:
    return applied.sentence.replace(" was saved.", " was restored.") if action == "restored" else applied.sentence


def place_of(leave: Pass, target: Target) -> Place:
    """Say where the versions of one are kept."""
    return Place(
        runtime=leave.service.runtime, namespace=leave.service.namespace, holder=target.holder, name=target.name
    )
