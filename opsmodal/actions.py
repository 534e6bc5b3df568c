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
INSTANCE_STOP = Action(
    name="instance.stop",
    permission=Permission.MANAGE,
    label="Stop",
    dangerous=True,
    changes=True,
)
INSTANCE_START = Action(
    name="instance.start",
    permission=Permission.MANAGE,
    label="Start",
    dangerous=True,
    changes=True,
)
"""Asked about like a restart: what is down may be down for a reason that somebody else knows."""
INSTANCES_DELETE_PENDING = Action(
    name="instances.delete-pending",
    permission=Permission.MANAGE,
    label="Delete pending",
    dangerous=True,
    changes=True,
)
HEALTH_CHECK = Action(name="health.check", permission=Permission.EXEC, label="Run health check", changes=True)
"""It runs a program in the container, and what podman does when it fails may be a restart."""
DEPLOYMENT_VIEW = Action(name="deployment.view", permission=Permission.VIEW)
DEPLOYMENT_MANIFEST = Action(name="deployment.manifest", permission=Permission.MANAGE)
"""A manifest holds the values of an environment, which are masked for who may not manage."""
DEPLOYMENT_SCALE = Action(name="deployment.scale", permission=Permission.MANAGE, label="Scale", changes=True)
DEPLOYMENT_REMOVE_PODS = Action(
    name="deployment.remove-pods",
    permission=Permission.MANAGE,
    label="Remove all pods",
    dangerous=True,
    changes=True,
)
DEPLOYMENT_AUTOSCALE = Action(
    name="deployment.autoscale", permission=Permission.MANAGE, label="Set the autoscaler", changes=True
)
DEPLOYMENT_REMOVE_AUTOSCALER = Action(
    name="deployment.remove-autoscaler",
    permission=Permission.MANAGE,
    label="Remove the autoscaler",
    dangerous=True,
    changes=True,
)
DEPLOYMENT_IMAGE = Action(name="deployment.image", permission=Permission.MANAGE, label="Set image", changes=True)
DEPLOYMENT_REDEPLOY = Action(name="deployment.redeploy", permission=Permission.MANAGE, label="Redeploy", changes=True)
"""Confirmed in production only, as another image is where a container is replaced."""
DEPLOYMENT_RESTART = Action(name="deployment.restart", permission=Permission.MANAGE, label="Restart", changes=True)
"""Confirmed in production only: all pods are replaced, some at a time."""
DEPLOYMENT_PAUSE = Action(name="deployment.pause", permission=Permission.MANAGE, label="Pause", changes=True)
DEPLOYMENT_RESUME = Action(name="deployment.resume", permission=Permission.MANAGE, label="Resume", changes=True)
DEPLOYMENT_ROLLBACK = Action(
    name="deployment.rollback", permission=Permission.MANAGE, label="Roll back", dangerous=True, changes=True
)
DEPLOYMENT_RESOURCES = Action(
    name="deployment.resources", permission=Permission.MANAGE, label="Set resources", changes=True
)
DEPLOYMENT_RESTART_POLICY = Action(
    name="deployment.restart-policy", permission=Permission.MANAGE, label="Set restart policy", changes=True
)
DEPLOYMENT_STRATEGY = Action(
    name="deployment.strategy", permission=Permission.MANAGE, label="Set strategy", changes=True
)
DEPLOYMENT_SUSPEND = Action(name="deployment.suspend", permission=Permission.MANAGE, label="Suspend", changes=True)
DEPLOYMENT_RUN = Action(name="deployment.run", permission=Permission.MANAGE, label="Run now", changes=True)
DEPLOYMENT_EDIT = Action(name="deployment.edit", permission=Permission.MANAGE, label="Save the manifest", changes=True)
JOB_VIEW = Action(name="job.view", permission=Permission.VIEW)
JOB_STOP = Action(name="job.stop", permission=Permission.MANAGE, label="Stop", audited=True)
SCALING_VIEW = Action(name="scaling.view", permission=Permission.VIEW)
METRICS_SERVER_VIEW = Action(name="metrics-server.view", permission=Permission.VIEW)
METRICS_SERVER_DIAGNOSE = Action(name="metrics-server.diagnose", permission=Permission.MANAGE)
"""It shows events and log lines of a namespace that is not the service's."""
METRICS_SERVER_INSTALL = Action(
    name="metrics-server.install", permission=Permission.MANAGE, label="Install Metrics Server", changes=True
)
METRICS_SERVER_REPLACE = Action(
    name="metrics-server.replace",
    permission=Permission.MANAGE,
    label="Replace Metrics Server",
    dangerous=True,
    changes=True,
)
METRICS_SERVER_REMOVE = Action(
    name="metrics-server.remove",
    permission=Permission.MANAGE,
    label="Remove Metrics Server",
    dangerous=True,
    changes=True,
)
IMAGES_VIEW = Action(name="images.view", permission=Permission.VIEW)
IMAGES_CLEAN = Action(
    name="images.clean", permission=Permission.MANAGE, label="Delete images", dangerous=True, changes=True
)
IMAGES_ASK = Action(name="images.ask", permission=Permission.MANAGE, label="Ask the registries")
"""It goes out with the logins of the runtime, whose registries count how often they are asked."""
DEBUG_VIEW = Action(name="debug.view", permission=Permission.VIEW)
DEBUG_COPY = Action(name="debug.copy", permission=Permission.MANAGE, label="Make a debug copy", changes=True)
DEBUG_RUN = Action(name="debug.run", permission=Permission.MANAGE, label="Run a debug pod", changes=True)
DEBUG_REMOVE = Action(name="debug.remove", permission=Permission.MANAGE, label="Remove a debug pod", changes=True)
FILE_FETCH = Action(name="file.fetch", permission=Permission.EXEC, label="Fetch a file", audited=True)
"""A program that runs in a container, like every exec; in read-only mode the guard of typed lines refuses it."""
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
CONFIG_VIEW = Action(name="config.view", permission=Permission.MANAGE)
CONFIG_REVEAL = Action(name="config.reveal", permission=Permission.MANAGE, label="Reveal", audited=True)
CONFIG_CREATE = Action(name="config.create", permission=Permission.MANAGE, label="Create", changes=True)
CONFIG_SAVE = Action(name="config.save", permission=Permission.MANAGE, label="Save", changes=True)
CONFIG_RESTORE = Action(name="config.restore", permission=Permission.MANAGE, label="Restore", changes=True)
CONFIG_DELETE = Action(name="config.delete", permission=Permission.MANAGE, label="Delete", dangerous=True, changes=True)
"""Of ConfigMaps and Secrets. Reading is for who manages, and values of Secrets are read by a reveal of its own."""
DOMAINS_VIEW = Action(name="domains.view", permission=Permission.VIEW)
DOMAIN_CHECK = Action(name="domain.check", permission=Permission.VIEW, label="Check a domain")
DOMAIN_ADD = Action(name="domain.add", permission=Permission.MANAGE, label="Add a domain", changes=True)
DOMAIN_CHANGE = Action(name="domain.change", permission=Permission.MANAGE, label="Change a domain", changes=True)
DOMAIN_REMOVE = Action(
    name="domain.remove", permission=Permission.MANAGE, label="Remove a domain", dangerous=True, changes=True
)
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
REGISTRY_LOGIN_PUT = Action(name="registry-login.put", permission=None, changes=True)
REGISTRY_LOGIN_REMOVE = Action(name="registry-login.remove", permission=None, dangerous=True, changes=True)
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
