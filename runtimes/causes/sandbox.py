"""Why a pod has no sandbox (its network and namespaces): CNI plugins, addresses, runtime classes."""

from __future__ import annotations

from collections.abc import Iterator

from runtimes.causes.facts import Facts
from runtimes.causes.finding import Finding, Rule, Weight, first, latest

WHAT = "cannot start"

RULES = (
    Rule(
        kind="no-address-left",
        words=r"no IP addresses available|failed to (?:assign|allocate) an? (?:IP|address)|failed to allocate for range"
        r"|InsufficientFreeAddresses|IP address.{0,40}exhausted",
        because="its node has no pod address left to give",
        hint="Remove finished pods from the node, enlarge the pod network or subnet, or use another node.",
    ),
    Rule(
        kind="network-not-ready",
        words=r"network is not ready|NetworkPluginNotReady|cni (?:config|plugin) (?:uninitialized|not initialized)"
        r"|no networks? found in /etc/cni",
        because="the pod network of its node is not ready: the network plugin (CNI) has not started there",
        hint="Look at the network plugin's pod on that node (a DaemonSet, often in kube-system).",
    ),
    Rule(
        kind="runtime-class",
        words=r"no runtime for \"(?P<runtime>[^\"]{1,253})\" is configured"
        r"|RuntimeHandler \"(?P<other>[^\"]{1,253})\" not",
        because="its node does not have the container runtime {runtime}{other} that its RuntimeClass names",
        hint="Install that runtime on the node, or schedule the pod to nodes that have it.",
    ),
    Rule(
        kind="pause-image",
        words=r"(?:pull|get sandbox) image \"(?P<image>[^\"]{1,253})\"",
        because="its node cannot pull {image}, the image that every pod starts with",
        hint="Check the node's way to that registry, or configure a mirror for the sandbox image.",
    ),
    Rule(
        kind="disk-full",
        words=r"no space left on device",
        because="the disk of its node is full",
        hint="Free disk on the node: unused images, logs, or a larger disk.",
    ),
    Rule(
        kind="network-failed",
        words=r"plugin type=\\?\"?(?P<plugin>[\w-]{1,100})",
        because="its network cannot be set up: the network plugin {plugin} failed",
        hint="Look at the network plugin's pod and log on that node; its words are quoted.",
    ),
    Rule(
        kind="network-failed",
        words=r"networkPlugin cni failed|failed to set ?up network|CNI",
        because="its network cannot be set up: the network plugin failed",
        hint="Look at the network plugin's pod and log on that node; its words are quoted.",
    ),
)


def findings(facts: Facts) -> Iterator[Finding]:
    """Find why a pod's sandbox cannot be made, while none of its containers runs."""
    if facts.kind != "pod" or any(container.state == "running" for container in facts.containers):
        return
    for event in latest(facts.events, "FailedCreatePodSandBox", "NetworkNotReady", "FailedPodSandBoxStatus"):
        yield first(RULES, event.message, what=WHAT) or Finding(
            kind="sandbox-failed",
            what=WHAT,
            because="its sandbox (network and namespaces) cannot be made on its node",
            hint="See the quoted words of the node's container runtime.",
            weight=Weight.LIKELY,
            said=event.message,
        )
        return
