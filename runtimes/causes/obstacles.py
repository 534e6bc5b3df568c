"""What rules a node out, in the scheduler's words and in ours: a table.

Sources: the ErrReason constants of kube-scheduler's plugins, releases 1.20 to 1.36. Order matters: special first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runtimes.causes.words import sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """`about_nodes` follows a number of nodes (`{are}`, `{have}`, `{do}` agree with it); `about_pod` stands alone."""

    kind: str
    words: str
    about_nodes: str
    hint: str
    about_pod: str = ""

    def clause(self, nodes: int | None, fields: Mapping[str, str]) -> str:
        """Say it within the sentence, after "of 5 nodes,"."""
        if nodes is None or self.about_pod:
            return (
                (self.about_pod or f"nodes {self.about_nodes}")
                .format(are="are", have="have", do="do", **fields)
                .strip()
            )
        one = nodes == 1
        agreed = {"are": "is" if one else "are", "have": "has" if one else "have", "do": "does" if one else "do"}
        return f"{nodes} " + self.about_nodes.format(**agreed, **fields).strip()

    def detail(self, nodes: int | None, total: int | None, fields: Mapping[str, str]) -> str:
        """Say it as a sentence of its own."""
        clause = self.clause(nodes, fields)
        if nodes is None or total is None or self.about_pod:
            return sentence(clause)
        return sentence(clause.replace(f"{nodes} ", f"{nodes} of {total} {'node' if total == 1 else 'nodes'} ", 1))


OBSTACLES = (
    Obstacle(
        kind="insufficient",
        words=r"Insufficient (?P<resource>[^\s,]{1,253}?)\.?$",
        about_nodes="{are} short of {resource}",
        hint="Ask for less, free room by removing or moving other pods, or add a node.",
    ),
    Obstacle(
        kind="too-many-pods",
        words=r"Too many pods",
        about_nodes="{have} as many pods as allowed",
        hint="Remove pods, raise the kubelet's limit of pods (maxPods), or add a node.",
    ),
    Obstacle(
        kind="node-not-ready",
        words=r"taint \{node\.kubernetes\.io/(?:not-ready|unreachable)[^}]*\}|(?:were|was) not ready|NodeNotReady",
        about_nodes="{are} not ready",
        hint="Look at these nodes: kubelet, network and disk. Pods go there again once they are ready.",
    ),
    Obstacle(
        kind="node-pressure",
        words=r"taint \{node\.kubernetes\.io/(?P<pressure>memory-pressure|disk-pressure|pid-pressure)|"
        r"had (?P<older>\w+ ?pressure)",
        about_nodes="{have} {pressure}{older}",
        hint="Free memory, disk or processes on these nodes; the taint goes away by itself.",
    ),
    Obstacle(
        kind="node-cordoned",
        words=r"taint \{node\.kubernetes\.io/unschedulable|were unschedulable|was unschedulable",
        about_nodes="{are} cordoned",
        hint="If maintenance is over, uncordon the node (kubectl uncordon).",
    ),
    Obstacle(
        kind="node-not-initialised",
        words=r"taint \{node\.cloudprovider\.kubernetes\.io/uninitialized",
        about_nodes="{are} not initialised by the cloud provider yet",
        hint="Check that the cloud controller manager runs; it removes this taint.",
    ),
    Obstacle(
        kind="untolerated-taint",
        words=r"taint(?:\(s\))? ?\{(?P<taint>[^}]*)\}",
        about_nodes="{have} the taint {taint} that it does not tolerate",
        hint="Add a toleration for the taint if the pod belongs there, or remove the taint from a node.",
    ),
    Obstacle(
        kind="untolerated-taint",
        words=r"untolerated taint|taint.*didn't tolerate",
        about_nodes="{have} a taint that it does not tolerate",
        hint="See the taints of the nodes (kubectl describe node); add a toleration if the pod belongs there.",
    ),
    Obstacle(
        kind="node-selector",
        words=r"didn't match (?:Pod's node affinity|node selector)",
        about_nodes="{do} not match its node selector or node affinity",
        hint="Compare the labels that the pod wants with those of the nodes; correct the selector or label a node.",
    ),
    Obstacle(
        kind="node-name",
        words=r"didn't match the requested (?:hostname|node name)",
        about_nodes="{are} not the node that it names",
        hint="The pod sets spec.nodeName to a node that does not exist or cannot take it.",
    ),
    Obstacle(
        kind="host-port",
        words=r"free ports for the requested pod ports",
        about_nodes="{have} its host port in use already",
        hint="Only one pod per node can have a host port: use a Service instead, or fewer replicas than nodes.",
    ),
    Obstacle(
        kind="anti-affinity",
        words=r"anti-affinity rules",
        about_nodes="{are} ruled out by pod anti-affinity",
        hint="There are more replicas than places that the anti-affinity allows: add nodes or make it preferred.",
    ),
    Obstacle(
        kind="pod-affinity",
        words=r"match pod affinity rules|satisfy existing pods|pod affinity/anti-affinity",
        about_nodes="{are} ruled out by pod affinity",
        hint="The pod wants to be near pods that run nowhere it may go; check its affinity labels.",
    ),
    Obstacle(
        kind="topology-spread",
        words=r"topology spread constraints(?P<label> \(missing required label\))?",
        about_nodes="{are} ruled out by its topology spread constraints {label}",
        hint="Another zone or node must take pods first, or maxSkew must be larger; nodes need the topology label.",
    ),
    Obstacle(
        kind="volume-node-affinity",
        words=r"volume node affinity conflict|PersistentVolume's node affinity|no available volume zone",
        about_nodes="{are} not where its volume is",
        hint="The volume exists in one zone or on one node only: a node there must have room for the pod.",
    ),
    Obstacle(
        kind="claim-unbound",
        words=r"unbound immediate PersistentVolumeClaims",
        about_nodes="",
        about_pod="one of its volume claims is not bound",
        hint="See the claim's events: the storage class may not exist, or its provisioner may fail.",
    ),
    Obstacle(
        kind="claim-unbound",
        words=r"didn't find available persistent volumes",
        about_nodes="{have} no free volume for its claim",
        hint="Create a PersistentVolume that fits the claim, or give the claim a class that provisions one.",
    ),
    Obstacle(
        kind="claim-missing",
        words=r'persistentvolumeclaim "(?P<claim>[^"]{1,253})" not found',
        about_nodes="",
        about_pod="its volume claim {claim} does not exist",
        hint="Create the claim, or correct its name in the pod.",
    ),
    Obstacle(
        kind="claim-deleted",
        words=r'persistentvolumeclaim "(?P<claim>[^"]{1,253})" is being deleted',
        about_nodes="",
        about_pod="its volume claim {claim} is being deleted",
        hint="Wait until the claim is gone and create it anew, from a backup where the data matters.",
    ),
    Obstacle(
        kind="volume-missing",
        words=r"bound to non-existent (?:pv|persistentvolume)",
        about_nodes="",
        about_pod="its claim is bound to a volume that does not exist",
        hint="Restore the PersistentVolume, or delete the claim and restore the data into a new one.",
    ),
    Obstacle(
        kind="volume-limit",
        words=r"exceed max volume count",
        about_nodes="{have} as many volumes attached as possible",
        hint="Add a node, or move other pods with volumes away.",
    ),
    Obstacle(
        kind="storage-full",
        words=r"enough free storage",
        about_nodes="{have} not enough free storage for its volume",
        hint="Free space in the storage pool, or ask for a smaller volume.",
    ),
    Obstacle(
        kind="storage-class-missing",
        words=r'storageclass\S* "(?P<class_name>[^"]{1,253})" not found',
        about_nodes="",
        about_pod="the storage class {class_name} does not exist",
        hint="Correct the claim's storageClassName, or install that class.",
    ),
    Obstacle(
        kind="resource-claim",
        words=r"resource ?claims?|cannot allocate all claims|devices? (?:class|not available)",
        about_nodes="",
        about_pod="a device that it claims cannot be allocated",
        hint="See the pod's ResourceClaims: their device class, and whether a driver offers such a device.",
    ),
    Obstacle(
        kind="no-nodes",
        words=r"no nodes available to schedule pods",
        about_nodes="",
        about_pod="the cluster has no node that can take pods",
        hint="Add a node, or find out why the nodes have gone.",
    ),
    Obstacle(
        kind="volume-binding",
        words=r"(?:binding volumes|PreBind).*timed out",
        about_nodes="",
        about_pod="binding its volumes took too long",
        hint="See the events of its volume claims: the provisioner may be slow or failing.",
    ),
    Obstacle(
        kind="priority-class",
        words=r'priorityclass\S* "(?P<class_name>[^"]{1,253})" not found',
        about_nodes="",
        about_pod="the priority class {class_name} does not exist",
        hint="Create the priority class, or correct its name in the pod.",
    ),
)
