"""Every action there is, as data: the door, the buttons and the audit log all read this table.

A route without an action does not exist, and an action without a row here cannot be taken. Those of the command line
stand here too.
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
)
INSTANCE_FORCE_DELETE = Action(
    name="instance.force-delete",
    permission=Permission.MANAGE,
    label="Force delete",
    dangerous=True,
    changes=True,
)
INSTANCE_RESTART = Action(
    name="instance.restart",
    permission=Permission.MANAGE,
    label="Restart",
    dangerous=True,
    changes=True,
)
INSTANCES_DELETE_PENDING = Action(
    name="instances.delete-pending",
    permission=Permission.MANAGE,
    label="Delete pending",
    dangerous=True,
    changes=True,
)
TIMELINE_VIEW = Action(name="timeline.view", permission=Permission.VIEW)
USAGE_VIEW = Action(name="usage.view", permission=Permission.VIEW)
LOGS_READ = Action(name="logs.read", permission=Permission.LOGS)
LOGS_FOLLOW = Action(name="logs.follow", permission=Permission.LOGS)
LOGS_DOWNLOAD = Action(name="logs.download", permission=Permission.LOGS, audited=True)
COMMANDS_VIEW = Action(name="commands.view", permission=Permission.EXEC)
COMMAND_RUN = Action(name="command.run", permission=Permission.EXEC, label="Run a command that reads", audited=True)
COMMAND_EXEC = Action(name="command.exec", permission=Permission.EXEC, label="Run a command inside", changes=True)
COMMAND_CHANGE = Action(
    name="command.change", permission=Permission.MANAGE, label="Run a command that changes something", changes=True
)
COMMAND_DESTROY = Action(
    name="command.destroy",
    permission=Permission.MANAGE,
    label="Run a command that wants to be confirmed",
    dangerous=True,
    changes=True,
)
COMMAND_RUNBOOK = Action(
    name="command.runbook", permission=Permission.EXEC, label="Run a runbook", dangerous=True, changes=True
)
"""A line is judged first, and then let through as one of these: what is refused is an attempt of the first. The last
is a runbook that an administrator did not approve beforehand: it needs no more than it says, and is confirmed."""
COMMAND_STOP = Action(name="command.stop", permission=Permission.EXEC, label="Stop a command", audited=True)
GUARD_RULES = Action(name="guard.rules", permission=None)
CONNECTION_VIEW = Action(name="connection.view", permission=Permission.VIEW)
CONNECTION_CHOOSE = Action(name="connection.choose", permission=Permission.VIEW, audited=True)
"""One's own, like a favourite, and written down: it says by which network somebody's actions come."""
CONNECTION_TEST = Action(name="connection.test", permission=Permission.VIEW)
CONNECTION_SWITCHED = Action(name="connection.switched", permission=None, audited=True)
"""Taken by opsmodal itself: Auto reaches a runtime another way now (see `opsmodal.switches`)."""

REGISTRY_VIEW = Action(name="registry.view", permission=None)
REGISTRY_TEST = Action(name="registry.test", permission=None, audited=True)
REGISTRY_CHANGE = Action(name="registry.change", permission=None, changes=True)
REGISTRY_REMOVE = Action(name="registry.remove", permission=None, dangerous=True, changes=True)
HOST_KEY_TRUST = Action(name="host-key.trust", permission=None, dangerous=True, changes=True)
HOST_KEY_FORGET = Action(name="host-key.forget", permission=None, dangerous=True, changes=True)
AUDIT_VIEW = Action(name="audit.view", permission=None)
AUDIT_EXPORT = Action(name="audit.export", permission=None, audited=True)
SIGN_IN = Action(name="sign-in", permission=None, audited=True)
SIGN_OUT = Action(name="sign-out", permission=None, audited=True)
ACCESS_ENDED = Action(name="access.ended", permission=None, audited=True)
"""Taken by opsmodal itself: a stream ended because the right under it did (see `opsmodal.access`)."""
RIGHTS_VIEW = Action(name="rights.view", permission=Permission.VIEW)
RIGHTS_LIST = Action(name="rights.list", permission=None)
RIGHTS_PEOPLE = Action(name="rights.people", permission=None)

PEOPLE_VIEW = Action(name="people.view", permission=None)
USER_ADD = Action(name="user.add", permission=None, changes=True)
USER_PASSWORD = Action(name="user.password", permission=None, changes=True)
USER_LINK = Action(name="user.link", permission=None, changes=True)
USER_IDENTITY = Action(name="user.identity", permission=None, changes=True)
USER_DISABLE = Action(name="user.disable", permission=None, dangerous=True, changes=True)
USER_ENABLE = Action(name="user.enable", permission=None, changes=True)
USER_GIVE_FLAG = Action(name="user.give-flag", permission=None, changes=True)
USER_TAKE_FLAG = Action(name="user.take-flag", permission=None, dangerous=True, changes=True)
SESSION_END = Action(name="session.end", permission=None, changes=True)
TOKEN_CREATE = Action(name="token.create", permission=None, changes=True)
TOKEN_REVOKE = Action(name="token.revoke", permission=None, dangerous=True, changes=True)
GROUP_CHANGE = Action(name="group.change", permission=None, changes=True)
GROUP_REMOVE = Action(name="group.remove", permission=None, dangerous=True, changes=True)
GRANT_CHANGE = Action(name="grant.change", permission=None, changes=True)
GRANT_REMOVE = Action(name="grant.remove", permission=None, dangerous=True, changes=True)
"""What is done to people. Read-only mode is for pages and the API: the command line of the machine is not reached by
it, and asks for no confirmation."""

ACCOUNT_VIEW = Action(name="account.view", permission=None)
ACCOUNT_PASSWORD = Action(name="account.password", permission=None, audited=True)
ACCOUNT_END_SESSION = Action(name="account.end-session", permission=None, audited=True)
ACCOUNT_CREATE_TOKEN = Action(name="account.create-token", permission=None, changes=True)
ACCOUNT_REVOKE_TOKEN = Action(name="account.revoke-token", permission=None, dangerous=True, audited=True)
"""What everybody does to what is their own. Read-only mode leaves what only takes away: a password that got known, a
session left open and a token that leaked must be stopped there, too."""

KNOWN = {value.name: value for value in tuple(globals().values()) if isinstance(value, Action)}
"""Every action by its name, as the audit log has it."""
