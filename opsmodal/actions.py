"""Every action there is, as data: the door, the buttons and the audit log all read this table.

A route without an action does not exist, and an action without a row here cannot be taken.
"""

from __future__ import annotations

from opsmodal.permissions import Action, Permission

SERVICES_LIST = Action(name="services.list", permission=None)
SERVICE_VIEW = Action(name="service.view", permission=Permission.VIEW)
FAVORITE = Action(name="service.favorite", permission=Permission.VIEW)
OVERVIEW_VIEW = Action(name="overview.view", permission=Permission.VIEW)
INSTANCES_VIEW = Action(name="instances.view", permission=Permission.VIEW)
INSTANCE_DELETE = Action(
    name="instance.delete",
    permission=Permission.MANAGE,
    label="Delete",
    dangerous=True,
    changes=True,
    audited=True,
)
INSTANCE_FORCE_DELETE = Action(
    name="instance.force-delete",
    permission=Permission.MANAGE,
    label="Force delete",
    dangerous=True,
    changes=True,
    audited=True,
)
INSTANCE_RESTART = Action(
    name="instance.restart",
    permission=Permission.MANAGE,
    label="Restart",
    dangerous=True,
    changes=True,
    audited=True,
)
INSTANCES_DELETE_PENDING = Action(
    name="instances.delete-pending",
    permission=Permission.MANAGE,
    label="Delete pending",
    dangerous=True,
    changes=True,
    audited=True,
)
LOGS_READ = Action(name="logs.read", permission=Permission.LOGS)
LOGS_FOLLOW = Action(name="logs.follow", permission=Permission.LOGS)
LOGS_DOWNLOAD = Action(name="logs.download", permission=Permission.LOGS, audited=True)

REGISTRY_VIEW = Action(name="registry.view", permission=None)
REGISTRY_TEST = Action(name="registry.test", permission=None, audited=True)
REGISTRY_CHANGE = Action(name="registry.change", permission=None, changes=True, audited=True)
REGISTRY_REMOVE = Action(name="registry.remove", permission=None, dangerous=True, changes=True, audited=True)
SIGN_IN = Action(name="sign-in", permission=None, audited=True)
SIGN_OUT = Action(name="sign-out", permission=None, audited=True)
