"""Why a volume is not there for a pod that has a node: mounting and attaching, in the words of kubelet and drivers."""

from __future__ import annotations

from collections.abc import Iterator

from runtimes.causes.facts import Facts
from runtimes.causes.finding import Finding, Rule, Weight, first, latest

WHAT = "cannot start"

_VOLUME = r"(?:for volume \"(?P<volume>[^\"]{1,253})\".{0,200})?"

RULES = (
    Rule(
        kind="multi-attach",
        words=r"Multi-Attach error for volume \"(?P<volume>[^\"]{1,253})\""
        r"(?:.{0,100}used by pod\(s\) (?P<users>.{1,253}))?",
        because="its volume {volume} is still attached to another node: {users}",
        hint="End the pod that uses the volume (with strategy Recreate), or wait until its dead node has let it go.",
    ),
    Rule(
        kind="volume-timeout",
        words=r"(?:unmounted|unattached|failed to process) volumes=\[(?P<volume>[^\]]{1,253})\]",
        because="its volume is not mounted in time: {volume}",
        hint="Earlier events name the reason; else look at the storage driver on the node.",
        weight=Weight.LIKELY,
    ),
    Rule(
        kind="configmap-missing",
        words=_VOLUME + r"configmap \"(?P<name>[^\"]{1,253})\" not found",
        because="the ConfigMap {name} for its volume {volume} does not exist in its namespace",
        hint="Create the ConfigMap, or correct its name in the volume.",
    ),
    Rule(
        kind="secret-missing",
        words=_VOLUME + r"secret \"(?P<name>[^\"]{1,253})\" not found",
        because="the Secret {name} for its volume {volume} does not exist in its namespace",
        hint="Create the Secret, or correct its name in the volume.",
    ),
    Rule(
        kind="configmap-key-missing",
        words=r"references non-existent config key: (?P<key>[^\s,]{1,253})",
        because="a ConfigMap that it mounts has no key {key}",
        hint="Add the key to the ConfigMap, or correct the volume's items.",
    ),
    Rule(
        kind="secret-key-missing",
        words=r"references non-existent secret key: (?P<key>[^\s,]{1,253})",
        because="a Secret that it mounts has no key {key}",
        hint="Add the key to the Secret, or correct the volume's items.",
    ),
    Rule(
        kind="claim-missing",
        words=r"persistentvolumeclaim \"(?P<name>[^\"]{1,253})\" not found",
        because="its volume claim {name} does not exist",
        hint="Create the claim, or correct its name in the pod.",
    ),
    Rule(
        kind="host-path",
        words=r"hostPath type check failed: (?P<path>\S{1,253}) (?P<why>.{1,100})",
        because="the path {path} of the node {why}",
        hint="Create the path on the node, or correct the hostPath's type.",
    ),
    Rule(
        kind="driver-missing",
        words=r"driver name (?P<driver>\S{1,253}) not found in the list|no volume plugin matched",
        because="the storage driver {driver} does not run on its node",
        hint="Check the pods of the CSI driver on that node (usually a DaemonSet in kube-system).",
    ),
    Rule(
        kind="mount-refused",
        words=r"access denied by server|mount\.nfs: (?P<why>.{1,150})|permission denied|Operation not permitted",
        because="the storage server refuses to let the node mount its volume: {why}",
        hint="Check the export and its allowed clients, the credentials, and the node's NFS or storage client.",
    ),
    Rule(
        kind="filesystem-damaged",
        words=r"wrong fs type|bad superblock|fsck found errors|structure needs cleaning|mount point busy",
        because="the file system of its volume cannot be mounted: it is damaged, of another type, or busy",
        hint="Check the volume with the storage's tools before anything writes to it; have a backup at hand.",
    ),
    Rule(
        kind="token-failed",
        words=r"failed to fetch token|serviceaccount \"(?P<account>[^\"]{1,253})\" not found",
        because="its service account token cannot be made: {account}",
        hint="Check that the service account exists, and that the node reaches the API server.",
    ),
    Rule(
        kind="attach-failed",
        words=r"AttachVolume\.(?:Attach|FindAttachablePluginBySpec) failed for volume \"(?P<volume>[^\"]{1,253})\"",
        because="its volume {volume} cannot be attached to the node",
        hint="See the driver's words: the disk may be gone, in another zone, or the node at its limit of disks.",
    ),
    Rule(
        kind="mount-failed",
        words=r"(?:MountVolume|MapVolume|Mount)\S{0,40} failed" + _VOLUME,
        because="its volume {volume} cannot be mounted",
        hint="See the quoted words of the kubelet or storage driver.",
    ),
)

_REASONS = ("FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedBinding", "ProvisioningFailed")
_SEEN_MAX = 10
"""The newest events are looked at; a stuck mount repeats the same two messages for hours."""


def findings(facts: Facts) -> Iterator[Finding]:
    """Find what keeps the volumes of a pod from it, while none of its containers has started."""
    if facts.kind != "pod" or any(container.state == "running" and container.ready for container in facts.containers):
        return
    if not any(container.state in ("waiting", "") for container in facts.containers) and facts.containers:
        return
    for _, event in zip(range(_SEEN_MAX), latest(facts.events, *_REASONS), strict=False):
        found = first(RULES, event.message, what=WHAT)
        if found:
            yield found
        else:
            yield Finding(
                kind="volume-failed",
                what=WHAT,
                because="one of its volumes is not ready",
                hint="See the quoted words of the kubelet or storage driver.",
                weight=Weight.LIKELY,
                said=event.message,
            )
