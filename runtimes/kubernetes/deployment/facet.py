"""The Deployment tab: the workloads of a service as they are deployed, how far their rollouts are, and their revisions.

It reads, judges and hands changes on to `changes`; what it shows of a rollout is what the cluster and its pods say, and
nothing is remembered of what was done here. A workload of another service is Missing, as if it were not there.
"""

from __future__ import annotations

from runtimes.base import Scope
from runtimes.changes import Change
from runtimes.deployment import Deployed, DeployedList, Manifest, Revision
from runtimes.kubernetes import changes
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.changes.found import find, revision_of
from runtimes.kubernetes.deployment import deployed, manifests, revisions
from runtimes.kubernetes.deployment.reads import WorkloadReads
from runtimes.kubernetes.deployment.reasons import Reasons
from runtimes.kubernetes.deployment.rollouts import judging, pods
from runtimes.kubernetes.deployment.rollouts.counts import tells_by_events
from runtimes.kubernetes.deployment.rollouts.look import ROLLED
from runtimes.kubernetes.objects.workloads import DeployedObject
from runtimes.kubernetes.scoped import checked
from runtimes.kubernetes.together import Together
from runtimes.kubernetes.watching.kept import KeptLists
from runtimes.kubernetes.watching.live import LivePods
from runtimes.kubernetes.workloads.around import Around
from runtimes.kubernetes.workloads.summary import PASSING
from runtimes.planning import Applied, Plan, Progress


class WorkloadDeployment:
    """The workloads of a service."""

    def __init__(self, client: Client, together: Together, live: LivePods, kept: KeptLists) -> None:
        self.verbs = changes.verbs()
        self._client = client
        self._reads = WorkloadReads(client, together, live, kept)
        self._reasons = Reasons(client, together)

    def list(self, scope: Scope) -> DeployedList:
        """Give all workloads with their revisions, but for those that another one made. Raise RuntimeProblem."""
        read = self._reads.all(checked(scope))
        items = tuple(deployed.deployed(known, kind, read.around) for kind, known in read.workloads)
        numbered = {
            each.id: revisions.revisions(known, kind, read.around)
            for each, (kind, known) in zip(items, read.workloads, strict=True)
            if kind not in ROLLED or kind in read.revised
        }
        return DeployedList(items=items, as_of=read.around.now, notes=read.notes, revisions=numbered)

    def get(self, scope: Scope, workload: str) -> Deployed:
        """Read one workload, with what its rollout waits for looked into. Raise Missing, Invalid, RuntimeProblem."""
        if (steady := self._reads.steady(checked(scope), workload)) is not None:
            kind, standing, about = steady
            return deployed.deployed(standing, kind, about)
        found = find(self._client, scope, workload)
        known, around = self._reads.one(found, scaled=True)
        stands = self._progress(known, found.kind, around, generation=0)
        return deployed.deployed(known, found.kind, around, progress=stands)

    def revisions(self, scope: Scope, workload: str) -> tuple[Revision, ...]:
        """List the revisions, newest first. Raise Missing, Invalid, RuntimeProblem."""
        if (steady := self._reads.steady(checked(scope), workload)) is not None:
            kind, standing, about = steady
            return revisions.revisions(standing, kind, about) if kind in ROLLED else ()
        found = find(self._client, scope, workload)
        if found.kind not in ROLLED:
            return ()
        known, around = self._reads.numbered(found)
        return revisions.revisions(known, found.kind, around)

    def manifest(self, scope: Scope, workload: str) -> Manifest:
        """Give a workload as YAML: it may hold values of an environment. Raise Missing, Invalid, RuntimeProblem."""
        found = find(self._client, scope, workload)
        text = manifests.manifest(found.document)
        return Manifest(workload=f"{found.kind.lower()}.{found.name}", text=text, revision=revision_of(found.document))

    def manifest_after(self, scope: Scope, change: Change) -> Manifest:
        """Give the manifest that a change would leave, without what the cluster adds. Raise RuntimeProblem."""
        found, document = changes.becoming(self._client, scope, change)
        text = manifests.manifest(document)
        return Manifest(workload=f"{found.kind.lower()}.{found.name}", text=text, revision=revision_of(found.document))

    def progress(self, scope: Scope, workload: str, *, generation: int = 0) -> Progress:
        """Say how far the rollout of at least this generation is. Raise Missing, Invalid, RuntimeProblem."""
        found = find(self._client, scope, workload)
        known, around = self._reads.one(found, scaled=False)
        return self._progress(known, found.kind, around, generation=generation)

    def plan(self, scope: Scope, change: Change) -> Plan:
        """Say what a change would do, checked by a dry run. Raise RuntimeProblem for what it is refused with."""
        return changes.plan(self._client, scope, change)

    def apply(self, scope: Scope, change: Change, *, revision: str = "") -> Applied:
        """Do a change, once. Raise Stale when the workload is no longer at `revision`, and any RuntimeProblem."""
        return changes.apply(self._client, scope, change, revision=revision)

    def _progress(self, known: DeployedObject, kind: str, around: Around, *, generation: int) -> Progress:
        if kind in PASSING:
            return judging.progress(known, kind, around)
        blocking = pods.blocking(pods.members(known, kind, around), kind)
        return judging.progress(
            known,
            kind,
            around,
            generation=generation,
            explained=self._reasons.of(known.metadata.namespace, blocking),
            refused=self._reasons.refused(known, kind) if tells_by_events(known, kind) else "",
        )
