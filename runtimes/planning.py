"""What a change would do, before it is done, and what came of it: the values that every tab with changes shares. Pure.

A change is planned against what is there just now; the plan says it in words, as a diff and as the line that a person
could type instead. Applying names the revision that was looked at, so that nobody overwrites what moved meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that a change sets: `what` in words ("image of web"); "" for a side where there is nothing."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a change would do, as the runtime itself has checked it by a dry run, where it can.

    `target` is `deployment/web`; `summary` an imperative sentence without its full stop ("Set the image of web");
    `command` the one line that does the same by hand. `diff` is a unified diff of YAML where differences are too many
    to be rows. `hits` is what stops or goes; `warnings` are sentences. `revision` is what was looked at, opaque.
    """

    target: str
    summary: str
    command: str
    differences: tuple[Difference, ...] = ()
    diff: str = ""
    warnings: tuple[str, ...] = ()
    hits: tuple[str, ...] = ()
    revision: str = ""
    unchanged: bool = False
    """Whether everything is already as it is wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What came of a change: `sentence` is done and said in the past tense.

    `lasting`: what it began goes on for a while, and `Deployment.progress` tells of it; `generation` is the one to
    wait for. `made` names what was created, as kind/name.
    """

    target: str
    sentence: str
    revision: str = ""
    generation: int = 0
    lasting: bool = False
    made: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that goes on during a change. `state` is its own; `detail` is a sentence on where it stands.

    `done` of `total` counts its parts (pods, nodes); None where they cannot be counted.
    """

    name: str
    state: Literal["waiting", "running", "done", "failed"]
    detail: str = ""
    done: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far something is that goes on. `failed` comes with what to do in `hint`; `sentence` says it in one line.

    `steps` are in the order in which they are shown; "paused" is held by somebody, and goes on when they say so.
    """

    state: Literal["running", "done", "failed", "paused"]
    sentence: str
    hint: str = ""
    steps: tuple[Step, ...] = ()
