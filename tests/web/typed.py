"""What the tests of typed lines share: an installation with a real kubectl, and how a line is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from opsmodal.demo.cluster import Cluster
from opsmodal.store.tables import AuditRow
from tests.engines.kubectl import NoKubectl, find_kubectl
from tests.web.conftest import Installation, Seed, installed


def installed_with_kubectl(folder: Path, seed: Seed, cluster: Cluster, **more: Any) -> Installation:
    """Make an installation whose typed lines the real kubectl runs; skip where there is none."""
    try:
        kubectl = find_kubectl()
    except NoKubectl as none:
        pytest.skip(str(none))
    return installed(folder, seed, cluster, kubectl=str(kubectl), **more)


def with_another_operator(made: Installation) -> Installation:
    """Add `other`, who may on shop what the operator may."""
    made.people.add("other")
    made.registry.put("grants", {"user": "other", "role": "operator", "services": ["shop"]})
    return replace(made, tokens={**made.tokens, "other": made.people.new_token("other").secret})


def run(
    made: Installation, command: str, actor: str = "manager", *, service: str = "shop", **more: Any
) -> TestResponse:
    """Send a line as somebody."""
    body = {"command": command, "mode": "oneshot", **more}
    return made.client(actor).call("POST", f"/services/{service}/commands", json=body)


def rows(made: Installation, action: str = "command.") -> Sequence[AuditRow]:
    """Give the audit rows of typed lines, the oldest first."""
    with made.store.reading() as session:
        found = list(session.scalars(select(AuditRow).order_by(AuditRow.id)))
        session.expunge_all()
    return [row for row in found if row.action.startswith(action)]
