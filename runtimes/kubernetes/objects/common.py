"""What objects of every kind have in common, and what the API server answers beside them: pages, watches, errors.

Source of the fields: https://kubernetes.io/docs/reference/kubernetes-api/
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from runtimes.kubernetes.objects.held import HeldMetadata, Labels, Model
from runtimes.structs import make_ready

T = TypeVar("T")


class Metadata(HeldMetadata, frozen=True):
    annotations: Labels | None = None
    deletion_grace_period_seconds: int | None = None


class ListMetadata(Model, frozen=True):
    continue_: str = msgspec.field(name="continue", default="")
    resource_version: str = ""


class Page(Model, Generic[T], frozen=True):
    """One page of a list."""

    items: list[T] | None = None
    metadata: ListMetadata = ListMetadata()


class OnlyMetadata(Model, frozen=True):
    """Any object, of which only the metadata is looked at."""

    metadata: Metadata = Metadata()


class WatchEvent(Model, frozen=True):
    """One line of a watch; `object` is decoded by what `type` says it is."""

    type: str
    object: msgspec.Raw


class Version(Model, frozen=True):
    git_version: str = ""
    platform: str = ""


class StatusDetails(Model, frozen=True):
    name: str = ""
    kind: str = ""
    retry_after_seconds: int = 0


class Status(Model, frozen=True):
    """What the API server answers instead of an object when something is wrong."""

    kind: str = ""
    code: int = 0
    message: str = ""
    reason: str = ""
    details: StatusDetails | None = None


make_ready(globals())
