"""The pods of a service out of memory: one live collection for each namespace, narrowed to the service here.

What is changed or looked at one by one is still read from the API server: a list may be a moment old, a deletion must
not be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from time import monotonic

from runtimes import memory
from runtimes.base import Counts, Scope, Snapshot
from runtimes.interest import Interest
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.objects.held import HeldPod
from runtimes.kubernetes.scoped import checked
from runtimes.kubernetes.selectors import matcher
from runtimes.kubernetes.watching.pods import PodSource
from runtimes.reflectors import Key, Reflectors
from runtimes.watch import Reflector
from runtimes.watched import Pace

SETTLE_MAX_S = 1.0
"""How long a deletion waits until lists show it: a person who deletes looks at the list next."""


class LivePods:
    """The live pods of one cluster. `given_back` is called with a namespace that nobody looks at any more."""

    def __init__(
        self,
        client: Client,
        runtime: str,
        *,
        pace: Pace | None = None,
        given_back: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._given_back = given_back
        self._reflectors: Reflectors[HeldPod] = Reflectors(runtime, pace=pace, given_back=self._rest)

    def whole(self, scope: Scope) -> Snapshot[HeldPod]:
        """Give all pods of a service's namespace: the first time after a list, then at once. Raise RuntimeProblem."""
        return self._of(scope).read()

    def read(self, scope: Scope) -> Snapshot[HeldPod]:
        """Give the pods of a service, likewise. Raise RuntimeProblem."""
        snapshot = self.whole(scope)
        return replace(snapshot, items=selected(snapshot.items, scope.selector))

    def watch(self, scope: Scope) -> Interest:
        """Keep the pods of a service current until that is closed; waits for nothing. Raise Unavailable when closed."""
        return self._of(scope).watch()

    def stir(self, namespace: str) -> None:
        """Tell who waits for news of a namespace that something else about its pods is new."""
        if (known := self._reflectors.there(_key(namespace))) is not None:
            known.stir()

    def warm(self, scope: Scope) -> bool:
        """Say whether the namespace is being kept."""
        known = self._reflectors.there(_key(scope.namespace))
        return known is not None and known.running

    def deleted(self, namespace: str, pods: Iterable[HeldPod]) -> None:
        """Wait a moment until lists show what has just been deleted."""
        known = self._reflectors.there(_key(namespace))
        deadline = monotonic() + SETTLE_MAX_S
        for pod in pods:
            if known is not None:
                known.settle(pod.metadata.name, _leaving(pod.metadata.uid), within_s=max(0.0, deadline - monotonic()))

    def counts(self) -> Counts:
        """Say how much is kept, and how old it is."""
        return self._reflectors.counts()

    def close(self) -> None:
        """End every watch. May be called twice."""
        self._reflectors.close()

    def _of(self, scope: Scope) -> Reflector[HeldPod]:
        namespace = checked(scope).namespace
        return self._reflectors.of(_key(namespace), lambda: PodSource(self._client, namespace))

    def _rest(self, key: Key) -> None:
        self._given_back(key[0])
        memory.give_back()


def selected(pods: tuple[HeldPod, ...], selector: str) -> tuple[HeldPod, ...]:
    """Give those whose labels a selector accepts."""
    if not selector:
        return pods
    accepts = matcher(selector)
    return tuple(pod for pod in pods if accepts(pod.metadata.labels or {}))


def _key(namespace: str) -> Key:
    return namespace, "pods"


def _leaving(uid: str) -> Callable[[HeldPod | None], bool]:
    def seen(pod: HeldPod | None) -> bool:
        return pod is None or pod.metadata.uid != uid or pod.metadata.deletion_timestamp is not None

    return seen
