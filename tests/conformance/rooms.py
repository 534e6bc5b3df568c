"""Rooms for client calls: a namespace for each call, taken away when it is done."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from typing import Any

import yaml

from tests.conformance.calls import Room


@contextlib.contextmanager
def connected(kubeconfig: str) -> Iterator[Any]:
    """Give a client of the cluster that a kubeconfig names."""
    from kubernetes.config import new_client_from_config_dict

    client = new_client_from_config_dict(yaml.safe_load(kubeconfig))
    try:
        yield client
    finally:
        client.close()
        client.rest_client.pool_manager.clear()


@contextlib.contextmanager
def room_of(client: Any) -> Iterator[Room]:
    """Give an empty namespace."""
    room = Room(client, f"conf-call-{secrets.token_hex(4)}")
    room.core.create_namespace({"metadata": {"name": room.namespace}})
    try:
        yield room
    finally:
        room.core.delete_namespace(room.namespace)
