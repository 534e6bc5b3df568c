"""Why an image does not arrive: what registries, containerd, CRI-O, dockerd and Podman say about it."""

from __future__ import annotations

from collections.abc import Iterator

from runtimes.causes.facts import ContainerFacts, Facts
from runtimes.causes.finding import Finding, Rule, Weight, first, latest
from runtimes.causes.words import named

WHAT = "cannot start"

REASONS = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
    | {"RegistryUnavailable", "SignatureValidationFailed"}
)
"""Waiting reasons of the kubelet that are about an image (pkg/kubelet/images/types.go and the CRI errors)."""

_IMAGE = "the image {image} of container {container} "

RULES = (
    Rule(
        kind="image-rate-limit",
        words=r"toomanyrequests|rate limit|429 Too Many Requests|pull QPS exceeded",
        because="the registry refuses more pulls of {image} at the moment: its rate limit is reached",
        hint="Wait for the limit to pass, log in to the registry (imagePullSecrets), or use a mirror.",
    ),
    Rule(
        kind="image-wrong-platform",
        words=r"no match(?:ing manifest)? for (?:platform|(?P<platform>[\w./-]{3,60}))|no image found in manifest list",
        because=_IMAGE + "exists, but not for this node's platform: {platform}",
        hint="Build the image for this platform too, or pin the pod to nodes that fit (kubernetes.io/arch).",
    ),
    Rule(
        kind="image-name-invalid",
        words=r"invalid reference format|couldn't parse image|InvalidImageName|repository name must be lowercase"
        r"|invalid tag|Failed to apply default image tag",
        because=_IMAGE + "has a name that is not valid",
        hint="Correct the image name: registry/repository:tag, lower case, no spaces, no https://.",
    ),
    Rule(
        kind="image-never-pulled",
        words=r"not present with pull policy of Never|ErrImageNeverPull",
        because=_IMAGE + "is not on the node, and its pull policy Never forbids to fetch it",
        hint="Load the image onto the node, or set imagePullPolicy to IfNotPresent.",
    ),
    Rule(
        kind="registry-certificate",
        words=r"(?:tls: failed to verify certificate: )?x509: (?P<why>[^\"\n]{1,150})"
        r"|tls: failed to verify|HTTP response to HTTPS client|remote error: tls",
        because="the certificate of the registry of {image} is not accepted: {why}",
        hint="Install the registry's CA on the nodes, renew its certificate, or allow it as an insecure registry.",
    ),
    Rule(
        kind="registry-name",
        words=r"lookup (?P<host>[^\s:]{1,253})(?: on \S{1,100})?: (?:no such host|server misbehaving|i/o timeout"
        r"|Temporary failure|read udp)|no such host",
        because="the name of the registry of {image} cannot be resolved: {host}",
        hint="Check the registry's name in the image, and the DNS of the node.",
    ),
    Rule(
        kind="registry-unreachable",
        words=r"connection refused|i/o timeout|no route to host|network is unreachable|TLS handshake timeout"
        r"|Client\.Timeout exceeded|context deadline exceeded|connection reset by peer|RegistryUnavailable"
        r"|50[0234] (?:Bad Gateway|Service|Gateway|Internal)|unexpected EOF|proxyconnect",
        because="the registry of {image} does not answer",
        hint="Check from the node whether the registry can be reached: firewall, proxy, or the registry itself.",
    ),
    Rule(
        kind="image-not-authorised",
        words=r"may require (?:authorization|'docker login')|unauthori[sz]ed|401 Unauthorized|status(?: code)?:? 401"
        r"|403 Forbidden|no basic auth|authentication required|insufficient_scope|authorization failed"
        r"|requested access to the resource is denied|invalid username/password",
        because="the registry does not let this node have {image}: it needs a login, or the repository does not exist",
        hint="Check the repository's name, then the credentials: imagePullSecrets in the pod's namespace, or a login.",
    ),
    Rule(
        kind="image-not-found",
        words=r"manifest (?:for .{1,300})?(?:not found|unknown)|MANIFEST_UNKNOWN|NAME_UNKNOWN"
        r"|repository .{1,300}not found|failed to resolve reference .{1,600}not found|no such image|name unknown"
        r"|: not found",
        because=_IMAGE + "does not exist in its registry",
        hint="Check name and tag; if the tag was removed or never pushed, push it or name one that exists.",
    ),
    Rule(
        kind="disk-full",
        words=r"no space left on device",
        because="the disk of the node is full, so that {image} cannot be unpacked",
        hint="Free disk on the node: unused images, logs, or a larger disk.",
    ),
    Rule(
        kind="image-signature",
        words=r"SignatureValidationFailed|signature|not allowed by policy",
        because=_IMAGE + "is refused for its signature",
        hint="Sign the image with a key that the node's policy trusts, or correct the policy.",
    ),
    Rule(
        kind="image-format",
        words=r"schema ?1|unsupported media type|mediaType|failed to register layer|unpack|archive/tar|digest",
        because=_IMAGE + "cannot be used: its format or content is broken or too old",
        hint="Build and push the image again with a current tool.",
    ),
)


def findings(facts: Facts) -> Iterator[Finding]:
    """Find why an image is not there, by container; without words on it, say that it is."""
    for container in facts.containers:
        if container.reason in REASONS or _engine_pull(facts, container):
            yield _judged(facts, container)
    pulling = next(latest(facts.events, "Pulling", "Pulled"), None)
    waiting = any(container.reason in ("ContainerCreating", "PodInitializing") for container in facts.containers)
    if waiting and pulling is not None and pulling.reason == "Pulling":
        yield Finding(
            kind="image-pulling",
            what="is still starting",
            because="an image is being pulled",
            hint="Wait; a large image or a slow registry takes minutes. The event tells when it began.",
            weight=Weight.GENERAL,
            said=pulling.message,
        )


def _engine_pull(facts: Facts, container: ContainerFacts) -> bool:
    text = facts.engine_error.lower()
    return facts.kind == "container" and container.image != "" and ("pull" in text or "no such image" in text)


def _judged(facts: Facts, container: ContainerFacts) -> Finding:
    names = {"image": container.image or "(unnamed)", "container": container.name}
    for text in _texts(facts, container):
        found = first(RULES, text, what=WHAT, **names)
        if found:
            return found
    found = first(RULES, container.reason, what=WHAT, **names)
    return found or Finding(
        kind="image-pull",
        what=WHAT,
        because=f"the image {named(names['image'])} of container {named(container.name)} cannot be pulled",
        hint="The reason is in the pod's earlier events; delete the pod to see a fresh attempt.",
        weight=Weight.LIKELY,
        said=container.message,
    )


def _texts(facts: Facts, container: ContainerFacts) -> Iterator[str]:
    """Give the words on a container's image, most specific first: a back-off says nothing, the failure before does."""
    yield container.message
    yield facts.engine_error
    for event in latest(facts.events, "Failed", "InspectFailed", "ErrImageNeverPull"):
        if container.image and container.image in event.message:
            yield event.message
