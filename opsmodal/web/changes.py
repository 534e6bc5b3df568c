"""What pages and programs send to change a workload, read into the change that it is. Raise BadRequest for the rest.

A body says what is wanted; `preview`, `revision`, `reason` and `confirm` stand beside it, in the body or the query.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import msgspec
from flask import request

from opsmodal.errors import BadRequest
from opsmodal.web.bodies import ERROR_MAX_CHARS
from opsmodal.web.quantities import cores, memory_bytes
from opsmodal.web.respond import body_fields, sent
from runtimes.base import Resources
from runtimes.changes import (
    Redeploy,
    RedeployAll,
    RemoveAutoscaler,
    Rollback,
    SetAutoscaler,
    SetImage,
    SetManifest,
    SetReplicas,
    SetResources,
    SetRestartPolicy,
    SetStrategy,
    Suspend,
)

T = TypeVar("T")

ROLLING = "RollingUpdate"
"""The one kind of strategy that has numbers."""
COUNT_MAX = 2**31 - 1
"""Kubernetes counts in 32 bits."""
YAML = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "text/plain")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicasBody:
    """How many instances there should be."""

    replicas: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoscalerBody:
    """The bounds of an autoscaler, and the share of the requested CPU that it aims at.

    What is not sent stays as it is; a new autoscaler gets 1, 10 and 80.
    """

    min: int | None = None
    max: int | None = None
    cpu_percent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBody:
    """Another image; without a container that of the only one."""

    image: str = ""
    container: str = ""
    pull: bool = True
    """Of a container: look for it at its registry, also where its host has one of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeployBody:
    """Whether a container's image is looked for anew at its registry first."""

    pull: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackBody:
    """Which revision to go back to: 0 is the one before. Who sends `to` sends what was looked at as `revision`."""

    revision: str | int = 0
    to: int | None = None
    pull: bool = False
    """Of a container: look for the image of that revision at its registry, where the host has it no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcesBody:
    """Requests and limits of one container, as text: `250m`, `512Mi`; "" takes one away."""

    container: str = ""
    cpu_request: str = ""
    cpu_limit: str = ""
    memory_request: str = ""
    memory_limit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicyBody:
    """When an engine starts a container again: no, always, unless-stopped, on-failure; that at most `retries` times."""

    policy: str = ""
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyBody:
    """How pods are replaced: `kind` as the workload names it, numbers or percentages as kubectl takes them."""

    kind: str = ""
    max_surge: str = ""
    max_unavailable: str = ""
    partition: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendBody:
    """Whether it is suspended."""

    suspended: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestBody:
    """A whole manifest."""

    text: str = ""


def replicas(workload: str) -> SetReplicas:
    """Read how many instances are wanted."""
    count = _body(ReplicasBody).replicas
    if count is None:
        raise BadRequest("How many there should be is missing.", hint='Send {"replicas": 3}.')
    return SetReplicas(workload=workload, replicas=_counted(count, "replicas"))


def autoscaler(workload: str) -> SetAutoscaler:
    """Read the bounds of an autoscaler."""
    body = _body(AutoscalerBody)
    return SetAutoscaler(
        workload=workload,
        minimum=_counted_or_none(body.min, "min"),
        maximum=_counted_or_none(body.max, "max"),
        cpu_percent=_counted_or_none(body.cpu_percent, "cpu_percent"),
    )


def no_autoscaler(workload: str) -> RemoveAutoscaler:
    """Read whether the autoscaler goes alone, or the number of instances is set at once."""
    count = sent("replicas").strip()
    if count and not (count.isascii() and count.isdigit() and len(count) <= len(str(COUNT_MAX))):
        raise BadRequest("replicas must be a number.")
    return RemoveAutoscaler(workload=workload, replicas=_counted(int(count), "replicas") if count else None)


def image(workload: str) -> SetImage:
    """Read which image is wanted in which container."""
    body = _body(ImageBody)
    if not body.image.strip():
        raise BadRequest("The image is missing.", hint="Name it as registry/name:tag, or by its digest.")
    return SetImage(workload=workload, image=body.image.strip(), container=body.container, pull=body.pull)


def redeploy(workload: str) -> Redeploy:
    """Read whether the image is pulled first."""
    return Redeploy(workload=workload, pull=_body(RedeployBody).pull)


def redeploy_all(workload: str) -> RedeployAll:
    """Read whether the images are pulled first."""
    return RedeployAll(workload=workload, pull=_body(RedeployBody).pull)


def restart_policy(workload: str) -> SetRestartPolicy:
    """Read which restart policy is wanted."""
    body = _body(RestartPolicyBody)
    if not body.policy:
        raise BadRequest("The restart policy is missing.", hint="no, always, unless-stopped or on-failure.")
    retries = body.retries if request.is_json or body.policy == "on-failure" else 0  # a form sends all its fields
    return SetRestartPolicy(workload=workload, policy=body.policy, retries=_counted(retries, "retries"))


def rollback(workload: str) -> Rollback:
    """Read which revision is wanted. A page sends `to`, since its `revision` is what was looked at."""
    body = _body(RollbackBody)
    wanted = body.revision if body.to is None else body.to
    if isinstance(wanted, str) and not (wanted.isascii() and wanted.isdigit()):
        raise BadRequest("The revision must be a number.", hint="The workload's page lists its revisions.")
    return Rollback(workload=workload, revision=_counted(int(wanted), "revision"), pull=body.pull)


def resources(workload: str) -> SetResources:
    """Read requests and limits."""
    body = _body(ResourcesBody)
    wanted = Resources(
        cpu_request_cores=cores(body.cpu_request, "The CPU request"),
        cpu_limit_cores=cores(body.cpu_limit, "The CPU limit"),
        memory_request_bytes=memory_bytes(body.memory_request, "The memory request"),
        memory_limit_bytes=memory_bytes(body.memory_limit, "The memory limit"),
    )
    return SetResources(workload=workload, container=body.container, resources=wanted)


def strategy(workload: str) -> SetStrategy:
    """Read how pods are to be replaced."""
    body = _body(StrategyBody)
    if not body.kind:
        raise BadRequest("The kind of strategy is missing.", hint="RollingUpdate, Recreate or OnDelete.")
    if not request.is_json and body.kind != ROLLING:
        # A form sends all its fields, also those that mean nothing for the kind that was chosen.
        return SetStrategy(workload=workload, kind=body.kind)
    return SetStrategy(
        workload=workload,
        kind=body.kind,
        max_surge=body.max_surge.strip(),
        max_unavailable=body.max_unavailable.strip(),
        partition=_counted_or_none(body.partition, "partition"),
    )


def suspend(workload: str) -> Suspend:
    """Read whether it is to be suspended."""
    return Suspend(workload=workload, suspended=_body(SuspendBody).suspended)


def manifest(workload: str) -> SetManifest:
    """Read a manifest: the field `text` of a form or of JSON, or a body that is YAML itself."""
    if request.mimetype in YAML:
        try:
            text = request.get_data().decode()
        except UnicodeDecodeError:
            raise BadRequest("The manifest is no text in UTF-8.") from None
    else:
        text = _body(ManifestBody).text
    if not text.strip():
        raise BadRequest("The manifest is missing.", hint="Send it as YAML, or as the field text.")
    return SetManifest(workload=workload, text=text.replace("\r\n", "\n"))


def _body(kind: type[T]) -> T:
    """Read the body as one of these; what a form sends is text and becomes numbers, an empty field is one not sent."""
    plain = {name: value for name, value in body_fields().items() if request.is_json or value != ""}
    try:
        return msgspec.convert(plain, kind, strict=request.is_json)
    except msgspec.ValidationError as error:
        raise BadRequest(
            f"The body is not as it should be: {str(error)[:ERROR_MAX_CHARS]}.", hint="See /api/v1/openapi.json."
        ) from error


def _counted_or_none(count: int | None, name: str) -> int | None:
    return None if count is None else _counted(count, name)


def _counted(count: int, name: str) -> int:
    if not 0 <= count <= COUNT_MAX:
        raise BadRequest(f"{name} must be from 0 to {COUNT_MAX}.")
    return count
