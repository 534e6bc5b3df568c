"""Reads which container is in which pod: the Docker-compatible API knows no pods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from runtimes.engine.answers import Version
from runtimes.engine.containers import Containers
from runtimes.engine.opening import Dialled, PodSource
from runtimes.engine.pods import Membership
from runtimes.libpod import Libpod
from runtimes.podman.client import LibpodClient, agreed_libpod
from runtimes.structs import make_ready


class Listed(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A container of GET /libpod/containers/json with `pod=true`."""

    id: str
    pod: str = ""
    pod_name: str = ""
    is_infra: bool = False


ASKED = {"all": "true", "pod": "true"}


def pod_source(dialled: Dialled, version: Version) -> PodSource:
    """Make what reads the pods of a Podman engine, and what else only its own API tells."""
    from runtimes.podman.libpod import PodmansOwn

    client = LibpodClient(dialled, version=agreed_libpod(version))

    def read() -> Mapping[str, Membership]:
        return memberships(client.get("/containers/json", list[Listed], ASKED))

    def own(containers: Containers) -> Libpod:
        return PodmansOwn(client, containers, read)

    return PodSource(read, client.close, own)


def memberships(listed: Iterable[Listed]) -> dict[str, Membership]:
    """Say which container is in which pod."""
    return {each.id: Membership(each.pod_name or each.pod[:12], each.is_infra) for each in listed if each.pod}


make_ready(globals())
