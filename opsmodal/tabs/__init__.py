"""The tabs of a service's page, in the order of the screen. Each is one module of this package.

One tab is one name: the facet of a runtime, the module here, the template folder, the URL and the test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from opsmodal.permissions import Permission
from opsmodal.tabs import commands, config, deployment, domains, instances, logs, overview
from opsmodal.web.routes import Routes


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One tab: its name, the permission it needs, what it is called per kind of runtime, and its routes."""

    name: str
    permission: Permission
    labels: Mapping[str, str]
    routes: Routes

    def label(self, kind: str) -> str:
        """What the tab is called for a kind of runtime."""
        return self.labels.get(kind, self.labels[""])


TABS = (
    Tab(name="overview", permission=Permission.VIEW, labels={"": "Overview"}, routes=overview.routes),
    Tab(
        name="instances",
        permission=Permission.VIEW,
        labels={"": "Containers", "kubernetes": "Pods"},
        routes=instances.routes,
    ),
    Tab(name="deployment", permission=Permission.VIEW, labels={"": "Deployment"}, routes=deployment.routes),
    Tab(name="config", permission=Permission.MANAGE, labels={"": "Config"}, routes=config.routes),
    Tab(name="logs", permission=Permission.LOGS, labels={"": "Logs"}, routes=logs.routes),
    Tab(name="commands", permission=Permission.EXEC, labels={"": "Commands"}, routes=commands.routes),
    Tab(name="domains", permission=Permission.VIEW, labels={"": "Domains"}, routes=domains.routes),
)
