"""Why a container is not made from its definition: missing ConfigMaps, Secrets and keys, wrong users, failed hooks."""

from __future__ import annotations

from collections.abc import Iterator

from runtimes.causes import oci
from runtimes.causes.facts import Facts
from runtimes.causes.finding import Finding, Rule, Weight, first, latest
from runtimes.causes.words import named

WHAT = "cannot start"

REASONS = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError", "ContainerCannotRun"}
    | {"PostStartHookError", "PreCreateHookError", "PreStartHookError", "KillContainerError", "Failed"}
)
"""Waiting and terminated reasons of the kubelet for a container that could not be made or started."""

RULES = (
    Rule(
        kind="configmap-missing",
        words=r"configmap \"(?P<name>[^\"]{1,253})\" not found|configmap references non-existent: (?P<other>\S{1,253})",
        because="the ConfigMap {name}{other} that container {container} uses does not exist in its namespace",
        hint="Create the ConfigMap, or correct its name; mark it optional if it may be missing.",
    ),
    Rule(
        kind="secret-missing",
        words=r"secret \"(?P<name>[^\"]{1,253})\" not found",
        because="the Secret {name} that container {container} uses does not exist in its namespace",
        hint="Create the Secret, or correct its name; mark it optional if it may be missing.",
    ),
    Rule(
        kind="configmap-key-missing",
        words=r"couldn't find key (?P<key>\S{1,253}) in ConfigMap (?P<name>\S{1,507})",
        because="the ConfigMap {name} has no key {key}, which container {container} uses",
        hint="Add the key to the ConfigMap, or correct the key's name in the container.",
    ),
    Rule(
        kind="secret-key-missing",
        words=r"couldn't find key (?P<key>\S{1,253}) in Secret (?P<name>\S{1,507})",
        because="the Secret {name} has no key {key}, which container {container} uses",
        hint="Add the key to the Secret, or correct the key's name in the container.",
    ),
    Rule(
        kind="runs-as-root",
        words=r"runAsNonRoot and image (?:will run as root|has non-numeric user \((?P<user>[^)]{1,100})\))"
        r"|runAsNonRoot and runAsUser|runs as root",
        because="container {container} must not run as root (runAsNonRoot), and its image may: {user}",
        hint="Set runAsUser to a number other than 0, or use an image whose USER is such a number.",
    ),
    Rule(
        kind="cache-not-synced",
        words=r"failed to sync (?P<what_kind>secret|configmap) cache|services have not yet been read",
        because="the kubelet of its node has not read what container {container} needs from the API server yet",
        hint="It tries again by itself. If it lasts, look at the node's kubelet and its way to the API server.",
        weight=Weight.LIKELY,
    ),
    Rule(
        kind="name-reserved",
        words=r"name \"?.{1,300} is reserved for|container name .{1,300} already in use",
        because="an earlier attempt to make container {container} still holds its name",
        hint="The node's container runtime is slow or stuck; look at its disk and load, restart it if it lasts.",
    ),
    Rule(
        kind="invalid-path",
        words=r"failed to prepare subPath|subPath|must not contain '\.\.'",
        because="a subPath of a volume of container {container} cannot be used",
        hint="Check that the subPath exists in the volume, is relative and without '..'.",
    ),
    Rule(
        kind="invalid-variable",
        words=r"couldn't find field|unsupported (?:fieldPath|container resource)|invalid environment",
        because="an environment variable of container {container} refers to what does not exist",
        hint="Correct the variable's valueFrom.",
    ),
)


def findings(facts: Facts) -> Iterator[Finding]:
    """Find why a container could not be made or started, one finding for each such container."""
    for container in facts.containers:
        run = container.last_run
        ended = run is not None and run.reason in REASONS and container.state != "running"
        if container.reason not in REASONS and not ended:
            continue
        message = container.message if container.reason in REASONS else (run.message if run else "")
        yield _hook(container.name, message) or _judged(facts, container.name, message or (run.message if run else ""))


def _judged(facts: Facts, name: str, message: str) -> Finding:
    texts = [message, *(event.message for event in latest(facts.events, "Failed"))]
    for text in texts:
        found = first((*RULES, *oci.RULES), text, what=WHAT, container=name)
        if found:
            return found
    slow = "context deadline exceeded" in message
    clause = "was not made in time: the node is slow or its container runtime stuck" if slow else "could not be made"
    return Finding(
        kind="container-not-created",
        what=WHAT,
        because=f"container {named(name)} {clause}",
        hint="See the runtime's words; the pod's events may hold more.",
        weight=Weight.LIKELY,
        said=message,
    )


def _hook(name: str, message: str) -> Finding | None:
    if "PostStart" not in message and "lifecycle hook" not in message:
        return None
    return Finding(
        kind="hook-failed",
        what=WHAT,
        because=f"the postStart hook of container {named(name)} failed, so the kubelet ended the container",
        hint="Run the hook's command by hand in the image; correct it or make it tolerate what it meets.",
        said=message,
    )
