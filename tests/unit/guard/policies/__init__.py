"""Policy tests as the contract words them: a world, and lines with what is to become of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from opsmodal.guard.world import Asked, Known, Mode

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Case:
    """One line of a policy test."""

    id: str
    line: str
    asked: Asked
    allow: bool


def cases(name: str) -> tuple[Case, ...]:
    """Read a file of this folder."""
    document = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    known = world(document["world"])
    return tuple(_case(row, known) for row in document["cases"])


def world(written: Mapping[str, Any]) -> Known:
    """Make the world of a file; a container without an id gets one."""
    containers = written.get("containers", {})
    return Known(own=_ids(containers.get("own", {})), other=_ids(containers.get("other", {})))


def _ids(named: Mapping[str, str] | list[str]) -> dict[str, str]:
    return dict(named) if isinstance(named, dict) else {name: sha256(name.encode()).hexdigest() for name in named}


def _case(row: Mapping[str, Any], known: Known) -> Case:
    asked = Asked(
        kind=row["runtime"],
        mode=Mode(row["mode"]),
        world=known,
        namespace=row.get("namespace", ""),
        container=row.get("container", ""),
    )
    return Case(row["id"], row["command"], asked, row["expect"] == "allow")
